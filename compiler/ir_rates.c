/*
 * ir_rates.c - values that come more slowly or more often than the input.
 */
#include <string.h>
#include "ir_build.h"
#include "rates.h"

/* Rates are kept in lowest terms, and within what a file can hold. */
static int set_rate(ir_graph *g, ir_value *v, uint64_t up, uint64_t down)
{
    uint64_t most = (uint64_t)mlc_common_divisor((int64_t)up, (int64_t)down);

    if (most == 0 || up / most > MLI_MAX_PERIOD ||
        down / most > MLI_MAX_PERIOD) {
        ir_fail(g, "a rate of %llu/%llu frames for each of the input's",
                (unsigned long long)up, (unsigned long long)down);
        return 0;
    }
    v->up = (uint32_t)(up / most);
    v->down = (uint32_t)(down / most);
    return 1;
}

void ir_set_rate(ir_graph *g, ir_id input, uint32_t up, uint32_t down)
{
    if (ir_good(g, input) && g->values[input].timed)
        set_rate(g, &g->values[input], up, down);
}

static int is_timed(ir_graph *g, ir_id x, const char *what)
{
    if (!ir_good(g, x))
        return 0;
    if (!g->values[x].timed)
        ir_fail(g, "%s of a value without a time axis", what);
    return g->values[x].timed;
}

/* [taps, dims...] of x; 0 if a limit is exceeded. */
static int unfolded(ir_graph *g, ir_shape *s, uint32_t taps, uint32_t dilation,
                    uint32_t step)
{
    uint64_t reach = (uint64_t)(taps - 1u) * dilation;

    if (!taps || !dilation || !step || taps > MLI_MAX_TIMED_ELEMENTS ||
        step > MLI_MAX_PERIOD || reach > MLI_MAX_ELEMENTS) {
        ir_fail(g, "frames in groups of %u, dilation %u, step %u", taps,
                dilation, step);
        return 0;
    }
    if (s->rank == MLI_MAX_RANK) {
        ir_fail(g, "too many axes (expected at most %u)", MLI_MAX_RANK - 1u);
        return 0;
    }
    memmove(s->dims + 1, s->dims, s->rank * sizeof s->dims[0]);
    s->dims[0] = taps;
    s->rank++;
    return 1;
}

ir_id ir_unfold(ir_graph *g, ir_id x, uint32_t taps, uint32_t dilation,
                uint32_t step)
{
    ir_shape s;
    ir_id y;

    if (!is_timed(g, x, "groups of frames"))
        return IR_NONE;
    s = ir_shape_of(g, x);
    if (!unfolded(g, &s, taps, dilation, step))
        return IR_NONE;
    if (taps == 1 && step == 1)
        return ir_reshape(g, x, s.rank, s.dims);
    y = ir_emit(g, MLI_OP_UNFOLD, 1, &x, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = taps;
    ir_made(g)->p[1] = taps == 1 ? 1 : dilation;
    ir_made(g)->p[2] = step;
    if (taps > 1)
        ir_emit_state(g, (taps - 1u) * dilation,
                      (uint32_t)g->values[x].elements, NULL);
    if (g->error[0] || !set_rate(g, &g->values[y], g->values[x].up,
                                 (uint64_t)g->values[x].down * step))
        return IR_NONE;
    return y;
}

ir_id ir_depth_to_time(ir_graph *g, ir_id x, uint32_t step)
{
    char text[120];
    ir_shape s;
    ir_id y;

    if (!is_timed(g, x, "depth to time"))
        return IR_NONE;
    s = ir_shape_of(g, x);
    if (!step || step > MLI_MAX_PERIOD || !s.rank || s.dims[0] != step) {
        ir_fail(g, "depth to time: %u frames of %s", step,
                ir_shape_text(&s, text));
        return IR_NONE;
    }
    s.rank--;
    memmove(s.dims, s.dims + 1, s.rank * sizeof s.dims[0]);
    s.dims[s.rank] = 0;
    if (step == 1)
        return ir_reshape(g, x, s.rank, s.dims);
    y = ir_emit(g, MLI_OP_DEPTH_TO_TIME, 1, &x, &s);
    if (y == IR_NONE)
        return IR_NONE;
    ir_made(g)->p[0] = step;
    ir_emit_state(g, step, (uint32_t)g->values[y].elements, NULL);
    if (g->error[0] ||
        !set_rate(g, &g->values[y], (uint64_t)g->values[x].up * step,
                  g->values[x].down))
        return IR_NONE;
    return y;
}
