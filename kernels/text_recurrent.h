/*
 * text_recurrent.h - recurrent layers: a run of frames in one call, over the
 * vector layer.
 *
 * The units of a group fill the lanes of a vector, and their gates a few
 * vectors of rows. The sums of a group's rows stay in registers, and the cell
 * is updated from them.
 *
 * Where which layer is computed:
 *   here              floats, group by group; lstm, gru and rnn choose:
 *   ..._whole.h       LSTM, GRU: few units, all at once (V_WHOLE: AVX-512)
 *   ..._panels.h      LSTM, GRU: several panels at once (V_PANELS: AVX2, SSE2)
 *   ..._quads.h       LSTM, GRU: pairs of four units (V_HAS_QUAD: NEON)
 *   ..._stored.h      16 or 8 bits; lstm_any, gru_any and rnn_any, which are in
 *                     the table, choose between these and floats; lstm_vnni and
 *                     gru_vnni do where the machine has VNNI
 *   text_cells.h      cells alone, where other kernels make the products: core
 *                     says so for 4 bits, bytes, and a GRU that resets first
 *   ..._sums.h, ..._cells.h  what they share; has_form says which layers have
 *                     a form of their own, of the first two
 */
#include "text_recurrent_sums.h"
#include "text_recurrent_cells.h"
#if defined(V_WHOLE)
#include "text_recurrent_whole.h"
#elif defined(V_PANELS)
#include "text_recurrent_panels.h"
#endif

V_FN void lstm_group(const mli_recurrent *a, const float *x, const float *h,
                     float *y, uint32_t u, const int quads)
{
    vf s[4];
    group_sums(a, u, x, h, 4, quads, s);
    lstm_units(a, s, y, u, quads);
}

V_FN void gru_group(const mli_recurrent *a, const float *x, const float *h,
                    float *y, uint32_t u, const int quads)
{
    vf s[4];
    group_sums(a, u, NULL, h, 3, quads, s);
    gru_units(a, s, x, h, y, u, quads);
}

V_FN void rnn_group(const mli_recurrent *a, const float *x, const float *h,
                    float *y, uint32_t u, const int quads, const mli_unary f)
{
    vf s[4];
    group_sums(a, u, x, h, 1, quads, s);
    units_store(y + u, unary_one(f, s[0], K(0.0f), K(0.0f)), quads,
                group_units(a, u, quads));
}

/*
 * Run `group` for all groups of [first, last) of every frame: whole groups,
 * then the quads that are left. Every other frame takes whole groups backward:
 * of weights that are too many for a cache, those used last are still there.
 */
#define RUN_GROUPS(gates, group, ...)                                          \
    const size_t rows = (size_t)(a->units + 3) / 4 * 4 * (gates);              \
    const size_t step = a->in_w ? 1 : rows;                                    \
    const uint32_t whole = (last - first) / V_LANES * V_LANES;                 \
    const float *x = a->x, *h = a->h;                                          \
    float *y = a->y;                                                           \
    for (uint32_t f = 0; f < a->frames; f++) {                                 \
        uint32_t u = first + whole, at = f % 2 ? u - V_LANES : first;          \
        for (uint32_t n = whole; n != 0; n -= V_LANES) {                       \
            group(a, x, h, y, at, GROUP_QUADS __VA_ARGS__);                    \
            at += f % 2 ? 0u - V_LANES : V_LANES;                              \
        }                                                                      \
        uint32_t quads = (last - u + 3) / 4;                                   \
        if (V_LANES > 4 && quads == 1)                                         \
            group(a, x, h, y, u, 1 __VA_ARGS__);                               \
        else if (V_LANES > 8 && quads == 2)                                    \
            group(a, x, h, y, u, 2 __VA_ARGS__);                               \
        else if (V_LANES > 8 && quads == 3)                                    \
            group(a, x, h, y, u, 3 __VA_ARGS__);                               \
        else if (V_LANES > 1 && quads != 0)                                    \
            group(a, x, h, y, u, GROUP_QUADS __VA_ARGS__);                     \
        h = y;                                                                 \
        x += step;                                                             \
        y += a->units;                                                         \
    }

#ifdef V_HAS_QUAD
#include "text_recurrent_quads.h"

static void lstm(const mli_recurrent *a, uint32_t first, uint32_t last)
{
    run_lstm_pairs(a, first, last);
}

static void gru(const mli_recurrent *a, uint32_t first, uint32_t last)
{
    run_gru_pairs(a, first, last);
}
#else
static void lstm(const mli_recurrent *a, uint32_t first, uint32_t last)
{
#ifdef FORM_MOST
    if (last - first == a->units && has_form(a, 4)) {
        lstm_form(a);
        return;
    }
#endif
    RUN_GROUPS(4, lstm_group)
}

static void gru(const mli_recurrent *a, uint32_t first, uint32_t last)
{
#ifdef FORM_MOST
    if (last - first == a->units && has_form(a, 3)) {
        gru_form(a);
        return;
    }
#endif
    RUN_GROUPS(3, gru_group)
}
#endif

static void rnn(const mli_recurrent *a, uint32_t first, uint32_t last)
{
    if (a->f == MLI_TANH) {
        RUN_GROUPS(1, rnn_group, , MLI_TANH)
    } else if (a->f == MLI_RELU) {
        RUN_GROUPS(1, rnn_group, , MLI_RELU)
    } else {
        RUN_GROUPS(1, rnn_group, , MLI_IDENTITY)
    }
}
