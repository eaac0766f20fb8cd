/*
 * see machine_speed.h
 *
 * The two loops run in turn, for some tens of microseconds each: a core that is
 * slower under wide vectors is so in both, and the best of many turns is free
 * of what else the machine does. The clock is taken only right after sums that
 * were as fast as any: later the core may already be faster again. The empty
 * asm statements keep the compiler from joining steps or moving them; they are
 * no instructions.
 */
#include <string.h>

#include "machine_speed.h"
#include "mlinfer.h"
#include "stopwatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define CHAINS     12u  /* a latency of up to 6, times 2 units */
#define LINE       32   /* additions of a round */
#define SUMS_PIECE 80e3 /* nanoseconds of a turn */
#define LINE_PIECE 15e3
#define LOAD_PIECE 40e3
#define LOAD_TURNS 500
#define FEW        1000 /* turns, at least; more until */
#define TURNS      20000
#define WHOLE      0.98  /* so near to a whole number of vectors a tick */
#define ALIKE      0.985 /* turns that ran under the same conditions */

/* n * LINE additions, each of which waits for the one before. */
static void wait_in_line(unsigned long n)
{
    unsigned long x = n, y = n | 1;
    __asm__ volatile("" : "+r"(y));
#define ADD                                                                    \
    x += y;                                                                    \
    __asm__ volatile("" : "+r"(x));
    while (n--) {
        ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD
            ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD
    }
#undef ADD
}

/* Numbers for one operand of each multiply-accumulate: the first few fit the
   first cache of any machine, all of them only the second. */
#define FEW_BYTES 8192u
static float numbers[96 * 1024 / sizeof(float)] __attribute__((aligned(64)));
static size_t bytes_used;

/*
 * A function of n * CHAINS multiply-accumulates of vectors, a = a + x*y. kind:
 * the register class of vectors in asm. from: what is done when a round begins.
 * The products are small against the sums, so that these stay ordinary numbers.
 */
/* clang-format off */
#define EACH(do, mac, kind) \
    do(a0, mac, kind) do(a1, mac, kind) do(a2, mac, kind) do(a3, mac, kind) \
    do(a4, mac, kind) do(a5, mac, kind) do(a6, mac, kind) do(a7, mac, kind) \
    do(a8, mac, kind) do(a9, mac, kind) do(a10, mac, kind) do(a11, mac, kind)
#define BEGIN(a, mac, kind) a = x; __asm__ volatile("" : "+" kind(a));
#define STEP(a, mac, kind)  a = mac(a); __asm__ volatile("" : "+" kind(a));
#define SUMS(name, attribute, vector, kind, set, from, mac) \
    attribute static void name(unsigned long n) \
    { \
        vector x = set(0.75f), y = set(1e-6f); \
        const vector *begin, *p, *end; \
        __asm__ volatile("" : "=r"(begin) : "0"(numbers)); \
        p = begin; \
        end = p + bytes_used / (CHAINS * sizeof *p) * CHAINS; \
        vector a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11; \
        __asm__ volatile("" : "+" kind(x), "+" kind(y)); \
        EACH(BEGIN, mac, kind) \
        while (n--) { \
            from \
            EACH(STEP, mac, kind) \
        } \
        (void)end; \
    }
#define FROM_REGISTERS
#define FROM_MEMORY if (p == end) p = begin;
#define BOTH(name, attribute, vector, kind, set, mac, loading) \
    SUMS(name, attribute, vector, kind, set, FROM_REGISTERS, mac) \
    SUMS(loading_##name, attribute, vector, kind, set, FROM_MEMORY, loading)
/* clang-format on */

#if defined(__x86_64__)
#define MAC_512(a)     _mm512_fmadd_ps(x, y, a)
#define MAC_256(a)     _mm256_fmadd_ps(x, y, a)
#define MAC_128(a)     _mm_add_ps(a, _mm_mul_ps(x, y))
#define LOADING_512(a) _mm512_fmadd_ps(x, *p++, a)
#define LOADING_256(a) _mm256_fmadd_ps(x, *p++, a)
#define LOADING_128(a) _mm_add_ps(a, _mm_mul_ps(x, *p++))
BOTH(sums_512, __attribute__((target("avx512f"))), __m512, "v", _mm512_set1_ps,
     MAC_512, LOADING_512)
BOTH(sums_256, __attribute__((target("avx2,fma"))), __m256, "x", _mm256_set1_ps,
     MAC_256, LOADING_256)
BOTH(sums_128, , __m128, "x", _mm_set1_ps, MAC_128, LOADING_128)
#elif defined(__ARM_NEON)
#ifdef __aarch64__
#define MAC_NEON(a)     vfmaq_f32(a, x, y)
#define LOADING_NEON(a) vfmaq_f32(a, x, *p++)
#else
#define MAC_NEON(a)     vmlaq_f32(a, x, y)
#define LOADING_NEON(a) vmlaq_f32(a, x, *p++)
#endif
BOTH(sums_neon, , float32x4_t, "w", vdupq_n_f32, MAC_NEON, LOADING_NEON)
#endif

/* Plain C: what the compiler makes of one float. */
#if defined(__x86_64__)
#define FLOAT_KIND "x"
#elif defined(__aarch64__)
#define FLOAT_KIND "w"
#elif defined(__arm__) && defined(__ARM_FP)
#define FLOAT_KIND "t"
#else
#define FLOAT_KIND "g"
#endif
#define ONE(x)       (x)
#define MAC_C(a)     ((a) + x * y)
#define LOADING_C(a) ((a) + x * *p++)
BOTH(sums_plain, , float, FLOAT_KIND, ONE, MAC_C, LOADING_C)

typedef void loop(unsigned long n);

static const struct way {
    const char *kernels;
    unsigned lanes;
    loop *sums, *loading;
} ways[] = {
#if defined(__x86_64__)
    {"avx512", 16, sums_512, loading_sums_512},
    {"avx2", 8, sums_256, loading_sums_256},
    {"sse2", 4, sums_128, loading_sums_128},
#elif defined(__ARM_NEON)
    {"neon", 4, sums_neon, loading_sums_neon},
#endif
    {"generic", 1, sums_plain, loading_sums_plain},
};

/* Of the widest build here. */
static const struct way *widest(void)
{
    const struct way *way = ways;
    while (strcmp(way->kernels, mli_kernels_name(0)))
        way++;
    return way;
}

/* How often a loop must go round to last so many nanoseconds. */
static unsigned long rounds_in(loop *run, double nanoseconds)
{
    for (unsigned long n = 64;; n *= 2) {
        double start = stopwatch_now();
        run(n);
        double spent = stopwatch_now() - start;
        if (spent >= nanoseconds / 4)
            return 1 + (unsigned long)((double)n * nanoseconds / spent);
    }
}

/* Rounds a nanosecond. */
static double pace(loop *run, unsigned long n)
{
    double start = stopwatch_now();
    run(n);
    return (double)n / (stopwatch_now() - start);
}

/* A whole number of halves: one or two units, or one that takes two ticks. */
static int is_whole(double x)
{
    if (!(x > 0.4 && x < 8))
        return 0;
    double whole = (double)(int)(2 * x + 0.5) / 2;
    return x > whole * WHOLE && x < whole / WHOLE;
}

typedef struct turn {
    double sums, line;
    double any_line; /* the best after whatever sums */
} turn;

static turn take_turn(loop *sums, unsigned long n_sums, unsigned long n_line)
{
    turn t = {0, 0, 0};
    t.sums = pace(sums, n_sums);
    t.line = pace(wait_in_line, n_line);
    return t;
}

/*
 * The best sums so far, and the best line right after sums that were as good;
 * lines after what turned out to be worse are forgotten.
 */
static void keep_best(turn *best, turn t)
{
    if (t.sums * ALIKE > best->sums)
        best->line = 0;
    if (t.sums > best->sums)
        best->sums = t.sums;
    if (t.sums > ALIKE * best->sums && t.line > best->line)
        best->line = t.line;
    if (t.line > best->any_line)
        best->any_line = t.line;
}

/* The most multiply-accumulates a second with numbers from so many bytes. */
static double loaded_macs(const struct way *way, size_t bytes)
{
    double best = 0;
    bytes_used = bytes;
    unsigned long n = rounds_in(way->loading, LOAD_PIECE);
    for (unsigned i = 0; i < LOAD_TURNS; i++) {
        double one = pace(way->loading, n);
        if (one > best)
            best = one;
    }
    return best * CHAINS * way->lanes * 1e9;
}

/* Memory that was never written may all be one page. */
static void write_numbers(void)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        numbers[i] = 1e-6f;
    __asm__ volatile("" : : : "memory");
}

void machine_speed_measure(machine_speed *speed)
{
    const struct way *way = widest();
    unsigned long n_sums = rounds_in(way->sums, SUMS_PIECE);
    unsigned long n_line = rounds_in(wait_in_line, LINE_PIECE);
    turn best = {0, 0, 0};
    double each = 0;
    for (unsigned n = 0; n < FEW || (n < TURNS && !is_whole(each)); n++) {
        keep_best(&best, take_turn(way->sums, n_sums, n_line));
        if (best.line > 0)
            each = best.sums * CHAINS / (best.line * LINE);
    }
    if (!is_whole(each)) { /* too much else goes on here */
        best.line = best.any_line;
        each = best.sums * CHAINS / (best.line * LINE);
    }
    speed->kernels = way->kernels;
    speed->lanes = way->lanes;
    speed->vectors_per_tick = each;
    speed->clock_hz = best.line * LINE * 1e9;
    speed->macs_per_second = best.sums * CHAINS * way->lanes * 1e9;
    write_numbers();
    speed->l1_macs_per_second = loaded_macs(way, FEW_BYTES);
    speed->l2_macs_per_second = loaded_macs(way, sizeof numbers);
}
