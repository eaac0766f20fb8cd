/*
 * spread.c - the work of a hop in slices, in the course of the next hop.
 *
 * The steps run in their usual order, but each call stops when it has done the
 * share of the hop's whole cost that is due: done >= total * filled / hop, to
 * half a unit. A window model's hop is one run. A stream model's is a cycle of
 * its rates, computed in chunks of a few frames; a chunk is computed when its
 * frames came a hop ago, and in any case finished when the frame that ends it
 * is heard a hop later. So a chunk that ends with frame b of the hop is ready
 * hop - 1 frames after its last frame: outputs are played hop + chunk - 1
 * frames late, which is `spread`.
 *
 * That keeps to the even share without any help: a tensor of period P has got
 * floor((t + 1)/P) frames by tick t, never more than its share of the cycle.
 */
#include "session.h"

static void copy(float *to, const float *from, size_t n)
{
    __builtin_memcpy(to, from, n * sizeof(float));
}

uint32_t mli_spread_room(const mli_file *f, uint32_t tile)
{
    return f->header->spread != 0 ? f->header->spread + tile : 0;
}

static uint32_t hop_frames(const mli_session *s)
{
    return s->mode == MLI_WINDOW ? s->hop : s->cycle / s->frame_ticks;
}

static uint32_t whole_units(const mli_step *step)
{
    uint32_t frames = step->clock->frames;
    return step->part != NULL || frames == 0 ? frames * step->units : 1;
}

static uint32_t unit_cost(const mli_step *step)
{
    return step->part != NULL ? step->cost : step->cost * step->clock->frames;
}

void mli_spread_start(mli_session *s)
{
    mli_file f = mli_file_of(s->model.bytes);
    mli_work *w = &s->work;
    uint32_t chunks = 1;
    w->room = mli_spread_room(&f, s->tile);
    if (s->mode == MLI_STREAM) {
        w->chunk = mli_chunk_frames(&f, s->cycle, s->frame_ticks);
        chunks = (hop_frames(s) + w->chunk - 1) / w->chunk;
    }
    w->total = 0;
    for (uint32_t i = 0; i < s->step_count; i++) {
        mli_step *step = s->steps + i;
        mli_slice(step, s->kernels->lanes);
        uint32_t period = step->clock->period;
        uint32_t frames = period != 0 ? s->cycle / period : chunks;
        w->total += (uint64_t)step->units * step->cost * frames +
                    (uint64_t)step->fixed * (frames < chunks ? frames : chunks);
    }
}

void mli_spread_reset(mli_session *s)
{
    mli_work *w = &s->work;
    w->going = w->frames = w->slot = 0;
    s->head = s->filled = 0;
    if (s->mode != MLI_STREAM)
        return;
    for (uint32_t i = 0; i < s->input_count + s->output_count; i++) {
        const mli_slot *p = s->inputs + i;
        if (p->kind == MLI_PORT_SIGNAL)
            __builtin_memset(p->kept, 0,
                             (size_t)w->room * p->channels * sizeof(float));
    }
}

static void begin_steps(mli_work *w)
{
    w->step = w->unit = 0;
}

/* How many of `left` units are due: at least the one that is half due. By the
   grain, where that is little of this share of the hop. */
static uint32_t due(const mli_work *w, uint64_t target, uint64_t share,
                    uint64_t cost, uint32_t grain, uint32_t left)
{
    if (target == UINT64_MAX)
        return left;
    if (w->done >= target)
        return 0;
    if (cost == 0)
        cost = 1;
    if (cost * grain > share / 8)
        grain = 1;
    cost *= grain;
    uint64_t n = (target - w->done + cost / 2) / cost;
    return n < (left + grain - 1) / grain ? (uint32_t)n * grain : left;
}

/* Steps up to a cost; is the last one done? Every turn ends a step or this. */
static int run_steps(mli_session *s, uint64_t target)
{
    mli_work *w = &s->work;
    const uint64_t share = target > w->done ? target - w->done : 0;
    for (; w->step < s->step_count; w->step++, w->unit = 0) {
        const mli_step *step = s->steps + w->step;
        uint32_t frames = step->clock->frames, all = whole_units(step);
        uint32_t left = all - w->unit, cost = unit_cost(step);
        uint32_t n = due(w, target, share, cost, step->grain, left);
        if (n == 0 && left != 0)
            return 0;
        if (s->observer != NULL && n != 0)
            s->observer(s->observer_user, step->op, 0);
        if (n != 0 && step->part == NULL)
            step->run(s->kernels, step, frames);
        else if (n != 0)
            step->part(s->kernels, step, frames, w->unit, w->unit + n);
        if (s->observer != NULL && n != 0)
            s->observer(s->observer_user, step->op, 1);
        if (n != 0 && w->unit == 0)
            w->done += step->fixed;
        w->done += (uint64_t)n * cost;
        w->unit += n;
        if (n < left)
            return 0;
    }
    return 1;
}

/* ------------------------------------------------- chunks of a stream ---- */

/* Slot k frames after another. */
static uint32_t after(const mli_work *w, uint32_t slot, uint32_t k)
{
    return slot + k < w->room ? slot + k : slot + k - w->room;
}

static float *frame_in(const mli_session *s, const mli_slot *p, uint32_t k)
{
    return p->kept + (size_t)after(&s->work, s->work.slot, k) * p->channels;
}

/* The chunk's frame at which a port's tensor gets its first one. */
static uint32_t first_frame(const mli_session *s, const mli_slot *p)
{
    return (p->clock->before + 1) * p->period - 1 - s->work.at;
}

static void begin_chunk(mli_session *s)
{
    mli_work *w = &s->work;
    uint32_t left = hop_frames(s) - w->at;
    w->frames = w->chunk < left ? w->chunk : left;
    mli_clocks_at(s->clocks, s->clock_count, w->at * s->frame_ticks,
                  w->frames * s->frame_ticks);
    begin_steps(w);
    mli_give_controls(s);
    for (uint32_t i = 0; i < s->input_count; i++) {
        const mli_slot *p = s->inputs + i;
        if (p->kind == MLI_PORT_CONTROL)
            continue;
        uint32_t k = first_frame(s, p);
        for (uint32_t f = 0; f < p->clock->frames; f++, k += p->period)
            copy(p->tensor + (size_t)f * p->channels, frame_in(s, p, k),
                 p->channels);
    }
}

/* An output that has no frame of its own here goes on with the one before. */
static void end_chunk(mli_session *s)
{
    mli_work *w = &s->work;
    uint32_t last = w->slot != 0 ? w->slot - 1 : w->room - 1;
    for (uint32_t i = 0; i < s->output_count; i++) {
        const mli_slot *p = s->outputs + i;
        const float *from = p->tensor;
        const float *held = p->kept + (size_t)last * p->channels;
        uint32_t next = first_frame(s, p);
        for (uint32_t k = 0; k < w->frames; k++) {
            if (k == next) {
                held = from;
                from += p->channels;
                next += p->period;
            }
            copy(frame_in(s, p, k), held, p->channels);
        }
    }
    w->slot = after(w, w->slot, w->frames);
    w->at += w->frames;
    w->frames = 0;
}

/* Bounded: a hop has so many chunks. */
static void advance_stream(mli_session *s, uint64_t target)
{
    mli_work *w = &s->work;
    uint32_t hop = hop_frames(s);
    while (w->at < hop) {
        if (w->frames == 0)
            begin_chunk(s);
        int overdue = w->at + w->frames <= s->filled;
        if (!run_steps(s, overdue ? UINT64_MAX : target))
            return;
        end_chunk(s);
    }
}

void mli_spread_window(mli_session *s)
{
    s->work.going = 1;
    s->work.done = 0;
    begin_steps(&s->work);
}

void mli_spread_advance(mli_session *s)
{
    mli_work *w = &s->work;
    uint32_t hop = hop_frames(s);
    /* the rest and filled are at most 2^28 */
    uint64_t target = s->filled == hop ? UINT64_MAX
                                       : w->total / hop * s->filled +
                                             w->total % hop * s->filled / hop;
    if (!w->going)
        return;
    if (s->mode == MLI_STREAM)
        advance_stream(s, target);
    else
        run_steps(s, target);
}

/* ------------------------------------------------------ ports of a stream */

/* The hop's frames are all there: they are the next work. */
static void end_hop(mli_session *s)
{
    mli_work *w = &s->work;
    w->going = 1;
    w->done = 0;
    w->at = w->frames = 0;
    s->filled = 0;
}

/* The slot that is played when the one at `head` is heard. */
static uint32_t played(const mli_session *s)
{
    return s->head >= s->spread ? s->head - s->spread
                                : s->head + s->work.room - s->spread;
}

static void move_on(mli_session *s, uint32_t n)
{
    s->head = after(&s->work, s->head, n);
    if (s->filled == hop_frames(s))
        end_hop(s);
}

void mli_spread_frames(mli_session *s, const float *const *in,
                       float *const *out, uint32_t at, uint32_t n)
{
    const mli_work *w = &s->work;
    for (uint32_t i = 0; i < s->input_count; i++) {
        const mli_slot *p = s->inputs + i;
        if (p->kind == MLI_PORT_CONTROL)
            continue;
        for (uint32_t c = 0; c < p->channels; c++, in++)
            for (uint32_t k = 0; k < n; k++)
                p->kept[(size_t)after(w, s->head, k) * p->channels + c] =
                    *in != NULL ? (*in)[at + k] : 0.0f;
    }
    s->filled += n;
    mli_spread_advance(s);
    for (uint32_t i = 0; i < s->output_count; i++) {
        const mli_slot *p = s->outputs + i;
        for (uint32_t c = 0; c < p->channels; c++, out++)
            for (uint32_t k = 0; k < n && *out != NULL; k++)
                (*out)[at + k] =
                    p->kept[(size_t)after(w, played(s), k) * p->channels + c];
    }
    move_on(s, n);
}

void mli_spread_frame(mli_session *s, const float *const *in, float *const *out)
{
    for (uint32_t i = 0; i < s->input_count; i++) {
        const mli_slot *p = s->inputs + i;
        if (p->kind == MLI_PORT_SIGNAL)
            copy(p->kept + (size_t)s->head * p->channels, *in++, p->channels);
    }
    s->filled++;
    mli_spread_advance(s);
    for (uint32_t i = 0; i < s->output_count; i++, out++) {
        const mli_slot *p = s->outputs + i;
        if (*out != NULL)
            copy(*out, p->kept + (size_t)played(s) * p->channels, p->channels);
    }
    move_on(s, 1);
}
