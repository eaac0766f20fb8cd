/*
 * kernels.h - arithmetic on float arrays, one table of functions per build.
 *
 * What a kernel may do: read its arguments, write its outputs. It never
 * allocates, never keeps anything between calls, and knows nothing of model
 * files. Bounds are the caller's duty: core/ checks them once, when it opens a
 * model.
 *
 * Every kernel takes a range of outputs [first, last) and computes these and
 * no others, so that work can be spread inside an operator. The order in which
 * the products of one output are summed depends on the operator's shape and
 * the build only: never on the range, the number of frames, or the position in
 * them. The same formula serves every lane and every remainder.
 *
 * Accuracy (each kernel's test holds it to this):
 *   linear operators  |error| <= (K+8) * 2^-24 * sum |w*x|, K products
 *   functions         |error| <= max(5e-7, 3 ulp of the result); sin and cos
 *                     for |x| <= 2^16; f(0) exact, odd where the function is
 *                     odd, never out of its range; NaN in gives NaN out.
 *
 * Numbers below 2^-126 in magnitude may count as zero (ARMv7 NEON has no
 * others).
 */
#ifndef MLI_KERNELS_H
#define MLI_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include "functions.h"
#include "parts.h"
#include "weights.h"

/*
 * y[f][o] = b[o] + sum over k, i of w[o][k][i] * x[t(f,k)][i]
 *
 * A frame of x is x_stride floats, group g of it starts at g*in_per_group; a
 * frame of y is y_stride floats.
 *
 *   ring == 0: x is a plain array; t(f,k) = f*step + k*dilation. A dense layer
 *              is the case taps = 1.
 *   ring >  0: x is a ring of `ring` frames, followed by a mirror of its first
 *              `frames` frames (so any `frames` frames that begin inside the
 *              ring are contiguous); frame 0 of this call lies at index pos,
 *              t(f,k) = (pos - (taps-1-k)*dilation) mod ring + f. step is 1.
 *              (taps-1)*dilation < ring.
 *   columns > 0, ring == 0: the taps lie in rows of `columns`, as those of an
 *              image: tap k is at k % columns of row k / columns, and a row
 *              begins row_jump floats after the one before,
 *              t(f,k) = f*step + (k%columns)*dilation, k/columns rows further.
 *              taps is a multiple of columns.
 *
 * first and last count outputs over all groups: [0, groups*out_per_group).
 * b may be NULL. x and y must not overlap.
 *
 * With another storage than MLI_F32, w points to the numbers as they are
 * stored. Without a panel the products are summed before they are scaled. With
 * one, each weight is the number times its scale, rounded once: the bits are
 * those of a call with such weights in floats. depthwise takes MLI_F32 only.
 *
 * With MLI_BYTES x is words of four signed bytes, the first in the lowest: all
 * that counts floats of x here, in_per_group too, counts words. The products
 * are summed exactly, then y[o] = b[o] + scale[o] * sum. Products of a row:
 * at most MLI_MOST_BYTES.
 */
typedef struct mli_conv {
    const float *x;
    const float *w;
    const float *b;
    float *y;
    uint32_t x_stride;
    uint32_t y_stride;
    uint32_t ring;
    uint32_t pos;
    uint32_t frames;
    uint32_t step;
    uint32_t taps;
    uint32_t dilation;
    uint32_t groups;
    uint32_t in_per_group;
    uint32_t out_per_group;
    uint32_t columns;
    size_t row_jump;
    mli_storage storage; /* of w; what is not MLI_F32 has scales */
    const float *scale;  /* weights.h; none for MLI_F32 */
    float *panel;        /* scratch: as many floats for each product of an
                            output as a panel has outputs; or NULL */
    uint32_t fours;      /* of MLI_BYTES: what the table's bytes_fours says of
                            w, or 0 */
    uint32_t backward; /* dense only: begin with the last outputs. To turn round
                          at each call pays where a matrix is larger than a
                          cache; the results are the same */
} mli_conv;

/*
 * The same sums over planes: the frames of channel i of x begin at x + i*x_row,
 * and likewise y, so that frames lie across the lanes. Then, each part only if
 * it is there,
 *
 *   y[o][f] = fn(sum[o][f] + (mix_b[o] + mix_w[o] * mix[f]) + add[o][f])
 *   total[o][f] += y[o][f]
 *
 * ring == 0: taps is 1. ring > 0: as in mli_conv, a ring in each row.
 * mix_w is packed as (outputs, 1, 1), mix_b may be NULL. total has y's rows,
 * add its own. With several groups of one input and one output w is packed as
 * for depthwise.
 *
 * Rows are read and written up to a multiple of MLI_PLANE frames; what lies
 * past `frames` means nothing. y may be add; otherwise they overlap nothing.
 * The products of an output are summed in the same order whatever the frames.
 *
 * With another storage than MLI_F32, w points to the numbers as they are
 * stored, and each weight is the number times its scale, rounded once: the bits
 * are those of a call with such weights in floats. mix_w is always floats.
 */
#define MLI_PLANE       16u
#define MLI_LOCAL_PANEL 256u

typedef struct mli_planar {
    const float *x;
    uint32_t x_row;
    uint32_t ring;
    uint32_t pos;
    uint32_t frames;
    const float *w;
    const float *b;     /* or NULL */
    const float *mix_w; /* of mix */
    uint32_t dilation;
    uint32_t taps;
    float *y;
    const float *add; /* or NULL */
    uint32_t y_row;
    uint32_t add_row;
    uint32_t groups;
    uint32_t in_per_group;
    uint32_t out_per_group;
    mli_unary f;
    float p, q;
    float *total;        /* or NULL */
    const float *mix;    /* or NULL */
    mli_storage storage; /* of w; what is not MLI_F32 has scales */
    uint32_t scale_at;   /* weights.h: floats from w to the scales */
    /* not read without mix: */
    const float *mix_b; /* or NULL */
    /* not read for MLI_F32, nor if it had at most MLI_LOCAL_PANEL floats: */
    float *panel; /* scratch: as many floats for each product of an output as a
                     panel has outputs */
} mli_planar;

typedef void mli_planar_form(const mli_planar *a);

/*
 * A run of frames of a recurrent layer. Gates are kept in quads: for each 4
 * units, all gates of these 4: row (u/4 * gates + gate)*4 + u%4. With U units
 * there are gates * (U rounded up to 4) rows. A frame of x is such rows, the
 * layer's input projection with its bias (W x + b), or, where in_w is not NULL,
 * one number times such rows in_w, plus in_b (NULL: zero); the recurrent matrix
 * w, packed, has such outputs and U inputs, its bias b such rows (NULL: zero).
 *
 * lstm: gates i, f, g, o of x + U h + b.
 *       c' = s(f)*c + s(i)*tanh(g),  h' = s(o)*tanh(c')
 * gru:  gates r, z, n.  h' = (1-z)*tanh(n_x + s(r)*n_h) + z*h, where n_h is
 *       of U h + b; r and z are s() of both. That is "linear before reset"; see
 *       mli_cell for the other form.
 * rnn:  one gate. h' = f(x + U h + b); f is MLI_TANH, MLI_RELU or MLI_IDENTITY.
 *
 * h is the hidden state before the first frame; y receives the new one of each
 * frame, U floats a frame, and may not overlap h. c is updated in place (lstm
 * only). [first, last) counts units; first is a multiple of 16, and so is last
 * unless it is U. With more than one frame it is [0, U).
 *
 * With another storage than MLI_F32, w points to the numbers as they are
 * stored, and each frame reads them in place. The products are summed before
 * they are scaled. With MLI_INT8 h may be rounded before: by at most 2^-23 of
 * the largest of them, or of 1 if that is more.
 */
typedef struct mli_recurrent {
    const float *x;
    const float *w;
    const float *b;
    const float *h;
    float *c;
    float *y;
    uint32_t frames;
    uint32_t units;
    mli_unary f;
    const float *in_w; /* or NULL */
    const float *in_b;
    mli_storage storage; /* of w: MLI_F32, MLI_F16 or MLI_INT8 */
    const float *scale;  /* weights.h; none for MLI_F32 */
} mli_recurrent;

/*
 * One frame of a recurrent layer whose recurrent products are made by
 * themselves: of the GRU that resets before them (ONNX's linear_before_reset =
 * 0), and of layers whose matrix is MLI_INT4 or MLI_BYTES. x and r are rows in
 * quads of gates: x the input projection, r the recurrent products and their
 * bias.
 *
 * gru_reset:   y = s(r) * h, for the matrix product of the candidate.
 * gru_update:  with n_r that product, h' = (1-z)*tanh(n_x + n_r) + z*h.
 * gru_after:   h' as in mli_recurrent, and so are
 * lstm_update: h', and c in place.
 *
 * [first, last) counts units. h is the old hidden state, y receives the new
 * one; they may be the same.
 */
typedef struct mli_cell {
    const float *x;
    const float *r;
    const float *h;
    float *y;
    uint32_t units;
    float *c; /* lstm_update only */
} mli_cell;

typedef struct mli_kernels {
    const char *name; /* "generic", "sse2", "avx2", "avx512" or "neon" */
    uint32_t lanes;   /* floats in one vector */

    void (*conv)(const mli_conv *a, uint32_t first, uint32_t last);
    /* One frame of a dense layer, and f of its results; the bits are those of
       conv and then unary. NULL with MLI_SMALL. */
    void (*dense)(const mli_conv *a, mli_unary f, float p, float q);
    /* in_per_group = out_per_group = 1, packed as one matrix of groups rows */
    void (*depthwise)(const mli_conv *a, uint32_t first, uint32_t last);
    void (*planar)(const mli_planar *a, uint32_t first, uint32_t last);
    /* What gives all outputs at once, the same bits: of calls that differ from
       this one in arrays, the lengths of rows, pos and frames only. */
    mli_planar_form *(*planar_form)(const mli_planar *a);
    /* y[r*y_row + i] = x[r*x_row + i] for `count` rows of n floats. y may
       overlap x from before it. */
    void (*rows)(const float *x, size_t x_row, float *y, size_t y_row,
                 uint32_t count, uint32_t n);

    void (*lstm)(const mli_recurrent *a, uint32_t first, uint32_t last);
    void (*gru)(const mli_recurrent *a, uint32_t first, uint32_t last);
    void (*rnn)(const mli_recurrent *a, uint32_t first, uint32_t last);
    void (*gru_reset)(const mli_cell *a, uint32_t first, uint32_t last);
    void (*gru_update)(const mli_cell *a, uint32_t first, uint32_t last);
    void (*gru_after)(const mli_cell *a, uint32_t first, uint32_t last);
    void (*lstm_update)(const mli_cell *a, uint32_t first, uint32_t last);

    /*
     * Rows of n floats to rows of signed bytes, filled up with zeros to whole
     * words: y = round(x * factor + zero), halves to even, held in -127..127;
     * of NaN any byte. zero: -127..127. [first, last) counts rows, which lie
     * one after another.
     */
    void (*quantize)(float factor, int32_t zero, const float *x, float *y,
                     uint32_t n, size_t first, size_t last);

    /*
     * Whether a matrix of MLI_BYTES, of one group, has such weights that any
     * four products of an output, of inputs i, i + 4, i + 8 and i + 12 of each
     * sixteen, can be summed in 16 bits, inputs being bytes from -127 to 127.
     * NULL: of no use to this build.
     */
    int (*bytes_fours)(const float *w, uint32_t rows, uint32_t products);

    /* y[i] = f(x[i]) for i in [first, last). y may be x. */
    void (*unary)(mli_unary f, float p, float q, const float *x, float *y,
                  size_t first, size_t last);
    /*
     * y[i] = f(a[i*a_step], b[i*b_step]); steps are 0 or 1. y may be a or b
     * where their step is 1.
     */
    void (*binary)(mli_binary f, const float *a, size_t a_step, const float *b,
                   size_t b_step, float *y, size_t first, size_t last);
    /* y[i] = x[i]*scale[i*scale_step] + shift[i*shift_step]. y may be x. */
    void (*affine)(const float *x, const float *scale, size_t scale_step,
                   const float *shift, size_t shift_step, float *y,
                   size_t first, size_t last);

    /*
     * Along rows: row r is size floats from x + r*size. [first, last) counts
     * rows.
     *
     * softmax: y = e^(x-max) / sum, or its logarithm if log is not 0. y may be
     * x.
     * normalize: y = (x - mean) / sqrt(variance + eps) * scale + shift, or,
     * with rms not 0, y = x / sqrt(mean square + eps) * scale + shift; scale
     * and shift have size floats, each may be NULL. y may be x.
     * reduce: y[r] = f(row r).
     */
    void (*softmax)(const float *x, float *y, size_t size, int log,
                    size_t first, size_t last);
    void (*normalize)(const float *x, const float *scale, const float *shift,
                      float eps, int rms, float *y, size_t size, size_t first,
                      size_t last);
    void (*reduce)(mli_reduce f, const float *x, float *y, size_t size,
                   size_t first, size_t last);
} mli_kernels;

/*
 * The builds in this binary that this machine can run, best first; NULL past
 * the last. "generic" is always the last one.
 */
const mli_kernels *mli_kernels_at(uint32_t index);

/* "generic", without asking the machine what it can do: that takes long in a
   virtual one. */
const mli_kernels *mli_kernels_plain(void);

#endif
