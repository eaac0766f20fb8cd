#!/usr/bin/env bash
# [mlinfer -learn]: every message, flag and error, in real Pd.
. "$(dirname "$0")/pd/common.sh"
need_pd learn

# learn NAME BOX MESSAGES <<EXPECTED: as expect of common.sh, with both inlets
# (messages go to the left one, "right: ..." to the right one).
learn() {
    box_patch "$work/case.pd" "$2" 1 "$3"
    cat >>"$work/case.pd" <<EOF
#X obj 200 20 r right;
#X connect $((${PD_LOADS:+8} + 10)) 0 0 1;
EOF
    run_pd -open "$work/case.pd" >"$work/got"
    compare "$1"
}

learn "an answer from the first example, at once" "mlinfer -learn 3 2" \
    "0.1 0.2 0.3; right: 7 -2; add; 0.1 0.2 0.3; 5 5 5; bang" <<'EOF'
INFO: examples 1
OUT: 7 -2
OUT: 7 -2
OUT: 7 -2
EOF

learn "a blend between two, and the examples themselves" "mlinfer -learn 1 2" \
    "set 0; add; set 10; right: 1 4; add; 5; 0; 10; 2.5" <<'EOF'
INFO: examples 1
INFO: examples 2
OUT: 0.5 2
OUT: 0 0
OUT: 1 4
OUT: 0.0357143 0.142857
EOF

learn "undo, delete, clear and undo of these" "mlinfer -learn 1 1" \
    "set 0; right: 10; add; set 1; right: 20; add; set 2; right: 30; add
     delete 1; 0; undo; 0; clear; 0; undo; 0; undo; 2; undo; undo; undo
     delete 1; delete 1.5; clear; clear" <<'EOF'
INFO: examples 1
INFO: examples 2
INFO: examples 3
INFO: examples 2
OUT: 21.1111
INFO: examples 3
OUT: 10
INFO: examples 0
INFO: examples 3
OUT: 10
INFO: examples 2
OUT: 18.8889
INFO: examples 1
INFO: examples 0
error: mlinfer: undo: no such example (there are 0)
error: mlinfer: delete 1: no such example (there are 0)
error: mlinfer: delete 1.5: no such example (there are 0)
INFO: examples 0
INFO: examples 0
EOF

learn "add asks for inputs, and for one label" "mlinfer -learn 2 2" \
    "add; set 1 2; add a b" <<'EOF'
error: mlinfer: add: no inputs came yet at the left inlet
error: mlinfer: add: expected one label or none, got 2 words
EOF

learn "lists of a wrong length are said once" "mlinfer -learn 2 2" \
    "1; 1 2 3; 1 2; 1 x; 1 2; right: 1; right: 1 2; set 1" <<'EOF'
error: mlinfer: list of 1, box has 2 inputs
error: mlinfer: list: element 2 is not a number
error: mlinfer: list at the right inlet of 1, box has 2 outputs
error: mlinfer: set of 1, box has 2 inputs
EOF

learn "labels: the nearest, with its confidence, and all scores" \
    "mlinfer -learn 2 1" \
    "set 0 0; add fist; set 1 1; add open; set 0 1; add 3; 0 0; 0.9 1
     set 0 0.9; add; undo; undo; 0 1" <<'EOF'
INFO: examples 1
INFO: examples 2
INFO: examples 3
INFO: class fist 1
OUT: 1 0 0
INFO: class open 0.999817
OUT: 3.05185e-05 0.999817 0.000152388
error: mlinfer: add: the examples have labels: clear them first
INFO: examples 2
INFO: examples 1
INFO: class fist 1
OUT: 1
EOF

learn "equal inputs with different outputs: their mean" "mlinfer -learn 2 1" \
    "set 1 1; right: 1; add; right: 4; add; bang; 9 9" <<'EOF'
INFO: examples 1
INFO: examples 2
OUT: 2.5
OUT: 2.5
EOF

learn "smooth: rounded off" "mlinfer -learn 1 1" \
    "set 0; add; set 1; right: 1; add; 0.25; smooth 0.5; 0.25; 0; smooth -1
     smooth 0; 0" <<'EOF'
INFO: examples 1
INFO: examples 2
OUT: 0.0357143
OUT: 0.19259
OUT: 0.0820995
error: mlinfer: smooth: expected 0 or more, got -1
OUT: 0
EOF

learn "-capacity, and -clamp for answers only" \
    "mlinfer -clamp -capacity 2 -learn 1 1" \
    "set 0; add; set 1; right: 1; add; add; -5; 5; info" <<'EOF'
INFO: examples 1
INFO: examples 2
error: mlinfer: add: full, there are 2 examples: give the box a larger -capacity
OUT: 0
OUT: 1
INFO: mode learn
INFO: examples 2
INFO: capacity 2
INFO: inputs 1
INFO: outputs 1
INFO: in 1 in-1 0 1
INFO: out 1 out-1 0 1
INFO: smooth 0
INFO: answer blend
EOF

learn "info and print with labels" "mlinfer -learn 2 3" \
    "set -1 4; add a; set 1 4; add b; set 3 4; add b; smooth 0.1; info; print" <<'EOF'
INFO: examples 1
INFO: examples 2
INFO: examples 3
INFO: mode learn
INFO: examples 3
INFO: capacity 512
INFO: inputs 2
INFO: outputs 3
INFO: in 1 in-1 -1 3
INFO: in 2 in-2 4 4
INFO: label 1 a 1
INFO: label 2 b 2
INFO: smooth 0.1
INFO: answer blend
mlinfer: learns 2 inputs to 3 outputs
  examples: 3 of 512
  in 1: -1 to 3
  in 2: 4 to 4
  answers: blend, smooth 0.1
  1: -1 4 -> a
  2: 1 4 -> b
  3: 3 4 -> b
EOF

learn "what makes no box" "mlinfer -learn 3" "1 2 3" <<'EOF'
error: mlinfer: -learn: expected a number behind it, got nothing
mlinfer -learn 3
... couldn't create
EOF

# ----------------------------------------------------------------- files ----
PD_LOADS=1 PD_THEN="1 2; clear; load gone" learn \
    "while sound runs files are written and read by and by" \
    "mlinfer -learn 2 1" \
    "pd: dsp 1; 1 2; right: 3; add; write both; write both.csv
     write third; clear; load gone; load both" <<'EOF'
INFO: examples 1
error: mlinfer: PATCH/third.bin: 2 files are being written: try again
INFO: written 0 busy
INFO: examples 0
INFO: written 1 PATCH/both.bin
INFO: written 1 PATCH/both.csv
INFO: loaded 1 PATCH/both.bin
INFO: latency 0
INFO: examples 1
OUT: 3
INFO: examples 0
EOF

learn "what is being written when Pd quits is written" "mlinfer -learn 1 1" \
    "pd: dsp 1; 1; right: 3; add; write last.csv; pd: quit" <<'EOF'
INFO: examples 1
EOF
if [ -s "$work/last.csv" ]; then
    pass "... and is there"
else
    fail "... and is there" "there is no last.csv"
fi

learn "write and load go on; [mlinfer] plays the same" "mlinfer -learn 2 2" \
    "set 0 0; right: 1 2; add; set 1 0.5; right: 3 -4; add; smooth 0.05
     0.3 0.3; write poses; clear; load poses; 0.3 0.3; set 0.3 0.3; right: 9 9
     add; bang; reload; 0.3 0.3" <<'EOF'
INFO: examples 1
INFO: examples 2
OUT: 1.64949 0.0515255
INFO: written 1 PATCH/poses.bin
INFO: examples 0
INFO: loaded 1 PATCH/poses.bin
INFO: latency 0
INFO: examples 2
OUT: 1.64949 0.0515255
INFO: examples 3
OUT: 8.99967 8.9996
INFO: loaded 1 PATCH/poses.bin
INFO: latency 0
INFO: examples 2
OUT: 1.64949 0.0515255
EOF
cp "$work/poses.bin" "$work/models/"
expect "the written file is an ordinary model" "mlinfer MODELS/poses" 1 \
    "0.3 0.3; info; print" <<'EOF'
INFO: loaded 1 MODELS/poses.bin
INFO: latency 0
OUT: 1.64949 0.0515255
INFO: name poses
INFO: file MODELS/poses.bin
INFO: mode step
INFO: rate 0
INFO: inputs 2
INFO: outputs 2
INFO: in 1 in-1 0 1
INFO: in 2 in-2 0 0.5
INFO: out 1 out-1 1 3
INFO: out 2 out-2 -4 2
INFO: latency 0
INFO: parameters 3078
INFO: macs 2048
INFO: memory BYTES 18688
mlinfer: poses
  file: MODELS/poses.bin
  mode: step
  inputs: 2, outputs: 2
  in 1: in-1, 0 to 1
  in 2: in-2, 0 to 0.5
  out 1: out-1, 1 to 3
  out 2: out-2, -4 to 2
  latency: 0 frames
  parameters: 3078
  multiply-accumulates: 2048 a list
  memory: BYTES bytes, and 18688 shared by all boxes with this file
  learn: inputs 2 outputs 2 capacity 512 answer blend
  smooth: 0.0500000007
  examples: in1,in2,out1,out2 ...
EOF

learn "a file named in the box; text there and back" \
    "mlinfer -learn 2 2 poses" \
    "0.3 0.3; write poses.csv; clear; write a; read poses.csv; 0.3 0.3" <<'EOF'
INFO: loaded 1 PATCH/poses.bin
INFO: latency 0
OUT: 1.64949 0.0515255
INFO: written 1 PATCH/poses.csv
INFO: examples 0
error: mlinfer: PATCH/a.bin: there is no example to be written
INFO: written 0 empty
INFO: loaded 1 PATCH/poses.csv
INFO: latency 0
INFO: examples 2
OUT: 1.64949 0.0515255
EOF

printf '1,2,fist\n3,4,"two words"\n5,6,7\n' >"$work/labels.csv"
learn "labels from text, and in a .bin" "mlinfer -learn 2 2" \
    "read labels.csv; 3 4; 5 6; write c.bin; clear; load c; 5 6" <<'EOF'
INFO: loaded 1 PATCH/labels.csv
INFO: latency 0
INFO: examples 3
INFO: class two\ words 1
OUT: 0 1 0
INFO: class 7 1
OUT: 0 0 1
INFO: written 1 PATCH/c.bin
INFO: examples 0
INFO: loaded 1 PATCH/c.bin
INFO: latency 0
INFO: examples 3
INFO: class 7 1
OUT: 0 0 1
EOF
cp "$work/c.bin" "$work/models/"
expect "the classes in an ordinary model" "mlinfer MODELS/c" 1 "3 4.1" <<'EOF'
INFO: loaded 1 MODELS/c.bin
INFO: latency 0
INFO: class two\ words 0.999997
OUT: 1.41386e-06 0.999997 1.72674e-06
EOF

echo "1,2,3" >"$work/short.csv"
learn "what cannot be had harms nothing" "mlinfer -learn 1 2" \
    "set 1; right: 5 6; add; load gone; load poses; read labels.csv
     load models/sumlist.bin; write gone/x; load; write 0; bang" <<'EOF'
INFO: examples 1
error: mlinfer: gone: not found beside the patch (PATCH), on declared or search paths
INFO: loaded 0 notfound
error: mlinfer: PATCH/poses.bin: has 2 inputs and 2 outputs, box has 1 and 2: use -learn 2 2
INFO: loaded 0 channels
error: mlinfer: PATCH/labels.csv: line 1: value 3 is not a number that a float holds: fist
INFO: loaded 0 unsupported
error: mlinfer: MODELS/sumlist.bin: a model without examples (expected one that [mlinfer -learn] wrote)
INFO: loaded 0 unsupported
error: mlinfer: PATCH/gone/x.bin: cannot be written: No such file or directory
INFO: written 0 unwritable
error: mlinfer: load: expected the name of a file, got nothing
error: mlinfer: write: expected the name of a file, got 0
OUT: 5 6
EOF

learn "a long list" "mlinfer -learn 1 100" \
    "set 1; add; 1; print" <<EOF
INFO: examples 1
OUT:$(printf ' 0%.0s' {1..100})
mlinfer: learns 1 inputs to 100 outputs
  examples: 1 of 512
  in 1: 1 to 1
  answers: blend, smooth 0
  1: 1 ->$(printf ' 0%.0s' {1..100})
EOF
# -------------------------------------------------------------- training ----
# A patch that goes on when a training has ended, three times. Losses are printed
# apart: how many are heard depends on the machine.
cat >"$work/train.pd" <<'EOF'
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#X obj 20 60 mlinfer -learn 1 2;
#X obj 20 20 r box;
#X obj 120 20 r right;
#X obj 20 100 print OUT;
#X obj 120 100 route loss;
#X obj 120 160 print INFO;
#X obj 120 130 print LOSS;
#X obj 260 100 route trained;
#X obj 260 130 t b;
#X obj 260 160 f;
#X obj 300 160 + 1;
#X obj 260 190 sel 0 1 2;
#X obj 400 20 loadbang;
#X msg 400 50 \; box set 0 \; right 0 1 \; box add \; box set 0.5 \; right 1
0 \; box add \; box set 1 \; right 0 1 \; box add \; box use network \; box
train 8 x \; box train 1 1 1 1 1 \; box train 300 \; box train 16 8 \; box
train 8 \; box 0.5;
#X msg 20 230 \; box 0 \; box use blend \; box 0.25 \; box use network \; box
use net \; box info \; box write network \; box set 0.75 \; right 7 7 \; box
add \; box use network \; box load network \; box info \; box 1 \; box train
200 200 \; box stop;
#X msg 20 290 \; box train 200 200 \; box undo \; box train 4;
#X msg 20 350 \; box train 99 99 99 \; box clear \; pd quit;
#X connect 1 0 0 0;
#X connect 2 0 0 1;
#X connect 0 0 3 0;
#X connect 0 1 4 0;
#X connect 4 0 6 0;
#X connect 4 1 5 0;
#X connect 4 1 7 0;
#X connect 7 0 8 0;
#X connect 8 0 9 0;
#X connect 9 0 10 0;
#X connect 10 0 9 1;
#X connect 9 0 11 0;
#X connect 11 0 14 0;
#X connect 11 1 15 0;
#X connect 11 2 16 0;
#X connect 12 0 13 0;
EOF
PD_SECONDS=60 run_pd -open "$work/train.pd" >"$work/said"
# the network's answers are near what was shown: rounded, so that no machine's
# last digit counts
grep -v LOSS "$work/said" | awk '/^OUT/ { for (i = 2; i <= NF; i++)
    $i = sprintf("%.1f", $i) } { gsub("-0.0", "0.0"); print }' >"$work/got"
compare "train, stop and use" <<'EOF'
INFO: examples 1
INFO: examples 2
INFO: examples 3
error: mlinfer: use network: none was trained on these examples
error: mlinfer: train: layer 2: expected 1 to 256 units, got x
error: mlinfer: train: expected at most 4 hidden layers, got 5
error: mlinfer: train: layer 1: expected 1 to 256 units, got 300
error: mlinfer: train: training goes on: stop it first
OUT: 1.0 0.0
INFO: trained 1
OUT: 0.0 1.0
OUT: 0.5 0.5
error: mlinfer: use: expected blend or network, got net
INFO: mode learn
INFO: examples 3
INFO: capacity 512
INFO: inputs 1
INFO: outputs 2
INFO: in 1 in-1 0 1
INFO: out 1 out-1 0 1
INFO: out 2 out-2 0 1
INFO: smooth 0
INFO: answer network
INFO: written 1 PATCH/network.bin
INFO: examples 4
error: mlinfer: use network: none was trained on these examples
INFO: loaded 1 PATCH/network.bin
INFO: latency 0
INFO: examples 3
INFO: mode learn
INFO: examples 3
INFO: capacity 512
INFO: inputs 1
INFO: outputs 2
INFO: in 1 in-1 0 1
INFO: out 1 out-1 0 1
INFO: out 2 out-2 0 1
INFO: smooth 0
INFO: answer network
OUT: 0.0 1.0
INFO: trained 1
INFO: examples 2
INFO: trained 1
INFO: examples 0
EOF
last=$(sed -n 's/^LOSS: 3000 //p' "$work/said" | head -n 1)
if [ "$(echo "$last" | awk '{ print ($1 > 0 && $1 < 0.05) }')" = 1 ] &&
    [ "$(grep -c '^LOSS' "$work/said")" -ge 2 ]; then
    pass "losses are told, the last one is small"
else
    fail "losses are told, the last one is small" "it is '$last'"
fi
finish
