/* text_conv.h - which of its forms a convolution takes. */

/*
 * Outputs [first, last) of one group. The form is a matter of the shape alone:
 * it decides the order of the sums.
 */
static void conv_floats(const mli_conv *a, uint32_t g, uint32_t first,
                        uint32_t last)
{
    const uint32_t outputs = a->out_per_group;
    if (outputs == 1 && a->in_per_group == 1 && a->taps >= FIR_TAPS)
        fir_group(a, g);
    else if (is_dot(a))
        dot_group(a, g);
    else
        linear_group(a, g, first, last);
}

/* The same with stored weights, panel by panel. */
static void conv_panels(const mli_conv *a, uint32_t g, uint32_t first,
                        uint32_t last)
{
    const uint32_t outputs = a->out_per_group, quads = (outputs + 3) / 4 * 4;
    for (uint32_t o = first / MLI_PANEL * MLI_PANEL; o < last; o += MLI_PANEL) {
        const size_t row = (size_t)g * outputs + o;
        const uint32_t held = quads - o < MLI_PANEL ? quads - o : MLI_PANEL;
        const uint32_t count =
            outputs - o < MLI_PANEL ? outputs - o : MLI_PANEL;
        const uint32_t from = first > o ? first - o : 0;
        const uint32_t to = last - o < count ? last - o : count;
        mli_conv p = *a;
        p.x += (size_t)g * a->in_per_group;
        p.y += row;
        p.b = a->b ? a->b + row : NULL;
        p.w = a->panel;
        p.groups = 1;
        p.out_per_group = count;
        decode_panel(a->storage, a->w, a->scale, (size_t)g * quads + o, held,
                     (size_t)a->taps * a->in_per_group, a->panel);
        if (outputs == 1)
            conv_floats(&p, 0, from, to);
        else
            linear_group(&p, 0, from, to);
    }
}

V_FN void conv_groups(const mli_conv *a, uint32_t first, uint32_t last,
                      int vnni)
{
    const uint32_t outputs = a->out_per_group;
    uint32_t g = a->groups == 1 ? 0 : first / outputs; /* it takes long */
    for (; g * outputs < last; g++) {
        uint32_t from = first > g * outputs ? first - g * outputs : 0;
        uint32_t to = last - g * outputs;
        if (to > outputs)
            to = outputs;
        if (!MLI_HAS(STORED) || a->storage == MLI_F32)
            conv_floats(a, g, from, to);
        else if (a->storage == MLI_BYTES)
            bytes_group(a, g, from, to, vnni);
        else if (MLI_PLANES && a->panel)
            conv_panels(a, g, from, to);
        else
            stored_group(a, g, from, to);
    }
}

static void conv(const mli_conv *a, uint32_t first, uint32_t last)
{
    conv_groups(a, first, last, 0);
}

#ifdef V_HAS_VNNI
static void conv_vnni(const mli_conv *a, uint32_t first, uint32_t last)
{
    if (a->storage == MLI_BYTES)
        conv_groups(a, first, last, 1);
    else
        conv(a, first, last);
}
#endif
