#!/usr/bin/env bash
# [mlinfer~ -m]: one inlet and one outlet of as many channels as the model has.
# Pd has such signals since 0.54. In an older one only what the box says of it is
# looked at, and the newer one that make check may have found does the rest.
. "$(dirname "$0")/pd/common.sh"
need_pd multichannel

# Two numbers as two channels into a box, and what comes out in two channels:
# before a message is sent to it and after ("load X @ told": after it loaded).
# Between these no step in the first channel is larger than a fade's.
many() { # NAME BOX MESSAGE <<EXPECTED
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
#X obj 200 110 route latency;
#X obj 200 140 s told;
#X obj 400 110 rzero~ 1;
#X obj 400 140 abs~;
#X obj 400 170 threshold~ 0.01 1 0.005 1;
#X obj 400 200 spigot 0;
#X obj 400 230 print STEP;
#X msg 500 170 1;
#X connect 0 0 2 0;
#X connect 1 0 2 1;
#X connect 2 0 3 0;
#X connect 3 0 4 0;
#X connect 3 1 9 0;
#X connect 3 1 12 0;
#X connect 12 0 13 0;
#X connect 4 0 5 0;
#X connect 4 1 6 0;
#X connect 5 0 7 0;
#X connect 6 0 8 0;
#X connect 4 0 14 0;
#X connect 14 0 15 0;
#X connect 15 0 16 0;
#X connect 16 0 17 0;
#X connect 17 0 18 0;
#X connect 11 0 19 0;
#X connect 19 0 17 1;
#X connect 10 0 3 0;
#X connect 11 0 5 0;
#X connect 11 0 6 0;
END
    script "$work/script.pd" "pd: dsp 1" "snap: bang" "${3:-reset}" "snap: bang"
    sed -i "s|MODELS|$work/models|g" "$work/case.pd" "$work/script.pd"
    run_pd -open "$work/case.pd" -open "$work/script.pd" >"$work/got"
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
newer=$MLI_BUILD/newer-pd/usr/bin/puredata
[ "$here" -lt 54 ] && [ -x "$newer" ] && PD_COMMAND=("$newer")
[ "$(pd_version)" -ge 54 ] || {
    echo "ok - -m in a Pd with multichannel signals # SKIP Pd here is 0.$here:" \
        "with bookworm-backports among apt's sources, make check gets a newer"
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
    "load MODELS/gain @ told" <<'XXX'
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
    "load MODELS/sums @ told" <<'XXX'
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
    "bypass 1" <<'XXX'
INFO: loaded 1 MODELS/sums.bin
INFO: latency 0
FIRST: 0.75
SECOND: 0.25
FIRST: 0.5
SECOND: 0.25
XXX
many "a model that is not there is silence" "-m MODELS/nope" \
    "load MODELS/sums @ told" <<XXX
error: mlinfer~: MODELS/nope: not found
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
INFO: loaded 1 MODELS/gain.bin
INFO: latency 0
error: object mlinfer~ can't take multichannel inputs
FIRST: 0
SECOND: 0
FIRST: 0
SECOND: 0
XXX
many "a new graph leaves the state as it was" "-m MODELS/pole" \
    "pd: dsp 0; pd: dsp 1" <<'XXX'
INFO: loaded 1 MODELS/pole.bin
INFO: latency 0
FIRST: 2
SECOND: 480
FIRST: 2
SECOND: 1440
XXX
many "... and a reset does not" "-m MODELS/pole" "reset" <<'XXX'
INFO: loaded 1 MODELS/pole.bin
INFO: latency 0
FIRST: 2
SECOND: 480
FIRST: 2
SECOND: 480
XXX
finish
