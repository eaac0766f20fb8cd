#include "tiny_files.h"

static fb_image stream(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(2)), gain = fb_control(b, fb_vector(2));
    fb_meta(b, "name", "stream");
    fb_id a = fb_conv(b, x, 2, 2, 3, 2, 2, 1, 1);
    a = fb_recurrent(b, MLI_OP_LSTM, a, 2, 2, 0, 1);
    fb_last(b)->p[2] = 5;
    fb_state(b, 1, 1, 0);
    fb_id scaled = fb_binary(b, MLI_MUL, a, a, gain);
    fb_over(b, scaled, a);
    fb_id late = fb_delay(b, x, 3, 3), both[2] = {scaled, late};
    fb_id c = fb_op(b, MLI_OP_CONCAT, fb_timed(4), 2, both);
    fb_output(b, fb_hold(b, c, 70));
    return fb_finish(b);
}

static fb_image rates(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_slow(2, 2));
    fb_id a = fb_depth_to_time(b, x, 2, 1);
    a = fb_linear(b, fb_flat(b, fb_unfold(b, a, 3, 2, 6, 4)), 3, 3);
    fb_output(b, fb_depth_to_time(b, fb_hold(b, a, 2), 3, 0));
    fb_output(b, fb_unfold(b, a, 1, 1, 2, 0));
    return fb_finish(b);
}

static fb_image window(void)
{
    fb *b = fb_new(MLI_WINDOW);
    fb_window(b, 9, 4);
    fb_id x = fb_input(b, fb_matrix(9, 2));
    fb_id padded = fb_op(b, MLI_OP_PAD, fb_matrix(12, 2), 1, &x);
    fb_last(b)->p[1] = 1;
    fb_last(b)->p[2] = 2;
    fb_last(b)->fp = 0.5f;
    fb_id a = fb_conv(b, padded, 2, 3, 3, 2, 1, 2, 0);
    a = fb_recurrent(b, MLI_OP_GRU, a, 3, 2, 0, 1);
    fb_last(b)->p[3] = 1;
    fb_id turned = fb_op(b, MLI_OP_TRANSPOSE, fb_matrix(2, 4), 1, &a);
    fb_last(b)->p[0] = 1;
    fb_id soft = fb_op(b, MLI_OP_SOFTMAX, fb_matrix(2, 4), 1, &turned);
    fb_over(b, soft, turned);
    fb_id part = fb_op(b, MLI_OP_SLICE, fb_matrix(2, 2), 1, &soft);
    fb_last(b)->p[0] = 1;
    fb_last(b)->p[1] = 3;
    fb_last(b)->p[2] = 0u - 2u;
    fb_id mean = fb_op(b, MLI_OP_REDUCE, fb_vector(2), 1, &part);
    fb_last(b)->p[1] = 1;
    fb_output(b, mean);
    fb_output(b, x);
    return fb_finish(b);
}

static fb_image step(void)
{
    fb *b = fb_new(MLI_STEP);
    fb_id x = fb_linear(b, fb_input(b, fb_vector(3)), 3, 4);
    fb_id four = fb_const(b, fb_vector(4), NULL, 1.0f);
    fb_id in[3] = {x, four, four};
    fb_id a = fb_op(b, MLI_OP_AFFINE, fb_vector(4), 3, in);
    fb_id normal = fb_op(b, MLI_OP_NORMALIZE, fb_vector(4), 2, in);
    fb_last(b)->p[0] = 4;
    fb_last(b)->fp = 0.01f;
    fb_id row = fb_op(b, MLI_OP_RESHAPE, fb_matrix(1, 4), 1, &a);
    fb_id h = fb_recurrent(b, MLI_OP_RNN, row, 4, 3, 0, 1);
    fb_id wide = fb_op(b, MLI_OP_EXPAND, fb_matrix(2, 3), 1, &h);
    fb_output(b, fb_unary(b, MLI_TANH, wide));
    fb_output(b, fb_trees(b, wide, 2, 2, 2, MLI_TREES_AVERAGE));
    fb_output(b, fb_couple(b, fb_distance(b, h, 3, MLI_MINKOWSKI), 3));
    fb_output(b, normal);
    return fb_finish(b);
}

/* A sum over all runs. */
static fb_image carried(void)
{
    fb *b = fb_new(MLI_WINDOW);
    fb_window(b, 4, 3);
    fb_id x = fb_input(b, fb_matrix(4, 1));
    fb_id was = fb_op(b, MLI_OP_RECALL, fb_matrix(4, 1), 0, &x);
    fb_state(b, 1, 4, 1);
    fb_id sum = fb_binary(b, MLI_ADD, x, x, was);
    fb_output(b, fb_op(b, MLI_OP_STORE, fb_matrix(4, 1), 1, &sum));
    return fb_finish(b);
}

static fb_image spectrum(void)
{
    fb *b = fb_new(MLI_STEP);
    fb_id x = fb_input(b, fb_matrix(2, 6)), y = fb_dft(b, x, 6, 6, 1);
    y = fb_matmul(b, y, y, fb_matrix(2, 2), 1, 2);
    fb_output(b, fb_random_numbers(b, y, fb_matrix(1, 5), 1));
    return fb_finish(b);
}

/* In every frame: the order of some numbers, and what it looks up. */
static fb_image picks(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(4)), table = fb_control(b, fb_matrix(3, 2));
    fb_id at = fb_op(b, MLI_OP_TOPK, fb_timed(3), 1, &x);
    fb_last(b)->p[0] = 3;
    fb_last(b)->p[2] = 1;
    fb_id first = fb_op(b, MLI_OP_ARG, (fb_shape){1, 0, {0}}, 1, &x);
    fb_id rows = fb_op(b, MLI_OP_GATHER, (fb_shape){1, 2, {3, 2}}, 2,
                       (fb_id[2]){table, at});
    fb_id both = fb_op(b, MLI_OP_SELECT, (fb_shape){1, 2, {3, 2}}, 3,
                       (fb_id[3]){first, rows, table});
    fb_id put = fb_op(b, MLI_OP_SCATTER, (fb_shape){1, 2, {3, 2}}, 3,
                      (fb_id[3]){table, at, both});
    fb_last(b)->p[0] = MLI_SCATTER_ADD;
    fb_id sum = fb_op(b, MLI_OP_CUMULATE, (fb_shape){1, 2, {3, 2}}, 1, &put);
    fb_last(b)->p[3] = 1;
    fb_output(b, sum);
    return fb_finish(b);
}

/* Whole numbers by a factor for each column, added to themselves, their tanh,
   a table of that, as upper parts. */
static fb_image integers(void)
{
    static const float factors[12] = {16384, 0,     1, 20000, 7, 0,
                                      30000, 65535, 2, 16384, 0, -3};
    fb *b = fb_new(MLI_STREAM);
    static const float loud[4] = {100, 200, 50, 100};
    fb_id heard = fb_input(b, fb_timed(4));
    fb_id x = fb_op(b, MLI_OP_BINARY, fb_timed(4), 2,
                    (fb_id[2]){heard, fb_const(b, fb_vector(4), loud, 1)});
    fb_last(b)->p[0] = MLI_MUL;
    fb_id y = fb_op(b, MLI_OP_REQUANTIZE, fb_timed(4), 2,
                    (fb_id[2]){x, fb_const(b, fb_vector(12), factors, 1)});
    fb_last(b)->fp = -128;
    fb_last(b)->fq = 127;
    y = fb_op(b, MLI_OP_REQUANTIZE, fb_timed(4), 3,
              (fb_id[3]){y, x, fb_const(b, fb_vector(9), factors, 1)});
    fb_last(b)->p[0] = MLI_REQUANTIZE_ADD;
    fb_last(b)->p[2] = 20;
    fb_last(b)->fp = -128;
    fb_last(b)->fq = 127;
    y = fb_op(b, MLI_OP_REQUANTIZE, fb_timed(4), 2,
              (fb_id[2]){y, fb_const(b, fb_vector(3), factors, 1)});
    fb_last(b)->p[0] = MLI_REQUANTIZE_TANH;
    fb_last(b)->p[2] = 3;
    fb_last(b)->fp = -32768;
    fb_last(b)->fq = 32767;
    y = fb_op(b, MLI_OP_REQUANTIZE, fb_timed(4), 2,
              (fb_id[2]){y, fb_const(b, fb_vector(12), factors, 1)});
    fb_last(b)->p[0] = MLI_REQUANTIZE_TABLE;
    fb_last(b)->p[2] = 10;
    fb_last(b)->fp = -32768;
    fb_last(b)->fq = 32767;
    y = fb_op(b, MLI_OP_REQUANTIZE, fb_timed(4), 3,
              (fb_id[3]){y, x, fb_const(b, fb_vector(12), factors, 1)});
    fb_last(b)->p[0] = MLI_REQUANTIZE_WIDE;
    fb_last(b)->p[2] = 8;
    fb_last(b)->fp = -32768;
    fb_last(b)->fq = 32767;
    fb_output(b, y);
    return fb_finish(b);
}

/* Matrices in fewer bits. */
static fb_image stored(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(2));
    fb_store(b, MLI_INT4);
    fb_id a = fb_linear(b, x, 2, 35);
    a = fb_linear(b, a, 35, 4);
    fb_store(b, MLI_F16);
    a = fb_conv(b, a, 4, 4, 2, 1, 2, 1, 0);
    fb_store(b, MLI_INT8);
    fb_output(b, fb_recurrent(b, MLI_OP_GRU, a, 4, 2, 0, 0));
    return fb_finish(b);
}

/* Layers that compute in integers. */
static fb_image bytes(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_store(b, MLI_BYTES);
    fb_id a = fb_linear(b, fb_input(b, fb_timed(5)), 5, 8);
    a = fb_conv(b, a, 8, 4, 3, 2, 2, 1, 0);
    a = fb_recurrent(b, MLI_OP_LSTM, a, 4, 5, 0, 0);
    fb_output(b, fb_recurrent(b, MLI_OP_GRU, a, 5, 2, 0, 0));
    fb_id image = fb_input(b, (fb_shape){1, 3, {3, 2, 6}});
    fb_output(b, fb_conv2d(b, image, 3, (uint32_t[7]){2, 1, 1, 1, 1, 1, 1}));
    return fb_finish(b);
}

/* Images at half the rate: in groups, plain and pooled. */
static fb_image images(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, (fb_shape){2, 3, {4, 5, 2}});
    fb_id a = fb_conv2d(b, x, 2, (uint32_t[7]){3, 2, 1, 2, 1, 1, 2});
    a = fb_conv2d(b, a, 3, (uint32_t[7]){2, 3, 1, 1, 1, 1, 1});
    fb_output(b,
              fb_pool(b, a, (uint32_t[7]){MLI_REDUCE_SUM, 1, 2, 1, 1, 1, 1}));
    fb_output(b,
              fb_pool(b, x, (uint32_t[7]){MLI_REDUCE_MIN, 0, 9, 2, 1, 5, 3}));
    return fb_finish(b);
}

/* With the work of a hop in the course of the next. */
static fb_image spread(fb_image image, uint32_t frames)
{
    mli_file_header *h = (mli_file_header *)image.bytes;
    h->spread = frames;
    h->latency += frames;
    fb_seal(image);
    return image;
}

/* Frames at three rates; hop: a cycle of 6 ticks, 3 frames. */
static fb_image spread_stream(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_slow(2, 2)), by = fb_control(b, fb_vector(1));
    fb_id a = fb_conv(b, x, 2, 3, 2, 1, 1, 1, 0);
    a = fb_flat(b, fb_unfold(b, a, 3, 1, 3, 0));
    a = fb_recurrent(b, MLI_OP_GRU, a, 9, 2, 0, 0);
    a = fb_binary(b, MLI_MUL, a, a, by);
    fb_id both[2] = {a, fb_trees(b, a, 2, 2, 2, MLI_TREES_SUM)};
    a = fb_op(b, MLI_OP_CONCAT, fb_slow(6, 4), 2, both);
    fb_id square = fb_op(b, MLI_OP_RESHAPE, (fb_shape){6, 2, {2, 2}}, 1, &a);
    fb_output(b, fb_matmul(b, square, square, (fb_shape){6, 2, {2, 2}}, 0, 1));
    fb_output(b, x);
    return spread(fb_finish(b), 4);
}

static fb_image spread_window(void)
{
    fb *b = fb_new(MLI_WINDOW);
    fb_window(b, 8, 5);
    fb_id x = fb_input(b, fb_matrix(8, 2));
    fb_id a = fb_linear(b, x, 2, 3);
    a = fb_recurrent(b, MLI_OP_GRU, a, 3, 2, 0, 1);
    a = fb_recurrent(b, MLI_OP_LSTM, a, 2, 2, 0, 0);
    fb_id turned = fb_op(b, MLI_OP_TRANSPOSE, fb_matrix(2, 8), 1, &a);
    fb_last(b)->p[0] = 1;
    fb_id wide =
        fb_pool(b, turned, (uint32_t[7]){MLI_REDUCE_MAX, 1, 9, 3, 1, 4, 3});
    fb_id narrow =
        fb_pool(b, x, (uint32_t[7]){MLI_REDUCE_PROD, 0, 2, 1, 1, 1, 0});
    fb_id bins = fb_dft(b, turned, 8, 6, 1);
    fb_output(b, fb_distance(b, wide, 2, MLI_COSINE));
    fb_output(b, fb_op(b, MLI_OP_ARG, fb_vector(8), 1, &narrow));
    fb_output(b, fb_op(b, MLI_OP_SOFTMAX, fb_matrix(2, 10), 1, &bins));
    return spread(fb_finish(b), 5);
}

static const struct {
    const char *name;
    fb_image (*make)(void);
} files[] = {
    {"stream", stream},
    {"rates", rates},
    {"carried", carried},
    {"window", window},
    {"step", step},
    {"spectrum", spectrum},
    {"picks", picks},
    {"integers", integers},
    {"stored", stored},
    {"bytes", bytes},
    {"images", images},
    {"spread stream", spread_stream},
    {"spread window", spread_window},
};

const char *tiny_name(uint32_t n)
{
    return n < sizeof files / sizeof *files ? files[n].name : NULL;
}

fb_image tiny_file(uint32_t n)
{
    return files[n].make();
}
