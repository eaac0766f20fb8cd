/*
 * text_all.h - all kernel texts and the table of one build, over the vector
 * layer that was included before.
 */
#include "builds.h"
#include "text_math.h"
#include "text_double.h"
#include "text_unary.h"
#include "text_binary.h"
#include "text_taps.h"
#include "text_linear.h"
#include "text_dot.h"
#include "text_stored.h"
#include "text_decode.h"
#include "text_bytes.h"
#include "text_conv.h"
#include "text_single.h"
#include "text_depthwise.h"
#include "text_planar.h"
#include "text_planar_few.h"
#include "text_planar_stored.h"
#include "text_recurrent.h"
#include "text_recurrent_stored.h"
#include "text_cells.h"
#include "text_rows.h"

#define HAS_RECURRENT (MLI_HAS(LSTM) || MLI_HAS(GRU) || MLI_HAS(RNN))
#define HAS_CONV                                                               \
    (MLI_HAS(LINEAR) || MLI_HAS(CONV1D) || MLI_HAS(CONV2D) ||                  \
     MLI_HAS(MATMUL) || MLI_HAS(GRU) ||                                        \
     (MLI_HAS(STORED) && (MLI_HAS(LSTM) || MLI_HAS(RNN))))

#if defined(V_HAS_BYTE_FOURS)
#define BYTES_FOURS (MLI_HAS(STORED) && HAS_CONV ? bytes_fours : NULL)
#else
#define BYTES_FOURS NULL
#endif

/* The build's functions, with this convolution and dense layer. */
/* clang-format off */
#define TABLE(conv_form, dense_form, lstm_form, gru_form)                      \
    {                                                                          \
        .name = V_NAME,                                                        \
        .lanes = V_LANES,                                                      \
        .conv = HAS_CONV ? (conv_form) : NULL,                                 \
        .dense = MLI_DENSE && MLI_HAS(LINEAR) ? (dense_form) : NULL,           \
        .depthwise = MLI_HAS(CONV1D) || MLI_HAS(CONV2D) ? depthwise : NULL,    \
        .planar = MLI_PLANES ? planar : NULL,                                  \
        .planar_form = MLI_PLANES ? planar_form : NULL,                        \
        .rows = MLI_PLANES ? rows : NULL,                                      \
        .lstm = MLI_IF(LSTM, lstm_form),                                       \
        .gru = MLI_IF(GRU, gru_form),                                          \
        .rnn = MLI_IF(RNN, rnn_any),                                           \
        .gru_reset = MLI_IF(GRU, gru_reset),                                   \
        .gru_update = MLI_IF(GRU, gru_update),                                 \
        .gru_after = MLI_HAS(GRU) && MLI_HAS(STORED) ? gru_after : NULL,       \
        .lstm_update = MLI_HAS(LSTM) && MLI_HAS(STORED) ? lstm_update : NULL,  \
        .quantize = MLI_HAS(STORED) || MLI_HAS(TO_BYTES) ? quantize : NULL,    \
        .bytes_fours = BYTES_FOURS,                                            \
        .unary = unary,                                                        \
        .binary = binary,                                                      \
        .affine = MLI_IF(AFFINE, affine),                                      \
        .softmax = MLI_IF(SOFTMAX, softmax),                                   \
        .normalize = MLI_IF(NORMALIZE, normalize),                             \
        .reduce = MLI_IF(REDUCE, reduce),                                      \
    }
/* clang-format on */

const mli_kernels V_TABLE = TABLE(conv, dense, lstm_any, gru_any);
#ifdef V_HAS_VNNI
const mli_kernels V_TABLE_VNNI =
    TABLE(conv_vnni, dense_vnni, lstm_vnni, gru_vnni);
#endif
