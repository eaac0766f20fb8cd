#!/usr/bin/env bash
# The mlinfer command from outside: exit status, what it says, what it leaves.
set -u
. "$(dirname "$0")/tap.sh"
root=${MLI_ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
mlinfer=${MLI_BUILD:-$root/build}/mlinfer
stream=$root/models/drive/drive.onnx
step=$root/models/mapping/mapping.onnx
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# run ARGUMENT...: standard output in out, errors in err, exit status in $rc.
run() {
    "$mlinfer" "$@" >out 2>err </dev/null
    rc=$?
}
wrong() {
    fail "$@"
    sed 's/^/# /' err | head -n 5
}
# status NAME WANTED
status() {
    if [ $rc = "$2" ]; then pass "$1"; else
        wrong "$1" "exit status $rc (expected $2)"
    fi
}
# error NAME STATUS TEXT: one line on standard error that holds TEXT, nothing on
# standard output.
error() {
    if [ $rc != "$2" ]; then
        wrong "$1" "exit status $rc (expected $2)"
    elif ! grep -qF -- "$3" err; then
        wrong "$1" "does not say \"$3\""
    elif ! head -n 1 err | grep -q '^mlinfer: '; then
        wrong "$1" "does not begin with mlinfer:"
    elif [ "$2" = 1 ] && [ "$(wc -l <err)" != 1 ]; then
        wrong "$1" "$(wc -l <err) lines (expected 1)"
    elif [ -s out ]; then
        wrong "$1" "wrote to standard output"
    else
        pass "$1"
    fi
}
# same NAME GOT EXPECTED
same() {
    if [ "$2" = "$3" ]; then pass "$1"; else
        wrong "$1" "got \"$2\" (expected \"$3\")"
    fi
}

# --------------------------------------------------------------- usage ----
run
status "no arguments: wrong usage" 2
run help
status "help" 0
cp out help
run run --help
same "help after a command" "$rc $(cmp out help 2>&1)" "0 "
run --version
same "version" "$(sed 's/, kernels.*//' out)" \
    "mlinfer 0.1.0, model file format 1"
run wobble
error "unknown command" 2 "wobble: no such command"
run info
error "info without a model" 2 "expected one MODEL"
run info --wobble "$step"
error "unknown option" 2 "no such option: --wobble"
run convert "$step"
error "convert without -o" 2 "-o MODEL.bin"
run convert "$step" -o x.bin --mode sideways
error "unknown mode" 2 "--mode sideways"
run convert "$step" -o x.bin --window 0
error "window of 0 frames" 2 "not a whole number from 1"
run convert "$step" -o x.bin --rate fast
error "a rate that is none" 2 "--rate fast"
run run "$step"
error "run without a way" 2 "one of --wav, --npy, --list"
run run "$step" --npy
error "nothing follows" 2 "nothing follows --npy"
run run "$stream" --wav a.wav
error "run without -o" 2 "expected -o"
run run "$stream" --wav a.wav -o b.wav --block 0
error "blocks of 0 frames" 2 "--block 0"

# -------------------------------------------------------------- errors ----
run info nowhere.bin
error "a missing file" 1 "mlinfer: nowhere.bin: "
: >empty
run info empty
error "an empty file" 1 "mlinfer: empty: "
echo '<!DOCTYPE html><html>' >page.onnx
run info page.onnx
error "a web page" 1 "HTML"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' \
    >pointer.onnx
run info pointer.onnx
error "a Git LFS pointer" 1 "LFS"
head -c 64 /dev/zero >zeros
run info zeros
error "zeros" 1 "mlinfer: zeros: "

# ------------------------------------------------------------- convert ----
run convert "$stream" -o stream.bin
status "convert a stream model" 0
says() {
    if grep -qE "$2" out; then pass "$1"; else wrong "$1" "not in: $(cat out)"; fi
}
says "convert says the mode and why" '^stream: axis 1 of input'
says "convert says the work" '[0-9]+ multiply-accumulates per frame$'
says "convert says the arena" '^arena [0-9]+ floats per frame, the lower bound$'
run convert "$step" -o step.bin
status "convert a step model" 0
run convert stream.bin -o again.bin
if cmp -s stream.bin again.bin; then pass "a .bin stays as it is"; else
    wrong "a .bin stays as it is" "differs"
fi
run convert "$step" -o hop.bin --hop 8
says "a hop that has no effect is told" '^not a window model'
run convert step.bin -o x.bin --mode stream
error "a .bin keeps its mode" 1 "expected step, got stream"
run convert step.bin -o x.bin --window 8
error "a .bin keeps its window" 1 "a step model has no window"
run convert step.bin -o x.bin --rate 44100
error "a .bin keeps its rate" 1 "got 44100"
cp "$root"/tests/goldens/layers/strided.* .
run convert strided.json -o slow.bin
run convert slow.bin -o x.bin --spread
error "a .bin is not spread any more" 1 "convert its source with --spread"
run convert strided.json -o spread.bin --spread
run convert spread.bin -o again.bin --spread
status "one that is spread stays so" 0
nam=$root/tests/goldens/nam/linear.nam
run convert "$nam" -o x.bin --mode step
error "a .nam is a stream" 1 "expected stream, got step"
same "and nothing is written" "$(ls x.bin* 2>&1 | grep -c '^x')" 0
cp "$root/tests/goldens/layers/recurrent.pt" weights.pt
run convert weights.pt -o x.bin
status "weights alone are no model" 1
cp out weights.json
same "the draft of their layers can be opened" "$(
    "$mlinfer" convert weights.json -o x.bin 2>&1 | tail -n 1 | cut -d: -f1
)" x.bin
rm -f x.bin
mkdir full
( ulimit -f 1; "$mlinfer" convert "$nam" -o full/x.bin >out 2>err; echo $? >rc )
same "no room left" "$(cat rc) $(ls -A full) $(cat err)" \
    "1  mlinfer: full/x.bin: cannot be written: File too large"
"$mlinfer" info "$step" >/dev/full 2>err
same "no room left for what is printed" "$? $(cat err)" \
    "1 mlinfer: standard output: cannot be written: No space left on device"
run convert "$stream" -o nowhere/x.bin
error "a folder that is not there" 1 "nowhere/x.bin: cannot be written"
run convert "$stream" -o .
error "a folder as target" 1 "cannot be written: Is a directory"
echo precious >kept.bin
run convert zeros -o kept.bin
same "a failed convert keeps what was there" "$(cat kept.bin)" precious
chmod 600 kept.bin
ln -s kept.bin link.bin
run convert "$step" -o link.bin
same "a link stays one, its target keeps its mode" \
    "$(stat -c %F link.bin), $(stat -c %a kept.bin)" "symbolic link, 600"
run convert "$step" -o /dev/null
same "a device is not replaced" "$(stat -c %F /dev/null)" \
    "character special file"
head -c 1000 stream.bin >short.bin
run info short.bin
error "a truncated .bin" 1 "short.bin: "
same "nothing half-written is left" "$(find . -name '*.bin.*')" ""

# ---------------------------------------------------------------- info ----
run info stream.bin
status "info" 0
run info --json stream.bin
for key in name mode rate inputs outputs latency receptive_field parameters \
    macs_per_frame file_bytes weight_bytes state_bytes arena_bytes \
    arena_bound_bytes ops; do
    grep -q "^  \"$key\": " out || wrong "info --json" "no $key"
done
value() { sed -n "s/^  \"$1\": \([^,]*\),*$/\1/p" out; }
same "info --json: mode" "$(value mode)" '"stream"'
same "info --json: bytes" "$(value file_bytes)" "$(stat -c %s stream.bin)"
same "info --json: arena is its bound" "$(value arena_bytes)" \
    "$(value arena_bound_bytes)"
if command -v python3 >/dev/null; then
    python3 -c 'import json, sys; json.load(sys.stdin)' <out 2>err
    rc=$?
    status "info --json is JSON" 0
fi

# ------------------------------------------------------------- kernels ----
MLI_KERNELS=wobble run info step.bin
error "an unknown kernel build" 1 \
    "MLI_KERNELS=wobble: no such kernel build (expected one of: "
case $(uname -m) in
x86_64) foreign=neon ;;
*) foreign=sse2 ;;
esac
MLI_KERNELS=$foreign run run step.bin --list
error "a kernel build of another machine" 1 "does not run here"
for kernels in $("$mlinfer" --version | sed 's/.*kernels: //'); do
    echo "0.5 0.5 0.5" |
        MLI_KERNELS=$kernels "$mlinfer" run step.bin --list >out 2>err
    rc=$?
    status "kernels $kernels" 0
    # Home of the mapping: a pitch near 58, and all builds near each other.
    awk '$1 > 57 && $1 < 59 && NF == 5 { n++ } END { exit !(n == 1 && NR == 1) }' \
        out ||
        wrong "kernels $kernels" "answers $(cat out)"
done

# --------------------------------------------------------------- lists ----
# feed TEXT MODEL
feed() {
    printf '%s' "$1" | "$mlinfer" run "$2" --list >out 2>err
    rc=$?
}
feed $'0 0 0\n\n0.5, 0.5, 0.5;\n  1e0\t1 1  ' step.bin
same "lists: one answer a line, blank lines none" "$rc $(wc -l <out)" "0 3"
feed $'0 0 0\n1 1\n0 0 0\n' step.bin
same "a list of the wrong length ends it" "$rc $(wc -l <out) $(cat err)" \
    "1 1 mlinfer: standard input: line 2: a list of the wrong length (expected 3, got 2)"
feed $'0 zero 0\n' step.bin
same "not a number" "$rc $(cat err)" \
    "1 mlinfer: standard input: line 1: not a number: zero"
feed $'0 -inf 0\n' step.bin
infinite=$(cat out)
feed $'0 0 0\n' step.bin
same "what is not finite counts as 0" "$rc $(cat err) $infinite" "0  $(cat out)"
printf '0 0 0\0 1\n' | "$mlinfer" run step.bin --list >out 2>err
same "a zero byte in a list" "$? $(cat err)" \
    "1 mlinfer: standard input: line 1: a zero byte (expected text)"
feed $'0.25\n0.25\n' stream.bin
same "a stream model takes a frame a line" "$rc $(sort -u out | wc -l)" "0 2"

# ------------------------------------------------ arrays in and out ----
model=$root/tests/goldens/onnx-graphs/long-name
run run "$model/model.onnx" --npy "$model/in0.npy" -o long
same "an output's long name is cut" "$rc $(ls long | wc -l)" "0 2"
model=$root/tests/goldens/onnx-graphs/time-between
run run "$model/model.onnx" --npy "$model/in0.npy" -o rows
run run "$model/model.onnx" --npy "$model/whole.npy" -o whole
for of in rows whole; do
    tail -c 768 $of/y.npy >$of/values # 32 frames of 6, without the header
done
same "an array in the graph's own shape" "$rc $(cmp rows/values whole/values)" \
    "0 "

# --------------------------------------------------------- wrong inputs ----
run run step.bin --wav a.wav -o b.wav
error "sound into a step model" 1 "a step model takes lists"
run run stream.bin --wav nowhere.wav -o b.wav
error "a missing sound" 1 "nowhere.wav: not found"
cp "$step" mine.onnx
run convert mine.onnx -o ./mine.onnx
error "a model does not take its source's place" 1 "is the source"
"${MLI_BUILD:-$root/build}/tests/pd-models" -wav mine.wav 64
run run stream.bin --wav mine.wav -o mine.wav
error "nor a sound that of the one it reads" 1 "is the sound that is read"
same "both are as they were" "$(cmp mine.onnx "$step" 2>&1)$(wc -c <mine.wav)" 300
run run stream.bin --npy step.bin -o b
error "not an array" 1 "step.bin: not a .npy file"
same "no folder of a failed run" "$(ls -d b b.wav 2>/dev/null)" ""

finish
