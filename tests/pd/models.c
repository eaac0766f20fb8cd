/*
 * Writes small models for the tests of the externals, each simple enough to
 * know its answers by heart; or a sound to send through them.
 *
 * usage: pd-models FOLDER
 *        pd-models -wav FILE FRAMES
 *        pd-models -tones FILE FRAMES HIGHEST
 *        pd-models -noise FILE FILE FRAMES   decibels from sound to difference
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "compiler.h"
#include "ir.h"

static const uint32_t one[] = {1}, two[] = {2}, three[] = {3}, row[] = {1, 1};

static void write_with(ir_graph *g, const mlc_options *options,
                       const char *folder, const char *name)
{
    mlc_image image;
    mlc_error error;
    char path[4096];
    ir_set_meta(g, "name", name);
    if (mlc_finish(g, options, &image, &error) != MLC_OK) {
        fprintf(stderr, "%s: %s\n", name, error.text);
        exit(1);
    }
    snprintf(path, sizeof(path), "%s/%s.bin", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(image.bytes, 1, image.size, f) != image.size ||
        fclose(f)) {
        perror(path);
        exit(1);
    }
    mlc_image_free(&image);
}

static void write_model(ir_graph *g, const char *folder, const char *name)
{
    write_with(g, NULL, folder, name);
}

/* Twice every fourth frame of x, four times if `up` */
static ir_graph *make_rates(int up)
{
    ir_graph *g = ir_new(MLI_STREAM);
    const float twice[] = {2};
    uint32_t four[] = {4, 1};
    g->rate = 48000;
    ir_id y = ir_unfold(g, ir_input(g, "x", 1, one), 1, 1, 4);
    y = ir_linear(g, ir_reshape(g, y, 1, one), 1, 1, twice, NULL);
    if (up)
        y = ir_depth_to_time(g, ir_expand(g, y, 2, four), 4);
    ir_output(g, "y", y);
    return g;
}

/* Numbers that do not matter: these models are for what they cost. */
static float *numbers(uint32_t n)
{
    static float all[1 << 16];
    for (uint32_t i = 0; i < n; i++)
        all[i] = (float)(i * 7919u % 101u) / 1010.f - 0.05f;
    return all;
}

static ir_id layer(ir_graph *g, ir_id x, uint32_t in, uint32_t out,
                   uint32_t taps, uint32_t step)
{
    x = ir_conv1d(g, x, in, out, taps, 1, 1, step, numbers(in * out * taps),
                  NULL);
    return ir_unary(g, MLI_TANH, 0, 0, x);
}

/* Down by 4 three times, an LSTM, and up again: a step of 64 in all. */
static ir_graph *make_strided(void)
{
    ir_graph *g = ir_new(MLI_STREAM);
    uint32_t channels = 8, four[2] = {4, 0};
    g->rate = 48000;
    ir_id x = layer(g, ir_input(g, "x", 1, one), 1, channels, 7, 1);
    for (int i = 0; i < 3; i++, channels *= 2) {
        uint32_t flat = 8 * channels;
        x = ir_reshape(g, ir_unfold(g, x, 8, 1, 4), 1, &flat);
        x = ir_linear(g, x, flat, 2 * channels, numbers(flat * 2 * channels),
                      NULL);
        x = layer(g, x, 2 * channels, 2 * channels, 3, 1);
    }
    x = ir_lstm(g, x, channels, channels, numbers(4 * channels * channels),
                numbers(4 * channels * channels), NULL, NULL, NULL, NULL);
    for (int i = 0; i < 3; i++, channels /= 2) {
        four[1] = channels / 2;
        x = layer(g, x, channels, 2 * channels, 2, 1);
        x = ir_depth_to_time(g, ir_reshape(g, x, 2, four), 4);
        x = layer(g, x, channels / 2, channels / 2, 3, 1);
    }
    ir_output(g, "y", layer(g, x, channels, 1, 7, 1));
    return g;
}

/* Convolutions over 1024 frames to one value, every 512. */
static ir_graph *make_convnet(void)
{
    ir_graph *g = ir_new(MLI_WINDOW);
    const uint32_t frames[] = {1024, 1};
    g->rate = 48000;
    g->window = 1024;
    g->hop = 512;
    ir_id x = layer(g, ir_input(g, "x", 2, frames), 1, 16, 9, 2);
    x = ir_pad(g, layer(g, x, 16, 32, 5, 2), 0, 2, 2, 0);
    x = layer(g, layer(g, x, 32, 64, 5, 2), 64, 64, 3, 1);
    x = ir_normalize(g, x, 1, NULL, NULL, 1e-5f, 0);
    x = ir_reduce(g, MLI_REDUCE_MEAN, x, 1, 0);
    ir_output(g, "y", ir_linear(g, x, 64, 1, numbers(64), NULL));
    return g;
}

/* y = x * gain, a control from 0 to 2 that begins at 1 */
static ir_graph *make_gain(void)
{
    ir_graph *g = ir_new(MLI_STREAM);
    g->rate = 48000;
    ir_id x = ir_input(g, "x", 1, one);
    ir_id gain = ir_control(g, "gain", 1, one);
    ir_channel_info(g, 0, "gain", 0, 2, 1);
    ir_output(g, "y", ir_binary(g, MLI_MUL, x, gain));
    return g;
}

/* y = x / 4 */
static ir_graph *make_soft(void)
{
    ir_graph *g = ir_new(MLI_STREAM);
    g->rate = 48000;
    ir_id x = ir_input(g, "x", 1, one);
    ir_output(g, "y", ir_binary(g, MLI_MUL, x, ir_scalar(g, 0.25f)));
    return g;
}

/* A small net, but not one that a box costs more than; two of them, which cost
   the same. */
static ir_graph *make_small(uint32_t which)
{
    const float *w = numbers(16) + which;
    ir_graph *g = ir_new(MLI_STREAM);
    g->rate = 48000;
    ir_id x = ir_input(g, "x", 1, one);
    x = ir_conv1d(g, x, 1, 4, 3, 1, 1, 1, w, NULL);
    x = ir_unary(g, MLI_TANH, 0, 0, x);
    ir_output(g, "y", ir_linear(g, x, 4, 1, w, NULL));
    return g;
}

/* A bit of everything that has memory, with numbers that look random. */
static ir_graph *make_deep(double rate)
{
    ir_graph *g = ir_new(MLI_STREAM);
    g->rate = rate;
    float w[4 * 8 * 8 + 64];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof(w) / sizeof(*w); i++) {
        seed = seed * 1664525u + 1013904223u;
        w[i] = (float)(seed >> 8) / 16777216.f - 0.5f;
    }
    ir_id x = ir_input(g, "x", 1, one);
    ir_id y = ir_conv1d(g, x, 1, 8, 3, 5, 1, 1, w, w + 3);
    y = ir_unary(g, MLI_TANH, 0, 0, y);
    y = ir_conv1d(g, y, 8, 8, 3, 7, 1, 1, w + 9, w);
    y = ir_unary(g, MLI_TANH, 0, 0, y);
    y = ir_lstm(g, y, 8, 8, w, w + 16, w + 5, w + 9, NULL, NULL);
    y = ir_linear(g, y, 8, 1, w + 40, w + 3);
    ir_output(g, "y", y);
    return g;
}

/* y is x, 10 frames later, and says so */
static ir_graph *make_late(double rate)
{
    ir_graph *g = ir_new(MLI_STREAM);
    g->rate = rate;
    g->latency = 10;
    ir_output(g, "y", ir_delay(g, ir_input(g, "x", 1, one), 10));
    return g;
}

/* (a + b + c, a - b) of three values from -1 to 1 */
static ir_graph *make_sums(mli_mode mode)
{
    static const float w[] = {1, 1, 1, 1, -1, 0};
    ir_graph *g = ir_new(mode);
    ir_id x = ir_input(g, "x", 1, three);
    ir_channel_info(g, 0, "a", -1, 1, 0);
    ir_channel_info(g, 1, "b", -1, 1, 0);
    ir_channel_info(g, 2, "c", -1, 1, 0.25f);
    ir_output(g, "y", ir_linear(g, x, 3, 2, w, NULL));
    ir_channel_info(g, 0, "sum", -3, 3, 0);
    ir_channel_info(g, 1, "difference", -2, 2, 0);
    return g;
}

/* the sum of all that ever came */
static ir_graph *make_total(void)
{
    static const float weight[] = {1};
    ir_graph *g = ir_new(MLI_STEP);
    ir_id x = ir_input(g, "x", 2, row);
    ir_output(
        g, "total",
        ir_rnn(g, x, 1, 1, weight, weight, NULL, NULL, NULL, MLI_IDENTITY));
    return g;
}

/* 1 / (1 - x): infinite where x is 1; and the sum of all that came, so that
   one can hear a reset */
static ir_graph *make_pole(void)
{
    static const float weight[] = {1}, minus[] = {-1};
    ir_graph *g = ir_new(MLI_STREAM);
    ir_id x = ir_input(g, "x", 1, one);
    ir_id down = ir_affine(g, x, 1, minus, weight);
    ir_output(g, "y", ir_binary(g, MLI_DIV, ir_scalar(g, 1), down));
    ir_output(
        g, "total",
        ir_rnn(g, x, 1, 1, weight, weight, NULL, NULL, NULL, MLI_IDENTITY));
    return g;
}

/* which of two is larger */
static ir_graph *make_larger(mli_mode mode)
{
    ir_graph *g = ir_new(mode);
    ir_id x = ir_input(g, "x", 1, two);
    ir_output(g, "which", ir_softmax(g, x, 0, 0));
    ir_channel_info(g, 0, "left", 0, 1, 0);
    ir_channel_info(g, 1, "right", 0, 1, 0);
    ir_classes(g);
    return g;
}

/* which of three is the largest; one is called by a number */
static ir_graph *make_numbered(void)
{
    ir_graph *g = ir_new(MLI_STEP);
    ir_id x = ir_input(g, "x", 1, three);
    ir_output(g, "which", ir_softmax(g, x, 0, 0));
    ir_channel_info(g, 0, "7", 0, 1, 0);
    ir_channel_info(g, 1, "7 up", 0, 1, 0);
    ir_classes(g);
    return g;
}

/* y is x, which it says is so many frames late; it keeps `held` frames a few
   times */
static ir_graph *make_far(uint32_t late, uint32_t held, int times)
{
    ir_graph *g = ir_new(MLI_STREAM);
    g->latency = late;
    ir_id x = ir_input(g, "x", 1, one);
    while (times--)
        x = ir_delay(g, x, held);
    ir_output(g, "y", x);
    return g;
}

/* the mean of 8 frames, every 4 */
static ir_graph *make_mean(double rate)
{
    static const uint32_t dims[] = {8, 1};
    ir_graph *g = ir_new(MLI_WINDOW);
    g->rate = rate;
    g->window = 8;
    g->hop = 4;
    ir_id x = ir_input(g, "x", 2, dims);
    ir_output(g, "mean", ir_reduce(g, MLI_REDUCE_MEAN, x, 1, 0));
    return g;
}

/* twice a window, and its mean */
static ir_graph *make_whole(uint32_t window, uint32_t hop)
{
    const uint32_t dims[] = {window, 1};
    ir_graph *g = ir_new(MLI_WINDOW);
    g->rate = 48000;
    g->window = window;
    g->hop = hop;
    ir_id x = ir_input(g, "x", 2, dims);
    ir_output(g, "twice", ir_binary(g, MLI_MUL, x, ir_scalar(g, 2)));
    ir_output(g, "mean", ir_reduce(g, MLI_REDUCE_MEAN, x, 1, 0));
    return g;
}

/* two inputs, of one channel and two, and a control: the second times the
   control, which begins at 2, and the first */
static ir_graph *make_sides(mli_mode mode)
{
    uint32_t x_dims[] = {8, 1}, side_dims[] = {8, 2};
    ir_graph *g = ir_new(mode);
    int window = mode == MLI_WINDOW;
    g->rate = 48000;
    g->window = g->hop = window ? 8 : 0;
    ir_id x = ir_input(g, "x", window ? 2 : 1, x_dims + !window);
    ir_id side = ir_input(g, "side", window ? 2 : 1, side_dims + !window);
    ir_id gain = ir_control(g, "gain", 1, one);
    ir_channel_info(g, 0, "gain", 0, 4, 2);
    ir_output(g, "sides", ir_binary(g, MLI_MUL, side, gain));
    ir_output(g, "first", ir_binary(g, MLI_MUL, x, ir_scalar(g, 1)));
    return g;
}

/* the mean of many */
static ir_graph *make_many(mli_mode mode, uint32_t n)
{
    ir_graph *g = ir_new(mode);
    ir_output(g, "mean",
              ir_reduce(g, MLI_REDUCE_MEAN, ir_input(g, "x", 1, &n), 1, 1));
    return g;
}

/* One value in, more out than a list on the stack has: 1, 2, 3 ... times x */
static ir_graph *make_wide(uint32_t n)
{
    static float weights[1000];
    ir_graph *g = ir_new(MLI_STEP);
    for (uint32_t i = 0; i < n; i++)
        weights[i] = (float)(i + 1);
    ir_output(g, "y",
              ir_linear(g, ir_input(g, "x", 1, one), 1, n, weights, NULL));
    return g;
}

/* no inputs: how often it was asked */
static ir_graph *make_clock(void)
{
    static const float weight[] = {1}, value[] = {1};
    ir_graph *g = ir_new(MLI_STEP);
    ir_id x = ir_const(g, 2, row, value);
    ir_output(
        g, "count",
        ir_rnn(g, x, 1, 1, weight, weight, NULL, NULL, NULL, MLI_IDENTITY));
    return g;
}

static void put(FILE *f, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        fputc((int)(value >> 8 * i & 255), f);
}

/* Noise, and for the second half of the time a pulse that slows down. */
static float pulses(uint32_t i, uint32_t frames)
{
    static uint32_t seed = 7, left = 100, width = 100;
    seed = seed * 1664525u + 1013904223u;
    float y = (float)(seed >> 8) / 8388608.f - 1;
    if (i >= frames / 2)
        y = left > width / 2 ? 0.7f : -0.7f;
    if (--left == 0)
        left = ++width;
    return y;
}

/* Eight tones up to some frequency, faded in and out. */
static float tones(uint32_t i, uint32_t frames, double highest)
{
    double y = 0, fade = sin(3.14159265358979 * i / frames);
    for (int k = 1; k <= 8; k++)
        y += sin(2 * 3.14159265358979 * highest * k / 8 / 48000 * i) / 8;
    return (float)(y * fade * fade);
}

/* One channel of 32-bit floats at 48 kHz: tones, or, if highest is 0, noise,
   and for the second half of the time a pulse that slows down. */
static int write_wav(const char *path, uint32_t frames, double highest)
{
    FILE *f = fopen(path, "wb");
    uint32_t bits;
    if (!f)
        return 1;
    fputs("RIFF", f);
    put(f, 36 + 4 * frames, 4);
    fputs("WAVEfmt ", f);
    put(f, 16, 4);
    put(f, 3, 2); /* floats */
    put(f, 1, 2);
    put(f, 48000, 4);
    put(f, 4 * 48000, 4);
    put(f, 4, 2);
    put(f, 32, 2);
    fputs("data", f);
    put(f, 4 * frames, 4);
    for (uint32_t i = 0; i < frames; i++) {
        float y = highest > 0 ? tones(i, frames, highest) : pulses(i, frames);
        memcpy(&bits, &y, 4);
        put(f, bits, 4);
    }
    return fclose(f) != 0;
}

/* How far the difference of two sounds lies below the first. */
static int print_noise(const char *one, const char *two, long frames)
{
    FILE *f = fopen(one, "rb"), *g = fopen(two, "rb");
    double sound = 0, noise = 0;
    float a, b;
    if (!f || !g || fseek(f, -4 * frames, SEEK_END) ||
        fseek(g, -4 * frames, SEEK_END))
        return 1;
    while (fread(&a, 4, 1, f) == 1 && fread(&b, 4, 1, g) == 1) {
        sound += (double)a * a;
        noise += ((double)a - b) * ((double)a - b);
    }
    printf("%d\n", (int)(10 * log10(sound / (noise + 1e-30))));
    return fclose(f) + fclose(g);
}

int main(int argc, char **argv)
{
    mlc_options spread = MLC_OPTIONS_DEFAULT;
    spread.spread = 1;
    if (argc == 4 && !strcmp(argv[1], "-wav"))
        return write_wav(argv[2], (uint32_t)strtoul(argv[3], NULL, 10), 0);
    if (argc == 5 && !strcmp(argv[1], "-tones"))
        return write_wav(argv[2], (uint32_t)strtoul(argv[3], NULL, 10),
                         strtod(argv[4], NULL));
    if (argc == 5 && !strcmp(argv[1], "-noise"))
        return print_noise(argv[2], argv[3], strtol(argv[4], NULL, 10));
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER | -wav FILE FRAMES\n", argv[0]);
        return 2;
    }
    write_model(make_gain(), argv[1], "gain");
    write_model(make_soft(), argv[1], "soft");
    write_model(make_deep(0), argv[1], "deep");
    write_model(make_small(0), argv[1], "small");
    write_model(make_small(1), argv[1], "other");
    write_model(make_late(0), argv[1], "late");
    write_model(make_sums(MLI_STREAM), argv[1], "sums");
    write_model(make_sums(MLI_STEP), argv[1], "sumlist");
    write_model(make_total(), argv[1], "total");
    write_model(make_pole(), argv[1], "pole");
    write_model(make_larger(MLI_STEP), argv[1], "larger");
    write_model(make_larger(MLI_STREAM), argv[1], "louder");
    write_model(make_numbered(), argv[1], "numbered");
    write_model(make_far(10000000, 10, 1), argv[1], "far");
    write_model(make_far(0, 10000000, 8), argv[1], "heavy");
    write_model(make_mean(0), argv[1], "mean");
    write_model(make_whole(8, 8), argv[1], "whole8");
    write_with(make_whole(8, 8), &spread, argv[1], "spreadwhole8");
    write_model(make_whole(1024, 1024), argv[1], "whole1024");
    write_model(make_whole(1024, 256), argv[1], "whole1024-256");
    write_model(make_sides(MLI_STREAM), argv[1], "sides");
    write_model(make_sides(MLI_WINDOW), argv[1], "widesides");
    write_model(make_many(MLI_STEP, 70000), argv[1], "crowd");
    write_model(make_many(MLI_STREAM, 1025), argv[1], "lines");
    write_model(make_clock(), argv[1], "clock");
    write_model(make_wide(300), argv[1], "wide");
    write_model(make_rates(0), argv[1], "quarter");
    write_model(make_rates(1), argv[1], "coarse");
    write_with(make_rates(1), &spread, argv[1], "spread");
    write_with(make_mean(0), &spread, argv[1], "spreadmean");
    write_with(make_strided(), &spread, argv[1], "strided");
    write_with(make_convnet(), &spread, argv[1], "convnet");
    write_model(make_deep(44100), argv[1], "deep44");
    write_model(make_late(44100), argv[1], "late44");
    write_model(make_late(16000), argv[1], "late16");
    write_model(make_late(44101), argv[1], "late44-1");
    write_model(make_late(100), argv[1], "late-slow");
    write_model(make_mean(44100), argv[1], "mean44");
    return 0;
}
