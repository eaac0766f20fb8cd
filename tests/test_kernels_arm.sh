#!/usr/bin/env bash
# The kernel tests once more, cross-built for ARMv7 (Bela) and arm64 and run
# under qemu: the builds there, plain C and NEON, are held to the same contract.
# Functions are sampled more sparsely than here.
. "$(dirname "$0")/pd/common.sh"
name="kernels on ARM"

for tool in arm-linux-gnueabihf-gcc aarch64-linux-gnu-gcc qemu-arm \
    qemu-aarch64; do
    command -v $tool >/dev/null || skip_all "$name" "no $tool here (make deps)"
done

cd "$MLI_ROOT" || exit 1
step=100003
[ -n "${MLI_LONG:-}" ] && step=1009
longest=280
[ -n "${MLI_LONG:-}" ] && longest=3000 # an emulator on a busy machine

# check ARCHITECTURE TEST QEMU COMPILER...: over the runtime of `make arm`
check() {
    local arm=$1 test=$2 qemu=$3 program=$work/$1-$2 ended
    shift 3
    if ! "$@" -std=c11 -O2 -Wall -Wextra -Werror -ffp-contract=off -static \
        -Itests/arm -Icore -Ikernels -Ikernels/public "tests/test_$test.c" tests/stored_matrix.c \
        "$MLI_BUILD/$arm/libmlinfer.a" -lm -o "$program" 2>"$work/err"; then
        fail "$arm: $test builds" "$(tail -n 1 "$work/err")"
        return
    fi
    # shellcheck disable=SC2086 # a command with its arguments
    env -u MLI_LONG MLI_STEP=$step timeout $longest $qemu "$program" \
        >"$work/out" 2>"$work/err"
    ended=$?
    sed -n "s/^passed /ok - $arm: $test: /p" "$work/out"
    [ $ended = 0 ] || fail "$arm: $test" "status $ended: $(tail -n 1 "$work/err")"
    grep -q '^passed' "$work/out" || fail "$arm: $test" "passed nothing"
}

for test in functions kernels_bytes kernels_linear kernels_planar kernels_rows \
    kernels_stored; do
    check armv7 $test "qemu-arm -cpu cortex-a8" arm-linux-gnueabihf-gcc \
        -mcpu=cortex-a8 -mfpu=neon -mfloat-abi=hard
    check arm64 $test "qemu-aarch64 -cpu cortex-a53" aarch64-linux-gnu-gcc \
        -mcpu=cortex-a53
done
finish
