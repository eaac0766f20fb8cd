#!/usr/bin/env bash
# The samples that Pd makes through [mlinfer~] are those of `mlinfer run`, to
# the last bit, at every block size of Pd.
. "$(dirname "$0")/pd/common.sh"
need_pd bits
frames=48000

# Half a second of noise and half of a falling tone, in 32-bit floats.
"$MLI_BUILD/tests/pd-models" -wav "$work/in.wav" $frames

# through FILE BLOCK MODEL [MESSAGES]: in.wav through [mlinfer~ MODEL] in a
# subpatch with [block~ BLOCK], messages sent to it before DSP starts. What
# comes in while the first block is collected is silence, and the model hears
# that: so inside, the sound comes from its own [tabplay~].
through() {
    cat >"$work/bits.pd" <<EOF
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#X obj 20 10 table in $frames;
#X obj 20 30 table out $frames;
#N canvas 0 0 600 400 inside 0;
#X obj 20 20 tabplay~ in;
#X obj 20 60 mlinfer~ $3;
#X obj 20 100 tabwrite~ out;
#X obj 200 20 r start;
#X obj 200 60 block~ $2;
#X obj 300 20 r box;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 3 0 0 0;
#X connect 3 0 2 0;
#X connect 5 0 1 0;
#X restore 20 60 pd inside;
#X obj 20 100 loadbang;
#X obj 20 120 t b b b b;
#X msg 380 150 read $work/in.wav in;
#X obj 380 180 soundfiler;
#X msg 260 150 ${4:-\\; nobody bang};
#X msg 140 150 \\; pd dsp 1 \\; start bang;
#X obj 20 150 delay 1500;
#X obj 20 180 t b b;
#X msg 140 210 write -wave -bytes 4 -nframes $frames $1 out;
#X obj 140 240 soundfiler;
#X msg 20 270 \\; pd quit;
#X connect 3 0 4 0;
#X connect 4 3 5 0;
#X connect 4 2 7 0;
#X connect 4 1 8 0;
#X connect 4 0 9 0;
#X connect 5 0 6 0;
#X connect 9 0 10 0;
#X connect 10 1 11 0;
#X connect 10 0 13 0;
#X connect 11 0 12 0;
EOF
    rm -f "$1"
    run_pd -open "$work/bits.pd" >"$work/bits.log"
}

# The float samples of a WAV file, whatever chunks are in front of them.
samples() { tail -c $((4 * frames)) "$1"; }

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
