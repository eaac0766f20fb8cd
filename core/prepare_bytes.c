/* prepare_bytes.c - the step of TO_BYTES. */
#include "steps.h"

void mli_prepare_to_bytes(const prepare *p)
{
    uint32_t size = p->x->dims[p->x->rank - 1];
    mli_map_step *m = mli_step_by_rows(p, mli_run_to_bytes, size);
    m->p = p->op->fp;
    m->q = p->op->fq;
}
