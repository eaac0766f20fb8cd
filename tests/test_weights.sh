#!/usr/bin/env bash
# What `convert --weights` says it costs and brings: the figures are those that
# one measures from outside, on sounds, arrays and lists.
set -u
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/npy.sh"
root=${MLI_ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
mlinfer=${MLI_BUILD:-$root/build}/mlinfer
goldens=$root/tests/goldens
stream=$goldens/guitarml/wavenet_relu.json
sound=$goldens/guitarml/input.npy
recurrent=$goldens/guitarml/lstm40.json
step=$root/models/mapping/mapping.onnx
lists=$goldens/models/mapping/input.npy
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# refuses NAME TEXT: it fails, says TEXT, and writes nothing
refuses() {
    if [ $rc != 0 ] && grep -qF -- "$2" err && [ ! -e x.bin ]; then pass "$1"
    else fail "$1" "exit status $rc, says $(cat err)"; fi
    rm -f x.bin
}
run() {
    "$mlinfer" "$@" >out 2>err </dev/null
    rc=$?
}
# SNR in dB of what two models play of an array
snr_of() {
    "$mlinfer" run "$1" --npy "$3" -o a && "$mlinfer" run "$2" --npy "$3" -o b
    paste <(floats a/*.npy) <(floats b/*.npy) | awk '
        { s += $1 * $1; n += ($1 - $2) * ($1 - $2) }
        END { printf "%.2f\n", 10 * log(s / n) / log(10) }'
}

"$mlinfer" convert "$stream" -o float.bin >out
grep -q '^size:' out && fail "no report of floats" "$(cat out)"
last=0
for how in int4 int8 f16; do
    run convert "$stream" -o $how.bin --weights $how --calibrate "$sound"
    told='s/^error: SNR \([0-9.]*\) dB, at most .* % of full scale, over [0-9]* frames of .*/\1/p'
    snr=$(sed -n "$told" out)
    heard=$(snr_of float.bin $how.bin "$sound")
    if awk -v a="$snr" -v b="$heard" \
        'BEGIN { exit !(a != "" && a - b < 0.1 && b - a < 0.1) }'; then
        pass "$how: the error that is told"
    else fail "$how: the error that is told" "$snr dB, heard $heard dB"; fi
    snr=${snr%.*}
    if [ "${snr:-0}" -ge $last ]; then pass "$how: not worse than fewer bits"
    else fail "$how: not worse than fewer bits" "$snr dB, $last dB"; fi
    last=${snr:-0}
    equal "$how: the size that is told" "$(sed -n \
        's/^size: file \([0-9]*\) bytes, \([0-9]*\) with floats.*/\1 \2/p' out)" \
        "$(stat -c %s $how.bin) $(stat -c %s float.bin)"
    if grep -qE '^speed: [0-9.]+ ns a frame, [0-9.]+ with floats' out; then
        pass "$how: speed"
    else fail "$how: speed" "$(cat out)"; fi
done

# Recurrent layers have 8 bits at least.
for how in int4 int8; do
    run convert "$recurrent" -o $how.bin --weights $how
    cp out $how.out
done
if cmp -s int4.bin int8.bin && grep -q "int8 though int4 was asked for" \
    int4.out && ! grep -q "though" int8.out; then
    pass "int4 leaves recurrent layers at int8"
else fail "int4 leaves recurrent layers at int8" "$(cat int4.out)"; fi
rm -f int4.bin int8.bin

# Layers in integers: nearer to floats the fewer there are of them.
run convert "$stream" -o whole.bin --arithmetic int8 --all --calibrate "$sound"
cp out whole.out
snr=$(sed -n 's/^error: SNR \([0-9.]*\) dB.*/\1/p' out)
heard=$(snr_of float.bin whole.bin "$sound")
if grep -qE '^[0-9]+ layers? computes? in int8, [0-9]+ stays? in floats' out &&
    awk -v a="$snr" -v b="$heard" \
        'BEGIN { exit !(b > 20 && a - b < 0.1 && b - a < 0.1) }'; then
    pass "int8 arithmetic: the error that is told"
else fail "int8 arithmetic: the error that is told" "$heard dB, $(cat out)"; fi
wanted=$(awk -v snr="$heard" 'BEGIN { print snr + 3 }')
run convert "$stream" -o part.bin --arithmetic int8 --all --snr "$wanted" \
    --weights f16 --calibrate "$sound"
layers() { sed -n 's/^\([0-9]*\) layers\{0,1\} computes\{0,1\} in int8.*/\1/p' "$1"; }
heard=$(snr_of float.bin part.bin "$sound")
if awk -v a="$heard" -v b="$wanted" -v m="$(layers out)" \
    -v n="$(layers whole.out)" 'BEGIN { exit !(a >= b && m < n) }'; then
    pass "int8 arithmetic: as near as was asked for"
else fail "int8 arithmetic: as near as was asked for" "$heard dB, $(cat out)"
fi
"$mlinfer" info whole.bin >out
grep -q 'as int8_arithmetic' out && pass "int8 arithmetic: info" ||
    fail "int8 arithmetic: info" "$(cat out)"
run convert whole.bin -o x.bin --arithmetic int8
refuses "int8 arithmetic of a model.bin" "convert its source with --arithmetic"
run convert "$stream" -o x.bin --arithmetic int8 --calibrate "$sound"
if grep -qE '^kept in floats: [0-9]+ layers?, faster so' out &&
    ! grep -q 'stored as' out; then
    pass "int8 arithmetic: small layers stay in floats"
else fail "int8 arithmetic: small layers stay in floats" "$(cat out)"; fi
rm -f x.bin
run convert "$stream" -o x.bin --all
refuses "--all by itself" "expected --arithmetic int8"
run convert "$stream" -o x.bin --snr 30
refuses "--snr by itself" "expected --arithmetic int8"
run convert "$stream" -o x.bin --arithmetic int4
refuses "an unknown arithmetic" "expected float or int8"

# The same numbers as a sound, as an array and as text.
run convert "$stream" -o x.bin --weights f16 --calibrate "$sound"
array=$(grep ^error: out | sed 's/ over.*//')
floats "$sound" >lines.txt
run convert "$stream" -o x.bin --weights f16 --calibrate lines.txt
equal "text is heard as the array is" "$(grep ^error: out | sed 's/ over.*//')" \
    "${array:-an error that is told}"
if command -v sox >/dev/null; then
    floats "$sound" | awk '{ print $1 / 4 }' >lines.txt
    awk 'BEGIN { print "; Sample Rate 44100\n; Channels 1" }
        { print NR / 44100, $1 }' lines.txt >sound.dat
    sox sound.dat -e floating-point -b 32 sound.wav 2>err
    run convert "$stream" -o x.bin --weights f16 --calibrate lines.txt
    array=$(grep ^error: out | sed 's/dB.*//; s/over \([0-9]*\).*/\1/')
    run convert "$stream" -o x.bin --weights f16 --calibrate sound.wav
    equal "a sound is heard as text is" \
        "$(grep ^error: out | sed 's/dB.*//; s/over \([0-9]*\).*/\1/')" \
        "${array:-an error that is told}"
else
    skip "a sound is heard as text is" "no sox here"
fi

run convert "$step" -o x.bin --weights int8 --calibrate "$lists"
if grep -qE '^error: at most 0\.[0-9]+ % of full scale \([a-z]+\), over 16 lists of' \
    out; then pass "lists: the share of full scale"
else fail "lists: the share of full scale" "$(cat out)"; fi
run convert "$step" -o x.bin --weights f16
first=$(grep ^error: out)
run convert "$step" -o x.bin --weights f16
equal "noise, the same each time" "$(grep ^error: out)" "$first"
case $first in
*"over 1000 lists of noise in the inputs' ranges") pass "noise is said" ;;
*) fail "noise is said" "$first" ;;
esac
rm -f x.bin

run convert "$step" -o x.bin --calibrate "$lists"
refuses "nothing to calibrate" "expected --weights"
run convert "$step" -o x.bin --weights f16 --calibrate nowhere.txt
refuses "a missing file" "nowhere.txt: cannot be read"
printf '1 2 3\n1 2\n' >short.txt
run convert "$step" -o x.bin --weights f16 --calibrate short.txt
refuses "a short list" "short.txt: line 2: a list of the wrong length"
: >empty.txt
run convert "$step" -o x.bin --weights f16 --calibrate empty.txt
refuses "an empty file" "empty.txt: holds nothing"
run convert "$step" -o x.bin --weights f16 --calibrate float.bin
refuses "neither sound nor text" "float.bin: no sound, no array, and no text"
run convert "$step" -o x.bin --weights f16 --calibrate "$sound"
refuses "an array of something else" "does not fit the inputs"
finish
