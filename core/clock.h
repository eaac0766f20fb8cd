/*
 * clock.h - when frames come. Time is counted in ticks from the last reset; a
 * tensor of period P gets a frame at the ticks t with t mod P = P - 1, so
 * position/P frames came before the tick `position`. Positions are kept modulo
 * the cycle, the least common multiple of all periods.
 */
#ifndef MLI_CLOCK_H
#define MLI_CLOCK_H

#include "file.h"

/* No number up to MLI_MAX_PERIOD has more divisors (720720 has them); and one
   for what is not timed. */
#define MLI_MAX_CLOCKS (240u + 1u)

typedef struct mli_clock {
    uint32_t period; /* ticks; 0: not timed, always one frame */
    uint32_t before; /* frames from position 0 to the chunk */
    uint32_t frames; /* in the chunk */
} mli_clock;

/* Ticks; 0 and *index, the tensor, if they exceed MLI_MAX_PERIOD. */
uint32_t mli_cycle(const mli_file *f, uint32_t *index);
/* Ticks of a frame of mli_process: the smallest period of a signal port. */
uint32_t mli_frame_ticks(const mli_file *f);
/* Frames of the chunks that a spread stream computes at a time: what `spread`
   is more than the cycle, and one. */
static inline uint32_t mli_chunk_frames(const mli_file *f, uint32_t cycle,
                                        uint32_t ticks)
{
    return f->header->spread - cycle / ticks + 1;
}
/* The periods that there are, 0 first; answers how many, at most
   MLI_MAX_CLOCKS. */
uint32_t mli_find_periods(const mli_file *f, uint32_t *period);
/* The clock of a tensor's period. */
mli_clock *mli_clock_of(mli_clock *clocks, const mli_file_tensor *t);
/* Set the clocks to a chunk of some ticks, from a position on. */
void mli_clocks_at(mli_clock *clocks, uint32_t count, uint32_t position,
                   uint32_t ticks);

#endif
