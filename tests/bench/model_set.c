/*
 * Writes the models that speeds are told of, with random weights: usual shapes
 * of amplifier models (.nam) and of recurrent, convolutional and dense networks
 * (RTNeural's JSON).
 *
 * usage: model-set FOLDER
 */
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static FILE *file;
static uint32_t seed;

/* From -scale to scale. */
static double weight(double scale)
{
    seed = seed * 1664525u + 1013904223u;
    return scale * (int32_t)seed / 2147483648.0;
}

static void put(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
}

static void open_model(const char *folder, const char *name, const char *ending)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, ending);
    file = fopen(path, "w");
    if (!file) {
        perror(path);
        exit(1);
    }
    seed = 1;
}

static void close_model(void)
{
    if (fclose(file)) {
        perror("model-set");
        exit(1);
    }
}

/* A row of n numbers of the size that n inputs ask for. */
static void put_row(unsigned n, unsigned inputs)
{
    put("[");
    for (unsigned i = 0; i < n; i++)
        put("%s%.6g", i ? "," : "", weight(1.2 / sqrt(inputs)));
    put("]");
}

static void put_rows(unsigned rows, unsigned n, unsigned inputs)
{
    put("[");
    for (unsigned i = 0; i < rows; i++) {
        put(i ? "," : "");
        put_row(n, inputs);
    }
    put("]");
}

/* ------------------------------------------------------------ RTNeural ---- */

static void begin_network(unsigned in)
{
    put("{\"in_shape\":[null,null,%u],\"layers\":[", in);
}

static void begin_layer(const char *type, const char *function, unsigned out)
{
    put("{\"type\":\"%s\",\"activation\":\"%s\",\"shape\":[null,null,%u],"
        "\"weights\":[",
        type, function, out);
}

static void dense(const char *function, unsigned in, unsigned out)
{
    begin_layer("dense", function, out);
    put_rows(in, out, in);
    put(",");
    put_row(out, in);
    put("]}");
}

static void recurrent(const char *folder, const char *kind, unsigned gates,
                      unsigned biases, unsigned units)
{
    char name[64];
    snprintf(name, sizeof name, "%s-%u", kind, units);
    open_model(folder, name, "json");
    begin_network(1);
    begin_layer(kind, "tanh", units);
    put_rows(1, gates * units, 1);
    put(",");
    put_rows(units, gates * units, units);
    put(",");
    if (biases == 1)
        put_row(gates * units, units);
    else
        put_rows(biases, gates * units, units);
    put("]},");
    dense("", units, 1);
    put("]}\n");
    close_model();
}

/* Ten dilated layers with 3 taps, and a dense one. */
static void conv_stack(const char *folder, unsigned channels)
{
    char name[64];
    snprintf(name, sizeof name, "conv-stack-%u", channels);
    open_model(folder, name, "json");
    begin_network(1);
    for (unsigned i = 0; i < 10; i++) {
        unsigned in = i ? channels : 1;
        begin_layer("conv1d", "tanh", channels);
        put("[");
        for (unsigned k = 0; k < 3; k++) {
            put(k ? "," : "");
            put_rows(in, channels, 3 * in);
        }
        put("],");
        put_row(channels, 3 * in);
        put("],\"kernel_size\":[3],\"dilation\":[%u],\"groups\":1},", 1u << i);
    }
    dense("", channels, 1);
    put("]}\n");
    close_model();
}

static void mlp(const char *folder, unsigned ends, unsigned hidden)
{
    char name[64];
    snprintf(name, sizeof name, "mlp-%u-%u-%u-%u", ends, hidden, hidden, ends);
    open_model(folder, name, "json");
    begin_network(ends);
    dense("tanh", ends, hidden);
    put(",");
    dense("tanh", hidden, hidden);
    put(",");
    dense("", hidden, ends);
    put("]}\n");
    close_model();
}

/* ----------------------------------------------------------------- NAM ---- */

typedef struct wavenet {
    unsigned channels, head, kernel, layers;
    unsigned dilations[16];
} wavenet;

/* Weights of an array of layers whose input has `in` channels. */
static unsigned weights_of(const wavenet *a, unsigned in, int head_bias)
{
    unsigned c = a->channels;
    unsigned layer = c * c * a->kernel + c + c + c * c + c;
    return in * c + a->layers * layer + c * a->head + (head_bias ? a->head : 0);
}

static void put_array(const wavenet *a, unsigned in, int head_bias)
{
    put("{\"input_size\":%u,\"condition_size\":1,\"head_size\":%u,"
        "\"channels\":%u,\"kernel_size\":%u,\"dilations\":[",
        in, a->head, a->channels, a->kernel);
    for (unsigned i = 0; i < a->layers; i++)
        put("%s%u", i ? "," : "", a->dilations[i]);
    put("],\"activation\":\"Tanh\",\"gated\":false,\"head_bias\":%s}",
        head_bias ? "true" : "false");
}

static void put_weights(unsigned n, double scale)
{
    put("\"weights\":[");
    for (unsigned i = 0; i < n; i++)
        put("%.6g,", weight(scale));
    put("0.02],\"sample_rate\":48000}\n"); /* the last scales the output */
}

static void put_head(const char *architecture)
{
    put("{\"version\":\"0.5.4\",\"architecture\":\"%s\",\"config\":",
        architecture);
}

/* The two arrays of the usual amplifier models. */
static void nam(const char *folder, const char *name, const wavenet *first,
                const wavenet *second)
{
    open_model(folder, name, "nam");
    put_head("WaveNet");
    put("{\"layers\":[");
    put_array(first, 1, 0);
    put(",");
    put_array(second, first->channels, 1);
    put("],\"head\":null,\"head_scale\":0.02},");
    put_weights(weights_of(first, 1, 0) +
                    weights_of(second, first->channels, 1),
                1 / sqrt(3 * first->channels));
    close_model();
}

/* One array of 23 layers with kernels of two sizes, LeakyReLU, and a head of 16
   taps. */
static void nam_a2(const char *folder, const char *name, unsigned channels)
{
    static const unsigned dilations[23] = {1, 3, 7,  17, 41,  101, 239, 1,
                                           3, 7, 17, 41, 101, 239, 1,   13,
                                           1, 3, 7,  17, 41,  101, 239};
    unsigned taps = 0;
    open_model(folder, name, "nam");
    put_head("WaveNet");
    put("{\"layers\":[{\"input_size\":1,\"condition_size\":1,\"channels\":%u,"
        "\"head\":{\"out_channels\":1,\"kernel_size\":16,\"bias\":true},"
        "\"kernel_sizes\":[",
        channels);
    for (unsigned i = 0; i < 23; i++) {
        unsigned kernel = i == 14 || i == 15 ? 15 : 6;
        put("%s%u", i ? "," : "", kernel);
        taps += kernel;
    }
    put("],\"dilations\":[");
    for (unsigned i = 0; i < 23; i++)
        put("%s%u", i ? "," : "", dilations[i]);
    put("],\"activation\":{\"type\":\"LeakyReLU\",\"negative_slope\":0.01},"
        "\"gated\":false}],\"head\":null,\"head_scale\":0.02},");
    put_weights(channels + taps * channels * channels +
                    23 * (3 * channels + channels * channels) + 16 * channels +
                    1,
                1 / sqrt(6 * channels));
    close_model();
}

int main(int argc, char **argv)
{
    static const wavenet standard[] = {
        {16, 8, 3, 10, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}},
        {8, 1, 3, 10, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}}};
    wavenet small[] = {
        {0, 0, 3, 7, {1, 2, 4, 8, 16, 32, 64}},
        {0, 1, 3, 13, {128, 256, 512, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512}}};
    static const struct {
        const char *name;
        unsigned channels;
    } sizes[] = {{"nam-lite", 12}, {"nam-feather", 8}, {"nam-nano", 4}};
    static const unsigned units[] = {8, 16, 40};
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    nam(argv[1], "nam-standard", standard, standard + 1);
    for (int i = 0; i < 3; i++) {
        small[0].channels = sizes[i].channels;
        small[0].head = small[1].channels = sizes[i].channels / 2;
        nam(argv[1], sizes[i].name, small, small + 1);
    }
    nam_a2(argv[1], "nam-a2-full", 8);
    nam_a2(argv[1], "nam-a2-lite", 3);
    conv_stack(argv[1], 16);
    for (int i = 0; i < 3; i++)
        recurrent(argv[1], "lstm", 4, 1, units[i]);
    for (int i = 0; i < 3; i++)
        recurrent(argv[1], "gru", 3, 2, units[i]);
    mlp(argv[1], 4, 64);
    mlp(argv[1], 8, 128);
    return 0;
}
