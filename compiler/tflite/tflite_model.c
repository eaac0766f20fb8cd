/* tflite_model.c - see tflite_model.h */
#include "tflite_model.h"
#include "text.h"

#define VERSION 3u

const char *tfl_type_name(int type)
{
    static const char *const names[] = {
        "float32",  "float16",  "int32",     "uint8",  "int64",   "string",
        "bool",     "int16",    "complex64", "int8",   "float64", "complex128",
        "uint64",   "resource", "variant",   "uint32", "uint16",  "int4",
        "bfloat16", "int2",     "uint4"};

    return type >= 0 && type < (int)(sizeof names / sizeof *names)
               ? names[type]
               : "an unknown type";
}

uint32_t tfl_type_size(int type)
{
    switch (type) {
    case TFL_UINT8:
    case TFL_BOOL:
    case TFL_INT8:
    case TFL_INT4:
        return 1;
    case TFL_FLOAT16:
    case TFL_INT16:
    case TFL_UINT16:
    case TFL_BFLOAT16:
        return 2;
    case TFL_FLOAT32:
    case TFL_INT32:
    case TFL_UINT32:
        return 4;
    case TFL_INT64:
    case TFL_FLOAT64:
    case TFL_UINT64:
        return 8;
    default:
        return 0;
    }
}

uint64_t tfl_bytes(int type, uint64_t n)
{
    return type == TFL_INT4 ? (n + 1) / 2 : n * tfl_type_size(type);
}

static const char *copy_text(tfl_model *m, const flat_table *t, uint32_t slot)
{
    uint32_t n;
    const uint8_t *text = flat_text(t, slot, &n);

    if (n > 4096)
        n = 4096;
    return text ? onnx_copy(m->pool, text, n) : "";
}

static void read_buffer(tfl_model *m, const flat_vector *buffers, uint64_t i,
                        tfl_tensor *t)
{
    flat_table b;
    flat_vector data;
    uint64_t offset, size;

    if (i == 0) /* by convention: no buffer */
        return;
    if (i >= buffers->count)
        flat_damaged(&m->file, "a tensor", 0,
                     "names a buffer that is not "
                     "there");
    b = flat_table_at(buffers, (uint32_t)i, "a buffer");
    data = flat_list(&b, 0, 1, "a buffer's bytes");
    offset = flat_uint(&b, 1, 8, 0);
    size = flat_uint(&b, 2, 8, 0);
    if (data.count) {
        t->raw = m->file.bytes + data.at;
        t->raw_size = data.count;
    } else if (offset > 1) { /* after the tables: files beyond 2 GB */
        if (offset > m->file.size || size > m->file.size - offset)
            flat_damaged(&m->file, "a buffer", b.at, "lies outside the file");
        t->raw = m->file.bytes + offset;
        t->raw_size = (size_t)size;
    }
}

static void read_dims(const flat_table *from, tfl_tensor *t)
{
    flat_vector dims = flat_list(from, 0, 4, "a shape");

    t->rank = dims.count > TFL_MAX_RANK ? -1 : (int)dims.count;
    for (uint32_t i = 0; t->rank >= 0 && i < dims.count; i++) {
        int64_t n = flat_int_at(&dims, i);
        t->unknown |= n < 0;
        t->dims[i] = n < 0 ? 1 : (uint32_t)n;
    }
}

static void read_tensor(tfl_model *m, const flat_vector *buffers,
                        const flat_table *from, tfl_tensor *t)
{
    flat_table q = flat_child(from, 4, "a quantisation");

    read_dims(from, t);
    t->type = (tfl_type)flat_int(from, 1, 1, TFL_FLOAT32);
    t->name = copy_text(m, from, 3);
    t->variable = flat_uint(from, 5, 1, 0) != 0;
    t->sparse = flat_child(from, 6, "a sparsity").file != NULL;
    read_buffer(m, buffers, flat_uint(from, 2, 4, 0), t);
    if (!q.file)
        return;
    t->scales = flat_list(&q, 2, 4, "scales");
    t->zeros = flat_list(&q, 3, 8, "zero points");
    t->axis = (uint32_t)flat_int(&q, 6, 4, 0);
    if (t->zeros.count && t->scales.count &&
        t->zeros.count != t->scales.count && t->zeros.count != 1)
        flat_damaged(&m->file, "a quantisation", q.at,
                     "has not as many zero points as scales");
}

static void read_operator(tfl_model *m, const flat_vector *codes,
                          const flat_table *from, tfl_operator *op)
{
    uint64_t i = flat_uint(from, 0, 4, 0);
    int64_t old, code;
    flat_table c;

    if (i >= codes->count)
        flat_damaged(&m->file, "an operator", from->at,
                     "names a code that is not there");
    c = flat_table_at(codes, (uint32_t)i, "an operator code");
    old = flat_int(&c, 0, 1, 0); /* until 127; then the other */
    code = flat_int(&c, 3, 4, 0);
    op->code = (int)(code > old ? code : old);
    op->custom = copy_text(m, &c, 1);
    op->in = flat_list(from, 1, 4, "an operator's inputs");
    op->out = flat_list(from, 2, 4, "an operator's outputs");
    op->between = flat_list(from, 8, 4, "an operator's intermediates");
    op->options = flat_child(from, 4, "an operator's options");
    op->options.what = "an operator's options";
}

static void check_indices(tfl_model *m, const tfl_subgraph *s,
                          const flat_vector *v, int64_t least)
{
    for (uint32_t i = 0; i < v->count; i++) {
        int64_t n = flat_int_at(v, i);
        if (n < least || n >= (int64_t)s->tensor_count)
            flat_damaged(&m->file, v->what, v->at,
                         "name a tensor that is not there");
    }
}

static void read_subgraph(tfl_model *m, const flat_vector *buffers,
                          const flat_vector *codes, const flat_table *from,
                          tfl_subgraph *s)
{
    flat_vector tensors = flat_list(from, 0, 4, "the tensors");
    flat_vector ops = flat_list(from, 3, 4, "the operators");

    s->tensor_count = tensors.count;
    s->tensors = onnx_take(m->pool, tensors.count, sizeof *s->tensors);
    for (uint32_t i = 0; i < tensors.count; i++) {
        flat_table t = flat_table_at(&tensors, i, "a tensor");
        read_tensor(m, buffers, &t, &s->tensors[i]);
    }
    s->in = flat_list(from, 1, 4, "the inputs");
    s->out = flat_list(from, 2, 4, "the outputs");
    check_indices(m, s, &s->in, 0);
    check_indices(m, s, &s->out, 0);
    s->op_count = ops.count;
    s->ops = onnx_take(m->pool, ops.count, sizeof *s->ops);
    for (uint32_t i = 0; i < ops.count; i++) {
        flat_table t = flat_table_at(&ops, i, "an operator");
        read_operator(m, codes, &t, &s->ops[i]);
        check_indices(m, s, &s->ops[i].in, -1);
        check_indices(m, s, &s->ops[i].out, -1);
        check_indices(m, s, &s->ops[i].between, -1);
    }
}

/* What signatures call the first subgraph's inputs and outputs. */
static void read_names(tfl_model *m, const flat_table *signature)
{
    for (uint32_t k = 0; k < 2; k++) {
        flat_vector maps = flat_list(signature, k, 4, "a signature");

        m->names[k] = onnx_take(m->pool, maps.count, sizeof *m->names[k]);
        m->name_count[k] = maps.count;
        for (uint32_t i = 0; i < maps.count; i++) {
            flat_table t = flat_table_at(&maps, i, "a signature's name");
            m->names[k][i].name = copy_text(m, &t, 0);
            m->names[k][i].tensor = (uint32_t)flat_uint(&t, 1, 4, 0);
        }
    }
}

void tfl_read(tfl_model *m, const uint8_t *bytes, size_t size, onnx_pool *pool)
{
    flat_table root;
    flat_vector codes, subgraphs, buffers, signatures;
    uint64_t version;

    m->file.bytes = bytes;
    m->file.size = size;
    m->file.exit = pool->exit;
    m->pool = pool;
    root = flat_root(&m->file, "the model");
    version = flat_uint(&root, 0, 4, 0);
    if (version > VERSION)
        onnx_stop(pool->exit, ONNX_WRONG, MLC_NEWER,
                  "a newer TensorFlow Lite format (expected version %u, got "
                  "%llu)",
                  VERSION, (unsigned long long)version);
    codes = flat_list(&root, 1, 4, "the operator codes");
    subgraphs = flat_list(&root, 2, 4, "the subgraphs");
    buffers = flat_list(&root, 4, 4, "the buffers");
    signatures = flat_list(&root, 7, 4, "the signatures");
    m->description = copy_text(m, &root, 3);
    if (!subgraphs.count)
        flat_damaged(&m->file, "the model", root.at, "has no graph");
    m->subgraph_count = subgraphs.count;
    m->subgraphs = onnx_take(pool, subgraphs.count, sizeof *m->subgraphs);
    for (uint32_t i = 0; i < subgraphs.count; i++) {
        flat_table t = flat_table_at(&subgraphs, i, "a subgraph");
        read_subgraph(m, &buffers, &codes, &t, &m->subgraphs[i]);
    }
    for (uint32_t i = 0; i < signatures.count; i++) {
        flat_table t = flat_table_at(&signatures, i, "a signature");
        if (flat_uint(&t, 4, 4, 0) != 0)
            continue;
        read_names(m, &t);
        break;
    }
}
