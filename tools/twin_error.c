/* see twin_error.h */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "run.h"
#include "twin_error.h"

#define BLOCK 64u

/* What is known of an output channel. */
typedef struct heard {
    double peak, error; /* largest magnitudes */
} heard;

typedef struct twin_run {
    const loaded_model *model[2];
    const calibration *c;
    const float **in;
    float **out[2];
    float *values; /* outputs of both: a block of each channel */
    heard *heard;
    double signal, noise; /* sums of squares */
    int begun;            /* a window model has run */
    twin_error *error;
} twin_run;

static int allocate(twin_run *r)
{
    uint32_t outs = r->model[0]->info.out_channels;
    r->in = calloc((size_t)r->c->channels + 1, sizeof *r->in);
    r->values = run_floats(2 * (uint64_t)outs, BLOCK);
    r->heard = calloc((size_t)outs + 1, sizeof *r->heard);
    for (int m = 0; m < 2; m++) {
        r->out[m] = calloc((size_t)outs + 1, sizeof *r->out[m]);
        if (!r->in || !r->values || !r->heard || !r->out[m])
            return -1;
        for (size_t k = 0; k < outs; k++)
            r->out[m][k] = r->values + ((size_t)m * outs + k) * BLOCK;
    }
    return 0;
}

static void play(twin_run *r, uint32_t at, uint32_t n)
{
    for (size_t k = 0; k < r->c->channels; k++)
        r->in[k] = r->c->values + k * r->c->frames + at;
    for (int m = 0; m < 2; m++)
        if (mli_process(r->model[m]->session, r->in, r->out[m], n))
            r->begun = 1;
}

static void compare(twin_run *r, uint32_t k, uint32_t n)
{
    const float *x = r->out[0][k], *y = r->out[1][k];
    heard *h = &r->heard[k];
    for (uint32_t f = 0; f < n; f++) {
        double value = x[f], d = fabs((double)y[f] - value);
        if (!isfinite(value)) {
            r->error->missing++;
            continue;
        }
        if (!isfinite(d))
            d = INFINITY;
        h->peak = fmax(h->peak, fabs(value));
        h->error = fmax(h->error, d);
        r->signal += value * value;
        r->noise += d * d;
    }
}

/* The first of the largest of n channels. */
static uint32_t choice(float *const *out, uint32_t n, uint32_t f)
{
    uint32_t best = 0;
    for (uint32_t k = 1; k < n; k++)
        if (out[k][f] > out[best][f])
            best = k;
    return best;
}

static void compare_classes(twin_run *r, uint32_t n)
{
    uint32_t first = 0;
    mli_port port;
    for (uint32_t i = 0; i < r->model[0]->info.outputs; i++) {
        mli_get_output(&r->model[0]->model, i, &port);
        for (uint32_t f = 0; port.classes && f < n; f++) {
            r->error->chosen++;
            r->error->agreed += choice(r->out[0] + first, port.channels, f) ==
                                choice(r->out[1] + first, port.channels, f);
        }
        first += port.channels;
    }
}

/* The worst channel, each against its own full scale. */
static void find_largest(const twin_run *r)
{
    uint32_t k = 0;
    mli_port port;
    mli_channel channel;
    for (uint32_t i = 0; i < r->model[0]->info.outputs; i++) {
        mli_get_output(&r->model[0]->model, i, &port);
        for (uint32_t j = 0; j < port.channels; j++, k++) {
            mli_get_output_channel(&r->model[0]->model, i, j, &channel);
            double scale = channel.high > channel.low
                               ? (double)channel.high - channel.low
                               : r->heard[k].peak;
            double share = r->heard[k].error > 0 ? r->heard[k].error / scale
                                                 : 0; /* scale may be 0 */
            if (!(share > r->error->largest))
                continue;
            r->error->largest = share;
            r->error->port = i;
            r->error->channel = j;
        }
    }
}

static void run(twin_run *r)
{
    int window = r->model[0]->info.mode == MLI_WINDOW;
    for (uint32_t at = 0, n; at < r->c->frames; at += n) {
        n = r->c->frames - at < BLOCK ? r->c->frames - at : BLOCK;
        play(r, at, n);
        for (uint32_t k = 0; k < r->model[0]->info.out_channels; k++)
            compare(r, k, n);
        if (!window || r->begun)
            compare_classes(r, n);
    }
    r->error->snr = 10 * log10(r->signal / r->noise);
    if (r->noise == 0)
        r->error->snr = INFINITY;
    find_largest(r);
}

int twin_error_measure(const loaded_model *exact, const loaded_model *other,
                       const calibration *c, const char *path,
                       twin_error *error)
{
    twin_run r = {.model = {exact, other}, .c = c, .error = error};
    memset(error, 0, sizeof *error);
    int failed = allocate(&r);
    if (failed)
        tool_error(path, "no memory");
    else
        run(&r);
    free(r.in);
    free(r.out[0]);
    free(r.out[1]);
    free(r.values);
    free(r.heard);
    return failed;
}
