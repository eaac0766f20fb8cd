#!/usr/bin/env bash
# pack.sh ROOT VERSION ARCHITECTURE FOLDER STRIP OUT: a deken package of the
# externals in FOLDER (as `make pd` leaves it), beside it the list of its
# objects and its checksum. STRIP: the architecture's strip. Sources instead of
# an architecture: FOLDER is the checkout. The same input gives the same bytes.
# Only what the tools of Linux and of macOS have in common is used.
set -eu
root=$1 version=$2 architecture=$3 folder=$4 strip=$5 out=$6
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
package="$out/mlinfer[v$version]($architecture).dek"
mkdir -p "$work/mlinfer" "$out"

if [ "$architecture" = Sources ]; then
    cd "$root"
    { git ls-files -z 2>/dev/null || find . -type f -not -path './.git/*' \
        -not -path './build/*' -print0; } |
        tar --null -T - -cf - | tar -xf - -C "$work/mlinfer"
else
    cp -R "$folder/." "$work/mlinfer"
    find "$work/mlinfer" \( -name '*.pd_*' -o -name '*.so' -o -name '*.dll' \) \
        -exec "$root/packages/strip.sh" "$strip" {} +
fi

# A box's name and what it is, for deken's search: from the help patches of the
# boxes that are there.
for help in "$root"/help-patches/*-help.pd; do
    name=$(basename "$help" -help.pd)
    [ "$name" = mlinfer-learn ] && continue # a way to use [mlinfer]
    printf '%s\t%s\n' "$name" "$(sed -n \
        's/^#X text [0-9]* [0-9]* DESCRIPTION \(.*\);$/\1/p' "$help")"
done >"$package.txt"

# Since 1980, as zip counts; and always the same.
cd "$work"
since=${SOURCE_DATE_EPOCH:-946684800}
stamp=$(date -u -d "@$since" +%Y%m%d%H%M.%S 2>/dev/null ||
    date -u -r "$since" +%Y%m%d%H%M.%S)
find mlinfer -exec env TZ=UTC touch -h -t "$stamp" {} +
rm -f "$package"
find mlinfer -type f | LC_ALL=C sort | TZ=UTC zip -q -X -@ "$work/package.zip"
mv "$work/package.zip" "$package"
cd "$out"
sum=$(command -v sha256sum || echo "shasum -a 256")
printf '%s' "$($sum <"$package" | cut -d' ' -f1)" >"$package.sha256"
