/*
 * test_hostile.c - small files that ask for much (tests/goldens/onnx-hostile,
 * made by make_onnx_hostile.py, and tflite-hostile, by tflite/hostile.py): an
 * answer in bounded time, whatever it is; a chain of decisions longer than any
 * stack; a name longer than any message; weights in a pipe.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp, mkfifo */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "compiler.h"
#include "stream_check.h"

#define LONGEST 5.0 /* seconds of the processor: slow machines as well */

/* said: NULL if it has to open. */
static void answer_of(const char *format, const char *name, const char *said)
{
    char path[4096];
    mlc_image image;
    mlc_error error;
    clock_t began = clock();
    double took;
    snprintf(path, sizeof path, "%s/tests/goldens/%s-hostile/%s.%s", root(),
             format, name, format);
    mlc_load(path, NULL, &image, &error);
    took = (double)(clock() - began) / CLOCKS_PER_SEC;
    if (took > LONGEST)
        fail_msg("%s took %.1f s", name, took);
    if (said ? !strstr(error.text, said) : error.status != MLC_OK)
        fail_msg("%s: \"%s\" (expected %s)", name, error.text,
                 said ? said : "a model");
    mlc_image_free(&image);
}

static void answer(const char *name, const char *said)
{
    answer_of("onnx", name, said);
}

static void test_ports(void **state)
{
    (void)state;
    answer("wide-output", "too many channels");
    answer("wide-input", "too many channels");
    answer("many-rows", "a batch of 100");
}

static void test_constants(void **state)
{
    (void)state;
    answer("powers", "take too long");
    answer("products", "more memory than is allowed");
    answer("prime-transform", NULL);
    answer("rounds", "take too long");
    answer("round-sorts", "node t.");
    answer("round-transposes", "take too long");
    answer("round-sums", "take too long");
    answer("deep-one-hot", "node t: the model needs more memory");
    answer("range-overflow", NULL);
}

static void test_memory(void **state)
{
    (void)state;
    answer("far-back", "too much memory to run (expected at most 1024 MB");
}

/* What is not computed here is computed by the runtime; a loop has to be. */
static void test_tflite(void **state)
{
    static const char *const said[][2] = {
        {"powers", NULL},
        {"products", NULL},
        {"round-powers", "takes too long to count"},
        {"round-softmax", "takes too long to count"},
        {"round-sums", "takes too long to count"},
        {"round-transposes", "takes too long to count"},
        {"round-sorts", "takes too long to count"},
        {"round-numbers", "takes too long to count"},
        {"wide", "node TILE 1: an axis of 1073741824"},
        {"deep-one-hot", "node ONE_HOT 0: a depth of 268435456"},
        {"range", "node RANGE 0: a range of 2.14748e+09"},
        {"many-taps", "node CONV_2D 2: computed weights"}};
    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        answer_of("tflite", said[i][0], said[i][1]);
}

/* ------------------------------------------------------- a long chain ---- */

typedef struct message {
    uint8_t *bytes;
    size_t size, room;
} message;

static void put(message *m, const void *bytes, size_t n)
{
    while (m->size + n > m->room) {
        m->room = 2 * m->room + n;
        m->bytes = realloc(m->bytes, m->room);
        assert_non_null(m->bytes);
    }
    memcpy(m->bytes + m->size, bytes, n);
    m->size += n;
}

static void put_number(message *m, uint64_t n)
{
    uint8_t byte;
    do {
        byte = (uint8_t)((n & 127) | (n > 127 ? 128 : 0));
        put(m, &byte, 1);
    } while (n >>= 7);
}

static void put_field(message *m, unsigned field, const void *bytes, size_t n)
{
    put_number(m, field << 3 | 2);
    put_number(m, n);
    put(m, bytes, n);
}

static void put_text(message *m, unsigned field, const char *text)
{
    put_field(m, field, text, strlen(text));
}

static void put_inside(message *m, unsigned field, message *inner)
{
    put_field(m, field, inner->bytes, inner->size);
    free(inner->bytes);
    memset(inner, 0, sizeof *inner);
}

/* Branches are the even nodes, leaves the odd ones and the last. */
enum { NODES = 40001 };

static uint64_t ascending(uint32_t i)
{
    return i;
}

static uint64_t zero(uint32_t i)
{
    (void)i;
    return 0;
}

static uint64_t leaf_after(uint32_t i)
{
    return i % 2 || i == NODES - 1 ? 0 : i + 1;
}

static uint64_t branch_after(uint32_t i)
{
    return i % 2 || i == NODES - 1 ? 0 : i + 2;
}

static uint64_t last(uint32_t i)
{
    (void)i;
    return NODES - 1;
}

static void put_list(message *node, const char *name, uint32_t count,
                     uint64_t (*of)(uint32_t))
{
    message attribute = {0}, list = {0};
    put_text(&attribute, 1, name);
    for (uint32_t i = 0; i < count; i++)
        put_number(&list, of(i));
    put_inside(&attribute, 8, &list);
    put_inside(node, 5, &attribute);
}

static void put_floats(message *node, const char *name, uint32_t count)
{
    message attribute = {0};
    float *zeros = calloc(count, sizeof *zeros);
    put_text(&attribute, 1, name);
    put_field(&attribute, 7, zeros, count * sizeof *zeros);
    free(zeros);
    put_inside(node, 5, &attribute);
}

static void put_chain(message *node)
{
    message modes = {0};
    put_text(node, 1, "x");
    put_text(node, 2, "y");
    put_text(node, 4, "TreeEnsembleRegressor");
    put_text(node, 7, "ai.onnx.ml");
    put_list(node, "nodes_treeids", NODES, zero);
    put_list(node, "nodes_nodeids", NODES, ascending);
    put_list(node, "nodes_featureids", NODES, zero);
    put_list(node, "nodes_truenodeids", NODES, leaf_after);
    put_list(node, "nodes_falsenodeids", NODES, branch_after);
    put_floats(node, "nodes_values", NODES);
    put_text(&modes, 1, "nodes_modes");
    for (uint32_t i = 0; i < NODES; i++)
        put_text(&modes, 9, leaf_after(i) ? "BRANCH_LEQ" : "LEAF");
    put_inside(node, 5, &modes);
    put_list(node, "target_treeids", 1, zero);
    put_list(node, "target_nodeids", 1, last);
    put_list(node, "target_ids", 1, zero);
    put_floats(node, "target_weights", 1);
}

static void put_port(message *graph, unsigned field, const char *name)
{
    static const uint8_t type[] = {10, 12, 8, 1,  18, 8, 10,
                                   2,  8,  1, 10, 2,  8, 1};
    message port = {0};
    put_text(&port, 1, name);
    put_field(&port, 2, type, sizeof type);
    put_inside(graph, field, &port);
}

static void put_opset(message *model, const char *domain, uint8_t version)
{
    message opset = {0};
    put_text(&opset, 1, domain);
    put(&opset, (uint8_t[]){2 << 3, version}, 2);
    put_inside(model, 8, &opset);
}

static void test_chain(void **state)
{
    message model = {0}, graph = {0}, node = {0};
    mlc_image image;
    mlc_error error = {0};
    (void)state;
    put_chain(&node);
    put_inside(&graph, 1, &node);
    put_port(&graph, 11, "x");
    put_port(&graph, 12, "y");
    put(&model, (uint8_t[]){1 << 3, 8}, 2);
    put_inside(&model, 7, &graph);
    put_opset(&model, "", 18);
    put_opset(&model, "ai.onnx.ml", 3);
    if (mlc_import_onnx(model.bytes, model.size, NULL, NULL, &image, &error))
        fail_msg("%s", error.text);
    mlc_image_free(&image);
    free(model.bytes);
}

static void put_node(message *graph, const char *domain, const char *op,
                     const char *name, const char *to)
{
    message node = {0};
    put_text(&node, 1, "x");
    put_text(&node, 2, to);
    put_text(&node, 3, name);
    put_text(&node, 4, op);
    put_text(&node, 7, domain);
    put_inside(graph, 1, &node);
}

/* A domain longer than any message hides no other node. */
static void test_domain(void **state)
{
    message model = {0}, graph = {0};
    mlc_image image;
    mlc_error error = {0};
    char domain[601];
    (void)state;
    memset(domain, 'd', 600);
    domain[600] = '\0';
    put_node(&graph, domain, "Wobble", "first", "y");
    put_node(&graph, "", "Wabble", "second", "z");
    put_port(&graph, 11, "x");
    put_port(&graph, 12, "y");
    put_port(&graph, 12, "z");
    put(&model, (uint8_t[]){1 << 3, 8}, 2);
    put_inside(&model, 7, &graph);
    put_opset(&model, "", 18);
    assert_int_equal(
        mlc_import_onnx(model.bytes, model.size, NULL, NULL, &image, &error),
        MLC_UNSUPPORTED);
    if (!strstr(error.text, "d.Wobble (node first), Wabble (node second)"))
        fail_msg("%s", error.text);
    free(model.bytes);
}

/* -------------------------------------------------- beside the model ---- */

/* To open a pipe would wait for somebody to write into it. */
static void test_pipe(void **state)
{
    static const char text[] = "{\"mlinfer\": 1, \"weights\": \"pipe\", "
                               "\"inputs\": 1, "
                               "\"layers\": [{\"type\": \"linear\"}]}";
    char folder[] = "/tmp/mlinfer-XXXXXX", path[64], pipe[64];
    mlc_image image;
    mlc_error error = {0};
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.json", folder);
    snprintf(pipe, sizeof pipe, "%s/pipe", folder);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    alarm(20);
    assert_int_not_equal(mlc_import_layers((const uint8_t *)text,
                                           sizeof text - 1, path, NULL, &image,
                                           &error),
                         MLC_OK);
    alarm(0);
    assert_non_null(strstr(error.text, "pipe"));
    unlink(pipe);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports),  cmocka_unit_test(test_constants),
        cmocka_unit_test(test_memory), cmocka_unit_test(test_tflite),
        cmocka_unit_test(test_chain),  cmocka_unit_test(test_domain),
        cmocka_unit_test(test_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
