/*
 * TensorFlow Lite models (tests/goldens/tflite and the real ones): float ones
 * agree within 1e-5 of full scale, quantised ones within one step of their
 * output, run after run with the states that they keep. Damaged files are
 * refused or run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "compiler.h"
#include "npy.h"
#include "tflite/flat.h"
#include "stream_check.h"

#define PORTS 8

/* ------------------------------------------------------------ running ---- */

typedef struct player {
    mlc_image image;
    mli_model model;
    mli_info info;
    mli_session *session;
    void *state, *arena;
} player;

static void *memory(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
    assert_non_null(p);
    return p;
}

static void start(player *p, const char *kernels)
{
    const mli_kernels *build = mli_kernels_find(kernels);
    mli_memory need;
    uint32_t index = 0;

    assert_non_null(build);
    assert_int_equal(mli_open(&p->model, p->image.bytes, p->image.size, &index),
                     MLI_OK);
    mli_get_info(&p->model, &p->info);
    assert_int_equal(mli_sizes(&p->model, 16, &need), MLI_OK);
    p->state = memory(need.state_bytes);
    p->arena = memory(need.arena_bytes);
    assert_int_equal(
        mli_start(&p->model, build, 16, p->state, p->arena, &p->session),
        MLI_OK);
}

static void stop(player *p)
{
    free(p->state);
    free(p->arena);
    p->state = p->arena = NULL;
}

/* One list in, one list out: ports in order. */
static void run(player *p, const float *in, float *out)
{
    const float *from[PORTS];
    float *to[PORTS];
    mli_port port;

    assert_true(p->info.inputs <= PORTS && p->info.outputs <= PORTS);
    for (uint32_t i = 0; i < p->info.inputs; i++) {
        from[i] = in;
        mli_get_input(&p->model, i, &port);
        in += port.frames * port.channels;
    }
    for (uint32_t i = 0; i < p->info.outputs; i++) {
        to[i] = out;
        mli_get_output(&p->model, i, &port);
        out += port.frames * port.channels;
    }
    mli_run(p->session, from, to);
}

static uint32_t output_floats(const player *p)
{
    mli_port port;
    uint32_t n = 0;

    for (uint32_t i = 0; i < p->info.outputs; i++) {
        mli_get_output(&p->model, i, &port);
        n += port.frames * port.channels;
    }
    return n;
}

static void read_array(const char *folder, const char *name, const char *part,
                       npy_array *a)
{
    char path[4096], error[NPY_ERROR];

    snprintf(path, sizeof path, "%s/%s.%s.npy", folder, name, part);
    if (npy_read(path, a, error))
        fail_msg("%s: %s", path, error);
}

/* What the largest difference may be: a step of the output, or 1e-5 of its
   largest value. */
static double allowed(const player *p, uint32_t output, const npy_array *want,
                      double steps)
{
    mli_channel channel;
    double most = 0;

    mli_get_output_channel(&p->model, output, 0, &channel);
    if (steps > 0) {
        assert_true(channel.high > channel.low);
        return ((double)channel.high - (double)channel.low) / steps * 1.001;
    }
    for (size_t i = 0; i < want->count; i++)
        most = fmax(most, fabs((double)want->data[i]));
    return 1e-5 * most;
}

static void compare(const char *folder, const char *name, const char *parts[2],
                    double steps, const char *kernels)
{
    char path[4096];
    npy_array in, want;
    player p = {0};
    mlc_error error;
    float *out;
    size_t runs, inputs, outputs;

    snprintf(path, sizeof path, "%s/%s.tflite", folder, name);
    if (mlc_load(path, NULL, &p.image, &error))
        fail_msg("%s: %s", name, error.text);
    read_array(folder, name, parts[0], &in);
    read_array(folder, name, parts[1], &want);
    runs = in.rank == 2 ? in.dims[0] : 1;
    inputs = in.count / runs;
    outputs = want.count / runs;
    start(&p, kernels);
    assert_int_equal(p.info.mode, MLI_STEP);
    assert_int_equal(output_floats(&p), outputs);
    out = calloc(outputs, sizeof *out);
    assert_non_null(out);
    for (size_t r = 0; r < runs; r++) {
        run(&p, in.data + r * inputs, out);
        const float *at = want.data + r * outputs;
        for (uint32_t k = 0, i = 0; k < p.info.outputs; k++) {
            double most = allowed(&p, k, &want, steps);
            mli_port port;
            mli_get_output(&p.model, k, &port);
            for (uint32_t n = port.frames * port.channels; n; n--, i++)
                if (!(fabs((double)out[i] - (double)at[i]) <= most))
                    fail_msg("%s (%s), run %zu, port %u, number %u: expected "
                             "%.9g, got %.9g",
                             name, kernels ? kernels : "best", r, k, i,
                             (double)at[i], (double)out[i]);
        }
    }
    free(out);
    stop(&p);
    npy_free(&in);
    npy_free(&want);
    mlc_image_free(&p.image);
}

/* Mean, root, squares, sums, products, tables: a hundredth of a step. */
#define EXACT   25500
#define EXACT16 6553500

/* functions_int16: RSQRT of what LOGISTIC gives, a step each. */

static const struct {
    const char *name;
    double steps; /* of the output's type, 0: float */
} goldens[] = {
    {"mlp_float", 0},           {"mlp_int8", EXACT},
    {"mlp_int16", 65535},       {"dynamic_dynamic", 0},
    {"conv1d_float", 0},        {"conv1d_int8", EXACT},
    {"image_float", 0},         {"image_int8", EXACT},
    {"transposed_float", 0},    {"transposed_int16", EXACT16},
    {"lstm_float", 0},          {"state_float", 0},
    {"state_int8", EXACT},      {"exact_int8", EXACT},
    {"dilated_float", 0},       {"dilated_depthwise", 0},
    {"dilated_int8", 0},        {"blocks_float", 0},
    {"picking_float", 0},       {"where_float", 0},
    {"l2pool_float", 0},        {"conv1d_dynamic", 0},
    {"stft_float", 0},          {"labels_inside", 0},
    {"labels_behind", 0},       {"bilstm_float", 0},
    {"causal_float", 0},        {"causal_int8", EXACT},
    {"functions_int16", 32767}, {"softmax_int16", EXACT16},
    {"wide_int16", EXACT16},    {"sum_int8", EXACT},
    {"sum_int16", EXACT16},     {"resize_int8", EXACT},
    {"resize_int16", EXACT16},  {"divide_int8", 255},
    {"lstm_int8", EXACT},       {"lstm_peephole", 0},
    {"lstm_projection", 0},     {"lstm_normalised", 0},
    {"lstm_coupled", 0},        {"bilstm_projection", 0},
    {"halves_tcn_dynamic", 0},  {"halves_dense_dynamic", 0},
};
#define GOLDENS (sizeof goldens / sizeof *goldens)

static void folder_of(char *path, size_t size)
{
    snprintf(path, size, "%s/tests/goldens/tflite", root());
}

static void agree(void **state)
{
    const char *parts[2] = {"in", "out"}, *kernels;
    char folder[4096];
    (void)state;
    folder_of(folder, sizeof folder);
    for (size_t i = 0; i < GOLDENS; i++)
        for (uint32_t k = 0; (kernels = mli_kernels_name(k)); k++)
            compare(folder, goldens[i].name, parts, goldens[i].steps, kernels);
}

static void agree_real(void **state)
{
    static const char *const names[] = {"hello_world_float", "magic_wand"};
    const char *parts[2] = {"input", "output"};
    const char *base = real_models();
    char folder[4096], path[4200];
    FILE *f;
    (void)state;
    snprintf(folder, sizeof folder, "%s/tflite", base ? base : "");
    snprintf(path, sizeof path, "%s/%s.tflite", folder, names[0]);
    f = fopen(path, "rb");
    if (!f)
        skip();
    fclose(f);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        compare(folder, names[i], parts, 0, NULL);
}

/* The frames of every run as a signal: causal layers give what the whole run
   gives, others by their latency later. */
static void streams(void **state)
{
    static const struct {
        const char *name;
        size_t frames, latency, compared;
    } models[] = {
        {"causal_float", 16, 2, 14},     {"causal_int8", 16, 2, 14},
        {"dilated_float", 10, 0, 9},     {"dilated_int8", 10, 0, 9},
        {"dilated_depthwise", 10, 0, 9},
    };
    mlc_options options = MLC_OPTIONS_DEFAULT;
    (void)state;
    options.mode = MLI_STREAM;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char folder[2048], path[4096];
        npy_array in, out, x, y;
        mlc_image image;
        mlc_error error;
        double worst;
        folder_of(folder, sizeof folder);
        snprintf(path, sizeof path, "%s/%s.tflite", folder, models[i].name);
        if (mlc_load(path, &options, &image, &error))
            fail_msg("%s: %s", models[i].name, error.text);
        read_array(folder, models[i].name, "in", &in);
        read_array(folder, models[i].name, "out", &out);
        for (size_t r = 0; r < in.dims[0]; r++) {
            x = in;
            x.data += r * in.dims[1];
            x.dims[0] = models[i].frames;
            x.dims[1] = in.dims[1] / models[i].frames;
            x.count = in.dims[1];
            y = out;
            y.data += r * out.dims[1];
            y.dims[1] = out.dims[1] / (models[i].compared + models[i].latency);
            y.dims[0] = models[i].compared;
            y.count = y.dims[0] * y.dims[1];
            worst = stream_difference(&image, &x, &y, models[i].latency, NULL);
            if (!(worst <= 1e-5))
                fail_msg("%s, run %zu: %g of full scale", models[i].name, r,
                         worst);
        }
        npy_free(&in);
        npy_free(&out);
        mlc_image_free(&image);
    }
}

/* Lines of a file in the archive behind the model. */
static void labels(void **state)
{
    static const char *const names[] = {"labels_inside", "labels_behind"};
    static const char *const want[] = {"clap", "hi-hat", "no sound"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char folder[2048], path[4096];
        player p = {0};
        mlc_error error;
        mli_channel channel;
        folder_of(folder, sizeof folder);
        snprintf(path, sizeof path, "%s/%s.tflite", folder, names[i]);
        assert_int_equal(mlc_load(path, NULL, &p.image, &error), MLC_OK);
        start(&p, NULL);
        for (uint32_t k = 0; k < 3; k++) {
            mli_get_output_channel(&p.model, 0, k, &channel);
            assert_string_equal(channel.label, want[k]);
        }
        stop(&p);
        mlc_image_free(&p.image);
    }
}

/* ----------------------------------------------------------- bad files ---- */

static uint8_t *read_bytes(const char *name, size_t *size)
{
    char folder[2048], path[4096];
    uint8_t *bytes;
    FILE *f;
    long n;

    folder_of(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/%s.tflite", folder, name);
    f = fopen(path, "rb");
    if (!f)
        fail_msg("%s: not there", path);
    fseek(f, 0, SEEK_END);
    n = ftell(f);
    rewind(f);
    assert_true(n > 0);
    *size = (size_t)n;
    bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, f), *size);
    fclose(f);
    return bytes;
}

/* Refused with a line of text, or opened and run. The bytes lie in memory of
   their own size, so that sanitizers see a step outside. */
static mlc_status try_bytes(const uint8_t *bytes, size_t size)
{
    uint8_t *own = malloc(size ? size : 1);
    player p = {0};
    mlc_error error;
    mlc_status status;
    mli_memory need;

    assert_non_null(own);
    memset(&error, 0, sizeof error);
    memcpy(own, bytes, size);
    status = mlc_import_tflite(own, size, NULL, &p.image, &error);
    free(own);
    if (status) {
        assert_true(error.text[0]);
        assert_null(strchr(error.text, '\n'));
        assert_null(p.image.bytes);
        return status;
    }
    assert_int_equal(mli_open(&p.model, p.image.bytes, p.image.size, NULL),
                     MLI_OK);
    assert_int_equal(mli_sizes(&p.model, 16, &need), MLI_OK);
    mli_get_info(&p.model, &p.info);
    if (need.arena_bytes < (1u << 20) && need.state_bytes < (1u << 20) &&
        p.info.macs_per_frame < (1u << 20) && p.info.inputs <= PORTS &&
        p.info.outputs <= PORTS && output_floats(&p) < (1u << 16)) {
        float *zeros = calloc(1u << 18, sizeof *zeros);
        float *out = calloc(1u << 16, sizeof *out);
        assert_non_null(zeros);
        assert_non_null(out);
        start(&p, "generic");
        run(&p, zeros, out);
        stop(&p);
        free(out);
        free(zeros);
    }
    mlc_image_free(&p.image);
    return MLC_OK;
}

/* The same as a stream, which is only opened. */
static void try_stream(const uint8_t *bytes, size_t size)
{
    mlc_options options = MLC_OPTIONS_DEFAULT;
    mlc_image image;
    mlc_error error = {0};
    mli_model model;

    options.mode = MLI_STREAM;
    if (mlc_import_tflite(bytes, size, &options, &image, &error)) {
        assert_true(error.text[0]);
        return;
    }
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    mlc_image_free(&image);
}

static uint32_t random_state = 1;

static uint32_t random_number(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void damage(uint8_t *b, size_t size)
{
    static const uint32_t words[] = {0,          1,          0xffffffffu,
                                     0x7fffffff, 0x80000000, 0x10000000,
                                     4,          64,         0xfffffff0u};
    uint32_t times = 1 + random_number() % 4;

    for (uint32_t i = 0; i < times; i++) {
        size_t at = random_number() % size;
        uint32_t word = words[random_number() % 9];
        switch (random_number() % 4) {
        case 0:
            b[at] = (uint8_t)random_number();
            break;
        case 1:
            b[at] ^= (uint8_t)(1u << random_number() % 8);
            break;
        case 2: /* a number or an offset */
            at = at / 4 * 4;
            if (at + 4 <= size)
                memcpy(b + at, &word, 4);
            break;
        default: /* something from elsewhere */
            at = at / 4 * 4;
            if (at + 4 <= size)
                memcpy(b + at, b + random_number() % (size - 3), 4);
        }
    }
}

static void damaged(void **state)
{
    const char *many = getenv("MLI_FUZZ");
    long rounds = many ? atol(many) : getenv("MLI_LONG") ? 2000 : 60;
    unsigned refused = 0;
    (void)state;
    for (size_t i = 0; i < GOLDENS; i++) {
        size_t size;
        uint8_t *good = read_bytes(goldens[i].name, &size);
        uint8_t *bad = malloc(size);
        assert_non_null(bad);
        random_state = 1 + (uint32_t)i;
        for (long n = 0; n < rounds; n++) {
            memcpy(bad, good, size);
            damage(bad, size);
            refused += try_bytes(bad, size) != MLC_OK;
            try_stream(bad, size);
        }
        free(bad);
        free(good);
    }
    assert_true(refused > 0);
}

static void cut_short(void **state)
{
    size_t size;
    uint8_t *bytes = read_bytes("mlp_int8", &size);
    (void)state;
    for (size_t n = 0; n < size; n += 1 + size / 300)
        try_bytes(bytes, n);
    assert_int_equal(try_bytes(bytes, size), MLC_OK);
    assert_int_equal(try_bytes(bytes, 100), MLC_CORRUPT);
    free(bytes);
}

/* The text of what an import says. */
static void refused(uint8_t *bytes, size_t size, const mlc_options *options,
                    mlc_status status, const char *text)
{
    mlc_image image;
    mlc_error error = {0};

    assert_int_equal(mlc_import_tflite(bytes, size, options, &image, &error),
                     status);
    if (!strstr(error.text, text))
        fail_msg("expected \"%s\", got \"%s\"", text, error.text);
}

static void messages(void **state)
{
    size_t size;
    uint8_t *bytes = read_bytes("mlp_float", &size), *copy = malloc(size);
    mlc_options stream = MLC_OPTIONS_DEFAULT, window = MLC_OPTIONS_DEFAULT;
    mlc_image image;
    mlc_error error = {0};
    (void)state;
    assert_non_null(copy);
    stream.mode = MLI_STREAM;
    window.mode = MLI_WINDOW;
    window.window = 7;
    refused(bytes, size, &stream, MLC_UNSUPPORTED,
            "all times together (expected mode step or window)");
    refused(bytes, size, &window, MLC_UNSUPPORTED, "expected 8, got 7");
    memcpy(copy, bytes, size);
    memset(copy, 0xff, 4);
    refused(copy, size, NULL, MLC_CORRUPT, "damaged at byte 0");
    free(copy);
    free(bytes);
    bytes = read_bytes("conv1d_float", &size);
    window.window = 0;
    assert_int_equal(mlc_import_tflite(bytes, size, &window, &image, &error),
                     MLC_OK);
    mlc_image_free(&image);
    free(bytes);
}

/* Where a field of a table lies. */
static size_t field_of(const flat_table *t, uint32_t slot)
{
    const uint8_t *at = t->file->bytes + t->vtable + 4 + 2 * slot;

    assert_true(slot < t->fields && (at[0] | at[1]));
    return t->at + at[0] + 256u * at[1];
}

static void put_word(uint8_t *at, size_t n)
{
    for (uint32_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(n >> 8 * i);
}

#define GATE   4096u /* bytes */
#define MOVED  (1u << 18)
#define LARGER (1u << 20) /* gates stay bytes in a file of this size */

/* The only LSTM's input gates 0 and 1 at these places of the file. */
static void move_gates(uint8_t *bytes, const size_t *places)
{
    const flat_file f = {bytes, LARGER, NULL};
    const flat_table root = flat_root(&f, "the model");
    const flat_vector graphs = flat_list(&root, 2, 4, "the graphs");
    const flat_vector buffers = flat_list(&root, 4, 4, "the buffers");
    const flat_table graph = flat_table_at(&graphs, 0, "a graph");
    const flat_vector tensors = flat_list(&graph, 0, 4, "the tensors");
    const flat_vector ops = flat_list(&graph, 3, 4, "the operators");
    uint32_t moved = 0;

    for (uint32_t i = 0; i < ops.count; i++) {
        const flat_table op = flat_table_at(&ops, i, "an operator");
        const flat_vector in = flat_list(&op, 1, 4, "its operands");
        for (uint32_t k = 0; in.count >= 20 && k < 2; k++, moved++) {
            const flat_table t = flat_table_at(
                &tensors, (uint32_t)flat_int_at(&in, k + 1), "a tensor");
            const flat_table b = flat_table_at(
                &buffers, (uint32_t)flat_uint(&t, 2, 4, 0), "a buffer");
            const size_t field = field_of(&b, 0);
            put_word(bytes + field, places[k] - 4 - field);
            put_word(bytes + places[k] - 4, GATE);
        }
    }
    assert_int_equal(moved, 2);
}

/* A gate whose last row begins a byte before the first gate of all, and the
   same numbers where nothing overlaps: one model. */
static void gates_overlap(void **state)
{
    static const size_t apart[2] = {MOVED + 4 * GATE, MOVED + 2 * GATE};
    static const size_t over[2] = {MOVED + GATE, MOVED + GATE - 63 * 64 - 1};
    uint8_t *small, *bytes[2];
    mlc_image image[2];
    mlc_error error;
    size_t size;
    (void)state;
    small = read_bytes("lstm_bytes", &size);
    assert_true(size < MOVED);
    for (uint32_t i = 0; i < 2; i++) {
        bytes[i] = calloc(1, LARGER);
        assert_non_null(bytes[i]);
        memcpy(bytes[i], small, size);
        for (uint32_t n = 0; n < 6 * GATE; n++)
            bytes[i][MOVED + n] = (uint8_t)(n * 2654435761u >> 24 | 1);
    }
    move_gates(bytes[0], over);
    for (uint32_t k = 0; k < 2; k++)
        memcpy(bytes[1] + apart[k], bytes[0] + over[k], GATE);
    move_gates(bytes[1], apart);
    for (uint32_t i = 0; i < 2; i++)
        if (mlc_import_tflite(bytes[i], LARGER, NULL, &image[i], &error))
            fail_msg("%s", error.text);
    assert_int_equal(image[0].size, image[1].size);
    assert_memory_equal(image[0].bytes, image[1].bytes, image[0].size);
    for (uint32_t i = 0; i < 2; i++) {
        mlc_image_free(&image[i]);
        free(bytes[i]);
    }
    free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agree),     cmocka_unit_test(agree_real),
        cmocka_unit_test(cut_short), cmocka_unit_test(messages),
        cmocka_unit_test(labels),    cmocka_unit_test(streams),
        cmocka_unit_test(damaged),   cmocka_unit_test(gates_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
