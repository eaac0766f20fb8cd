#!/usr/bin/env bash
# make demo: runs drive.pd and gesture.pd in headless Pd, in a folder of their
# own with all they need beside them, draws what came out, and says what
# happened. usage: run.sh BUILD
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd) || exit 1
demo=$build/demo
frames=67584 # of drive.pd's tables: the voice, 1.4 s at 48 kHz
gesture_frames=384000

fail() {
    echo "mlinfer: demo: $1" >&2
    exit 1
}

# Pd ships it; Debian keeps it with the documentation.
find_voice() {
    local folder
    for folder in /usr/share/puredata /usr/lib/puredata /usr/lib/pd \
        /usr/local/lib/pd; do
        [ -f "$folder/doc/sound/voice.wav" ] || continue
        echo "$folder/doc/sound/voice.wav"
        return
    done
    fail "Pd's doc/sound/voice.wav is not there (expected in /usr/share/puredata)"
}

prepare() {
    local voice
    voice=$(find_voice) || exit 1
    rm -rf "$demo"
    mkdir -p "$demo"
    cp "$here"/*.pd "$here"/gesture.txt "$here"/*.gnuplot "$voice" \
        "$root"/models/drive/drive.bin "$root"/models/mapping/mapping.bin \
        "$demo" || exit 1
}

# run NAME: logical time runs as fast as the machine can.
run() {
    echo "running $1.pd in headless Pd"
    (cd "$demo" && timeout 120 pd -nrt -nogui -noprefs -noaudio -batch \
        -stderr -r 48000 -open "$1.pd" -open batch.pd \
        -send "pd dsp 1; demo-$1 bang" >"$1.log" 2>&1)
    local status=$?
    if [ $status != 0 ] || grep -q "couldn't create" "$demo/$1.log"; then
        cat "$demo/$1.log" >&2
        fail "$1.pd did not run (exit status $status)"
    fi
}

# Bytes before the samples: Pd versions write different headers.
header() { echo $(($(wc -c <"$1") - 4 * $2)); }

# said NAME: what the patch printed under that name.
said() { sed -n "s/^$1: //p" "$demo"/*.log | tail -n 1; }

# Power spectra, 1024 a row of which the first 513 matter, as a matrix.
matrix() {
    awk 'NR % 1024 <= 513 && NR % 1024 > 0 { row = row " " $1 }
         NR % 1024 == 0                    { print row; row = "" }' "$1"
}

draw() {
    command -v gnuplot >/dev/null || {
        echo "no gnuplot here: no pictures"
        return
    }
    for name in drive-before drive-after gesture; do
        matrix "$name-spectrum.txt" >"$name.matrix"
    done
    gnuplot -e "frames=$frames; skip=$(header drive-after.wav $frames); \
        from=0.6" drive.gnuplot &&
        gnuplot -e "frames=$gesture_frames" gesture.gnuplot ||
        fail "gnuplot could not draw"
    rm -f ./*-spectrum.txt ./*.matrix
}

# times NAME MS: how many times faster than real time.
times() { awk "BEGIN { printf \"%.0f\", $1 / $2 }"; }

summary() {
    local ms
    ms=$(said demo-gesture-ms)
    cat <<END

What happened
  drive.pd    Pd played its recorded voice through [mlinfer~ drive], a network
              that learned the circuit of an overdrive pedal: 1.43 s of sound in
              $(said demo-drive-ms) ms, $(times 1430 "$(said demo-drive-ms)") times faster than real time.
              [mlinfer~] alone needs $(said demo-drive-cpu | awk '{ printf "%.1f", $1 }') % of one core.
  gesture.pd  a gesture of three sensors through [mlinfer mapping] moved five
              parameters of a small synthesiser, 200 times a second: 8 s in
              $ms ms, $(times 8000 "$ms") times faster than real time.

What to look at, in $demo
  drive.png gesture.png               pictures
  drive-before.wav drive-after.wav    the voice
  gesture.wav                         the gesture
  pd drive.pd, pd gesture.pd          the patches, to hear them and change them
Next: the help patches in $build/pd/mlinfer, and README.md for a
model of your own.
END
}

prepare
run drive
run gesture
cd "$demo" || exit 1
draw
summary
