/*
 * text_recurrent_panels.h - recurrent layers of up to 128 units, where a dozen
 * vectors fill the registers: over the vector layer.
 *
 * The sums of a few panels of rows are made at once, each in one part, and left
 * in memory, from where the cells take them: a group's rows alone are too few
 * to keep the multipliers busy, and its cells' constants would want registers
 * that sums are in.
 */

/* The most panels at once, and the vectors of one. */
#define PANELS_VECTORS  ((int)(MLI_PANEL / V_LANES))
#define PANELS_TOGETHER (V_PANELS / PANELS_VECTORS)

/* The rows of a layer, with room for whole vectors. */
typedef struct panel_rows {
    float bias[FORM_MOST * 4 + MLI_PANEL];
    float sum[FORM_MOST * 4 + MLI_PANEL];
} panel_rows;

/* The sums of `panels` panels from row `row` on; part: rows of the only one, if
   it is not full, or 0. x: NULL if it belongs to none of them. */
V_FN void panels_sum(const mli_recurrent *a, const float *x, const float *h,
                     panel_rows *rows, uint32_t row, const int panels,
                     const int part)
{
    const int lanes = (int)V_LANES, width = part ? part : (int)MLI_PANEL;
    const int vectors = (width + lanes - 1) / lanes;
    const int last = width - (vectors - 1) * lanes;
    const float *w[PANELS_TOGETHER];
    vf sum[PANELS_TOGETHER][PANELS_VECTORS];
    UNROLL
    for (int p = 0; p < panels; p++) {
        const uint32_t first = row + (uint32_t)p * MLI_PANEL;
        vf bias[PANELS_VECTORS];
        w[p] = a->w + (size_t)first * a->units;
        HIDE(w[p]);
        UNROLL
        for (int v = 0; v < vectors; v++)
            bias[v] = v_load(rows->bias + first + v * lanes);
        rows_begin(a, x, first, vectors, last, bias, sum[p]);
    }
    UNROLL_TWICE
    for (uint32_t i = 0; i < a->units; i++) {
        const vf to = v_set1(h[i]);
        UNROLL
        for (int p = 0; p < panels; p++) {
            UNROLL
            for (int v = 0; v < vectors; v++)
                sum[p][v] = v_fma(
                    rows_load(w[p] + v * lanes, v < vectors - 1 ? lanes : last),
                    to, sum[p][v]);
            w[p] += width;
        }
    }
    UNROLL
    for (int p = 0; p < panels; p++)
        UNROLL
    for (int v = 0; v < vectors; v++)
        v_store(rows->sum + row + p * (int)MLI_PANEL + v * lanes, sum[p][v]);
}

/*
 * The sums of all rows of a frame: first a panel that is not full, as others
 * hide how long it takes; then so many at once that none has to be alone.
 * backward: from the last to the first, so that of weights that are too many
 * for a cache those used last are still there.
 */
V_FN void panels_all(const mli_recurrent *a, const float *x, const float *h,
                     panel_rows *rows, const int gates, int backward)
{
    const uint32_t all = (a->units + 3) / 4 * 4 * (uint32_t)gates;
    uint32_t left = all / MLI_PANEL, next = 0;
    if (all % MLI_PANEL == 4)
        panels_sum(a, x, h, rows, left * MLI_PANEL, 1, 4);
    else if (all % MLI_PANEL == 8)
        panels_sum(a, x, h, rows, left * MLI_PANEL, 1, 8);
    else if (all % MLI_PANEL == 12)
        panels_sum(a, x, h, rows, left * MLI_PANEL, 1, 12);
    while (left != 0) {
        const uint32_t calls = (left + PANELS_TOGETHER - 1) / PANELS_TOGETHER;
        const uint32_t now = (left + calls - 1) / calls;
        const uint32_t row = MLI_PANEL * (backward ? left - now : next);
        if (PANELS_TOGETHER > 3 && now == 6)
            panels_sum(a, x, h, rows, row, 6, 0);
        else if (PANELS_TOGETHER > 3 && now == 5)
            panels_sum(a, x, h, rows, row, 5, 0);
        else if (PANELS_TOGETHER > 3 && now == 4)
            panels_sum(a, x, h, rows, row, 4, 0);
        else if (now == 3)
            panels_sum(a, x, h, rows, row, 3, 0);
        else if (now == 2)
            panels_sum(a, x, h, rows, row, 2, 0);
        else
            panels_sum(a, x, h, rows, row, 1, 0);
        next += now;
        left -= now;
    }
}

/* The cells of a group. */
V_FN void panels_cell(const mli_recurrent *a, const turned_input *t,
                      const float *sum, uint32_t u, const int gates,
                      const int quads)
{
    vf s[4];
    UNROLL
    for (int v = 0; v < GROUP_VECTORS(gates, quads); v++)
        s[v] = v_load(sum + u * (uint32_t)gates + v * (int)V_LANES);
    if (gates == 4)
        lstm_units(a, s, a->y, u, quads);
    else
        gru_units_turned(a, t, s, u, quads);
}

/* The cells of all units of a frame. Their constants stay out of the way of the
   sums. */
V_FN void panels_cells(const mli_recurrent *a, const turned_input *t,
                       const float *sum, const int gates)
{
    uint32_t u = 0;
    for (; u + 4 * GROUP_QUADS <= a->units; u += 4 * GROUP_QUADS)
        panels_cell(a, t, sum, u, gates, GROUP_QUADS);
    if (V_LANES > 4 && u + 4 < a->units)
        panels_cell(a, t, sum, u, gates, GROUP_QUADS);
    else if (u < a->units)
        panels_cell(a, t, sum, u, gates, 1);
}

__attribute__((noinline)) static void lstm_panels_cells(const mli_recurrent *a,
                                                        const float *sum)
{
    panels_cells(a, NULL, sum, 4);
}

__attribute__((noinline)) static void gru_panels_cells(const mli_recurrent *a,
                                                       const turned_input *t,
                                                       const float *sum)
{
    panels_cells(a, t, sum, 3);
}

/* All units of every frame. */
V_FN void run_panels(const mli_recurrent *all, const int gates)
{
    const uint32_t count =
        (all->units + 3) / 4 * 4 * (uint32_t)gates; /* of rows */
    mli_recurrent a = *all;
    panel_rows rows;
    turned_input room;
    const turned_input *turned = gates == 3 ? turned_of(&a, &room) : NULL;
    for (uint32_t row = 0; row < count; row += V_LANES) {
        const uint32_t left = count - row;
        vf bias;
        rows_bias(&a, gates == 4, row, 1, left < V_LANES ? 4 : (int)V_LANES,
                  &bias);
        v_store(rows.bias + row, bias);
    }
    for (uint32_t f = 0; f < a.frames; f++) {
        panels_all(&a, gates == 4 ? a.x : NULL, a.h, &rows, gates, f % 2);
        if (gates == 4)
            lstm_panels_cells(&a, rows.sum);
        else
            gru_panels_cells(&a, turned, rows.sum);
        a.h = a.y;
        a.x += a.in_w ? 1 : count;
        a.y += a.units;
    }
}

static void lstm_form(const mli_recurrent *a)
{
    run_panels(a, 4);
}

static void gru_form(const mli_recurrent *a)
{
    run_panels(a, 3);
}
