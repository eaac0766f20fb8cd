#!/bin/sh
# The shipped models: each .bin is what convert makes of its .onnx, byte for
# byte, and plays what PyTorch played, within 1e-5 of full scale.
ROOT=${MLI_ROOT:-.}
BUILD=${MLI_BUILD:-$ROOT/build}
MLINFER=$BUILD/mlinfer
LIMIT=1e-5
OUT=$(mktemp -d) || exit 1
trap 'rm -rf "$OUT"' EXIT
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/npy.sh"

# Largest difference of two .npy files over the largest value of the second;
# "length" when they hold different numbers of values or none, "nan" when one
# is not a number.
difference()
{
    floats "$1" > "$OUT/a.txt"
    floats "$2" > "$OUT/b.txt"
    paste "$OUT/a.txt" "$OUT/b.txt" | awk '
        function size(x) { return x < 0 ? -x : x }
        NF != 2 { bad = "length"; exit }
        /nan|inf/ { bad = "nan"; exit }
        { d = size($1 - $2); if (d > worst) worst = d
          if (size($2) > peak) peak = size($2) }
        END { if (bad != "") print bad
              else if (peak == 0) print "length"
              else printf "%.3g\n", worst / peak }'
}

within()
{
    case $1 in
    length | nan) return 1 ;;
    esac
    awk -v a="$1" -v b="$LIMIT" 'BEGIN { exit !(a <= b) }'
}

# The comparison itself must be able to fail.
test_comparison()
{
    golden=$ROOT/tests/goldens/models
    d=$(difference "$golden/drive/input.npy" "$golden/drive/output.npy")
    within "$d" && fail "comparison" "different signals count as equal"
    d=$(difference "$golden/mapping/input.npy" "$golden/drive/output.npy")
    [ "$d" = length ] || fail "comparison" "lengths are not compared"
    d=$(difference "$golden/drive/output.npy" "$golden/drive/output.npy")
    [ "$d" = 0 ] || fail "comparison" "a file differs from itself by $d"
    [ $failed != 0 ] || pass "comparison"
}

test_convert()
{
    onnx=$ROOT/models/$1/$1.onnx
    bin=$ROOT/models/$1/$1.bin
    if ! "$MLINFER" convert "$onnx" -o "$OUT/$1.bin" > "$OUT/log" 2>&1; then
        fail "$1: convert" "$(tail -n 1 "$OUT/log")"
    elif ! cmp "$OUT/$1.bin" "$bin" > "$OUT/log" 2>&1; then
        fail "$1: convert gives the committed file" \
            "$(cat "$OUT/log") (if that is meant: models/convert.sh)"
    else
        pass "$1: convert gives the committed file"
    fi
}

# model, file, name of its output; the goldens' inputs in the order of the ports
test_run()
{
    golden=$ROOT/tests/goldens/models/$1
    model=$ROOT/models/$1/$2
    file=$2
    output=$3
    set --
    for input in "$golden"/input*.npy; do
        set -- "$@" --npy "$input"
    done
    if ! "$MLINFER" run "$model" "$@" -o "$OUT/run-$file" > "$OUT/log" 2>&1
    then
        fail "$file: run" "$(tail -n 1 "$OUT/log")"
        return
    fi
    d=$(difference "$OUT/run-$file/$output.npy" "$golden/output.npy")
    if within "$d"; then
        pass "$file: run agrees with PyTorch ($d of full scale)"
    else
        fail "$file: run agrees with PyTorch" "$d of full scale, limit $LIMIT"
    fi
}

# What the .onnx says about itself arrives in the .bin.
test_told()
{
    if "$MLINFER" info "$ROOT/models/$1/$1.bin" > "$OUT/info" 2>&1 &&
        grep -q -- "$2" "$OUT/info"; then
        pass "$1: info knows $2"
    else
        fail "$1: info knows $2" "not in what info prints"
    fi
}

# A line of three sensors gives a line of five parameters in their ranges.
test_list()
{
    answer=$(echo "0.5 0.5 0.5" | "$MLINFER" run \
        "$ROOT/models/mapping/mapping.bin" --list 2> "$OUT/log")
    if echo "$answer" | awk '{ exit !(NF == 5 && $1 > 36 && $1 < 84 &&
        $2 > 0 && $2 < 1 && $3 > 0 && $3 < 8 && $4 > 0 && $4 < 1) }'; then
        pass "mapping.bin: a list in, a list out"
    else
        fail "mapping.bin: a list in, a list out" "got '$answer'"
    fi
}

test_comparison
for pair in drive:output mapping:parameters fuzz:output gestures:class \
    continue:next; do
    name=${pair%:*}
    test_convert "$name"
    test_run "$name" "$name.bin" "${pair#*:}"
    test_run "$name" "$name.onnx" "${pair#*:}"
done
test_told drive 48000
test_told drive BSD-3-Clause
test_told mapping pressure
test_told mapping vibrato
test_told fuzz octave
test_told gestures zigzag
test_list
finish
