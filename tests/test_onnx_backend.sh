#!/bin/sh
# The ONNX backend tests, where Debian's libonnx-testdata is installed: nothing
# that we take on may fail, and as much passes as ever has.
data=${MLI_ONNX_DATA:-/usr/share/libonnx-testdata/data}
mlinfer=${MLI_BUILD:-build}/mlinfer
. "$(dirname "$0")/tap.sh"

# folder, and how many pass at least
backend() {
    if [ ! -d "$data/$1" ]; then
        skip "onnx-test $1" "libonnx-testdata is not installed"
        return
    fi
    out=$("$mlinfer" onnx-test "$data/$1" 2>&1)
    status=$?
    last=$(printf '%s\n' "$out" | tail -n 1)
    passed=${last%% passed*}
    if [ "$status" -ne 0 ]; then
        why=$(printf '%s\n' "$out" | grep '^FAIL' | head -n 1)
        fail "onnx-test $1" "${why:-status $status}"
    elif [ "$passed" -lt "$2" ]; then
        fail "onnx-test $1" "$last (expected $2 passed)"
    else
        pass "onnx-test $1: $last"
    fi
}

backend node 745
backend simple 14
backend pytorch-converted 82
backend pytorch-operator 35

# Wrong usage and wrong folders are said.
if "$mlinfer" onnx-test 2>/dev/null; [ $? -eq 2 ]; then
    pass "onnx-test without a folder is wrong usage"
else
    fail "onnx-test without a folder is wrong usage" "it is not"
fi
if "$mlinfer" onnx-test "${MLI_ROOT:-.}/compiler" >/dev/null 2>&1; then
    fail "onnx-test in a folder without tests" "it was content"
else
    pass "onnx-test in a folder without tests"
fi
finish
