#!/usr/bin/env bash
# [mlinfer~ -m]: one inlet and one outlet of as many channels as the model has.
# Pd has such signals since 0.54. PD=/path/to/pd runs the test with that one; in
# an older one only what the box says of it is looked at.
. "$(dirname "$0")/pd/common.sh"
need_pd multichannel

# Two numbers as two channels into a box, and what comes out in two channels:
# before MESSAGES are sent to it and after.
many() { # NAME BOX MESSAGES <<EXPECTED
    cat >"$work/case.pd" <<END
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#X obj 20 20 sig~ 0.5;
#X obj 80 20 sig~ 0.25;
#X obj 20 50 snake~ in 2;
#X obj 20 80 mlinfer~ $2;
#X obj 20 110 snake~ out 2;
#X obj 20 140 snapshot~;
#X obj 120 140 snapshot~;
#X obj 20 170 print FIRST;
#X obj 120 170 print SECOND;
#X obj 200 80 print INFO;
#X obj 200 20 r box;
#X obj 300 20 r snap;
#X obj 20 200 loadbang;
#X msg 20 230 \\; pd dsp 1;
#X obj 20 260 delay 20;
#X msg 20 290 \\; snap bang $3;
#X obj 120 260 delay 60;
#X msg 120 290 \\; snap bang;
#X obj 220 260 delay 90;
#X msg 220 290 \\; pd quit;
#X connect 0 0 2 0;
#X connect 1 0 2 1;
#X connect 2 0 3 0;
#X connect 3 0 4 0;
#X connect 3 1 9 0;
#X connect 4 0 5 0;
#X connect 4 1 6 0;
#X connect 5 0 7 0;
#X connect 6 0 8 0;
#X connect 10 0 3 0;
#X connect 11 0 5 0;
#X connect 11 0 6 0;
#X connect 12 0 13 0;
#X connect 12 0 14 0;
#X connect 14 0 15 0;
#X connect 12 0 16 0;
#X connect 16 0 17 0;
#X connect 12 0 18 0;
#X connect 18 0 19 0;
END
    sed -i "s|MODELS|$work/models|g" "$work/case.pd"
    run_pd -open "$work/case.pd" >"$work/got"
    compare "$1"
}

here=$(pd_version)
if [ "$here" -lt 54 ]; then
    expect "-m in a Pd without such signals" "mlinfer~ -m MODELS/gain" 1 \
        "pd: dsp 1" <<'XXX'
error: mlinfer~: -m: this Pd has no multichannel signals (expected 0.54 or later), flag ignored
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
XXX
fi
[ "$here" -ge 54 ] || {
    echo "ok - -m in a Pd with multichannel signals # SKIP Pd here is 0.$here:" \
        "0.55 is in bookworm-backports (PD=...)"
    finish
}

many "three inputs of two channels and silence, two outputs" \
    "-m MODELS/sums" "" <<'XXX'
INFO: loaded 1 MODELS/sums.bin
INFO: latency 0
FIRST: 0.75
SECOND: 0.25
FIRST: 0.75
SECOND: 0.25
XXX
many "another count of channels makes another graph" "-m MODELS/sums" \
    "\\; box load MODELS/gain" <<'XXX'
INFO: loaded 1 MODELS/sums.bin
INFO: latency 0
FIRST: 0.75
SECOND: 0.25
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
FIRST: 0.5
SECOND: 0
XXX
many "... and more of them" "-m MODELS/gain" \
    "\\; box load MODELS/sums" <<'XXX'
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
FIRST: 0.5
SECOND: 0
INFO: loaded 1 MODELS/sums.bin
INFO: latency 0
FIRST: 0.75
SECOND: 0.25
XXX
many "bypass goes channel by channel" "-m MODELS/sums" \
    "\\; box bypass 1" <<'XXX'
INFO: loaded 1 MODELS/sums.bin
INFO: latency 0
FIRST: 0.75
SECOND: 0.25
FIRST: 0.5
SECOND: 0.25
XXX
many "a model that is not there is silence" "-m MODELS/nope" \
    "\\; box load MODELS/sums" <<XXX
error: mlinfer~: MODELS/nope: not found beside the patch (PATCH), on declared or search paths
INFO: loaded 0 notfound
FIRST: 0
SECOND: 0
INFO: loaded 1 MODELS/sums.bin
INFO: latency 0
FIRST: 0.75
SECOND: 0.25
XXX
many "-in and -out say nothing there" "-in 2 -m -out 1 MODELS/sums" "" <<'XXX'
error: mlinfer~: -m: channels are as many as the model has, -in and -out ignored
INFO: loaded 1 MODELS/sums.bin
INFO: latency 0
FIRST: 0.75
SECOND: 0.25
FIRST: 0.75
SECOND: 0.25
XXX
many "without -m Pd gives it no such signal" "MODELS/gain" "" <<'XXX'
error: object mlinfer~ can't take multichannel inputs
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
FIRST: 0
SECOND: 0
FIRST: 0
SECOND: 0
XXX
finish
