/* see crossfade.h */
#include <string.h>
#include "crossfade.h"
#if defined(__ARM_NEON) && !defined(__aarch64__)
#include <arm_neon.h>
#endif

void fade_set(t_fade *f, int up)
{
    f->f_up = up;
    f->f_wait = 0;
    f->f_at = up ? f->f_frames : 0;
}

void fade_go(t_fade *f, int up, uint32_t wait, double rate)
{
    uint32_t frames = (uint32_t)(rate * FADE_MILLISECONDS / 1000) + 1;
    /* at another rate, from the same share of the way */
    if (f->f_frames)
        f->f_at = (uint32_t)((uint64_t)f->f_at * frames / f->f_frames);
    else
        f->f_at = f->f_up ? frames : 0;
    f->f_frames = frames;
    f->f_wait = wait;
    f->f_up = up;
}

int fade_moves(const t_fade *f)
{
    return f->f_up ? f->f_at < f->f_frames : f->f_at > 0;
}

int fade_stands(const t_fade *f)
{
    return f->f_up;
}

static float fade_gain(const t_fade *f)
{
    float t = (float)f->f_at / (float)f->f_frames;
    return t * t * (3 - 2 * t);
}

int fade_next(t_fade *f, uint32_t n, t_ramp *r)
{
    if (!fade_moves(f))
        return 0;
    r->r_gain = fade_gain(f);
    r->r_step = 0;
    if (f->f_wait) {
        f->f_wait -= n < f->f_wait ? n : f->f_wait;
        return 1;
    }
    uint32_t left = f->f_up ? f->f_frames - f->f_at : f->f_at;
    uint32_t way = n < left ? n : left;
    f->f_at += f->f_up ? way : 0 - way;
    r->r_step = (fade_gain(f) - r->r_gain) / (float)n;
    return 1;
}

/* gcc makes vector instructions of floats on ARMv7 only if they are named. */
#if defined(__ARM_NEON) && !defined(__aarch64__)
typedef float32x4_t four;
static four four_add(four a, four b)
{
    return vaddq_f32(a, b);
}
static four four_mix(four a, four b, four gain)
{
    return vmlaq_f32(a, vsubq_f32(b, a), gain);
}
#else
typedef float four __attribute__((vector_size(16)));
static four four_add(four a, four b)
{
    return a + b;
}
static four four_mix(four a, four b, four gain)
{
    return a + (b - a) * gain;
}
#endif

static void mix_both(const float *from, const float *to, t_ramp r, float *mix,
                     int n)
{
    const float s = r.r_step;
    const four step = {4 * s, 4 * s, 4 * s, 4 * s};
    four gain = {r.r_gain, r.r_gain + s, r.r_gain + 2 * s, r.r_gain + 3 * s};
    four a, b;
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        memcpy(&a, from + i, sizeof(a));
        memcpy(&b, to + i, sizeof(b));
        a = four_mix(a, b, gain);
        memcpy(mix + i, &a, sizeof(a));
        gain = four_add(gain, step);
    }
    for (int lane = 0; i < n; i++, lane++)
        mix[i] = from[i] + (to[i] - from[i]) * gain[lane];
}

static void mix_one(const float *y, t_ramp r, float *mix, int n)
{
    for (int i = 0; i < n; i++) {
        mix[i] = y[i] * r.r_gain;
        r.r_gain += r.r_step;
    }
}

void fade_mix(const float *from, const float *to, const t_ramp *r, float *mix,
              int n)
{
    const t_ramp back = {1 - r->r_gain, -r->r_step};
    if (from && to)
        mix_both(from, to, *r, mix, n);
    else if (to)
        mix_one(to, *r, mix, n);
    else if (from)
        mix_one(from, back, mix, n);
    else
        memset(mix, 0, (size_t)n * sizeof(*mix));
}
