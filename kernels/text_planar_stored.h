/*
 * text_planar_stored.h - planes whose weights are stored in fewer bits: panel
 * by panel they become floats, for all frames at once; only those of a single
 * frame do so on their way.
 */

/* The part of a layer that the panel at output o of group g makes. */
static mli_planar plane_panel(const mli_planar *a, uint32_t g, uint32_t o,
                              const float *panel)
{
    const uint32_t left = a->out_per_group - o;
    const size_t row = (size_t)g * a->out_per_group + o;
    mli_planar p; /* not all of *a need be there */
    __builtin_memcpy(&p, a, offsetof(mli_planar, mix_b));
    p.x += (size_t)g * a->in_per_group * a->x_row;
    p.y += row * a->y_row;
    p.b = a->b ? a->b + row : NULL;
    p.mix_w = a->mix ? a->mix_w + row : NULL;
    p.mix_b = a->mix && a->mix_b ? a->mix_b + row : NULL;
    p.add = a->add ? a->add + row * a->add_row : NULL;
    p.total = a->total ? a->total + row * a->y_row : NULL;
    p.groups = 1;
    p.out_per_group = left < MLI_PANEL ? left : MLI_PANEL;
    p.storage = MLI_F32;
    p.w = panel;
    return p;
}

static void planar(const mli_planar *a, uint32_t first, uint32_t last)
{
    const uint32_t outputs = a->out_per_group, quads = (outputs + 3) / 4 * 4;
    const size_t products = (size_t)a->taps * a->in_per_group;
    const uint32_t most = quads < MLI_PANEL ? quads : MLI_PANEL;
    float room[MLI_LOCAL_PANEL] __attribute__((aligned(64)));
    float *const panel = most * products <= MLI_LOCAL_PANEL ? room : a->panel;
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
        const mli_planar p = plane_panel(a, g, base, panel);
        const uint32_t to = last - (first - (o - base));
        const uint32_t end = to < p.out_per_group ? to : p.out_per_group;
        decode_panel(a->storage, a->w, a->w + a->scale_at,
                     (size_t)g * quads + base, held, products, panel);
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
/* One panel of floats: few frames, or what `run_job` does with j. */
#define PLANE_WHOLE(name, run_job)                                             \
    static void name(const mli_planar *a)                                      \
    {                                                                          \
        const uint32_t n = a->out_per_group;                                   \
        const plane_job j = plane_whole_job(a);                                \
        if (a->frames < V_PLANE_FEW && n >= a->frames) {                       \
            plane_few(a, 0, 0, n);                                             \
            return;                                                            \
        }                                                                      \
        run_job;                                                               \
        if (plane_has_pass(a))                                                 \
            plane_finish(a, 0, n);                                             \
    }

V_FN plane_job plane_whole_job(const mli_planar *a)
{
    return (plane_job){.a = a,
                       .x = a->x,
                       .w = a->w,
                       .at = plane_first_tap(a),
                       .width = (a->out_per_group + 3) / 4 * 4};
}

PLANE_WHOLE(plane_whole_1, plane_ones(&j, n))
PLANE_WHOLE(plane_whole_2, plane_twos(&j, n))
PLANE_WHOLE(plane_whole_3, plane_threes(&j, n))
PLANE_WHOLE(plane_whole_4, plane_fours(&j, n))
PLANE_WHOLE(plane_short_1, plane_frames(j, 1, 1, V_PLANE_TALL, 1))
PLANE_WHOLE(plane_short_2, plane_frames(j, 2, 2, V_PLANE_TALL, 1))
PLANE_WHOLE(plane_short_3, plane_frames(j, 3, 3, V_PLANE_TALL, 1))
PLANE_WHOLE(plane_short_4, plane_frames(j, n, 4, V_PLANE_FOUR, 1))
#if V_PLANE_OUTPUTS > 4
PLANE_WHOLE(plane_whole_8, plane_eights(&j, n))
PLANE_WHOLE(plane_short_8, plane_frames(j, n, 8, V_PLANE_VECTORS, 1))
#endif
#if V_PLANE_OUTPUTS > 8
PLANE_WHOLE(plane_whole_16,
            (a->frames <= V_LANES ? plane_sixteens : plane_eights)(&j, n))

static void plane_short_16(const mli_planar *a)
{
    (a->frames <= V_LANES ? plane_whole_16 : plane_short_8)(a);
}
#endif

static mli_planar_form *plane_form_of(uint32_t n, int is_short)
{
    switch (n) {
    case 1:
        return is_short ? plane_short_1 : plane_whole_1;
    case 2:
        return is_short ? plane_short_2 : plane_whole_2;
    case 3:
        return is_short ? plane_short_3 : plane_whole_3;
    case 4:
#if V_PLANE_OUTPUTS == 4
    case 8:
    case 12:
    case 16:
#endif
        return is_short ? plane_short_4 : plane_whole_4;
#if V_PLANE_OUTPUTS > 4
    case 8:
#if V_PLANE_OUTPUTS == 8
    case 16:
#endif
        return is_short ? plane_short_8 : plane_whole_8;
#endif
#if V_PLANE_OUTPUTS > 8
    case 16:
        return is_short ? plane_short_16 : plane_whole_16;
#endif
    default:
        return plane_whole;
    }
}

#include "text_planar_layer.h"

static mli_planar_form *planar_form(const mli_planar *a)
{
    if (a->groups != 1 || a->storage != MLI_F32)
        return plane_whole;
#ifdef V_HAS_RATIO_RUN
    mli_planar_form *small = plane_small_form(a);
    if (small != NULL)
        return small;
#endif
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
