#!/usr/bin/env bash
# The samples that Pd makes through [mlinfer~] are those of `mlinfer run`, to
# the last bit, at every block size of Pd.
. "$(dirname "$0")/pd/common.sh"
need_pd bits
frames=48000

# Half a second of noise and half of a falling tone, in 32-bit floats.
"$MLI_BUILD/tests/pd-models" -wav "$work/in.wav" $frames

sounds() { # FILE: is there something other than silence?
    [ "$(samples "$1" | tr -d '\0' | wc -c)" -gt $frames ]
}

same() { # NAME FILE FILE: the same samples, and not those of silence
    if [ ! -s "$2" ]; then
        fail "$1" "Pd wrote nothing: $(tail -1 "$work/bits.log")"
    elif ! sounds "$2"; then
        fail "$1" "it is silent"
    elif cmp -s <(samples "$2") <(samples "$3"); then
        pass "$1"
    else
        fail "$1" "samples differ: $(cmp <(samples "$2") <(samples "$3"))"
    fi
}

# the second half of both
same_end() {
    tail -c $((2 * frames)) "$2" >"$work/end1"
    tail -c $((2 * frames)) "$3" >"$work/end2"
    if cmp -s "$2" "$3"; then
        fail "$1" "nothing happened"
    elif cmp -s "$work/end1" "$work/end2"; then
        pass "$1"
    else
        fail "$1" "its second half differs"
    fi
}

models="deep $(cd "$MLI_ROOT" && ls models/drive/drive.bin 2>/dev/null)"
for model in $models; do
    name=$(basename "$model" .bin)
    path=$work/models/$model
    [ -f "$path.bin" ] || path=$MLI_ROOT/${model%.bin}
    "$MLI_BUILD/mlinfer" run "$path.bin" --wav "$work/in.wav" \
        -o "$work/$name.wav" 2>"$work/run.log" ||
        fail "mlinfer run $name" "$(cat "$work/run.log")"
    for block in 1 16 64 1024; do
        through "$work/out.wav" $block "$path"
        same "$name in blocks of $block is what mlinfer run writes" \
            "$work/out.wav" "$work/$name.wav"
    done
done

# Controls and bypass, against simple truths.
through "$work/out.wav" 64 "$work/models/gain" "\\; box set gain 1"
same "a gain of 1 is the input" "$work/out.wav" "$work/in.wav"
through "$work/out.wav" 16 "$work/models/deep" "\\; box bypass 1"
same "bypass is the input" "$work/out.wav" "$work/in.wav"
for block in 1 64 128; do
    through "$work/late.wav" $block "$work/models/late"
    through "$work/dry.wav" $block "$work/models/late" "\\; box bypass 1"
    same "bypass is as late as the model, in blocks of $block" "$work/dry.wav" \
        "$work/late.wav"
done

# A window in a block of its size: twice the block, in the same block.
through "$work/twice.wav" 1024 "$work/models/gain" "\\; box set gain 2"
through "$work/out.wav" 1024 "$work/models/whole1024"
same "a window in a block of its size has no latency" "$work/out.wav" \
    "$work/twice.wav"

# Nothing that happens around a box disturbs it: not a new graph, not DSP off
# and on, not a [switch~], nor is bypass more than what one hears.
before="\\; switch 1 \\; box reset"
obj="\\; pd-bits.pd obj 400"
for case in "deep 64" "deep 1" "deep44 64" "deep44 1024" "-hop,48,total 64" \
    "-hop,100,total 16" "mean 16" "spreadmean 64" "spread 16" "whole8 8" \
    "late 128"; do
    model=${case% *} block=${case#* } name=${model//,/ } flags=""
    [ "${model%,*}" = "$model" ] || flags="${model%,*} "
    box="${flags//,/ }$work/models/${model##*,}"
    through "$work/calm.wav" "$block" "$box"
    through "$work/out.wav" "$block" "$box" "" \
        "$obj 20 osc~ $obj 50 dac~ \\; pd-bits.pd connect 18 0 19 0" \
        "\\; pd-bits.pd disconnect 18 0 19 0"
    same "$name in $block: another box in the graph" "$work/out.wav" \
        "$work/calm.wav"
    through "$work/out.wav" "$block" "$box" "" "\\; pd dsp 0" "\\; pd dsp 1"
    same "... DSP off and on" "$work/out.wav" "$work/calm.wav"
    through "$work/out.wav" "switch $block" "$box" "$before" \
        "\\; switch 0" "\\; switch 1"
    same "... [switch~] off and on" "$work/out.wav" "$work/calm.wav"
    # 300 to 400 ms of it are the dry sound; then it is as it would have been
    through "$work/out.wav" "$block" "$box" "" "\\; box bypass 1" \
        "\\; box bypass 0"
    [ $model = late ] || same_end "... bypass on and off" "$work/out.wav" "$work/calm.wav"
done

# Step and window models, too, are the same bits in all blocks.
for model in "-hop 48 $work/models/total" "-hop 7 $work/models/total" \
    "$work/models/mean" "$work/models/spreadmean" "$work/models/coarse" \
    "$work/models/spread" "$work/models/whole1024-256"; do
    for block in 64 1 16 1024; do
        through "$work/out$block.wav" $block "$model"
        [ $block = 64 ] ||
            same "$(sed "s|$work/models/||" <<<"$model"), blocks of $block" \
                "$work/out$block.wav" "$work/out64.wav"
    done
done
finish
