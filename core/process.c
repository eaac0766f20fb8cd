/*
 * process.c - signals in and out of the arena, and the steps between.
 *
 * Channels come as arrays of their own. In tensors they lie interleaved, a
 * frame after another, a frame's channels side by side; or as planes, a channel
 * after another, in rows of a tile.
 */
#include "session.h"
#include "fpu.h"

static void copy(float *to, const float *from, size_t n)
{
    __builtin_memcpy(to, from, n * sizeof(float));
}

/* n frames of channels from in[0], in[1] ... at `at` on, to `to`. */
static void interleave(const float *const *in, uint32_t at, uint32_t channels,
                       uint32_t n, float *to)
{
    if (channels == 1 && n > 1 && in[0] != NULL) {
        copy(to, in[0] + at, n);
        return;
    }
    for (uint32_t c = 0; c < channels; c++) {
        const float *from = in[c];
        if (n == 1) { /* often */
            to[c] = from != NULL ? from[at] : 0.0f;
            continue;
        }
        for (uint32_t i = 0; i < n; i++)
            to[(size_t)i * channels + c] = from != NULL ? from[at + i] : 0.0f;
    }
}

static void deinterleave(const float *from, float *const *out, uint32_t at,
                         uint32_t channels, uint32_t n)
{
    if (channels == 1 && n > 1 && out[0] != NULL) {
        copy(out[0] + at, from, n);
        return;
    }
    for (uint32_t c = 0; c < channels; c++) {
        float *to = out[c];
        if (to == NULL)
            continue;
        to[at] = from[c];
        for (uint32_t i = 1; i < n; i++)
            to[at + i] = from[(size_t)i * channels + c];
    }
}

/* One frame of channels, n times. Channels are the outer loop: of many, one
   after another lies far apart. */
static void repeat(const float *from, float *const *out, uint32_t at,
                   uint32_t channels, uint32_t n)
{
    for (uint32_t c = 0; c < channels; c++)
        if (out[c] != NULL)
            mli_fill(out[c] + at, from[c], n);
}

/* n frames of channels to rows of a tile. */
static void take_planes(const mli_session *s, const mli_slot *p,
                        const float *const *in, uint32_t at, uint32_t n)
{
    for (uint32_t c = 0; c < p->channels; c++) {
        float *row = p->tensor + (size_t)c * s->tile;
        if (in[c] != NULL)
            copy(row, in[c] + at, n);
        else
            mli_fill(row, 0.0f, n);
    }
}

static void give_planes(const mli_session *s, const mli_slot *p,
                        float *const *out, uint32_t at, uint32_t n)
{
    for (uint32_t c = 0; c < p->channels; c++)
        if (out[c] != NULL)
            copy(out[c] + at, p->tensor + (size_t)c * s->tile, n);
}

/* Frames of a step: those of a clock, and in a session with planes of one. */
static uint32_t frames_of(const mli_session *s, const mli_step *step)
{
    return mli_has_planes(s) ? s->clocks[s->clock_count - 1].frames
                             : step->clock->frames;
}

static void run_observed(mli_session *s)
{
    const mli_step *step = s->steps;
    for (uint32_t i = s->step_count; i != 0; i--, step = mli_step_after(step)) {
        const uint32_t frames = frames_of(s, step);
        if (frames == 0)
            continue;
        s->observer(s->observer_user, step->op, 0);
        step->run(s->kernels, step, frames);
        s->observer(s->observer_user, step->op, 1);
    }
}

/* Steps that all have so many frames. */
static void run_alike(mli_session *s, uint32_t frames)
{
    const mli_step *step = s->steps;
    for (uint32_t i = s->step_count; i != 0; i--) {
        step->run(s->kernels, step, frames);
        step = mli_step_after(step);
    }
}

static void run_steps(mli_session *s)
{
    if (s->observer != NULL) {
        run_observed(s);
        return;
    }
    if (mli_has_planes(s)) {
        run_alike(s, frames_of(s, s->steps));
        return;
    }
    const mli_step *step = s->steps;
    for (uint32_t i = s->step_count; i != 0; i--) {
        uint32_t frames = step->clock->frames;
        if (frames != 0)
            step->run(s->kernels, step, frames);
        step = mli_step_after(step);
    }
}

/* Controls are given anew each time: their tensors may be written over. */
void mli_give_controls(mli_session *s)
{
    for (uint32_t i = 0; i < s->input_count; i++) {
        const mli_slot *p = s->inputs + i;
        if (p->kind == MLI_PORT_CONTROL)
            copy(p->tensor, p->kept, p->channels);
    }
}

/* The ticks of the chunk that begins now. */
static void begin_chunk(mli_session *s, uint32_t ticks)
{
    if (s->cycle != 1 || ticks != s->clocks[s->clock_count - 1].frames)
        mli_clocks_at(s->clocks, s->clock_count, s->position, ticks);
}

static void end_chunk(mli_session *s, uint32_t ticks)
{
    if (s->cycle != 1) /* a division takes long */
        s->position = (s->position + ticks) % s->cycle;
}

/* Frames of the chunk before the first at which a slower port has its tick. */
static uint32_t first_tick(const mli_session *s, const mli_slot *p)
{
    return (p->clock->before + 1) * p->period - 1 -
           s->position / s->frame_ticks;
}

/* An input of a period of some frames: what it is at the ends of these. */
static void sample(const mli_session *s, const mli_slot *p,
                   const float *const *in, uint32_t at)
{
    float *to = p->tensor;
    at += first_tick(s, p);
    for (uint32_t i = 0; i < p->clock->frames; i++, at += p->period)
        for (uint32_t c = 0; c < p->channels; c++)
            *to++ = in[c] != NULL ? in[c][at] : 0.0f;
}

/* An output of a period of some frames: its last value in between. */
static void hold(const mli_session *s, const mli_slot *p, float *const *out,
                 uint32_t at, uint32_t n)
{
    uint32_t next = first_tick(s, p);
    const float *from = p->tensor;
    for (uint32_t i = 0, m; i < n; i += m) {
        if (i == next) {
            copy(p->kept, from, p->channels);
            from += p->channels;
            next += p->period;
        }
        m = next > i && next < n ? next - i : n - i;
        repeat(p->kept, out, at + i, p->channels, m);
    }
}

/* At most a tile of ticks of a stream, or one list. */
static void process_chunk(mli_session *s, const float *const *in,
                          float *const *out, uint32_t at, uint32_t n)
{
    begin_chunk(s, n * s->frame_ticks);
    mli_give_controls(s);
    for (uint32_t i = 0; i < s->input_count; i++) {
        const mli_slot *p = s->inputs + i;
        if (p->kind == MLI_PORT_CONTROL)
            continue;
        if (mli_has_planes(s))
            take_planes(s, p, in, at, n);
        else if (p->period > 1)
            sample(s, p, in, at);
        else
            interleave(in, at, p->channels, n, p->tensor);
        in += p->channels;
    }
    run_steps(s);
    for (uint32_t i = 0; i < s->output_count; i++) {
        const mli_slot *p = s->outputs + i;
        if (mli_has_planes(s))
            give_planes(s, p, out, at, n);
        else if (p->period > 1)
            hold(s, p, out, at, n);
        else
            deinterleave(p->tensor, out, at, p->channels, n);
        out += p->channels;
    }
    end_chunk(s, n * s->frame_ticks);
}

/* Has each tensor a frame whenever there is one, and frames side by side? */
static int is_plain(const mli_session *s)
{
    return MLI_DENSE && s->cycle == 1 && s->mode != MLI_WINDOW &&
           !mli_has_planes(s) && !mli_is_spread(s);
}

/* One frame of such a session: a chunk without what chunks may be else, as a
   small model takes no longer than that. */
static void process_frame(mli_session *s, const float *const *in,
                          float *const *out)
{
    begin_chunk(s, 1); /* all clocks have one frame */
    const mli_slot *p = s->inputs;
    for (uint32_t i = s->input_count; i != 0; i--, p++) {
        if (p->kind == MLI_PORT_CONTROL) {
            copy(p->tensor, p->kept, p->channels);
            continue;
        }
        for (uint32_t c = 0; c < p->channels; c++, in++)
            p->tensor[c] = *in != NULL ? **in : 0.0f;
    }
    if (s->observer != NULL)
        run_observed(s);
    else
        run_alike(s, 1);
    p = s->outputs;
    for (uint32_t i = s->output_count; i != 0; i--, p++)
        for (uint32_t c = 0; c < p->channels; c++, out++)
            if (*out != NULL)
                **out = p->tensor[c];
}

/* ------------------------------------------------------------- windows ---- */

static void begin_window(mli_session *s)
{
    const mli_file f = mli_file_of(s->model.bytes);
    for (uint32_t i = 0; i < s->kept_count; i++)
        if (!s->kept[i].lasts)
            mli_kept_reset(s->kept + i, &f, i);
    mli_give_controls(s);
}

/* n frames, not past a hop's end, into the rings. */
static void hear(mli_session *s, const float *const *in, uint32_t at,
                 uint32_t n)
{
    s->filled += n;
    for (uint32_t m; n != 0; at += m, n -= m) {
        const float *const *from = in;
        m = n < s->window - s->head ? n : s->window - s->head;
        for (uint32_t i = 0; i < s->input_count; i++) {
            const mli_slot *p = s->inputs + i;
            if (p->kind == MLI_PORT_CONTROL)
                continue;
            interleave(from, at, p->channels, m,
                       p->kept + (size_t)s->head * p->channels);
            from += p->channels;
        }
        s->head = s->head + m == s->window ? 0 : s->head + m;
    }
}

/* What was kept of the last result, beside the hop's frames from `first` on. */
static void play(mli_session *s, float *const *out, uint32_t at, uint32_t first,
                 uint32_t n)
{
    for (uint32_t i = 0; i < s->output_count; i++) {
        const mli_slot *p = s->outputs + i;
        if (p->frames == 1)
            repeat(p->kept, out, at, p->channels, n);
        else
            deinterleave(p->kept + (size_t)first * p->channels, out, at,
                         p->channels, n);
        out += p->channels;
    }
}

/* The last frame of a hop already has the new result, where it is one frame. */
static void answer(mli_session *s, float *const *out, uint32_t at)
{
    for (uint32_t i = 0; i < s->output_count; i++) {
        const mli_slot *p = s->outputs + i;
        if (p->frames == 1)
            deinterleave(p->kept, out, at, p->channels, 1);
        out += p->channels;
    }
}

/* The window as it is now goes to the ports. */
static void give_window(mli_session *s)
{
    begin_window(s);
    for (uint32_t i = 0; i < s->input_count; i++) {
        const mli_slot *p = s->inputs + i;
        size_t old = (size_t)(s->window - s->head) * p->channels;
        if (p->kind == MLI_PORT_CONTROL)
            continue;
        copy(p->tensor, p->kept + (size_t)s->head * p->channels, old);
        copy(p->tensor + old, p->kept, (size_t)s->head * p->channels);
    }
}

static void keep_results(mli_session *s)
{
    for (uint32_t i = 0; i < s->output_count; i++) {
        const mli_slot *p = s->outputs + i;
        size_t n = (size_t)(p->frames == 1 ? 1 : s->hop) * p->channels;
        copy(p->kept, p->tensor + (size_t)p->frames * p->channels - n, n);
    }
}

/* A hop is complete: run, or end the run of the hop before and begin the next.
   Answers how many runs ended. */
static uint32_t run_window(mli_session *s)
{
    uint32_t ended = 1;
    if (!mli_is_spread(s)) {
        give_window(s);
        run_steps(s);
        keep_results(s);
    } else {
        ended = s->work.going;
        if (ended)
            keep_results(s);
        give_window(s);
        mli_spread_window(s);
    }
    s->filled = 0;
    return ended;
}

static uint32_t process_windows(mli_session *s, const float *const *in,
                                float *const *out, uint32_t frames)
{
    uint32_t runs = 0;
    for (uint32_t at = 0, n; at < frames; at += n) {
        uint32_t first = s->filled;
        n = s->hop - first;
        if (n > frames - at)
            n = frames - at;
        hear(s, in, at, n);
        play(s, out, at, first, n);
        if (mli_is_spread(s))
            mli_spread_advance(s);
        if (s->filled == s->hop) {
            runs += run_window(s);
            answer(s, out, at + n - 1);
        }
    }
    return runs;
}

static void process_spread(mli_session *s, const float *const *in,
                           float *const *out, uint32_t frames)
{
    uint32_t hop = s->cycle / s->frame_ticks, most = s->tile / s->frame_ticks;
    for (uint32_t at = 0, n; at < frames; at += n) {
        n = hop - s->filled < most ? hop - s->filled : most;
        n = n < frames - at ? n : frames - at;
        mli_spread_frames(s, in, out, at, n);
    }
}

/* -------------------------------------------------------------- public ---- */

/* Apart, so that one frame goes on without it. */
static __attribute__((noinline)) uint32_t process_frames(mli_session *s,
                                                         const float *const *in,
                                                         float *const *out,
                                                         uint32_t frames)
{
    if (s->mode == MLI_WINDOW)
        return process_windows(s, in, out, frames);
    if (mli_is_spread(s)) {
        process_spread(s, in, out, frames);
        return 0;
    }
    const uint32_t most = s->tile / s->frame_ticks;
    for (uint32_t at = 0, n; at < frames; at += n) {
        n = frames - at < most ? frames - at : most;
        process_chunk(s, in, out, at, n);
    }
    return 0;
}

uint32_t mli_process(mli_session *s, const float *const *in, float *const *out,
                     uint32_t frames)
{
    uint32_t fpu = mli_fpu_begin(), runs = 0;
    if (frames == 1 && is_plain(s))
        process_frame(s, in, out);
    else
        runs = process_frames(s, in, out, frames);
    mli_fpu_end(fpu);
    return runs;
}

/* One frame of planes; a port's channels are side by side outside. */
static void run_planes(mli_session *s, const float *const *in,
                       float *const *out)
{
    for (uint32_t i = 0; i < s->input_count; i++, in++)
        for (uint32_t c = 0; c < s->inputs[i].channels; c++)
            s->inputs[i].tensor[(size_t)c * s->tile] = (*in)[c];
    run_steps(s);
    for (uint32_t i = 0; i < s->output_count; i++, out++)
        for (uint32_t c = 0; *out != NULL && c < s->outputs[i].channels; c++)
            (*out)[c] = s->outputs[i].tensor[(size_t)c * s->tile];
}

/* A run, or a frame, at once. */
static void run_once(mli_session *s, const float *const *in, float *const *out)
{
    if (s->mode == MLI_WINDOW)
        begin_window(s);
    else
        mli_give_controls(s);
    if (mli_is_spread(s))
        s->work.going = 0;
    begin_chunk(s, s->frame_ticks);
    if (mli_has_planes(s)) {
        run_planes(s, in, out);
        return;
    }
    for (uint32_t i = 0; i < s->input_count; i++) {
        const mli_slot *p = s->inputs + i;
        if (p->kind == MLI_PORT_CONTROL)
            continue;
        if (p->clock->frames != 0)
            copy(p->tensor, *in, (size_t)p->frames * p->channels);
        in++;
    }
    run_steps(s);
    for (uint32_t i = 0; i < s->output_count; i++, out++) {
        const mli_slot *p = s->outputs + i;
        const float *from = p->tensor;
        if (p->period > 1) {
            if (p->clock->frames != 0)
                copy(p->kept, p->tensor, p->channels);
            from = p->kept;
        }
        if (*out != NULL)
            copy(*out, from, (size_t)p->frames * p->channels);
    }
    end_chunk(s, s->frame_ticks);
}

void mli_run(mli_session *s, const float *const *in, float *const *out)
{
    uint32_t fpu = mli_fpu_begin();
    if (mli_is_spread(s) && s->mode == MLI_STREAM)
        mli_spread_frame(s, in, out);
    else
        run_once(s, in, out);
    mli_fpu_end(fpu);
}

void mli_observe(mli_session *s, mli_observer *observer, void *user)
{
    s->observer = observer;
    s->observer_user = user;
}

void mli_set(mli_session *s, uint32_t index, const float *values)
{
    const mli_slot *p = s->inputs + index;
    if (index < s->input_count && p->kind == MLI_PORT_CONTROL)
        copy(p->kept, values, p->channels);
}
