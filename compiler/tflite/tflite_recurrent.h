/*
 * tflite_recurrent.h - what recurrent layers share.
 */
#ifndef MLC_TFLITE_RECURRENT_H
#define MLC_TFLITE_RECURRENT_H

#include "tflite_run.h"

#define TFL_MAX_UNROLLED 1024u /* steps of a layer that is built out */

/* Sequence of one batch: [frames, inputs]. */
typedef struct tfl_sequence {
    tfl_value *v;
    uint32_t frames, inputs;
    int time_major;
} tfl_sequence;

typedef struct tfl_lstm {
    tfl_sequence s;
    uint32_t units;
    int w[4], u[4], b[4]; /* operands of the gates i f g o */
    int hidden, cell;     /* of the states */
    int activation;
    float clip;
    int peep[4], norm[4]; /* peep[2]: none, -1 as every operand there is not */
    int projection;       /* and its bias behind it */
    float project_clip;
} tfl_lstm;

/* An operand, NULL where it is missing (or i negative); the tensor of one that
 * is a state. */
tfl_value *tfl_operand(const tfl_call *c, int i);
const tfl_tensor *tfl_state_tensor(const tfl_call *c, int i);

/* Operand 0; 0: a batch, which is unsupported. */
int tfl_read_sequence(tfl_run *r, tfl_call *c, int time_major, tfl_sequence *s);
/* x as [frames, inputs]; y [frames, units] as the input was laid out */
ir_id tfl_frames_of(tfl_run *r, const tfl_sequence *s, ir_id x);
ir_id tfl_laid_out(tfl_run *r, const tfl_sequence *s, ir_id y, uint32_t units);
/* Matrices [units][width] of `count` gates, one below the other, as real or as
   whole numbers; NULL where they are missing or computed, which is unsupported.
 */
float *tfl_stack(tfl_run *r, tfl_call *c, const int *which, uint32_t count,
                 uint32_t units, uint32_t width, int real);
/* The same as they lie in the file, or floats; 0: said, as above. */
int tfl_gates(tfl_run *r, tfl_call *c, const int *which, uint32_t count,
              uint32_t units, uint32_t width, int real, ir_bytes *w);
/* The state of operand i, [units], before and after the run. */
ir_id tfl_read_state(tfl_run *r, tfl_call *c, int i, uint32_t units);
void tfl_write_state(tfl_run *r, tfl_call *c, int i, ir_id id);

/* x [frames, inputs] to [frames, units], in whole numbers; IR_NONE: it is
   unsupported, or the graph has failed. */
ir_id tfl_whole_lstm(tfl_run *r, tfl_call *c, const tfl_lstm *l, ir_id x);

/* The same in real numbers, with peepholes, projection, normalised or coupled
   gates, clipping: y has `outputs` numbers a frame. */
ir_id tfl_gated_lstm(tfl_run *r, tfl_call *c, const tfl_lstm *l, ir_id x,
                     uint32_t *outputs);

#endif
