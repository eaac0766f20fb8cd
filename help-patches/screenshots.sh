#!/usr/bin/env bash
# make screenshots: every help patch and example in a real Pd window, on a screen
# in memory, into docs/pictures/NAME.png. BUILD: the build folder, with pd/mlinfer.
set -u
cd "$(dirname "$0")/.." || exit 1
folder=$(cd "${1:-build}" && pwd)/pd/mlinfer
pictures=$PWD/docs/pictures
for need in Xvfb:xvfb import:imagemagick convert:imagemagick pd-gui:puredata-gui pd:puredata-core; do
    command -v "${need%:*}" >/dev/null && continue
    echo "screenshots: no ${need%:*} here: install ${need#*:}" >&2
    exit 1
done
work=$(mktemp -d)
screen_pid="" pd_pid=""
trap 'kill $pd_pid $screen_pid 2>/dev/null; rm -rf "$work"' EXIT
mkdir -p "$work/.local/lib/pd/extra" "$pictures"
ln -s "$folder" "$work/.local/lib/pd/extra/mlinfer"
Xvfb -displayfd 3 -screen 0 1400x1100x24 3>"$work/display" >/dev/null 2>&1 &
screen_pid=$!
for _ in $(seq 100); do
    [ -s "$work/display" ] && break
    sleep 0.1
done
DISPLAY=:$(cat "$work/display")
export DISPLAY

# What to do with a patch before its picture is taken, so that it has something
# to show. $1: the number that is its $0.
action() {
    case $1 in
    continue-gesture) echo '$1-eight bang' ;;
    classify-gesture) echo '$1-circle bang' ;;
    turn-the-knob) echo '$1-on 1 \; $1-octave 1 \; pd dsp 1' ;;
    *) echo 'pd dsp 0' ;;
    esac
}
seconds() {
    case $1 in
    continue-gesture) echo 5 ;;
    classify-gesture) echo 1.4 ;;
    turn-the-knob) echo 2.3 ;;
    *) echo 1 ;;
    esac
}

# Pd gives the patch that it opens next the next number.
helper() {
    cat <<END
#N canvas 1200 1000 100 60 12;
#X obj 10 10 loadbang;
#X obj 10 30 delay 700;
#X obj 10 50 f \\\$0;
#X obj 10 70 + 1;
#X msg 10 90 \\; $(action "$1" | sed 's/\$/\\$/g');
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 2 0 3 0;
#X connect 3 0 4 0;
END
}

# Without a window manager a patch is where its file says, under a menu of 32
# pixels.
look() { # PATCH
    timeout 10 import -silent -window root "$work/screen.png" &&
        convert "$work/screen.png" -crop "$(awk 'NR == 1 {
            printf "%dx%d+%d+%d", $5, $6, $3, $4 + 32 }' "$1")" +repage \
            "$work/window.png"
}
drawn() { [ "$(identify -format %k "$work/window.png")" -gt 3 ]; }

failed=0
take() { # PATCH
    local name
    name=$(basename "$1" .pd)
    helper "$name" >"$work/helper.pd"
    HOME=$work timeout 60 pd -nrt -noprefs -noaudio -nomidi -stderr \
        -open "$work/helper.pd" -open "$1" >"$work/said" 2>&1 &
    pd_pid=$!
    for _ in $(seq 40); do
        sleep 0.3
        look "$1" && drawn && break
    done
    sleep "$(seconds "$name")"
    look "$1"
    kill $pd_pid
    wait $pd_pid 2>/dev/null
    if ! drawn || grep -qE "couldn't|error" "$work/said"; then
        echo "screenshots: $name: $(grep -E "couldn't|error" "$work/said" || echo "nothing is drawn")" >&2
        failed=1
    fi
    convert "$work/window.png" -strip +dither -colors 24 \
        -define png:compression-level=9 "PNG8:$pictures/$name.png" &&
        echo "  docs/pictures/$name.png"
}
for patch in "$folder"/*-help.pd "$folder"/examples/*.pd "$folder"/bela/_main.pd; do
    case $patch in
    */calibrate.pd | */pad.pd) continue ;; # inside of others
    esac
    [ $# -gt 1 ] && [ "$(basename "$patch" .pd)" != "$2" ] && continue
    take "$patch"
done
exit $failed
