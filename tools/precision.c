/* see precision.h */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "precision.h"
#include "twin_error.h"

typedef struct layer {
    uint32_t index;
    double snr; /* with this one alone in integers */
} layer;

typedef struct search {
    mlc_options options;
    const ranges_source *from;
    loaded_model exact;
    calibration c;
    uint8_t *floats;
    layer *layers;
    uint32_t count;
} search;

/* The model with the layers of s->floats, against floats. */
static int listen(search *s, double *snr)
{
    loaded_model model;
    twin_error error;
    if (loaded_model_open(&model, s->from->path, &s->options))
        return -1;
    mli_reset(s->exact.session);
    int failed =
        loaded_model_start(&model, s->from->path) ||
        twin_error_measure(&s->exact, &model, &s->c, s->from->path, &error);
    loaded_model_close(&model);
    *snr = failed ? 0 : error.snr;
    return failed;
}

static int noisiest_first(const void *a, const void *b)
{
    const layer *x = a, *y = b;
    if (x->snr != y->snr)
        return x->snr < y->snr ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static int listen_to_each(search *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        memset(s->floats, 1, s->count);
        s->floats[i] = 0;
        s->layers[i].index = i;
        if (listen(s, &s->layers[i].snr))
            return -1;
    }
    qsort(s->layers, s->count, sizeof *s->layers, noisiest_first);
    return 0;
}

/* The n noisiest layers in floats. */
static void keep(search *s, uint32_t n)
{
    memset(s->floats, 0, s->count);
    for (uint32_t i = 0; i < n; i++)
        s->floats[s->layers[i].index] = 1;
}

/* The fewest that are enough: more are not worse, about. */
static int find_fewest(search *s, double wanted)
{
    uint32_t low = 0, high = s->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        double snr;
        keep(s, middle);
        if (listen(s, &snr))
            return -1;
        if (snr >= wanted)
            high = middle;
        else
            low = middle + 1;
    }
    keep(s, low);
    if (low ==
        s->count) /* weights in fewer bits may be too far by themselves */
        tool_warning(s->from->path, "no layer can compute in int8 at %g dB%s",
                     wanted,
                     s->options.weights > MLC_WEIGHTS_F32
                         ? " with such weights: try --weights f16 or f32, too"
                         : "");
    return 0;
}

/* All that could compute in integers do: how many, and is that enough? */
static int try_all(search *s, double wanted, int *enough)
{
    double snr;
    s->options.layers = &s->count;
    if (listen(s, &snr))
        return -1;
    s->options.layers = NULL;
    *enough = snr >= wanted;
    return 0;
}

static int choose(search *s, double wanted)
{
    int enough = 0;
    if (try_all(s, wanted, &enough))
        return -1;
    if (enough || !s->count)
        return 0;
    s->floats = calloc(s->count, 1);
    s->layers = calloc(s->count, sizeof *s->layers);
    if (!s->floats || !s->layers) {
        tool_error(s->from->path, "no memory");
        return -1;
    }
    s->options.floats = s->floats;
    s->options.floats_count = s->count;
    return listen_to_each(s) || find_fewest(s, wanted);
}

int precision_choose(mlc_options *options, const ranges_source *from,
                     double snr, uint8_t **floats)
{
    search s = {.options = *options, .from = from};
    mlc_options exact = *options;
    exact.weights = MLC_WEIGHTS_F32;
    exact.calibrate = NULL;
    *floats = NULL;
    if (loaded_model_open(&s.exact, from->path, &exact))
        return -1;
    int failed =
        loaded_model_start(&s.exact, from->path) ||
        (from->calibrate ? calibration_read(&s.c, &s.exact, from->calibrate)
                         : calibration_noise(&s.c, &s.exact, from->path)) ||
        choose(&s, snr);
    calibration_free(&s.c);
    loaded_model_close(&s.exact);
    free(s.layers);
    if (failed) {
        free(s.floats);
        return -1;
    }
    *floats = s.floats;
    options->floats = s.floats;
    options->floats_count = s.floats ? s.count : 0;
    return 0;
}
