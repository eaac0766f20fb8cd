/*
 * stream_check.c - see stream_check.h.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "image.h"
#include "largest.h"
#include "stream_check.h"

const char *root(void)
{
    const char *path = getenv("MLI_ROOT");

    return path ? path : ".";
}

const char *real_models(void)
{
    static char path[512];
    const char *set = getenv("MLI_REAL_MODELS");
    struct stat s;

    if (set)
        snprintf(path, sizeof path, "%s", set);
    else
        snprintf(path, sizeof path, "%s/../shared/real-models", root());
    return stat(path, &s) == 0 ? path : NULL;
}

char *golden_path(char *text, const char *name)
{
    snprintf(text, 500, "%s/tests/goldens/%s", root(), name);
    return text;
}

uint8_t *read_whole(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes;
    long n;

    if (!f)
        fail_msg("%s is missing", path);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    n = ftell(f);
    assert_true(n >= 0);
    rewind(f);
    bytes = malloc((size_t)n + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)n, f), n);
    bytes[n] = 0;
    fclose(f);
    *size = (size_t)n;
    return bytes;
}

/* Numbers of a text file, parted by commas, blanks or lines: [lines][numbers in
   the first line]. -1 if there is no such file. */
static int read_csv(const char *path, npy_array *a)
{
    struct stat s;
    size_t size, columns = 0;
    char *text, *at, *end;

    memset(a, 0, sizeof *a);
    if (stat(path, &s) != 0)
        return -1;
    text = (char *)read_whole(path, &size);
    a->data = malloc((size / 2 + 1) * sizeof *a->data);
    assert_non_null(a->data);
    for (at = text;; at = end) {
        float v = strtof(at, &end);

        if (end == at)
            break;
        a->data[a->count++] = v;
        while (*end == ',' || *end == ' ' || *end == '\r')
            end++;
        if (*end == '\n' && !columns)
            columns = a->count;
    }
    free(text);
    assert_true(a->count > 0);
    if (!columns)
        columns = a->count;
    assert_int_equal(a->count % columns, 0);
    a->rank = 2;
    a->dims[0] = a->count / columns;
    a->dims[1] = columns;
    return 0;
}

mlc_image load_model(const char *path)
{
    mlc_image image;
    mlc_error error;

    if (mlc_load(path, NULL, &image, &error) != MLC_OK)
        fail_msg("%s: %s", path, error.text);
    return image;
}

static void set_controls(const mli_model *model, mli_session *s,
                         const float *values)
{
    mli_info info;
    mli_port port;

    mli_get_info(model, &info);
    for (uint32_t i = 0; values && i < info.inputs; i++) {
        mli_get_input(model, i, &port);
        if (port.kind != MLI_PORT_CONTROL)
            continue;
        mli_set(s, i, values);
        values += port.channels;
    }
}

typedef struct planes {
    float **at;
    size_t channels, frames;
} planes;

static planes planes_new(size_t channels, size_t frames)
{
    planes p = {calloc(channels, sizeof *p.at), channels, frames};

    assert_non_null(p.at);
    for (size_t c = 0; c < channels; c++) {
        p.at[c] = calloc(frames + 1, sizeof **p.at);
        assert_non_null(p.at[c]);
    }
    return p;
}

static void planes_free(planes *p)
{
    for (size_t c = 0; c < p->channels; c++)
        free(p->at[c]);
    free(p->at);
}

static size_t channels_of(const npy_array *a)
{
    return a->rank > 1 ? a->dims[1] : 1;
}

static void process(mli_session *s, const planes *in, const planes *out,
                    size_t block)
{
    const float *x[64];
    float *y[256];

    assert_true(in->channels <= 64 && out->channels <= 256);
    for (size_t at = 0; at < in->frames; at += block) {
        size_t n = in->frames - at < block ? in->frames - at : block;

        for (size_t c = 0; c < in->channels; c++)
            x[c] = in->at[c] + at;
        for (size_t c = 0; c < out->channels; c++)
            y[c] = out->at[c] + at;
        mli_process(s, x, y, (uint32_t)n);
    }
}

static double worst_of(const planes *out, const npy_array *y, size_t skip)
{
    double worst = 0;

    for (size_t t = 0; t < y->dims[0]; t++)
        for (size_t c = 0; c < out->channels; c++) {
            double e = fabs((double)out->at[c][t + skip] -
                            y->data[t * out->channels + c]);
            worst = largest(worst, e);
        }
    return worst;
}

double stream_difference(const mlc_image *image, const npy_array *x,
                         const npy_array *y, size_t skip, const float *controls)
{
    static const uint32_t blocks[] = {1, 7, 64, 1000};
    planes in = planes_new(channels_of(x), x->dims[0]);
    planes out = planes_new(channels_of(y), x->dims[0]);
    double worst = 0, top = 0;
    mli_session *s;
    mli_memory need;
    mli_model model;
    mli_info info;

    assert_int_equal(mli_open(&model, image->bytes, image->size, NULL), MLI_OK);
    mli_get_info(&model, &info);
    assert_int_equal(info.in_channels, in.channels);
    assert_int_equal(info.out_channels, out.channels);
    assert_int_equal(info.arena_floats, info.arena_bound_floats);
    assert_true(y->dims[0] + skip <= x->dims[0]);
    assert_int_equal(mli_sizes(&model, 64, &need), MLI_OK);
    for (size_t i = 0; i < x->count; i++)
        in.at[i % in.channels][i / in.channels] = x->data[i];
    for (size_t i = 0; i < y->count; i++)
        top = fmax(top, fabs(y->data[i]));
    for (uint32_t k = 0; mli_kernels_name(k); k++) {
        void *state = mlc_aligned(need.state_bytes);
        void *arena = mlc_aligned(need.arena_bytes);

        assert_int_equal(mli_start(&model,
                                   mli_kernels_find(mli_kernels_name(k)), 64,
                                   state, arena, &s),
                         MLI_OK);
        set_controls(&model, s, controls);
        for (int i = k ? 2 : 0; i < (k ? 3 : 4); i++) {
            mli_reset(s);
            process(s, &in, &out, blocks[i]);
            worst = largest(worst, worst_of(&out, y, skip));
        }
        free(state);
        free(arena);
    }
    planes_free(&in);
    planes_free(&out);
    return worst / top;
}

static void check(const char *name, const mlc_image *image, const npy_array *x,
                  const npy_array *y, size_t skip, const float *controls)
{
    double worst = stream_difference(image, x, y, skip, controls);

    printf("  %-18s %.2g of full scale\n", name, worst);
    if (!(worst <= CLOSE))
        fail_msg("%s: %g of full scale away", name, worst);
}

npy_array golden_array(const char *folder, const char *file)
{
    char path[600], name[160], error[NPY_ERROR];
    npy_array a;

    snprintf(name, sizeof name, "%s/%s", folder, file);
    if (npy_read(golden_path(path, name), &a, error))
        fail_msg("%s: %s", path, error);
    return a;
}

void check_golden(const char *folder, const char *name, const char *input,
                  const float *controls)
{
    char path[600], file[160];
    npy_array x = golden_array(folder, input), y;
    mlc_image image;

    snprintf(file, sizeof file, "%s.output.npy", name);
    y = golden_array(folder, file);
    snprintf(file, sizeof file, "%s/%s.json", folder, name);
    image = load_model(golden_path(path, file));
    check(name, &image, &x, &y, 0, controls);
    npy_free(&x);
    npy_free(&y);
    mlc_image_free(&image);
}

/* [channel][frame] to [frame][channel] */
static void transpose(npy_array *a)
{
    size_t channels = a->dims[0], frames = a->dims[1];
    float *t = malloc(a->count * sizeof *t);

    assert_non_null(t);
    for (size_t i = 0; i < a->count; i++)
        t[i % frames * channels + i / frames] = a->data[i];
    free(a->data);
    a->data = t;
    a->dims[0] = frames;
    a->dims[1] = channels;
}

void check_rtneural(const char *folder, const char *name)
{
    char path[600];
    npy_array x, y;
    mlc_image image;
    size_t skip = 0;

    snprintf(path, sizeof path, "%s/rtneural/%s.json", folder, name);
    image = load_model(path);
    snprintf(path, sizeof path, "%s/rtneural/%s_x_python.csv", folder, name);
    assert_int_equal(read_csv(path, &x), 0);
    snprintf(path, sizeof path, "%s/rtneural/%s_y_python.csv", folder, name);
    assert_int_equal(read_csv(path, &y), 0);
    if (!strcmp(name, "conv1d_torch")) { /* without padding */
        transpose(&y);
        skip = x.dims[0] - y.dims[0];
    }
    check(name, &image, &x, &y, skip, NULL);
    npy_free(&x);
    npy_free(&y);
    mlc_image_free(&image);
}

void check_refusals(const refusal *wrongs, size_t count, importer *import)
{
    for (const refusal *r = wrongs; r < wrongs + count; r++) {
        mlc_error error = {0};
        mlc_image image;
        mlc_status status = import((const uint8_t *)r->text, strlen(r->text),
                                   NULL, &image, &error);

        if (status != r->status || !strstr(error.text, r->words))
            fail_msg("%s: %d \"%s\" lacks \"%s\"", r->text, status, error.text,
                     r->words);
        assert_null(strchr(error.text, '\n'));
    }
}
