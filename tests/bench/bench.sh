#!/usr/bin/env bash
# make bench: known models and single layers, beside what others need for the
# same work on this machine, as tables for the README.
#
# usage: bench.sh BUILD FOLDER PYTHON   FOLDER: the models; SECONDS_EACH=0.4
set -u
build=$1 folder=$2 python=$3
seconds=${SECONDS_EACH:-0.4}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1

# Name, the best peer's and our aim in ns a frame in blocks of 64, the same in
# blocks of 16, on a machine of 144 GMAC/s and 4.48 GHz; and by which of these
# two it scales. MLPs: one frame a call. The peers are RTNeural, NAM Core and
# NeuralAudio, the latter two with functions that are approximate.
cat >"$work/aims" <<'END'
nam-standard 407 190 591 230 peak
nam-lite 569 120 672 0 peak
nam-feather 201 70 285 0 peak
nam-nano 42 30 81 0 peak
nam-a2-full 685 200 1051 0 peak
nam-a2-lite 73 40 136 0 peak
conv-stack-16 404 110 404 0 peak
lstm-8 33 30 33 0 clock
lstm-16 42 38 42 0 clock
lstm-40 119 92 119 0 clock
gru-8 44 29 44 0 clock
gru-16 54 35 54 0 clock
gru-40 135 82 135 0 clock
mlp-4-64-64-4 130 60 130 60 peak
mlp-8-128-128-8 465 350 465 350 peak
END

# "NAME BLOCK NANOSECONDS SHARE MACS", and last the machine: "machine PEAK CLOCK
# KERNELS LANES", and its multiply-accumulates with weights from both caches
measure() { # BLOCK MODEL...
    local block=$1
    shift
    "$build/mlinfer" bench "$@" --block "$block" --seconds "$seconds" --json |
        awk -v block="$block" -F'[:," ]+' '
            $2 == "file" { n = split($3, path, "/"); name = path[n]
                           sub(/\.[a-z]*$/, "", name) }
            $2 == "ns_per_frame" { ns = $3 }
            $2 == "peak_macs_per_second" { peak = $3 }
            $2 == "peak_share" { share = $3 }
            $2 == "macs_per_frame" { macs = $3 }
            $2 == "l1_macs_per_second" { first = $3 }
            $2 == "l2_macs_per_second" { second = $3 }
            $2 == "clock_hz" { clock = $3 }
            $2 == "peak_kernels" { kernels = $3 }
            $2 == "peak_lanes" { lanes = $3 }
            $2 == "pinned" { print name, block, ns, share, macs }
            END { print "machine", peak, clock, kernels, lanes, first, second }'
}
streams=$(awk -v f="$folder" '!/^mlp/ {
    print f "/" $1 ($1 ~ /^nam/ ? ".nam" : ".json") }' "$work/aims")
# shellcheck disable=SC2086 # lists of files
{
    measure 64 $streams
    measure 16 $streams
    measure 1 "$folder"/mlp-*.json
} >"$work/own"

: >"$work/ort"
if "$python" -c 'import numpy, onnx, onnxruntime' 2>/dev/null; then
    "$python" -W ignore models/bench/onnx_runtime.py >"$work/ort"
    ort="ONNX Runtime $(awk '$1 == "version" { print $3 }' "$work/ort")"
else
    ort="ONNX Runtime (not here)"
fi

echo "| one thread, ns a frame | block | mlinfer | best peer, scaled | $ort | share of peak | our aim |"
echo "|---|---|---|---|---|---|---|"
awk '
    FILENAME ~ /own$/ && $1 == "machine" {
        if ($2 > peak) peak = $2
        if ($3 > clock) clock = $3
        next
    }
    FILENAME ~ /own$/ { ns[$1, $2] = $3; share[$1, $2] = $4; next }
    FILENAME ~ /ort$/ { ort[$1, $2] = $3; next }
    function line(name, block, peer, aim, scale,    own) {
        own = ns[name, block]
        if (own == "")
            return
        printf "| %s | %d | **%.0f** | %.0f (%.2f) | ", name, block, own,
            peer * scale, peer * scale / own
        if ((name, block) in ort)
            printf "%.0f (%.1f)", ort[name, block], ort[name, block] / own
        printf " | %.0f %% | %s |\n", 100 * share[name, block],
            aim ? sprintf("%.0f", aim * scale) : ""
    }
    {
        scale = $6 == "peak" ? 144e9 / peak : 4.48e9 / clock
        if ($1 ~ /^mlp/) {
            line($1, 1, $2, $3, scale)
        } else {
            line($1, 64, $2, $3, scale)
            line($1, 16, $4, $5, scale)
        }
    }' "$work/own" "$work/ort" "$work/aims"
echo
"$build/bench-peers"

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
awk -v cpu="${cpu:-$(uname -m)}" -v cc="$(${CC:-cc} --version | head -n 1)" \
    -v flags="${CFLAGS:-}" -v absent="$(cat "$build/bench-absent")" \
    -v cache="$(getconf LEVEL1_DCACHE_SIZE 2>/dev/null)" \
    -v date="$(date +%Y-%m-%d)" '
    $1 == "machine" {
        if ($2 > peak) peak = $2
        if ($3 > clock) clock = $3
        if ($6 > first) first = $6
        if ($7 > second) second = $7
        kernels = $4
        lanes = $5
    }
    /^(lstm|gru|mlp)/ && $5 > most[$1] + 0 { most[$1] = $5 }
    # Weights that are used once a frame: what loading them takes, those that
    # do not fit the first cache from the second.
    function least(name,    held) {
        held = (cache ? cache : 32768) / 4
        if (held > most[name]) held = most[name]
        return sprintf("%s %.0f", name,
            1e9 * (held / first + (most[name] - held) / second))
    }
    END {
        printf "\n%s, %s: at most %.1f GMAC/s, %.2f vectors a tick at %.2f "\
            "GHz. %s, %s; %s.\n", cpu, kernels, peak * 1e-9, peak / clock / lanes,
            clock * 1e-9, cc, flags, date
        print "In parentheses: how many times mlinfer'"'"'s time. Aims and "\
            "peers were measured at"
        print "144 GMAC/s and 4.48 GHz and are scaled to this machine, "\
            "recurrent ones by the"
        print "clock. ONNX Runtime runs here, beside it, less what a call "\
            "costs by itself."
        printf "A recurrent layer and a dense one of a single frame use each "\
            "weight once: with\none operand of each multiply-accumulate from "\
            "the first-level cache this machine\ndoes at most %.1f GMAC/s, "\
            "%.1f from the second. Loading the weights alone takes\n",
            first * 1e-9, second * 1e-9
        printf "%s, %s, %s and %s ns a frame;\nthe functions come on top, as "\
            "they take the same units of the processor.\n", least("lstm-40"),
            least("gru-40"), least("mlp-4-64-64-4"), least("mlp-8-128-128-8")
        if (absent != "") print "Not here:" absent "."
    }' "$work/own"
