/* see ranges.h */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ranges.h"
#include "run.h"

#define BLOCK 64u
#define BINS  2048u
#define STEPS 40    /* by which each end is moved inwards, */
#define PART  0.025 /* so much each */
/* Of a calibration no more frames than this are looked at. */
#define MOST_FRAMES ((uint32_t)1 << 20)

/* What is known of one tensor. */
typedef struct seen {
    double low, high; /* 0 is always inside */
    double *bins;     /* BINS counts from low to high */
    int missing;      /* it had a value that is no number */
} seen;

typedef struct watching {
    loaded_model model;
    const calibration *c;
    const float **in;
    float **out;
    float *values;
    uint32_t *channels; /* of each tensor */
    seen *seen;
    uint32_t first; /* output channel of the first tensor */
    uint32_t count;
    int begun; /* a window model has run */
} watching;

static void widen(seen *s, const float *x, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            s->missing = 1;
        else if (x[i] < s->low)
            s->low = x[i];
        else if (x[i] > s->high)
            s->high = x[i];
    }
}

static void count(seen *s, const float *x, uint32_t n)
{
    double scale = BINS / (s->high - s->low);
    for (uint32_t i = 0; i < n; i++) {
        double at = (x[i] - s->low) * scale;
        s->bins[at < BINS - 1 ? (size_t)at : BINS - 1]++;
    }
}

static void look(watching *w, uint32_t n)
{
    float **out = w->out + w->first;
    for (uint32_t i = 0; i < w->count; i++) {
        seen *s = &w->seen[i];
        for (uint32_t k = 0; k < w->channels[i]; k++, out++)
            if (!s->bins)
                widen(s, *out, n);
            else if (s->high > s->low && !s->missing)
                count(s, *out, n);
    }
}

static void play(watching *w)
{
    int window = w->model.info.mode == MLI_WINDOW;
    uint32_t frames = w->c->frames < MOST_FRAMES ? w->c->frames : MOST_FRAMES;
    mli_reset(w->model.session);
    w->begun = 0;
    for (uint32_t at = 0, n; at < frames; at += n) {
        n = frames - at < BLOCK ? frames - at : BLOCK;
        for (size_t k = 0; k < w->c->channels; k++)
            w->in[k] = w->c->values + k * w->c->frames + at;
        if (mli_process(w->model.session, w->in, w->out, n))
            w->begun = 1;
        if (!window || w->begun)
            look(w, n);
    }
}

/* --------------------------------------------------------------- ranges -- */

/* Sums up to each bin of counts, times x, times x squared. */
typedef struct moments {
    double n[BINS + 1], x[BINS + 1], xx[BINS + 1];
} moments;

static double middle(const seen *s, uint32_t bin)
{
    return s->low + (bin + 0.5) * (s->high - s->low) / BINS;
}

static void sum_up(const seen *s, moments *m)
{
    m->n[0] = m->x[0] = m->xx[0] = 0;
    for (uint32_t i = 0; i < BINS; i++) {
        double at = middle(s, i);
        m->n[i + 1] = m->n[i] + s->bins[i];
        m->x[i + 1] = m->x[i] + s->bins[i] * at;
        m->xx[i + 1] = m->xx[i] + s->bins[i] * at * at;
    }
}

/* The squares of the distances from `edge` of bins [from, to). */
static double cut_off(const moments *m, uint32_t from, uint32_t to, double edge)
{
    return m->xx[to] - m->xx[from] - 2 * edge * (m->x[to] - m->x[from]) +
           edge * edge * (m->n[to] - m->n[from]);
}

static uint32_t bin_of(const seen *s, double x)
{
    double at = floor((x - s->low) / (s->high - s->low) * BINS + 0.5);
    return at < 0 ? 0 : at > BINS ? BINS : (uint32_t)at;
}

/* The error of bytes from low to high: within a step it is even. */
static double error_of(const seen *s, const moments *m, double low, double high)
{
    uint32_t a = bin_of(s, low), b = bin_of(s, high);
    double step = (high - low) / 254;
    return cut_off(m, 0, a, low) + cut_off(m, b, BINS, high) +
           (m->n[b] - m->n[a]) * step * step / 12;
}

static mlc_range best_range(const seen *s, moments *m)
{
    mlc_range best = {(float)s->low, (float)s->high};
    double least = INFINITY;
    sum_up(s, m);
    for (int i = 0; i < STEPS; i++)
        for (int j = 0; j < STEPS; j++) {
            double low = s->low * (1 - i * PART),
                   high = s->high * (1 - j * PART);
            double error = high > low ? error_of(s, m, low, high) : INFINITY;
            if (error < least) {
                least = error;
                best = (mlc_range){(float)low, (float)high};
            }
        }
    return best;
}

/* ------------------------------------------------------------- watching -- */

static int make_room(watching *w)
{
    uint32_t outs = w->model.info.out_channels;
    uint32_t ports = w->model.info.outputs - w->count;
    mli_port port;
    w->in = calloc((size_t)w->c->channels + 1, sizeof *w->in);
    w->out = calloc((size_t)outs + 1, sizeof *w->out);
    w->values = run_floats(outs, BLOCK);
    w->channels = calloc((size_t)w->count + 1, sizeof *w->channels);
    w->seen = calloc((size_t)w->count + 1, sizeof *w->seen);
    if (!w->in || !w->out || !w->values || !w->channels || !w->seen)
        return -1;
    for (size_t k = 0; k < outs; k++)
        w->out[k] = w->values + k * BLOCK;
    for (uint32_t i = 0; i < ports + w->count; i++) {
        mli_get_output(&w->model.model, i, &port);
        if (i < ports)
            w->first += port.channels;
        else
            w->channels[i - ports] = port.channels;
    }
    return 0;
}

static int make_bins(watching *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        w->seen[i].bins = calloc(BINS, sizeof(double));
        if (!w->seen[i].bins)
            return -1;
    }
    return 0;
}

static int watch(watching *w, mlc_range *ranges)
{
    moments *m = malloc(sizeof *m);
    int failed = !m || make_room(w);
    if (!failed) {
        play(w);
        failed = make_bins(w);
    }
    if (!failed)
        play(w);
    for (uint32_t i = 0; !failed && i < w->count; i++)
        if (w->seen[i].high > w->seen[i].low && !w->seen[i].missing)
            ranges[i] = best_range(&w->seen[i], m);
    for (uint32_t i = 0; w->seen && i < w->count; i++)
        free(w->seen[i].bins);
    free(m);
    free(w->in);
    free(w->out);
    free(w->values);
    free(w->channels);
    free(w->seen);
    return failed;
}

mlc_status ranges_find(void *user, const mlc_image *watched, mlc_range *ranges,
                       uint32_t count, mlc_error *error)
{
    ranges_source *from = user;
    calibration c = {0};
    if (from->found) {
        memcpy(ranges, from->found, count * sizeof *ranges);
        return MLC_OK;
    }
    watching w = {.c = &c, .count = count};
    mlc_status status = MLC_OK;
    w.model.image = *watched;
    if (mli_open(&w.model.model, watched->bytes, watched->size, NULL) !=
            MLI_OK ||
        mli_sizes(&w.model.model, TOOL_TILE, &w.model.memory) != MLI_OK)
        return mlc_fail(error, MLC_MEMORY, "no memory to calibrate it");
    mli_get_info(&w.model.model, &w.model.info);
    if (from->calibrate ? calibration_read(&c, &w.model, from->calibrate)
                        : calibration_noise(&c, &w.model, from->path))
        return mlc_fail(error, MLC_NOT_FOUND, "it cannot be calibrated");
    if (loaded_model_start(&w.model, from->path) || watch(&w, ranges))
        status = mlc_fail(error, MLC_MEMORY, "no memory to calibrate it");
    from->found = malloc((count + 1) * sizeof *ranges);
    if (from->found && status == MLC_OK)
        memcpy(from->found, ranges, count * sizeof *ranges);
    else if (status == MLC_OK)
        status = mlc_fail(error, MLC_MEMORY, "no memory to calibrate it");
    calibration_free(&c);
    free(w.model.state);
    free(w.model.arena);
    return status;
}
