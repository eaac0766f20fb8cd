/*
 * tflite_import.c - a TensorFlow Lite file: its inputs and outputs, and how it
 * meets time.
 *
 * Such a model is a function of fixed shapes with, perhaps, states of its own:
 * a step model, one list in, one out. When a window is asked for, inputs of
 * [1, L, ...] are a window of L frames.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"
#include "text.h"
#include "taken.h"
#include "tflite_run.h"

#define MAX_CHANNELS ((uint64_t)1 << 22) /* of all ports: each has a record */
#define MEMORY       ((size_t)1 << 26)   /* beyond 16 times the file */

typedef struct import {
    tfl_model model;
    onnx_pool pool;
    onnx_exit exit;
    tfl_run run;
    ir_graph *g;
    const mlc_options *options;
    uint64_t channels;
} import;

static void count_channels(import *m, uint64_t n)
{
    m->channels += n;
    if (m->channels > MAX_CHANNELS)
        onnx_stop(&m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "too many numbers in and out (expected at most %llu)",
                  (unsigned long long)MAX_CHANNELS);
}

static void check_dims(import *m, const tfl_tensor *t)
{
    uint64_t n = 1;

    if (t->rank < 0)
        onnx_stop(&m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "input %s has more than %d axes", t->name, TFL_MAX_RANK);
    for (int i = 0; i < t->rank; i++) {
        n *= t->dims[i];
        if (n == 0 || n > MLI_MAX_ELEMENTS)
            onnx_stop(&m->exit, ONNX_WRONG, MLC_CORRUPT,
                      "input %s has no element, or too many", t->name);
    }
    count_channels(m, n);
    if (!tfl_type_size(t->type))
        onnx_stop(&m->exit, ONNX_WRONG, MLC_UNSUPPORTED, "input %s has type %s",
                  t->name, tfl_type_name(t->type));
}

/* What a signature calls it; else its own name without the exporter's parts. */
static const char *port_name(import *m, int which, uint32_t tensor,
                             const char *name)
{
    static const char prefix[] = "serving_default_";
    char *text;
    size_t n;

    for (uint32_t i = 0; i < m->model.name_count[which]; i++)
        if (m->model.names[which][i].tensor == tensor &&
            m->model.names[which][i].name[0])
            name = m->model.names[which][i].name;
    if (!strncmp(name, prefix, sizeof prefix - 1))
        name += sizeof prefix - 1;
    text = onnx_copy(&m->pool, name, strlen(name));
    n = strlen(text);
    if (n > 2 && text[n - 2] == ':' && text[n - 1] >= '0' && text[n - 1] <= '9')
        text[n - 2] = 0;
    mlc_make_utf8(text);
    mlc_make_line(text);
    return text[0] ? text : which ? "output" : "input";
}

/* Labels (may be NULL) and, of quantised numbers, their range. */
static void name_channels(import *m, const tfl_tensor *t, uint32_t channels,
                          const char *const *labels)
{
    float low = 0.f, high = 0.f, s = tfl_tensor_scale(t);

    if (s == 0.f && !labels)
        return;
    if (s > 0.f)
        tfl_range(t->type, tfl_zero(t), &low, &high);
    if (channels > 4096)
        channels = 4096; /* enough for every box; the rest is unknown */
    for (uint32_t i = 0; i < channels; i++)
        ir_channel_info(m->g, i, labels ? labels[i] : NULL, low * s, high * s,
                        0.f);
}

/* The window's frames if an input can be one, 0 if not. */
static uint32_t window_of(const tfl_tensor *t)
{
    return t->rank >= 2 && t->dims[0] == 1 ? t->dims[1] : 0;
}

/* The axis of time of a stream model's input: [1, frames, ...] has one unless
   it is a list beside others. */
static int has_time(const import *m, const tfl_tensor *t)
{
    return m->g->mode == MLI_STREAM && t->dims[0] == 1 &&
           (t->rank >= 3 ||
            (t->rank == 2 && m->model.subgraphs[0].in.count == 1));
}

/* [1, frames, ...] as frames. */
static ir_id timed_input(import *m, const char *name, const tfl_tensor *t)
{
    static const uint32_t one = 1;
    uint32_t rank = (uint32_t)t->rank - 1, dims[TFL_MAX_RANK] = {1};
    ir_id id = t->rank == 2 ? ir_input(m->g, name, 1, &one)
                            : ir_input(m->g, name, rank - 1, t->dims + 2);

    memcpy(dims + 1, t->dims + 2, (rank - 1) * sizeof *dims);
    if (id == IR_NONE)
        return IR_NONE;
    name_channels(m, t, m->g->port->channel_count, NULL);
    return ir_reshape(m->g, id, rank, dims);
}

static ir_id plain_input(import *m, const char *name, const tfl_tensor *t)
{
    uint32_t skip = m->g->mode == MLI_WINDOW ? 1 : 0;
    ir_id id =
        m->g->mode == MLI_STREAM
            ? ir_control(m->g, name, (uint32_t)t->rank, t->dims)
            : ir_input(m->g, name, (uint32_t)t->rank - skip, t->dims + skip);

    if (id == IR_NONE)
        return IR_NONE;
    name_channels(m, t, m->g->port->channel_count, NULL);
    return ir_reshape(m->g, id, (uint32_t)t->rank, t->dims);
}

/* As long as the file says; where it does not, a length like no other. */
#define NO_LENGTH 65521u

static void set_time(const tfl_tensor *t, tfl_value *v)
{
    v->rank = (uint32_t)t->rank;
    memcpy(v->dims, t->dims, sizeof v->dims);
    v->dims[1] = t->dims[1] > 1 ? t->dims[1] : NO_LENGTH;
    v->time = 2;
    v->clean = 1;
}

static void make_input(import *m, uint32_t i, tfl_value *v)
{
    const tfl_subgraph *s = &m->model.subgraphs[0];
    uint32_t n = (uint32_t)flat_int_at(&s->in, i);
    const tfl_tensor *t = &s->tensors[n];
    const char *name = port_name(m, 0, n, t->name);
    int timed = has_time(m, t);
    ir_id id = timed ? timed_input(m, name, t) : plain_input(m, name, t);

    if (id == IR_NONE)
        return;
    if (tfl_quantised(t)) {
        id = ir_binary(m->g, MLI_DIV, id, ir_scalar(m->g, tfl_tensor_scale(t)));
        id = tfl_round(&m->run, id, t->type, tfl_zero(t));
        ir_note(m->g, "input %s: real numbers, rounded to (q - %d) * %g of %s",
                name, (int)tfl_zero(t), (double)tfl_tensor_scale(t),
                tfl_type_name(t->type));
    }
    tfl_set(&m->run, v, t, id);
    if (timed)
        set_time(t, v);
}

/* As late as the latest, and [1, ...] as [...]. */
static void settle_output(import *m, tfl_value *v, const char *name)
{
    if (!v->time)
        onnx_stop(&m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "output %s has no time (expected mode step or window)", name);
    v->id = tfl_settled(&m->run, v, m->g->latency);
    if (v->time == 2 && v->dims[0] == 1 && v->rank > 2)
        v->id = ir_reshape(m->g, v->id, v->rank - 2, v->dims + 2);
    else if (v->time == 2 && v->dims[0] == 1)
        v->id = ir_reshape(m->g, v->id, 0, NULL);
}

static void make_output(import *m, uint32_t i, tfl_value *values)
{
    const tfl_subgraph *s = &m->model.subgraphs[0];
    uint32_t n = (uint32_t)flat_int_at(&s->out, i);
    const tfl_tensor *t = &s->tensors[n];
    const char *name = port_name(m, 1, n, t->name);
    tfl_value *v = &values[n];
    ir_id id;

    if (v->broken || v->variable || v->complex) {
        if (!m->run.unsupported[0])
            onnx_stop(&m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                      "output %s holds no real numbers", name);
        return;
    }
    if (m->g->mode == MLI_STREAM)
        settle_output(m, v, name);
    id = tfl_real(&m->run, v);
    if (m->g->mode == MLI_WINDOW && v->rank >= 2 && v->dims[0] == 1)
        id = ir_reshape(m->g, id, v->rank - 1, v->dims + 1);
    if (ir_good(m->g, id))
        count_channels(m, m->g->values[id].elements);
    ir_output(m->g, name, id);
    if (ir_good(m->g, id)) {
        name_channels(m, t, m->g->port->channel_count,
                      tfl_labels(&m->model, i, m->g->port->channel_count));
        if (v->scale > 0.f)
            ir_note(m->g, "output %s: real numbers, (q - %d) * %g of %s", name,
                    (int)tfl_zero(t), (double)tfl_tensor_scale(t),
                    tfl_type_name(t->type));
    }
}

static mli_mode choose_mode(import *m)
{
    const tfl_subgraph *s = &m->model.subgraphs[0];
    int asked = m->options ? m->options->mode : -1;
    uint32_t window = 0;

    if (asked == MLI_STREAM)
        return MLI_STREAM;
    if (asked != MLI_WINDOW)
        return MLI_STEP;
    for (uint32_t i = 0; i < s->in.count; i++) {
        uint32_t w = window_of(&s->tensors[flat_int_at(&s->in, i)]);
        if (!w || (window && w != window))
            onnx_stop(&m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                      "no window: its inputs are not [1, frames, ...]");
        window = w;
    }
    if (m->options->window && m->options->window != window)
        onnx_stop(&m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "its window cannot be chosen (expected %u, got %u)", window,
                  m->options->window);
    m->g->window = window;
    return window ? MLI_WINDOW : MLI_STEP;
}

static void say_mode(import *m)
{
    const tfl_subgraph *s = &m->model.subgraphs[0];
    int unknown = 0;

    for (uint32_t i = 0; i < s->in.count; i++)
        unknown |= s->tensors[flat_int_at(&s->in, i)].unknown;
    if (m->g->mode == MLI_STREAM)
        ir_note(m->g, "a stream model, as asked: the second axis is time");
    else if (m->g->mode == MLI_WINDOW)
        ir_note(m->g, "a window model, as asked: %u frames", m->g->window);
    else
        ir_note(m->g,
                "a step model: a TensorFlow Lite graph has fixed shapes%s",
                s->in.count == 1 &&
                        window_of(&s->tensors[flat_int_at(&s->in, 0)]) > 1
                    ? " (--mode window makes its second axis time)"
                    : "");
    if (m->g->latency)
        ir_note(m->g,
                "latency %u frames: layers look ahead, or lack padding "
                "in front",
                m->g->latency);
    if (unknown && m->g->mode != MLI_STREAM)
        ir_note(m->g, "axes of unknown length are bound to 1");
    if (m->run.variable_count)
        ir_note(m->g, "%u state%s kept from run to run", m->run.variable_count,
                m->run.variable_count == 1 ? "" : "s");
}

static void find_latency(import *m, const tfl_value *values)
{
    const tfl_subgraph *s = &m->model.subgraphs[0];

    for (uint32_t i = 0; i < s->out.count; i++) {
        const tfl_value *v = &values[flat_int_at(&s->out, i)];
        if (v->late > m->g->latency)
            m->g->latency = v->late;
    }
}

static void count_parameters(import *m)
{
    uint64_t n = 0, all;

    for (uint32_t k = 0; k < m->model.subgraph_count; k++) {
        const tfl_subgraph *s = &m->model.subgraphs[k];
        for (uint32_t i = 0; i < s->tensor_count; i++) {
            const tfl_tensor *t = &s->tensors[i];
            if (!t->raw || t->rank < 0 ||
                (tfl_whole(t->type) && !t->scales.count))
                continue;
            all = 1;
            for (int d = 0; d < t->rank && all <= MLI_MAX_ELEMENTS; d++)
                all *= t->dims[d];
            n += all <= MLI_MAX_ELEMENTS ? all : 0;
        }
    }
    m->g->parameters = n;
}

static void walk(import *m)
{
    const tfl_subgraph *s = &m->model.subgraphs[0];
    tfl_value *values, **in;
    char more[40] = "";

    for (uint32_t i = 0; i < s->in.count; i++)
        check_dims(m, &s->tensors[flat_int_at(&s->in, i)]);
    m->g->mode = choose_mode(m);
    in = onnx_take(&m->pool, s->in.count, sizeof *in);
    for (uint32_t i = 0; i < s->in.count; i++) {
        in[i] = onnx_take(&m->pool, 1, sizeof **in);
        make_input(m, i, in[i]);
    }
    values = tfl_walk(&m->run, 0, in, s->in.count);
    ir_at(m->g, NULL);
    if (!m->run.unsupported[0] && !m->g->error[0]) {
        find_latency(m, values);
        for (uint32_t i = 0; i < s->out.count; i++)
            make_output(m, i, values);
        tfl_end_variables(&m->run);
    }
    if (m->run.unsupported_more)
        snprintf(more, sizeof more, "; and %d more", m->run.unsupported_more);
    if (m->run.unsupported[0])
        onnx_stop(&m->exit, ONNX_WRONG, MLC_UNSUPPORTED, "%s%s",
                  m->run.unsupported, more);
    say_mode(m);
    count_parameters(m);
    if (m->model.description[0])
        ir_set_meta(m->g, "description",
                    port_name(m, 1, UINT32_MAX, m->model.description));
    ir_set_meta(m->g, "source", "TensorFlow Lite");
}

static void start(import *m, size_t size, mlc_error *error)
{
    m->exit.error = error;
    m->pool.exit = &m->exit;
    m->pool.limit = MEMORY + 16 * size;
    m->run.model = &m->model;
    m->run.pool = &m->pool;
    m->run.exit = &m->exit;
    m->run.g = m->g;
    m->run.built_limit = ((uint64_t)1 << 24) + 64 * (uint64_t)size;
}

/* Read and built; 0 with the error filled in. */
static int build(import *m, const uint8_t *bytes, size_t size)
{
    if (setjmp(m->exit.jump) != 0)
        return 0;
    tfl_read(&m->model, bytes, size, &m->pool);
    walk(m);
    return 1;
}

/* taken: the bytes, if they may be freed when they have been read; or NULL. */
static mlc_status run_import(const uint8_t *bytes, size_t size, uint8_t **taken,
                             const mlc_options *options, mlc_image *image,
                             mlc_error *error)
{
    mlc_error unseen = {0}, *said = error ? error : &unseen;
    mlc_status status;
    import *m = calloc(1, sizeof *m);
    int built;

    memset(image, 0, sizeof *image);
    if (m)
        m->g = ir_new(MLI_STEP);
    if (!m || !m->g) {
        free(m);
        return mlc_fail(said, MLC_MEMORY, "out of memory");
    }
    m->options = options;
    start(m, size, said);
    built = build(m, bytes, size);
    onnx_pool_free(&m->pool);
    if (built && taken) {
        free(*taken);
        *taken = NULL;
    }
    if (built) {
        status = mlc_finish(m->g, options, image, said);
    } else {
        ir_free(m->g);
        status = said->status;
    }
    free(m);
    return status;
}

mlc_status mlc_import_tflite(const uint8_t *bytes, size_t size,
                             const mlc_options *options, mlc_image *image,
                             mlc_error *error)
{
    return run_import(bytes, size, NULL, options, image, error);
}

mlc_status mlc_take_tflite(uint8_t **bytes, size_t size,
                           const mlc_options *options, mlc_image *image,
                           mlc_error *error)
{
    return run_import(*bytes, size, bytes, options, image, error);
}
