/*
 * text_planar_few.h - planes of few frames: outputs lie across the lanes, where
 * frames would leave most of them idle; and which way a layer of floats goes.
 */

/* How weights are held: `held` of them side by side, the vectors of which have
   their outputs' scales. Constants wherever this is used. */
typedef struct plane_form {
    int type, held;
    vf scale[PANEL_VECTORS];
} plane_form;

V_FN void plane_few_row(const plane_job *j, const float *w, vf *row,
                        const int count, const plane_form *of)
{
    if (of->type == MLI_F32) {
        UNROLL
        for (int v = 0; v < count; v++)
            row[v] = V_LANES <= 4 /* no row is narrower */
                         ? v_load(w + v * (int)V_LANES)
                         : v_load_part(w + v * (int)V_LANES, 0, j->held);
        return;
    }
    decode_row((const uint8_t *)(const void *)w, row, of->held, of->type);
    UNROLL
    for (int v = 0; v < count; v++)
        row[v] = v_mul(row[v], of->scale[v]);
}

/* One input of one tap: a row of weights times a number for each frame. */
V_FN void plane_few_products(const plane_job *j, plane_cursor *c, uint32_t n,
                             vf sum[4][PANEL_VECTORS], const int tile,
                             const int count, const plane_form *of)
{
    const float *x = c->x, *w = c->w;
    c->inputs -= n;
    do {
        vf row[PANEL_VECTORS];
        plane_few_row(j, w, row, count, of);
        UNROLL
        for (int t = 0; t < tile; t++) {
            vf in = v_set1(x[t]);
            UNROLL
            for (int v = 0; v < count; v++)
                sum[t][v] = v_fma(in, row[v], sum[t][v]);
        }
        x += j->a->x_row;
        w += j->width;
    } while (--n != 0);
    c->x = x;
    c->w = w;
}

V_FN int plane_few_block(const plane_job *j, plane_cursor *c,
                         vf sum[4][PANEL_VECTORS], const int tile,
                         const int count, const plane_form *of)
{
    uint32_t done = 0;
    for (;;) {
        uint32_t n = c->inputs < LINEAR_BLOCK ? c->inputs : LINEAR_BLOCK;
        plane_few_products(j, c, n, sum, tile, count, of);
        done += n;
        if (c->inputs == 0) {
            if (c->taps == 0)
                return 0;
            plane_next_tap(j, c);
        }
        if (done >= LINEAR_BLOCK)
            return 1;
    }
}

/* The numbers of one frame, in y's rows. */
V_FN void plane_spread(const plane_job *j, uint32_t f, const float *t)
{
    const mli_planar *a = j->a;
    const size_t row = a->y_row;
    size_t at = (j->row + j->lo) * row + f;
    for (uint32_t i = j->lo; i < j->hi; i++, at += row) {
        a->y[at] = t[i];
        if (a->total)
            a->total[at] += t[i];
    }
}

V_FN void plane_few_begin(const plane_job *j, vf sum[4][PANEL_VECTORS],
                          const int tile, const int count)
{
    const mli_planar *a = j->a;
    UNROLL
    for (int v = 0; v < count; v++) {
        const size_t o = j->row + (unsigned)v * V_LANES;
        vf b = a->b ? v_load_part(a->b + o, 0, j->real) : K(0.0f);
        UNROLL
        for (int t = 0; t < tile; t++)
            sum[t][v] = b;
    }
}

/* As plane_mix. */
V_FN void plane_few_mix(const plane_job *j, uint32_t f,
                        vf sum[4][PANEL_VECTORS], const int tile,
                        const int count)
{
    const mli_planar *a = j->a;
    UNROLL
    for (int v = 0; v < count; v++) {
        const size_t o = j->row + (unsigned)v * V_LANES;
        const vf slope = v_load_part(a->mix_w + o, 0, j->real);
        const vf shift =
            a->mix_b ? v_load_part(a->mix_b + o, 0, j->real) : K(0.0f);
        UNROLL
        for (int t = 0; t < tile; t++) {
            vf in = v_set1(a->mix[f + (unsigned)t]);
            sum[t][v] = v_add(sum[t][v], a->mix_b ? v_fma(in, slope, shift)
                                                  : v_mul(in, slope));
        }
    }
}

V_FN void plane_few_end(const plane_job *j, uint32_t f,
                        vf sum[4][PANEL_VECTORS], const int tile,
                        const int count)
{
    const mli_planar *a = j->a;
    float t[4][PANEL_VECTORS * V_LANES];
    if (a->mix)
        plane_few_mix(j, f, sum, tile, count);
    UNROLL
    for (int v = 0; v < count; v++)
        UNROLL
    for (int i = 0; i < tile; i++)
        v_store(t[i] + v * (int)V_LANES, sum[i][v]);
    if (a->add)
        for (int i = 0; i < tile; i++)
            for (uint32_t o = j->lo; o < j->hi; o++)
                t[i][o] += a->add[(j->row + o) * a->add_row + f + (unsigned)i];
    if (a->f != MLI_IDENTITY)
        for (int i = 0; i < tile; i++)
            unary(a->f, a->p, a->q, t[i], t[i], 0, (unsigned)count * V_LANES);
    for (int i = 0; i < tile; i++)
        plane_spread(j, f + (unsigned)i, t[i]);
}

V_FN void plane_few_tile(const plane_job *j, uint32_t f, const int tile,
                         const int count, const int type, const int held)
{
    vf sum[4][PANEL_VECTORS], before[4][PANEL_VECTORS];
    plane_form of = {.type = type, .held = held};
    UNROLL
    for (int v = 0; type != MLI_F32 && v < count; v++)
        of.scale[v] = v_load_part(j->scale + v * (int)V_LANES, 0, j->held);
    plane_cursor c = plane_start(j, f);
    plane_few_begin(j, sum, tile, count);
    int more = plane_few_block(j, &c, sum, tile, count, &of);
    while (more) {
        UNROLL
        for (int i = 0; i < tile * count; i++) {
            before[i / count][i % count] = sum[i / count][i % count];
            sum[i / count][i % count] = K(0.0f);
        }
        more = plane_few_block(j, &c, sum, tile, count, &of);
        UNROLL
        for (int i = 0; i < tile * count; i++)
            sum[i / count][i % count] =
                v_add(before[i / count][i % count], sum[i / count][i % count]);
    }
    plane_few_end(j, f, sum, tile, count);
}

V_FN void plane_few_frames(const plane_job *j, const int count)
{
    const uint32_t frames = j->a->frames;
    uint32_t f = 0;
    for (; f + 4 <= frames; f += 4)
        plane_few_tile(j, f, 4, count, MLI_F32, 0);
    for (; f < frames; f++)
        plane_few_tile(j, f, 1, count, MLI_F32, 0);
}

/* One frame, weights that are decoded on the way. */
#define PLANE_STORED(name, count, type, held)                                  \
    static void name(const plane_job *j)                                       \
    {                                                                          \
        plane_few_tile(j, 0, 1, count, type, held);                            \
    }
PLANE_STORED(plane_f16_panel, PANEL_VECTORS, MLI_F16, MLI_PANEL)
PLANE_STORED(plane_i8_panel, PANEL_VECTORS, MLI_INT8, MLI_PANEL)
PLANE_STORED(plane_f16_4, 1, MLI_F16, 4)
PLANE_STORED(plane_i8_4, 1, MLI_INT8, 4)
#if V_LANES > 4
PLANE_STORED(plane_f16_8, 1, MLI_F16, 8)
PLANE_STORED(plane_i8_8, 1, MLI_INT8, 8)
#endif
#if V_LANES > 8
PLANE_STORED(plane_f16_12, 1, MLI_F16, 12)
PLANE_STORED(plane_i8_12, 1, MLI_INT8, 12)
#endif

static void plane_few_stored(const plane_job *j, uint32_t step)
{
    const int half = j->a->storage == MLI_F16;
    if (step == MLI_PANEL && (PANEL_VECTORS > 1 || j->held == MLI_PANEL))
        (half ? plane_f16_panel : plane_i8_panel)(j);
#if V_LANES > 8
    else if (j->held == 12)
        (half ? plane_f16_12 : plane_i8_12)(j);
#endif
#if V_LANES > 4
    else if (j->held == 8)
        (half ? plane_f16_8 : plane_i8_8)(j);
#endif
    else
        (half ? plane_f16_4 : plane_i8_4)(j);
}

/* Weights side by side of output o and those after it in its panel. */
V_FN uint32_t plane_held(uint32_t outputs, uint32_t o)
{
    const uint32_t in_panel = MLI_PANEL - o % MLI_PANEL;
    const uint32_t left = (outputs - o + 3) / 4 * 4;
    return left < in_panel ? left : in_panel;
}

/*
 * Outputs [first, last) of group g across the lanes, where frames would leave
 * most of them idle.
 */
static void plane_few(const mli_planar *a, uint32_t g, uint32_t first,
                      uint32_t last)
{
    const uint32_t outputs = a->out_per_group;
    uint32_t o = first / MLI_PANEL * MLI_PANEL;
    while (o < last) {
        plane_job j = plane_at(a, g, o);
        const uint32_t left = outputs - o, held = plane_held(outputs, o);
        const uint32_t step =
            o % MLI_PANEL == 0 && held == MLI_PANEL && left >= MLI_PANEL
                ? MLI_PANEL
                : V_LANES;
        j.held = held < V_LANES ? held : V_LANES;
        j.real = left < V_LANES ? left : V_LANES;
        j.lo = first > o ? first - o : 0;
        j.hi = last - o < step ? last - o : step;
        if (j.lo >= j.hi)
            ;
        else if (a->storage != MLI_F32)
            plane_few_stored(&j, step);
        else if (step == MLI_PANEL && PANEL_VECTORS > 1)
            plane_few_frames(&j, PANEL_VECTORS);
        else
            plane_few_frames(&j, 1);
        o += step;
    }
}

/* Outputs [first, last) of group g. */
V_FN void plane_group(const mli_planar *a, uint32_t g, uint32_t first,
                      uint32_t last)
{
    if (V_LANES > 1 && a->frames < V_PLANE_FEW && last - first >= a->frames) {
        plane_few(a, g, first, last);
        return;
    }
    while (first < last) {
        uint32_t end = (first / MLI_PANEL + 1) * MLI_PANEL;
        end = end < last ? end : last;
        plane_outputs(a, g, first, end);
        first = end;
    }
}

/* Weights are floats, or f16 or int8 ones of a single frame. */
static void planar_floats(const mli_planar *a, uint32_t first, uint32_t last)
{
    const uint32_t outputs = a->out_per_group;
    if (a->groups == 1) {
        plane_group(a, 0, first, last);
        return;
    }
    if (outputs == 1 && a->in_per_group == 1) {
        for (; first < last; first++)
            plane_channel(a, first);
        return;
    }
    while (first < last) {
        uint32_t g = first / outputs, end = (g + 1) * outputs;
        end = end < last ? end : last;
        plane_group(a, g, first - g * outputs, end - g * outputs);
        first = end;
    }
}
