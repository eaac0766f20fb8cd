/*
 * player.h - one model made ready to run for one box: the shared image, a
 * session with its memory, and room for one frame or list of values.
 */
#ifndef PLAYER_H
#define PLAYER_H

#include "shared.h"

/* Why a model could not be had. */
typedef struct _failure {
    const char *f_word; /* for the info outlet: "notfound", "corrupt" ... */
    char f_text[1200];  /* for people: what, expected, found */
} t_failure;

void failure_set(t_failure *f, const char *word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

typedef enum { SIDE_IN, SIDE_OUT } t_side; /* of a model */

typedef struct _player {
    t_shared *p_shared;
    const mli_model *p_model; /* 0: there is none */
    mli_session *p_session;
    mli_info p_info;
    uint32_t p_nin;  /* values of all signal inputs: a frame, or a list */
    uint32_t p_nout; /* and of all outputs */
    float *p_x;      /* [p_nin] the values that player_once takes */
    float *p_y;      /* [p_nout] and makes */
    float *p_set;    /* [of the largest control] room to set one */
    float **p_in;    /* p_x and p_y, in the order that the runtime asks for */
    float **p_out;
    void *p_memory; /* all of it */
    size_t p_bytes;
} t_player;

/*
 * Make a model file ready. path: a file that is there. fresh: see shared.h.
 * tile: see mli_sizes. Takes all memory that running it needs, and writes it
 * once. Returns 0 with failure filled in, and nothing taken, if it cannot be
 * had.
 */
int player_open(t_player *p, const char *path, int fresh, uint32_t tile,
                t_failure *failure);
void player_close(t_player *p);

/*
 * Run on p_x: one list (step), or one frame (stream, window). Returns 1 when
 * p_y is a new result. Window models have one every hop.
 */
int player_once(t_player *p);

/* The kernel build that MLI_KERNELS names, else the best; 0: failure is filled
   in. */
const mli_kernels *player_kernels(t_failure *failure);

/* Values of one port: a list for step models, a frame for others. */
uint32_t player_values(const t_player *p, const mli_port *port);

/* Ports of a side, and number i of them. Returns its values, which are none for
   a control. */
uint32_t player_ports(const t_player *p, t_side side);
uint32_t player_port(const t_player *p, t_side side, uint32_t i,
                     mli_port *port);

/* Channel number c, counted from 0 over all signal ports of a side, which has
   more than c. Returns the channel's number in its port. */
uint32_t player_channel(const t_player *p, t_side side, uint32_t c,
                        mli_port *port, mli_channel *channel);

/* Index of the input that has this name, of a kind; -1: none. */
int player_named(const t_player *p, const char *name, mli_port_kind kind);

static inline int value_is_finite(float f)
{
    union {
        float f;
        uint32_t bits;
    } v = {f};
    return (v.bits & 0x7f800000u) != 0x7f800000u;
}

typedef uint32_t t_fourbits __attribute__((vector_size(16)));

/* Four at a time: one more makes an exponent of ones reach the sign. */
static inline int values_are_finite(const float *v, uint32_t n)
{
    const t_fourbits exponent = {0x7f800000u, 0x7f800000u, 0x7f800000u,
                                 0x7f800000u};
    const t_fourbits one = {0x800000u, 0x800000u, 0x800000u, 0x800000u};
    t_fourbits reached = {0, 0, 0, 0}, some;
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        __builtin_memcpy(&some, v + i, sizeof(some));
        reached |= (some & exponent) + one;
    }
    if ((reached[0] | reached[1] | reached[2] | reached[3]) >> 31)
        return 0;
    while (i < n && value_is_finite(v[i]))
        i++;
    return i == n;
}

/* Put 0 for all that is not a finite number; returns how many there were. */
static inline uint32_t values_make_finite(float *v, uint32_t n)
{
    uint32_t bad = 0;
    if (values_are_finite(v, n))
        return 0;
    for (uint32_t i = 0; i < n; i++)
        if (!value_is_finite(v[i]))
            v[i] = 0, bad++;
    return bad;
}

#endif
