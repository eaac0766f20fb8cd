#!/usr/bin/env bash
# mlinfer profile: every operator is seen, its multiply-accumulates are those of
# the model, the files are what they are called; and info's known machines.
set -u
root=${MLI_ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
mlinfer=${MLI_BUILD:-$root/build}/mlinfer
stream=$root/models/drive/drive.bin
step=$root/models/mapping/mapping.bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/tap.sh"
of_info() { # KEY MODEL
    "$mlinfer" info "$2" --json | sed -n "s/^  \"$1\": \([0-9]*\),*/\1/p"
}

# seen MODEL ARGUMENT...: what is wrong with its profile
seen() {
    local model=$1
    shift
    "$mlinfer" profile "$model" --trace "$work/trace.json" \
        --flame "$work/flame.svg" "$@" >"$work/out" 2>"$work/err" ||
        echo "exit status $?: $(head -n 1 "$work/err")"
    [ "$(grep -cE '^[0-9]+ ' "$work/out")" = "$(of_info ops "$model")" ] ||
        echo "not one line an operator"
    awk '/^[0-9]+ / { for (i = 3; i <= NF; i++) if ($i ~ /%$/) { s += $i; break } }
         END { if (s < 99 || s > 101) print "shares sum to " s " %" }' \
        "$work/out"
    # A block's operators, by their multiply-accumulates.
    awk -v ops="$(of_info ops "$model")" -v macs="$(of_info macs_per_frame "$model")" '
        /"operator": / { gsub(/[^0-9]/, ""); op = $0 }
        /"macs": / { gsub(/[^0-9]/, ""); each[op] = $0 }
        END {
            for (op in each) { n++; sum += each[op] }
            if (n < 1 || n > ops) print n " operators in the trace"
            if (sum != macs) print sum " multiply-accumulates, not " macs
        }' "$work/trace.json"
}
check "a stream model" "$(seen "$stream")"
check "a step model" "$(seen "$step")"
check "blocks longer than a tile" "$(seen "$stream" --block 200)"
"$mlinfer" convert "$root/models/drive/drive.onnx" --mode window --window 256 \
    --hop 128 -o "$work/window.bin" >/dev/null 2>&1
check "a window model" "$(seen "$work/window.bin")"
"$mlinfer" convert "$root/models/drive/drive.onnx" --mode window --window 256 \
    --hop 128 --spread -o "$work/spread.bin" >/dev/null 2>&1
check "a window model that is spread" "$(seen "$work/spread.bin")"
check "the picture begins and ends as one" "$(
    head -c 4 "$work/flame.svg" | grep -q '^<svg' || echo "no <svg"
    tail -n 1 "$work/flame.svg" | grep -q '^</svg>$' || echo "no </svg>"
    [ "$(grep -o '<g>' "$work/flame.svg" | wc -l)" = \
        "$(grep -o '</g>' "$work/flame.svg" | wc -l)" ] || echo "boxes open")"
if command -v python3 >/dev/null; then
    check "the trace is JSON" "$(python3 -c 'import json, sys
json.load(open(sys.argv[1]))["traceEvents"][0]["ph"]' "$work/trace.json" 2>&1)"
fi

"$mlinfer" profile "$step" --trace "$work/none/trace.json" >"$work/out" \
    2>"$work/err"
check "a file that cannot be written" "$([ $? = 1 ] || echo "no failure")$(
    grep -q 'trace.json: cannot be written: No such file' "$work/err" ||
        echo "does not say so")"

# ---------------------------------------------------------- known machines --
machine() { # MODEL KEY: of the first machine, a Cortex-A8
    "$mlinfer" info "$1" --json | sed -n '/"machines_estimated"/,$p' |
        sed -n "s/.*\"$2\": \"*\([^,\"]*\).*/\1/p" | head -n 1
}
check "a small amplifier is in real time on a Cortex-A8" \
    "$([ "$(machine "$stream" realtime)" = true ] ||
        echo "load '$(machine "$stream" load)'")"
# 4 MiB of weights every 16 frames are more than its memory delivers; each time
# they are read they serve 64 frames at most.
awk 'function layer(in_, out,    i, row) {
    row = "0.01"
    for (i = 1; i < out; i++) row = row ",0.01"
    printf "{\"type\":\"dense\",\"activation\":\"relu\","
    printf "\"shape\":[null,%d],\"weights\":[[", out
    for (i = 0; i < in_; i++) printf "%s[%s]", i ? "," : "", row
    printf "],[%s]]}", row
}
BEGIN {
    printf "{\"in_shape\":[null,8],\"layers\":["
    layer(8, 1024); printf ","
    layer(1024, 1024); printf ","
    layer(1024, 1); print "]}"
}' >"$work/large.json"
"$mlinfer" convert "$work/large.json" -o "$work/large.bin" >"$work/out" \
    2>"$work/err"
check "4 MiB of weights a block are not" "$(
    [ "$(machine "$work/large.bin" realtime)" = false ] ||
        echo "load '$(machine "$work/large.bin" load)' $(cat "$work/err")"
    [ "$(machine "$work/large.bin" least_hop)" = 0 ] ||
        echo "least hop $(machine "$work/large.bin" least_hop)")"
check "info says so in words" "$(
    "$mlinfer" info "$work/large.bin" >"$work/out" 2>&1
    grep -q "Cortex-A8.*not real time; over the machine's limits" "$work/out" ||
        { echo "does not say so"; cat "$work/out"; })"
finish
