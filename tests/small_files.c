#include "small_files.h"

fb_image small_stream(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(3)), side = fb_input(b, fb_timed(1));
    fb_id gain = fb_control(b, fb_vector(2));
    fb_id a = fb_conv(b, x, 3, 12, 3, 1, 1, 1, 0);
    a = fb_unary(b, MLI_TANH, a);
    a = fb_conv(b, a, 12, 12, 2, 37, 3, 1, 1);  /* in groups */
    a = fb_conv(b, a, 12, 12, 4, 5, 12, 1, 15); /* depthwise */
    a = fb_conv(b, a, 12, 7, 3, 100, 1, 1, 0);
    a = fb_recurrent(b, MLI_OP_LSTM, a, 7, 9, 0, 1);
    a = fb_recurrent(b, MLI_OP_GRU, a, 9, 6, 1, 0);
    a = fb_recurrent(b, MLI_OP_GRU, a, 6, 5, 0, 1);
    a = fb_recurrent(b, MLI_OP_RNN, a, 5, 17, 0, 0);
    a = fb_linear(b, a, 17, 2);
    a = fb_binary(b, MLI_MUL, a, a, gain);
    fb_id late = fb_delay(b, side, 23, 23);
    fb_id both[2] = {a, late};
    fb_id c = fb_op(b, MLI_OP_CONCAT, fb_timed(3), 2, both);
    fb_output(b, fb_hold(b, c, 77));
    fb_output(b, fb_op(b, MLI_OP_SOFTMAX, fb_timed(3), 1, &c));
    fb_output(b, x);
    return fb_finish(b);
}

fb_image small_rates(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(2)), slow = fb_input(b, fb_slow(12, 3));
    fb_id a = fb_linear(b, fb_flat(b, fb_unfold(b, x, 5, 2, 3, 8)), 10, 4);
    a = fb_conv(b, a, 4, 6, 3, 1, 1, 1, 1);
    fb_id e = fb_flat(b, fb_unfold(b, a, 4, 1, 4, 0));
    fb_id both[2] = {e, slow};
    e = fb_op(b, MLI_OP_CONCAT, fb_slow(12, 27), 2, both);
    e = fb_recurrent(b, MLI_OP_LSTM, e, 27, 4, 0, 1);
    fb_id d = fb_depth_to_time(b, fb_linear(b, e, 4, 24), 4, 1);
    d = fb_binary(b, MLI_ADD, d, d, a);
    d = fb_depth_to_time(b, d, 3, 0);
    fb_output(b, d);
    fb_output(b, e);
    return fb_finish(b);
}

fb_image small_window(uint32_t hop)
{
    fb *b = fb_new(MLI_WINDOW);
    fb_window(b, 50, hop);
    fb_id x = fb_input(b, fb_matrix(50, 2));
    fb_id gain = fb_control(b, fb_vector(1));
    fb_id a = fb_conv(b, x, 2, 4, 5, 2, 1, 3, 0);
    a = fb_recurrent(b, MLI_OP_GRU, a, 4, 6, 1, 1);
    fb_id pooled = fb_op(b, MLI_OP_TRANSPOSE, fb_matrix(6, 14), 1, &a);
    fb_last(b)->p[0] = 1;
    fb_id mean = fb_op(b, MLI_OP_REDUCE, fb_vector(6), 1, &pooled);
    fb_last(b)->p[0] = MLI_REDUCE_MEAN;
    fb_last(b)->p[1] = 1;
    /* nobody hears these: bins of the two channels, their products, noise */
    fb_id bins = fb_dft(b, x, 2, 6, 1);
    fb_matmul(b, bins, bins, fb_matrix(50, 50), 1, 0.5f);
    fb_random_numbers(b, gain, fb_vector(7), 1);
    fb_output(b, fb_linear(b, mean, 6, 3));
    fb_output(b, fb_binary(b, MLI_MUL, x, x, gain));
    fb_shape image = {0, 3, {50, 2, 1}};
    fb_id y = fb_op(b, MLI_OP_RESHAPE, image, 1, &x);
    y = fb_conv2d(b, y, 3, (uint32_t[7]){3, 2, 2, 1, 5, 1, 1});
    y = fb_pool(b, y, (uint32_t[7]){MLI_REDUCE_MAX, 0, 3, 2, 1, 1, 1});
    fb_output(b, y);
    return fb_finish(b);
}

fb_image small_steps(void)
{
    fb *b = fb_new(MLI_STEP);
    fb_id x = fb_input(b, fb_matrix(1, 3));
    fb_output(b, fb_recurrent(b, MLI_OP_LSTM, x, 3, 5, 0, 1));
    return fb_finish(b);
}
