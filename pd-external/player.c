/* see player.h */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "layout.h"
#include "player.h"

/* Values in one list or frame: more than any patch can send. */
#define VALUES_MAX 65536u

void failure_set(t_failure *f, const char *word, const char *format, ...)
{
    va_list ap;
    f->f_word = word;
    va_start(ap, format);
    vsnprintf(f->f_text, sizeof(f->f_text), format, ap);
    va_end(ap);
}

const mli_kernels *player_kernels(t_failure *failure)
{
    const char *name = getenv("MLI_KERNELS");
    const mli_kernels *k = mli_kernels_find(name && *name ? name : NULL);
    if (!k) {
        char have[128] = "";
        for (uint32_t i = 0; mli_kernels_name(i); i++) {
            strncat(have, " ", sizeof(have) - strlen(have) - 1);
            strncat(have, mli_kernels_name(i), sizeof(have) - strlen(have) - 1);
        }
        failure_set(failure, "unsupported",
                    "MLI_KERNELS is '%s' (expected one of this machine's:%s)",
                    name ? name : "", have);
    }
    return k;
}

uint32_t player_values(const t_player *p, const mli_port *port)
{
    return p->p_info.mode == MLI_STEP ? port->channels * port->frames
                                      : port->channels;
}

uint32_t player_port(const t_player *p, t_side side, uint32_t i, mli_port *port)
{
    if (side == SIDE_IN)
        mli_get_input(p->p_model, i, port);
    else
        mli_get_output(p->p_model, i, port);
    return port->kind == MLI_PORT_SIGNAL ? player_values(p, port) : 0;
}

uint32_t player_ports(const t_player *p, t_side side)
{
    return side == SIDE_IN ? p->p_info.inputs : p->p_info.outputs;
}

/* Sums over ports, in 64 bits: no file can make them wrap. */
static int player_count(t_player *p, t_failure *failure)
{
    uint64_t sum[2] = {0, 0};
    mli_port port;
    for (int side = SIDE_IN; side <= SIDE_OUT; side++)
        for (uint32_t i = 0; i < player_ports(p, side); i++)
            sum[side] += player_port(p, side, i, &port);
    if (sum[SIDE_IN] > VALUES_MAX || sum[SIDE_OUT] > VALUES_MAX) {
        failure_set(failure, "unsupported",
                    "has %llu input and %llu output values (expected at most "
                    "%u)",
                    (unsigned long long)sum[SIDE_IN],
                    (unsigned long long)sum[SIDE_OUT], VALUES_MAX);
        return 0;
    }
    p->p_nin = (uint32_t)sum[SIDE_IN];
    p->p_nout = (uint32_t)sum[SIDE_OUT];
    return 1;
}

/* One pointer a port for step models, one a channel for others. */
static void player_wire(const t_player *p, t_side side, float **pointers,
                        float *values)
{
    int step = p->p_info.mode == MLI_STEP;
    mli_port port;
    for (uint32_t i = 0; i < player_ports(p, side); i++) {
        uint32_t n = player_port(p, side, i, &port);
        for (uint32_t at = 0; at < n; at += step ? n : 1)
            *pointers++ = values + at;
        values += n;
    }
}

/* Every value starts as its channel says; the rest of the memory as 0. */
static void player_initial(t_player *p)
{
    mli_port port;
    mli_channel channel;
    for (uint32_t c = 0; c < p->p_nin; c++) {
        player_channel(p, SIDE_IN, c, &port, &channel);
        p->p_x[c] = value_is_finite(channel.initial) ? channel.initial : 0;
    }
}

/* Values of the largest control. */
static uint32_t player_control(const t_player *p)
{
    mli_port port;
    uint32_t most = 0;
    for (uint32_t i = 0; i < p->p_info.inputs; i++) {
        mli_get_input(p->p_model, i, &port);
        if (port.kind == MLI_PORT_CONTROL && port.channels > most)
            most = port.channels;
    }
    return most;
}

/* Give all arrays their places; state and arena are for the session. */
static void player_lay(t_player *p, t_layout *l, const mli_memory *need,
                       void **state, void **arena)
{
    *state = layout_take(l, need->state_bytes, 1);
    *arena = layout_take(l, need->arena_bytes, 1);
    p->p_x = layout_take(l, p->p_nin, sizeof(float));
    p->p_y = layout_take(l, p->p_nout, sizeof(float));
    p->p_set = layout_take(l, player_control(p), sizeof(float));
    p->p_in = layout_take(l, p->p_nin, sizeof(float *));
    p->p_out = layout_take(l, p->p_nout, sizeof(float *));
}

static int player_start(t_player *p, uint32_t tile, t_failure *failure)
{
    const mli_kernels *kernels = player_kernels(failure);
    t_layout l = {0, 0};
    mli_memory need;
    mli_status status;
    void *state, *arena;
    if (!kernels)
        return 0;
    if ((status = mli_sizes(p->p_model, tile, &need)) != MLI_OK) {
        failure_set(failure, "memory", "%s", mli_status_text(status));
        return 0;
    }
    player_lay(p, &l, &need, &state, &arena);
    p->p_bytes = l.l_used;
    if (!layout_make(&l)) {
        failure_set(failure, "memory", "needs %zu bytes: not there",
                    p->p_bytes);
        return 0;
    }
    p->p_memory = l.l_base;
    player_lay(p, &l, &need, &state, &arena);
    player_wire(p, SIDE_IN, p->p_in, p->p_x);
    player_wire(p, SIDE_OUT, p->p_out, p->p_y);
    player_initial(p);
    status = mli_start(p->p_model, kernels, tile, state, arena, &p->p_session);
    if (status != MLI_OK)
        failure_set(failure, "memory", "%s", mli_status_text(status));
    return status == MLI_OK;
}

int player_open(t_player *p, const char *path, int fresh, uint32_t tile,
                t_failure *failure)
{
    mlc_error error = {MLC_OK, ""};
    memset(p, 0, sizeof(*p));
    p->p_shared = shared_open(path, fresh, &error);
    if (!p->p_shared) {
        failure_set(failure, mlc_status_word(error.status), "%s", error.text);
        return 0;
    }
    p->p_model = shared_model(p->p_shared);
    mli_get_info(p->p_model, &p->p_info);
    if (player_count(p, failure) && player_start(p, tile, failure))
        return 1;
    player_close(p);
    return 0;
}

void player_close(t_player *p)
{
    free(p->p_memory);
    shared_drop(p->p_shared);
    memset(p, 0, sizeof(*p));
}

int player_once(t_player *p)
{
    const float *const *in = (const float *const *)p->p_in;
    if (p->p_info.mode == MLI_STEP) {
        mli_run(p->p_session, in, p->p_out);
        return 1;
    }
    uint32_t runs = mli_process(p->p_session, in, p->p_out, 1);
    return p->p_info.mode == MLI_STREAM || runs > 0;
}

uint32_t player_channel(const t_player *p, t_side side, uint32_t c,
                        mli_port *port, mli_channel *channel)
{
    uint32_t i = 0, n;
    while (c >= (n = player_port(p, side, i, port)))
        c -= n, i++;
    if (side == SIDE_IN)
        mli_get_input_channel(p->p_model, i, c, channel);
    else
        mli_get_output_channel(p->p_model, i, c, channel);
    return c;
}

int player_named(const t_player *p, const char *name, mli_port_kind kind)
{
    mli_port port;
    for (uint32_t i = 0; i < p->p_info.inputs; i++) {
        mli_get_input(p->p_model, i, &port);
        if (port.kind == kind && !strcmp(port.name, name))
            return (int)i;
    }
    return -1;
}
