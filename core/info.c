/*
 * info.c - what a model says about itself, and the kernel builds by name.
 */
#include "session.h"
#include "kernels.h"
#include "verify.h"

const char *mli_status_text(mli_status status)
{
    static const char *const text[MLI_STATUS_COUNT] = {
        [MLI_OK] = "no error",
        [MLI_ERR_ALIGNMENT] = "memory is not 64-byte aligned",
        [MLI_ERR_TOO_SHORT] = "shorter than a model file's header",
        [MLI_ERR_MAGIC] = "not a model file",
        [MLI_ERR_VERSION] = "a format version that is not known here",
        [MLI_ERR_FILE_SIZE] = "its size is not the one in its header",
        [MLI_ERR_CRC] = "damaged: the checksum does not match",
        [MLI_ERR_HEADER] = "a header field is out of range",
        [MLI_ERR_SECTION] = "a section is out of place",
        [MLI_ERR_STRING] = "a text is outside the text section or not UTF-8",
        [MLI_ERR_META] = "a bad metadata record",
        [MLI_ERR_PORT] = "a bad input or output",
        [MLI_ERR_CHANNEL] = "a bad channel record",
        [MLI_ERR_TENSOR] = "a bad tensor record",
        [MLI_ERR_TENSOR_REGION] = "a tensor lies outside its region",
        [MLI_ERR_OP_TYPE] = "an unknown operator",
        [MLI_ERR_OP_ARITY] = "an operator with a wrong number of operands",
        [MLI_ERR_OP_OPERAND] = "an operand of the wrong kind or order",
        [MLI_ERR_OP_PARAMETER] = "an operator's parameter is out of range",
        [MLI_ERR_OP_SHAPE] = "a shape does not follow from its operator",
        [MLI_ERR_OP_STATE] = "an operator's state does not fit it",
        [MLI_ERR_OVERLAP] = "two live tensors share memory",
        [MLI_ERR_ARENA] = "the arena's size does not follow from its tensors",
        [MLI_ERR_STATE] = "a bad state record",
        [MLI_ERR_COUNT] = "a count in the header differs from the sum",
        [MLI_ERR_COMPLEXITY] = "too complex to verify",
        [MLI_ERR_TILE] = "the tile is not 16, 32 or 64 frames",
        [MLI_ERR_SIZE] = "needs more memory than there are addresses",
        [MLI_ERR_OP_UNUSED] = "a reserved field is not zero",
        [MLI_ERR_LEFT_OUT] = "needs a part that this build leaves out",
    };
    if ((unsigned)status >= MLI_STATUS_COUNT)
        return "an unknown error";
    return text[status];
}

static uint32_t sum_channels(const mli_file_port *port, uint32_t n,
                             mli_port_kind kind)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += port[i].kind == (uint32_t)kind ? port[i].channels : 0;
    return sum;
}

static void sum_stored(const mli_file *f, uint64_t stored[MLI_STORAGE_COUNT])
{
    for (uint32_t i = 0; i < MLI_STORAGE_COUNT; i++)
        stored[i] = 0;
    for (uint32_t i = 0; i < f->count[MLI_SEC_OPS]; i++) {
        const mli_file_op *op = f->ops + i;
        for (uint32_t k = 1; k < op->inputs; k++)
            if (mli_is_matrix(op, k)) {
                const mli_file_tensor *t = mli_operand(f, op, k);
                stored[t->storage] += mli_elements(t);
            }
    }
}

/* Outputs of window frames play during the next hop. */
static uint32_t latency_of(const mli_file *f)
{
    const mli_file_header *h = f->header;
    uint32_t late = h->latency;
    for (uint32_t i = 0; h->mode == MLI_WINDOW && i < h->outputs; i++)
        if (f->ports[h->inputs + i].frames > 1) {
            late = late < UINT32_MAX - h->hop ? late + h->hop : UINT32_MAX;
            break;
        }
    return late;
}

void mli_get_info(const mli_model *model, mli_info *info)
{
    mli_file f = mli_file_of(model->bytes);
    const mli_file_header *h = f.header;
    info->mode = (mli_mode)h->mode;
    info->rate = h->rate;
    info->latency = latency_of(&f);
    info->receptive_field = h->receptive_field;
    info->window = h->window;
    info->hop = h->hop;
    info->spread = h->spread;
    info->inputs = h->inputs;
    info->outputs = h->outputs;
    info->in_channels = sum_channels(f.ports, h->inputs, MLI_PORT_SIGNAL);
    info->out_channels =
        sum_channels(f.ports + h->inputs, h->outputs, MLI_PORT_SIGNAL);
    info->ops = f.count[MLI_SEC_OPS];
    uint64_t steps = mli_count_steps(&f);
    info->steps = steps < info->ops ? (uint32_t)steps : info->ops;
    info->parameters = h->parameters;
    info->macs_per_frame = h->macs;
    info->file_bytes = h->file_bytes;
    info->weight_bytes = h->section[MLI_SEC_DATA].bytes;
    sum_stored(&f, info->stored);
    info->arena_floats = h->arena;
    info->arena_bound_floats = h->arena_bound;
}

static void get_port(const mli_file *f, uint32_t index, mli_port *port)
{
    const mli_file_port *p = f->ports + index;
    port->name = f->strings + p->name;
    port->kind = (mli_port_kind)p->kind;
    port->channels = p->channels;
    port->frames = p->frames;
    port->period = p->kind == MLI_PORT_CONTROL ? 0
                   : f->header->mode == MLI_STREAM
                       ? f->tensors[p->tensor].period / mli_frame_ticks(f)
                       : 1;
    port->classes = (p->flags & MLI_PORT_CLASSES) != 0;
}

static void get_channel(const mli_file *f, uint32_t port, uint32_t index,
                        mli_channel *channel)
{
    const mli_file_channel *c =
        f->channels + f->ports[port].first_channel + index;
    channel->label = f->strings + c->label;
    channel->low = c->low;
    channel->high = c->high;
    channel->initial = c->initial;
}

void mli_get_input(const mli_model *model, uint32_t index, mli_port *port)
{
    mli_file f = mli_file_of(model->bytes);
    get_port(&f, index, port);
}

void mli_get_output(const mli_model *model, uint32_t index, mli_port *port)
{
    mli_file f = mli_file_of(model->bytes);
    get_port(&f, f.header->inputs + index, port);
}

void mli_get_input_channel(const mli_model *model, uint32_t port,
                           uint32_t index, mli_channel *channel)
{
    mli_file f = mli_file_of(model->bytes);
    get_channel(&f, port, index, channel);
}

void mli_get_output_channel(const mli_model *model, uint32_t port,
                            uint32_t index, mli_channel *channel)
{
    mli_file f = mli_file_of(model->bytes);
    get_channel(&f, f.header->inputs + port, index, channel);
}

static int same_text(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

const char *mli_get_meta(const mli_model *model, const char *key)
{
    const char *k, *value;
    for (uint32_t i = 0; mli_get_meta_at(model, i, &k, &value); i++)
        if (same_text(k, key))
            return value;
    return NULL;
}

int mli_get_meta_at(const mli_model *model, uint32_t i, const char **key,
                    const char **value)
{
    mli_file f = mli_file_of(model->bytes);
    if (i >= f.count[MLI_SEC_META])
        return 0;
    *key = f.strings + f.meta[i].key;
    *value = f.strings + f.meta[i].value;
    return 1;
}

const mli_kernels *mli_kernels_find(const char *name)
{
    const mli_kernels *k = mli_kernels_plain();
    if (name != NULL && same_text(k->name, name))
        return k;
    for (uint32_t i = 0; (k = mli_kernels_at(i)) != NULL; i++)
        if (name == NULL || same_text(k->name, name))
            return k;
    return NULL;
}

const char *mli_kernels_name(uint32_t i)
{
    const mli_kernels *k = mli_kernels_at(i);
    return k != NULL ? k->name : NULL;
}
