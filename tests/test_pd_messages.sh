#!/usr/bin/env bash
# Every message, flag and error of [mlinfer] and [mlinfer~], in real Pd.
. "$(dirname "$0")/pd/common.sh"
need_pd messages

# ---------------------------------------------------------- [mlinfer] ----
expect "a list in, a list out" "mlinfer MODELS/sumlist.bin" 1 \
    "0.5 0.25 1; bang; set 1 1 1; bang; list 0 0 0" <<'EOF'
INFO: loaded 1 MODELS/sumlist.bin
INFO: latency 0
OUT: 1.75 0.25
OUT: 1.75 0.25
OUT: 3 0
OUT: 0 0
EOF

expect "inputs begin with the values that the model gives" \
    "mlinfer MODELS/sumlist" 1 "bang" <<'EOF'
INFO: loaded 1 MODELS/sumlist.bin
INFO: latency 0
OUT: 0.25 0
EOF

expect "a wrong length is said once, until a good list comes" \
    "mlinfer MODELS/sumlist" 1 "1 2; 1 2; 1 2 3; 1 2; set 5; 1 2 x" <<'EOF'
INFO: loaded 1 MODELS/sumlist.bin
INFO: latency 0
error: mlinfer: list of 2, sumlist.bin takes 3: a b c
OUT: 6 -1
error: mlinfer: list of 2, sumlist.bin takes 3: a b c
EOF

expect "set by the name of an input" "mlinfer MODELS/sumlist" 1 \
    "set x 1 2 3; bang; set y 1" <<'EOF'
INFO: loaded 1 MODELS/sumlist.bin
INFO: latency 0
OUT: 6 -1
error: mlinfer: set y: sumlist.bin has no such control (it has: none); kept for the next model
EOF

expect "-clamp holds inputs in the model's ranges" \
    "mlinfer -clamp MODELS/sumlist" 1 "7 -7 0.5" <<'EOF'
INFO: loaded 1 MODELS/sumlist.bin
INFO: latency 0
OUT: 0.5 2
EOF

expect "a recurrent model steps, a bang too, a reset goes back" \
    "mlinfer MODELS/total" 1 "1; 2; bang; reset; 1" <<'EOF'
INFO: loaded 1 MODELS/total.bin
INFO: latency 0
OUT: 1
OUT: 3
OUT: 5
OUT: 1
EOF

expect "a model without inputs runs on a bang" "mlinfer MODELS/clock" 1 \
    "bang; bang; 1" <<'EOF'
INFO: loaded 1 MODELS/clock.bin
INFO: latency 0
OUT: 1
OUT: 2
error: mlinfer: list of 1, clock.bin takes 0
EOF

expect "a classifier names the class first" "mlinfer MODELS/larger" 1 \
    "0 0.5" <<'EOF'
INFO: loaded 1 MODELS/larger.bin
INFO: latency 0
INFO: class right 0.622459
OUT: 0.377541 0.622459
EOF

expect "a window model answers every hop" "mlinfer MODELS/mean" 1 \
    "1; 1; 1; 1; 1; 1; 1; 1" <<'EOF'
INFO: loaded 1 MODELS/mean.bin
INFO: latency 0
OUT: 0.5
OUT: 1
EOF

expect "infinity from the model: 0, state reset, said once" \
    "mlinfer MODELS/pole" 1 "0.5; 1; 1; 0" <<'EOF'
INFO: loaded 1 MODELS/pole.bin
INFO: latency 0
OUT: 2 0.5
error: mlinfer: pole.bin: made NaN or infinity: output 0, state reset
OUT: 0 1.5
OUT: 0 1
OUT: 1 0
EOF

expect "infinity at the inlet counts as 0" "mlinfer MODELS/sumlist" 1 \
    "1e39 2 -1e39" <<'EOF'
INFO: loaded 1 MODELS/sumlist.bin
INFO: latency 0
OUT: 2 -2
EOF

expect "info" "mlinfer MODELS/sumlist" 1 "info" <<'EOF'
INFO: loaded 1 MODELS/sumlist.bin
INFO: latency 0
INFO: name sumlist
INFO: file MODELS/sumlist.bin
INFO: mode step
INFO: rate 0
INFO: inputs 3
INFO: outputs 2
INFO: in 1 a -1 1
INFO: in 2 b -1 1
INFO: in 3 c -1 1
INFO: out 1 sum -3 3
INFO: out 2 difference -2 2
INFO: latency 0
INFO: parameters 6
INFO: macs 6
INFO: memory BYTES 896
EOF

expect "set says what it was told, and by which name" \
    "mlinfer MODELS/sumlist" 1 "set 1 2; 1 2 3; set x 1 y; 1 2 3; set; cpu on" \
    <<'EOF'
INFO: loaded 1 MODELS/sumlist.bin
INFO: latency 0
error: mlinfer: set of 2, sumlist.bin takes 3: a b c
OUT: 6 -1
error: mlinfer: set x: element 2 is not a number
OUT: 6 -1
error: mlinfer: set of 0, sumlist.bin takes 3: a b c
error: mlinfer: cpu: expected 0 or 1, got on
EOF

expect "print" "mlinfer MODELS/sumlist" 1 "print" <<'EOF'
INFO: loaded 1 MODELS/sumlist.bin
INFO: latency 0
mlinfer: sumlist
  file: MODELS/sumlist.bin
  mode: step
  inputs: 3, outputs: 2
  in 1: a, -1 to 1
  in 2: b, -1 to 1
  in 3: c, -1 to 1
  out 1: sum, -3 to 3
  out 2: difference, -2 to 2
  latency: 0 frames
  parameters: 6
  multiply-accumulates: 6 a list
  memory: BYTES bytes, and 896 shared by all boxes with this file
EOF

expect "no model: silence, and what is asked" "mlinfer" 1 \
    "1 2; bang; info; print; reset; reload; load; load 0; cpu; set gain 1; set 1" <<'EOF'
INFO: mode none
mlinfer: no model
error: mlinfer: reload: no model was named yet
error: mlinfer: load: expected the name of a model file, got nothing
error: mlinfer: load: expected the name of a model file, got 0
INFO: cpu 0 0
EOF

expect "0 means no model" "mlinfer 0" 1 "info" <<'EOF'
INFO: mode none
EOF

expect "a missing model: the box lives, a load fills it" "mlinfer nothere" 1 \
    "1; load MODELS/total; 1" <<'EOF'
error: mlinfer: nothere: not found beside the patch (PATCH), on declared or search paths
INFO: loaded 0 notfound
INFO: loaded 1 MODELS/total.bin
INFO: latency 0
OUT: 1
EOF

cp "$work/models/total.bin" "$work/total.bin"
cp "$work/models/total.bin" "$work/a name 2.bin"
expect "names with spaces and numbers are joined" "mlinfer a name 2.bin" 1 \
    "1; load total; 1" <<'EOF'
INFO: loaded 1 PATCH/a\ name\ 2.bin
INFO: latency 0
OUT: 1
INFO: loaded 1 PATCH/total.bin
INFO: latency 0
OUT: 1
EOF

# Broken files of every kind; the model that plays goes on.
head -c 100 "$work/models/total.bin" >"$work/short.bin"
size=$(stat -c %s "$work/models/total.bin")
head -c 600 "$work/models/total.bin" >"$work/cut.bin"
sed 's/total/tatol/' "$work/models/total.bin" >"$work/changed.bin"
echo "hello, this is not a model at all" >"$work/text.bin"
: >"$work/empty.bin"
mkdir "$work/folder.bin"
{ head -c 8 "$work/models/total.bin"; printf '\377\0\0\0'
  tail -c +13 "$work/models/total.bin"; } >"$work/newer.bin"
expect "loads that fail harm nothing" "mlinfer MODELS/total" 1 \
    "1; load short; 1; load cut; load changed; 1; load text; load empty; load folder; load newer; load nope; 1" \
    <<EOF
INFO: loaded 1 MODELS/total.bin
INFO: latency 0
OUT: 1
error: mlinfer: PATCH/short.bin: shorter than a model file's header (got 100 bytes): copy it again
INFO: loaded 0 corrupt
OUT: 2
error: mlinfer: PATCH/cut.bin: its size is not the one in its header (expected $size bytes, got 600): copy it again
INFO: loaded 0 corrupt
error: mlinfer: PATCH/changed.bin: damaged: the checksum does not match: copy it again
INFO: loaded 0 corrupt
OUT: 3
error: mlinfer: PATCH/text.bin: a text that begins with "hello, this is not a model at all" (expected a model: .bin, .onnx, .tflite, .nam, .json or .aidax)
INFO: loaded 0 corrupt
error: mlinfer: PATCH/empty.bin: an empty file (expected a model: .bin, .onnx, .tflite, .nam, .json or .aidax)
INFO: loaded 0 corrupt
error: mlinfer: folder: a folder (PATCH/folder.bin), expected a model file
INFO: loaded 0 notfound
error: mlinfer: PATCH/newer.bin: a newer model file (expected format version 1, got 255): update mlinfer
INFO: loaded 0 newer
error: mlinfer: nope: not found beside the patch (PATCH), on declared or search paths
INFO: loaded 0 notfound
OUT: 4
EOF

expect "unknown flags are said and left out, with their numbers" \
    "mlinfer -foo -hop 8 -clamp MODELS/total" 1 "1" <<'EOF'
error: mlinfer: -foo: unknown flag (expected -learn -capacity -clamp)
error: mlinfer: -hop: unknown flag (expected -learn -capacity -clamp)
INFO: loaded 1 MODELS/total.bin
INFO: latency 0
OUT: 1
EOF

expect "what is not found says what there is instead" "mlinfer" 1 \
    "load /nope/total; load total -clamp; load folder.bin" <<'EOF'
error: mlinfer: /nope/total: not found
INFO: loaded 0 notfound
error: mlinfer: total -clamp: not found beside the patch (PATCH), on declared or search paths (flags come before the name)
INFO: loaded 0 notfound
error: mlinfer: folder.bin: a folder (PATCH/folder.bin), expected a model file
INFO: loaded 0 notfound
EOF

expect "reload reads the file again" "mlinfer total" 1 \
    "1; 1; reload; 1" <<'EOF'
INFO: loaded 1 PATCH/total.bin
INFO: latency 0
OUT: 1
OUT: 2
INFO: loaded 1 PATCH/total.bin
INFO: latency 0
OUT: 1
EOF

# Its own output into a box, from a loadbang, that is: before the clock.
cat >"$work/loop.pd" <<EOF
#N canvas 0 0 300 300 12;
#X declare -path mlinfer;
#X obj 20 20 mlinfer $work/models/larger;
#X obj 20 60 loadbang;
#X msg 20 80 1 0;
#X connect 0 0 0 0;
#X connect 1 0 2 0;
#X connect 2 0 0 0;
EOF
told=$(run_pd -open "$work/loop.pd" -send "pd quit" | sort -u)
if [ "$told" = "error: stack overflow" ]; then
    pass "a box that feeds itself is stopped by Pd"
else
    fail "a box that feeds itself is stopped by Pd" "it said $told"
fi

cat >"$work/early.pd" <<EOF
#N canvas 0 0 300 300 12;
#X declare -path mlinfer;
#X obj 20 20 mlinfer $work/models/total;
#X obj 20 60 loadbang;
#X msg 20 80 load $work/models/clock \\, load nope;
#X obj 20 120 print;
#X obj 90 80 delay 10;
#X msg 90 100 \\; pd quit;
#X connect 0 1 3 0;
#X connect 1 0 2 0;
#X connect 1 0 4 0;
#X connect 2 0 0 0;
#X connect 4 0 5 0;
EOF
told=$(run_pd -open "$work/early.pd" | grep '^print: loaded' |
    sed 's|.*/||' | xargs)
if [ "$told" = "total.bin clock.bin print: loaded 0 notfound" ]; then
    pass "each load has one report, in order, even before the first clock"
else
    fail "each load has one report, in order" "it said $told"
fi

# --------------------------------------------------------- [mlinfer~] ----
expect "as many inlets and outlets as the model has" "mlinfer~ MODELS/sums" 2 \
    "print" <<'EOF'
INFO: loaded 1 MODELS/sums.bin
INFO: latency 0
mlinfer~: sums
  file: MODELS/sums.bin
  mode: stream
  inputs: 3, outputs: 2
  in 1: a, -1 to 1
  in 2: b, -1 to 1
  in 3: c, -1 to 1
  out 1: sum, -3 to 3
  out 2: difference, -2 to 2
  latency: 0 frames
  parameters: 6
  multiply-accumulates: 6 a frame
  memory: BYTES bytes, and 896 shared by all boxes with this file
EOF

expect "inlets and outlets that a model leaves, and -hop without use" \
    "mlinfer~ -in 4 -out 3 -hop 16 MODELS/gain" 3 \
    "print; load MODELS/mean; load MODELS/total; print; bypass; bypass on" \
    <<'EOF'
error: mlinfer~: gain.bin: -hop 16 does nothing: a stream model runs at every frame
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
mlinfer~: gain
  file: MODELS/gain.bin
  mode: stream
  rate: 48000 Hz
  inputs: 1, outputs: 1
  in 1: x
  out 1: y
  control 1: gain, 0 to 2
  inlets: 4, the model hears 1
  outlets: 3, the model plays 1
  latency: 0 frames
  parameters: 0
  multiply-accumulates: 0 a frame
  memory: BYTES bytes, and 832 shared by all boxes with this file
INFO: loaded 1 MODELS/mean.bin
INFO: latency 0
INFO: loaded 1 MODELS/total.bin
INFO: latency 16
mlinfer~: total
  file: MODELS/total.bin
  mode: step
  inputs: 1, outputs: 1
  in 1: x
  out 1: total
  hop: a list every 16 frames
  inlets: 4, the model hears 1
  outlets: 3, the model plays 1
  latency: 16 frames
  parameters: 6
  multiply-accumulates: 5 a list
  memory: BYTES bytes, and 1152 shared by all boxes with this file
error: mlinfer~: bypass: expected 0 or 1, got nothing
error: mlinfer~: bypass: expected 0 or 1, got on
EOF

expect "-hop says it of windows, too" "mlinfer~ -hop 2 MODELS/mean" 1 "" <<'EOF'
error: mlinfer~: mean.bin: -hop 2 does nothing: this window model has a hop of 4 frames
INFO: loaded 1 MODELS/mean.bin
INFO: latency 0
EOF

expect "a latency is told" "mlinfer~ MODELS/late" 1 "load MODELS/gain" <<'EOF'
INFO: loaded 1 MODELS/late.bin
INFO: latency 10
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
EOF

expect "no argument: one inlet, one outlet, no model" "mlinfer~" 1 \
    "info; print; reset; bypass 1; pd: dsp 1" <<'EOF'
INFO: mode none
mlinfer~: no model
EOF

PD_LOADS=3 expect "a model that does not fit is refused" "mlinfer~ MODELS/gain" 1 \
    "load MODELS/sums; pd: dsp 1; load MODELS/sums; set gain 2" <<'EOF'
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
error: mlinfer~: MODELS/sums.bin: has 3 inputs, box has 1: use -in 3
INFO: loaded 0 channels
error: mlinfer~: MODELS/sums.bin: has 3 inputs, box has 1: use -in 3
INFO: loaded 0 channels
EOF

expect "nor is one with more outputs" "mlinfer~ -in 3 -out 1 MODELS/sums" 1 \
    "load MODELS/gain" <<'EOF'
error: mlinfer~: MODELS/sums.bin: has 2 outputs, box has 1: use -out 2
INFO: loaded 0 channels
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
EOF

expect "none at all is a number, too" "mlinfer~ -in 0 -out 0" 0 \
    "load MODELS/gain; load MODELS/clock; pd: dsp 1" <<'EOF'
error: mlinfer~: MODELS/gain.bin: has 1 input, box has 0: use -in 1
INFO: loaded 0 channels
error: mlinfer~: MODELS/clock.bin: has 1 output, box has 0: use -out 1
INFO: loaded 0 channels
EOF

PD_LOADS=2 PD_THEN="info" expect "a newer load takes the place of one that waits" \
    "mlinfer~ MODELS/gain" 1 \
    "pd: dsp 1; load MODELS/late; load MODELS/nothere; load MODELS/soft; reload" <<'EOF'
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
INFO: loaded 1 MODELS/soft.bin
INFO: latency 0
INFO: name soft
INFO: file MODELS/soft.bin
INFO: mode stream
INFO: rate 48000
INFO: inputs 1
INFO: outputs 1
INFO: in 1 x 0 0
INFO: out 1 y 0 0
INFO: latency 0
INFO: parameters 1
INFO: macs 0
INFO: memory BYTES 832
EOF

PD_LOADS=2 PD_THEN="pd: dsp 1; 1; pd: dsp 0; load MODELS/total" expect \
    "... also one that need not wait, as sound has stopped" "mlinfer MODELS/sumlist" \
    1 "pd: dsp 1; load MODELS/clock; pd: dsp 0; load MODELS/total" <<'EOF'
INFO: loaded 1 MODELS/sumlist.bin
INFO: latency 0
INFO: loaded 1 MODELS/total.bin
INFO: latency 0
OUT: 1
INFO: loaded 1 MODELS/total.bin
INFO: latency 0
EOF

PD_LOADS=2 expect "a missing model with -in and -out: the box lives" \
    "mlinfer~ -in 2 -out 1 nothere" 1 "pd: dsp 1; load MODELS/gain" <<'EOF'
error: mlinfer~: nothere: not found beside the patch (PATCH), on declared or search paths
INFO: loaded 0 notfound
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
EOF

expect "without them there is no box" "mlinfer~ nothere" 1 "" <<'EOF'
error: mlinfer~: nothere: not found beside the patch (PATCH), on declared or search paths
mlinfer~ nothere
... couldn't create
EOF

expect "controls: kept by name, checked" "mlinfer~ -in 1 -out 1" 1 \
    "set gain 2; load MODELS/gain; set gain 1 2; set gain; set gain x; set; set 1; set loud 3; info" \
    <<'EOF'
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
error: mlinfer~: set gain: expected 1 value, got 2
error: mlinfer~: set gain: expected a value, got none
error: mlinfer~: set gain: value 1 is not a number
error: mlinfer~: set: expected the name of a control, got nothing
error: mlinfer~: set: expected the name of a control, got a number
error: mlinfer~: set loud: gain.bin has no such control (it has: gain); kept for the next model
INFO: name gain
INFO: file MODELS/gain.bin
INFO: mode stream
INFO: rate 48000
INFO: inputs 1
INFO: outputs 1
INFO: in 1 x 0 0
INFO: out 1 y 0 0
INFO: control 1 gain 0 2
INFO: latency 0
INFO: parameters 0
INFO: macs 0
INFO: memory BYTES 832
EOF

expect "a step model has a hop of latency" "mlinfer~ -hop 100 MODELS/sumlist" \
    2 "" <<'EOF'
INFO: loaded 1 MODELS/sumlist.bin
INFO: latency 100
EOF

PD_MILLISECONDS=4 expect "-list: results as lists, from step models" \
    "mlinfer~ -list -hop 64 MODELS/sumlist" 1 "pd: dsp 1" <<'EOF'
INFO: loaded 1 MODELS/sumlist.bin
INFO: latency 0
OUT: 0.25 0
OUT: 0.25 0
OUT: 0.25 0
EOF

PD_MILLISECONDS=2 expect "-list: every result of a block, oldest first" \
    "mlinfer~ -list -hop 32 MODELS/total" 1 "0.5; pd: dsp 1" <<'EOF'
INFO: loaded 1 MODELS/total.bin
INFO: latency 0
OUT: 0.5
OUT: 1
OUT: 1.5
OUT: 2
EOF

# two blocks of 64 frames, a result every 4 frames over the last 8
{
    printf 'INFO: loaded 1 MODELS/mean.bin\nINFO: latency 0\nOUT: 0.5\n'
    yes "OUT: 1" | head -31
} >"$work/means"
PD_MILLISECONDS=2 expect "-list: results of window models" \
    "mlinfer~ -list MODELS/mean" 1 "1; pd: dsp 1" <"$work/means"

PD_MILLISECONDS=2 expect "-list: a classifier" \
    "mlinfer~ -list MODELS/larger" 1 "1; pd: dsp 1" <<'EOF'
INFO: loaded 1 MODELS/larger.bin
INFO: latency 0
INFO: class left 0.731059
OUT: 0.731059 0.268941
INFO: class left 0.731059
OUT: 0.731059 0.268941
EOF

PD_MILLISECONDS=2 expect "a classifier with signals out names classes, too" \
    "mlinfer~ MODELS/larger" 2 "0; pd: dsp 1" <<'EOF'
INFO: loaded 1 MODELS/larger.bin
INFO: latency 64
INFO: class left 0.5
INFO: class left 0.5
EOF

PD_MILLISECONDS=2 expect "a stream names a class every hop" \
    "mlinfer~ -hop 32 MODELS/louder" 2 "1; pd: dsp 1" <<'EOF'
INFO: loaded 1 MODELS/louder.bin
INFO: latency 0
INFO: class left 0.731059
INFO: class left 0.731059
INFO: class left 0.731059
INFO: class left 0.731059
EOF

# Blocks of 1024 frames, a list for each frame.
cat >"$work/case.pd" <<EOF
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#N canvas 0 0 600 400 inside 0;
#X obj 20 20 block~ 1024;
#X obj 20 40 sig~ 1;
#X obj 20 60 mlinfer~ -list -hop 1 $work/models/total;
#X obj 20 90 print OUT;
#X connect 1 0 2 0;
#X connect 2 0 3 0;
#X restore 20 20 pd inside;
EOF
script "$work/script.pd" "pd: dsp 1" "pd: dsp 1" "pd: dsp 1" "pd: dsp 0"
run_pd -open "$work/case.pd" -open "$work/script.pd" | sort -u -k 2 -n |
    tail -1 >"$work/got"
compare "-list: a result for every frame of a large block" <<'EOF'
OUT: 3072
EOF

expect "-list needs results" "mlinfer~ -in 1 -list MODELS/gain" 1 "" <<'EOF'
error: mlinfer~: MODELS/gain.bin: -list: expected a step or window model, got a stream
INFO: loaded 0 unsupported
EOF

expect "flags with wrong or no numbers" \
    "mlinfer~ -in -1 -out 1.5 -hop 0 -foo -in x MODELS/gain" 1 "" <<'EOF'
error: mlinfer~: -in: expected a whole number from 0 to 1024, got -1
error: mlinfer~: -out: expected a whole number from 0 to 1024, got 1.5
error: mlinfer~: -hop: expected a whole number from 1 to 1048576, got 0
error: mlinfer~: -foo: unknown flag (expected -in -out -m -hop -list -norate -clamp)
error: mlinfer~: -in: expected a number behind it, got x
error: mlinfer~: x MODELS/gain: not found beside the patch (PATCH), on declared or search paths
mlinfer~ -in -1 -out 1.5 -hop 0 -foo -in x MODELS/gain
... couldn't create
EOF

expect "infinity from the model in the tick is said once" \
    "mlinfer~ MODELS/pole" 2 "1; pd: dsp 1" <<'EOF'
INFO: loaded 1 MODELS/pole.bin
INFO: latency 0
error: mlinfer~: pole.bin: made NaN or infinity: output 0, state reset
EOF

PD_LOADS=2 PD_RATE=44100 expect "another rate than the model's is converted, not said" \
    "mlinfer~ MODELS/gain" 1 "pd: dsp 1; pd: dsp 0; pd: dsp 1; reload" <<'EOF'
INFO: loaded 1 MODELS/gain.bin
INFO: latency 132
INFO: loaded 1 MODELS/gain.bin
INFO: latency 132
EOF

expect "a stream model takes a frame a list" "mlinfer MODELS/gain" 1 \
    "0.5; set gain 2; 0.5; bang; bypass 1; load MODELS/late; 1; 2; foo; symbol x" \
    <<'EOF'
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
OUT: 0.5
OUT: 1
OUT: 1
error: mlinfer: no method for 'bypass'
INFO: loaded 1 MODELS/late.bin
INFO: latency 10
OUT: 0
OUT: 0
error: mlinfer: no method for 'foo'
error: mlinfer: list: element 1 is not a number
EOF

# Labels that a patch can only write as numbers come as numbers, which [route 7]
# knows; one without a name is its index from 0.
cat >"$work/numbered.pd" <<EOF
#N canvas 0 0 300 300 12;
#X declare -path mlinfer;
#X obj 20 20 r box;
#X obj 20 40 mlinfer $work/models/numbered;
#X obj 20 60 route class;
#X obj 20 80 route 7 2;
#X obj 20 100 print SEVEN;
#X obj 120 100 print TWO;
#X obj 220 100 print OTHER;
#X connect 0 0 1 0;
#X connect 1 1 2 0;
#X connect 2 0 3 0;
#X connect 3 0 4 0;
#X connect 3 1 5 0;
#X connect 3 2 6 0;
EOF
script "$work/script.pd" "9 0 0" "0 0 9" "0 9 0"
run_pd -open "$work/numbered.pd" -open "$work/script.pd" >"$work/got"
compare "labels that are numbers, and classes without a name" <<'EOF'
SEVEN: 0.999753
TWO: 0.999753
OTHER: 7 up 0.999753
EOF

expect "a model without inputs keeps an inlet for messages" \
    "mlinfer~ MODELS/clock" 1 "info" <<'EOF'
INFO: loaded 1 MODELS/clock.bin
INFO: latency 64
INFO: name clock
INFO: file MODELS/clock.bin
INFO: mode step
INFO: rate 0
INFO: inputs 0
INFO: outputs 1
INFO: out 1 count 0 0
INFO: latency 64
INFO: parameters 6
INFO: macs 1
INFO: memory BYTES 1088
EOF

PD_RATE=48000 expect "print: a window of another rate" \
    "mlinfer~ MODELS/mean44" 1 "print" <<'EOF'
INFO: loaded 1 MODELS/mean44.bin
INFO: latency 72
mlinfer~: mean44
  file: MODELS/mean44.bin
  mode: window
  rate: 44100 Hz, converted from and to 48000
  window: 8 frames, a result every 4
  inputs: 1, outputs: 1
  in 1: x
  out 1: mean
  latency: 72 frames
  parameters: 0
  multiply-accumulates: 0 a window
  memory: BYTES bytes, and 832 shared by all boxes with this file
EOF

expect "flags without a number, in front of nothing" "mlinfer~ -hop -in" 1 \
    "info" <<'EOF'
error: mlinfer~: -hop: expected a number behind it, got -in
error: mlinfer~: -in: expected a number behind it, got nothing
INFO: mode none
EOF

# Time is only measured when that was asked for: then it is more than none, and
# the worst block no less than the mean.
cat >"$work/cpu.pd" <<EOF
#N canvas 0 0 300 300 12;
#X declare -path mlinfer;
#X obj 20 20 r box;
#X obj 20 40 mlinfer~ $work/models/deep;
#X obj 120 40 mlinfer $work/models/deep;
#X obj 20 60 print INFO;
#X obj 120 60 print INFO;
#X obj 120 20 r list;
#X connect 0 0 1 0;
#X connect 1 1 3 0;
#X connect 0 0 2 0;
#X connect 2 1 4 0;
#X connect 5 0 2 0;
EOF
script "$work/script.pd" "pd: dsp 1; list: 1" "cpu" "cpu 1" "list: 1" "cpu" \
    "cpu" "list: 1; cpu 0" "list: 1" "cpu 1; cpu"
run_pd -open "$work/cpu.pd" -open "$work/script.pd" | grep "^INFO: cpu" |
    awk '$3 == 0 && $4 == 0 { print "none"; next }
         $3 > 0 && $4 >= $3 { print "some"; next } { print }' >"$work/got"
compare "cpu measures between cpu 1 and cpu 0, from one question to the next" \
    <<'EOF'
none
none
some
some
some
none
none
none
EOF

# A box with fixed counts has these, whatever its model has.
cat >"$work/counts.pd" <<EOF
#N canvas 0 0 300 300 12;
#X declare -path mlinfer;
#X obj 20 20 mlinfer~ -in 4 -out 3 $work/models/gain;
#X obj 20 60 mlinfer~ $work/models/sums;
#X obj 20 20 osc~;
#X obj 20 20 print;
#X connect 2 0 0 3;
#X connect 0 2 1 2;
#X connect 0 3 3 0;
#X connect 1 1 0 0;
#X connect 1 2 3 0;
#X connect 2 0 0 4;
#X connect 0 4 3 0;
#X connect 2 0 1 3;
#X connect 1 3 3 0;
EOF
run_pd -open "$work/counts.pd" -send "pd-counts.pd savetofile counts.pd $work/set; pd quit" |
    grep -c 'connection failed' >"$work/got"
compare "inlets and outlets are as many as the flags, or the model, say" <<'EOF'
4
EOF

# ------------------------------------------------------- loads, once more ----
# The file changes, and becomes something else, while the box plays on.
cp "$work/models/total.bin" "$work/mine.bin"
cat >"$work/mine.pd" <<EOF
#N canvas 0 0 300 300 12;
#X declare -path mlinfer;
#X obj 20 20 r box;
#X obj 20 40 mlinfer mine;
#X obj 20 60 print OUT;
#X obj 120 60 print INFO;
#X obj 20 120 r teacher;
#X obj 20 140 mlinfer -learn 1 1;
#X obj 20 160 print WROTE;
#X obj 120 120 r wanted;
#X obj 20 200 r file;
#X obj 20 220 soundfiler;
#X obj 120 200 table sound 10;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 1 1 3 0;
#X connect 4 0 5 0;
#X connect 5 1 6 0;
#X connect 7 0 5 1;
#X connect 8 0 9 0;
EOF
script "$work/script.pd" "1; 1" \
    "teacher: 1; wanted: 0.25; teacher: add; teacher: write mine.bin" \
    "1; reload; 1; 1" "file: write -wave here.wav sound" "load here.wav; 1"
run_pd -open "$work/mine.pd" -open "$work/script.pd" |
    grep -v amplitude >"$work/got"
compare "load and reload take what is in the file now" <<'EOF'
INFO: loaded 1 PATCH/mine.bin
INFO: latency 0
OUT: 1
OUT: 2
WROTE: examples 1
WROTE: written 1 PATCH/mine.bin
OUT: 3
INFO: loaded 1 PATCH/mine.bin
INFO: latency 0
OUT: 0.25
OUT: 0.25
error: mlinfer: PATCH/here.wav: a WAV sound (expected a model: .bin, .onnx, .tflite, .nam, .json or .aidax)
INFO: loaded 0 corrupt
OUT: 0.25
EOF

expect "a latency beyond all memory" "mlinfer~ -in 1 -out 1 MODELS/far" 1 \
    "load MODELS/gain" <<'EOF'
error: mlinfer~: MODELS/far.bin: has a latency of 10000000 frames, expected at most 8388608
INFO: loaded 0 memory
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
EOF
expect "more inputs than a list can have" "mlinfer MODELS/crowd" 1 "1" <<'EOF'
error: mlinfer: MODELS/crowd.bin: has 70000 input and 1 output values (expected at most 65536)
INFO: loaded 0 unsupported
EOF
expect "more channels than a box can have" "mlinfer~ MODELS/lines" 1 "" <<'EOF'
error: mlinfer~: MODELS/lines.bin: has 1025 inputs, expected at most 1024
mlinfer~ MODELS/lines
... couldn't create
EOF
(
    ulimit -v 250000
    export LC_ALL=C
    expect "a model that needs more memory than there is" "mlinfer MODELS/heavy" \
        1 "load MODELS/total; 1" <<'EOF'
error: mlinfer: MODELS/heavy.bin: needs BYTES bytes: not there
INFO: loaded 0 memory
INFO: loaded 1 MODELS/total.bin
INFO: latency 0
OUT: 1
EOF
)

many=$(for i in {1..258}; do printf 'set name%d 1;' $i; done)
expect "names that are kept have an end" "mlinfer~ -in 1 -out 1" 1 \
    "$many set name7 2; set gain 2; load MODELS/gain" <<'EOF'
error: mlinfer~: set name257: too many names (at most 256) or no memory
error: mlinfer~: set name258: too many names (at most 256) or no memory
error: mlinfer~: set gain: too many names (at most 256) or no memory
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
EOF

expect "-learn: what cannot be" "mlinfer -learn 1 1" 1 \
    "reload; train; 1; add; add left; clear; add left; add" <<'EOF'
error: mlinfer: reload: no file was named yet
error: mlinfer: train: there is no example
INFO: examples 1
error: mlinfer: add: the examples have outputs: clear them first
INFO: examples 0
INFO: examples 1
error: mlinfer: add: the examples have labels: clear them first
EOF
expect "-learn: messages with something else" "mlinfer -learn 1 1" 1 \
    "delete; delete x; smooth; smooth -1; smooth x; use; use 3; train x; train 8 1000; read folder" <<'EOF'
error: mlinfer: delete: expected the number of an example, got nothing
error: mlinfer: delete: expected the number of an example, got x
error: mlinfer: smooth: expected 0 or more, got nothing
error: mlinfer: smooth: expected 0 or more, got -1
error: mlinfer: smooth: expected 0 or more, got x
error: mlinfer: use: expected blend or network, got nothing
error: mlinfer: use: expected blend or network, got 3
error: mlinfer: train: layer 1: expected 1 to 256 units, got x
error: mlinfer: train: layer 2: expected 1 to 256 units, got 1000
error: mlinfer: folder: a folder (PATCH/folder.bin), expected a model file
INFO: loaded 0 notfound
EOF
{
    for i in {1..32}; do echo "INFO: examples $i"; done
    echo "error: mlinfer: add: too many different labels (at most 32)"
} >"$work/labels"
expect "-learn: labels have an end" "mlinfer -learn 1 1" 1 \
    "1; $(for i in {1..33}; do printf 'add label%d;' $i; done)" <"$work/labels"
expect "-capacity without -learn" "mlinfer -capacity 5 MODELS/total" 1 "1" <<'EOF'
error: mlinfer: -capacity: only with -learn
INFO: loaded 1 MODELS/total.bin
INFO: latency 0
OUT: 1
EOF

export MLI_KERNELS=none
box_patch "$work/case.pd" "mlinfer $work/models/total" 1 "1"
run_pd -open "$work/case.pd" >"$work/got"
if grep -q "MLI_KERNELS is 'none' (expected one of this machine's:.* generic)" \
    "$work/got" && grep -qx "INFO: loaded 0 unsupported" "$work/got"; then
    pass "MLI_KERNELS: an unknown build is an error that lists those here"
else
    fail "MLI_KERNELS: an unknown build" "$(head -1 "$work/got")"
fi
MLI_KERNELS=generic
expect "MLI_KERNELS: the plain build is always there" "mlinfer MODELS/total" 1 \
    "1" <<'EOF'
INFO: loaded 1 MODELS/total.bin
INFO: latency 0
OUT: 1
EOF
finish
