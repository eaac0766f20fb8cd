/* onnx_ml_features.c - ai.onnx.ml: preparing features, and labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "onnx_ml.h"

/* -------------------------------------------------------- whole rows ---- */

/* A constant of one number or one for each of `width` columns. */
static ir_id per_column(onnx_run *r, const onnx_call *c, const char *name,
                        const float *list, size_t count, int64_t width)
{
    if (count != 1 && (int64_t)count != width)
        onnx_bad(r, c, "%s has %zu numbers (expected 1 or %lld)", name, count,
                 (long long)width);
    return ir_const1(r->g, (uint32_t)count, list);
}

/* (x - offset) * scale, in this order: offsets may be far larger than what
   is left. */
void onnx_ml_scaler(onnx_run *r, onnx_call *c, int what)
{
    size_t offsets, scales;
    const float *offset = ml_floats(r, c, "offset", &offsets);
    const float *scale = ml_floats(r, c, "scale", &scales);
    ml_rows x;
    (void)what;
    if (!ml_rows_of(r, c, 0, &x))
        return;
    if (offset)
        x.id = ir_binary(r->g, MLI_SUB, x.id,
                         per_column(r, c, "offset", offset, offsets, x.width));
    if (scale)
        x.id = ir_binary(r->g, MLI_MUL, x.id,
                         per_column(r, c, "scale", scale, scales, x.width));
    c->out[0] = ml_result(r, &x, x.width, x.id);
}

/* A row of zeros stays as it is. */
void onnx_ml_normalizer(onnx_run *r, onnx_call *c, int what)
{
    static const struct {
        const char *name;
        mli_reduce fn;
    } norms[] = {
        {"MAX", MLI_REDUCE_MAX}, {"L1", MLI_REDUCE_L1}, {"L2", MLI_REDUCE_L2}};
    const char *name = onnx_string(c, "norm", "MAX");
    ir_graph *g = r->g;
    ml_rows x;
    ir_id norm, zero;
    size_t k = 0;
    (void)what;
    while (k < 3 && strcmp(norms[k].name, name))
        k++;
    if (k == 3)
        onnx_bad(r, c, "norm is %.40s", name);
    if (!ml_rows_of(r, c, 0, &x))
        return;
    norm = ir_reduce(g, norms[k].fn, x.id, onnx_timed(r, x.v) ? 1u : 2u, 1);
    zero =
        ir_unary(g, MLI_ABS, 0.f, 0.f, ir_unary(g, MLI_SIGN, 0.f, 0.f, norm));
    zero = ir_binary(g, MLI_SUB, ir_scalar(g, 1.f), zero);
    norm = ir_binary(g, MLI_ADD, norm, zero);
    c->out[0] = ml_result(r, &x, x.width, ir_binary(g, MLI_DIV, x.id, norm));
}

void onnx_ml_vectorizer(onnx_run *r, onnx_call *c, int what)
{
    size_t count;
    const int64_t *sizes = ml_ints(c, "inputdimensions", &count);
    ir_id *id = onnx_take(r->pool, (size_t)c->inputs, sizeof *id);
    ml_rows x, first = {0};
    int64_t width = 0;
    (void)what;
    if ((int)count != c->inputs)
        onnx_bad(r, c, "%zu inputdimensions for %d inputs", count, c->inputs);
    for (int i = 0; i < c->inputs; i++) {
        uint32_t axis;
        if (!c->in[i])
            onnx_bad(r, c, "input %d is missing", i);
        if (!ml_rows_of(r, c, i, &x))
            return;
        if (i == 0)
            first = x;
        if (x.count != first.count || sizes[i] < 1 ||
            sizes[i] > MLI_MAX_ELEMENTS)
            onnx_bad(r, c, "input %d has %lld rows, taken as %lld numbers", i,
                     (long long)x.count, (long long)sizes[i]);
        axis = onnx_timed(r, x.v) ? 0 : 1;
        id[i] = x.id;
        if (sizes[i] < x.width)
            id[i] = ir_slice(r->g, x.id, axis, 0, 1, (uint32_t)sizes[i]);
        else if (sizes[i] > x.width)
            id[i] = ir_pad(r->g, x.id, axis, 0, (uint32_t)(sizes[i] - x.width),
                           0.f);
        width += sizes[i];
    }
    c->out[0] = ml_result(r, &first, width,
                          ir_concat(r->g, id, (uint32_t)c->inputs,
                                    onnx_timed(r, first.v) ? 0 : 1));
}

/* ------------------------------------------------------ each by itself ---- */

/* v as a column, [elements, 1]. */
static ir_id column(onnx_run *r, onnx_value *v)
{
    uint32_t dims[ONNX_MAX_RANK], rank = onnx_frame_dims(r, v, dims);
    uint32_t flat[2] = {1, 1};
    for (uint32_t i = 0; i < rank; i++)
        flat[0] *= dims[i];
    return onnx_as(r, v, 2, flat);
}

static onnx_value *looked_up(onnx_run *r, onnx_value *v, const ml_table *t,
                             int type)
{
    onnx_value *y = onnx_result(r, v, v->rank, v->dims, v->time,
                                ml_look_up(r, column(r, v), t));
    y->type = type;
    return y;
}

/* What equals one number, or is NaN, is replaced; a number for each column. */
void onnx_ml_imputer(onnx_run *r, onnx_call *c, int what)
{
    size_t count, ints;
    const float *values = ml_floats(r, c, "imputed_value_floats", &count);
    const int64_t *whole = ml_ints(c, "imputed_value_int64s", &ints);
    float old = onnx_float(c, "replaced_value_float", 0.f);
    ir_id missing;
    ml_rows x;
    (void)what;
    if (!values && whole) {
        float *list = onnx_take(r->pool, ints, sizeof *list);
        for (size_t i = 0; i < ints; i++)
            list[i] = (float)whole[i];
        values = list;
        count = ints;
        old = (float)onnx_int(c, "replaced_value_int64", 0);
    }
    if (!values)
        onnx_bad(r, c, "no imputed values");
    if (!ml_rows_of(r, c, 0, &x))
        return;
    missing = old != old
                  ? ir_unary(r->g, MLI_IS_NAN, 0.f, 0.f, x.id)
                  : ir_binary(r->g, MLI_EQUAL, x.id, ir_scalar(r->g, old));
    x.id = ir_select(r->g, missing,
                     per_column(r, c, "imputed_value", values, count, x.width),
                     x.id);
    c->out[0] = ml_result(r, &x, x.width, x.id);
}

void onnx_ml_binarizer(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0];
    float limit = onnx_float(c, "threshold", 0.f);
    (void)what;
    c->out[0] = onnx_result(r, v, v->rank, v->dims, v->time,
                            ml_above(r, column(r, v), limit));
}

/*
 * Columns of a constant table by computed numbers; this is how a class number
 * becomes its label. Numbers that change in time stay in their own dims.
 */
static void from_table(onnx_run *r, onnx_call *c)
{
    onnx_value *x = c->in[0], *n = c->in[1], *y;
    int64_t width = x->rank ? x->dims[x->rank - 1] : 0;
    int64_t dims[2] = {width ? onnx_elements(x) / width : 0, onnx_elements(n)};
    uint32_t table[2] = {(uint32_t)dims[0], (uint32_t)width}, flat;
    onnx_classes *k = onnx_take(r->pool, 1, sizeof *k);
    ir_id at = column(r, n);
    if (x->rank > 2 || dims[0] < 1 || dims[0] > MLI_MAX_ELEMENTS ||
        (n->time >= 0 && dims[0] > 1)) {
        onnx_unsupported(r, c, "computed columns of a table");
        return;
    }
    if (at != IR_NONE) {
        flat = (uint32_t)ir_get(r->g, at)->elements;
        at = onnx_shaped(r, at, 1, &flat);
    }
    at = ir_gather(r->g, ir_const(r->g, 2, table, onnx_floats(r, x)), at, 1);
    if (n->time >= 0)
        y = onnx_result(r, n, n->rank, n->dims, n->time, at);
    else
        y = onnx_result(r, n, 2, dims, -1, at);
    y->type = x->type;
    k->count = width;
    k->names = x->strings;
    k->ints = x->i;
    if (onnx_is_int(x) && dims[0] == 1)
        onnx_ml_classes(r, k);
    c->out[0] = y;
}

void onnx_ml_extractor(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *x = c->in[0], *n = c->in[1], *y;
    int64_t count = onnx_elements(n), dims[ONNX_MAX_RANK];
    onnx_value **part;
    (void)what;
    if (x->kind == ONNX_CONST && n->kind != ONNX_CONST) {
        from_table(r, c);
        return;
    }
    if (n->kind != ONNX_CONST) {
        onnx_unsupported(r, c, "computed columns");
        return;
    }
    if (!x->rank || count < 1 || count > MLI_MAX_CONCAT)
        onnx_bad(r, c, "%lld columns of a tensor with %d axes",
                 (long long)count, x->rank);
    if (x->rank == 1) {
        dims[0] = 1;
        dims[1] = x->dims[0];
        x = onnx_reshaped(r, c, x, 2, dims);
    }
    part = onnx_take(r->pool, (size_t)count, sizeof *part);
    for (int64_t i = 0; i < count; i++) {
        int64_t at = onnx_int_at(n, i);
        if (at < 0 || at >= x->dims[x->rank - 1])
            onnx_bad(r, c, "column %lld of %lld", (long long)at,
                     (long long)x->dims[x->rank - 1]);
        part[i] = onnx_sliced(r, c, x, x->rank - 1, at, 1, 1);
    }
    y = count > 1 ? onnx_concat(r, c, part, (int)count, x->rank - 1) : part[0];
    c->out[0] = y;
}

void onnx_ml_zip_map(onnx_run *r, onnx_call *c, int what)
{
    (void)what;
    ml_classlabels(r, c, "classlabels_int64s");
    c->out[0] = c->in[0];
}

/* ------------------------------------------------------------- tables ---- */

typedef struct pair { /* of a table, as the file has it */
    float key, value;
    size_t number;
} pair;

static int by_key(const void *a, const void *b)
{
    const pair *p = a, *q = b;
    if (p->key != q->key)
        return p->key < q->key ? -1 : 1;
    return (p->number > q->number) - (p->number < q->number);
}

/* Sorted; of equal keys the first stays; NaN apart. */
static void sort_table(onnx_run *r, pair *p, size_t count, ml_table *t)
{
    float *keys = onnx_take(r->pool, count, sizeof *keys);
    float *values = onnx_take(r->pool, count, sizeof *values);
    size_t n = 0, m = 0;
    for (size_t i = 0; i < count; i++) {
        if (p[i].key == p[i].key) {
            p[n++] = p[i];
        } else if (!t->has_nan) {
            t->has_nan = 1;
            t->nan = p[i].value;
        }
    }
    qsort(p, n, sizeof *p, by_key);
    for (size_t i = 0; i < n; i++) {
        if (i && p[i].key == p[i - 1].key)
            continue;
        keys[m] = p[i].key;
        values[m++] = p[i].value;
    }
    t->count = (uint32_t)m;
    t->keys = keys;
    t->values = values;
    t->exact = 1;
    t->targets = 1;
}

/* A list of numbers under one of the names that it may have; or of texts. */
typedef struct list {
    size_t count;
    const float *floats;
    const int64_t *ints;
    const char **texts;
} list;

static list list_of(onnx_run *r, const onnx_call *c, const char *name)
{
    list l = {0};
    const onnx_attr *a;
    onnx_value *v;
    l.floats =
        ml_floats(r, c, onnx_print(r->pool, "%s_floats", name), &l.count);
    if (!l.floats)
        l.ints = ml_ints(c, onnx_print(r->pool, "%s_int64s", name), &l.count);
    if (!l.floats && !l.ints)
        l.texts =
            ml_strings(c, onnx_print(r->pool, "%s_strings", name), &l.count);
    a = onnx_attr_of(c, onnx_print(r->pool, "%s_tensor", name));
    if (l.count || !a || !a->t)
        return l;
    v = onnx_from_tensor(r, a->t);
    l.count = (size_t)onnx_elements(v);
    l.texts = (const char **)v->strings;
    if (!l.texts)
        l.floats = onnx_floats(r, v);
    return l;
}

static float number_in(const list *l, size_t i)
{
    return l->floats ? l->floats[i] : (float)l->ints[i];
}

/* What missing keys become, of the values' kind. */
static float default_number(onnx_run *r, const onnx_call *c, const list *values)
{
    const onnx_attr *a = onnx_attr_of(c, "default_tensor");
    if (a && a->t) {
        onnx_value *v = onnx_from_tensor(r, a->t);
        if (onnx_elements(v) == 1)
            return onnx_at(v, 0);
    }
    if (values->ints)
        return (float)onnx_int(c, "default_int64", -1);
    return onnx_float(c, "default_float", -0.f);
}

#define MAX_TEXTS 4096 /* compared one by one */

/* Texts are numbered in the order in which they first come. */
static void number_texts(onnx_run *r, const onnx_call *c, const list *values,
                         pair *p, float *missing)
{
    const char *none = onnx_string(c, "default_string", "_Unused");
    const char **names = onnx_take(r->pool, values->count + 1, sizeof *names);
    onnx_classes *k = onnx_take(r->pool, 1, sizeof *k);
    size_t n = 0, m;
    if (values->count > MAX_TEXTS)
        onnx_bad(r, c, "%zu texts (expected up to %d)", values->count,
                 MAX_TEXTS);
    for (size_t i = 0; i < values->count; i++) {
        for (m = 0; m < n && strcmp(names[m], values->texts[i]); m++)
            ;
        if (m == n)
            names[n++] = values->texts[i];
        p[i].value = (float)m;
    }
    for (m = 0; m < n && strcmp(names[m], none); m++)
        ;
    *missing = (float)m;
    k->count = (int64_t)n;
    k->names = names;
    onnx_ml_classes(r, k);
}

void onnx_ml_label_encoder(onnx_run *r, onnx_call *c, int what)
{
    list keys = list_of(r, c, "keys"), values = list_of(r, c, "values");
    ml_table t = {0};
    int type = ONNX_FLOAT;
    pair *p;
    (void)what;
    if (!keys.count && !values.count) { /* the first version */
        values.texts = ml_strings(c, "classes_strings", &values.count);
        keys.count = values.count;
    }
    if (!keys.count || keys.count != values.count)
        onnx_bad(r, c, "%zu keys and %zu values", keys.count, values.count);
    if (keys.texts || c->in[0]->type == ONNX_STRING) {
        onnx_unsupported(r, c, "texts as input");
        return;
    }
    p = onnx_take(r->pool, keys.count, sizeof *p);
    for (size_t i = 0; i < keys.count; i++) {
        p[i].number = i;
        p[i].key = keys.floats || keys.ints ? number_in(&keys, i) : (float)i;
        if (!values.texts)
            p[i].value = number_in(&values, i);
    }
    if (values.texts) {
        type = ONNX_STRING;
        number_texts(r, c, &values, p, &t.missing);
    } else {
        type = values.ints ? ONNX_INT64 : ONNX_FLOAT;
        t.missing = default_number(r, c, &values);
    }
    sort_table(r, p, keys.count, &t);
    c->out[0] = looked_up(r, c->in[0], &t, type);
}

void onnx_ml_category_mapper(onnx_run *r, onnx_call *c, int what)
{
    size_t count;
    list values = {0};
    const int64_t *keys = ml_ints(c, "cats_int64s", &count);
    ml_table t = {0};
    pair *p;
    (void)what;
    values.texts = ml_strings(c, "cats_strings", &values.count);
    if (!count || count != values.count)
        onnx_bad(r, c, "%zu numbers and %zu texts", count, values.count);
    if (c->in[0]->type == ONNX_STRING) {
        onnx_unsupported(r, c, "texts as input");
        return;
    }
    p = onnx_take(r->pool, count, sizeof *p);
    for (size_t i = 0; i < count; i++) {
        p[i].number = i;
        p[i].key = (float)keys[i];
    }
    number_texts(r, c, &values, p, &t.missing);
    sort_table(r, p, count, &t);
    c->out[0] = looked_up(r, c->in[0], &t, ONNX_STRING);
}

/* One more axis, a column for each category. Unknown ones are all zeros:
   nothing can be refused at run time. */
void onnx_ml_one_hot(onnx_run *r, onnx_call *c, int what)
{
    onnx_value *v = c->in[0], *y;
    size_t count;
    const int64_t *cats = ml_ints(c, "cats_int64s", &count);
    int64_t dims[ONNX_MAX_RANK];
    uint32_t *target;
    float *ones;
    ml_table t = {0};
    pair *p;
    (void)what;
    if (!cats || v->type == ONNX_STRING) {
        onnx_unsupported(r, c, "texts as categories");
        return;
    }
    if (v->rank == ONNX_MAX_RANK || count > MLI_MAX_ELEMENTS)
        onnx_bad(r, c, "%zu categories of a tensor with %d axes", count,
                 v->rank);
    p = onnx_take(r->pool, count, sizeof *p);
    target = onnx_take(r->pool, count, sizeof *target);
    ones = onnx_take(r->pool, count, sizeof *ones);
    for (size_t i = 0; i < count; i++) {
        p[i].number = i;
        p[i].key = (float)cats[i];
        p[i].value = (float)i;
    }
    sort_table(r, p, count, &t);
    for (uint32_t i = 0; i < t.count; i++) {
        target[i] = (uint32_t)t.values[i];
        ones[i] = 1.f;
    }
    t.values = ones;
    t.target = target;
    t.targets = (uint32_t)count;
    memcpy(dims, v->dims, sizeof dims);
    dims[v->rank] = (int64_t)count;
    y = onnx_result(r, v, v->rank + 1, dims, v->time,
                    ml_look_up(r, column(r, v), &t));
    c->out[0] = y;
}
