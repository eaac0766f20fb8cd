/* tflite_blocks.c - blocks of space as channels or as batches. */
#include <string.h>
#include "ir_build.h"
#include "tflite_run.h"

void tfl_do_depth_to_space(tfl_run *r, tfl_call *c, int back)
{
    static const uint32_t order[6] = {0, 1, 3, 2, 4, 5};
    tfl_value *v = c->in[0];
    uint32_t b = (uint32_t)tfl_option_int(c, 0, 0), d[6], to[4];
    const uint32_t *n = v->dims;
    ir_id x = tfl_id(r, v);

    if (v->rank != 4 || b < 1 || b > 4096 ||
        (back ? n[1] % b || n[2] % b : n[3] % (b * b)))
        tfl_bad(r, c, "blocks of %u do not fit", b);
    d[0] = n[0];
    d[1] = back ? n[1] / b : n[1];
    d[2] = back ? b : n[2];
    d[3] = back ? n[2] / b : b;
    d[4] = b;
    d[5] = back ? n[3] : n[3] / (b * b);
    to[0] = n[0];
    to[1] = back ? n[1] / b : n[1] * b;
    to[2] = back ? n[2] / b : n[2] * b;
    to[3] = back ? n[3] * b * b : n[3] / (b * b);
    x = ir_reshape(r->g, x, 6, d);
    x = ir_transpose(r->g, x, order);
    tfl_put_like(r, c, 0, ir_reshape(r->g, x, 4, to), v);
}

/*
 * Blocks of space as batches, [B, S.., rest] to [prod(block) B, S../block..,
 * rest], and back; the first batches are those of the first places in a block.
 */
typedef struct blocks {
    uint32_t count, size[3];
    int64_t pad[3][2];
} blocks;

static int read_blocks(tfl_run *r, tfl_call *c, blocks *b)
{
    uint32_t n;
    const tfl_value *v = c->in[0];
    const int64_t *size = tfl_known(r, c, 1, &b->count, "blocks");
    const int64_t *pad = size ? tfl_known(r, c, 2, &n, "paddings") : NULL;

    if (!pad)
        return 0;
    if (b->count < 1 || b->count > 3 || v->rank < b->count + 1 ||
        v->rank + b->count > TFL_MAX_RANK || n != 2 * b->count)
        tfl_bad(r, c, "blocks of %u axes, %u paddings for %u axes", b->count, n,
                v->rank);
    for (uint32_t i = 0; i < b->count; i++) {
        b->size[i] = tfl_dim(r, c, size[i]);
        for (int k = 0; k < 2; k++) {
            b->pad[i][k] = pad[2 * i + (uint32_t)k];
            if (b->pad[i][k] < 0 || b->pad[i][k] > (int64_t)MLI_MAX_ELEMENTS)
                tfl_bad(r, c, "padding by %lld", (long long)b->pad[i][k]);
        }
    }
    return 1;
}

static ir_id padded(tfl_run *r, const blocks *b, ir_id x)
{
    for (uint32_t i = 0; i < b->count; i++)
        x = ir_pad(r->g, x, 1 + i, (uint32_t)b->pad[i][0],
                   (uint32_t)b->pad[i][1], 0.f);
    return x;
}

static ir_id to_batches(tfl_run *r, tfl_call *c, const blocks *b, ir_id x)
{
    uint32_t split[TFL_MAX_RANK], order[TFL_MAX_RANK], dims[TFL_MAX_RANK];
    uint32_t rank = 0, m = b->count, n = c->in[0]->rank;

    if (!ir_good(r->g, x))
        return IR_NONE;
    memcpy(dims, r->g->values[x].dims, sizeof dims);
    split[rank++] = dims[0];
    for (uint32_t i = 0; i < m; i++) {
        if (dims[1 + i] % b->size[i])
            tfl_bad(r, c, "an axis of %u in blocks of %u", dims[1 + i],
                    b->size[i]);
        dims[1 + i] /= b->size[i];
        dims[0] *= b->size[i];
        split[rank++] = dims[1 + i];
        split[rank++] = b->size[i];
    }
    for (uint32_t i = 1 + m; i < n; i++)
        split[rank++] = dims[i];
    for (uint32_t i = 0; i < m; i++) {
        order[i] = 2 + 2 * i;
        order[m + 1 + i] = 1 + 2 * i;
    }
    order[m] = 0;
    for (uint32_t i = 2 * m + 1; i < rank; i++)
        order[i] = i;
    x = ir_reshape(r->g, x, rank, split);
    return ir_reshape(r->g, ir_transpose(r->g, x, order), n, dims);
}

static ir_id from_batches(tfl_run *r, tfl_call *c, const blocks *b, ir_id x)
{
    uint32_t split[TFL_MAX_RANK], order[TFL_MAX_RANK], dims[TFL_MAX_RANK];
    uint32_t rank = 0, m = b->count, n = c->in[0]->rank;

    memcpy(dims, c->in[0]->dims, sizeof dims);
    for (uint32_t i = 0; i < m; i++) {
        if (dims[0] % b->size[i])
            tfl_bad(r, c, "%u batches in blocks of %u", dims[0], b->size[i]);
        dims[0] /= b->size[i];
        split[rank++] = b->size[i];
    }
    split[rank++] = dims[0];
    for (uint32_t i = 1; i < n; i++)
        split[rank++] = dims[i];
    order[0] = m;
    for (uint32_t i = 0; i < m; i++) {
        uint64_t whole = (uint64_t)dims[1 + i] * b->size[i];
        if (whole > MLI_MAX_ELEMENTS)
            tfl_bad(r, c, "too many elements");
        dims[1 + i] = (uint32_t)whole;
        order[1 + 2 * i] = m + 1 + i;
        order[2 + 2 * i] = i;
    }
    for (uint32_t i = 2 * m + 1; i < rank; i++)
        order[i] = i;
    x = ir_reshape(r->g, x, rank, split);
    x = ir_reshape(r->g, ir_transpose(r->g, x, order), n, dims);
    for (uint32_t i = 0; i < m; i++) {
        int64_t left = (int64_t)dims[1 + i] - b->pad[i][0] - b->pad[i][1];
        x = ir_slice(r->g, x, 1 + i, (uint32_t)b->pad[i][0], 1,
                     tfl_dim(r, c, left));
    }
    return x;
}

/* ----------------------------------------------- dilated convolutions ---- */

static tfl_spread *new_spread(tfl_run *r, ir_id id)
{
    tfl_spread *s = onnx_take(r->pool, 1, sizeof *s);

    s->id = id;
    memcpy(s->dims, r->g->values[id].dims, sizeof s->dims);
    for (int i = 0; i < TFL_MAX_RANK; i++)
        s->block[i] = 1;
    return s;
}

void tfl_keep_spread(tfl_run *r, tfl_call *c, const tfl_value *v)
{
    tfl_value *y = c->outputs ? c->out[0] : NULL;
    tfl_spread *s;
    uint32_t from = 1;

    if (!v->spread || !y || y->broken || !v->rank || !y->rank ||
        v->dims[0] != y->dims[0] || !ir_good(r->g, v->spread->id))
        return;
    s = new_spread(r, v->spread->id);
    s->dims[0] = v->spread->dims[0];
    for (uint32_t i = 1; i < y->rank; i++) {
        while (from < v->rank && v->dims[from] == 1 && y->dims[i] != 1 &&
               v->spread->block[from] == 1)
            from++;
        if (from < v->rank && v->dims[from] == y->dims[i]) {
            s->dims[i] = v->spread->dims[from];
            s->block[i] = v->spread->block[from++];
        } else if (y->dims[i] == 1) {
            s->dims[i] = 1;
        } else {
            return;
        }
    }
    for (; from < v->rank; from++)
        if (v->dims[from] != 1 || v->spread->block[from] != 1)
            return;
    s->id = ir_reshape(r->g, s->id, y->rank, s->dims);
    y->spread = s;
}

/* What the convolution of the blocks was before they became batches; NULL if
   it is no dilated convolution with these blocks and paddings. */
static ir_id gathered(tfl_run *r, const tfl_value *v, const blocks *b)
{
    const tfl_spread *s = v->spread;
    ir_id x;

    if (!s || !ir_good(r->g, s->id))
        return IR_NONE;
    for (uint32_t i = 1; i < v->rank; i++)
        if (s->block[i] != (i <= b->count ? b->size[i - 1] : 1))
            return IR_NONE;
    x = s->id;
    for (uint32_t i = 0; i < b->count; i++) {
        int64_t left = (int64_t)s->dims[1 + i] - b->pad[i][0] - b->pad[i][1];
        if (left < 1)
            return IR_NONE;
        x = ir_slice(r->g, x, 1 + i, (uint32_t)b->pad[i][0], 1, (uint32_t)left);
    }
    return x;
}

static void put_batches(tfl_run *r, tfl_call *c, const blocks *b, ir_id x)
{
    tfl_value *v = c->in[0], *y = c->outputs ? c->out[0] : NULL;
    tfl_spread *s;

    x = padded(r, b, x);
    tfl_put_like(r, c, 0, to_batches(r, c, b, x), v);
    if (!y || !ir_good(r->g, x) || y->scale != v->scale || y->zero != v->zero)
        return;
    s = new_spread(r, x);
    for (uint32_t i = 0; i < b->count; i++)
        s->block[1 + i] = b->size[i];
    y->spread = s;
}

/*
 * The same along time: every block-th frame as a batch of its own, for a
 * convolution whose taps are then that far apart. The frames stay one signal.
 */
static void blocks_in_time(tfl_run *r, tfl_call *c, const blocks *b, int back)
{
    const tfl_value *v = c->in[0];
    tfl_value *y = c->outputs ? c->out[0] : NULL;
    uint32_t at = v->time - 1, size = 1;
    const int64_t *pad = NULL;

    for (uint32_t i = 0; i < b->count; i++)
        if (1 + i == at) {
            size = b->size[i];
            pad = b->pad[i];
        } else if (b->size[i] != 1 || b->pad[i][0] || b->pad[i][1]) {
            pad = NULL;
            break;
        }
    if (!y || !pad || v->dims[0] != (back ? size : 1) ||
        v->block != (back ? size : 0)) {
        tfl_unsupported(r, c, "blocks of time and of other axes");
        return;
    }
    *y = *v;
    y->block = back ? 0 : size;
    y->dims[0] = back ? 1 : size;
    if (back) {
        y->dims[at] =
            tfl_dim(r, c, (int64_t)v->dims[at] * size - pad[0] - pad[1]);
        y->late += (uint32_t)pad[0];
        y->clean = 0;
    } else {
        y->dims[at] =
            tfl_dim(r, c, (v->dims[at] + pad[0] + pad[1] + size - 1) / size);
        y->pad += (uint32_t)pad[0];
    }
}

/* Blocks of space as batches, and (back) as they were. */
void tfl_do_space_to_batch(tfl_run *r, tfl_call *c, int back)
{
    tfl_value *v = c->in[0];
    ir_id x = tfl_id(r, v), y;
    blocks b;

    if (!read_blocks(r, c, &b))
        return;
    if (v->time) {
        blocks_in_time(r, c, &b, back);
        return;
    }
    if (!back) {
        put_batches(r, c, &b, x);
        return;
    }
    y = gathered(r, v, &b);
    tfl_put_like(r, c, 0, y != IR_NONE ? y : from_batches(r, c, &b, x), v);
}
