#!/usr/bin/env bash
# Flat cost: with the work of a hop spread, the worst block costs at most 1.3
# times the median, counted in instructions, once the first hops are over.
: "${MLI_BUILD:?is not set: run the tests with make check}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

if ! command -v valgrind >/dev/null; then
    echo "ok - flat cost # SKIP there is no valgrind"
    exit 0
fi

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
        echo "not ok - $name: $(tail -n 1 "$work/log")"
        failed=1
        return
    fi
    figures=$(for i in $(seq $(($3 + 1)) $calls); do
        awk '/^(summary|totals):/ { print $2; exit }' "$work/count.$i"
    done | sort -n | awk '{ n[NR] = $1 } END {
        median = n[int((NR + 1) / 2)]
        printf "%d instructions, at most %d\n", median, n[NR]
        exit NR < '"$4"' || n[NR] > 1.3 * median }')
    if [ $? -eq 0 ]; then
        echo "ok - $name ($figures)"
    else
        echo "not ok - $name: $figures"
        failed=1
    fi
}

flat strided 16 10 16
flat strided 64 4 8
flat convnet 16 66 32
flat convnet 64 18 8
exit $failed
