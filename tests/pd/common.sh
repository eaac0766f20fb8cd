# What the tests of the externals share: a home with the externals installed,
# patches made from a few words, real Pd without a window, TAP lines.

set -u
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
: "${MLI_BUILD:?is not set: run the tests with make check}"
: "${MLI_ROOT:?is not set: run the tests with make check}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

need_pd() {
    command -v "${PD:-pd}" >/dev/null || skip_all "$1" "no pd here (puredata-core)"
    [ -f "$MLI_BUILD/pd/mlinfer/mlinfer~.pd_linux" ] ||
        skip_all "$1" "the externals are not built (make pd)"
    mkdir -p "$work/home/.local/lib/pd/extra" "$work/models"
    ln -s "$MLI_BUILD/pd/mlinfer" "$work/home/.local/lib/pd/extra/mlinfer"
    "$MLI_BUILD/tests/pd-models" "$work/models" ||
        fail "$1" "cannot make models"
}

# Pd without sound card and window, as fast as it goes. Output on one stream.
# PD names another one than the one that is installed.
PD_COMMAND=("${PD:-pd}")
run_pd() {
    HOME=$work/home XDG_CONFIG_HOME=$work/home \
        timeout -k 2 "${PD_SECONDS:-20}" "${PD_COMMAND[@]}" -nrt -nogui \
        -noprefs -noaudio -nomidi -batch -stderr -r "${PD_RATE:-48000}" "$@" \
        2>&1 </dev/null || echo "pd ended with status $?"
}

# 54 for Pd 0.54
pd_version() {
    "${PD_COMMAND[0]}" -version 2>&1 |
        sed -n 's/^Pd-0\.\([0-9]*\).*/\1/p' | grep . || echo 0
}

# "a b; name: c": what a message box has to say it to [r box] and [r name]
receivers() {
    local part text=""
    while IFS= read -r part; do
        part="${part#"${part%%[! ]*}"}"
        [ -z "$part" ] && continue
        case $part in
        *:\ *) text+=" \\; ${part%%: *} ${part#*: }" ;;
        *) text+=" \\; box $part" ;;
        esac
    done <<<"${1//;/$'\n'}"
    printf '%s' "$text"
}

# box_patch FILE BOX INFO MESSAGES: one box, its outlets printed (INFO is the
# number of the info outlet, 0 to INFO-1 print lists as OUT), and messages sent
# to it 10 ms after loading; "name: words" sends to another receiver. Pd quits
# 50 ms later; with PD_LOADS=N that counts from the Nth `loaded`, since while
# sound runs the worker loads in its own time, and PD_THEN are messages that
# are sent then.
box_patch() {
    local file=$1 box=$2 info=$3 messages=$4
    cat >"$file" <<EOF
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#X obj 20 60 $box;
#X obj 20 20 r box;
#X obj 20 100 print OUT;
#X obj 120 100 print INFO;
#X obj 300 20 loadbang;
#X obj 300 40 delay 10;
#X obj 300 60 t b b;
#X msg 380 90$(receivers "$messages");
#X obj 300 120 delay ${PD_MILLISECONDS:-50};
#X msg 300 150 \\; pd quit;
#X connect 1 0 0 0;
#X connect 0 $info 3 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 8 0;
#X connect 6 1 7 0;
#X connect 8 0 9 0;
EOF
    [ -z "${PD_LOADS:-}" ] || sed -i '/^#X connect 6 0 8 0;/d' "$file"
    [ -z "${PD_LOADS:-}" ] || cat >>"$file" <<EOF
#X obj 20 200 route loaded;
#X obj 20 220 t b;
#X obj 20 240 f 1;
#X obj 60 240 + 1;
#X obj 20 260 sel $PD_LOADS;
#X obj 20 280 delay 10;
#X obj 20 300 t b b;
#X msg 60 320$(receivers "${PD_THEN:-}");
#X connect 0 $info 10 0;
#X connect 10 0 11 0;
#X connect 11 0 12 0;
#X connect 12 0 13 0;
#X connect 13 0 12 1;
#X connect 12 0 14 0;
#X connect 14 0 15 0;
#X connect 15 0 16 0;
#X connect 16 1 17 0;
#X connect 16 0 8 0;
EOF
    [ "$info" = 0 ] || [ "${box#mlinfer~}" != "$box" ] &&
        [ "${box#*-list}" = "$box" ] || echo "#X connect 0 0 2 0;" >>"$file"
}

# compare NAME <<EXPECTED: what Pd has said, in $work/got, line by line. MODELS
# stands for the folder of small models, PATCH for that of the patches.
compare() {
    cat >"$work/expected"
    sed -E -i "s|$work/models|MODELS|g; s|$work|PATCH|g
        s/memory(:?) [0-9]+/memory\1 BYTES/
        s/needs [0-9]+ bytes/needs BYTES bytes/
        s/^(verbose\([01]\)|error): ([.]{3} couldn)/\2/
        s/^verbose\([01]\): //" "$work/got"
    if diff -u "$work/expected" "$work/got" >"$work/diff"; then
        pass "$1"
    else
        fail "$1" "Pd said something else"
        tail -n +3 "$work/diff"
    fi
}

# expect NAME BOX INFO MESSAGES <<EXPECTED: all that Pd says of a box_patch.
expect() {
    box_patch "$work/case.pd" "$2" "$3" "$4"
    sed "s|MODELS|$work/models|g" -i "$work/case.pd"
    run_pd -open "$work/case.pd" >"$work/got"
    compare "$1"
}

# heard BOX INLETS MESSAGES OUTLET COUNT BLOCK: into $work/got
# Feeds the numbers INLETS to the inlets of a box in blocks of BLOCK, sends it
# MESSAGES, switches DSP on, and prints the first COUNT samples of an outlet.
heard() {
    local i=0 objects="" connections="" number
    for number in $2; do
        objects+="#X obj $((20 + 60 * i)) 20 sig~ $number;"$'\n'
        connections+="#X connect $((5 + i)) 0 0 $i;"$'\n'
        i=$((i + 1))
    done
    cat >"$work/case.pd" <<EOF
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#X obj 20 20 table out 256;
#N canvas 0 0 600 400 inside 0;
#X obj 20 60 mlinfer~ $1;
#X obj 20 100 tabwrite~ out;
#X obj 200 20 r start;
#X obj 200 60 block~ ${6:-64};
#X obj 300 20 r box;
$objects#X connect 0 $4 1 0;
#X connect 2 0 1 0;
#X connect 4 0 0 0;
$connections#X restore 20 60 pd inside;
#X obj 20 100 loadbang;
#X obj 20 120 t b b b;
#X obj 20 150 delay 50;
#X msg 140 150 \\; pd dsp 1 \\; start bang;
#X msg 260 150 $3;
#X obj 20 180 t b b;
#X obj 140 210 array get out 0 $5;
#X obj 140 240 print OUT;
#X msg 20 270 \\; pd quit;
#X connect 2 0 3 0;
#X connect 3 0 4 0;
#X connect 3 1 5 0;
#X connect 3 2 6 0;
#X connect 4 0 7 0;
#X connect 7 1 8 0;
#X connect 7 0 10 0;
#X connect 8 0 9 0;
EOF
    sed -i "s|MODELS|$work/models|g" "$work/case.pd"
    run_pd -open "$work/case.pd" >"$work/got"
}

# played NAME BOX ...: what is heard, as in heard, is EXPECTED
played() {
    heard "${@:2}"
    compare "$1"
}

# inside NAME WORDS MODEL <<EXPECTED: what a box says in a canvas with
# [block~ WORDS], while DSP goes on, off and on.
inside() {
    cat >"$work/case.pd" <<END
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#N canvas 0 0 600 400 inside 0;
#X obj 20 20 block~ $2;
#X obj 20 60 mlinfer~ $3;
#X obj 20 100 print INFO;
#X obj 20 140 osc~ 440;
#X connect 1 1 2 0;
#X connect 3 0 1 0;
#X restore 20 60 pd inside;
#X obj 20 100 loadbang;
#X msg 20 130 \\; pd dsp 1;
#X obj 120 130 delay 30;
#X msg 120 160 \\; pd dsp 0 \\; pd dsp 1;
#X obj 220 130 delay 60;
#X msg 220 160 \\; pd quit;
#X obj 20 120 delay 10;
#X connect 1 0 7 0;
#X connect 7 0 2 0;
#X connect 1 0 3 0;
#X connect 3 0 4 0;
#X connect 1 0 5 0;
#X connect 5 0 6 0;
END
    run_pd -open "$work/case.pd" >"$work/got"
    compare "$1"
}

# script FILE STEP...: a patch that sends messages one after another, each 20 ms
# after the one before ("A, B; name: C"), and then ends Pd. A step "MESSAGE @
# NAME" is over when something comes to [r NAME].
script() {
    local file=$1 n=0 last=1 text wait objects="" cords="" at
    shift
    object() { objects+="#X $1;"$'\n'; n=$((n + 1)); }
    object "obj 20 20 loadbang"
    object "obj 20 40 delay 10"
    cords+="#X connect 0 0 1 0;"$'\n'
    for text in "$@" "pd: quit"; do
        wait=""
        [[ $text = *" @ "* ]] && wait=${text##* @ } text=${text% @ *}
        at=$n
        object "obj 20 $((at * 20)) t b b b"
        object "msg 120 $((at * 20))$(receivers "$text")"
        cords+="#X connect $last 0 $at 0;"$'\n'"#X connect $at 1 $((at + 1)) 0;"$'\n'
        if [ -z "$wait" ]; then
            object "obj 20 $((at * 20)) delay 20"
            cords+="#X connect $at 0 $((at + 2)) 0;"$'\n'
            last=$((at + 2))
        else
            object "obj 20 0 r $wait"
            object "obj 20 0 spigot"
            object "obj 20 0 t b b"
            object "obj 20 0 delay 20"
            object "msg 20 0 1"
            object "msg 20 0 0"
            cords+="#X connect $at 2 $((at + 6)) 0;#X connect $((at + 6)) 0 $((at + 3)) 1;
#X connect $((at + 2)) 0 $((at + 3)) 0;#X connect $((at + 3)) 0 $((at + 4)) 0;
#X connect $((at + 4)) 1 $((at + 7)) 0;#X connect $((at + 7)) 0 $((at + 3)) 1;
#X connect $((at + 4)) 0 $((at + 5)) 0;"
            last=$((at + 5))
        fi
    done
    { echo "#N canvas 0 0 600 400 12;"; printf '%s%s\n' "$objects" "$cords"; } >"$file"
}

# through FILE BLOCK MODEL [MESSAGES [LATER [LAST]]]: in.wav through [mlinfer~
# MODEL] in a subpatch with [block~ BLOCK] (or [switch~ BLOCK]: BLOCK is "switch
# 64"), messages sent before DSP starts, 300 and 400 ms later. What
# comes in while the first block is collected is silence, and the model hears
# that: so inside, the sound comes from its own [tabplay~].
through() {
    local block="block~ $2"
    [ "${2#switch}" = "$2" ] || block="switch~${2#switch}"
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
#X obj 200 60 $block;
#X obj 300 20 r box;
#X obj 400 20 r switch;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 3 0 0 0;
#X connect 3 0 2 0;
#X connect 5 0 1 0;
#X connect 6 0 4 0;
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
#X obj 400 150 delay 300;
#X msg 400 180 ${5:-\\; nobody bang};
#X obj 500 150 delay 400;
#X msg 500 180 ${6:-\\; nobody bang};
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
#X connect 4 0 14 0;
#X connect 14 0 15 0;
#X connect 4 0 16 0;
#X connect 16 0 17 0;
EOF
    rm -f "$1"
    run_pd -open "$work/bits.pd" >"$work/bits.log"
}

# The float samples of a WAV file, whatever chunks are in front of them.
samples() { tail -c $((4 * frames)) "$1"; }
