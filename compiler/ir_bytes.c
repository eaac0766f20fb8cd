/*
 * ir_bytes.c - 8-bit weights into the one order, a byte each.
 */
#include <string.h>
#include "ir_build.h"
#include "ir_linear.h"

/* The matrices that a layer has. */
typedef struct shape {
    uint32_t matrices, outputs, taps, inputs;
} shape;

static size_t place(const ir_bytes *w, size_t o, uint32_t k, uint32_t i)
{
    return o * w->output + k * w->tap + i * w->input;
}

/* As floats. */
static ir_id widen(ir_graph *g, const shape *s, const ir_bytes *w)
{
    uint64_t one = mli_packed_size(s->outputs, s->taps, s->inputs);
    float *data = ir_floats(g, one * s->matrices);
    size_t row = 0;

    if (!data)
        return IR_NONE;
    for (uint32_t n = 0; n < s->matrices; n++)
        for (uint32_t o = 0; o < s->outputs; o++, row++)
            for (uint32_t k = 0; k < s->taps; k++)
                for (uint32_t i = 0; i < s->inputs; i++)
                    data[n * one + mli_packed_index(s->outputs, s->taps,
                                                    s->inputs, o, k, i)] =
                        (w->scale ? w->scale[row] : 1.f) *
                        w->w[place(w, row, k, i)];
    return ir_take(g, IR_PACKED, one * s->matrices, data);
}

/* One matrix, the first output of which is output `first` of all. */
static void pack(const shape *s, const ir_bytes *w, size_t first, int8_t *to)
{
    for (uint32_t base = 0; base < s->outputs; base += MLI_PANEL) {
        uint32_t left = s->outputs - base;
        uint32_t real = left < MLI_PANEL ? left : MLI_PANEL;
        uint32_t width = (real + 3u) / 4u * 4u;

        for (uint32_t k = 0; k < s->taps; k++)
            for (uint32_t i = 0; i < s->inputs; i++, to += width) {
                const int8_t *from = w->w + place(w, first + base, k, i);
                for (uint32_t o = 0; o < real; o++)
                    to[o] = from[o * w->output];
            }
    }
}

ir_id ir_pack_bytes(ir_graph *g, uint32_t inputs, uint32_t outputs,
                    uint32_t taps, uint32_t groups, const ir_bytes *w)
{
    shape s = {groups, outputs / groups, taps, inputs / groups};
    uint32_t quads = (s.outputs + 3u) / 4u * 4u;
    /* quads * taps < 2^56 and one more factor: bounded step by step */
    uint64_t products = (uint64_t)taps * s.inputs, rows, floats;
    float *data, *scale;
    ir_id id;

    if (products > MLI_MAX_ELEMENTS ||
        (uint64_t)quads * groups > MLI_MAX_ELEMENTS ||
        (uint64_t)quads * groups * products > MLI_MAX_ELEMENTS) {
        ir_fail(g, "too many weights (%u outputs, %u taps, %u inputs)", outputs,
                taps, inputs);
        return IR_NONE;
    }
    if (s.outputs == 1 && s.inputs == 1 && groups > 1) {
        s.matrices = 1;
        s.outputs = groups;
        return widen(g, &s, w);
    }
    if (s.outputs == 1)
        return widen(g, &s, w);
    rows = (uint64_t)quads * groups;
    floats = mli_stored_floats(MLI_INT8, rows, products);
    data = ir_floats(g, floats);
    if (!data)
        return IR_NONE;
    scale = data + mli_stored_bytes(MLI_INT8, rows, products) / 4u;
    for (uint32_t n = 0; n < groups; n++) {
        pack(&s, w, (size_t)n * s.outputs,
             (int8_t *)data + (size_t)n * quads * products);
        for (uint32_t o = 0; o < quads; o++)
            scale[n * quads + o] =
                o < s.outputs && w->scale ? w->scale[n * s.outputs + o] : 1.f;
    }
    id = ir_take(g, IR_PACKED, floats, data);
    if (id == IR_NONE)
        return IR_NONE;
    g->values[id].storage = MLI_INT8;
    g->values[id].rank = 2;
    g->values[id].dims[0] = (uint32_t)rows;
    g->values[id].dims[1] = (uint32_t)products;
    g->values[id].elements = rows * products;
    return id;
}
