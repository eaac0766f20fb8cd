/*
 * clocks.c - in place of Pd's clock_new in an external that is linked with
 * --wrap: what its clocks call runs armed, and with it all that its outlets
 * make others do.
 */
#include <stdlib.h>
#include "m_pd.h"
#include "trap.h"

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
    int arms = trap_clocks();
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
