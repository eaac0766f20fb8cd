#!/usr/bin/env bash
# The perform routine of [mlinfer~] allocates nothing and never calls the
# system, in real, headless Pd: [arm~] and [disarm~] stand before and after it
# in the DSP chain (tests/trap). Nor does the clock that sends the lists of
# -list, nor a list to [mlinfer], nor [mlinfer -learn] when it is shown something
# or asked: these messages come through [armed]. First they catch a planted
# malloc and a planted system call.
set -u
traps=$MLI_BUILD/tests/trap
external=$MLI_BUILD/pd/mlinfer
. "$(dirname "$0")/tap.sh"
name="perform is trapped in Pd"
command -v pd >/dev/null || skip_all "$name" "no pd here"
[ -e "$traps/trap~.pd_linux" ] ||
    skip_all "$name" "no m_pd.h when the tests were built"
[ -e "$external/mlinfer~.pd_linux" ] ||
    skip_all "$name" "the externals are not built"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
"$MLI_BUILD/tests/pd-models" "$work" || exit 1

# Writes a patch: a sound through [arm~], a subpatch with a box (its arguments
# are $3) of $2 signal inlets, and [disarm~], in blocks of $1; messages come
# while it runs. Whatever is in the subpatch runs between the two, outlets or
# not.
patch() {
    cat <<END
#N canvas 0 0 450 300 12;
#N canvas 0 0 450 300 sub 0;
#X obj 0 0 block~ $1;
#X obj 0 30 osc~ 440;
#X obj 0 60 arm~;
#X obj 50 60 inlet;
#N canvas 0 0 450 300 inner 0;
#X obj 0 0 inlet~;
#X obj 50 0 inlet;
#X obj 0 30 mlinfer~ $3;
#X obj 0 60 outlet~;
#X connect 0 0 3 0;
#X connect 1 0 2 0;
END
    for ((i = 0; i < $2; i++)); do
        echo "#X connect 0 0 2 $i;"
    done
    cat <<END
#X restore 0 90 pd inner;
#X obj 0 120 disarm~;
#X connect 1 0 2 0;
#X connect 2 0 4 0;
#X connect 3 0 4 1;
#X connect 4 0 5 0;
#X restore 0 90 pd sub;
#X obj 0 0 loadbang;
#X msg 0 30 \; pd dsp 1;
#X obj 90 30 delay 400;
#X msg 90 60 \; pd quit;
#X obj 0 60 metro 30;
#X msg 0 75 reset \, set gain 0.5 \, bypass 1 \, bypass 0 \, 0.3;
#X connect 1 0 2 0;
#X connect 1 0 3 0;
#X connect 1 0 5 0;
#X connect 3 0 4 0;
#X connect 5 0 6 0;
#X connect 6 0 0 0;
END
}

# traced CLASS FOLDER: run patch.pd with it; "stretches N allocations N calls N"
# or nothing.
traced() {
    timeout 60 "$traps/run-traced" "$traps/libtrap.so" \
        pd -nrt -nogui -noprefs -noaudio -batch -r 48000 -path "$traps" \
        -lib trap~ -path "$2" -lib "$1" -open "$work/patch.pd" \
        2>"$work/log" | grep '^stretches'
}
count() {
    patch "$@" >"$work/patch.pd"
    traced mlinfer~ "$external"
}

told=$(TRAP_PLANT=1 count 64 1 gain.bin)
read -r _ stretches _ allocations _ calls <<<"$told"
if [ "${stretches:-0}" = 0 ]; then
    grep -q 'trace' "$work/log" &&
        skip_all "$name" "this system lets nobody trace a child"
    fail "the traps stand around perform" "no tick was counted ($told)"
    sed 's/^/    /' "$work/log"
    exit 1
fi
if [ "$allocations" = $((2 * stretches)) ] && [ "$calls" = "$stretches" ]; then
    pass "the traps catch a planted malloc and a planted system call"
else
    fail "the traps catch a planted malloc and a planted system call" "$told"
fi

clean() {
    local told name="nothing in perform: mlinfer~ $3, blocks of $1"
    told=$(count "$@")
    if [[ $told =~ ^stretches\ [1-9][0-9]*\ allocations\ 0\ calls\ 0$ ]] &&
        ! grep -q "couldn't create" "$work/log"; then
        pass "$name"
    else
        fail "$name" "$told $(head -n 3 "$work/log")"
    fi
}
for block in 1 64 1024; do
    clean $block 1 gain.bin
    clean $block 1 deep.bin
    clean $block 1 "-hop 16 total.bin"
    clean $block 1 mean.bin
    clean $block 1 "-list mean.bin"
    clean $block 3 "-clamp sums.bin"
    clean $block 1 pole.bin
    clean $block 1 deep44.bin
    clean $block 1 late44-1.bin
    clean $block 1 "-list mean44.bin"
done

# learn BOX RIGHT MESSAGES: all messages come armed, while sound runs.
learn() {
    local told name="nothing in messages: $1" shown
    cat >"$work/patch.pd" <<END
#N canvas 0 0 450 300 12;
#X obj 0 0 loadbang;
#X obj 0 30 t b b b;
#X msg 200 60 $2;
#X obj 200 90 armed;
#X msg 0 60 $3;
#X obj 0 90 armed;
#X obj 0 120 mlinfer $1;
#X obj 0 150 f;
#X msg 90 90 \; pd quit;
#X obj 90 60 delay 300;
#X msg 300 30 \; pd dsp 1;
#X connect 0 0 10 0;
#X connect 0 0 1 0;
#X connect 1 2 2 0;
#X connect 1 1 4 0;
#X connect 1 0 9 0;
#X connect 9 0 8 0;
#X connect 2 0 3 0;
#X connect 3 0 6 1;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 7 0;
END
    shown=$(tr -cd ',' <<<"$3" | wc -c)
    told=$(traced mlinfer "$external")
    if [ "$told" = "stretches $((shown + 2)) allocations 0 calls 0" ] &&
        ! grep -qE "couldn't create|error" "$work/log"; then
        pass "$name"
    else
        fail "$name" "$told $(head -n 3 "$work/log")"
    fi
}
messages="0.1 0.2 \\, add \\, 0.3 0.4 \\, add \\, bang \\, set 0.7 0 \\, add"
messages+=" \\, delete 2 \\, 0.1 0.1 \\, undo \\, clear \\, undo \\, undo"
messages+=" \\, smooth 0.1 \\, 0.4 0.4 \\, use blend \\, train 8 \\, stop"
messages+=" \\, write it.csv \\, write it \\, read it.csv \\, load it \\, reload"
learn "-learn 2 3" "1 2 3" "$messages"
learn "-clamp -learn 2 100" "$(seq -s ' ' 100)" "$messages"
learn "-learn 2 1" "1" "${messages//add/add fist}"
messages="1 \\, 0.5 \\, bang \\, set 2 \\, bang \\, reset \\, 1"
learn "$work/total.bin" "1" "$messages"
learn "$work/wide.bin" "1" "$messages"

# Lists longer than the stack has room for, from the tick: what the clock does
# is armed, and with it all that the outlet makes others do.
lists() {
    local told name="nothing in the clock: -list, 300 values"
    [ -e "$traps/mlinfer~.pd_linux" ] || { skip "$name" "was not built"; return; }
    cat >"$work/patch.pd" <<END
#N canvas 0 0 450 300 12;
#X obj 0 0 sig~ 1;
#X obj 0 30 mlinfer~ -list -hop 32 wide;
#X obj 0 60 list split 299;
#X obj 90 90 f;
#X obj 200 0 loadbang;
#X msg 200 30 1 \; pd dsp 1;
#X obj 200 60 callbacks;
#X obj 300 30 delay 100;
#X msg 300 60 \; pd quit;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 2 1 3 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 4 0 7 0;
#X connect 7 0 8 0;
END
    told=$(traced mlinfer~ "$traps")
    if [[ $told =~ ^stretches\ [1-9][0-9]+\ allocations\ 0\ calls\ 0$ ]] &&
        ! grep -qE "couldn't create|error" "$work/log"; then
        pass "$name"
    else
        fail "$name" "$told $(head -n 3 "$work/log")"
    fi
}
lists
finish
