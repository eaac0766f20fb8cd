/* text_conv.h - which of its forms a convolution takes. */

/*
 * The form is a matter of the shape alone: it decides the order of the sums.
 */
static void conv(const mli_conv *a, uint32_t first, uint32_t last)
{
    const uint32_t outputs = a->out_per_group;
    for (uint32_t g = first / outputs; g * outputs < last; g++) {
        uint32_t from = first > g * outputs ? first - g * outputs : 0;
        uint32_t to = last - g * outputs;
        if (to > outputs)
            to = outputs;
        if (a->storage != MLI_F32)
            stored_group(a, g, from, to);
        else if (outputs == 1 && a->in_per_group == 1 && a->taps >= FIR_TAPS)
            fir_group(a, g);
        else if (outputs == 1 && a->in_per_group >= 4 &&
                 (uint64_t)a->taps * a->in_per_group >= DOT_PRODUCTS)
            dot_group(a, g);
        else
            linear_group(a, g, from, to);
    }
}
