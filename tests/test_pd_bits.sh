#!/usr/bin/env bash
# The samples that Pd makes through [mlinfer~] are those of `mlinfer run`, to
# the last bit, at every block size of Pd.
. "$(dirname "$0")/pd/common.sh"
need_pd bits
frames=48000

# Half a second of noise and half of a falling tone, in 32-bit floats.
"$MLI_BUILD/tests/pd-models" -wav "$work/in.wav" $frames

same() { # NAME FILE FILE
    if [ ! -s "$2" ]; then
        fail "$1" "Pd wrote nothing: $(tail -1 "$work/bits.log")"
    elif cmp -s <(samples "$2") <(samples "$3"); then
        pass "$1"
    else
        fail "$1" "samples differ: $(cmp <(samples "$2") <(samples "$3"))"
    fi
}

sounds() { # FILE: is there something other than silence?
    [ "$(samples "$1" | tr -d '\0' | wc -c)" -gt $frames ]
}

models="deep $(cd "$MLI_ROOT" && ls models/drive/drive.bin 2>/dev/null)"
for model in $models; do
    name=$(basename "$model" .bin)
    path=$work/models/$model
    [ -f "$path.bin" ] || path=$MLI_ROOT/${model%.bin}
    "$MLI_BUILD/mlinfer" run "$path.bin" --wav "$work/in.wav" \
        -o "$work/$name.wav" 2>"$work/run.log" ||
        fail "mlinfer run $name" "$(cat "$work/run.log")"
    sounds "$work/$name.wav" || fail "$name makes a sound" "it is silent"
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
finish
