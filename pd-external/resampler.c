/* see resampler.h */
#include <math.h>
#include <string.h>
#include "fpu.h"
#include "resampler.h"

/* ------------------------------- vectors ---------------------------------- */

/* Sixteen sums side by side, in one order on every machine. */
#if defined(__ARM_NEON)
#include <arm_neon.h>
typedef float32x4_t t_four;
static inline t_four four_add(t_four a, t_four b)
{
    return vaddq_f32(a, b);
}
static inline t_four four_product(const float *a, const float *b)
{
    return vmulq_f32(vld1q_f32(a), vld1q_f32(b));
}
#else
typedef float t_four __attribute__((vector_size(16)));
static inline t_four four_add(t_four a, t_four b)
{
    return a + b;
}
static inline t_four four_product(const float *a, const float *b)
{
    t_four x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x * y;
}
#endif

/* n: a multiple of 16, not 0 */
static float dot(const float *a, const float *b, uint32_t n)
{
    float v[4];
    t_four s0 = four_product(a, b), s1 = four_product(a + 4, b + 4);
    t_four s2 = four_product(a + 8, b + 8), s3 = four_product(a + 12, b + 12);
    for (uint32_t i = 16; i < n; i += 16) {
        s0 = four_add(s0, four_product(a + i, b + i));
        s1 = four_add(s1, four_product(a + i + 4, b + i + 4));
        s2 = four_add(s2, four_product(a + i + 8, b + i + 8));
        s3 = four_add(s3, four_product(a + i + 12, b + i + 12));
    }
    s0 = four_add(four_add(s0, s1), four_add(s2, s3));
    memcpy(v, &s0, sizeof(v));
    return (v[0] + v[1]) + (v[2] + v[3]);
}

/* ------------------------------- sizes ------------------------------------ */

/* A rate in thousandths of a Hz; 0: it is none. */
static uint64_t rate_whole(double rate)
{
    return rate > 0 && rate < 2e6 ? (uint64_t)floor(rate * 1000 + 0.5) : 0;
}

static uint64_t common(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

int resampler_plan(t_resampler *r, double outer, double inner, uint32_t delay,
                   uint32_t in, uint32_t out, int filtered, uint32_t frames)
{
    uint64_t o = rate_whole(outer), i = rate_whole(inner), factor;
    memset(r, 0, sizeof(*r));
    if (!o || !i || o > i * RESAMPLER_RATIO_MAX || i > o * RESAMPLER_RATIO_MAX)
        return 0;
    factor = common(o, i);
    r->r_outer = (uint32_t)(o / factor);
    r->r_inner = (uint32_t)(i / factor);
    r->r_delay = delay;
    r->r_frames = frames;
    r->r_most = (uint32_t)((uint64_t)frames * r->r_inner / r->r_outer) + 1;
    double ratio = (double)r->r_outer / r->r_inner;
    filter_plan(&r->r_infilter, r->r_inner, ratio > 1 ? ratio : 1);
    if (filtered)
        filter_plan(&r->r_outfilter, r->r_outer, ratio < 1 ? 1 / ratio : 1);
    uint64_t late = ((uint64_t)delay + r->r_outfilter.f_ahead) * r->r_outer;
    late = late / r->r_inner + r->r_infilter.f_ahead;
    if (late > INT32_MAX)
        return 0;
    r->r_latency = (uint32_t)late;
    r->r_inring.r_channels = in;
    r->r_inring.r_size = r->r_infilter.f_taps;
    r->r_outring.r_channels = out;
    /* a call's frames, and those that are early: fewer than 1 / ratio + 1 */
    r->r_outring.r_size =
        r->r_outfilter.f_taps + r->r_most + r->r_inner / r->r_outer + 2;
    return 1;
}

static void filter_lay(t_filter *f, t_layout *l)
{
    f->f_table = layout_take(l, f->f_rows, f->f_taps * sizeof(float));
    f->f_row = layout_take(l, f->f_taps, sizeof(float));
}

static void ring_lay(t_ring *g, t_layout *l)
{
    g->r_values =
        layout_take(l, g->r_channels, 2 * (size_t)g->r_size * sizeof(float));
}

void resampler_lay(t_resampler *r, t_layout *l)
{
    filter_lay(&r->r_infilter, l);
    filter_lay(&r->r_outfilter, l);
    ring_lay(&r->r_inring, l);
    ring_lay(&r->r_outring, l);
    r->r_held = layout_take(l, r->r_outring.r_channels, 1);
}

/* ------------------------------ beginning --------------------------------- */

static void ring_clear(t_ring *g)
{
    g->r_at = 0;
    memset(g->r_values, 0,
           2 * (size_t)g->r_size * g->r_channels * sizeof(float));
}

/*
 * The first inner frame is the first that outer frame 0 or a later one allows:
 * m = -floor(K / r), at (K / r - floor(K / r)) r outer frames behind -K. From
 * there on all follows from the counts in resampler.h.
 */
void resampler_reset(t_resampler *r)
{
    int64_t outer = r->r_outer, inner = r->r_inner;
    int64_t ahead = (int64_t)r->r_infilter.f_ahead * inner;
    r->r_wait = (uint32_t)(ahead % outer / inner);
    r->r_inphase = (uint32_t)(ahead % outer % inner);
    int64_t u = r->r_delay * outer - r->r_latency * inner;
    int64_t whole = u / outer - (u % outer < 0);
    r->r_outphase = (uint32_t)(u - whole * outer);
    r->r_spare =
        (int32_t)(-(ahead / outer) - 1 - whole - r->r_outfilter.f_ahead);
    ring_clear(&r->r_inring);
    ring_clear(&r->r_outring);
}

void resampler_start(t_resampler *r)
{
    filter_make(&r->r_infilter);
    filter_make(&r->r_outfilter);
    resampler_reset(r);
}

void resampler_hold(t_resampler *r, uint32_t output)
{
    r->r_held[output] = 1;
}

/* ------------------------------- running ---------------------------------- */

static void ring_put(t_ring *g, float *const *from, uint32_t i)
{
    for (uint32_t c = 0; c < g->r_channels; c++) {
        float *v = g->r_values + 2 * (size_t)g->r_size * c + g->r_at;
        v[0] = v[g->r_size] = from[c][i];
    }
    g->r_at = g->r_at + 1 == g->r_size ? 0 : g->r_at + 1;
}

/* The frames from `back` before the next on, in a row; back: 1 to r_size. */
static const float *ring_since(const t_ring *g, uint32_t c, uint32_t back)
{
    uint32_t first = g->r_at + g->r_size - back;
    first -= first >= g->r_size ? g->r_size : 0;
    return g->r_values + 2 * (size_t)g->r_size * c + first;
}

uint32_t resampler_in(t_resampler *r, float *const *outer, uint32_t frames,
                      float *const *inner)
{
    t_ring *g = &r->r_inring;
    t_filter *f = &r->r_infilter;
    uint32_t made = 0, fpu = mli_fpu_begin();
    for (uint32_t i = 0; i < frames; i++) {
        ring_put(g, outer, i);
        for (; r->r_wait == 0; made++) {
            const float *row = filter_row(f, r->r_inphase);
            for (uint32_t c = 0; c < g->r_channels; c++)
                inner[c][made] =
                    dot(row, ring_since(g, c, f->f_taps), f->f_taps);
            uint32_t next = r->r_inphase + r->r_outer % r->r_inner;
            r->r_wait = r->r_outer / r->r_inner + (next >= r->r_inner);
            r->r_inphase = next >= r->r_inner ? next - r->r_inner : next;
        }
        r->r_wait--;
    }
    mli_fpu_end(fpu);
    return made;
}

static void resampler_frame(t_resampler *r, float *const *outer, uint32_t i)
{
    t_ring *g = &r->r_outring;
    t_filter *f = &r->r_outfilter;
    const float *row = f->f_taps ? filter_row(f, r->r_outphase) : 0;
    uint32_t spare = (uint32_t)r->r_spare;
    for (uint32_t c = 0; c < g->r_channels; c++)
        if (!row || r->r_held[c])
            outer[c][i] = *ring_since(g, c, spare + f->f_ahead + 1);
        else
            outer[c][i] =
                dot(row, ring_since(g, c, spare + f->f_taps), f->f_taps);
}

void resampler_out(t_resampler *r, float *const *inner, uint32_t made,
                   float *const *outer, uint32_t frames)
{
    uint32_t fpu = mli_fpu_begin();
    for (uint32_t i = 0; i < made; i++)
        ring_put(&r->r_outring, inner, i);
    r->r_spare += (int32_t)made;
    for (uint32_t i = 0; i < frames; i++) {
        resampler_frame(r, outer, i);
        uint32_t next = r->r_outphase + r->r_inner; /* each below 2e9 */
        r->r_spare -= (int32_t)(next / r->r_outer);
        r->r_outphase = next % r->r_outer;
    }
    mli_fpu_end(fpu);
}
