#!/usr/bin/env bash
# The help patches, the examples and the patch for Bela do what they promise,
# and can be opened, used and closed again and again.
. "$(dirname "$0")/pd/common.sh"
need_pd examples
folder=$MLI_BUILD/pd/mlinfer

# Copies that can be spoken to: their names are NAME-this instead of $0-this, all
# toggles listen to NAME-toggle and all sliders to NAME-slider. What the Bela patch
# says comes to the test: its sound by s~, its number of examples by a send.
mkdir "$work/copies"
cp "$folder"/examples/{calibrate,pad}.pd "$work/copies"
patches=()
for file in "$folder"/*-help.pd "$folder"/examples/*.pd "$folder"/bela/_main.pd; do
    name=$(basename "$file" .pd)
    case $name in calibrate | pad) continue ;; esac
    sed -E -e 's/\\\$0-/'"$name-/g" \
        -e "s/( tgl [0-9]+ [0-9] [^ ]+) empty /\\1 $name-toggle /" \
        -e "s/( [hv]sl( [^ ]+){7}) empty /\\1 $name-slider /" \
        "$file" >"$work/copies/$name.pd"
    patches+=("$name")
done
sed -i -e '/dac~ 1 2/s/dac~ 1 2/speakers/' \
    -e '/floatatom/s/- - - 0;/- - bela-shown 0;/' "$work/copies/_main.pd"
cat >"$work/copies/speakers.pd" <<'END'
#N canvas 0 0 300 200 12;
#X obj 20 20 inlet~;
#X obj 120 20 inlet~;
#X obj 20 80 s~ bela-sound;
#X connect 0 0 2 0;
END

# ------------------------------------------------------- what they promise --
# at MILLISECONDS MESSAGES: sent then. hear NAME: printed whenever it comes.
driver=$work/driver.pd boxes=0 cords=""
box() {
    echo "#X $1;" >>"$driver"
    boxes=$((boxes + 1))
}
cord() { cords+="#X connect $1 $2 $3 $4;"$'\n'; }
begin_driver() {
    echo "#N canvas 0 0 600 400 12;
#X declare -path mlinfer -path copies;" >"$work/driver.pd"
    boxes=0 cords=""
    box "obj 10 10 loadbang"
}
row() { # BOX...: each connected to the next
    box "$1"
    while [ $# -gt 1 ]; do
        shift
        box "$1"
        cord $((boxes - 2)) 0 $((boxes - 1)) 0
    done
}
at() {
    row "obj 10 40 delay $1" "msg 10 70 \\; ${*:2}"
    cord 0 0 $((boxes - 2)) 0
}
mark() { # MILLISECONDS NAME WORD: NAME: WORD is printed then
    row "obj 10 40 delay $1" "msg 10 70 $3" "obj 10 100 print $2"
    cord 0 0 $((boxes - 3)) 0
}
hear() { row "obj 200 10 r $1" "obj 200 40 print $1"; }
level() { # NAME: every 250 ms the level in dB of what comes by s~ NAME
    row "obj 300 10 r~ $1" "obj 300 40 env~ 8192" "obj 300 70 print $1"
}
end_driver() { printf '%s' "$cords" >>"$work/driver.pd"; }

begin_driver
# calibrate: learned, used beyond its ends, turned round, smoothed
row "obj 10 200 r to-calibrate" "obj 10 230 calibrate" \
    "obj 10 260 print calibrated"
box "obj 90 260 print calibrate-range"
cord $((boxes - 3)) 1 $((boxes - 1)) 0
at 10 'to-calibrate learn 1 \; to-calibrate 6 \; to-calibrate 2 \; to-calibrate 10 \; to-calibrate learn 0 \; to-calibrate 6 \; to-calibrate 20 \; to-calibrate -5'
at 30 'to-calibrate range 10 2 \; to-calibrate 4 \; to-calibrate range'
at 50 'to-calibrate smooth 100 \; to-calibrate 8'
at 500 'to-calibrate 8'
# pad: in the field, clipped to it
row "obj 10 300 r to-pad" "obj 10 330 pad" "obj 10 500 print pad"
at 100 'to-pad 0.2 1.7 \; to-pad clear \; to-pad pen 1 \; to-pad 0.5 0.25'
# five poses: two of them shown, the first one found again
at 10 'five-poses-do smooth 0 \; five-poses-sensors 0 0'
at 60 'five-poses-wanted 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 \; five-poses-do add \; five-poses-sensors 1 1'
at 120 'five-poses-wanted 0.9 0.8 0.7 0.6 0.5 0.4 0.3 0.2 \; five-poses-do add \; five-poses-sensors 0.5 0.5'
hear five-poses-wanted
at 200 'five-poses-sensors 0 0'
# knobs: both change the sound
level turn-the-knob-wet
at 10 'pd dsp 1 \; turn-the-knob-on 1 \; morph-on 1'
at 1000 'turn-the-knob-fuzz 1'
at 2000 'turn-the-knob-octave 1'
hear morph-la
hear morph-lb
hear morph-wait-a
hear morph-wait-b
at 500 'morph-la 100'
at 600 'morph-lb 148'
# gestures
hear classify-gesture-class
hear continue-gesture-next
at 300 'classify-gesture-circle bang \; continue-gesture-eight bang'
mark 1800 classify-gesture-class end-of-circle
at 3400 'classify-gesture-zigzag bang'
mark 4900 classify-gesture-class end-of-zigzag
mark 3000 continue-gesture-next alone
# Bela: plays, and learns from a button
level bela-sound
hear bela-shown
at 10 'bela-analog 0.2 0 0.5 0.5 0.5'
at 1000 'bela-analog 0.2 0.9 0.5 0.5 0.5 \; bela_digitalIn11 1'
at 1100 'bela_digitalIn11 0'
at 1200 'bela_digitalIn11 1'
at 3300 'bela_digitalIn11 0'
at 5000 'pd quit'
end_driver
opens=()
for name in "${patches[@]}"; do
    opens+=(-open "$work/copies/$name.pd")
done
begin=$(date +%s%N)
run_pd "${opens[@]}" -open "$work/driver.pd" >"$work/got"
echo "# $((($(date +%s%N) - begin) / 1000000)) ms for five seconds of all patches"
said() { sed -n "s/^$1: //p" "$work/got"; }

if grep -E "couldn't|error|no method|failed|no such|ended with" "$work/got" \
    >"$work/bad"; then
    fail "all patches open at once and are used" "$(head -3 "$work/bad")"
else
    pass "all patches open at once and are used without an error"
fi
# holds NAME AWK-CONDITION VALUES...: numbers
holds() {
    if echo "${@:3}" | awk "{ exit !($2) }"; then pass "$1"; else fail "$1" "got ${*:3}"; fi
}
equal "calibrate tells the range that it learned, and that which was given" \
    "$(said calibrate-range | xargs)" "range 2 10 range 10 2"
equal "calibrate: inside, beyond, and turned round" \
    "$(said calibrated | sed -n '4,7p' | xargs)" "0.5 1 0 0.75"
holds "calibrate smooths: on the way after 10 ms, there at the end" \
    '$1 < 0.75 && $1 > 0.6 && $2 == 0.25' \
    "$(said calibrated | sed -n '9p') $(said calibrated | tail -n 1)"
equal "pad: where a list sends it, within the field" "$(said pad | xargs)" \
    "0.2 1 0.5 0.25"
equal "five-poses: the first pose brings back its eight sliders" \
    "$(said five-poses-wanted | tail -n 1)" "0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8"
wet() { said turn-the-knob-wet | awk -v a="$1" -v b="$2" '
    { t = NR * 4096 / 48000 } t > a && t < b { s += $1; n++ } END { print s / n }'; }
holds "turn-the-knob: fuzz makes it louder, octave changes it" \
    '$1 > 50 && $2 > $1 + 1 && ($3 - $2) ^ 2 > 0.25' \
    "$(wet 0.3 1) $(wet 1.2 2) $(wet 2.2 4)"
equal "morph: neither waits, then B for A by 100 samples, then A for B by 48" \
    "$(for from in a b; do said morph-wait-$from; done | sort -u | xargs)" \
    "0 1 2.08333"
for gesture in circle zigzag; do
    equal "classify-gesture: a recorded $gesture is one" \
        "$(said classify-gesture-class | grep -B 1 "end-of-$gesture" | awk \
            'NR == 1 && $3 > 0.5 { print $2 }')" "$gesture"
done
holds "continue-gesture: alone it goes on, as wide as before, inside the field" \
    '$1 > 50 && $2 > 0.3 && $3 >= 0 && $4 <= 1' \
    "$(said continue-gesture-next | sed '1,/alone/d' | awk '
        NR == 1 { low = high = $1 }
        { if ($1 < low) low = $1; if ($1 > high) high = $1 }
        END { print NR, high - low, low, high }')"
sound() { said bela-sound | awk -v a="$1" -v b="$2" '
    { t = NR * 4096 / 48000 } t > a && t < b { s += $1; n++ } END { print s / n }'; }
holds "Bela: pressure at the analog input plays" '$2 > $1 + 6 && $2 > 60' \
    "$(sound 0.3 1) $(sound 1.2 3)"
equal "Bela: the button shows an example, held it clears" \
    "$(said bela-shown | uniq | xargs)" "1 2 0"

# ------------------------------------------------- again and again, closed --
count=${#patches[@]}
used() { # what is done with a patch, besides all toggles and sliders
    case $1 in
    five-poses) echo '\; five-poses-sensors 0.3 0.6' ;;
    turn-the-knob) echo '\; turn-the-knob-octave 1' ;;
    classify-gesture) echo '\; classify-gesture-circle bang' ;;
    continue-gesture) echo '\; continue-gesture-eight bang' ;;
    mlinfer-learn-help) echo '\; mlinfer-learn-help-learn 0.1 0.2' ;;
    _main) echo '\; bela-analog 0.2 0.9 0.5 0.5 0.5 \; bela_digitalIn11 1' ;;
    calibrated-sensors) echo '\; calibrated-sensors-all learn 1' ;;
    esac
    grep -q "$1-toggle" "$work/copies/$1.pd" && echo "\\; $1-toggle 1"
    grep -q "$1-slider" "$work/copies/$1.pd" && echo "\\; $1-slider 0.7"
}
# Each is opened, used for 40 ms with DSP on, and closed, ROUNDS times.
cycle() { # ROUNDS
    driver=$work/cycle.pd boxes=0 cords=""
    echo "#N canvas 0 0 600 400 12;" >"$driver"
    box "obj 10 10 loadbang"           # 0
    box "obj 10 40 t b b"              # 1
    box "msg 90 40 \\; pd dsp 1"     # 2
    box "obj 10 70 metro 50"           # 3
    box "obj 10 100 f 0"               # 4
    box "obj 80 100 + 1"               # 5
    box "obj 10 130 sel $(($1 * count))" # 6
    box "msg 10 160 \\; cycles done \\; pd quit" # 7
    box "obj 90 160 mod $count"        # 8
    box "obj 90 190 sel $(seq -s' ' 0 $((count - 1)))" # 9
    box "obj 90 10 r cycles"           # 10
    box "obj 90 25 print cycles"       # 11
    cord 0 0 1 0; cord 1 1 2 0; cord 1 0 3 0; cord 3 0 4 0; cord 4 0 5 0
    cord 5 0 4 1; cord 4 0 6 0; cord 6 0 7 0; cord 6 1 8 0; cord 8 0 9 0; cord 10 0 11 0
    for ((i = 0; i < count; i++)); do
        name=${patches[i]}
        box "msg 10 300 \\; pd open $name.pd $work/copies"
        box "obj 10 330 delay 5"
        box "msg 10 360 $(used "$name" | xargs -d '\n')"
        box "obj 10 390 delay 40"
        later=""
        [ "$name" = five-poses ] && later=" \\; five-poses-do add \\; five-poses-do train 4"
        box "msg 10 420$later \\; pd-$name.pd menuclose 1"
        cord 9 $i $((boxes - 5)) 0
        cord 9 $i $((boxes - 4)) 0
        cord $((boxes - 4)) 0 $((boxes - 3)) 0
        cord 9 $i $((boxes - 2)) 0
        cord $((boxes - 2)) 0 $((boxes - 1)) 0
    done
    printf '%s' "$cords" >>"$work/cycle.pd"
}
# clean NAME: nothing is amiss in what Pd said
clean() {
    if grep -E "couldn't|error|no method|failed|no such|ended with|ERROR:" \
        "$work/got" >"$work/bad"; then
        fail "$1" "$(head -3 "$work/bad")"
        grep -A 30 "ERROR: Addr" "$work/got" | head -n 40
    elif ! grep -q "^cycles: done" "$work/got"; then
        fail "$1" "it did not come to the end"
    elif [ -s "$work/leaks" ]; then
        fail "$1" "memory is left behind"
        head -n 20 "$work/leaks"
    else
        pass "$1"
    fi
}
cycle 100
begin=$(date +%s%N)
PD_SECONDS=100 run_pd -open "$work/cycle.pd" >"$work/got"
echo "# $((($(date +%s%N) - begin) / 1000000)) ms for 100 rounds of $count"
clean "$count patches opened, used and closed 100 times"

# The same with an address sanitizer in the externals. Pd, which has none, leaves
# some memory of its own behind: only what was asked for here counts.
rounds=5
folder=$MLI_BUILD/tests/address
if [ -n "${MLI_LONG:-}" ]; then
    rounds=100
    folder=$MLI_BUILD/address/pd/mlinfer
    make -C "$MLI_ROOT" BUILD="$MLI_BUILD" SANITIZER=address pd-sanitized \
        >"$work/make.log" 2>&1 ||
        fail "make pd-sanitized" "$(tail -n 1 "$work/make.log")"
fi
# shellcheck disable=SC2086 # may be "ccache gcc"
library=$(${CC:-gcc} -print-file-name=libasan.so)
sanitized="... $rounds times under the address sanitizer, which finds nothing"
if [ -e "$folder/mlinfer.pd_linux" ] && [ -e "$library" ]; then
    cycle $rounds
    PD_COMMAND=(env LD_PRELOAD="$library"
        ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0
        LSAN_OPTIONS=exitcode=0 setarch -R pd)
    begin=$(date +%s%N)
    PD_SECONDS=400 run_pd -path "$folder" -lib mlinfer -open "$work/cycle.pd" \
        >"$work/got"
    echo "# $((($(date +%s%N) - begin) / 1000000)) ms for $rounds rounds"
    awk '/^(Direct|Indirect) leak/ { head = $0; n = 0; next }
        head && /^ *#[0-9] / && /mlinfer.pd_linux/ { print head; print; head = "" }
        /^$/ { head = "" }' "$work/got" >"$work/leaks"
    sed -i '/LeakSanitizer/d' "$work/got"
    clean "$sanitized"
else
    echo "ok - $sanitized # SKIP was not built"
fi
finish
