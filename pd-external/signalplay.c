/* [mlinfer~] in the tick: the voice that plays, the one before while it fades,
   and bypass. */
#include <string.h>
#include "signalbox.h"

/* A model is heard once what comes before its first output has passed, if that
   takes no longer: the old one plays on until then. */
#define WAIT_SECONDS 0.5

/* The tick has stopped to come (switch~) after so long, and two blocks. */
#define STOPPED_MILLISECONDS 100

/* --------------------------- how sounds change ---------------------------- */

void signalbox_bypass(t_signalbox *x, t_symbol *s, int argc, t_atom *argv)
{
    t_float f;
    if (!box_number(&x->x_box, s->s_name, "0 or 1", argc, argv, &f))
        return;
    if (x->x_block && pd_getdspstate())
        fade_go(&x->x_dry, f != 0, 0, (double)x->x_rate);
    else
        fade_set(&x->x_dry, f != 0);
}

static double in_milliseconds(const t_signalbox *x, double frames)
{
    return x->x_rate > 0 ? 1000 * frames / (double)x->x_rate : 0;
}

void signalbox_swap(t_signalbox *x, int fade)
{
    double wait = x->x_box.x_voice.v_buffers.b_latency;
    double most = WAIT_SECONDS * (double)x->x_rate;
    x->x_swaps = fade && x->x_block ? SWAP_BEGINS : SWAP_NONE;
    if (!x->x_swaps)
        return;
    fade_set(&x->x_swap, 0);
    fade_go(&x->x_swap, 1, (uint32_t)(wait < most ? wait : most),
            (double)x->x_rate);
    x->x_seenticks = x->x_ticks;
    x->x_seen = clock_getlogicaltime();
}

int signalbox_swaps(t_signalbox *x)
{
    double since = clock_gettimesince(x->x_seen);
    if (!x->x_swaps)
        return 0;
    if (x->x_ticks != x->x_seenticks) {
        x->x_seenticks = x->x_ticks;
        x->x_seen = clock_getlogicaltime();
    } else if (!pd_getdspstate() ||
               since >
                   STOPPED_MILLISECONDS + in_milliseconds(x, 2 * x->x_block)) {
        x->x_swaps = SWAP_NONE;
    }
    return x->x_swaps != SWAP_NONE;
}

/* -------------------------------- perform --------------------------------- */

/* No allocation, no lock, no system call, no print from here on down (but the
   time, when it is asked for). */

/* A voice whose window is the block takes it whole. */
static int is_whole(const t_signalbox *x, const t_voice *v)
{
    return v->v_buffers.b_window == (uint32_t)x->x_block;
}

/* Frames `first` to first + n of a block into a voice. */
static void signalbox_play(t_signalbox *x, t_voice *v, int first, int n)
{
    int found = 0;
    if (!is_whole(x, v))
        found = voice_play(v, x->x_invec, first, n);
    else if (!first)
        found = voice_play(v, x->x_invec, 0, x->x_block);
    if (v != &x->x_box.x_voice) /* what it finds is no news any more */
        return;
    if (found & PLAYED_BAD)
        box_badvalue(&x->x_box);
    if (found)
        clock_delay(x->x_tell, 0);
}

/* The same for the voice that fades. */
static void signalbox_play_on(t_signalbox *x, int first, int n)
{
    t_voice *v = &x->x_box.x_old;
    int dry = fade_moves(&x->x_dry) || fade_stands(&x->x_dry);
    if (is_whole(x, v) || is_whole(x, &x->x_box.x_voice))
        signalbox_play(x, v, first, n);
    else
        voice_play_on(v, &x->x_box.x_voice, x->x_invec, first, n, dry);
}

/* What an outlet has from one voice, from frame `first` of a block on: made of
   the model and of what came in, where both are heard. mix: room for that. 0:
   silence. */
static const float *signalbox_channel(const t_signalbox *x, const t_voice *v,
                                      int c, int first, const t_ramp *dry,
                                      float *mix, int n)
{
    const t_buffers *b = &v->v_buffers;
    int at = is_whole(x, v) ? first : 0;
    const float *made = c < (int)v->v_player.p_nout ? b->b_out[c] + at : 0;
    float *const *dries = b->b_latency ? b->b_dry : b->b_in;
    const float *came = c < b->b_ndry ? dries[c] + at : 0;
    if (!dry)
        return fade_stands(&x->x_dry) ? came : made;
    fade_mix(made, came, dry, mix, n);
    return mix;
}

/* Samples that are floats can be mixed where they go. */
static float *samples_floats(t_sample *to)
{
    return sizeof(t_sample) == sizeof(float) ? (void *)to : 0;
}

static void give_samples(const float *from, t_sample *to, int n)
{
    if (from && from == samples_floats(to))
        return;
    if (!from)
        memset(to, 0, (size_t)n * sizeof(t_sample));
    else if (sizeof(t_sample) == sizeof(float))
        memcpy(to, from, (size_t)n * sizeof(float));
    else
        for (int i = 0; i < n; i++)
            to[i] = from[i];
}

/* Into the outlets; old: the voice that fades, or 0. */
static void signalbox_give(t_signalbox *x, const t_voice *v, const t_voice *old,
                           int first, int n)
{
    t_ramp dry_ramp, swap;
    float mixed[CHUNK_MAX], faded[CHUNK_MAX];
    const t_ramp *dry =
        fade_next(&x->x_dry, (uint32_t)n, &dry_ramp) ? &dry_ramp : 0;
    if (old && !fade_next(&x->x_swap, (uint32_t)n, &swap))
        x->x_swaps = SWAP_NONE, old = 0;
    for (int c = 0; c < x->x_nout; c++) {
        t_sample *to = x->x_outvec[c] + first;
        const float *y = signalbox_channel(x, v, c, first, dry, mixed, n);
        if (old) {
            float *mix = samples_floats(to) ? samples_floats(to) : mixed;
            fade_mix(signalbox_channel(x, old, c, first, dry, faded, n), y,
                     &swap, mix, n);
            y = mix;
        }
        give_samples(y, to, n);
    }
}

static void signalbox_chunk(t_signalbox *x, int first, int n)
{
    t_voice *v = &x->x_box.x_voice, *old = &x->x_box.x_old;
    if (x->x_swaps == SWAP_BEGINS) {
        signalbox_play(x, old, first, n);
        signalbox_give(x, old, 0, first, n);
        return;
    }
    signalbox_play(x, v, first, n);
    if (x->x_swaps)
        signalbox_play_on(x, first, n);
    signalbox_give(x, v, x->x_swaps ? old : 0, first, n);
}

t_int *signalbox_perform(t_int *w)
{
    t_signalbox *x = (t_signalbox *)w[1];
    int n = (int)w[2], chunk = (int)CHUNK_MAX;
    t_stopwatch *watch = &x->x_box.x_watch;
    double since = watch->w_on ? stopwatch_now() : 0;
    for (int first = 0; first < n; first += chunk)
        signalbox_chunk(x, first, n - first < chunk ? n - first : chunk);
    if (x->x_swaps == SWAP_BEGINS)
        x->x_swaps = SWAP_GOES_ON;
    x->x_ticks++;
    if (watch->w_on)
        stopwatch_add(watch, since, n / (double)x->x_rate);
    return w + 3;
}
