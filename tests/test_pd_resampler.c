/*
 * Sound into a model's rate and back: what comes out is what went in, later by
 * the whole number of frames that was told, 100 dB above all else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "largest.h"
#include "resampler.h"

#define PI     3.14159265358979323846
#define FRAMES 24000u
#define PIECE  64u

typedef struct rates {
    double outer, inner;
    uint32_t delay; /* of the model, inner frames */
} rates;

static const rates pairs[] = {
    {48000, 44100, 0},   {44100, 48000, 0},   {48000, 44100, 1},
    {48000, 16000, 0},   {96000, 44100, 100}, {16000, 48000, 7},
    {44101, 48000, 0},   {48000, 44101, 13},  {44100, 8000, 3},
    {48000, 47999.5, 5}, {192000, 44100, 0},  {22050, 44100, 2},
    {48000, 48000, 1},
};
#define PAIRS (sizeof(pairs) / sizeof(*pairs))

/* A resampler with a model between that does nothing but be late. */
typedef struct line {
    t_resampler r;
    t_layout l;
    float *held; /* [delay] the model */
    uint32_t at;
    uint64_t produced; /* inner frames so far */
    float *inner;
} line;

static void line_open(line *x, const rates *p)
{
    t_layout l = {0, 0};
    memset(x, 0, sizeof(*x));
    assert_true(
        resampler_plan(&x->r, p->outer, p->inner, p->delay, 1, 1, 1, PIECE));
    resampler_lay(&x->r, &l);
    assert_true(layout_make(&l));
    x->l = l;
    resampler_lay(&x->r, &l);
    resampler_start(&x->r);
    x->held = calloc(p->delay + 1, sizeof(float));
    x->inner = calloc(x->r.r_most, sizeof(float));
}

static void line_close(line *x)
{
    free(x->held);
    free(x->inner);
    free(x->l.l_base);
}

static uint32_t line_piece(line *x, float *in, float *out, uint32_t n)
{
    float *inner = x->inner;
    uint32_t made = resampler_in(&x->r, &in, n, &inner);
    assert_true(made <= x->r.r_most);
    for (uint32_t i = 0; x->r.r_delay && i < made; i++) {
        float old = x->held[x->at];
        x->held[x->at] = inner[i];
        inner[i] = old;
        x->at = (x->at + 1) % x->r.r_delay;
    }
    x->produced += made;
    resampler_out(&x->r, &inner, made, &out, n);
    return made;
}

/* A cut of any kind: pieces of `cut` frames, or of ever other ones if 0. */
static void line_run(line *x, float *in, float *out, uint32_t n, uint32_t cut)
{
    uint32_t seed = 1;
    for (uint32_t at = 0, k; at < n; at += k) {
        seed = seed * 1664525u + 1013904223u;
        k = cut ? cut : 1 + (seed >> 8) % PIECE;
        k = k > n - at ? n - at : k;
        line_piece(x, in + at, out + at, k);
    }
}

static double lower(const rates *p)
{
    return p->outer < p->inner ? p->outer : p->inner;
}

static double sine(double hz, double rate, double frame)
{
    return frame < 0 ? 0 : sin(2 * PI * hz / rate * frame);
}

/* Decibels of b below a. */
static double below(double a, double b)
{
    return 10 * log10(a / (b + 1e-300));
}

/* Ten tones up to 0.9 of the lower Nyquist frequency, against themselves. */
static double many_tones(line *x, const rates *p)
{
    float *in = calloc(FRAMES, sizeof(float));
    float *out = calloc(FRAMES, sizeof(float));
    double signal = 0, noise = 0;
    for (uint32_t i = 0; i < FRAMES; i++)
        for (int k = 1; k <= 10; k++)
            in[i] += (float)(0.09 * sine(0.0449 * k * lower(p), p->outer, i));
    line_run(x, in, out, FRAMES, 0);
    uint32_t late = x->r.r_latency;
    assert_true(late < FRAMES / 2);
    for (uint32_t i = 2 * late + 1000; i < FRAMES; i++) {
        double e = (double)out[i] - in[i - late];
        signal += (double)in[i - late] * in[i - late];
        noise += e * e;
    }
    free(in);
    free(out);
    return below(signal, noise);
}

static void tones_come_back_late_and_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIRS; i++) {
        line x;
        line_open(&x, pairs + i);
        double db = many_tones(&x, pairs + i);
        print_message("%g Hz through %g Hz: %u frames late, %.1f dB\n",
                      pairs[i].outer, pairs[i].inner, (unsigned)x.r.r_latency,
                      db);
        assert_true(db >= 100);
        line_close(&x);
    }
}

/* Mean square of one tone of amplitude 1 behind one or both directions. */
static double level(const rates *p, double hz, int both)
{
    line x;
    double sum = 0;
    uint32_t count = 0, at = 0;
    float *in = calloc(FRAMES, sizeof(float));
    float out[PIECE];
    for (uint32_t i = 0; i < FRAMES; i++)
        in[i] = (float)sin(2 * PI * hz / p->outer * i);
    line_open(&x, p);
    for (; at + PIECE <= FRAMES; at += PIECE) {
        uint32_t n = line_piece(&x, in + at, out, PIECE);
        const float *v = both ? out : x.inner;
        n = both ? PIECE : n;
        for (uint32_t i = 0; i < n && at > 2 * x.r.r_latency + 1000; i++)
            sum += (double)v[i] * v[i], count++;
    }
    line_close(&x);
    free(in);
    return sum / count;
}

/* Where a tone of the lower rate's Nyquist frequency and more could come back
   as another tone, there is nothing. */
static void what_the_lower_rate_cannot_hold_is_gone(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIRS; i++) {
        const rates *p = pairs + i;
        double half = p->inner / 2;
        for (double hz = half; hz < p->outer / 2; hz += half / 7 + 1) {
            double db = below(0.5, level(p, hz, 0));
            if (db < 100)
                print_message("%g Hz at %g to %g: %.1f dB\n", hz, p->outer,
                              p->inner, db);
            assert_true(db >= 100);
        }
    }
}

static void the_pass_band_is_flat(void **state)
{
    (void)state;
    double worst = 0;
    for (size_t i = 0; i < PAIRS; i++)
        for (int k = 1; k <= 9; k++) {
            double hz = 0.05 * k * lower(pairs + i) - 1.7;
            double a = fabs(below(0.5, level(pairs + i, hz, 1)));
            worst = largest(worst, a);
        }
    /* counted over no whole periods: that alone is a thousandth */
    print_message("flat within %.5f dB\n", worst);
    assert_true(worst < 0.01);
}

/* A quick sweep, for what steady tones cannot show. */
static void a_sweep_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIRS; i++) {
        const rates *p = pairs + i;
        float *in = calloc(FRAMES, sizeof(float));
        float *out = calloc(FRAMES, sizeof(float));
        double turn = 0, signal = 0, noise = 0;
        line x;
        for (uint32_t k = 0; k < FRAMES; k++) {
            /* fades in and out, or its ends would be clicks */
            double fade = sin(PI * k / FRAMES);
            in[k] = (float)(sin(turn) * fade * fade);
            turn += 2 * PI * 0.44 * lower(p) / p->outer * k / FRAMES;
        }
        line_open(&x, p);
        line_run(&x, in, out, FRAMES, 0);
        for (uint32_t k = x.r.r_latency; k < FRAMES; k++) {
            double e = (double)out[k] - in[k - x.r.r_latency];
            signal += (double)in[k - x.r.r_latency] * in[k - x.r.r_latency];
            noise += e * e;
        }
        assert_true(below(signal, noise) >= 100);
        line_close(&x);
        free(in);
        free(out);
    }
}

static void any_cut_gives_the_same_bits(void **state)
{
    (void)state;
    static const uint32_t cuts[] = {1, 7, 16, 64, 0};
    for (size_t i = 0; i < PAIRS; i++) {
        uint32_t n = 3000;
        float *in = calloc(n, sizeof(float));
        float *one = calloc(n, sizeof(float)), *two = calloc(n, sizeof(float));
        for (uint32_t k = 0; k < n; k++)
            in[k] = (float)((k * 7919u % 1013u) / 506.5 - 1);
        for (size_t c = 0; c < sizeof(cuts) / sizeof(*cuts); c++) {
            line x;
            line_open(&x, pairs + i);
            line_run(&x, in, c ? two : one, n, cuts[c]);
            assert_memory_equal(one, c ? two : one, n * sizeof(float));
            if (c == 2) { /* and from the beginning again */
                memset(x.held, 0, (pairs[i].delay + 1) * sizeof(float));
                x.at = 0;
                resampler_reset(&x.r);
                line_run(&x, in, two, n, cuts[c]);
                assert_memory_equal(one, two, n * sizeof(float));
            }
            line_close(&x);
        }
        free(in);
        free(one);
        free(two);
    }
}

/* The inner frames that there are when an outer one is computed suffice, at
   every frame and for ever; and some came with that very frame, so the latency
   could not be less. */
static void frames_are_there_just_in_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIRS; i++) {
        const t_resampler *r;
        line x;
        float in = 0, out;
        uint32_t n = 200000;
        int32_t least = INT32_MAX, most = 0, earlier = INT32_MAX;
        line_open(&x, pairs + i);
        r = &x.r;
        for (uint32_t k = 0; k < n; k++) {
            uint64_t before = x.produced;
            uint64_t due = (uint64_t)k * r->r_inner / r->r_outer;
            int32_t made = (int32_t)line_piece(&x, &in, &out, 1);
            /* the spare frames of the frame that was just computed */
            int32_t step = (int32_t)(((uint64_t)r->r_outphase +
                                      (uint64_t)r->r_outer * 128 - r->r_inner) /
                                     r->r_outer) -
                           128;
            int32_t spare = r->r_spare - step;
            least = spare < least ? spare : least;
            earlier = spare - made < earlier ? spare - made : earlier;
            most = spare > most ? spare : most;
            assert_true(before == due || before == due + 1);
        }
        assert_true(least >= 0);
        assert_true(earlier < 0); /* a frame earlier they were not there */
        assert_true((uint32_t)most <= r->r_inner / r->r_outer + 1);
        line_close(&x);
    }
}

/* Blocks of any size: the inner frames of one are those of another, or one
   more. */
static void every_block_has_as_many_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIRS; i++)
        for (uint32_t block = 1; block <= PIECE; block = block * 2 + 1) {
            uint32_t least = UINT32_MAX, most = 0;
            float in[PIECE] = {0}, out[PIECE];
            line x;
            line_open(&x, pairs + i);
            for (int k = 0; k < 2000; k++) {
                uint32_t n = line_piece(&x, in, out, block);
                least = n < least ? n : least;
                most = n > most ? n : most;
            }
            assert_true(most <= least + 1);
            line_close(&x);
        }
}

static void constants_stay(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIRS; i++) {
        float in[PIECE], out[PIECE];
        line x;
        line_open(&x, pairs + i);
        for (uint32_t k = 0; k < PIECE; k++)
            in[k] = 0.7f;
        for (uint32_t k = 0; k < 200 + x.r.r_latency / 16; k++)
            line_piece(&x, in, out, PIECE);
        for (uint32_t k = 0; k < PIECE; k++)
            assert_true(fabsf(out[k] - 0.7f) < 1e-6f);
        line_close(&x);
    }
}

/* A held output is the inner frame at its moment, nothing between. */
static void held_outputs_have_steps(void **state)
{
    (void)state;
    for (int filtered = 0; filtered < 2; filtered++) {
        t_resampler r;
        t_layout l = {0, 0};
        assert_true(resampler_plan(&r, 48000, 44100, 0, 1, 1, filtered, PIECE));
        resampler_lay(&r, &l);
        assert_true(layout_make(&l));
        void *memory = l.l_base;
        resampler_lay(&r, &l);
        resampler_start(&r);
        resampler_hold(&r, 0);
        float in[PIECE] = {0}, inner[PIECE + 1], out[PIECE], last = -1;
        float *pin = in, *pinner = inner, *pout = out;
        float n = 0;
        for (int k = 0; k < 50; k++) {
            uint32_t made = resampler_in(&r, &pin, PIECE, &pinner);
            for (uint32_t i = 0; i < made; i++)
                inner[i] = ++n;
            resampler_out(&r, &pinner, made, &pout, PIECE);
            for (uint32_t i = 0; i < PIECE; i++) {
                assert_true(out[i] == last || out[i] == last + 1 || k == 0);
                last = out[i];
            }
        }
        /* as late as a filter would be, or not at all */
        assert_true(fabs(n - last - (filtered ? r.r_outfilter.f_ahead : 0)) <=
                    1);
        free(memory);
    }
}

static void strange_rates_are_refused(void **state)
{
    (void)state;
    static const double wrong[][2] = {
        {0, 48000},     {48000, 0},        {-1, 48000},  {48000, NAN},
        {48000, 1e300}, {48000, INFINITY}, {48000, 100}, {100, 48000}};
    t_resampler r;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(
            resampler_plan(&r, wrong[i][0], wrong[i][1], 0, 1, 1, 1, PIECE));
    assert_false(resampler_plan(&r, 48000, 1000, UINT32_MAX, 1, 1, 1, PIECE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tones_come_back_late_and_whole),
        cmocka_unit_test(what_the_lower_rate_cannot_hold_is_gone),
        cmocka_unit_test(the_pass_band_is_flat),
        cmocka_unit_test(a_sweep_comes_back),
        cmocka_unit_test(any_cut_gives_the_same_bits),
        cmocka_unit_test(frames_are_there_just_in_time),
        cmocka_unit_test(every_block_has_as_many_frames),
        cmocka_unit_test(constants_stay),
        cmocka_unit_test(held_outputs_have_steps),
        cmocka_unit_test(strange_rates_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
