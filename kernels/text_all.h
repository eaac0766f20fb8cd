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
#include "text_conv.h"
#include "text_depthwise.h"
#include "text_planar.h"
#include "text_planar_stored.h"
#include "text_recurrent.h"
#include "text_cells.h"
#include "text_rows.h"

const mli_kernels V_TABLE = {
    .name = V_NAME,
    .lanes = V_LANES,
    .conv = conv,
    .depthwise = depthwise,
    .planar = planar,
    .rows = rows,
    .lstm = lstm,
    .gru = gru,
    .rnn = rnn,
    .gru_reset = gru_reset,
    .gru_update = gru_update,
    .gru_after = gru_after,
    .lstm_update = lstm_update,
    .unary = unary,
    .binary = binary,
    .affine = affine,
    .softmax = softmax,
    .normalize = normalize,
    .reduce = reduce,
};
