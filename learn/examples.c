/* see examples.h */
#include <stdlib.h>
#include <string.h>
#include "examples.h"
#include "text.h"

int learn_examples_possible(uint32_t inputs, uint32_t outputs,
                            uint32_t capacity)
{
    return inputs >= 1 && inputs <= LEARN_MOST_VALUES && outputs >= 1 &&
           outputs <= LEARN_MOST_VALUES && capacity >= 1 &&
           capacity <= LEARN_MOST_EXAMPLES &&
           (uint64_t)capacity * (inputs + outputs) <= LEARN_MOST_FLOATS;
}

int learn_examples_make(learn_examples *e, uint32_t inputs, uint32_t outputs,
                        uint32_t capacity)
{
    size_t n = capacity;
    memset(e, 0, sizeof *e);
    if (!learn_examples_possible(inputs, outputs, capacity))
        return 0;
    e->inputs = inputs;
    e->outputs = outputs;
    e->capacity = capacity;
    e->label_room = outputs > LEARN_LABELS ? outputs : LEARN_LABELS;
    e->x = calloc(n * inputs, sizeof(float));
    e->y = calloc(n * outputs, sizeof(float));
    e->label = calloc(n, sizeof *e->label);
    e->name = calloc(e->label_room, sizeof *e->name);
    e->removal = calloc(n, sizeof *e->removal);
    e->spare = calloc(inputs > outputs ? inputs : outputs, sizeof(float));
    if (e->x && e->y && e->label && e->name && e->removal && e->spare)
        return 1;
    learn_examples_free(e);
    return 0;
}

void learn_examples_free(learn_examples *e)
{
    free(e->x);
    free(e->y);
    free(e->label);
    free(e->name);
    free(e->removal);
    free(e->spare);
    memset(e, 0, sizeof *e);
}

int learn_examples_classes(const learn_examples *e)
{
    return e->count > 0 && e->labels > 0;
}

/* ------------------------------------------------------------- adding ---- */

uint32_t learn_labels_used(const learn_examples *e)
{
    uint32_t used = 0;
    for (uint32_t i = 0; e->labels && i < e->count; i++)
        if (e->label[i] >= used)
            used = e->label[i] + 1;
    return used;
}

static learn_status begin_adding(learn_examples *e, int classes)
{
    if (e->count && learn_examples_classes(e) != classes)
        return LEARN_OTHER_KIND;
    if (e->count == e->capacity)
        return LEARN_FULL;
    return LEARN_OK;
}

learn_status learn_examples_add(learn_examples *e, const float *x,
                                const float *y)
{
    learn_status status = begin_adding(e, 0);
    if (status)
        return status;
    memcpy(e->x + (size_t)e->count * e->inputs, x, e->inputs * sizeof(float));
    memcpy(e->y + (size_t)e->count * e->outputs, y, e->outputs * sizeof(float));
    e->labels = 0;
    e->removals = 0;
    e->count++;
    return LEARN_OK;
}

static void tidy_name(char *tidy, const char *name)
{
    size_t n = 0;
    while (name[n] && n < LEARN_LABEL_BYTES - 1)
        n++;
    /* not inside a character */
    while (n && name[n] && ((uint8_t)name[n] & 0xc0) == 0x80)
        n--;
    memset(tidy, 0, LEARN_LABEL_BYTES);
    memcpy(tidy, name, n);
    mlc_make_utf8(tidy);
    mlc_make_line(tidy);
}

learn_status learn_examples_add_label(learn_examples *e, const float *x,
                                      const char *name)
{
    char tidy[LEARN_LABEL_BYTES];
    learn_status status = begin_adding(e, 1);
    uint32_t i = 0;
    if (status)
        return status;
    tidy_name(tidy, name);
    e->labels = learn_labels_used(e); /* those past it are free */
    while (i < e->labels && strcmp(e->name[i], tidy))
        i++;
    if (i == e->label_room)
        return LEARN_MANY_LABELS;
    if (i == e->labels)
        memcpy(e->name[e->labels++], tidy, sizeof tidy);
    memcpy(e->x + (size_t)e->count * e->inputs, x, e->inputs * sizeof(float));
    memset(e->y + (size_t)e->count * e->outputs, 0, e->outputs * sizeof(float));
    e->label[e->count] = i;
    e->removals = 0;
    e->count++;
    return LEARN_OK;
}

/* ----------------------------------------------------------- removing ---- */

/* Rows of `width` floats: the one at `from` goes to `to`, those between move
   on by one. */
static void move_row(float *rows, uint32_t width, uint32_t from, uint32_t to,
                     float *spare)
{
    size_t bytes = width * sizeof(float);
    float *a = rows + (size_t)from * width, *b = rows + (size_t)to * width;
    memcpy(spare, a, bytes);
    if (from < to)
        memmove(a, a + width, (to - from) * bytes);
    else
        memmove(b + width, b, (from - to) * bytes);
    memcpy(b, spare, bytes);
}

static void move_example(learn_examples *e, uint32_t from, uint32_t to)
{
    uint32_t label = e->label[from];
    move_row(e->x, e->inputs, from, to, e->spare);
    move_row(e->y, e->outputs, from, to, e->spare);
    if (from < to)
        memmove(e->label + from, e->label + from + 1,
                (to - from) * sizeof *e->label);
    else
        memmove(e->label + to + 1, e->label + to,
                (from - to) * sizeof *e->label);
    e->label[to] = label;
}

/* There are no more removals than removed examples, which all fit. */
static void note_removal(learn_examples *e, uint32_t at, uint32_t n)
{
    e->removal[e->removals++] = (learn_removal){at, n};
}

learn_status learn_examples_undo(learn_examples *e)
{
    if (e->removals) {
        learn_removal r = e->removal[--e->removals];
        if (r.n == 1)
            move_example(e, e->count, r.at);
        e->count += r.n;
        return LEARN_OK;
    }
    if (!e->count)
        return LEARN_NO_EXAMPLE;
    e->count--;
    return LEARN_OK;
}

learn_status learn_examples_delete(learn_examples *e, uint32_t index)
{
    if (index >= e->count)
        return LEARN_NO_EXAMPLE;
    move_example(e, index, e->count - 1);
    e->count--;
    note_removal(e, index, 1);
    return LEARN_OK;
}

learn_status learn_examples_clear(learn_examples *e)
{
    if (!e->count)
        return LEARN_NO_EXAMPLE;
    note_removal(e, 0, e->count);
    e->count = 0;
    return LEARN_OK;
}

void learn_examples_empty(learn_examples *e)
{
    e->count = e->labels = e->removals = 0;
}

void learn_examples_copy(learn_examples *to, const learn_examples *from)
{
    size_t n = from->count;
    to->count = from->count;
    to->labels = from->labels;
    to->removals = 0;
    memcpy(to->x, from->x, n * from->inputs * sizeof(float));
    memcpy(to->y, from->y, n * from->outputs * sizeof(float));
    memcpy(to->label, from->label, n * sizeof *from->label);
    memcpy(to->name, from->name, from->labels * sizeof *from->name);
}

/* ------------------------------------------------------------- ranges ---- */

static void range(const float *v, uint32_t width, uint32_t count, float *low,
                  float *high)
{
    *low = *high = count ? v[0] : 0;
    for (uint32_t i = 1; i < count; i++) {
        float f = v[(size_t)i * width];
        *low = f < *low ? f : *low;
        *high = f > *high ? f : *high;
    }
}

void learn_range_in(const learn_examples *e, uint32_t i, float *low,
                    float *high)
{
    range(e->x + i, e->inputs, e->count, low, high);
}

void learn_range_out(const learn_examples *e, uint32_t i, float *low,
                     float *high)
{
    range(e->y + i, e->outputs, e->count, low, high);
}
