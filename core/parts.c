/*
 * parts.c - which parts of the runtime a file needs, and their names. A part's
 * number is that of an operator, function or feature, counted from where its
 * kind begins.
 */
#include "verify.h"

enum { FUNCTIONS = 64, ARITHMETIC = 128, FEATURES = 160 };
enum { STORED, SPREAD }; /* MLI_FEATURES in order */

typedef struct parts {
    uint32_t bits[MLI_PARTS / 32];
} parts;

static void add(parts *p, uint32_t part)
{
    p->bits[part / 32] |= 1u << part % 32;
}

/* Of a file whose operators' types are known, but not yet their functions. */
static parts parts_of(const mli_file *f)
{
    parts p = {{0}};
    for (uint32_t i = 0; i < f->count[MLI_SEC_OPS]; i++) {
        const mli_file_op *op = f->ops + i;
        add(&p, op->type);
        if (op->fn != MLI_IDENTITY && op->fn < MLI_UNARY_COUNT)
            add(&p, FUNCTIONS + op->fn);
        if (op->type == MLI_OP_BINARY && op->p[0] < MLI_BINARY_COUNT)
            add(&p, ARITHMETIC + op->p[0]);
    }
    for (uint32_t i = 0; i < f->count[MLI_SEC_TENSORS]; i++)
        if (f->tensors[i].storage != MLI_F32)
            add(&p, FEATURES + STORED);
    if (f->header->spread != 0)
        add(&p, FEATURES + SPREAD);
    return p;
}

int mli_needs(const mli_model *model, uint32_t part)
{
    mli_file f = mli_file_of(model->bytes);
    parts p = parts_of(&f);
    return part < MLI_PARTS && (p.bits[part / 32] >> part % 32 & 1) != 0;
}

/* clang-format off */
#define OPERATOR(name)   ROW(MLI_OP_##name, name)
#define FUNCTION(name)   ROW(FUNCTIONS + MLI_##name, name)
#define OF_TWO(name)     ROW(ARITHMETIC + MLI_##name, name)
#define FEATURE(name)    ROW(FEATURES + name, name)
#define ROWS                                                                   \
    MLI_OPERATORS(OPERATOR) MLI_FUNCTIONS(FUNCTION) MLI_ARITHMETIC(OF_TWO)     \
    MLI_FEATURES(FEATURE)
/* clang-format on */

mli_status mli_verify_parts(const mli_file *f, uint32_t *index)
{
#define ROW(part, name) [part] = MLI_HAS(name),
    static const uint8_t here[MLI_PARTS] = {ROWS};
#undef ROW
    parts p = parts_of(f);
    for (uint32_t i = 0; i < MLI_PARTS; i++)
        if ((p.bits[i / 32] >> i % 32 & 1) != 0 && !here[i]) {
            *index = i;
            return MLI_ERR_LEFT_OUT;
        }
    return MLI_OK;
}

/* Numbers and, in the same order, names: half of what a table of pointers
 * takes.
 */
const char *mli_part_name(uint32_t part)
{
#define ROW(part, name) part,
    static const uint8_t numbers[] = {ROWS};
#undef ROW
#define ROW(part, name) #name "\0"
    static const char names[] = ROWS;
#undef ROW
    const char *name = names;
    for (uint32_t i = 0; i < sizeof numbers; i++) {
        if (numbers[i] == part)
            return name;
        while (*name++ != '\0')
            ;
    }
    return NULL;
}
