/* see player.h */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* The kernel build that MLI_KERNELS names, else the best. */
static const mli_kernels *player_kernels(t_failure *failure)
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

/* Frames that a stream model computes at a time: no more than Pd's block. The
   results are the same bits. */
static uint32_t player_tile(void)
{
    int block = sys_getblksize();
    return block <= 16 ? 16 : block <= 32 ? 32 : 64;
}

uint32_t player_values(const t_player *p, const mli_port *port)
{
    return p->p_info.mode == MLI_STEP ? port->channels * port->frames
                                      : port->channels;
}

/* Sums over ports, in 64 bits: no file can make them wrap. */
static int player_count(t_player *p, t_failure *failure)
{
    uint64_t in = 0, out = 0;
    mli_port port;
    for (uint32_t i = 0; i < p->p_info.inputs; i++) {
        mli_get_input(p->p_model, i, &port);
        if (port.kind == MLI_PORT_SIGNAL)
            in += (uint64_t)port.channels *
                  (p->p_info.mode == MLI_STEP ? port.frames : 1);
    }
    for (uint32_t i = 0; i < p->p_info.outputs; i++) {
        mli_get_output(p->p_model, i, &port);
        out += (uint64_t)port.channels *
               (p->p_info.mode == MLI_STEP ? port.frames : 1);
    }
    if (in > VALUES_MAX || out > VALUES_MAX) {
        failure_set(failure, "unsupported",
                    "has %llu input and %llu output values (expected at most "
                    "%u)",
                    (unsigned long long)in, (unsigned long long)out,
                    VALUES_MAX);
        return 0;
    }
    p->p_nin = (uint32_t)in;
    p->p_nout = (uint32_t)out;
    return 1;
}

/* One pointer a port for step models, one a channel for others. */
static void player_wire(t_player *p)
{
    int step = p->p_info.mode == MLI_STEP;
    mli_port port;
    uint32_t at = 0, pointer = 0;
    for (uint32_t i = 0; i < p->p_info.inputs; i++) {
        mli_get_input(p->p_model, i, &port);
        if (port.kind != MLI_PORT_SIGNAL)
            continue;
        for (uint32_t c = 0; c < (step ? 1 : port.channels); c++) {
            p->p_in[pointer++] = p->p_x + at;
            at += step ? player_values(p, &port) : 1;
        }
    }
    at = pointer = 0;
    for (uint32_t i = 0; i < p->p_info.outputs; i++) {
        mli_get_output(p->p_model, i, &port);
        for (uint32_t c = 0; c < (step ? 1 : port.channels); c++) {
            p->p_out[pointer++] = p->p_y + at;
            at += step ? player_values(p, &port) : 1;
        }
    }
}

static size_t rounded(size_t bytes)
{
    return (bytes + MLI_ALIGNMENT - 1) / MLI_ALIGNMENT * MLI_ALIGNMENT;
}

/* Every value starts as its channel says; the rest of the memory as 0. */
static void player_initial(t_player *p)
{
    mli_port port;
    mli_channel channel;
    for (uint32_t c = 0; c < p->p_nin; c++) {
        player_input(p, c, &port, &channel, 0);
        p->p_x[c] = value_is_finite(channel.initial) ? channel.initial : 0;
    }
}

static int player_start(t_player *p, t_failure *failure)
{
    const mli_kernels *kernels = player_kernels(failure);
    uint32_t tile = player_tile();
    mli_memory need;
    mli_status status;
    if (!kernels)
        return 0;
    if ((status = mli_sizes(p->p_model, tile, &need)) != MLI_OK) {
        failure_set(failure, "memory", "%s", mli_status_text(status));
        return 0;
    }
    size_t state = rounded(need.state_bytes), arena = rounded(need.arena_bytes);
    size_t in = rounded(p->p_nin * sizeof(float));
    size_t out = rounded(p->p_nout * sizeof(float));
    size_t pin = rounded((p->p_nin + 1) * sizeof(float *));
    size_t pout = rounded((p->p_nout + 1) * sizeof(float *));
    size_t few = in + out + pin + pout; /* at most 24 * VALUES_MAX + change */
    if (state < need.state_bytes || arena < need.arena_bytes ||
        state > SIZE_MAX / 2 - few || arena > SIZE_MAX / 2 - few ||
        posix_memalign(&p->p_memory, MLI_ALIGNMENT, state + arena + few)) {
        p->p_memory = 0;
        failure_set(failure, "memory", "needs %zu bytes: not there",
                    need.state_bytes + need.arena_bytes);
        return 0;
    }
    p->p_bytes = state + arena + few;
    memset(p->p_memory, 0, p->p_bytes);
    char *at = p->p_memory;
    p->p_x = (float *)(at + state + arena);
    p->p_y = (float *)(at + state + arena + in);
    p->p_in = (const float **)(at + state + arena + in + out);
    p->p_out = (float **)(at + state + arena + in + out + pin);
    player_wire(p);
    player_initial(p);
    status =
        mli_start(p->p_model, kernels, tile, at, at + state, &p->p_session);
    if (status != MLI_OK)
        failure_set(failure, "memory", "%s", mli_status_text(status));
    return status == MLI_OK;
}

int player_open(t_player *p, const char *path, int fresh, t_failure *failure)
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
    if (player_count(p, failure) && player_start(p, failure))
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
    if (p->p_info.mode == MLI_STEP) {
        mli_run(p->p_session, p->p_in, p->p_out);
        return 1;
    }
    uint32_t runs = mli_process(p->p_session, p->p_in, p->p_out, 1);
    return p->p_info.mode == MLI_STREAM || runs > 0;
}

void player_input(const t_player *p, uint32_t c, mli_port *port,
                  mli_channel *channel, uint32_t *in_port)
{
    for (uint32_t i = 0; i < p->p_info.inputs; i++) {
        mli_get_input(p->p_model, i, port);
        if (port->kind != MLI_PORT_SIGNAL)
            continue;
        if (c < player_values(p, port)) {
            mli_get_input_channel(p->p_model, i, c, channel);
            break;
        }
        c -= player_values(p, port);
    }
    if (in_port)
        *in_port = c;
}

void player_output(const t_player *p, uint32_t c, mli_port *port,
                   mli_channel *channel, uint32_t *in_port)
{
    for (uint32_t i = 0; i < p->p_info.outputs; i++) {
        mli_get_output(p->p_model, i, port);
        if (c < player_values(p, port)) {
            mli_get_output_channel(p->p_model, i, c, channel);
            break;
        }
        c -= player_values(p, port);
    }
    if (in_port)
        *in_port = c;
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
