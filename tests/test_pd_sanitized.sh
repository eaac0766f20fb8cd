#!/usr/bin/env bash
# Many boxes in real Pd that load, are made, deleted and rebuilt while sound
# runs, in an order that a seed gives, under the address and the thread
# sanitizer: no finding. Pd quits in the middle of a load; other runs delete all
# boxes and close their patch first, and leave nothing behind in memory.
#
# Pd runs in real time here, so that the worker has some.
#
# And two threads load as two Pds in one program do (tests/pd/instances.c).
#
# With MLI_LONG more seeds, and everything in the externals has the sanitizer in
# it: then `make pd-sanitized` is run first, for both.
. "${MLI_ROOT:?is not set: run the tests with make check}/tests/pd/common.sh"
need_pd "many loads under sanitizers"
cp "$MLI_ROOT"/models/gestures/gestures.onnx "$work/models" 2>/dev/null
head -c 300 "$work/models/deep.bin" >"$work/models/cut.bin"

slots=6
# schedule SEED EVENTS: lines for [qlist], which boxes in subpatches get.
schedule() {
    awk -v seed="$1" -v events="$2" -v slots=$slots '
    function pick(n) { return int(rand() * n) }
    function one(words, n, a) { n = split(words, a, " "); return a[1 + pick(n)] }
    function load(what) {
        what = one("gain late sums sumlist total mean clock deep deep44 " \
            "late44 whole8 quarter nothere cut gestures.onnx gain deep late")
        return "models/" what
    }
    function make(slot, box, flag, info) {
        info = 1
        if (pick(4)) {
            flag = one("-hop&32 -hop&64 -list -clamp -norate")
            sub("&", " ", flag)
            box = "mlinfer~ " flag " -in 3 -out 2 " load()
            info = flag == "-list" ? 1 : 2
        } else if (pick(2)) {
            box = "mlinfer " load()
        } else {
            box = "mlinfer -learn 2 2 -capacity 16"
        }
        printf "0 pd-slot%d obj 10 10 r b%d;\n", slot, slot
        printf "0 pd-slot%d obj 10 40 %s;\n", slot, box
        printf "0 pd-slot%d obj 10 70 s said;\n", slot
        printf "0 pd-slot%d connect 0 0 1 0;\n", slot
        printf "0 pd-slot%d connect 1 %d 2 0;\n", slot, info
        printf "0 pd-slot%d obj 90 10 r k%d;\n", slot, slot
        printf "0 pd-slot%d obj 90 40 block~;\n", slot
        printf "0 pd-slot%d connect 3 0 4 0;\n", slot
        if (box ~ /learn/)
            printf "0 b%d 1 2;\n0 b%d add;\n0 b%d 2 1;\n0 b%d add;\n" \
                "0 b%d train %d 100;\n", slot, slot, slot, slot, slot,
                1 + pick(200)
    }
    function blocks(b) { # frames, and overlap
        b = one("64 1 8 1024 128&4")
        sub("&", " ", b)
        return b
    }
    function message(slot, what) {
        what = pick(18)
        if (what < 7) return "load " load()
        if (what == 7) return "reload"
        if (what == 8) return "set gain " pick(3)
        if (what == 9) return "bypass " pick(2)
        if (what == 10) return "reset"
        if (what == 11) return "info"
        if (what == 12) return pick(9) " " pick(9)
        if (what == 13) return "add"
        if (what == 14) return "write learned" pick(2)
        if (what == 15) return "train " 1 + pick(200)
        if (what == 16) return one("stop undo clear")
        return one("load read") " learned" pick(2)
    }
    BEGIN {
        srand(seed)
        for (i = 0; i < slots; i++)
            make(i)
        print "0 pd dsp 1;"
        for (i = 0; i < events; i++) {
            slot = pick(slots)
            after = pick(3) ? 0 : pick(8) ? pick(8) : 30 # ms
            what = pick(40)
            if (what == 0)
                printf "%d pd dsp 0;\n0 b%d load %s;\n%d pd dsp 1;\n", after,
                    slot, load(), pick(2)
            else if (what < 4) {
                printf "%d pd-slot%d clear;\n", after, slot
                make(slot)
            } else if (what < 7)
                printf "%d b%d load %s;\n0 k%d set %s;\n", after, slot, load(),
                    slot, blocks()
            else
                printf "%d b%d %s;\n", after, slot, message(slot)
        }
        if (seed % 2) {
            for (i = 0; i < slots; i++)
                printf "0 b%d load models/deep;\n0 pd-slot%d clear;\n", i, i
            print "0 pd-patch.pd menuclose 1;"
            print "300 pd quit;" # and the patch is closed, and time goes by
        } else
            print "0 b0 load models/gain;\n0 pd quit;"
    }'
}

# The patch that is played with, and one that plays.
patches() {
    echo "#N canvas 0 0 400 300 12;"
    for ((i = 0; i < slots; i++)); do
        echo "#N canvas 0 0 300 200 slot$i 0;"
        echo "#X restore 10 $((20 + 30 * i)) pd slot$i;"
    done
    echo "#X obj 200 20 r said;"
    echo "#X obj 200 50 print said;"
    echo "#X connect $slots 0 $((slots + 1)) 0;"
    cat >"$1/player.pd" <<EOF
#N canvas 0 0 400 300 12;
#X obj 10 10 loadbang;
#X msg 10 40 \\; pd open patch.pd $1;
#X obj 10 70 delay 1;
#X msg 10 100 read $1/events \\, bang;
#X obj 10 130 qlist;
#X connect 0 0 1 0;
#X connect 0 0 2 0;
#X connect 2 0 3 0;
#X connect 3 0 4 0;
EOF
}

# stress SANITIZER SEED EVENTS
stress() {
    local at=$work/$1$2 library name="$1 sanitizer, seed $2, $3 events"
    local folder=$MLI_BUILD/tests/$1
    [ -z "${MLI_LONG:-}" ] || folder=$MLI_BUILD/$1/pd/mlinfer
    # shellcheck disable=SC2086 # may be "ccache gcc"
    library=$(${CC:-gcc} -print-file-name="lib${1:0:1}san.so")
    [ -e "$folder/mlinfer.pd_linux" ] && [ -e "$library" ] ||
        skip_all "$name" "was not built"
    mkdir "$at" && ln -s "$work/models" "$at/models"
    patches "$at" >"$at/patch.pd"
    schedule "$2" "$3" >"$at/events"
    HOME=$work ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 \
        TSAN_OPTIONS=second_deadlock_stack=1 LSAN_OPTIONS=exitcode=0 \
        LD_PRELOAD=$library timeout -k 2 100 setarch -R pd -nrt -nogui \
        -noprefs -noaudio -nomidi -stderr -r 48000 -path "$folder" \
        -lib mlinfer -open "$at/player.pd" >"$at/log" 2>&1 </dev/null
    local status=$?
    # of leaks, those of this library's own
    awk '/^(Direct|Indirect) leak/ { head = $0; n = 0; next }
        head && /^ *#[0-3] / { n++
            if (/mlinfer.pd_linux/) { print head; print; head = "" } }
        /^$/ { head = "" }' "$at/log" >"$at/leaks"
    if grep -q "FATAL: ThreadSanitizer" "$at/log"; then
        echo "ok - $name # SKIP $(grep -m 1 FATAL "$at/log")"
    elif [ $status -ne 0 ] || [ -s "$at/leaks" ] ||
        grep -q "WARNING: ThreadSanitizer\|ERROR: " "$at/log"; then
        fail "$name" "Pd ended with status $status"
        grep -A 30 "WARNING: Thread\|ERROR: Addr" "$at/log" | head -n 60
        head -n 20 "$at/leaks"
        tail -n 3 "$at/log"
    elif [ "$(grep -c "said: loaded 1" "$at/log")" -lt 20 ]; then
        fail "$name" "$(grep -c "said: loaded 1" "$at/log") loads"
        tail -n 3 "$at/log"
    else
        pass "$name, $(grep -c "said: loaded 1" "$at/log") loads"
    fi
}

# instances SEED ROUNDS: two Pds' worth of loading on two threads.
instances() {
    local name="two Pds load at once, thread sanitizer, seed $1" said status
    [ -e "$MLI_BUILD/tests/thread/instances" ] ||
        skip_all "$name" "was not built"
    said=$(timeout 100 setarch -R "$MLI_BUILD/tests/thread/instances" \
        "$work/models" "$1" "$2" 2>"$work/instances.log")
    status=$?
    if grep -q "FATAL: ThreadSanitizer" "$work/instances.log"; then
        skip "$name" "$(grep -m 1 FATAL "$work/instances.log")"
    elif [ $status = 0 ] && [[ $said =~ ^[1-9][0-9]{2,}\ loads,\ [1-9] ]]; then
        pass "$name, $said in the middle of one"
    else
        fail "$name" "status $status; $said"
        head -n 60 "$work/instances.log"
    fi
}

rounds=3000
[ -z "${MLI_LONG:-}" ] || rounds=50000
instances 1 $rounds
if [ -n "${MLI_LONG:-}" ]; then
    for sanitizer in address thread; do
        make -C "$MLI_ROOT" BUILD="$MLI_BUILD" SANITIZER=$sanitizer \
            pd-sanitized >"$work/make.log" 2>&1 ||
            fail "make pd-sanitized" "$(tail -n 1 "$work/make.log")"
    done
    for seed in {1..20}; do
        stress address "$seed" 3000
        stress thread "$seed" 2000
    done
else # side by side: mostly they wait for the clock
    stress address 1 800 >"$work/1" &
    stress address 2 800 >"$work/2" &
    stress thread 3 800 >"$work/3" &
    stress thread 4 800 >"$work/4" &
    wait
    cat "$work"/[1-4]
    failed=$(cat "$work"/[1-4] | grep -c '^not ok')
fi
finish
