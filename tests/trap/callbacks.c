/*
 * callbacks.c - in place of Pd's clock_new and dsp_add in an external that is
 * linked with --wrap: its clocks run armed, with all that its outlets make
 * others do, and so does its perform routine.
 */
#include <stdarg.h>
#include <stdlib.h>
#include "m_pd.h"
#include "trap.h"

/* -------------------------------- clocks ---------------------------------- */

typedef void (*callback)(void *owner);

typedef struct armed_clock {
    struct armed_clock *next;
    t_clock *clock;
    void *owner;
    callback call;
} armed_clock;

static armed_clock *all;

t_clock *__real_clock_new(void *owner, t_method call);
void __real_clock_free(t_clock *clock);
t_clock *__wrap_clock_new(void *owner, t_method call);
void __wrap_clock_free(t_clock *clock);

static void armed_call(armed_clock *c)
{
    int arms = trap_callbacks();
    if (arms)
        trap_arm();
    c->call(c->owner); /* which may free c */
    if (arms)
        trap_disarm();
}

t_clock *__wrap_clock_new(void *owner, t_method call)
{
    armed_clock *c = malloc(sizeof *c);
    if (c == NULL)
        abort();
    c->owner = owner;
    c->call = (callback)call;
    c->clock = __real_clock_new(c, (t_method)armed_call);
    c->next = all;
    all = c;
    return c->clock;
}

void __wrap_clock_free(t_clock *clock)
{
    armed_clock **c = &all;
    while (*c != NULL && (*c)->clock != clock)
        c = &(*c)->next;
    armed_clock *gone = *c;
    __real_clock_free(clock);
    if (gone != NULL)
        *c = gone->next;
    free(gone);
}

/* ------------------------------- perform ---------------------------------- */

void __real_dsp_add(t_perfroutine f, int n, ...);
void __wrap_dsp_add(t_perfroutine f, int n, ...);

/* The routine itself, and its two arguments. */
static t_int *armed_perform(t_int *w)
{
    t_perfroutine perform = (t_perfroutine)w[1];
    if (!trap_callbacks())
        return perform(w + 1);
    trap_arm();
    w = perform(w + 1);
    trap_disarm();
    trap_block();
    return w;
}

void __wrap_dsp_add(t_perfroutine f, int n, ...)
{
    va_list ap;
    if (n != 2)
        abort();
    va_start(ap, n);
    t_int x = va_arg(ap, t_int), frames = va_arg(ap, t_int);
    va_end(ap);
    __real_dsp_add(armed_perform, 3, (t_int)f, x, frames);
}
