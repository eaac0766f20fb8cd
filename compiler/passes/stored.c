/*
 * stored.c - the matrices of layers in 16, 8 or 4 bits. Every number is the one
 * nearest to the weight over the scale of its row; where all numbers of a row
 * can be had exactly, they are.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"
#include "passes.h"
#include "rewrite.h"

/* A value as its readers see it. */
typedef struct use {
    ir_matrix m;
    int matrix; /* all of them see the same matrix, */
    int other;  /* or some see something else */
    int dense;  /* of dense layers only */
    int cell;   /* of a recurrent layer: errors come round again */
} use;

/* What was done, for the report. */
typedef struct tally {
    uint32_t count[MLI_STORAGE_COUNT];
    uint32_t cells;         /* recurrent ones that got int8 for int4 */
    uint64_t before, after; /* floats */
    double signal, error;   /* sums of squares */
} tally;

/* A matrix on its way. */
typedef struct job {
    mli_storage storage;
    uint64_t rows, products;
    const float *from;
    uint8_t *to;
    float *scale;
    tally *t;
} job;

/* ---------------------------------------------------------- 16 bits ---- */

/* The nearest half that is normal or zero; |x| < 65520. */
static uint16_t half_of(double x)
{
    int e;
    double m = frexp(fabs(x), &e); /* in [1/2, 1), e: of 2^e */
    uint32_t bits;

    if (m == 0.0 || e < -14) /* below 2^-15 */
        return x < 0.0 ? 0x8000 : 0;
    if (e < -13) /* up to the least normal one */
        bits = 1u << 10;
    else /* a mantissa that rounds up to 2048 carries into the exponent */
        bits = (uint32_t)(e + 14) * 1024u + (uint32_t)nearbyint(m * 2048.0) -
               1024u;
    return (uint16_t)(bits | (x < 0.0 ? 0x8000u : 0u));
}

static double of_half(uint16_t h)
{
    int e = h >> 10 & 31;
    double m = e ? ldexp(1024 + (h & 1023), e - 25) : 0.0;

    return h >> 15 ? -m : m;
}

static int is_half(double x)
{
    return fabs(x) <= 65504.0 && of_half(half_of(x)) == x;
}

/* ------------------------------------------------------------- rows ---- */

/* n weights, `step` apart in the file's order. */
typedef struct row {
    const float *w;
    size_t step;
    uint64_t n;
} row;

static double largest(const row *r)
{
    double most = 0.0;

    for (uint64_t i = 0; i < r->n; i++)
        if (fabs(r->w[i * r->step]) > most)
            most = fabs(r->w[i * r->step]);
    return most;
}

static int all_halves(const row *r)
{
    for (uint64_t i = 0; i < r->n; i++)
        if (!is_half(r->w[i * r->step]))
            return 0;
    return 1;
}

/* Of a number that is not 0: its lowest bit. */
static int lowest_bit(double x)
{
    int e;
    uint64_t bits = (uint64_t)ldexp(frexp(fabs(x), &e), 24);

    for (e -= 24; !(bits & 1); bits >>= 1)
        e++;
    return e;
}

/* A power of two that all weights are whole multiples of, from low to high; 0
   if there is none. */
static float exact_scale(const row *r, double low, double high)
{
    int least = 128;
    double scale;

    for (uint64_t i = 0; i < r->n; i++)
        if (r->w[i * r->step] != 0.f) {
            int e = lowest_bit(r->w[i * r->step]);
            least = e < least ? e : least;
        }
    scale = least < 128 ? ldexp(1.0, least) : 1.0;
    for (uint64_t i = 0; i < r->n; i++)
        if (r->w[i * r->step] < low * scale || r->w[i * r->step] > high * scale)
            return 0.f;
    return (float)scale;
}

/* A power of two that leaves the bits of the weights alone; the largest comes
   to lie in [2^14, 2^15). */
static float half_scale(const row *r)
{
    int e;

    if (all_halves(r))
        return 1.f;
    frexp(largest(r), &e);
    return ldexpf(1.f, e - 15 < -126 ? -126 : e - 15);
}

static float byte_scale(const row *r)
{
    float exact = exact_scale(r, -128.0, 127.0);

    return exact > 0.f ? exact : (float)(largest(r) / 127.0);
}

static double nearest(double x, double scale, double low, double high)
{
    double q = nearbyint(x / scale);

    return q < low ? low : q > high ? high : q;
}

static double four_bit_error(const row *r, float scale)
{
    double sum = 0.0;

    for (uint64_t i = 0; i < r->n; i++) {
        double x = r->w[i * r->step];
        double d = x - scale * nearest(x, scale, -8.0, 7.0);
        sum += d * d;
    }
    return sum;
}

/* Either the largest becomes -8, whatever its sign, or 7. */
static float four_bit_scale(const row *r)
{
    double most = largest(r), sign = 1.0;
    float even, full, exact = exact_scale(r, -8.0, 7.0);

    if (exact > 0.f)
        return exact;
    for (uint64_t i = 0; i < r->n; i++)
        if (r->w[i * r->step] == most)
            sign = -1.0;
    even = (float)(most / 7.0);
    full = (float)(sign * most / 8.0);
    return four_bit_error(r, full) < four_bit_error(r, even) ? full : even;
}

/* ---------------------------------------------------------- matrices ---- */

/* Rounds to numbers, one for one, and adds up the error. */
static void round_row(const job *j, const row *r, float scale, uint64_t first,
                      size_t at, uint32_t width)
{
    for (uint64_t i = 0; i < r->n; i++) {
        double x = r->w[i * r->step], y;
        uint64_t p = first + i;

        if (j->storage == MLI_F16) {
            uint16_t h = half_of(x / scale);
            memcpy(j->to + 2 * (at + p * width), &h, sizeof h);
            y = of_half(h);
        } else if (j->storage == MLI_INT8) {
            y = nearest(x, scale, -128.0, 127.0);
            j->to[at + p * width] = (uint8_t)(int8_t)y;
        } else {
            y = nearest(x, scale, -8.0, 7.0);
            j->to[at + p / 2 * width] |=
                (uint8_t)(((uint32_t)(int)y & 15u) << (p % 2 * 4));
        }
        j->t->signal += x * x;
        j->t->error += (x - scale * y) * (x - scale * y);
    }
}

/* Row `r` of a panel of `width` that is row `base` of all. */
static void store_row(const job *j, uint64_t base, uint32_t width, uint32_t r)
{
    uint64_t group = j->storage == MLI_INT4 ? MLI_INT4_GROUP : j->products;
    uint64_t scales = mli_stored_scales(j->storage, j->products);
    /* where the panel begins, in rows of bytes for four bits */
    size_t at = (size_t)base * (j->storage == MLI_INT4 ? (j->products + 1) / 2
                                                       : j->products) +
                r;

    for (uint64_t first = 0, k = 0; first < j->products; first += group, k++) {
        uint64_t left = j->products - first;
        row w = {j->from + base * j->products + first * width + r, width,
                 left < group ? left : group};
        float scale = j->storage == MLI_F16    ? half_scale(&w)
                      : j->storage == MLI_INT8 ? byte_scale(&w)
                                               : four_bit_scale(&w);

        if (!(fabsf(scale) >= 0x1p-126f)) /* too small to divide by */
            scale = 0x1p-126f;
        j->scale[base * scales + k * width + r] = scale;
        round_row(j, &w, scale, first, at, width);
    }
}

static void store_matrix(const job *j, const ir_matrix *m)
{
    uint32_t quads = (m->outputs + 3u) / 4u * 4u;

    for (uint32_t n = 0; n < m->matrices; n++)
        for (uint32_t o = 0; o < quads; o += MLI_PANEL) {
            uint32_t width = quads - o < MLI_PANEL ? quads - o : MLI_PANEL;
            for (uint32_t r = 0; r < width; r++)
                store_row(j, (uint64_t)n * quads + o, width, r);
        }
}

static int all_finite(const float *w, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite(w[i]))
            return 0;
    return 1;
}

/* v in the storage, if that makes it smaller. */
static void store_value(ir_graph *g, ir_value *v, const use *u,
                        mli_storage storage, tally *t)
{
    job j = {.storage = storage, .from = v->data, .t = t};
    uint64_t floats;
    float *data;

    j.rows = (uint64_t)u->m.matrices * ((u->m.outputs + 3u) / 4u * 4u);
    j.products = (uint64_t)u->m.taps * u->m.inputs;
    floats = mli_stored_floats(storage, j.rows, j.products);
    if (floats >= v->elements || !all_finite(v->data, v->elements))
        return;
    data = ir_floats(g, floats);
    if (!data)
        return;
    j.to = (uint8_t *)data;
    j.scale = data + mli_stored_bytes(storage, j.rows, j.products) / 4u;
    store_matrix(&j, &u->m);
    t->count[storage]++;
    t->before += v->elements;
    t->after += floats;
    free(v->data);
    v->data = data;
    v->storage = storage;
    v->rank = 2;
    v->dims[0] = (uint32_t)j.rows;
    v->dims[1] = (uint32_t)j.products;
}

/* ------------------------------------------------------------- graph ---- */

static int same_matrix(const ir_matrix *a, const ir_matrix *b)
{
    return a->matrices == b->matrices && a->outputs == b->outputs &&
           (uint64_t)a->taps * a->inputs == (uint64_t)b->taps * b->inputs;
}

/* Those of one output have kernels of their own, as depthwise ones. */
static int storable(const ir_matrix *m)
{
    return m->matrices && !m->depthwise && m->outputs > 1;
}

static int is_recurrent(mli_op_type type)
{
    return type == MLI_OP_LSTM || type == MLI_OP_GRU || type == MLI_OP_RNN;
}

static void look(const ir_graph *g, const ir_node *node, use *uses)
{
    for (uint32_t k = 0; k < node->inputs; k++) {
        ir_matrix m = ir_matrix_of(g, node, k);
        use *u = &uses[node->in[k]];

        if (!storable(&m) || (u->matrix && !same_matrix(&m, &u->m))) {
            u->other = 1;
            continue;
        }
        u->dense = (!u->matrix || u->dense) && node->type == MLI_OP_LINEAR;
        u->cell |= is_recurrent(node->type);
        u->matrix = 1;
        u->m = m;
    }
}

/* One panel of `width` rows, the first of which is row `base`. */
static void widen_panel(const ir_value *v, uint64_t base, uint32_t width,
                        float *to)
{
    uint64_t products = v->dims[1];
    const uint8_t *from = (const uint8_t *)v->data;
    const float *scale = ir_scales_of(v);

    for (uint64_t i = base * products; i < (base + width) * products; i++) {
        uint64_t row = base + (i - base * products) % width;
        uint16_t h;

        if (v->storage == MLI_INT8) {
            to[i] = (float)((double)(int8_t)from[i] * scale[row]);
            continue;
        }
        memcpy(&h, from + 2 * i, sizeof h);
        to[i] = (float)(of_half(h) * scale[row]);
    }
}

/* Importers keep 8 and 16 bits. */
static void widen(ir_graph *g, ir_value *v, const ir_matrix *m)
{
    uint32_t quads = (m->outputs + 3u) / 4u * 4u;
    float *data = ir_floats(g, v->elements);

    if (!data)
        return;
    for (uint32_t n = 0; n < m->matrices; n++)
        for (uint32_t o = 0; o < quads; o += MLI_PANEL)
            widen_panel(v, (uint64_t)n * quads + o,
                        quads - o < MLI_PANEL ? quads - o : MLI_PANEL, data);
    free(v->data);
    v->data = data;
    v->storage = MLI_F32;
    v->rank = 1;
    v->dims[0] = (uint32_t)v->elements;
    v->dims[1] = 0;
}

void ir_widen_weights(ir_graph *g, mli_storage keep)
{
    for (uint32_t i = 0; i < g->node_count; i++)
        for (uint32_t k = 0; !g->nodes[i].dead && k < g->nodes[i].inputs; k++) {
            ir_value *v = &g->values[g->nodes[i].in[k]];
            ir_matrix m = ir_matrix_of(g, &g->nodes[i], k);

            if (v->constant && v->storage != MLI_F32 && v->storage != keep)
                widen(g, v, &m);
        }
}

static void say(ir_graph *g, const tally *t)
{
    static const char *const names[] = {"f32", "f16", "int8", "int4"};

    for (int i = MLI_F16; i <= MLI_INT4; i++)
        if (t->count[i])
            ir_note(g, "%u matri%s stored as %s", t->count[i],
                    t->count[i] == 1 ? "x" : "ces", names[i]);
    if (t->cells)
        ir_note(g,
                "%u of them as int8 though int4 was asked for: in a recurrent "
                "layer, int4's errors grow from frame to frame",
                t->cells);
    if (!t->after)
        ir_note(g, "no matrix becomes smaller by storing it in fewer bits");
    else if (t->error == 0.0)
        ir_note(g, "their weights take %llu bytes, before %llu, and are exact",
                (unsigned long long)t->after * 4,
                (unsigned long long)t->before * 4);
    else
        ir_note(g,
                "their weights take %llu bytes, before %llu; rounding them is "
                "noise at %.1f dB",
                (unsigned long long)t->after * 4,
                (unsigned long long)t->before * 4,
                10.0 * log10(t->error / t->signal));
}

void ir_store_weights(ir_graph *g, mli_storage storage)
{
    use *uses = calloc(g->value_count + 1u, sizeof *uses);
    tally t = {0};

    if (!uses) {
        ir_fail_memory(g);
        return;
    }
    for (uint32_t i = 0; i < g->node_count; i++)
        if (!g->nodes[i].dead)
            look(g, &g->nodes[i], uses);
    for (uint32_t i = 0; i < g->value_count; i++) {
        ir_value *v = &g->values[i];
        mli_storage how =
            storage == MLI_INT4 && !uses[i].dense ? MLI_INT8 : storage;
        if (!v->constant || !uses[i].matrix || uses[i].other ||
            v->storage != MLI_F32)
            continue;
        store_value(g, v, &uses[i], how, &t);
        t.cells += how != storage && uses[i].cell && v->storage == how;
    }
    free(uses);
    say(g, &t);
}
