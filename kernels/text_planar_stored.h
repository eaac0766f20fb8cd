/*
 * text_planar_stored.h - planes whose weights are stored in fewer bits: panel
 * by panel they become floats, for all frames at once; only those of a single
 * frame do so on their way.
 */

/* The part of a layer that the panel at output o of group g makes. */
static mli_planar plane_panel(const mli_planar *a, uint32_t g, uint32_t o)
{
    const uint32_t left = a->out_per_group - o;
    const size_t row = (size_t)g * a->out_per_group + o;
    mli_planar p = *a;
    p.x += (size_t)g * a->in_per_group * a->x_row;
    p.y += row * a->y_row;
    p.b = a->b ? a->b + row : NULL;
    p.mix_w = a->mix ? a->mix_w + row : NULL;
    p.mix_b = a->mix && a->mix_b ? a->mix_b + row : NULL;
    p.add = a->add ? a->add + row * a->y_row : NULL;
    p.total = a->total ? a->total + row * a->y_row : NULL;
    p.groups = 1;
    p.out_per_group = left < MLI_PANEL ? left : MLI_PANEL;
    p.storage = MLI_F32;
    p.w = a->panel;
    return p;
}

static void planar(const mli_planar *a, uint32_t first, uint32_t last)
{
    const uint32_t outputs = a->out_per_group, quads = (outputs + 3) / 4 * 4;
    const size_t products = (size_t)a->taps * a->in_per_group;
    if (a->storage == MLI_F32 ||
        (V_LANES > 1 && a->frames == 1 && a->storage != MLI_INT4)) {
        planar_floats(a, first, last);
        return;
    }
    while (first < last) {
        const uint32_t g = first / outputs, o = first - g * outputs;
        const uint32_t base = o / MLI_PANEL * MLI_PANEL;
        const uint32_t held =
            quads - base < MLI_PANEL ? quads - base : MLI_PANEL;
        const mli_planar p = plane_panel(a, g, base);
        const uint32_t to = last - (first - (o - base));
        const uint32_t end = to < p.out_per_group ? to : p.out_per_group;
        decode_panel(a->storage, a->w, a->scale, (size_t)g * quads + base, held,
                     products, a->panel);
        planar_floats(&p, o - base, end);
        first += end - (o - base);
    }
}

/* ------------------------------------------------------- a whole layer ---- */

static void plane_whole(const mli_planar *a)
{
    planar(a, 0, a->groups * a->out_per_group);
}

#if V_LANES > 1
PLANE_FRAMES(plane_short_ones, 1, V_PLANE_TALL, 1)
PLANE_FRAMES(plane_short_twos, 2, V_PLANE_TALL, 1)
PLANE_FRAMES(plane_short_threes, 3, V_PLANE_TALL, 1)
PLANE_FRAMES(plane_short_fours, 4, V_PLANE_FOUR, 1)
#if V_PLANE_OUTPUTS > 4
PLANE_FRAMES(plane_short_eights, 8, V_PLANE_VECTORS, 1)
#endif

/* One panel of floats, in tiles of the outputs that `frames` takes. */
V_FN void plane_panel_whole(const mli_planar *a,
                            void (*frames)(const plane_job *j, uint32_t n))
{
    const uint32_t n = a->out_per_group;
    if (a->frames < V_PLANE_FEW && n >= a->frames) {
        plane_few(a, 0, 0, n);
        return;
    }
    const plane_job j = {.a = a,
                         .x = a->x,
                         .w = a->w,
                         .at = plane_first_tap(a),
                         .width = (n + 3) / 4 * 4};
    frames(&j, n);
    if (plane_has_pass(a))
        plane_finish(a, 0, n);
}

#define PLANE_WHOLE(name, frames)                                              \
    static void name(const mli_planar *a)                                      \
    {                                                                          \
        plane_panel_whole(a, frames);                                          \
    }

PLANE_WHOLE(plane_whole_1, plane_ones)
PLANE_WHOLE(plane_whole_2, plane_twos)
PLANE_WHOLE(plane_whole_3, plane_threes)
PLANE_WHOLE(plane_whole_4, plane_fours)
PLANE_WHOLE(plane_whole_short_1, plane_short_ones)
PLANE_WHOLE(plane_whole_short_2, plane_short_twos)
PLANE_WHOLE(plane_whole_short_3, plane_short_threes)
PLANE_WHOLE(plane_whole_short_4, plane_short_fours)
#if V_PLANE_OUTPUTS > 4
PLANE_WHOLE(plane_whole_8, plane_eights)
PLANE_WHOLE(plane_whole_short_8, plane_short_eights)
#endif
#if V_PLANE_OUTPUTS > 8
static void plane_sixteen(const plane_job *j, uint32_t n)
{
    (j->a->frames <= V_LANES ? plane_sixteens : plane_eights)(j, n);
}

static void plane_short_sixteen(const plane_job *j, uint32_t n)
{
    (j->a->frames <= V_LANES ? plane_sixteens : plane_short_eights)(j, n);
}
PLANE_WHOLE(plane_whole_16, plane_sixteen)
PLANE_WHOLE(plane_whole_short_16, plane_short_sixteen)
#endif

static mli_planar_form *plane_form_of(uint32_t n, int is_short)
{
    switch (n) {
    case 1:
        return is_short ? plane_whole_short_1 : plane_whole_1;
    case 2:
        return is_short ? plane_whole_short_2 : plane_whole_2;
    case 3:
        return is_short ? plane_whole_short_3 : plane_whole_3;
    case 4:
#if V_PLANE_OUTPUTS == 4
    case 8:
    case 12:
    case 16:
#endif
        return is_short ? plane_whole_short_4 : plane_whole_4;
#if V_PLANE_OUTPUTS > 4
    case 8:
#if V_PLANE_OUTPUTS == 8
    case 16:
#endif
        return is_short ? plane_whole_short_8 : plane_whole_8;
#endif
#if V_PLANE_OUTPUTS > 8
    case 16:
        return is_short ? plane_whole_short_16 : plane_whole_16;
#endif
    default:
        return plane_whole;
    }
}

static mli_planar_form *planar_form(const mli_planar *a)
{
    if (a->groups != 1 || a->storage != MLI_F32)
        return plane_whole;
    return plane_form_of(a->out_per_group,
                         (uint64_t)a->taps * a->in_per_group <= LINEAR_BLOCK);
}
#else
static mli_planar_form *planar_form(const mli_planar *a)
{
    (void)a;
    return plane_whole;
}
#endif
