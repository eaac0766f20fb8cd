/*
 * session.c - how a session lies in its memory, its start and its reset.
 *
 * State memory: records, one after another: mli_session, steps, kept states,
 * ports, clocks. Then floats: the scratch of operators, the ports', the
 * states'. Those that are whole 64-byte lines begin with one, and none takes a
 * multiple of 16 lines, so that rings of the same power-of-two size do not fall
 * into the same cache sets.
 */
#include "session.h"

#define MOST ((uint64_t)(SIZE_MAX / 4))

typedef struct layout {
    uint64_t at; /* bytes so far; over MOST: too many */
} layout;

/* Room for n records of a size; where it begins. */
static uint64_t take(layout *l, uint64_t n, uint64_t size)
{
    uint64_t at = l->at;
    if (n > MOST / size)
        l->at = MOST + 1;
    else if (at <= MOST)
        l->at += (n * size + 7) / 8 * 8;
    return at;
}

static void align(layout *l, uint32_t to) /* a power of two */
{
    l->at = (l->at + to - 1) & ~(uint64_t)(to - 1);
}

/* Room for n floats. */
static uint64_t take_floats(layout *l, uint64_t n)
{
    const uint32_t line = MLI_ALIGNMENT / sizeof(float);
    align(l, n % line == 0 ? MLI_ALIGNMENT : 16);
    const uint64_t at = take(l, n, sizeof(float));
    if (n % (16 * line) == 0 && n != 0)
        take(l, 1, MLI_ALIGNMENT);
    return at;
}

static uint32_t tile_of(const mli_file *f, uint32_t tile)
{
    return f->header->mode == MLI_STREAM ? tile : 1;
}

/* A convolution's ring needs room for a tile, and its mirror. */
static uint32_t ring_room(const mli_file_op *op, uint32_t tile)
{
    return op->type == MLI_OP_CONV1D || op->type == MLI_OP_UNFOLD ? tile : 0;
}

/* How a state's frames lie: as in mli_kept. */
typedef struct lie {
    uint64_t capacity;
    uint32_t mirror, front;
} lie;

static uint64_t even(uint64_t frames, uint32_t to)
{
    return (frames + to - 1) / to * to;
}

/* Whole vectors, as long as that does not take a tenth of `all` more. */
static uint64_t to_vectors(uint64_t frames, uint64_t all)
{
    uint64_t whole = even(frames, MLI_PLANE);
    return (whole - frames) * 10 > all ? even(frames, 4) : whole;
}

/* Planes that slide and rings of planes begin and end at whole vectors, where
   they can. */
static lie lie_of(const mli_file_op *op, const mli_file_state *s, uint32_t tile,
                  int planar)
{
    const uint32_t room = ring_room(op, tile);
    const uint64_t frames = s->frames, all = frames + 2 * (uint64_t)room;
    if (!planar || op->type != MLI_OP_CONV1D)
        return (lie){frames + room, room, 0};
    if (frames <= tile && (op->p[3] != 1 || op->p[4] != 1)) {
        uint32_t front = (uint32_t)to_vectors(frames, all);
        return (lie){(uint64_t)front + tile, 0, front};
    }
    return (lie){to_vectors(frames + room, all), room, 0};
}

/* In window files: does this operator's state outlive a run? */
static uint32_t lasts(const mli_file_op *op)
{
    switch (op->type) {
    case MLI_OP_LSTM:
    case MLI_OP_GRU:
    case MLI_OP_RNN:
        return op->p[3];
    default:
        return op->type == MLI_OP_RECALL || op->type == MLI_OP_RANDOM;
    }
}

/* Does this output of a stream hold its value for some frames? */
static int is_held(const mli_file *f, const mli_file_port *p)
{
    return p >= f->ports + f->header->inputs &&
           f->tensors[p->tensor].period != mli_frame_ticks(f);
}

static uint64_t slot_floats(const mli_file *f, uint32_t i, uint32_t tile)
{
    const mli_file_port *p = f->ports + i;
    if (p->kind == MLI_PORT_CONTROL)
        return p->channels;
    if (MLI_HAS(SPREAD) && f->header->mode == MLI_STREAM &&
        f->header->spread != 0)
        return (uint64_t)mli_spread_room(f, tile) * p->channels;
    if (f->header->mode == MLI_STREAM)
        return is_held(f, p) ? p->channels : 0;
    if (f->header->mode != MLI_WINDOW)
        return 0;
    if (i < f->header->inputs || p->frames == 1)
        return (uint64_t)p->frames * p->channels;
    return (uint64_t)f->header->hop * p->channels;
}

/* Where everything is; the floats of ports and states are placed after. */
typedef struct plan {
    layout l;
    uint64_t steps, kept, slots, clocks, scratch;
    uint32_t period[MLI_MAX_CLOCKS];
    uint32_t clock_count;
} plan;

uint64_t mli_count_steps(const mli_file *f)
{
    uint64_t steps = 0;
    if (MLI_PLANES && mli_is_planar(f))
        return mli_room_of_planar(f).steps;
    for (uint32_t i = 0; i < f->count[MLI_SEC_OPS]; i++)
        steps += mli_step_room(f->ops + i);
    return steps;
}

static uint64_t step_bytes(const mli_file *f, int planar)
{
    uint64_t bytes = 0;
    if (MLI_PLANES && planar)
        return mli_room_of_planar(f).bytes;
    for (uint32_t i = 0; i < f->count[MLI_SEC_OPS]; i++)
        bytes += mli_all_step_bytes(f, f->ops + i);
    return bytes;
}

static plan plan_of(const mli_file *f)
{
    plan p = {.l = {0}};
    uint64_t scratch = 0;
    const int planar = mli_is_planar(f);
    for (uint32_t i = 0; i < f->count[MLI_SEC_OPS]; i++) {
        uint64_t n = mli_scratch_floats(f, f->ops + i, planar);
        scratch = n > scratch ? n : scratch;
    }
    take(&p.l, 1,
         MLI_HAS(SPREAD) && f->header->spread != 0
             ? sizeof(mli_session)
             : offsetof(mli_session, work));
    p.steps = take(&p.l, step_bytes(f, planar), 1);
    p.kept = take(&p.l, f->count[MLI_SEC_STATES], sizeof(mli_kept));
    p.slots = take(&p.l, f->count[MLI_SEC_PORTS], sizeof(mli_slot));
    p.clock_count = mli_find_periods(f, p.period);
    p.clocks = take(&p.l, p.clock_count, sizeof(mli_clock));
    p.scratch = take_floats(&p.l, scratch);
    return p;
}

/* The next state's floats. */
static uint64_t take_state(layout *l, const mli_file_state *s, lie at)
{
    return take_floats(l, (at.capacity + at.mirror) * s->width);
}

/* The operator that a state belongs to: they come op by op. */
static const mli_file_op *owner(const mli_file *f, const mli_file_op *op,
                                uint32_t state)
{
    const mli_file_op *last = f->ops + f->count[MLI_SEC_OPS] - 1;
    const mli_file_op *found = op;
    for (; op <= last && (op->state == MLI_NONE || op->state <= state); op++)
        if (op->state != MLI_NONE)
            found = op;
    return found;
}

mli_status mli_sizes(const mli_model *model, uint32_t tile, mli_memory *memory)
{
    mli_file f = mli_file_of(model->bytes);
    if (f.header->mode == MLI_STREAM && tile != 16 && tile != 32 && tile != 64)
        return MLI_ERR_TILE;
    const int planar = mli_is_planar(&f);
    tile = tile_of(&f, tile);
    plan p = plan_of(&f);
    const mli_file_op *op = f.ops;
    for (uint32_t i = 0; i < f.count[MLI_SEC_PORTS]; i++)
        take_floats(&p.l, slot_floats(&f, i, tile));
    for (uint32_t i = 0; i < f.count[MLI_SEC_STATES]; i++) {
        op = owner(&f, op, i);
        take_state(&p.l, f.states + i, lie_of(op, f.states + i, tile, planar));
    }
    uint64_t arena = (uint64_t)f.header->arena * tile * sizeof(float);
    align(&p.l, MLI_ALIGNMENT);
    if (p.l.at > MOST || arena > MOST)
        return MLI_ERR_SIZE;
    memory->state_bytes = (size_t)p.l.at;
    memory->arena_bytes =
        (size_t)(arena + MLI_ALIGNMENT - 1) / MLI_ALIGNMENT * MLI_ALIGNMENT;
    return MLI_OK;
}

static void lay_clocks(mli_session *s, const mli_file *f, const plan *p)
{
    uint32_t none;
    s->clock_count = p->clock_count;
    for (uint32_t i = 0; i < p->clock_count; i++) {
        s->clocks[i].period = p->period[i];
        s->clocks[i].frames = 1;
    }
    s->cycle = mli_cycle(f, &none);
    s->frame_ticks = mli_frame_ticks(f);
}

static void lay_slots(mli_session *s, const mli_file *f, plan *p, uint8_t *base)
{
    for (uint32_t i = 0; i < f->count[MLI_SEC_PORTS]; i++) {
        const mli_file_port *port = f->ports + i;
        const mli_file_tensor *t = f->tensors + port->tensor;
        mli_slot *slot = s->inputs + i;
        slot->tensor = s->arena + (size_t)t->offset * s->tile;
        slot->kept =
            (void *)(base + take_floats(&p->l, slot_floats(f, i, s->tile)));
        slot->kind = port->kind;
        slot->frames = port->frames;
        slot->channels = port->channels;
        slot->clock = mli_clock_of(s->clocks, t);
        slot->period = t->period / s->frame_ticks;
        const mli_file_channel *c = f->channels + port->first_channel;
        for (uint32_t k = 0;
             port->kind == MLI_PORT_CONTROL && k < port->channels; k++)
            slot->kept[k] = c[k].initial;
    }
}

static void lay_states(mli_session *s, const mli_file *f, plan *p,
                       uint8_t *base)
{
    const mli_file_op *op = f->ops;
    for (uint32_t i = 0; i < f->count[MLI_SEC_STATES]; i++) {
        const mli_file_state *state = f->states + i;
        mli_kept *k = s->kept + i;
        op = owner(f, op, i);
        lie at = lie_of(op, state, s->tile, (int)s->planar);
        k->data = (void *)(base + take_state(&p->l, state, at));
        k->frames = state->frames;
        k->width = state->width;
        k->capacity = (uint32_t)at.capacity;
        k->mirror = at.mirror;
        k->front = at.front;
        k->lasts = lasts(op);
        k->row = s->planar ? k->capacity + k->mirror : 0;
    }
}

mli_status mli_start(const mli_model *model, const mli_kernels *kernels,
                     uint32_t tile, void *state, void *arena,
                     mli_session **session)
{
    mli_memory memory;
    mli_status status = mli_sizes(model, tile, &memory);
    if (status != MLI_OK)
        return status;
    if ((uintptr_t)state % MLI_ALIGNMENT != 0 ||
        (uintptr_t)arena % MLI_ALIGNMENT != 0)
        return MLI_ERR_ALIGNMENT;
    __builtin_memset(state, 0, memory.state_bytes);
    __builtin_memset(arena, 0, memory.arena_bytes);
    mli_file f = mli_file_of(model->bytes);
    uint8_t *base = state;
    mli_session *s = state;
    plan p = plan_of(&f);
    s->model = *model;
    s->kernels = kernels;
    s->steps = (void *)(base + p.steps);
    s->kept = (void *)(base + p.kept);
    s->inputs = (void *)(base + p.slots);
    s->outputs = s->inputs + f.header->inputs;
    s->arena = arena;
    s->clocks = (void *)(base + p.clocks);
    s->scratch = (void *)(base + p.scratch);
    s->mode = f.header->mode;
    s->tile = tile_of(&f, tile);
    s->kept_count = f.count[MLI_SEC_STATES];
    s->input_count = f.header->inputs;
    s->output_count = f.header->outputs;
    s->window = f.header->window;
    s->hop = f.header->hop;
    s->spread = f.header->spread;
    s->planar = (uint32_t)mli_is_planar(&f);
    lay_clocks(s, &f, &p);
    lay_slots(s, &f, &p, base);
    lay_states(s, &f, &p, base);
    if (mli_has_planes(s))
        mli_prepare_planar(s, &f);
    else
        mli_prepare(s, &f);
    if (mli_is_spread(s))
        mli_spread_start(s);
    mli_reset(s);
    *session = s;
    return MLI_OK;
}

/* What a window model heard and what it plays. */
static void reset_window(mli_session *s)
{
    mli_file f = mli_file_of(s->model.bytes);
    for (uint32_t i = 0; i < f.count[MLI_SEC_PORTS]; i++)
        if (s->inputs[i].kind == MLI_PORT_SIGNAL)
            __builtin_memset(s->inputs[i].kept, 0,
                             (size_t)slot_floats(&f, i, s->tile) *
                                 sizeof(float));
    s->head = 0;
    s->filled = 0;
}

void mli_reset(mli_session *s)
{
    const mli_file f = mli_file_of(s->model.bytes);
    for (uint32_t i = 0; i < s->kept_count; i++)
        mli_kept_reset(s->kept + i, &f, i);
    s->position = 0;
    if (s->mode == MLI_WINDOW)
        reset_window(s);
    if (mli_is_spread(s))
        mli_spread_reset(s);
    else
        for (uint32_t i = 0; s->mode == MLI_STREAM && i < s->output_count; i++)
            if (s->outputs[i].period > 1)
                __builtin_memset(s->outputs[i].kept, 0,
                                 s->outputs[i].channels * sizeof(float));
}
