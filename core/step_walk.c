/*
 * step_walk.c - copies and binary operators over strided axes.
 */
#include "session.h"

/* The axes but the last, counted like an odometer. Offsets of both operands
   go with it. */
typedef struct walk {
    const mli_walk_step *of;
    uint32_t at[MLI_MAX_RANK];
    int64_t offset[2];
} walk;

static int next(walk *w)
{
    const mli_walk_step *s = w->of;
    for (uint32_t i = s->axes - 1; i-- > 0;) {
        w->offset[0] += s->axis[i].stride[0];
        w->offset[1] += s->axis[i].stride[1];
        if (++w->at[i] < s->axis[i].count)
            return 1;
        w->offset[0] -= s->axis[i].stride[0] * s->axis[i].count;
        w->offset[1] -= s->axis[i].stride[1] * s->axis[i].count;
        w->at[i] = 0;
    }
    return 0;
}

/* Units of a spread model: lumps of rows of frames. */
typedef struct lump {
    walk w;
    uint32_t frame, row, rows;
    uint32_t from, left; /* elements of the row */
} lump;

static uint32_t rows_of(const mli_walk_step *s)
{
    uint32_t rows = 1;
    for (uint32_t i = 0; i + 1 < s->axes; i++)
        rows *= s->axis[i].count;
    return rows;
}

static lump lump_at(const mli_walk_step *s, uint32_t unit)
{
    uint32_t n = s->axis[s->axes - 1].count, rows = rows_of(s);
    uint32_t each = (n + MLI_WALK_LUMP - 1) / MLI_WALK_LUMP;
    uint32_t line = unit / each;
    lump l = {{s, {0}, {0, 0}}, line / rows, line % rows, rows, 0, n};
    l.from = unit % each * MLI_WALK_LUMP;
    l.left = n - l.from;
    uint32_t rest = l.row;
    for (uint32_t i = s->axes - 1; i-- > 0; rest /= s->axis[i].count) {
        l.w.at[i] = rest % s->axis[i].count;
        l.w.offset[0] += s->axis[i].stride[0] * l.w.at[i];
        l.w.offset[1] += s->axis[i].stride[1] * l.w.at[i];
    }
    return l;
}

/* Where time goes on where a frame ends: the element of a unit. */
static size_t element_of(const mli_walk_step *s, uint32_t unit)
{
    uint32_t n = s->axis[0].count,
             each = (n + MLI_WALK_LUMP - 1) / MLI_WALK_LUMP;
    return (size_t)(unit / each) * n + unit % each * MLI_WALK_LUMP;
}

static uint32_t lump_size(const lump *l)
{
    return l->left < MLI_WALK_LUMP ? l->left : MLI_WALK_LUMP;
}

static void next_lump(lump *l)
{
    uint32_t n = lump_size(l);
    l->from += n;
    l->left -= n;
    if (l->left != 0)
        return;
    l->left = l->from;
    l->from = 0;
    next(&l->w); /* back to the first at the end */
    if (++l->row == l->rows) {
        l->row = 0;
        l->frame++;
    }
}

/* Rows are often a few channels: four at a time, without a call. */
static void copy_adjacent(const float *x, float *y, size_t n)
{
    if (n > 64) {
        __builtin_memcpy(y, x, n * sizeof(float));
        return;
    }
    for (; n >= 4; n -= 4, x += 4, y += 4)
        __builtin_memcpy(y, x, 4 * sizeof(float));
    for (; n != 0; n--)
        *y++ = *x++;
}

static void copy_row(const float *x, int64_t x_stride, float *y,
                     int64_t y_stride, size_t n)
{
    if (x_stride == 1 && y_stride == 1) {
        copy_adjacent(x, y, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        y[(int64_t)i * y_stride] = x[(int64_t)i * x_stride];
}

/* What follows takes a frame's only row, or all its rows one by one. */

static void copy_frame(const mli_walk_step *s, const float *x, float *y,
                       size_t n)
{
    uint32_t last = s->axes - 1;
    walk w = {s, {0}, {0, 0}};
    do
        copy_row(x + w.offset[0], s->axis[last].stride[0], y + w.offset[1],
                 s->axis[last].stride[1], n);
    while (next(&w));
}

void mli_run_copy(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_walk_step *s = &step->u.walk;
    const float *x = step->x;
    float *y = step->y;
    size_t n = s->axis[s->axes - 1].count;
    (void)k;
    if (s->joined) {
        n *= frames;
        frames = 1;
    }
    for (; frames != 0; frames--, x += s->time[0], y += s->time[1])
        if (s->axes == 1)
            copy_row(x, s->axis[0].stride[0], y, s->axis[0].stride[1], n);
        else
            copy_frame(s, x, y, n);
}

void mli_part_copy(const mli_kernels *k, const mli_step *step, uint32_t frames,
                   uint32_t first, uint32_t last)
{
    const mli_walk_step *s = &step->u.walk;
    int64_t dx = s->axis[s->axes - 1].stride[0],
            dy = s->axis[s->axes - 1].stride[1];
    (void)k;
    (void)frames;
    if (s->joined) {
        int64_t from = (int64_t)element_of(s, first);
        copy_row(step->x + dx * from, dx, step->y + dy * from, dy,
                 element_of(s, last) - (size_t)from);
        return;
    }
    lump l = lump_at(s, first);
    for (; first < last; first++, next_lump(&l))
        copy_row(step->x + s->time[0] * l.frame + l.w.offset[0] + dx * l.from,
                 dx,
                 step->y + s->time[1] * l.frame + l.w.offset[1] + dy * l.from,
                 dy, lump_size(&l));
}

/* Returns where y goes on. */
static float *binary_frame(const mli_kernels *k, const mli_walk_step *s,
                           const float *a, const float *b, float *y, size_t n)
{
    uint32_t last = s->axes - 1;
    walk w = {s, {0}, {0, 0}};
    do {
        k->binary((mli_binary)s->f, a + w.offset[0],
                  (size_t)s->axis[last].stride[0], b + w.offset[1],
                  (size_t)s->axis[last].stride[1], y, 0, n);
        y += n;
    } while (next(&w));
    return y;
}

void mli_run_binary(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_walk_step *s = &step->u.walk;
    const float *a = step->x, *b = step->x2;
    float *y = step->y;
    size_t n = s->axis[s->axes - 1].count;
    if (s->joined) {
        k->binary((mli_binary)s->f, a, (size_t)s->axis[0].stride[0], b,
                  (size_t)s->axis[0].stride[1], y, 0, n * frames);
        return;
    }
    for (; frames != 0; frames--, a += s->time[0], b += s->time[1])
        y = binary_frame(k, s, a, b, y, n);
}

void mli_part_binary(const mli_kernels *k, const mli_step *step,
                     uint32_t frames, uint32_t first, uint32_t last)
{
    const mli_walk_step *s = &step->u.walk;
    int64_t da = s->axis[s->axes - 1].stride[0],
            db = s->axis[s->axes - 1].stride[1];
    size_t n = s->axis[s->axes - 1].count;
    (void)frames;
    if (s->joined) {
        size_t from = element_of(s, first);
        k->binary((mli_binary)s->f, step->x + da * (int64_t)from, (size_t)da,
                  step->x2 + db * (int64_t)from, (size_t)db, step->y + from, 0,
                  element_of(s, last) - from);
        return;
    }
    lump l = lump_at(s, first);
    for (; first < last; first++, next_lump(&l))
        k->binary((mli_binary)s->f,
                  step->x + s->time[0] * l.frame + l.w.offset[0] + da * l.from,
                  (size_t)da,
                  step->x2 + s->time[1] * l.frame + l.w.offset[1] + db * l.from,
                  (size_t)db,
                  step->y + ((size_t)l.frame * l.rows + l.row) * n + l.from, 0,
                  lump_size(&l));
}

/* Four at a time: a loop of single ones is not always made into vectors. */
void mli_fill(float *y, float value, size_t n)
{
    const float four[4] = {value, value, value, value};
    for (; n >= 4; n -= 4, y += 4)
        __builtin_memcpy(y, four, sizeof four);
    for (; n != 0; n--)
        *y++ = value;
}

void mli_run_fill(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    (void)k;
    mli_fill(step->y, step->u.value, (size_t)frames * step->elements);
}
