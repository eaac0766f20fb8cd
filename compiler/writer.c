/*
 * writer.c - the layout of format.h, section by section. The same program gives
 * the same bytes, always.
 */
#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "image.h"
#include "writer.h"

/* Numbers that go to DATA: copied once, when the file has its size. */
typedef struct piece {
    const float *data;
    uint32_t floats; /* from the start of DATA */
    uint64_t n;
    ir_id value; /* whose numbers they are, or IR_NONE */
} piece;

typedef struct writer {
    const mlc_program *p;
    mlc_texts texts;
    mlc_bytes section[MLI_SEC_COUNT]; /* but STRINGS, which is in texts, and
                                         DATA: */
    mlc_bytes pieces;
    uint64_t floats; /* of DATA */
    uint32_t states;
    uint32_t channels;
} writer;

/* Append floats to DATA at a multiple of 16; answers where. */
static uint32_t put_floats(writer *w, const float *data, uint64_t n,
                           ir_id value)
{
    piece p = {data, (uint32_t)((w->floats + 15) / 16 * 16), n, value};

    w->floats = (w->floats + 15) / 16 * 16 + n;
    mlc_put(&w->pieces, &p, sizeof p);
    return p.floats;
}

#define GIVEN_BACK 262144u /* bytes at a time */

/* The numbers of a value to the file, and their memory back: from the end, so
   that the two hardly ever need room at once. */
static void move_value(ir_value *v, uint8_t *to, size_t bytes)
{
    while (bytes > GIVEN_BACK) {
        float *less;

        bytes -= GIVEN_BACK;
        memcpy(to + bytes, (const uint8_t *)v->data + bytes, GIVEN_BACK);
        less = realloc(v->data, bytes);
        if (less)
            v->data = less;
    }
    memcpy(to, v->data, bytes);
    free(v->data);
    v->data = NULL;
}

/* DATA, zeros between the pieces and up to `size`. */
static void copy_pieces(const writer *w, ir_graph *spent, uint8_t *to,
                        size_t size)
{
    const piece *p = (const void *)w->pieces.data;
    size_t end = 0;

    for (size_t i = 0; i < w->pieces.size / sizeof *p; i++) {
        size_t begin = (size_t)p[i].floats * sizeof(float);
        size_t bytes = (size_t)p[i].n * sizeof(float);

        memset(to + end, 0, begin - end);
        if (spent && p[i].value != IR_NONE)
            move_value(&spent->values[p[i].value], to + begin, bytes);
        else
            memcpy(to + begin, p[i].data, bytes);
        end = begin + bytes;
    }
    memset(to + end, 0, size - end);
}

static void write_meta(writer *w)
{
    const ir_graph *g = w->p->g;

    for (uint32_t i = 0; i < g->meta_count; i++) {
        mli_file_meta m = {mlc_text(&w->texts, g->meta[i].key),
                           mlc_text(&w->texts, g->meta[i].value)};
        mlc_put(&w->section[MLI_SEC_META], &m, sizeof m);
    }
}

/* Records behind those of the ports before. Most channels have nothing to say:
   their records are zeros, and many at the end only counted. */
static void write_channels(writer *w, const ir_port *port, uint32_t first)
{
    mlc_bytes *section = &w->section[MLI_SEC_CHANNELS];

    mlc_put(section, NULL, first * sizeof(mli_file_channel) - section->size);
    for (uint32_t c = 0; c < port->channel_count; c++) {
        mli_file_channel channel = {0};

        channel.label = mlc_text(&w->texts, port->channels[c].label);
        channel.low = port->channels[c].low;
        channel.high = port->channels[c].high;
        channel.initial = port->channels[c].initial;
        mlc_put(section, &channel, sizeof channel);
    }
}

static void write_port(writer *w, const ir_port *port)
{
    mli_file_port f = {0};

    f.tensor = w->p->tensor_of[port->value];
    f.name = mlc_text(&w->texts, port->name);
    f.kind = port->kind;
    f.flags = port->classes ? MLI_PORT_CLASSES : 0;
    f.frames = port->frames;
    f.channels = port->channel_count;
    f.first_channel = w->channels;
    w->channels += f.channels;
    mlc_put(&w->section[MLI_SEC_PORTS], &f, sizeof f);
    if (port->channels)
        write_channels(w, port, f.first_channel);
}

static void write_tensor(writer *w, const mlc_tensor *t)
{
    const ir_value *v = &w->p->g->values[t->value];
    mli_file_tensor f = {0};

    f.region = v->constant ? MLI_CONSTANT : MLI_ARENA;
    f.flags = v->timed ? MLI_TIMED : 0;
    f.offset = v->constant ? put_floats(w, v->data, ir_data_floats(v), t->value)
                           : t->offset;
    f.rank = v->rank;
    memcpy(f.dims, v->dims, v->rank * sizeof f.dims[0]);
    f.first = t->first;
    f.last = t->last;
    f.period = mlc_period(&w->p->rates, v);
    f.storage = v->storage;
    mlc_put(&w->section[MLI_SEC_TENSORS], &f, sizeof f);
}

static void write_states(writer *w, const ir_node *node)
{
    for (uint32_t i = 0; i < node->state_count; i++) {
        const ir_state *s = &node->states[i];
        mli_file_state f = {s->frames, s->width, 0, 0};

        if (s->init) {
            f.init_frames = s->init_frames;
            f.init = put_floats(w, s->init, (uint64_t)s->init_frames * s->width,
                                IR_NONE);
        }
        mlc_put(&w->section[MLI_SEC_STATES], &f, sizeof f);
    }
    w->states += node->state_count;
}

/* The number in the file of a node of the graph: ops rise. */
static uint32_t op_of(const mlc_program *p, uint32_t node)
{
    uint32_t low = 0, high = p->op_count;

    while (low + 1u < high) {
        uint32_t middle = low + (high - low) / 2u;

        if (p->ops[middle] > node)
            high = middle;
        else
            low = middle;
    }
    return low;
}

static void write_op(writer *w, const ir_node *node)
{
    mlc_bytes *operands = &w->section[MLI_SEC_OPERANDS];
    mli_file_op f = {0};

    f.type = (uint16_t)node->type;
    f.inputs = (uint16_t)node->inputs;
    f.outputs = 1;
    f.fn = (uint16_t)node->fn;
    f.fp = node->fp;
    f.fq = node->fq;
    f.operand = (uint32_t)(operands->size / sizeof(uint32_t));
    f.state = node->state_count ? w->states : MLI_NONE;
    f.name = mlc_text(&w->texts, node->name);
    memcpy(f.p, node->p, sizeof f.p);
    if (node->type == MLI_OP_STORE)
        f.p[0] = op_of(w->p, node->p[0]);
    mlc_put(&w->section[MLI_SEC_OPS], &f, sizeof f);
    for (uint32_t i = 0; i < node->inputs; i++)
        mlc_put(operands, &w->p->tensor_of[node->in[i]], sizeof(uint32_t));
    mlc_put(operands, &w->p->tensor_of[node->out], sizeof(uint32_t));
    write_states(w, node);
}

static void fill_header(const writer *w, const mlc_figures *figures,
                        mli_file_header *h)
{
    const ir_graph *g = w->p->g;

    memcpy(h->magic, MLI_MAGIC, sizeof h->magic);
    h->version = MLI_FORMAT_VERSION;
    h->mode = g->mode;
    h->rate = g->rate;
    h->latency = g->latency + g->spread;
    h->spread = g->spread;
    h->receptive_field = figures->receptive_field;
    h->window = g->mode == MLI_WINDOW ? g->window : 0;
    h->hop = g->mode == MLI_WINDOW ? g->hop : 0;
    h->parameters = figures->parameters;
    h->macs = figures->macs;
    h->inputs = g->input_count;
    h->outputs = g->output_count;
    h->arena = w->p->arena;
    h->arena_bound = w->p->arena_bound;
}

/* Header and sections at their places, and the checksum. */
static mlc_status assemble(const writer *w, ir_graph *spent, mli_file_header *h,
                           uint8_t **bytes, size_t *size, mlc_error *error)
{
    uint64_t at = sizeof *h;
    const mlc_bytes *part[MLI_SEC_COUNT];
    mlc_bytes data = {.size = (size_t)w->floats * sizeof(float),
                      .failed = w->pieces.failed ||
                                w->floats > UINT32_MAX / sizeof(float)};

    for (int i = 0; i < MLI_SEC_COUNT; i++) {
        uint64_t n;

        part[i] = i == MLI_SEC_STRINGS ? &w->texts.pool
                  : i == MLI_SEC_DATA  ? &data
                                       : &w->section[i];
        n = i == MLI_SEC_CHANNELS
                ? (uint64_t)w->channels * sizeof(mli_file_channel)
                : part[i]->size;
        h->section[i].offset = (uint32_t)at;
        h->section[i].bytes = (uint32_t)n;
        at += (n + 63u) / 64u * 64u;
        if (part[i]->failed || at > UINT32_MAX)
            return mlc_fail(error, MLC_MEMORY,
                            "no memory for the model, or it is over 4 GiB");
    }
    h->file_bytes = (uint32_t)at;
    *size = (size_t)at;
    *bytes = mlc_room(*size);
    if (!*bytes)
        return mlc_fail(error, MLC_MEMORY, "no memory for %zu bytes", *size);
    memcpy(*bytes, h, sizeof *h);
    for (int i = 0; i < MLI_SEC_COUNT; i++) {
        uint8_t *to = *bytes + h->section[i].offset;
        size_t room = ((size_t)h->section[i].bytes + 63u) / 64u * 64u;

        if (i == MLI_SEC_DATA) {
            copy_pieces(w, spent, to, room);
            continue;
        }
        memset(to, 0, room);
        if (part[i]->data)
            memcpy(to, part[i]->data, part[i]->size);
    }
    h->crc32 = mli_file_crc32(*bytes, *size);
    memcpy(*bytes + offsetof(mli_file_header, crc32), &h->crc32,
           sizeof h->crc32);
    return MLC_OK;
}

mlc_status mlc_write(const mlc_program *p, const mlc_figures *figures,
                     ir_graph *spent, uint8_t **bytes, size_t *size,
                     mlc_error *error)
{
    writer w = {.p = p};
    mli_file_header h = {0};
    mlc_status status;

    mlc_text(&w.texts, "");
    write_meta(&w);
    for (uint32_t i = 0; i < p->g->input_count; i++)
        write_port(&w, &p->g->inputs[i]);
    for (uint32_t i = 0; i < p->g->output_count; i++)
        write_port(&w, &p->g->outputs[i]);
    for (uint32_t i = 0; i < p->tensor_count; i++)
        write_tensor(&w, &p->tensors[i]);
    for (uint32_t i = 0; i < p->op_count; i++)
        write_op(&w, mlc_op(p, i));
    fill_header(&w, figures, &h);
    status = assemble(&w, spent, &h, bytes, size, error);
    for (int i = 0; i < MLI_SEC_COUNT; i++)
        free(w.section[i].data);
    free(w.pieces.data);
    mlc_texts_free(&w.texts);
    return status;
}
