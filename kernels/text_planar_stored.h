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
