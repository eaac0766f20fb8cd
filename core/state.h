/*
 * state.h - a look at the kept state of a session, for the compiler: it runs a
 * model over silence and writes the state that this leaves into the file.
 */
#ifndef MLI_STATE_H
#define MLI_STATE_H

#include "mlinfer.h"

/*
 * The content of state record `state` of the model's file (counted from 0 over
 * the STATES section): frames * width floats, oldest frame first. Written back
 * as the record's init, it makes a session that begins where this one is.
 */
void mli_state_read(const mli_session *session, uint32_t state, float *out);

#endif
