/* step_bytes.c - floats to bytes, four in a word. */
#include "session.h"

void mli_run_to_bytes(const mli_kernels *k, const mli_step *step,
                      uint32_t frames)
{
    const mli_map_step *m = &step->u.map;
    k->quantize(m->p, (int32_t)m->q, step->x, step->y, m->size, 0,
                (size_t)frames * step->rows);
}
