/*
 * twin.h - values that are built twice: as nodes of a graph, and computed
 * here, in double precision, straight from the definition of each operator and
 * from the plain weights. What the compiler and the runtime make of the graph
 * is held against the latter.
 */
#ifndef MLI_TEST_TWIN_H
#define MLI_TEST_TWIN_H

#include "compiler.h"
#include "ir.h"

#define TWIN_PORTS 8

typedef struct twin {
    ir_id id;
    int timed;
    uint32_t rank;
    uint32_t dims[MLI_MAX_RANK];
    uint32_t n; /* elements, per frame */
    double *v;  /* frames * n if timed, else n; owned by the twins */
} twin;

typedef struct twins {
    ir_graph *g;
    uint32_t frames; /* of the test signal; 1 in graphs that are no streams */
    uint64_t random;
    double **owned;
    uint32_t owned_count;
    twin inputs[TWIN_PORTS], outputs[TWIN_PORTS];
    uint32_t input_count, output_count;
} twins;

void twins_begin(twins *t, mli_mode mode, uint32_t frames, uint64_t seed);
void twins_end(twins *t); /* the graph is the caller's by then */

uint32_t twin_below(twins *t, uint32_t n); /* random in [0, n) */
double twin_number(twins *t, double size); /* random in [-size, size] */
float *twin_floats(twins *t, uint32_t n, double size); /* for free() */
double twin_peak(const twins *t, const twin *x); /* the largest magnitude */

twin twin_input(twins *t, uint32_t rank, const uint32_t *dims);
/* A control, held at its initial values. */
twin twin_control(twins *t, uint32_t n);
twin twin_constant(twins *t, uint32_t rank, const uint32_t *dims, double size);
void twin_output(twins *t, twin x);

/* Weights are random. */
twin twin_linear(twins *t, twin x, uint32_t outputs, int bias);
twin twin_conv1d(twins *t, twin x, uint32_t outputs, uint32_t taps,
                 uint32_t dilation, uint32_t groups, uint32_t step, int bias);
/* gates 4: LSTM, 3: GRU, 1: RNN with tanh; before: reset before the product.
   init: starts from a random state. */
twin twin_recurrent(twins *t, twin x, uint32_t units, uint32_t gates,
                    int before, int bias, int init);
twin twin_unary(twins *t, mli_unary fn, double p, double q, twin x);
twin twin_binary(twins *t, mli_binary fn, twin a, twin b);
twin twin_affine(twins *t, twin x, int one);
twin twin_softmax(twins *t, twin x, uint32_t axis, int log);
twin twin_normalize(twins *t, twin x, uint32_t axes, int rms);
twin twin_reduce(twins *t, mli_reduce fn, twin x, uint32_t axes, int keep);
twin twin_concat(twins *t, const twin *x, uint32_t n, uint32_t axis);
twin twin_slice(twins *t, twin x, uint32_t axis, uint32_t start, int32_t step,
                uint32_t count);
twin twin_reshape(twins *t, twin x, uint32_t rank, const uint32_t *dims);
twin twin_transpose(twins *t, twin x, const uint32_t *perm);
twin twin_expand(twins *t, twin x, uint32_t rank, const uint32_t *dims);
twin twin_pad(twins *t, twin x, uint32_t axis, uint32_t before, uint32_t after,
              double value);
twin twin_delay(twins *t, twin x, uint32_t frames);
twin twin_hold(twins *t, twin x, uint32_t frames);

/*
 * Compile t->g (it is gone afterwards) and run it over the inputs with the
 * named kernels; streams are cut at random. Answers the largest error over all
 * outputs relative to max(1, the output's peak), or asserts. image may be NULL,
 * else it is filled in and the caller's.
 */
double twins_compare(twins *t, const char *kernels, uint32_t tile,
                     mlc_image *image);

#endif
