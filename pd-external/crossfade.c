/* see crossfade.h */
#include "crossfade.h"

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

int fade_next(t_fade *f, float *gain, int n)
{
    if (!fade_moves(f))
        return 0;
    for (int i = 0; i < n; i++) {
        if (f->f_wait)
            f->f_wait--;
        else if (fade_moves(f))
            f->f_at += f->f_up ? 1 : UINT32_MAX; /* that is, one less */
        gain[i] = fade_gain(f);
    }
    return 1;
}

void fade_mix(const float *from, const float *to, const float *gain, float *mix,
              int n)
{
    for (int i = 0; i < n; i++) {
        float a = from ? from[i] : 0, b = to ? to[i] : 0;
        mix[i] = a + (b - a) * gain[i];
    }
}
