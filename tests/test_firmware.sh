#!/usr/bin/env bash
# make OPS=...: some operators alone. What it takes on ARMv7, that it computes
# the same, and that it refuses the rest by name.
: "${MLI_BUILD:?is not set: run the tests with make check}"
root=${MLI_ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
goldens=$root/tests/goldens
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/npy.sh"
# build FOLDER OPS VARIABLE...: quiet, or says what the compiler said
build() {
    local folder=$1 ops=$2
    shift 2
    make -s -C "$root" BUILD="$work/$folder" OPS="$ops" "$@" >"$work/log" 2>&1
    local status=$?
    grep -q warning: "$work/log" && status=1
    [ $status = 0 ] || fail "make OPS=\"$ops\"" "$(grep -m1 -E \
        'warning|error|\*\*\*' "$work/log")"
    return $status
}

model=$work/model.bin
other=$work/other.bin
"$MLI_BUILD/mlinfer" convert "$goldens/guitarml/lstm40.json" -o "$model" \
    >"$work/log" || fail "a model" "$(cat "$work/log")"
"$MLI_BUILD/mlinfer" convert "$goldens/guitarml/gru.json" -o "$other" \
    >"$work/log" || fail "another model" "$(cat "$work/log")"
ops=$("$MLI_BUILD/mlinfer" info --ops "$model")

# ------------------------------------------------------ bytes on ARMv7 ----
arm=arm-linux-gnueabihf
roots=$(grep -o '^[a-z].*mli_[a-z_]*(' "$root/core/mlinfer.h" |
    grep -o 'mli_[a-z_]*($' | tr -d '(' | sed 's/^/-u /')
# at_most KIB OPS NAME: code and constants of all that mlinfer.h declares
at_most() {
    local name="$3: at most $1 KiB on ARMv7" bytes
    build arm "$2" CC="$arm-gcc -mcpu=cortex-a8 -mfloat-abi=hard -mfpu=neon" \
        AR=$arm-ar || return
    # shellcheck disable=SC2086 # several words
    bytes=$($arm-ld -r --gc-sections $roots -o "$work/all.o" \
        "$work/arm/firmware/libmlinfer.a" && $arm-size "$work/all.o" |
        awk 'NR == 2 { print $1 + $2 }')
    if [ "${bytes:-999999}" -le $(($1 * 1024)) ]; then
        pass "$name ($bytes bytes)"
    else fail "$name" "$bytes bytes"; fi
}
if command -v $arm-gcc >/dev/null; then
    at_most 64 all "everything"
    at_most 24 "$ops" "$ops"
    at_most 24 "LINEAR CONV1D UNARY BINARY TANH ADD" "a WaveNet"
else
    skip "code size on ARMv7" "there is no $arm-gcc"
fi

# --------------------------------------------------- what it computes ----
# same MODEL NAME: the program plays what the command plays, bit for bit
sound=$goldens/guitarml/input.npy
same() {
    data "$sound" | "$work/here/firmware/minimal" "$1" >"$work/played" \
        2>"$work/log"
    rm -rf "$work/run"
    MLI_KERNELS=generic "$MLI_BUILD/mlinfer" run "$1" --npy "$sound" \
        -o "$work/run" || return
    data "$work"/run/*.npy >"$work/wanted"
    if [ -s "$work/wanted" ] && cmp -s "$work/wanted" "$work/played"; then
        pass "$2 plays the same"
    else fail "$2 plays the same" "$(cat "$work/log")"; fi
}
if build here "$ops"; then
    same "$model" "OPS=\"$ops\""
    text="needs GRU, which is not in this program: build it with make OPS="
    if "$work/here/firmware/minimal" "$other" </dev/null 2>"$work/log"; then
        fail "what is left out is refused" "it plays"
    elif grep -qF "$text" "$work/log"; then pass "what is left out is refused"
    else fail "what is left out is refused" "$(cat "$work/log")"; fi
    "$MLI_BUILD/mlinfer" convert "$goldens/guitarml/lstm40.json" -o "$other" \
        --weights int8 >"$work/log"
    "$work/here/firmware/minimal" "$other" </dev/null 2>"$work/log"
    if grep -q "needs STORED," "$work/log"; then pass "so are stored weights"
    else fail "so are stored weights" "$(cat "$work/log")"; fi
    if build here "$ops $("$MLI_BUILD/mlinfer" info --ops "$other")"; then
        same "$other" "one with stored weights"
    fi
fi
if make -s -C "$root" BUILD="$work/none" OPS="LINEAR LSMT" >"$work/log" 2>&1
then fail "a wrong name is told" "it builds"
elif grep -q "no operator or function is called LSMT" "$work/log"; then
    pass "a wrong name is told"
else fail "a wrong name is told" "$(cat "$work/log")"; fi
finish
