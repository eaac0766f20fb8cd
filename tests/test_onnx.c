/*
 * test_onnx.c - the ONNX reader with files that are damaged, hostile, or put
 * together by hand: refused with the place named, or read; never a crash, never
 * much memory.
 */
#define _GNU_SOURCE /* mkdtemp, symlink */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "compiler.h"
#include "mlinfer.h"
#include "onnx_data.h"
#include "stream_check.h"

typedef struct file {
    uint8_t *bytes;
    size_t size;
} file;

static file read_golden(const char *name)
{
    char path[4096];
    struct stat s;
    file f = {NULL, 0};
    FILE *in;
    snprintf(path, sizeof path, "%s/tests/goldens/%s/model.onnx", root(), name);
    in = fopen(path, "rb");
    if (!in || fstat(fileno(in), &s))
        fail_msg("%s cannot be opened", path);
    f.size = (size_t)s.st_size;
    f.bytes = malloc(f.size);
    assert_non_null(f.bytes);
    assert_int_equal(fread(f.bytes, 1, f.size, in), f.size);
    fclose(in);
    return f;
}

/* Whatever comes of it: a model that opens, or an error of one line. */
static mlc_status import(const uint8_t *bytes, size_t size, mlc_error *error)
{
    mlc_image image;
    mlc_status status;
    memset(&image, 0, sizeof image);
    memset(error, 0, sizeof *error);
    status = mlc_import_onnx(bytes, size, NULL, NULL, &image, error);
    if (status == MLC_OK) {
        mli_model model;
        assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), 0);
        mlc_image_free(&image);
        return status;
    }
    assert_int_equal(error->status, status);
    assert_int_not_equal(error->text[0], 0);
    assert_null(strchr(error->text, '\n'));
    return status;
}

/* ------------------------------------------------------------- damage ---- */

static const char *const victims[] = {
    "onnx/mlp-old13-static",    "onnx/conv-same-old13-time",
    "onnx/gru-old9-time",       "onnx/lstm-state-old13-time",
    "onnx-graphs/control-time", "onnx-graphs/function-and-if",
    "onnx-graphs/pools"};
#define VICTIMS (sizeof victims / sizeof *victims)

static int thorough(void)
{
    const char *s = getenv("MLI_LONG");
    return s && *s && *s != '0';
}

static void test_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < VICTIMS; i++) {
        file f = read_golden(victims[i]);
        mlc_error error;
        assert_int_equal(import(f.bytes, f.size, &error), MLC_OK);
        for (size_t n = 0; n < f.size; n++) {
            /* in a block of its own, so that a read past its end is seen */
            uint8_t *part = malloc(n ? n : 1);
            assert_non_null(part);
            memcpy(part, f.bytes, n);
            import(part, n, &error);
            free(part);
        }
        free(f.bytes);
    }
}

static void test_changed(void **state)
{
    static const uint8_t masks[] = {0xff, 0x01, 0x80, 0x7f, 0x08, 0x10};
    size_t count = thorough() ? sizeof masks : 2;
    (void)state;
    for (size_t i = 0; i < VICTIMS; i++) {
        file f = read_golden(victims[i]);
        mlc_error error;
        for (size_t n = 0; n < f.size; n++)
            for (size_t k = 0; k < count; k++) {
                f.bytes[n] ^= masks[k];
                import(f.bytes, f.size, &error);
                f.bytes[n] ^= masks[k];
            }
        free(f.bytes);
    }
}

/* ------------------------------------------------------------ by hand ---- */

/* A protobuf writer that knows nothing of ONNX. */
typedef struct message {
    uint8_t bytes[4096];
    size_t size;
} message;

static void put_varint(message *m, uint64_t v)
{
    for (; v > 127; v >>= 7)
        m->bytes[m->size++] = (uint8_t)(v | 128);
    m->bytes[m->size++] = (uint8_t)v;
    assert_in_range(m->size, 0, sizeof m->bytes - 16);
}

static void put_number(message *m, unsigned field, uint64_t v)
{
    put_varint(m, field << 3);
    put_varint(m, v);
}

static void put_bytes(message *m, unsigned field, const void *b, size_t n)
{
    put_varint(m, field << 3 | 2);
    put_varint(m, n);
    assert_in_range(m->size + n, 0, sizeof m->bytes - 16);
    memcpy(m->bytes + m->size, b, n);
    m->size += n;
}

static void put_text(message *m, unsigned field, const char *s)
{
    put_bytes(m, field, s, strlen(s));
}

static void put_message(message *m, unsigned field, const message *sub)
{
    put_bytes(m, field, sub->bytes, sub->size);
}

static void put_float(message *m, unsigned field, float v)
{
    put_varint(m, field << 3 | 5);
    memcpy(m->bytes + m->size, &v, 4);
    m->size += 4;
}

/* A float input or output. dims: -1 is dynamic. */
static void put_port(message *graph, unsigned field, const char *name, int rank,
                     const int *dims)
{
    message info = {.size = 0}, type = info, tensor = info, shape = info;
    for (int i = 0; i < rank; i++) {
        message dim = {.size = 0};
        if (dims[i] > 0)
            put_number(&dim, 1, (uint64_t)dims[i]);
        else
            put_text(&dim, 2, "n");
        put_message(&shape, 1, &dim);
    }
    put_number(&tensor, 1, 1);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&info, 1, name);
    put_message(&info, 2, &type);
    put_message(graph, field, &info);
}

static void put_node(message *graph, const char *op, const char *a,
                     const char *b, const char *out)
{
    message node = {.size = 0};
    put_text(&node, 1, a);
    if (b)
        put_text(&node, 1, b);
    put_text(&node, 2, out);
    put_text(&node, 4, op);
    put_message(graph, 1, &node);
}

/* The model around a graph. */
static message model_of(const message *graph)
{
    message model = {.size = 0}, opset = model;
    put_number(&opset, 2, 13);
    put_number(&model, 1, 7);
    put_message(&model, 8, &opset);
    put_message(&model, 7, graph);
    return model;
}

/* y = x + w with w[3] = 1 2 3, given as `tensor`. */
static message sum_with(const message *tensor)
{
    static const int dims[] = {1, 3};
    message graph = {.size = 0};
    put_port(&graph, 11, "x", 2, dims);
    put_port(&graph, 12, "y", 2, dims);
    put_message(&graph, 5, tensor);
    put_node(&graph, "Add", "x", "w", "y");
    return model_of(&graph);
}

static mlc_status run_sum(const message *tensor, const char *path,
                          mlc_error *error)
{
    static const float x[3] = {10, 20, 30};
    message m = sum_with(tensor);
    mlc_image image;
    mlc_status status;
    mli_model model;
    mli_memory memory;
    mli_session *session;
    const float *in[1] = {x};
    float y[3], *out[1] = {y};
    void *state, *arena;
    status = mlc_import_onnx(m.bytes, m.size, path, NULL, &image, error);
    if (status)
        return status;
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), 0);
    assert_int_equal(mli_sizes(&model, 16, &memory), 0);
    state = aligned_alloc(64, (memory.state_bytes + 127) / 64 * 64);
    arena = aligned_alloc(64, (memory.arena_bytes + 127) / 64 * 64);
    assert_int_equal(
        mli_start(&model, mli_kernels_find(NULL), 16, state, arena, &session),
        0);
    mli_run(session, in, out);
    assert_true(y[0] == 11 && y[1] == 22 && y[2] == 33);
    free(state);
    free(arena);
    mlc_image_free(&image);
    return MLC_OK;
}

static void begin_tensor(message *t, int type)
{
    memset(t, 0, sizeof *t);
    put_number(t, 1, 3);
    put_number(t, 2, (uint64_t)type);
    put_text(t, 8, "w");
}

/* 1, 2, 3 in every way that a file may have it. */
static void test_tensors(void **state)
{
    static const float f[3] = {1, 2, 3};
    static const double d[3] = {1, 2, 3};
    static const uint16_t half[3] = {0x3c00, 0x4000, 0x4200};
    static const uint16_t brain[3] = {0x3f80, 0x4000, 0x4040};
    message t, packed = {.size = 0};
    mlc_error error;
    (void)state;
    begin_tensor(&t, 1); /* raw */
    put_bytes(&t, 9, f, sizeof f);
    assert_int_equal(run_sum(&t, NULL, &error), MLC_OK);
    begin_tensor(&t, 1); /* packed floats */
    put_bytes(&t, 4, f, sizeof f);
    assert_int_equal(run_sum(&t, NULL, &error), MLC_OK);
    begin_tensor(&t, 1); /* one field each, and one field for two */
    put_float(&t, 4, 1);
    put_bytes(&t, 4, f + 1, 8);
    assert_int_equal(run_sum(&t, NULL, &error), MLC_OK);
    begin_tensor(&t, 11);
    put_bytes(&t, 9, d, sizeof d);
    assert_int_equal(run_sum(&t, NULL, &error), MLC_OK);
    begin_tensor(&t, 11);
    put_bytes(&t, 10, d, sizeof d);
    assert_int_equal(run_sum(&t, NULL, &error), MLC_OK);
    begin_tensor(&t, 10);
    put_bytes(&t, 9, half, sizeof half);
    assert_int_equal(run_sum(&t, NULL, &error), MLC_OK);
    begin_tensor(&t, 10); /* halves as int32_data, packed */
    for (int i = 0; i < 3; i++)
        put_varint(&packed, half[i]);
    put_message(&t, 5, &packed);
    assert_int_equal(run_sum(&t, NULL, &error), MLC_OK);
    begin_tensor(&t, 16);
    put_bytes(&t, 9, brain, sizeof brain);
    assert_int_equal(run_sum(&t, NULL, &error), MLC_OK);
    begin_tensor(&t, 1); /* unknown fields of every kind are skipped */
    put_number(&t, 1000, 7);
    put_text(&t, 1001, "new");
    put_float(&t, 1002, 1);
    put_varint(&t, 1003 << 3 | 3); /* a group with a field in it */
    put_number(&t, 1, 99);
    put_varint(&t, 1003 << 3 | 4);
    put_bytes(&t, 9, f, sizeof f);
    assert_int_equal(run_sum(&t, NULL, &error), MLC_OK);
}

static void expect(const message *t, const char *path, mlc_status status,
                   const char *words)
{
    mlc_error error;
    assert_int_equal(run_sum(t, path, &error), status);
    if (!strstr(error.text, words))
        fail_msg("\"%s\" lacks \"%s\"", error.text, words);
}

static void test_bad_tensors(void **state)
{
    static const float f[4] = {1, 2, 3, 4};
    message t;
    (void)state;
    begin_tensor(&t, 1);
    put_bytes(&t, 9, f, 16);
    expect(&t, NULL, MLC_CORRUPT,
           "tensor w: wrong number of bytes (expected 12, got 16)");
    begin_tensor(&t, 1);
    put_bytes(&t, 4, f, 8);
    expect(&t, NULL, MLC_CORRUPT,
           "tensor w: wrong number of values (expected 3, got 2)");
    begin_tensor(&t, 1);
    put_bytes(&t, 4, f, 11);
    expect(&t, NULL, MLC_CORRUPT, "packed numbers of a wrong length");
    begin_tensor(&t, 8);
    put_text(&t, 6, "a");
    expect(&t, NULL, MLC_CORRUPT,
           "tensor w: wrong number of texts (expected 3, got 1)");
    put_text(&t, 6, "b");
    put_text(&t, 6, "c");
    expect(&t, NULL, MLC_UNSUPPORTED, "values of type string");
    begin_tensor(&t, 1);
    put_number(&t, 1, (uint64_t)-1);
    expect(&t, NULL, MLC_CORRUPT, "an axis is negative or too long");
    begin_tensor(&t, 1);
    for (int i = 0; i < 7; i++)
        put_number(&t, 1, 1u << 30);
    expect(&t, NULL, MLC_CORRUPT, "a tensor is too large");
    begin_tensor(&t, 1); /* a length past the end */
    put_varint(&t, 9 << 3 | 2);
    put_varint(&t, (uint64_t)1 << 40);
    expect(&t, NULL, MLC_CORRUPT, "a length runs past the end");
    begin_tensor(&t, 1); /* a group that never ends */
    put_varint(&t, 99 << 3 | 3);
    expect(&t, NULL, MLC_CORRUPT, "a group never ends");
}

/* A small file that asks for as much memory as it can. */
static void test_bombs(void **state)
{
    static const int dims[] = {1, 3};
    message graph = {.size = 0}, m, t, shape = {.size = 0};
    mlc_error error;
    char from[16] = "c", to[16];
    (void)state;
    /* ones of 2^24 elements, then doubled and doubled */
    begin_tensor(&t, 7);
    t.size = 0;
    put_number(&t, 1, 1);
    put_number(&t, 2, 7);
    put_text(&t, 8, "s");
    put_varint(&shape, 1u << 24);
    put_message(&t, 7, &shape);
    put_port(&graph, 11, "x", 2, dims);
    put_port(&graph, 12, "y", 2, dims);
    put_message(&graph, 5, &t);
    put_node(&graph, "ConstantOfShape", "s", NULL, "c");
    for (int i = 0; i < 40; i++) {
        message node = {.size = 0}, axis = node;
        snprintf(to, sizeof to, "c%d", i);
        put_text(&node, 1, from);
        put_text(&node, 1, from);
        put_text(&node, 2, to);
        put_text(&node, 4, "Concat");
        put_text(&axis, 1, "axis");
        put_number(&axis, 3, 0);
        put_number(&axis, 20, 2);
        put_message(&node, 5, &axis);
        put_message(&graph, 1, &node);
        memcpy(from, to, sizeof from);
    }
    put_node(&graph, "Add", "x", from, "y");
    m = model_of(&graph);
    assert_int_equal(import(m.bytes, m.size, &error), MLC_UNSUPPORTED);
    assert_non_null(strstr(error.text, "too large"));
}

static void test_unsupported_are_listed(void **state)
{
    static const int dims[] = {1, 3};
    message graph = {.size = 0}, m;
    mlc_error error;
    (void)state;
    put_port(&graph, 11, "x", 2, dims);
    put_port(&graph, 12, "y", 2, dims);
    put_node(&graph, "NonMaxSuppression", "x", NULL, "a");
    put_node(&graph, "Relu", "a", NULL, "b");
    put_node(&graph, "Unique", "b", NULL, "c");
    put_node(&graph, "Einsum", "x", NULL, "unused");
    put_node(&graph, "Add", "b", "c", "y");
    m = model_of(&graph);
    assert_int_equal(import(m.bytes, m.size, &error), MLC_UNSUPPORTED);
    /* what no output needs does not matter */
    assert_string_equal(
        error.text,
        "not supported: NonMaxSuppression (node a), Unique (node c)");
}

static void test_many_unsupported(void **state)
{
    static const int dims[] = {1, 3};
    message graph = {.size = 0}, m;
    mlc_error error;
    char from[16] = "x", to[16];
    (void)state;
    put_port(&graph, 11, "x", 2, dims);
    put_port(&graph, 12, "v99", 2, dims);
    for (int i = 0; i < 100; i++) {
        snprintf(to, sizeof to, "v%d", i);
        put_node(&graph, "Unique", from, NULL, to);
        memcpy(from, to, sizeof from);
    }
    m = model_of(&graph);
    assert_int_equal(import(m.bytes, m.size, &error), MLC_UNSUPPORTED);
    assert_non_null(strstr(error.text, "Unique (node v0), Unique (node v1)"));
    assert_non_null(strstr(error.text, " more"));
}

/* Asking for what a graph cannot be is an error in every mode. */
static void test_modes(void **state)
{
    static const struct {
        const char *name;
        int mode;
        uint32_t window;
        mlc_status status;
        const char *words;
    } cases[] = {
        {"trimmed-time", MLI_WINDOW, 0, MLC_UNSUPPORTED,
         "a window length is needed: the graph's own is dynamic (mlinfer "
         "convert --window N)"},
        {"trimmed-time", MLI_WINDOW, 40, MLC_OK, ""},
        {"trimmed-time", MLI_STEP, 0, MLC_OK, ""},
        {"window-asked-for", -1, 0, MLC_UNSUPPORTED,
         "not a stream: node GlobalAveragePool"},
        {"window-asked-for", MLI_STREAM, 0, MLC_UNSUPPORTED,
         "not a stream: node GlobalAveragePool"},
        {"mean-over-time", -1, 0, MLC_UNSUPPORTED, "a window length is needed"},
        {"pools", MLI_STREAM, 0, MLC_UNSUPPORTED, "mixes time with other axes"},
        {"lstm-backwards", MLI_STREAM, 0, MLC_UNSUPPORTED,
         "runs backwards in time"},
        {"last-frame", MLI_STREAM, 0, MLC_UNSUPPORTED, "takes one frame of"},
        {"dense-step", MLI_WINDOW, 0, MLC_UNSUPPORTED, "--window N"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mlc_options options = MLC_OPTIONS_DEFAULT;
        mlc_image image;
        mlc_error error = {MLC_OK, ""};
        char name[64];
        file f;
        snprintf(name, sizeof name, "onnx-graphs/%s", cases[i].name);
        f = read_golden(name);
        options.mode = cases[i].mode;
        options.window = cases[i].window;
        memset(&image, 0, sizeof image);
        if (mlc_import_onnx(f.bytes, f.size, NULL, &options, &image, &error) !=
                cases[i].status ||
            !strstr(error.text, cases[i].words))
            fail_msg("%s, mode %d: status %d, \"%s\"", name, cases[i].mode,
                     error.status, error.text);
        mlc_image_free(&image);
        free(f.bytes);
    }
}

/* ----------------------------------------------------------- external ---- */

static char folder[] = "/tmp/mlinfer-onnx-XXXXXX";

static void external(message *t, const char *location, const char *offset,
                     const char *length)
{
    const char *pairs[3][2] = {
        {"location", location}, {"offset", offset}, {"length", length}};
    begin_tensor(t, 1);
    for (int i = 0; i < 3; i++) {
        message entry = {.size = 0};
        if (!pairs[i][1])
            continue;
        put_text(&entry, 1, pairs[i][0]);
        put_text(&entry, 2, pairs[i][1]);
        put_message(t, 13, &entry);
    }
    put_number(t, 14, 1);
}

static void write_floats(const char *path)
{
    static const float f[5] = {9, 1, 2, 3, 9};
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(f, 4, 5, out), 5);
    fclose(out);
}

static void test_external(void **state)
{
    char model[128], data[128], inside[128], link[128], outside[128];
    char pipe[128];
    message t;
    mlc_error error;
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(inside, sizeof inside, "%s/m", folder);
    assert_int_equal(mkdir(inside, 0700), 0);
    snprintf(model, sizeof model, "%s/m/model.onnx", folder);
    snprintf(data, sizeof data, "%s/m/w.data", folder);
    snprintf(link, sizeof link, "%s/m/link.data", folder);
    snprintf(pipe, sizeof pipe, "%s/m/pipe", folder);
    snprintf(outside, sizeof outside, "%s/secret", folder);
    write_floats(data);
    write_floats(outside);
    assert_int_equal(symlink(outside, link), 0);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    external(&t, "w.data", "4", "12");
    assert_int_equal(run_sum(&t, model, &error), MLC_OK);
    external(&t, "w.data", "4", NULL);
    assert_int_equal(run_sum(&t, model, &error), MLC_OK);
    external(&t, "./w.data", "4", "12");
    assert_int_equal(run_sum(&t, model, &error), MLC_OK);
    expect(&t, NULL, MLC_NOT_FOUND, "the model has no path");
    external(&t, "w.data", "12", "12");
    expect(&t, model, MLC_CORRUPT,
           "w.data is too short (expected 12 bytes from 12 on, the file has "
           "20)");
    external(&t, "w.data", "18446744073709551615", "12");
    expect(&t, model, MLC_CORRUPT, "is too short");
    external(&t, "w.data", "4", "16");
    expect(&t, model, MLC_CORRUPT, "wrong length (expected 12 bytes, got 16)");
    external(&t, "w.data", "-4", "12");
    expect(&t, model, MLC_CORRUPT, "is not an offset");
    external(&t, "none.data", NULL, NULL);
    expect(&t, model, MLC_NOT_FOUND, "none.data\" is not beside the model");
    external(&t, "../secret", "4", "12");
    expect(&t, model, MLC_CORRUPT, "outside of the model's folder");
    external(&t, outside, "4", "12");
    expect(&t, model, MLC_CORRUPT, "outside of the model's folder");
    external(&t, "link.data", "4", "12");
    expect(&t, model, MLC_CORRUPT, "outside of the model's folder");
    external(&t, "pipe", NULL, NULL); /* nobody writes: must not wait */
    expect(&t, model, MLC_NOT_FOUND, "\"pipe\" is not a file");
    external(&t, NULL, NULL, NULL);
    expect(&t, model, MLC_CORRUPT, "outside of the model's folder");
    external(&t, "", NULL, NULL);
    expect(&t, model, MLC_CORRUPT, "outside of the model's folder");
    external(&t, "..", NULL, NULL);
    expect(&t, model, MLC_CORRUPT, "outside of the model's folder");
    remove(data);
    remove(outside);
    remove(link);
    remove(pipe);
    rmdir(inside);
    rmdir(folder);
}

/* [1][4][1] zeros */
static void put_gates(message *graph, const char *name)
{
    static const float zeros[4];
    message t = {.size = 0};
    put_number(&t, 1, 1);
    put_number(&t, 1, 4);
    put_number(&t, 1, 1);
    put_number(&t, 2, 1);
    put_text(&t, 8, name);
    put_bytes(&t, 9, zeros, sizeof zeros);
    put_message(graph, 5, &t);
}

/* Whole numbers where texts should be count as no texts. */
static void test_wrong_lists(void **state)
{
    static const int x[] = {7, 1, 1}, y[] = {7, 1, 1, 1};
    message graph = {.size = 0}, node = graph, attr = graph, model;
    mlc_error error;
    (void)state;
    put_text(&attr, 1, "activations");
    for (int i = 0; i < 1000; i++)
        put_number(&attr, 8, 1);
    put_number(&attr, 20, 7);
    put_text(&node, 1, "x");
    put_text(&node, 1, "w");
    put_text(&node, 1, "r");
    put_text(&node, 2, "y");
    put_text(&node, 4, "LSTM");
    put_message(&node, 5, &attr);
    put_message(&graph, 1, &node);
    put_gates(&graph, "w");
    put_gates(&graph, "r");
    put_port(&graph, 11, "x", 3, x);
    put_port(&graph, 12, "y", 4, y);
    model = model_of(&graph);
    assert_int_equal(import(model.bytes, model.size, &error), MLC_OK);
}

/* Memory that a hostile file may take is bounded; not under the sanitizers,
   which map far more for themselves. */
static void limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__)
    struct rlimit limit = {(rlim_t)3 << 30, (rlim_t)3 << 30};
    setrlimit(RLIMIT_AS, &limit);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_bad_tensors),
        cmocka_unit_test(test_external),
        cmocka_unit_test(test_wrong_lists),
        cmocka_unit_test(test_unsupported_are_listed),
        cmocka_unit_test(test_many_unsupported),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_changed),
    };
    limit_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
