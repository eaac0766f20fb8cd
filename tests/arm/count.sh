#!/usr/bin/env bash
# make count-arm: what a sample costs on a Cortex-A8 (Bela) and a Cortex-A53, in
# executed instructions, counted under qemu-user; as a table for the README.
#
# usage: count.sh BUILD FOLDER [MODEL...]   FOLDER holds the models' sources;
#                                           without an ending, or with it
set -u
build=$1 folder=$2
shift 2
models=${*:-lstm-8 lstm-16 lstm-40 gru-8 gru-16 gru-40 mlp-4-64-64-4 \
    mlp-8-128-128-8 conv-stack-16 nam-standard nam-lite nam-feather nam-nano \
    nam-a2-full nam-a2-lite}
block=16 blocks=128 before=384 # 6144 frames: every history is full
near=10 far=100 # cycles of a miss: from the second cache, from memory
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The most that is wanted on a Cortex-A8, where something is.
wanted() {
    case $1 in
    lstm-8) echo 700 ;; lstm-16) echo 1500 ;; lstm-40) echo 5500 ;;
    gru-16) echo 1300 ;; gru-40) echo 4500 ;; conv-stack-16) echo 5500 ;;
    nam-standard) echo 11000 ;; nam-feather) echo 3500 ;; nam-nano) echo 1200 ;;
    *) echo "" ;;
    esac
}

# count ARCHITECTURE QEMU MODEL: "key value" lines
count() {
    # shellcheck disable=SC2086 # a command with its arguments
    timeout 300 $2 -plugin "$build/arm-count/count.so,units=$((block * blocks))" \
        -d plugin "$build/arm-count/run-$1" "$work/$3.bin" $block $blocks \
        $before >"$work/$3.$1" 2>&1 || {
        echo "count.sh: $3 on $1: $(tail -n 1 "$work/$3.$1")" >&2
        return 1
    }
}

one() {
    local m=$1 source
    source=$(echo "$folder/$m".*)
    [ ! -f "$folder/$m" ] || source=$folder/$m
    "$build/mlinfer" convert "$source" -o "$work/$m.bin" >"$work/$m.log" \
        2>&1 || {
        cat "$work/$m.log" >&2
        return 1
    }
    macs=$("$build/mlinfer" info "$work/$m.bin" --json |
        sed -n 's/.*"macs_per_frame": \([0-9]*\).*/\1/p')
    count armv7 "qemu-arm -cpu cortex-a8" "$m" &&
        count arm64 "qemu-aarch64 -cpu cortex-a53" "$m" || return 1
    awk -v m="$m" -v macs="$macs" -v wanted="$(wanted "$m")" -v near=$near \
        -v far=$far '
        FNR == 1 { file++ }
        { v[file, $1] = $2 }
        END {
            i = v[1, "instructions"]
            miss = near * v[1, "misses_1"] + far * v[1, "misses_2"]
            all = v[1, "cycles"] + miss
            j = v[2, "instructions"]
            miss64 = near * v[2, "misses_1"] + far * v[2, "misses_2"]
            all64 = v[2, "cycles"] + miss64
            printf "| %s | %d | %d%s | %.0f %% | %.1f %% | %.2f | %d + %d | "\
                "%.0f %% | %d | %.0f %% | %.1f %% | %d + %d | %.0f %% |\n", m, macs, i,
                wanted == "" ? "" : " (" wanted ")", 100 * v[1, "neon"] / i,
                100 * v[1, "vfp"] / i, v[1, "worst_block"], v[1, "cycles"],
                miss, 100 * all / (1e9 / 44100), j, 100 * v[2, "neon"] / j,
                100 * v[2, "vfp"] / j, v[2, "cycles"], miss64,
                100 * all64 / (1e9 / 44100)
        }' "$work/$m.armv7" "$work/$m.arm64"
}

cat <<END
| model | multiply-accumulates | A8: instructions (aim) | NEON | VFP | worst block | cycles + misses, estimated | of real time | A53: instructions | NEON | scalar | cycles + misses, estimated | of real time |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
END
failed=0
for m in $models; do one "$m" || failed=1; done
cat <<END

A sample each, in blocks of $block, after $((block * before)) samples; gcc
$(arm-linux-gnueabihf-gcc -dumpfullversion), qemu $(qemu-arm --version |
    sed -n '1s/.*version \([0-9.]*\).*/\1/p'), $(date +%Y-%m-%d).
"Worst block": its instructions against the median's. Cycles are an estimate, not
a measurement: executed pieces of code through the pipeline description that GCC
has for the core, every branch predicted, plus the misses of a model of the
Cortex-A8's data caches (32 KiB and 256 KiB; $near cycles from the second, $far
from memory, none hidden) for both. Real time: 1 GHz at 44.1 kHz.
END
exit $failed
