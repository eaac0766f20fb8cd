/*
 * transposes.c - transposes move down, through whatever works on any order of
 * axes, until they meet the one that turns them back: a stack of convolutions
 * that an importer turned to and from channels in front has none left.
 *
 * The graph is built anew, node after node. A value of the old graph is a view:
 * a value of the new one, seen through an order of axes (axis i of the view is
 * axis perm[i] of the base). A transpose only changes the view. A node that
 * works on any order is done on the bases, if somebody wants what comes out in
 * another order than the view's; all others get their operands in the order
 * that they had, by a transpose that the readers share. A dense layer that gets
 * rows of several axes has its weights turned instead.
 */
#include <stdlib.h>
#include <string.h>
#include "ir_build.h"
#include "passes.h"
#include "rewrite.h"

typedef struct view {
    ir_id base;
    uint32_t perm[MLI_MAX_RANK];
    int moved;   /* perm is not the plain order */
    ir_id plain; /* in the view's order, once somebody wanted that */
} view;

typedef struct work {
    ir_graph *g;
    ir_node *old;
    uint32_t old_count;
    view *views;       /* of the old values */
    uint32_t count;    /* of them */
    char *wanted;      /* somebody may take this value in another order */
    char *rows;        /* nobody but dense layers reads this value */
    ir_id *mixed;      /* made flat of the base of this value: a dense layer's
                          weights are turned instead; IR_NONE: not so */
    uint32_t *numbers; /* of the old nodes in the new graph */
    ir_tally *tally;
} work;

/* Do two values have the same axes, apart from those of one element? */
static int same_axes(const ir_value *a, const ir_value *b)
{
    uint32_t i = 0, k = 0;

    for (;;) {
        while (i < a->rank && a->dims[i] == 1)
            i++;
        while (k < b->rank && b->dims[k] == 1)
            k++;
        if (i == a->rank || k == b->rank)
            return i == a->rank && k == b->rank;
        if (a->dims[i++] != b->dims[k++])
            return 0;
    }
}

/* Does a node work on any order of axes? */
static int is_free(const ir_graph *g, const ir_node *node)
{
    const ir_value *x, *y = &g->values[node->out];

    if (node->inputs == 0 || node->state_count)
        return 0;
    x = &g->values[node->in[0]];
    switch (node->type) {
    case MLI_OP_UNARY:
    case MLI_OP_BINARY:
    case MLI_OP_SELECT:
    case MLI_OP_CONCAT:
    case MLI_OP_SLICE:
    case MLI_OP_PAD:
    case MLI_OP_POOL:
    case MLI_OP_TRANSPOSE:
        return 1;
    case MLI_OP_AFFINE:
        return g->values[node->in[1]].elements == 1;
    case MLI_OP_RESHAPE:
        return x->timed == y->timed && same_axes(x, y);
    case MLI_OP_REDUCE:
        return node->p[0] <= MLI_REDUCE_PROD;
    default:
        return 0;
    }
}

/* ----------------------------------------------------------- the views ---- */

static int is_plain(const uint32_t *perm, uint32_t rank)
{
    for (uint32_t i = 0; i < rank; i++)
        if (perm[i] != i)
            return 0;
    return 1;
}

static void set_view(work *w, ir_id old, ir_id base, const uint32_t *perm)
{
    view *v = &w->views[old];
    uint32_t rank = w->g->values[old].rank;

    v->base = base;
    v->moved = !is_plain(perm, rank);
    v->plain = v->moved ? IR_NONE : base;
    memcpy(v->perm, perm, rank * sizeof *perm);
}

/* An old value in its own order. */
static ir_id plain(work *w, ir_id old)
{
    view *v = &w->views[old];

    if (v->plain == IR_NONE)
        v->plain = ir_transpose(w->g, v->base, v->perm);
    return v->plain;
}

/* Does an order of axes only move those of one element of x? */
static int moves_nothing(const ir_value *x, const uint32_t *perm)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i < x->rank; i++) {
        if (x->dims[perm[i]] == 1)
            continue;
        if (perm[i] < next)
            return 0;
        next = perm[i];
    }
    return 1;
}

static void turn_back(const uint32_t *perm, uint32_t rank, uint32_t *back)
{
    for (uint32_t i = 0; i < rank; i++)
        back[perm[i]] = i;
}

static ir_id constant_in_order(work *w, ir_id old, uint32_t rank,
                               const uint32_t *perm)
{
    const ir_value *c = &w->g->values[old];
    uint32_t own[MLI_MAX_RANK], to[MLI_MAX_RANK], at[MLI_MAX_RANK] = {0};
    uint64_t step[MLI_MAX_RANK], all = 1, from = 0;
    ir_id id;

    for (uint32_t i = 0; i < rank; i++) {
        uint32_t missing = rank - c->rank;
        own[i] = i < missing ? 1 : c->dims[i - missing];
    }
    for (uint32_t i = 0; i < rank; i++)
        to[perm[i]] = own[i];
    for (uint32_t i = rank; i-- > 0;) {
        step[perm[i]] = all;
        all *= own[i];
    }
    id = ir_const(w->g, rank, to, NULL);
    if (id == IR_NONE)
        return id;
    c = &w->g->values[old];
    for (uint64_t n = 0; n < c->elements; n++) {
        w->g->values[id].data[n] = c->data[from];
        for (uint32_t i = rank; i-- > 0;) {
            from += step[i];
            if (++at[i] < to[i])
                break;
            from -= step[i] * to[i];
            at[i] = 0;
        }
    }
    return id;
}

/*
 * An operand in the order of bases: axis perm[i] of the result is axis i of the
 * operand, which counts as having `rank` axes. IR_NONE if that would take a
 * transpose; try: do not make anything yet, answer something else than IR_NONE
 * if it can be done.
 */
static ir_id in_order(work *w, ir_id old, uint32_t rank, const uint32_t *perm,
                      int try)
{
    const ir_value *v = &w->g->values[old];
    const view *seen = &w->views[old];
    uint32_t missing = rank - v->rank, back[MLI_MAX_RANK], dims[MLI_MAX_RANK];
    ir_value own = {.rank = rank};

    if (v->elements == 1 && missing == rank)
        return try ? 0 : plain(w, old);
    if (v->constant)
        return try ? 0 : constant_in_order(w, old, rank, perm);
    if (!missing && seen->moved && !memcmp(seen->perm, perm, rank * 4))
        return try ? 0 : seen->base;
    for (uint32_t i = 0; i < rank; i++)
        own.dims[i] = i < missing ? 1 : v->dims[i - missing];
    turn_back(perm, rank, back);
    if (!moves_nothing(&own, back))
        return IR_NONE;
    if (try)
        return 0;
    for (uint32_t i = 0; i < rank; i++)
        dims[perm[i]] = own.dims[i];
    return ir_reshape(w->g, plain(w, old), rank, dims);
}

/* ----------------------------------------------------------- the nodes ---- */

/* A node's place in the new graph; 0 without memory. */
static int append(work *w, ir_node *node)
{
    ir_graph *g = w->g;

    if (g->node_count == g->node_room) {
        uint32_t room = g->node_room ? g->node_room * 2 : 64;
        ir_node *more = realloc(g->nodes, room * sizeof *more);

        if (!more) {
            ir_fail_memory(g);
            return 0;
        }
        g->nodes = more;
        g->node_room = room;
    }
    g->values[node->out].node = (int)g->node_count;
    g->nodes[g->node_count++] = *node;
    memset(node, 0, sizeof *node);
    node->dead = 1;
    return 1;
}

/* As it was. */
static void keep(work *w, ir_node *node, uint32_t number)
{
    uint32_t order[MLI_MAX_RANK];
    ir_id out = node->out;

    for (uint32_t k = 0; k < node->inputs; k++)
        if (!w->g->values[node->in[k]].constant)
            node->in[k] = plain(w, node->in[k]);
    if (w->g->error[0] || !append(w, node))
        return;
    w->numbers[number] = w->g->node_count - 1;
    for (uint32_t i = 0; i < MLI_MAX_RANK; i++)
        order[i] = i;
    set_view(w, out, out, order);
}

/* The same operator on operands in another order. perm: of the result. */
static void redo(work *w, const ir_node *node, uint32_t inputs, const ir_id *in,
                 const uint32_t *perm)
{
    ir_graph *g = w->g;
    const ir_value *y = &g->values[node->out];
    ir_shape s = {y->timed, y->rank, {0}};
    ir_node *made;
    ir_id id;

    for (uint32_t i = 0; i < y->rank; i++)
        s.dims[perm[i]] = y->dims[i];
    id = ir_emit(g, node->type, inputs, in, &s);
    if (id == IR_NONE)
        return;
    made = ir_made(g);
    made->fn = node->fn;
    made->fp = node->fp;
    made->fq = node->fq;
    memcpy(made->p, node->p, sizeof made->p);
    if (node->type == MLI_OP_CONCAT || node->type == MLI_OP_SLICE ||
        node->type == MLI_OP_PAD)
        made->p[0] = perm[node->p[0]];
    else if (node->type == MLI_OP_POOL)
        made->p[1] = perm[node->p[1]];
    set_view(w, node->out, id, perm);
}

/* BINARY, CONCAT and the like: all data in the order of one of the operands. 0
   if that cannot be. */
static int reorder(work *w, const ir_node *node)
{
    uint32_t rank = w->g->values[node->out].rank, perm[MLI_MAX_RANK];
    uint32_t data = node->type == MLI_OP_AFFINE ? 1 : node->inputs;
    ir_id *in;
    int fits = 0;

    for (uint32_t k = 0; k < data && !fits; k++) {
        const view *v = &w->views[node->in[k]];
        const ir_value *x = &w->g->values[node->in[k]];
        if (x->constant || !v->moved || x->rank != rank)
            continue;
        memcpy(perm, v->perm, sizeof perm);
        fits = 1;
        for (uint32_t i = 0; i < data && fits; i++)
            fits = in_order(w, node->in[i], rank, perm, 1) != IR_NONE;
    }
    if (!fits)
        return 0;
    in = malloc((node->inputs + 1u) * sizeof *in);
    if (!in)
        return 0;
    for (uint32_t k = 0; k < node->inputs; k++)
        in[k] =
            k < data ? in_order(w, node->in[k], rank, perm, 0) : node->in[k];
    redo(w, node, node->inputs, in, perm);
    free(in);
    return 1;
}

/* A reshape that puts axes of one element in or leaves them out: those that are
   there afterwards lie in front of the base. */
static int reshape(work *w, const ir_node *node)
{
    const view *v = &w->views[node->in[0]];
    const ir_value *x = &w->g->values[node->in[0]];
    const ir_value *y = &w->g->values[node->out];
    const ir_value *base = &w->g->values[v->base];
    uint32_t place[MLI_MAX_RANK] = {0}, dims[MLI_MAX_RANK], perm[MLI_MAX_RANK];
    uint32_t ones = 0, n = 0;
    ir_id id;

    for (uint32_t i = 0; i < y->rank; i++)
        ones += y->dims[i] == 1;
    for (uint32_t i = 0; i < ones; i++)
        dims[i] = 1;
    for (uint32_t i = 0, to = ones; i < base->rank; i++)
        if (base->dims[i] != 1) {
            place[i] = to;
            dims[to++] = base->dims[i];
        }
    ones = 0;
    for (uint32_t i = 0; i < y->rank; i++) {
        if (y->dims[i] == 1) {
            perm[i] = ones++;
            continue;
        }
        while (x->dims[n] == 1)
            n++;
        perm[i] = place[v->perm[n++]];
    }
    id = ir_reshape(w->g, v->base, y->rank, dims);
    if (id == IR_NONE)
        return 0;
    set_view(w, node->out, id, perm);
    return 1;
}

static void transpose(work *w, const ir_node *node)
{
    const view *v = &w->views[node->in[0]];
    uint32_t rank = w->g->values[node->out].rank, perm[MLI_MAX_RANK];
    uint32_t order[MLI_MAX_RANK];
    const ir_value *base = &w->g->values[v->base];

    for (uint32_t i = 0; i < rank; i++) {
        perm[i] = v->perm[node->p[i]];
        order[i] = i;
    }
    if (!is_plain(perm, rank) && moves_nothing(base, perm)) {
        uint32_t dims[MLI_MAX_RANK];
        ir_id id;
        memcpy(dims, w->g->values[node->out].dims, sizeof dims);
        id = ir_reshape(w->g, v->base, rank, dims);
        if (id != IR_NONE)
            set_view(w, node->out, id, order);
        return;
    }
    set_view(w, node->out, v->base, perm);
}

/*
 * A reduction over axes that are not the base's last: pools as long as the
 * axes. What is left is small enough to be turned.
 */
static int reduce(work *w, const ir_node *node)
{
    ir_graph *g = w->g;
    const view *v = &w->views[node->in[0]];
    const ir_value *x = &g->values[node->in[0]], *y;
    uint32_t rank = x->rank, left = rank - node->p[1], perm[MLI_MAX_RANK];
    uint32_t order[MLI_MAX_RANK], dims[MLI_MAX_RANK], out_rank;
    mli_reduce fn = (mli_reduce)node->p[0];
    uint32_t axes[MLI_MAX_RANK], sizes[MLI_MAX_RANK];
    uint64_t all = 1;
    ir_id id = v->base;

    memcpy(perm, v->perm, sizeof perm);
    for (uint32_t i = left; i < rank; i++) {
        axes[i] = perm[i];
        sizes[i] = x->dims[i];
        all *= x->dims[i];
        if (perm[i] == rank - 1 || sizes[i] > MLI_MAX_POOL)
            return 0;
    }
    for (uint32_t i = left; i < rank; i++) {
        ir_window window = {sizes[i], sizes[i], 1, 0, 0};
        id = ir_pool(g, fn == MLI_REDUCE_MEAN ? MLI_REDUCE_SUM : fn, id,
                     axes[i], &window);
    }
    if (fn == MLI_REDUCE_MEAN)
        id =
            ir_binary(g, MLI_MUL, id, ir_scalar(g, (float)(1.0 / (double)all)));
    id = ir_transpose(g, id, perm);
    y = &g->values[node->out];
    out_rank = y->rank;
    memcpy(dims, y->dims, sizeof dims);
    id = ir_reshape(g, id, out_rank, dims);
    if (id == IR_NONE)
        return 0;
    for (uint32_t i = 0; i < MLI_MAX_RANK; i++)
        order[i] = i;
    set_view(w, node->out, id, order);
    return 1;
}

/* ------------------------------------------------- into a dense layer ---- */

/* The first axis of v that is part of a row of n, if the order of those before
   is the base's; else v's rank. */
static uint32_t row_axis(const work *w, ir_id old, uint64_t n)
{
    const ir_value *v = &w->g->values[old];
    uint64_t all = 1;
    uint32_t a = v->rank;

    while (a > 0 && (all < n || v->dims[a - 1] == 1))
        all *= v->dims[--a];
    for (uint32_t i = 0; i < a; i++)
        if (w->views[old].perm[i] != i)
            return v->rank;
    return all == n ? a : v->rank;
}

/* A reshape to the rows of dense layers: the base is made flat. */
static int flatten(work *w, const ir_node *node)
{
    ir_id x = node->in[0];
    const ir_value *y = &w->g->values[node->out];
    uint32_t order[MLI_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
    uint32_t dims[MLI_MAX_RANK], rank = y->rank;
    ir_id id;

    if (!w->views[x].moved || !w->rows[node->out] || rank == 0 ||
        row_axis(w, x, y->dims[rank - 1]) == w->g->values[x].rank)
        return 0;
    memcpy(dims, y->dims, sizeof dims);
    id = ir_reshape(w->g, w->views[x].base, rank, dims);
    if (id == IR_NONE)
        return 0;
    set_view(w, node->out, id, order);
    w->mixed[node->out] = x;
    return 1;
}

/* The weights for rows that lie as the base does. */
static void turn_weights(work *w, ir_node *node)
{
    ir_graph *g = w->g;
    ir_id x = w->mixed[node->in[0]], id;
    const ir_value *v = &g->values[x], *base = &g->values[w->views[x].base];
    uint32_t inputs = node->p[0], outputs = node->p[1];
    uint32_t a = row_axis(w, x, inputs), at[MLI_MAX_RANK] = {0};
    uint32_t step[MLI_MAX_RANK], dims[MLI_MAX_RANK], rank = v->rank, n = 1;
    uint32_t to = 0;
    size_t size = sizeof(float);
    const uint8_t *from;
    uint8_t *moved;

    for (uint32_t i = rank; i-- > a;) {
        step[i] = n;
        n *= base->dims[i];
    }
    memcpy(dims, v->dims, sizeof dims);
    id = ir_copy_constant(g, node->in[1]);
    if (id == IR_NONE)
        return;
    from = (const uint8_t *)g->values[node->in[1]].data;
    moved = (uint8_t *)g->values[id].data;
    if (g->values[id].storage != MLI_F32) /* a byte or two */
        size = (size_t)mli_stored_bytes(g->values[id].storage, 4, 1) / 4u;
    for (uint32_t i = 0; i < inputs; i++) {
        for (uint32_t o = 0; o < outputs; o++)
            memcpy(moved +
                       size * mli_packed_index(outputs, 1, inputs, o, 0, to),
                   from + size * mli_packed_index(outputs, 1, inputs, o, 0, i),
                   size);
        for (uint32_t k = rank; k-- > a;) { /* the next in the view's order */
            to += step[w->views[x].perm[k]];
            if (++at[k] < dims[k])
                break;
            to -= step[w->views[x].perm[k]] * dims[k];
            at[k] = 0;
        }
    }
    node->in[1] = id;
}

/* Values that only dense layers read, as what they multiply. */
static void find_rows(work *w)
{
    const ir_graph *g = w->g;

    memset(w->rows, 1, w->count);
    for (uint32_t i = 0; i < w->old_count; i++)
        for (uint32_t k = 0; !w->old[i].dead && k < w->old[i].inputs; k++)
            if (w->old[i].type != MLI_OP_LINEAR || k != 0)
                w->rows[w->old[i].in[k]] = 0;
    for (uint32_t i = 0; i < g->output_count; i++)
        w->rows[g->outputs[i].value] = 0;
}

static int any_moved(const work *w, const ir_node *node)
{
    for (uint32_t k = 0; k < node->inputs; k++)
        if (w->views[node->in[k]].moved)
            return 1;
    return 0;
}

static void do_node(work *w, uint32_t number)
{
    ir_node *node = &w->old[number];
    int done = 0;

    w->g->where = node->name;
    if (is_free(w->g, node) && !w->g->values[node->in[0]].constant &&
        node->type == MLI_OP_TRANSPOSE) {
        transpose(w, node);
        return;
    }
    if (is_free(w->g, node) && any_moved(w, node)) {
        if (node->type == MLI_OP_REDUCE)
            done = reduce(w, node);
        else if (!w->wanted[node->out])
            done = 0;
        else if (node->type == MLI_OP_RESHAPE)
            done = reshape(w, node);
        else
            done = reorder(w, node);
        w->tally->transposes += (uint32_t)done;
    } else if (node->type == MLI_OP_RESHAPE) {
        done = flatten(w, node);
        w->tally->transposes += (uint32_t)done;
    } else if (node->type == MLI_OP_LINEAR &&
               w->mixed[node->in[0]] != IR_NONE) {
        turn_weights(w, node);
    }
    if (!done)
        keep(w, node, number);
}

/* ----------------------------------------------------------- the graph ---- */

/* Values that a transpose, or what works on any order, reads. */
static void find_wanted(work *w)
{
    for (uint32_t i = w->old_count; i-- > 0;) {
        const ir_node *node = &w->old[i];
        if (node->dead || !is_free(w->g, node))
            continue;
        if (node->type == MLI_OP_TRANSPOSE || node->type == MLI_OP_REDUCE ||
            w->wanted[node->out])
            for (uint32_t k = 0; k < node->inputs; k++)
                w->wanted[node->in[k]] = 1;
    }
}

static void rebuild(work *w)
{
    ir_graph *g = w->g;
    const char *where = g->where;

    find_wanted(w);
    find_rows(w);
    for (uint32_t i = 0; i < w->old_count; i++) { /* unless it is kept */
        ir_value *made = &g->values[w->old[i].out];
        made->node = made->node < 0 ? made->node : IR_GONE;
    }
    for (uint32_t i = 0; i < w->count; i++) {
        w->mixed[i] = IR_NONE;
        uint32_t order[MLI_MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
        set_view(w, (ir_id)i, (ir_id)i, order);
    }
    for (uint32_t i = 0; i < w->old_count && !g->error[0]; i++)
        if (!w->old[i].dead)
            do_node(w, i);
    for (uint32_t i = 0; i < g->node_count; i++)
        if (g->nodes[i].type == MLI_OP_STORE)
            g->nodes[i].p[0] = w->numbers[g->nodes[i].p[0]];
    for (uint32_t i = 0; i < g->output_count && !g->error[0]; i++)
        if (!g->values[g->outputs[i].value].constant)
            g->outputs[i].value = plain(w, g->outputs[i].value);
    g->where = where;
}

static int has_transposes(const ir_graph *g)
{
    for (uint32_t i = 0; i < g->node_count; i++)
        if (!g->nodes[i].dead && g->nodes[i].type == MLI_OP_TRANSPOSE)
            return 1;
    return 0;
}

void ir_pass_transposes(ir_graph *g, ir_tally *tally)
{
    work w = {.g = g, .count = g->value_count, .tally = tally};

    if (!has_transposes(g) || g->error[0])
        return;
    w.views = calloc(w.count + 1u, sizeof *w.views);
    w.wanted = calloc(w.count + 1u, 1);
    w.rows = calloc(w.count + 1u, 1);
    w.mixed = calloc(w.count + 1u, sizeof *w.mixed);
    w.numbers = calloc(g->node_count + 1u, sizeof *w.numbers);
    if (w.views && w.wanted && w.rows && w.mixed && w.numbers) {
        w.old = g->nodes;
        w.old_count = g->node_count;
        g->nodes = NULL;
        g->node_count = g->node_room = 0;
        rebuild(&w);
        ir_free_nodes(w.old, w.old_count);
    } else {
        ir_fail_memory(g);
    }
    free(w.views);
    free(w.wanted);
    free(w.rows);
    free(w.mixed);
    free(w.numbers);
}
