#!/usr/bin/env bash
# Flat cost, counted in instructions, once the first blocks are over: the worst
# block of a stream whose rates are all 1 costs at most 1.1 times the median, and
# so does that of others, where blocks are whole hops or the work of a hop is
# spread.
: "${MLI_BUILD:?is not set: run the tests with make check}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/tap.sh"

command -v valgrind >/dev/null || skip_all "flat cost" "there is no valgrind"

mkdir "$work/models"
"$MLI_BUILD/tests/pd-models" "$work/models" || exit 1

# flat MODEL BLOCK SKIP COUNT: of COUNT blocks after the first SKIP ones
flat() {
    local name="$1 costs the same in all blocks of $2"
    local calls=$(($3 + $4)) figures
    rm -f "$work"/count*
    "$MLI_BUILD/tests/pd-models" -wav "$work/in.wav" $((calls * $2))
    if ! valgrind --tool=callgrind --dump-after=mli_process \
        --callgrind-out-file="$work/count" "$MLI_BUILD/mlinfer" \
        run "$work/models/$1.bin" --wav "$work/in.wav" -o "$work/out.wav" \
        --block "$2" >"$work/log" 2>&1; then
        fail "$name" "$(tail -n 1 "$work/log")"
        return
    fi
    figures=$(for i in $(seq $(($3 + 1)) $calls); do
        awk '/^(summary|totals):/ { print $2; exit }' "$work/count.$i"
    done | sort -n | awk '{ n[NR] = $1 } END {
        median = n[int((NR + 1) / 2)]
        printf "%d instructions, at most %d\n", median, n[NR]
        exit NR < '"$4"' || n[NR] > 1.1 * median }')
    if [ $? -eq 0 ]; then
        pass "$name ($figures)"
    else
        fail "$name" "$figures"
    fi
}

flat strided 16 10 16
flat strided 32 6 8
flat strided 64 4 8
flat convnet 16 66 32
flat convnet 32 34 16
flat convnet 64 18 8

# even MODEL BLOCK: of 60 blocks after the first 20, the instructions in
# mli_process alone
even() {
    local name="$1 costs the same in all blocks of $2" skip=20 count=60 figures
    local at
    at=$(mktemp -d -p "$work")
    "$MLI_BUILD/tests/pd-models" -wav "$at/in.wav" $(((skip + count) * $2))
    valgrind --tool=callgrind --collect-atstart=no \
        --toggle-collect=mli_process --dump-after=mli_process \
        --callgrind-out-file="$at/count" "$MLI_BUILD/mlinfer" run \
        "$work/set/$1.bin" --wav "$at/in.wav" -o "$at/out.wav" --block "$2" \
        >"$at/log" 2>&1
    if figures=$(for i in $(seq $((skip + 1)) $((skip + count))); do
        awk '/^(summary|totals):/ { print $2; exit }' "$at/count.$i"
    done 2>/dev/null | sort -n | awk '{ n[NR] = $1 } END {
        median = n[int((NR + 1) / 2)]
        printf "%d instructions, at most %.3f times that\n", median,
            NR ? n[NR] / median : 0
        exit NR < '$count' || n[NR] > 1.1 * median }'); then
        pass "$name ($figures)"
    else
        fail "$name" "$figures"
        touch "$work/failed"
    fi
    rm -rf "$at"
}

mkdir "$work/set" && "$MLI_BUILD/tests/model-set" "$work/set" || exit 1
for m in "$work"/set/{nam,conv,lstm,gru}*; do
    "$MLI_BUILD/mlinfer" convert "$m" -o "${m%.*}.bin" >/dev/null || exit 1
done
# Interleaved frames; and rates that differ, with the frames of a hop.
root=${MLI_ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
cp "$root/models/fuzz/fuzz.bin" "$work/set/"
for m in autoencoder encoder; do
    "$MLI_BUILD/mlinfer" convert "$root/tests/goldens/streams/$m/model.onnx" \
        -o "$work/set/$m.bin" >/dev/null || exit 1
done
"$MLI_BUILD/mlinfer" convert "$root/tests/goldens/layers/strided.json" \
    -o "$work/set/strided.bin" >/dev/null || exit 1
hops="fuzz 1 fuzz 16 autoencoder 6 encoder 128 strided 6"

if [ -n "${MLI_LONG:-}" ]; then
    pairs=$(for m in "$work"/set/{nam,conv,lstm,gru}*.bin; do
        for block in 1 2 7 16 37 48 64 100 256; do
            echo "$(basename "$m" .bin) $block"
        done
    done)
else # each size, each kind of model
    pairs="nam-standard 1 nam-standard 16 nam-standard 37 nam-lite 16
        nam-feather 16 nam-nano 1 nam-nano 16 nam-a2-full 1 nam-a2-full 16
        nam-a2-full 64 nam-a2-lite 16 nam-a2-lite 37 conv-stack-16 1
        conv-stack-16 16 conv-stack-16 37 lstm-8 16 lstm-16 64 lstm-40 1
        gru-8 37 gru-16 16 gru-40 1"
fi
# shellcheck disable=SC2086 # pairs of words
set -- $pairs $hops
while [ $# -gt 0 ]; do
    even "$1" "$2" &
    [ $# -gt 2 ] && even "$3" "$4"
    wait
    shift $(($# > 2 ? 4 : 2))
done
[ -e "$work/failed" ] && failed=1
finish
