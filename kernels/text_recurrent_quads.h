/*
 * text_recurrent_quads.h - LSTM and GRU layers where a vector is one gate of
 * four units, over the vector layer.
 *
 * Two groups of four units go together, which load each h once; a last group
 * that has no other goes by itself. A row's sum of a pair is made in one part,
 * the bias first: there are rows enough to hide how long each product takes.
 */

/*
 * Where the next input's weights are. Two groups of an LSTM are two panels; of
 * a GRU one panel and the half of another, before it if that is where the rows
 * begin.
 */
typedef struct pair_rows {
    const float *panel[2], *half;
    size_t width; /* of the panel that has the half */
} pair_rows;

V_FN pair_rows rows_of_pair(const mli_recurrent *a, uint32_t u, const int gates,
                            const int middle)
{
    const size_t row = (size_t)u * (size_t)gates;
    const size_t panel = (size_t)MLI_PANEL * a->units;
    const float *w = a->w + row / MLI_PANEL * panel;
    pair_rows p = {{w, w + panel}, w + panel, MLI_PANEL};
    if (middle) {
        p.panel[0] = w + panel;
        p.half = w + MLI_PANEL / 2;
    } else if (u + 8 >= a->units) {
        p.width = MLI_PANEL / 2;
    }
    return p;
}

/* Add the products of the input that is lane l of a quad. */
V_FN void pair_input(pair_rows *p, v_quad in, const int l, const int gates,
                     const int middle, vf sum[8])
{
    vf w[4];
    UNROLL
    for (int k = 0; k < gates - 2; k++) {
        vf *to = sum + 4 * k + 2 * middle;
        v_step_four(&p->panel[k], w);
        UNROLL
        for (int v = 0; v < 4; v++)
            to[v] = v_fma_quad(w[v], in, l, to[v]);
    }
    if (gates == 3) {
        vf *to = sum + (middle ? 0 : 4);
        v_load_run(&p->half, p->width, w, 2);
        UNROLL
        for (int v = 0; v < 2; v++)
            to[v] = v_fma_quad(w[v], in, l, to[v]);
    }
}

/* The sums of two groups' rows: bias and products with h. */
V_FN void two_sums(const mli_recurrent *a, uint32_t u, const float *h,
                   const int gates, const int middle, vf sum[8])
{
    pair_rows p = rows_of_pair(a, u, gates, middle);
    if (a->b) {
        rows_load_all(a->b + (size_t)u * (size_t)gates, 2 * gates, V_LANES,
                      sum);
    } else {
        UNROLL
        for (int v = 0; v < 2 * gates; v++)
            sum[v] = K(0.0f);
    }
    for (uint32_t n = a->units / 4; n != 0; n--) {
        const v_quad in = v_step_quad(&h, 4);
        UNROLL
        for (int l = 0; l < 4; l++)
            pair_input(&p, in, l, gates, middle, sum);
    }
    for (uint32_t n = a->units % 4; n != 0; n--)
        pair_input(&p, K(*h++), 0, gates, middle, sum);
}

V_FN void lstm_two(const mli_recurrent *a, const float *x, const float *h,
                   float *y, uint32_t u)
{
    vf s[8], in[8];
    two_sums(a, u, h, 4, 0, s);
    input_rows(a, x, (size_t)u * 4, 8, V_LANES, in);
    UNROLL
    for (int v = 0; v < 8; v++)
        s[v] = v_add(s[v], in[v]);
    lstm_units(a, s, y, u, 1);
    lstm_units(a, s + 4, y, u + 4, 1);
}

V_FN void gru_two(const mli_recurrent *a, const float *x, const float *h,
                  float *y, uint32_t u, const int middle)
{
    const unsigned more = group_units(a, u + 4, 1);
    vf s[8], in[8];
    two_sums(a, u, h, 3, middle, s);
    input_rows(a, x, (size_t)u * 3, 6, V_LANES, in);
    v_store(y + u, gru_cell(in, s, v_load(h + u), 1));
    units_store(y + u + 4,
                gru_cell(in + 3, s + 3, units_load(h + u + 4, 1, more), 1), 1,
                more);
}

/*
 * All groups of [first, last), where a pair begins at every eighth unit, of
 * every frame: in pairs while there are two. `odd` is every other pair.
 */
#define RUN_PAIRS(gates, pair, odd, group)                                     \
    const size_t step = a->in_w ? 1 : (size_t)(a->units + 3) / 4 * 4 * gates;  \
    const float *x = a->x, *h = a->h;                                          \
    float *y = a->y;                                                           \
    for (uint32_t f = a->frames; f != 0; f--) {                                \
        uint32_t u = first;                                                    \
        while (u + 4 < last) {                                                 \
            pair;                                                              \
            u += 8;                                                            \
            if (u + 4 >= last)                                                 \
                break;                                                         \
            odd;                                                               \
            u += 8;                                                            \
        }                                                                      \
        if (u < last)                                                          \
            group(a, x, h, y, u, 1);                                           \
        h = y;                                                                 \
        x += step;                                                             \
        y += a->units;                                                         \
    }

V_FN void run_lstm_pairs(const mli_recurrent *a, uint32_t first, uint32_t last){
    RUN_PAIRS(4, lstm_two(a, x, h, y, u), lstm_two(a, x, h, y, u), lstm_group)}

V_FN void run_gru_pairs(const mli_recurrent *a, uint32_t first, uint32_t last)
{
    RUN_PAIRS(3, gru_two(a, x, h, y, u, 0), gru_two(a, x, h, y, u, 1),
              gru_group)
}
