/*
 * text_taps.h - what the convolutions share: where a tap's frame lies.
 */

#if defined(__clang__) && defined(MLI_SMALL)
#define UNROLL /* it warns of what is not a constant there */
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* For a loop of unknown length. */
#if defined(__clang__)
#define UNROLL_TWICE _Pragma("clang loop unroll_count(2)")
#else
#define UNROLL_TWICE _Pragma("GCC unroll 2")
#endif

/*
 * Where the taps of a frame lie, one after another: `jump` floats apart. At the
 * limit the walk goes back to the front of a ring, or on to the next row of
 * taps, which is `carry` floats away.
 */
typedef struct tap_walk {
    const float *x;
    size_t at, jump, limit, carry;
} tap_walk;

/* x: the frame in question if tap 0 read frame 0 of the array. */
V_FN tap_walk first_tap(const mli_conv *a, const float *x)
{
    tap_walk t = {x, 0, (size_t)a->dilation * a->x_stride, SIZE_MAX, 0};
    if (a->ring) {
        uint32_t back = (a->taps - 1) * a->dilation;
        uint32_t frame =
            a->pos >= back ? a->pos - back : a->pos + (a->ring - back);
        t.at = (size_t)frame * a->x_stride;
        t.limit = (size_t)a->ring * a->x_stride;
    } else if (a->columns) {
        t.limit = a->columns * t.jump;
        t.carry = a->row_jump;
    }
    return t;
}

V_FN const float *next_tap(tap_walk *t)
{
    const float *x = t->x + t->at;
    size_t next = t->at + t->jump;
    if (next >= t->limit) {
        next -= t->limit;
        t->x += t->carry;
    }
    t->at = next;
    return x;
}

V_FN size_t frame_step(const mli_conv *a)
{
    return (size_t)(a->ring ? 1 : a->step) * a->x_stride;
}
