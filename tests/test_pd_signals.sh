#!/usr/bin/env bash
# What [mlinfer~] does in time: ramps of step models, clamping, bypass, spare
# channels, and state that outlives a rebuilt graph.
. "$(dirname "$0")/pd/common.sh"
need_pd signals

for block in 1 4 64 128; do
    played "a step model ramps over its hop, in blocks of $block" \
        "-hop 4 MODELS/sumlist" "1 0 0.25" "\\; box reset" 0 10 $block \
        <<'EOF'
OUT: 0 0.3125 0.625 0.9375 1.25 1.25 1.25 1.25 1.25 1.25
EOF
done
played "a hop of 1 is every sample" "-hop 1 MODELS/total" "1" \
    "\\; box reset" 0 6 64 <<'EOF'
OUT: 0 1 2 3 4 5
EOF
played "a hop need not fit the block" "-hop 3 MODELS/total" "3" \
    "\\; box reset" 0 8 2 <<'EOF'
OUT: 0 1 2 3 4 5 6 7
EOF
played "bypass of a step model is a hop late" "-hop 3 MODELS/sumlist" \
    "0.5 1 1" "\\; box bypass 1" 0 6 64 <<'EOF'
OUT: 0 0 0 0.5 0.5 0.5
EOF
played "bypass without a model" "-in 2 -out 2" "0.5 0.25" "\\; box bypass 1" 1 \
    3 64 <<'EOF'
OUT: 0.25 0.25 0.25
EOF
played "no model is silence" "-in 2 -out 2" "0.5 0.25" "\\; box reset" 1 \
    3 64 <<'EOF'
OUT: 0 0 0
EOF
played "a model that is missing is silence" "-in 1 -out 1 MODELS/nope" "0.5" \
    "\\; box reset" 0 3 64 <<EOF
error: mlinfer~: MODELS/nope: not found
OUT: 0 0 0
EOF
played "a window model holds its result" "MODELS/mean" "1" \
    "\\; box reset" 0 9 64 <<'EOF'
OUT: 0 0 0 0.5 0.5 0.5 0.5 1 1
EOF
played "... in blocks of 1" "MODELS/mean" "1" "\\; box reset" 0 9 1 <<'EOF'
OUT: 0 0 0 0.5 0.5 0.5 0.5 1 1
EOF
for block in 1 2 64; do
    played "a slower output holds its value, in blocks of $block" \
        "MODELS/quarter" "1" "\\; box reset" 0 6 $block <<'EOF'
OUT: 0 0 0 2 2 2
EOF
    played "slower inside, in blocks of $block" "MODELS/coarse" "1" \
        "\\; box reset" 0 6 $block <<'EOF'
OUT: 0 0 0 2 2 2
EOF
    played "a spread stream is a cycle late, in blocks of $block" \
        "MODELS/spread" "1" "\\; box reset" 0 9 $block <<'EOF'
OUT: 0 0 0 0 0 0 0 2 2
EOF
    played "a spread window is a hop late, in blocks of $block" \
        "MODELS/spreadmean" "1" "\\; box reset" 0 13 $block <<'EOF'
OUT: 0 0 0 0 0 0 0 0.5 0.5 0.5 0.5 1 1
EOF
done
# A block as large as the window is the window: no latency.
for block in 4 64; do
    played "a window of frames is a hop late, in blocks of $block" \
        "MODELS/whole8" "0.5" "\\; box reset" 0 10 $block <<'EOF'
OUT: 0 0 0 0 0 0 0 0 1 1
EOF
    played "... and its one value is not, in blocks of $block" \
        "MODELS/whole8" "0.5" "\\; box reset" 1 10 $block <<'EOF'
OUT: 0 0 0 0 0 0 0 0.5 0.5 0.5
EOF
done
for model in whole8 spreadwhole8; do
    played "$model in blocks of 8 answers in the same block" \
        "MODELS/$model" "0.5" "\\; box reset" 0 10 8 <<'EOF'
OUT: 1 1 1 1 1 1 1 1 1 1
EOF
    played "... with one value, too" \
        "MODELS/$model" "0.5" "\\; box reset" 1 4 8 <<'EOF'
OUT: 0.5 0.5 0.5 0.5
EOF
done
played "... bypassed as well" "MODELS/whole8" "0.5" "\\; box bypass 1" 0 3 8 \
    <<'EOF'
OUT: 0.5 0.5 0.5
EOF
played "a shorter hop keeps to its hops" "MODELS/whole1024-256" "0.5" \
    "\\; box reset" 0 3 1024 <<'EOF'
OUT: 0 0 0
EOF
for model in whole1024 whole1024-256; do
    played "$model in blocks that overlap is whole, nothing is said" \
        "MODELS/$model" "0.5" "\\; box reset" 0 3 "1024 4" <<'EOF'
OUT: 1 1 1
EOF
    inside "... and has no latency" "1024 4" "-list $work/models/$model" <<XXX
INFO: loaded 1 MODELS/$model.bin
INFO: latency $([ $model = whole1024 ] && echo 1024 || echo 256)
INFO: latency 0
XXX
done
inside "a window in a block of its size has no latency" "1024" \
    "-list $work/models/whole1024" <<'XXX'
INFO: loaded 1 MODELS/whole1024.bin
INFO: latency 1024
INFO: latency 0
XXX
inside "... in another one it has a hop's" "512" "-list $work/models/whole1024" \
    <<'XXX'
INFO: loaded 1 MODELS/whole1024.bin
INFO: latency 1024
XXX

# Inputs of several channels stand side by side, in the order of the file.
for case in "0 1.5" "1 0.75" "2 0.25"; do
    value=${case#* } outlet=${case% *}
    for model in "sides 16" "widesides 8"; do
        played "several inputs: channel $outlet of ${model% *}" \
            "MODELS/${model% *}" "0.25 0.5 0.25" "\\; box set gain 3" \
            $outlet 2 ${model#* } <<EOF
OUT: $value $value
EOF
    done
done

# A model that comes while DSP runs finds the block as it is, and the canvas may
# change around it.
cat >"$work/case.pd" <<EOF
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#N canvas 0 0 600 400 inside 0;
#X obj 20 20 r block;
#X obj 20 40 block~ 8;
#X obj 120 20 sig~ 0.5;
#X obj 120 60 mlinfer~ -in 1 -out 2;
#X obj 120 100 snapshot~;
#X obj 120 130 print OUT;
#X obj 220 100 print INFO;
#X obj 320 100 route latency;
#X obj 320 130 s told;
#X obj 220 20 r box;
#X obj 320 20 r snap;
#X connect 0 0 1 0;
#X connect 2 0 3 0;
#X connect 3 1 4 0;
#X connect 4 0 5 0;
#X connect 3 2 6 0;
#X connect 3 2 7 0;
#X connect 7 0 8 0;
#X connect 9 0 3 0;
#X connect 10 0 4 0;
#X restore 20 20 pd inside;
EOF
script "$work/script.pd" "pd: dsp 1" "load MODELS/whole8 @ told" "snap: bang" \
    "block: set 16" "snap: bang" "block: set 8" "load MODELS/whole1024 @ told" \
    "block: set 1024 4" "snap: bang" "block: set 64" "load MODELS/gain @ told" \
    "snap: bang"
sed -i "s|MODELS|$work/models|g" "$work/script.pd"
run_pd -open "$work/case.pd" -open "$work/script.pd" >"$work/got"
compare "a window model and blocks that change while DSP runs" <<'EOF'
INFO: loaded 1 MODELS/whole8.bin
INFO: latency 0
OUT: 0.5
INFO: latency 8
OUT: 0.5
INFO: latency 0
INFO: loaded 1 MODELS/whole1024.bin
INFO: latency 1024
INFO: latency 0
OUT: 0.5
INFO: latency 1024
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
OUT: 0
EOF

played "-clamp holds signals in range" "-clamp MODELS/sums" "7 -9 0.5" \
    "\\; box reset" 0 2 64 <<'EOF'
OUT: 0.5 0.5
EOF
played "without it they pass" "MODELS/sums" "7 -9 0.5" "\\; box reset" 0 2 64 \
    <<'EOF'
OUT: -1.5 -1.5
EOF
played "fewer channels: spare outlets are silent" "MODELS/sums" "1 2 3" \
    "\\; box load MODELS/gain \\; box set gain 2" 1 3 64 <<'EOF'
OUT: 0 0 0
EOF
played "... and the others play the new model" "MODELS/sums" "1 2 3" \
    "\\; box set gain 2 \\; box load MODELS/gain" 0 3 64 <<'EOF'
error: mlinfer~: set gain: sums.bin has no such control (it has: none); kept for the next model
OUT: 2 2 2
EOF
played "-clamp holds controls in range" "-clamp MODELS/gain" "1" \
    "\\; box set gain 7" 0 2 64 <<'EOF'
OUT: 2 2
EOF
played "a load that fails leaves the old one playing" "MODELS/gain" "0.5" \
    "\\; box load MODELS/nope" 0 2 64 <<EOF
error: mlinfer~: MODELS/nope: not found
OUT: 0.5 0.5
EOF
played "a model without inputs" "-hop 1 MODELS/clock" "" "\\; box reset" 0 4 \
    64 <<'EOF'
OUT: 0 1 2 3
EOF
# Every inlet takes floats: 1 to 3 to the inlets of a + b + c.
cat >"$work/case.pd" <<EOF
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#X obj 20 20 r a;
#X obj 80 20 r b;
#X obj 140 20 r c;
#X obj 20 60 mlinfer~ -clamp $work/models/sums;
#X obj 20 100 snapshot~;
#X obj 20 130 print SUM;
#X obj 120 60 mlinfer~ $work/models/sums;
#X obj 120 100 snapshot~;
#X obj 120 130 print SUM;
#X obj 220 60 r snap;
#X connect 0 0 3 0;
#X connect 1 0 3 1;
#X connect 2 0 3 2;
#X connect 3 0 4 0;
#X connect 4 0 5 0;
#X connect 0 0 6 0;
#X connect 1 0 6 1;
#X connect 2 0 6 2;
#X connect 6 0 7 0;
#X connect 7 0 8 0;
#X connect 9 0 7 0;
#X connect 9 0 4 0;
EOF
script "$work/script.pd" "pd: dsp 1" "snap: bang" "a: 1; b: 2; c: 3" \
    "snap: bang" "c: 1e39; b: -1e39; a: 0.5" "snap: bang"
run_pd -open "$work/case.pd" -open "$work/script.pd" >"$work/got"
compare "every signal inlet takes floats" <<'EOF'
SUM: 0.25
SUM: 0.25
SUM: 6
SUM: 3
SUM: 0.5
SUM: 0.5
EOF
played "infinity at an inlet counts as 0" "MODELS/sums" "1e39 1 1" \
    "\\; box reset" 0 2 64 <<'EOF'
OUT: 2 2
EOF
played "inlets without a signal begin with the model's value" "MODELS/sums" \
    "1 1" "\\; box reset" 0 2 64 <<'EOF'
OUT: 2.25 2.25
EOF
played "infinity from the model is 0" "MODELS/pole" "1" "\\; box reset" 0 3 \
    64 <<'EOF'
error: mlinfer~: pole.bin: made NaN or infinity: output 0, state reset
OUT: 0 0 0
EOF

# NaN in a list and in a signal counts as 0, too.
cat >"$work/case.pd" <<EOF
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#X obj 20 20 r box;
#X obj 20 40 expr \$f1 * 1e30 * 1e30 - \$f1 * 1e30 * 1e30;
#X obj 20 60 t f f;
#X obj 120 60 print NAN;
#X obj 20 80 pack f 2 3;
#X obj 20 100 mlinfer $work/models/sumlist;
#X obj 20 130 print OUT;
#X obj 220 20 sig~ 1;
#X obj 220 40 expr~ \$v1 * 1e30 * 1e30 - \$v1 * 1e30 * 1e30;
#X obj 220 80 mlinfer~ $work/models/sums;
#X obj 220 100 snapshot~;
#X obj 220 120 print SIG;
#X obj 320 80 snapshot~;
#X obj 320 110 print SIGNAN;
#X obj 420 20 r snap;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 2 1 3 0;
#X connect 2 0 4 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 7 0 8 0;
#X connect 8 0 9 0;
#X connect 7 0 9 1;
#X connect 9 0 10 0;
#X connect 10 0 11 0;
#X connect 8 0 12 0;
#X connect 12 0 13 0;
#X connect 14 0 10 0;
#X connect 14 0 12 0;
EOF
script "$work/script.pd" "1" "pd: dsp 1" "snap: bang"
run_pd -open "$work/case.pd" -open "$work/script.pd" | sed 's/-nan/nan/' \
    >"$work/got"
compare "NaN in lists and signals counts as 0" <<'EOF'
NAN: nan
OUT: 5 -2
SIG: 1.25
SIGNAN: nan
EOF

# The running sum of ones, before and after DSP off and on, a rebuilt graph and
# [switch~]: it never begins again. Then a reset: it does.
cat >"$work/case.pd" <<EOF
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#N canvas 0 0 600 400 inside 0;
#X obj 20 20 sig~ 0.5;
#X obj 20 60 mlinfer~ $work/models/pole;
#X obj 20 100 snapshot~;
#X obj 120 60 r box;
#X obj 220 60 r snap;
#X obj 20 130 print OUT;
#X obj 320 20 r switch;
#X obj 320 60 switch~;
#X connect 0 0 1 0;
#X connect 1 1 2 0;
#X connect 2 0 5 0;
#X connect 3 0 1 0;
#X connect 4 0 2 0;
#X connect 6 0 7 0;
#X restore 20 60 pd inside;
#X obj 20 100 loadbang;
#X msg 20 130 \\; switch 1 \\; pd dsp 1;
#X obj 20 160 delay 20;
#X msg 20 190 \\; snap bang \\; pd dsp 0 \\; pd dsp 1;
#X obj 20 220 delay 20;
#X msg 20 250 \\; snap bang \\; pd-case.pd obj 400 20 osc~ \\; pd-case.pd obj 400 50 dac~ \\; pd-case.pd connect 15 0 16 0;
#X obj 20 280 delay 20;
#X msg 20 310 \\; snap bang \\; switch 0;
#X obj 20 340 delay 20;
#X msg 20 370 \\; switch 1;
#X obj 20 400 delay 20;
#X msg 20 430 \\; snap bang \\; box reset;
#X obj 20 460 delay 20;
#X msg 20 490 \\; snap bang \\; pd quit;
EOF
for i in 1 3 5 7 9 11 13; do # a bang to a message, and to the next delay
    echo "#X connect $i 0 $((i + 1)) 0;"
    [ $i = 13 ] || echo "#X connect $i 0 $((i + 2)) 0;"
done >>"$work/case.pd"
run_pd -open "$work/case.pd" >"$work/got"
rises=$(awk '/^OUT:/ {print $2}' "$work/got" | head -4)
last=$(awk '/^OUT:/ {print $2}' "$work/got" | tail -1)
if [ "$(wc -l <<<"$rises")" = 4 ] && [ "$rises" = "$(sort -gu <<<"$rises")" ] &&
    [ "$(head -1 <<<"$rises")" != 0 ]; then
    pass "state goes on over DSP off and on, a new graph, and [switch~]"
else
    fail "state goes on over DSP off and on" "it was $(xargs <<<"$rises")"
fi
if awk "BEGIN { exit !($last > 0 && $last < $(tail -1 <<<"$rises")) }"; then
    pass "reset begins again"
else
    fail "reset begins again" "it went on to $last"
fi
finish
