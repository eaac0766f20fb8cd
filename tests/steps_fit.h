/*
 * steps_fit.h - steps take the bytes of their own kind, counted before they are
 * made: are those of a session that has started within what was counted?
 */
#ifndef STEPS_FIT_H
#define STEPS_FIT_H

#include "session.h"

static inline int steps_fit(const mli_session *s)
{
    return (const uint8_t *)s->steps + s->step_at <= (const uint8_t *)s->kept;
}

#endif
