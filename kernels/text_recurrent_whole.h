/*
 * text_recurrent_whole.h - recurrent layers of 20 to 48 units, all rows of
 * which have room in registers at once: each h is loaded once.
 */

/* The most vectors of rows. */
#define WHOLE_VECTORS 12

/* The sums of all rows; a->units is known. bias: of rows_bias, if they have one
   part. */
V_FN void whole_sums(const mli_recurrent *a, const float *x, const float *h,
                     const vf *bias, const int gates, const int vectors,
                     const int part, vf out[WHOLE_VECTORS])
{
    const int chains = FORM_CHAINS(a->units, gates);
    const size_t panel = (size_t)a->units * MLI_PANEL;
    const float *w = a->w, *last = a->w + (size_t)(vectors - 1) * panel;
    vf sum[2][WHOLE_VECTORS];
    x = gates == 4 ? x : NULL;
    if (chains == 1)
        rows_begin(a, x, 0, vectors, part, bias, sum[0]);
    else
        rows_parts(a, x, 0, vectors, part, sum[0], sum[1]);
    UNROLL
    for (uint32_t i = 0; i < a->units; i += 4) {
        UNROLL
        for (uint32_t l = 0; l < 4; l++, w += MLI_PANEL, last += part) {
            /* lanes that are no rows take what comes next, to no end */
            const int all = (a->units - i - l) * (uint32_t)part >= V_LANES;
            vf to = v_set1(h[i + l]);
            UNROLL
            for (int v = 0; v < vectors - 1; v++)
                sum[l % (uint32_t)chains][v] =
                    v_fma(v_load(w + (size_t)v * panel), to,
                          sum[l % (uint32_t)chains][v]);
            sum[l % (uint32_t)chains][vectors - 1] =
                v_fma(all ? v_load(last) : rows_load(last, part), to,
                      sum[l % (uint32_t)chains][vectors - 1]);
        }
    }
    UNROLL
    for (int v = 0; v < vectors; v++)
        out[v] = chains == 1 ? sum[0][v] : v_add(sum[0][v], sum[1][v]);
}

/* All units of every frame of a layer with a form of its own; with their number
   known, places are. */
V_FN void run_whole(const mli_recurrent *all, const uint32_t units,
                    const int gates)
{
    const int rows = (int)units * gates;
    const int vectors = (rows + (int)V_LANES - 1) / (int)V_LANES;
    const int part = rows - (vectors - 1) * (int)V_LANES;
    mli_recurrent a = *all;
    a.units = units;
    const size_t step = a.in_w ? 1 : (size_t)rows;
    turned_input room;
    const turned_input *turned = gates == 3 ? turned_of(&a, &room) : NULL;
    vf bias[WHOLE_VECTORS];
    if (FORM_CHAINS(units, gates) == 1)
        rows_bias(&a, gates == 4, 0, vectors, part, bias);
    for (uint32_t f = 0; f < a.frames; f++) {
        vf s[WHOLE_VECTORS];
        whole_sums(&a, a.x, a.h, bias, gates, vectors, part, s);
        UNROLL
        for (uint32_t u = 0; u < units; u += V_LANES) {
            const uint32_t left = (units - u) / 4;
            const int quads = left < GROUP_QUADS ? (int)left : GROUP_QUADS;
            const vf *rows_of_group = s + u * (uint32_t)gates / V_LANES;
            if (gates == 4)
                lstm_units(&a, rows_of_group, a.y, u, quads);
            else
                gru_units_turned(&a, turned, rows_of_group, u, quads);
        }
        a.h = a.y;
        a.x += step;
        a.y += units;
    }
}

#define WHOLE_FORM(name, units, gates)                                         \
    static void name##_##units(const mli_recurrent *a)                         \
    {                                                                          \
        run_whole(a, units, gates);                                            \
    }
#define WHOLE_FORMS(name, gates)                                               \
    WHOLE_FORM(name, 20, gates)                                                \
    WHOLE_FORM(name, 24, gates)                                                \
    WHOLE_FORM(name, 28, gates)                                                \
    WHOLE_FORM(name, 32, gates)                                                \
    WHOLE_FORM(name, 36, gates)                                                \
    WHOLE_FORM(name, 40, gates)                                                \
    WHOLE_FORM(name, 44, gates)                                                \
    WHOLE_FORM(name, 48, gates)                                                \
    static void (*const name##_forms[])(const mli_recurrent *) = {             \
        name##_20, name##_24, name##_28, name##_32,                            \
        name##_36, name##_40, name##_44, name##_48};
WHOLE_FORMS(lstm, 4)
WHOLE_FORMS(gru, 3)
_Static_assert(FORM_LEAST == 20 && FORM_MOST == 48, "forms are missing");

static void lstm_form(const mli_recurrent *a)
{
    lstm_forms[(a->units - FORM_LEAST) / 4](a);
}

static void gru_form(const mli_recurrent *a)
{
    gru_forms[(a->units - FORM_LEAST) / 4](a);
}
