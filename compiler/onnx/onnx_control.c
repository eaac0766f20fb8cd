/*
 * onnx_control.c - graphs inside of nodes: If, Loop and Scan. What is known now
 * is done now: a branch is chosen, rounds are written out one after another.
 */
#include <string.h>
#include "onnx_run.h"

#define MAX_NESTING 32
#define MAX_ROUNDS  65536
#define MAX_NODES   ((int64_t)1 << 15) /* of all rounds */

void onnx_nest(onnx_run *r, const onnx_call *c)
{
    if (++r->nesting > MAX_NESTING)
        onnx_bad(r, c, "functions nest too deeply");
}

static const char **output_names(onnx_run *r, const onnx_graph *g)
{
    const char **names = onnx_take(r->pool, g->output_count, sizeof *names);
    for (size_t i = 0; i < g->output_count; i++)
        names[i] = g->outputs[i].name;
    return names;
}

/* The graph's outputs for these inputs; what is used from outside is seen.
   prefix: in front of node names. */
static onnx_value **inside(onnx_run *r, onnx_call *c, const onnx_graph *g,
                           onnx_value **in, const char *prefix)
{
    onnx_scope s = {0};
    onnx_value **out = onnx_take(r->pool, g->output_count, sizeof *out);
    onnx_nest(r, c);
    s.outer = (onnx_scope *)c->scope; /* only looked up in */
    s.names = onnx_names_new(r);
    s.prefix = prefix;
    onnx_name_tensors(r, &s, g);
    for (size_t i = 0; in && i < g->input_count; i++)
        onnx_name(r, &s, g->inputs[i].name, in[i]);
    onnx_walk(r, &s, g, output_names(r, g), g->output_count);
    for (size_t i = 0; i < g->output_count; i++) {
        out[i] = onnx_look_up(r, &s, g->outputs[i].name);
        if (!out[i])
            onnx_bad(r, c, "its graph does not make output %.80s",
                     g->outputs[i].name);
    }
    r->nesting--;
    return out;
}

static const onnx_graph *graph_of(onnx_run *r, onnx_call *c, const char *name,
                                  size_t outputs)
{
    const onnx_attr *a = onnx_attr_of(c, name);
    if (!a || !a->g || a->g->output_count < outputs)
        onnx_bad(r, c, "%s is missing or gives too little", name);
    return a->g;
}

/* Does it use anything that cannot run? Then so do its outputs. */
static int broken_input(onnx_run *r, onnx_call *c, int from)
{
    for (int i = from; i < c->inputs; i++) {
        const onnx_value *v = c->in[i];
        if (!v || (v->kind != ONNX_BROKEN && v->kind != ONNX_FINAL))
            continue;
        if (v->kind == ONNX_BROKEN && v->broken) {
            onnx_unsupported(r, c, "uses %s", v->broken);
            return 1;
        }
        for (int k = 0; k < c->outputs; k++)
            c->out[k] = onnx_new(r, v->kind, ONNX_FLOAT, 0, NULL);
        return 1;
    }
    return 0;
}

/* ------------------------------------------------------------------ If ---- */

/* One of two results, chosen at run time. */
static onnx_value *chosen(onnx_run *r, onnx_call *c, onnx_value *when,
                          onnx_value *yes, onnx_value *no)
{
    onnx_value *v[3] = {when, yes, no}, *y;
    ir_id condition;
    if (yes == no)
        return yes;
    if (yes->kind > ONNX_RUNS || no->kind > ONNX_RUNS ||
        !onnx_same_dims(yes, no) || onnx_timed(r, yes) != onnx_timed(r, no)) {
        onnx_unsupported(r, c,
                         "a computed condition, and results of "
                         "different shapes or kinds");
        return NULL;
    }
    onnx_align(r, v, 3);
    condition = onnx_as(r, v[0], 0, NULL);
    if (r->mode == MLI_STREAM && onnx_timed(r, v[0]) && !onnx_timed(r, v[1]))
        onnx_not_in_time(r, c, "chooses what does not change with time");
    y = onnx_result(
        r, v[1], yes->rank, yes->dims, yes->time,
        ir_select(r->g, condition, onnx_id(r, v[1]), onnx_id(r, v[2])));
    y->type = yes->type;
    return y;
}

void onnx_do_if(onnx_run *r, onnx_call *c, int what)
{
    float yes;
    const char *prefix = c->scope->prefix;
    size_t count = (size_t)c->outputs;
    onnx_value *when = c->inputs ? c->in[0] : NULL, **a, **b;
    (void)what;
    if (!when)
        onnx_bad(r, c, "no condition");
    if (onnx_single(when, &yes)) {
        a = inside(
            r, c,
            graph_of(r, c, yes != 0.f ? "then_branch" : "else_branch", count),
            NULL, prefix);
        memcpy(c->out, a, count * sizeof *a);
        return;
    }
    if (broken_input(r, c, 0))
        return;
    if (when->kind != ONNX_RUNS || onnx_elements(when) != 1) {
        onnx_unsupported(r, c, "a condition of %lld elements",
                         (long long)onnx_elements(when));
        return;
    }
    a = inside(r, c, graph_of(r, c, "then_branch", count), NULL, prefix);
    b = inside(r, c, graph_of(r, c, "else_branch", count), NULL, prefix);
    for (size_t i = 0; i < count; i++) {
        c->out[i] = chosen(r, c, when, a[i], b[i]);
        if (!c->out[i] || c->out[i]->kind == ONNX_BROKEN)
            return;
    }
}

/* ---------------------------------------------------------------- Loop ---- */

static onnx_value *number(onnx_run *r, int type, int64_t value)
{
    onnx_value *v = onnx_new_const(r, type, 0, NULL);
    v->i[0] = value;
    return v;
}

/* v[count] on top of each other, along a new axis. */
static onnx_value *stacked(onnx_run *r, onnx_call *c, onnx_value **v, int count,
                           int axis)
{
    if (!count) {
        static const int64_t none = 0;
        return onnx_new_const(r, ONNX_FLOAT, 1, &none);
    }
    axis += axis < 0 ? v[0]->rank + 1 : 0;
    for (int i = 0; i < count; i++)
        if (v[i]->kind > ONNX_RUNS || v[i]->rank == ONNX_MAX_RANK || axis < 0 ||
            axis > v[i]->rank || !onnx_same_dims(v[i], v[0])) {
            onnx_unsupported(r, c, "results of different shapes or kinds");
            return NULL;
        }
    for (int i = 0; i < count; i++) {
        int64_t dims[ONNX_MAX_RANK];
        for (int k = 0; k <= v[i]->rank; k++)
            dims[k] = k < axis   ? v[i]->dims[k]
                      : k > axis ? v[i]->dims[k - 1]
                                 : 1;
        v[i] = onnx_like(r, v[i], v[i]->rank + 1, dims,
                         v[i]->time < axis ? v[i]->time : v[i]->time + 1,
                         v[i]->id);
    }
    return onnx_concat(r, c, v, count, axis);
}

static int too_long(onnx_run *r, onnx_call *c, const onnx_graph *g,
                    int64_t rounds)
{
    int64_t nodes = (int64_t)g->node_count + 1;
    if (rounds <= MAX_ROUNDS && rounds <= MAX_NODES / nodes)
        return 0;
    onnx_unsupported(r, c, "%lld rounds of %lld nodes", (long long)rounds,
                     (long long)nodes - 1);
    return 1;
}

static const char *round_name(onnx_run *r, const onnx_call *c, int64_t number)
{
    return onnx_print(r->pool, "%s.%lld/", c->name, (long long)number);
}

void onnx_do_loop(onnx_run *r, onnx_call *c, int what)
{
    int states = c->inputs > 2 ? c->inputs - 2 : 0, stacks, rounds = 0;
    const onnx_graph *g = graph_of(r, c, "body", (size_t)states + 1);
    onnx_value **in, **all[ONNX_MAX_STACKS] = {0}, **out;
    int64_t most = MAX_ROUNDS + 1, room = 16;
    uint64_t learned = 0;
    float go = 1.f;
    (void)what;
    stacks = (int)g->output_count - 1 - states;
    if (broken_input(r, c, 0))
        return;
    if (stacks > ONNX_MAX_STACKS || g->input_count < (size_t)states + 2 ||
        c->outputs > states + stacks)
        onnx_bad(r, c, "inputs and outputs of its body do not fit");
    if (c->inputs > 0 && c->in[0]) {
        if (c->in[0]->kind != ONNX_CONST || onnx_elements(c->in[0]) != 1) {
            onnx_unsupported(r, c, "a computed number of rounds");
            return;
        }
        most = onnx_int_at(c->in[0], 0);
    }
    if (c->inputs > 1 && c->in[1] && !onnx_single(c->in[1], &go)) {
        onnx_unsupported(r, c, "a computed condition");
        return;
    }
    in = onnx_take(r->pool, g->input_count + (size_t)states + 2, sizeof *in);
    for (int i = 0; i < states; i++) {
        in[2 + i] = c->in[2 + i];
        if (!in[2 + i])
            onnx_bad(r, c, "input %d is missing", 2 + i);
    }
    for (int i = 0; i < stacks; i++)
        all[i] = onnx_take(r->pool, (size_t)room, sizeof **all);
    for (; rounds < most && go != 0.f; rounds++) {
        if (too_long(r, c, g, (int64_t)rounds + 1))
            return;
        in[0] = number(r, ONNX_INT64, rounds);
        in[1] = number(r, ONNX_BOOL, 1);
        out = inside(r, c, g, in, round_name(r, c, rounds));
        if (rounds == 0)
            learned = r->parameters;
        r->parameters = learned; /* the same ones again */
        if (r->unsupported_length)
            break; /* once is enough */
        if (!onnx_single(out[0], &go)) {
            onnx_unsupported(r, c, "a computed end");
            return;
        }
        for (int i = 0; i < states; i++)
            in[2 + i] = out[1 + i];
        for (int i = 0; i < stacks; i++) {
            if (rounds == room) {
                onnx_value **more =
                    onnx_take(r->pool, 2 * (size_t)room, sizeof *more);
                memcpy(more, all[i], (size_t)room * sizeof *more);
                all[i] = more;
            }
            all[i][rounds] = out[1 + states + i];
        }
        room *= rounds == room ? 2 : 1;
    }
    for (int i = 0; i < c->outputs; i++) {
        c->out[i] = i < states ? in[2 + i]
                    : r->unsupported_length
                        ? onnx_new(r, ONNX_BROKEN, ONNX_FLOAT, 0, NULL)
                        : stacked(r, c, all[i - states], rounds, 0);
        if (!c->out[i] || c->out[i]->kind == ONNX_BROKEN) {
            for (i = 0; i < c->outputs; i++)
                c->out[i] = onnx_new(r, ONNX_BROKEN, ONNX_FLOAT, 0, NULL);
            return;
        }
    }
}

/* ---------------------------------------------------------------- Scan ---- */

typedef struct scan {
    const onnx_graph *g;
    int states, inputs, outputs; /* inputs are scanned, outputs stacked */
    int64_t rounds;
    const onnx_attr *in_axes, *in_ways, *out_axes, *out_ways;
} scan;

static int64_t listed(const onnx_attr *a, int n, int64_t fallback)
{
    return a && (size_t)n < a->ints_count ? a->ints[n] : fallback;
}

static onnx_value *element(onnx_run *r, onnx_call *c, onnx_value *v, int axis,
                           int64_t at)
{
    int64_t dims[ONNX_MAX_RANK];
    onnx_value *y = onnx_sliced(r, c, v, axis, at, 1, 1);
    int time = v->time == axis ? -1 : v->time > axis ? v->time - 1 : v->time;
    for (int i = 0, n = 0; i < v->rank; i++)
        if (i != axis)
            dims[n++] = v->dims[i];
    return onnx_like(r, y, v->rank - 1, dims, time, y->id);
}

/* states[] begin as given and end as the last ones; made[] are the stacked
   outputs. 0: it was reported. */
static int scanned(onnx_run *r, onnx_call *c, const scan *s,
                   onnx_value **states, onnx_value **x, onnx_value **made)
{
    onnx_value **in = onnx_take(r->pool, s->g->input_count, sizeof *in);
    onnx_value **all[ONNX_MAX_STACKS] = {0};
    uint64_t learned = 0;
    for (int i = 0; i < s->outputs; i++)
        all[i] = onnx_take(r->pool, (size_t)s->rounds, sizeof **all);
    for (int64_t t = 0; t < s->rounds; t++) {
        onnx_value **out;
        for (int i = 0; i < s->states; i++)
            in[i] = states[i];
        for (int i = 0; i < s->inputs; i++) {
            int axis = onnx_axis(r, c, listed(s->in_axes, i, 0), x[i]->rank);
            int64_t at = listed(s->in_ways, i, 0) ? s->rounds - 1 - t : t;
            in[s->states + i] = element(r, c, x[i], axis, at);
        }
        out = inside(r, c, s->g, in, round_name(r, c, t));
        if (t == 0)
            learned = r->parameters;
        r->parameters = learned;
        if (r->unsupported_length)
            return 0;
        for (int i = 0; i < s->states; i++)
            states[i] = out[i];
        for (int i = 0; i < s->outputs; i++)
            all[i][listed(s->out_ways, i, 0) ? s->rounds - 1 - t : t] =
                out[s->states + i];
    }
    for (int i = 0; i < s->outputs; i++) {
        made[i] = stacked(r, c, all[i], (int)s->rounds,
                          (int)listed(s->out_axes, i, 0));
        if (!made[i])
            return 0;
    }
    return 1;
}

static int scan_lengths(onnx_run *r, onnx_call *c, scan *s, onnx_value **x)
{
    for (int i = 0; i < s->inputs; i++) {
        int axis = onnx_axis(r, c, listed(s->in_axes, i, 0), x[i]->rank);
        if (x[i]->time == axis) {
            r->layers_in_time++;
            onnx_not_in_time(r, c, "goes through time with a graph of its own");
        }
        if (i && x[i]->dims[axis] != s->rounds)
            onnx_bad(r, c, "inputs of different lengths");
        s->rounds = x[i]->dims[axis];
    }
    return !too_long(r, c, s->g, s->rounds);
}

/* Before opset 9: an axis of batches in front, and lengths as first input. */
static void scan_batches(onnx_run *r, onnx_call *c, scan *s, onnx_value **in)
{
    int64_t batch = in[0]->rank ? in[0]->dims[0] : 0;
    onnx_value ***all = onnx_take(r->pool, (size_t)c->outputs, sizeof *all);
    if (batch < 1 || batch > 1024) {
        onnx_unsupported(r, c, "a batch of %lld", (long long)batch);
        return;
    }
    for (int i = 0; i < s->states + s->inputs; i++)
        if (in[i]->rank < 1 || in[i]->dims[0] != batch)
            onnx_bad(r, c, "input %d is of another batch", i + 1);
    for (int i = 0; i < c->outputs; i++)
        all[i] = onnx_take(r->pool, (size_t)batch, sizeof **all);
    for (int64_t n = 0; n < batch; n++) {
        onnx_value **one =
            onnx_take(r->pool, (size_t)(s->states + s->inputs), sizeof *one);
        onnx_value *made[ONNX_MAX_STACKS];
        for (int i = 0; i < s->states + s->inputs; i++)
            one[i] = element(r, c, in[i], 0, n);
        if (!scan_lengths(r, c, s, one + s->states) ||
            !scanned(r, c, s, one, one + s->states, made))
            return;
        for (int i = 0; i < c->outputs; i++)
            all[i][n] = i < s->states ? one[i] : made[i - s->states];
    }
    for (int i = 0; i < c->outputs; i++)
        c->out[i] = stacked(r, c, all[i], (int)batch, 0);
}

void onnx_do_scan(onnx_run *r, onnx_call *c, int what)
{
    int old = c->opset < 9, first = old ? 1 : 0;
    onnx_value **in = c->in + first, *made[ONNX_MAX_STACKS] = {0};
    scan s = {0};
    (void)what;
    s.g = graph_of(r, c, "body", 0);
    s.inputs = (int)onnx_int(c, "num_scan_inputs", 0);
    s.states = c->inputs - first - s.inputs;
    s.outputs = (int)s.g->output_count - s.states;
    s.in_axes = onnx_attr_of(c, "scan_input_axes");
    s.out_axes = onnx_attr_of(c, "scan_output_axes");
    s.in_ways = onnx_attr_of(c, old ? "directions" : "scan_input_directions");
    s.out_ways = onnx_attr_of(c, "scan_output_directions");
    if (broken_input(r, c, 0))
        return;
    if (s.inputs < 1 || s.states < 0 || s.outputs < 0 ||
        s.outputs > ONNX_MAX_STACKS || c->outputs > s.states + s.outputs ||
        s.g->input_count != (size_t)(s.states + s.inputs))
        onnx_bad(r, c, "inputs and outputs of its body do not fit");
    for (int i = 0; i < s.states + s.inputs; i++)
        if (!in[i])
            onnx_bad(r, c, "input %d is missing", i + first);
    if (old && c->in[0]) {
        onnx_unsupported(r, c, "sequence lengths");
        return;
    }
    if (old) {
        scan_batches(r, c, &s, in);
    } else if (scan_lengths(r, c, &s, in + s.states)) {
        onnx_value **states =
            onnx_take(r->pool, (size_t)s.states + 1, sizeof *states);
        memcpy(states, in, (size_t)s.states * sizeof *states);
        if (scanned(r, c, &s, states, in + s.states, made))
            for (int i = 0; i < c->outputs; i++)
                c->out[i] = i < s.states ? states[i] : made[i - s.states];
    }
    for (int i = 0; i < c->outputs; i++)
        if (!c->out[i])
            c->out[i] = onnx_new(r, ONNX_BROKEN, ONNX_FLOAT, 0, NULL);
}
