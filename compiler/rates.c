#include "rates.h"

int64_t mlc_common_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* The next timed value that is an input's or a living node's, from i on. */
static const ir_value *next(const ir_graph *g, uint32_t *i)
{
    for (; *i < g->value_count; ++*i) {
        const ir_value *v = &g->values[*i];

        if (v->timed && v->up && v->node != IR_GONE &&
            (v->node < 0 || !g->nodes[v->node].dead)) {
            ++*i;
            return v;
        }
    }
    return NULL;
}

/* The least common multiple of a and b, both at most 2^20; 0 if it is over. */
static uint64_t common_multiple(uint64_t a, uint64_t b)
{
    uint64_t m = a / mlc_common_divisor(a, b) * b;

    return m <= MLI_MAX_PERIOD ? m : 0;
}

static int find_ticks(const ir_graph *g, mlc_rates *r)
{
    const ir_value *v;
    uint64_t ticks = 1, share = 0;

    for (uint32_t i = 0; ticks && (v = next(g, &i));)
        ticks = common_multiple(ticks, v->up);
    if (!ticks)
        return 0;
    for (uint32_t i = 0; (v = next(g, &i));)
        share = mlc_common_divisor(share, ticks / v->up * v->down);
    r->ticks = (uint32_t)ticks;
    r->share = share ? (uint32_t)(share <= UINT32_MAX ? share : 1) : 1;
    return 1;
}

static int find_cycle(const ir_graph *g, mlc_rates *r)
{
    const ir_value *v;
    uint64_t cycle = 1;

    for (uint32_t i = 0; cycle && (v = next(g, &i));) {
        uint64_t period = (uint64_t)r->ticks / v->up * v->down / r->share;

        cycle = period <= MLI_MAX_PERIOD ? common_multiple(cycle, period) : 0;
    }
    r->cycle = (uint32_t)cycle;
    return cycle != 0;
}

/* The smallest period of a signal port; 0 if it does not divide the others. */
static uint32_t find_frame(const ir_graph *g, const mlc_rates *r)
{
    uint32_t frame = 0;
    int divides = 1;

    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < g->input_count + g->output_count; i++) {
            const ir_port *p = i < g->input_count
                                   ? &g->inputs[i]
                                   : &g->outputs[i - g->input_count];
            uint32_t period = mlc_period(r, &g->values[p->value]);

            if (period && (!frame || period < frame))
                frame = period;
            if (pass && period)
                divides &= period % frame == 0;
        }
    if (!frame)
        return 1;
    return divides ? frame : 0;
}

const char *mlc_find_rates(const ir_graph *g, mlc_rates *r)
{
    const mlc_rates one = {1, 1, 1, 1};
    const char *wrong = NULL;

    *r = one;
    if (g->mode != MLI_STREAM)
        return NULL;
    if (!find_ticks(g, r) || !find_cycle(g, r)) {
        wrong = "the rates in the model have no common cycle of at most 2^20 "
                "frames";
    } else {
        r->frame = find_frame(g, r);
        if (!r->frame)
            wrong = "the rates of the inputs and outputs are no multiples of "
                    "one of them";
        else if (r->frame > MLI_MAX_FRAME_TICKS)
            wrong = "the model computes at more than 16 times the rate of its "
                    "inputs and outputs";
    }
    if (wrong)
        *r = one;
    return wrong;
}

uint32_t mlc_period(const mlc_rates *r, const ir_value *v)
{
    if (!v->timed || !v->up)
        return v->timed;
    return (uint32_t)((uint64_t)r->ticks / v->up * v->down / r->share);
}
