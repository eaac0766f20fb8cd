#!/usr/bin/env bash
# [mlinfer~] with a model of another rate than Pd's: sound is converted, as
# late as the box says, in the same bits at every block size; or it is not,
# where that was asked for or cannot be.
. "$(dirname "$0")/pd/common.sh"
need_pd rates
frames=24000

# What passes a model that is only late is what bypass gives, 100 dB above all
# else: the delays are equal, to the sample.
for case in late44:19800 late16:7200 late44-1:19800; do
    model=${case%:*}
    "$MLI_BUILD/tests/pd-models" -tones "$work/in.wav" $frames ${case#*:}
    through "$work/dry.wav" 64 "$work/models/$model" "\\; box bypass 1"
    for block in 1 16 64 1024; do
        through "$work/wet$block.wav" $block "$work/models/$model"
    done
    db=$("$MLI_BUILD/tests/pd-models" -noise "$work/dry.wav" \
        "$work/wet64.wav" $frames)
    if [ "${db:-0}" -ge 100 ]; then
        pass "$model in Pd at 48000 Hz: noise is 100 dB below"
    else
        fail "$model in Pd at 48000 Hz" "noise is ${db:-?} dB below"
    fi
    for block in 1 16 1024; do
        if cmp -s <(samples "$work/wet$block.wav") \
            <(samples "$work/wet64.wav"); then
            pass "$model: the same bits in blocks of $block"
        else
            fail "$model in blocks of $block" "other samples than in 64"
        fi
    done
done

# -norate is the model as it is.
"$MLI_BUILD/tests/pd-models" -wav "$work/in.wav" $frames
"$MLI_BUILD/mlinfer" run "$work/models/deep44.bin" --wav "$work/in.wav" \
    -o "$work/run.wav" 2>/dev/null || fail "mlinfer run" "it failed"
for block in 1 64; do
    through "$work/out.wav" $block "-norate $work/models/deep44"
    if cmp -s <(samples "$work/out.wav") <(samples "$work/run.wav"); then
        pass "-norate is what mlinfer run writes, in blocks of $block"
    else
        fail "-norate in blocks of $block" "other samples"
    fi
done
through "$work/out.wav" 64 "$work/models/deep44"
[ -s "$work/out.wav" ] &&
    ! cmp -s <(samples "$work/out.wav") <(samples "$work/run.wav") &&
    pass "without -norate sound is converted" ||
    fail "without -norate sound is converted" "the samples are the same, or none"

# Latency: 72 frames for the way in, and (10 + 66) 480/441 for the model and the
# way out.
expect "latency counts both ways and the model" "mlinfer~ MODELS/late44" 1 \
    "load MODELS/late; load MODELS/late16; load MODELS/gain" <<'XXX'
INFO: loaded 1 MODELS/late44.bin
INFO: latency 154
INFO: loaded 1 MODELS/late.bin
INFO: latency 10
INFO: loaded 1 MODELS/late16.bin
INFO: latency 426
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
XXX
PD_LOADS=2 PD_THEN="bypass 1; reset; info" expect "... while DSP runs, too" \
    "mlinfer~ MODELS/gain" 1 "pd: dsp 1; load MODELS/late44" <<'XXX'
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
INFO: loaded 1 MODELS/late44.bin
INFO: latency 154
INFO: name late44
INFO: file MODELS/late44.bin
INFO: mode stream
INFO: rate 44100
INFO: converted 48000
INFO: inputs 1
INFO: outputs 1
INFO: in 1 x 0 0
INFO: out 1 y 0 0
INFO: latency 154
INFO: parameters 0
INFO: macs 0
INFO: memory BYTES 768
XXX
expect "-norate: nothing is converted, nothing said" \
    "mlinfer~ -norate MODELS/late44" 1 "pd: dsp 1" <<'XXX'
INFO: loaded 1 MODELS/late44.bin
INFO: latency 10
XXX
expect "rates too far apart" "mlinfer~ MODELS/late-slow" 1 \
    "pd: dsp 1; pd: dsp 0; pd: dsp 1" <<'XXX'
INFO: loaded 1 MODELS/late-slow.bin
INFO: latency 10
error: mlinfer~: late-slow.bin: made for 100 Hz, runs at 48000 Hz here and is not converted: it will sound different
XXX
expect "a step model has no rate to convert" "mlinfer~ MODELS/total" 1 \
    "pd: dsp 1" <<'XXX'
INFO: loaded 1 MODELS/total.bin
INFO: latency 64
XXX

for words in "64 2 1" "64 1 2" "64 2 2" "1024 4"; do
    case $words in
    *1) rate=96000 ;; *"1 2") rate=96000 ;; *) rate=192000 ;;
    esac
    inside "[block~ $words]: not converted, said once" "$words" \
        "$work/models/late44" <<XXX
INFO: loaded 1 MODELS/late44.bin
INFO: latency 154
error: mlinfer~: late44.bin: made for 44100 Hz, runs at $rate Hz here, because of a [block~] with overlap or resampling, and is not converted: it will sound different
INFO: latency 10
XXX
done
inside "[block~ 1024]: converted" "1024" "$work/models/late44" <<'XXX'
INFO: loaded 1 MODELS/late44.bin
INFO: latency 154
XXX

# Windows: results every hop at the model's rate. 30 ms are 22 or 23 blocks
# of 64 frames, 1293.6 or 1352.4 of the model's: 323 to 338 results. At Pd's rate
# they were at least 352.
box_patch "$work/case.pd" "mlinfer~ -list $work/models/mean44" 1 \
    "1; pd: dsp 1"
sed -i "s/delay 50/delay 30/" "$work/case.pd"
run_pd -open "$work/case.pd" >"$work/got"
count=$(grep -c "^OUT:" "$work/got")
last=$(grep "^OUT:" "$work/got" | tail -1)
if [ "$count" -ge 323 ] && [ "$count" -le 339 ] && [ "$last" = "OUT: 1" ]; then
    pass "-list: results come at the model's rate"
else
    fail "-list: results come at the model's rate" "$count in 30 ms, $last"
fi
finish
