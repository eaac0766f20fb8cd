#!/bin/sh
# bela.sh FOLDER STRIP OUT: the folder for Bela from that of the externals (as
# `make armv7` leaves it): a patch, the boxes and the models that it uses, flat.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$1 strip=$2 out=$3
patch=$root/help-patches/bela/_main.pd
rm -rf "$out"
mkdir -p "$out"
cp "$folder"/mlinfer.pd_linux "$folder"/mlinfer~.pd_linux "$patch" \
    "$root/packages/bela/README.txt" "$root/LICENSE" "$out"
for model in "$root"/models/*/*.bin; do
    name=$(basename "$model" .bin)
    if grep -qE "^#X obj [0-9]+ [0-9]+ mlinfer~?( -[^;]*)* $name(\.bin)?[;,]" \
        "$patch"; then
        cp "$model" "$out"
    fi
done
"$root/packages/strip.sh" "$strip" "$out"/mlinfer.pd_linux \
    "$out"/mlinfer~.pd_linux
