#!/usr/bin/env bash
# What the compilers make of the kernels for a Cortex-A8: multiply-accumulates
# of vectors in one instruction, no multiplication of single floats in a hot
# loop (10 cycles and more each), nothing that this core does not have. And what
# the counting of make count-arm is built on: known code gives known counts.
. "$(dirname "$0")/pd/common.sh"
name="code for a Cortex-A8"
for tool in arm-linux-gnueabihf-gcc arm-linux-gnueabihf-objdump; do
    command -v $tool >/dev/null || skip_all "$name" "no $tool here (make deps)"
done
cd "$MLI_ROOT" || exit 1
library=$MLI_BUILD/armv7/libmlinfer.a
flags="-mfpu=neon -mfloat-abi=hard -std=c11 -O2 -ffp-contract=off -Ikernels
       -Ikernels/public"

# What computes one value by itself, in double, by design: rare arguments.
rare='^scalar (rare_one|binary_lane)'

look() { # OBJECT: what is wrong with it
    arm-linux-gnueabihf-objdump -d "$1" | awk -f tests/arm/hot_loops.awk |
        grep -vE "$rare"
}
verdict() { # NAME OBJECT LEAST
    local found fused
    found=$(look "$2")
    fused=$(echo "$found" | sed -n 's/^fused //p')
    if [ "${fused:-0}" -lt "$3" ]; then
        fail "$1" "only ${fused:-0} fused multiply-accumulates of vectors"
    elif [ "$(echo "$found" | wc -l)" != 1 ]; then
        fail "$1" "$(echo "$found" | head -n 1)"
        echo "$found" | sed 's/^/# /' | head -n 10
    else
        pass "$1 ($fused fused multiply-accumulates)"
    fi
}

if [ ! -f "$library" ]; then
    skip_all "$name" "no ARM build (make arm)"
fi
ar x --output "$work" "$library" build_neon.o
verdict "gcc, as shipped" "$work/build_neon.o" 100

clang=$(compgen -c clang | grep -xE 'clang(-[0-9]+)?' | sort | head -n 1)
headers=/usr/arm-linux-gnueabihf/include
if [ -n "$clang" ] && [ -d $headers ]; then
    # shellcheck disable=SC2086 # a list of flags
    if "$clang" --target=arm-linux-gnueabihf -isystem $headers \
        -mcpu=cortex-a8 $flags -c kernels/build_neon.c \
        -o "$work/clang.o" 2>"$work/err"; then
        verdict "clang" "$work/clang.o" 100
    else
        fail "clang" "$(head -n 1 "$work/err")"
    fi
else
    pass "clang # SKIP no clang, or no headers for ARM"
fi

# In all of the runtime, not only in loops.
newer=$(arm-linux-gnueabihf-objdump -d "$library" |
    awk -f tests/arm/hot_loops.awk | grep ^newer)
if [ -z "$newer" ]; then
    pass "nothing newer than a Cortex-A8 in the runtime"
else
    fail "nothing newer than a Cortex-A8 in the runtime" \
        "$(echo "$newer" | head -n 1)"
fi

# The board's compilers are gcc 6 and clang 3.9: vectors with the functions that
# ARMv7 began with, and nothing of the language or of the compilers that came
# later.
younger='_x[234]$|^vrnd|^vfm[as]|^vdiv|^vsqrt|nmq?_|_laneq|l_high_|_f16|^v(add|max|min)v|^vpaddq'
used=$(arm-linux-gnueabihf-gcc -mcpu=cortex-a8 $flags -E kernels/build_neon.c |
    awk '/^# [0-9]/ { ours = $3 ~ /kernels\// } ours && !/^#/' |
    grep -ohE '\<v[a-z0-9]+_[a-z0-9_]*[fsup](8|16|32|64)(_x[234])?\>' | sort -u)
newer=$(grep -E "$younger" <<<"$used")
if [ -n "$newer" ] || [ "$(wc -l <<<"$used")" -lt 40 ]; then
    fail "vectors as ARMv7's first compilers had them" "${newer:-none found}"
else
    pass "vectors as ARMv7's first compilers had them ($(wc -l <<<"$used"))"
fi
newer=$(grep -noE '__has_(builtin|attribute|include|c_attribute)|__builtin_[a-z0-9_]+|fallthrough|_Float(16|32)|__VA_OPT__|\[\[|typeof_unqual|constexpr|nullptr' \
    {kernels,core,learn,pd-external}/*.[ch] compiler/*.[ch] compiler/*/*.[ch] |
    grep -vE '__builtin_(assume_aligned|clz(l|ll)?|copysignf?|fabsf?|inff?|nanf?|mem(cpy|set|move|cmp)|prefetch|signbit|sqrtf?|expect)\>' |
    head -n 1)
if [ -z "$newer" ]; then
    pass "no word that gcc 6 and clang 3.9 do not know"
else
    fail "no word that gcc 6 and clang 3.9 do not know" "$newer"
fi

# Planted mistakes show that each of these is seen.
planted() { # NAME KIND FLAGS; C on standard input
    # shellcheck disable=SC2086 # a list of flags
    arm-linux-gnueabihf-gcc $flags $3 -x c - -c -o "$work/planted.o" \
        2>"$work/err" || fail "planted: $1" "$(head -n 1 "$work/err")"
    if look "$work/planted.o" | grep -q "^$2 "; then
        pass "planted: $1"
    else
        fail "planted: $1" "not seen"
    fi
}
planted "single floats in a loop" scalar -mcpu=cortex-a8 <<'END'
float scalar(const float *x, const float *w, int n);
float scalar(const float *x, const float *w, int n)
{
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] * w[i];
    return sum;
}
END
planted "products added by themselves" apart -mcpu=cortex-a8 <<'END'
#include <arm_neon.h>
void linear_apart(float *y, const float *x, const float *w, int n)
{
    float32x4_t a = vdupq_n_f32(0), b = a;
    for (int i = 0; i < n; i += 8) {
        a = vaddq_f32(a, vmulq_f32(vld1q_f32(x + i), vld1q_f32(w + i)));
        b = vaddq_f32(b, vmulq_f32(vld1q_f32(x + i + 4), vld1q_f32(w + i + 4)));
    }
    vst1q_f32(y, vaddq_f32(a, b));
}
END
planted "VFPv4" newer "-mcpu=cortex-a7 -mfpu=neon-vfpv4" <<'END'
#include <arm_neon.h>
void newer(float *y, const float *x)
{
    vst1q_f32(y, vfmaq_f32(vld1q_f32(y), vld1q_f32(x), vld1q_f32(x + 4)));
}
END

# ------------------------------------------------- cycles of a Cortex-A53 --
# What the pipeline description says of code that runs over and over.
cat >"$work/a53.c" <<'END'
#include <stdio.h>
#include "cortex_a53.h"
static int wrong;
static void expect(double cycles, unsigned n, const char *const *text)
{
    a53_instruction code[16];
    for (unsigned i = 0; i < n; i++)
        code[i] = a53_read(text[i]);
    double got = cortex_a53_cycles(code, n);
    if (got != cycles) {
        printf("%s ...: %g cycles (expected %g)\n", text[0], got, cycles);
        wrong = 1;
    }
}
#define EXPECT(cycles, ...)                                                    \
    expect(cycles, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),     \
           (const char *[]){__VA_ARGS__})
int main(void)
{
    /* two a cycle, then one on the other */
    EXPECT(2, "add x0, x1, x2", "add x3, x1, x2", "sub x4, x1, x2",
           "add w5, w1, #0x4");
    EXPECT(4, "add x0, x0, x2", "add x0, x0, x2", "sub x0, x0, x2",
           "add x0, x0, #0x4");
    /* 128 bits: one a cycle, four on the other; 64 bits: two a cycle */
    EXPECT(5, "fmla v0.4s, v8.4s, v9.s[0]", "fmla v1.4s, v8.4s, v9.s[1]",
           "fmla v2.4s, v8.4s, v9.s[2]", "fmla v3.4s, v8.4s, v9.s[3]",
           "fmla v4.4s, v8.4s, v9.s[3]");
    EXPECT(12, "fmla v0.4s, v8.4s, v9.4s", "fmla v0.4s, v8.4s, v9.4s",
           "fmla v0.4s, v8.4s, v9.4s");
    EXPECT(2, "fadd v0.2s, v8.2s, v9.2s", "fadd v1.2s, v8.2s, v9.2s",
           "fadd v2.2s, v8.2s, v9.2s", "fadd v3.2s, v8.2s, v9.2s");
    /* a load and what multiplies beside it; a branch */
    EXPECT(4, "ldr q0, [x1, #0x10]", "ldr q1, [x1, #0x20]");
    EXPECT(1, "ldr w0, [x1, #0x4]", "b.ne #0x400");
    return wrong;
}
END
if cc -std=c11 -O1 -Itests/arm -o "$work/a53" "$work/a53.c" \
    tests/arm/cortex_a53.c 2>"$work/said" && "$work/a53" >"$work/said"; then
    pass "cycles of a Cortex-A53"
else
    fail "cycles of a Cortex-A53" "$(head -n 1 "$work/said")"
fi

# ------------------------------------------------------------ the counting --
if ! command -v qemu-arm >/dev/null; then
    skip "known code gives known counts" "no qemu-arm here"
    finish
fi
cc -std=c11 -O2 -shared -fPIC -fvisibility=hidden -Itests \
    -o "$work/count.so" tests/arm/count_plugin.c tests/arm/arm_text.c \
    tests/arm/cortex_a8.c tests/arm/cortex_a53.c tests/arm/cache_model.c ||
    fail "known code gives known counts" "the plugin does not build"
cat >"$work/known.S" <<'END'
    .syntax unified
    .arm
    .fpu neon
    .macro mark name
    .global \name
    .type \name, %function
\name:
    bx lr
    .size \name, . - \name
    .endm
    mark count_begin
    mark count_block
    mark count_end
    .global main
    .type main, %function
main:
    push {r4, lr}
    mov r4, #3
1:  cmp r4, #2
    bleq count_begin
    bl count_block
    bl work
    subs r4, r4, #1
    bne 1b
    bl count_end
    mov r0, #0
    pop {r4, pc}
    .size main, . - main
    .type work, %function
work:
    mov r0, #1000
2:  vmla.f32 q8, q14, q15      @ 4 sums that do not wait for each other
    vmla.f32 q9, q14, q15
    vmla.f32 q10, q14, q15
    vmla.f32 q11, q14, q15
    vmla.f32 q12, q14, q15
    subs r0, r0, #1
    bne 2b
    mov r0, #1000
3:  vmla.f32 q8, q14, q15      @ one that waits for itself
    subs r0, r0, #1
    bne 3b
    mov r0, #1000
4:  vmul.f32 s0, s1, s2        @ not in vectors
    subs r0, r0, #1
    bne 4b
    ldr r1, =room
    mov r0, #1024
5:  ldr r2, [r1], #64          @ 64 KiB, line by line
    subs r0, r0, #1
    bne 5b
    bx lr
    .size work, . - work
    .ltorg
    .bss
    .align 6
room: .space 65536
END
arm-linux-gnueabihf-gcc -static "$work/known.S" -o "$work/known" 2>"$work/err" ||
    fail "known code gives known counts" "$(head -n 1 "$work/err")"
qemu-arm -cpu cortex-a8 -plugin "$work/count.so,units=2" -d plugin \
    "$work/known" >"$work/out" 2>&1
if grep -qE "unknown option|API version" "$work/out"; then
    skip "known code gives known counts" \
        "this qemu takes no such plugin ($(head -n 1 "$work/out"))"
    finish
fi
# expect KEY LOW HIGH
expect() {
    local got
    got=$(awk -v k="$1" '$1 == k { print $2 }' "$work/out")
    if awk -v g="${got:-x}" -v l="$2" -v h="$3" \
        'BEGIN { exit !(g + 0 == g && g >= l && g <= h) }'; then
        pass "known code: $1 $got"
    else
        fail "known code: $1" "$got (expected $2 to $3)"
    fi
}
expect instructions 16072 16110 # 7 + 3 + 3 thousand, 3 * 1024, and a few
expect neon 6000 6000
expect vector_macs 6000 6000
expect vfp 1000 1000
expect vfp_multiplications 1000 1000
expect cycles 32000 34500 # 10, 9 and 12 thousand, and some more a line
expect misses_1 1024 1032
expect misses_2 0 8
expect worst_block 1 1.001
finish
