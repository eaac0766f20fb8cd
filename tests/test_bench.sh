#!/usr/bin/env bash
# mlinfer bench: every way a model meets time, every kernel build, the peak that
# all is held against.
set -u
root=${MLI_ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
mlinfer=${MLI_BUILD:-$root/build}/mlinfer
stream=$root/models/drive/drive.bin
step=$root/models/mapping/mapping.bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/tap.sh"

bench() {
    "$mlinfer" bench "$@" >"$work/out" 2>"$work/err" ||
        echo "exit status $?: $(head -n 1 "$work/err")"
}
# value KEY: the first one in what was printed.
value() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\).*/\1/p" "$work/out" | head -n 1; }

wrong() {
    local why key
    why=$(bench "$@" --seconds 0.02 --json)
    [ -n "$why" ] && echo "$why" && return
    for key in model kernels block ns_per_frame realtime p50_ns p99_ns p999_ns \
        max_ns macs_per_second peak_macs_per_second l1_macs_per_second \
        l2_macs_per_second clock_hz; do
        [ -n "$(value $key)" ] || echo "no $key"
    done
    awk -v a="$(value p50_ns)" -v b="$(value p99_ns)" -v c="$(value p999_ns)" \
        -v d="$(value max_ns)" -v n="$(value ns_per_frame)" \
        -v m="$(value macs_per_second)" -v p="$(value peak_macs_per_second)" '
        BEGIN {
            if (!(0 < a && a <= b && b <= c && c <= d)) print "not in order"
            if (!(n > 0)) print "a frame takes no time"
            if (!(m > 0 && m <= p)) print m " of " p " at most"
        }'
}
check "a stream model, its keys and their order" "$(wrong "$stream" --block 16)"
check "block as it was asked for" "$([ "$(value block)" = 16 ] ||
    echo "it is '$(value block)'")"
check "a step model" "$(wrong "$step")"
check "a block of one frame" "$(wrong "$stream" --block 1)"
check "blocks longer than a tile" "$(wrong "$stream" --block 1000)"

# A window model: the same layers, but over 256 frames at a time.
"$mlinfer" convert "$root/models/drive/drive.onnx" --mode window --window 256 \
    --hop 128 -o "$work/window.bin" >/dev/null 2>&1
check "a window model, in blocks shorter than its hop" \
    "$(wrong "$work/window.bin" --block 64)"

why=$(bench "$stream" --kernels all --seconds 0.01 --json)
builds=$("$mlinfer" --version | sed 's/.*kernels: //')
check "every kernel build with --kernels all" "$why$(
    [ "$(sed -n 's/.*"kernels": "\(.*\)",/\1/p' "$work/out" | grep -v ^peak |
        tr '\n' ' ')" = "$builds " ] || { echo "not $builds"; cat "$work/out"; })"
why=$(bench "$stream" "$step" --seconds 0.01)
check "a line a model" "$why$([ "$(grep -c '%$' "$work/out")" = 2 ] ||
    { echo "not two lines"; cat "$work/out"; })"

# The peak is a whole number of vectors a tick; other work on this machine may
# disturb one measurement.
peak=
for _ in 1 2 3 4 5; do
    bench "$step" --seconds 0.01 --json >/dev/null
    peak=$(awk -v p="$(value peak_macs_per_second)" -v c="$(value clock_hz)" \
        -v l="$(value peak_lanes)" 'BEGIN {
            x = c * l > 0 ? p / c / l : 0
            n = int(2 * x + 0.5) / 2
            if (!(n > 0 && x >= 0.95 * n && x <= 1.03 * n))
                print x " vectors a tick"
        }')
    [ -z "$peak" ] && break
done
check "the peak is at least 95 % of what the clock allows" "$peak"

# Loads can only be slower than registers; other work may disturb the peak.
check "with an operand from a cache no more than the peak" "$(
    awk -v p="$(value peak_macs_per_second)" -v a="$(value l1_macs_per_second)" \
        -v b="$(value l2_macs_per_second)" 'BEGIN {
            if (!(a > p / 20 && a <= 1.25 * p)) print a " of " p
            if (!(b > p / 100 && b <= 1.25 * a)) print b " of " a
        }')"

# usage NAME STATUS TEXT ARGUMENT...
refused() {
    local name=$1 status=$2 text=$3 rc
    shift 3
    "$mlinfer" bench "$@" >"$work/out" 2>"$work/err"
    rc=$?
    check "$name" "$([ $rc = "$status" ] || echo "exit status $rc")$(
        grep -qF -- "$text" "$work/err" ||
            { echo "does not say $text"; cat "$work/err"; })$(cat "$work/out")"
}
refused "no model" 2 "expected a MODEL"
refused "a block of 0 frames" 2 "--block 0" "$stream" --block 0
refused "no time at all" 2 "--seconds 0" "$stream" --seconds 0
refused "an unknown kernel build" 2 "no such kernel build here" "$stream" \
    --kernels quick
refused "a model that is not there" 1 "not found" "$work/none.bin"
finish
