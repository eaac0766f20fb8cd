/*
 * mlinfer run from inside: WAV files and arrays, cut into blocks, in every
 * layout; what is refused leaves nothing behind. The models are ONNX goldens.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp, nftw */
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <sndfile.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "commands.h"
#include "npy.h"
#include "stream_check.h"

#define FRAMES 5000
#define PATH   512

static char folder[] = "/tmp/mlinfer-run-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *s, int type,
                      struct FTW *ftw)
{
    (void)s, (void)type, (void)ftw;
    return remove(path);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Paths: in the test's folder, and of a golden. Four may be in use at once. */
static const char *in(const char *name)
{
    static char paths[4][PATH];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH, "%s/%s", folder, name);
    return path;
}

static const char *golden(const char *name, const char *file)
{
    static char paths[4][PATH];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH, "%s/tests/goldens/onnx/%s/%s", root(), name, file);
    return path;
}

static const char wavenet[] = "wavenet-old13-time";  /* 1 channel to 1 */
static const char conv[] = "conv-trim-old13-static"; /* 1 to 2 */
static const char lstm[] = "lstm2-old13-time";       /* 2 to 2 */
static const char ports[] = "two-ports-old13-static";

/* mlinfer run ARGUMENT... (up to NULL). Messages are silenced. */
static int run(const char *first, ...)
{
    char *argv[16] = {(char *)"run", (char *)first};
    int argc = 2;
    va_list arguments;
    va_start(arguments, first);
    while ((argv[argc] = va_arg(arguments, char *)))
        argc++;
    va_end(arguments);
    fflush(stderr);
    int kept = dup(2);
    assert_non_null(freopen(in("messages"), "w", stderr));
    int status = mli_tool_run(argc, argv);
    fflush(stderr);
    assert_true(dup2(kept, 2) >= 0);
    close(kept);
    return status;
}

static void expect_message(const char *part)
{
    char text[1024] = "";
    FILE *file = fopen(in("messages"), "r");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = 0;
    fclose(file);
    if (!strstr(text, part))
        fail_msg("expected \"%s\" in \"%s\"", part, text);
}

static float noise(void)
{
    static uint32_t seed = 1;
    seed = seed * 1664525u + 1013904223u;
    return (float)((int32_t)seed / 2147483648.0 * 0.5);
}

static void write_wav(const char *path, int channels, int rate, int format)
{
    SF_INFO info = {.samplerate = rate,
                    .channels = channels,
                    .format = SF_FORMAT_WAV | format};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    assert_non_null(file);
    float frame[8];
    for (int i = 0; i < FRAMES; i++) {
        for (int c = 0; c < channels; c++)
            frame[c] = noise();
        assert_int_equal(sf_writef_float(file, frame, 1), 1);
    }
    sf_close(file);
}

/* All samples, to be freed. */
static float *read_wav(const char *path, SF_INFO *info)
{
    memset(info, 0, sizeof *info);
    SNDFILE *file = sf_open(path, SFM_READ, info);
    assert_non_null(file);
    size_t count = (size_t)info->frames * (size_t)info->channels;
    float *data = malloc(count * sizeof *data);
    assert_non_null(data);
    assert_int_equal(sf_readf_float(file, data, info->frames), info->frames);
    sf_close(file);
    return data;
}

static void read_file(const char *path, char *bytes, size_t room, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    *size = fread(bytes, 1, room, file);
    assert_true(*size < room);
    fclose(file);
}

static void expect_same_file(const char *a, const char *b)
{
    static char x[1 << 17], y[1 << 17];
    size_t n, m;
    read_file(a, x, sizeof x, &n);
    read_file(b, y, sizeof y, &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
}

/* -------------------------------------------------------------- sound ---- */

static void test_wav_keeps_length_and_rate(void **state)
{
    (void)state;
    SF_INFO info;
    write_wav(in("in.wav"), 1, 44100, SF_FORMAT_PCM_24);
    assert_int_equal(run(golden(conv, "model.onnx"), "--wav", in("in.wav"),
                         "-o", in("out.wav"), NULL),
                     0);
    float *out = read_wav(in("out.wav"), &info);
    assert_int_equal(info.frames, FRAMES);
    assert_int_equal(info.samplerate, 44100);
    assert_int_equal(info.channels, 2);
    assert_int_equal(info.format, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
    free(out);
}

/* The same bytes at any block. */
static void test_wav_any_block(void **state)
{
    (void)state;
    static const char *const blocks[] = {"1", "7", "4097", "1000000"};
    write_wav(in("in.wav"), 2, 48000, SF_FORMAT_FLOAT);
    assert_int_equal(run(golden(lstm, "model.onnx"), "--wav", in("in.wav"),
                         "-o", in("64.wav"), NULL),
                     0);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        assert_int_equal(run(golden(lstm, "model.onnx"), "--wav", in("in.wav"),
                             "--block", blocks[i], "-o", in("out.wav"), NULL),
                         0);
        expect_same_file(in("64.wav"), in("out.wav"));
    }
}

/* Sound and arrays take the same way. */
static void test_wav_and_npy_agree(void **state)
{
    (void)state;
    SF_INFO info;
    npy_array a;
    write_wav(in("in.wav"), 1, 48000, SF_FORMAT_FLOAT);
    float *sound = read_wav(in("in.wav"), &info);
    const size_t dims[] = {FRAMES};
    assert_int_equal(npy_write(in("in.npy"), 1, dims, sound, NULL), 0);
    free(sound);
    assert_int_equal(run(golden(wavenet, "model.onnx"), "--wav", in("in.wav"),
                         "-o", in("out.wav"), NULL),
                     0);
    assert_int_equal(run(golden(wavenet, "model.onnx"), "--npy", in("in.npy"),
                         "--block", "100", "-o", in("out"), NULL),
                     0);
    sound = read_wav(in("out.wav"), &info);
    assert_int_equal(npy_read(in("out/output.npy"), &a, NULL), 0);
    assert_int_equal(a.rank, 1);
    assert_int_equal(a.count, FRAMES);
    assert_memory_equal(a.data, sound, FRAMES * sizeof *sound);
    npy_free(&a);
    free(sound);
}

/* A mono sound goes to both inputs, as if it were stereo. */
static void test_wav_channels(void **state)
{
    (void)state;
    SF_INFO info;
    write_wav(in("mono.wav"), 1, 48000, SF_FORMAT_FLOAT);
    float *mono = read_wav(in("mono.wav"), &info);
    info.channels = 2;
    SNDFILE *file = sf_open(in("stereo.wav"), SFM_WRITE, &info);
    for (int i = 0; i < FRAMES; i++) {
        float frame[2] = {mono[i], mono[i]};
        sf_writef_float(file, frame, 1);
    }
    sf_close(file);
    free(mono);
    assert_int_equal(run(golden(lstm, "model.onnx"), "--wav", in("mono.wav"),
                         "-o", in("a.wav"), NULL),
                     0);
    assert_int_equal(run(golden(lstm, "model.onnx"), "--wav", in("stereo.wav"),
                         "-o", in("b.wav"), NULL),
                     0);
    expect_same_file(in("a.wav"), in("b.wav"));
    assert_int_equal(run(golden(wavenet, "model.onnx"), "--wav",
                         in("stereo.wav"), "-o", in("c.wav"), NULL),
                     1);
    expect_message("stereo.wav: wrong number of channels (expected 1, got 2)");
    write_wav(in("three.wav"), 3, 48000, SF_FORMAT_FLOAT);
    assert_int_equal(run(golden(lstm, "model.onnx"), "--wav", in("three.wav"),
                         "-o", in("c.wav"), NULL),
                     1);
    expect_message("(expected 1 or 2, got 3)");
    assert_int_not_equal(access(in("c.wav"), F_OK), 0);
}

/* ------------------------------------------------------------- arrays ---- */

/* got (from the first frame on) is within 1e-5 of full scale of expected. */
static void expect_near(const npy_array *got, const npy_array *expected)
{
    float scale = 0;
    assert_int_equal(got->count, expected->count);
    for (size_t i = 0; i < expected->count; i++)
        scale = fmaxf(scale, fabsf(expected->data[i]));
    for (size_t i = 0; i < expected->count; i++)
        if (!(fabsf(got->data[i] - expected->data[i]) <= 1e-5f * scale))
            fail_msg("element %zu is %g, not %g", i, (double)got->data[i],
                     (double)expected->data[i]);
}

static void expect_shape(const npy_array *a, const npy_array *b)
{
    assert_int_equal(a->rank, b->rank);
    assert_memory_equal(a->dims, b->dims, a->rank * sizeof *a->dims);
}

/*
 * Ports slower than the host, as an encoder's and a decoder's latents: arrays
 * of one value a period. period: of what comes out. Latency apart, it is what
 * the whole graph makes of the whole array, but for the end.
 */
static void slower(const char *name, size_t latency, size_t period)
{
    char model[PATH], x[PATH], y[PATH];
    npy_array got, expected, given;
    size_t channels, late = latency / period, n = 0;
    snprintf(model, PATH, "%s/tests/goldens/streams/%s/model.onnx", root(),
             name);
    snprintf(x, PATH, "%s/tests/goldens/streams/%s/x.npy", root(), name);
    snprintf(y, PATH, "%s/tests/goldens/streams/%s/y.npy", root(), name);
    assert_int_equal(npy_read(x, &given, NULL), 0);
    assert_int_equal(run(model, "--npy", x, "-o", in("slow"), NULL), 0);
    assert_int_equal(npy_read(in("slow/y.npy"), &got, NULL), 0);
    assert_int_equal(npy_read(y, &expected, NULL), 0);
    assert_int_equal(got.rank, 2);
    channels = got.dims[1];
    assert_int_equal(channels, expected.dims[1]);
    for (size_t f = 0; f + late < got.dims[0] && f < expected.dims[0]; f++)
        for (size_t c = 0; c < channels; c++, n++)
            if (!(fabsf(got.data[(f + late) * channels + c] -
                        expected.data[f * channels + c]) < 1e-4f))
                fail_msg("%s differs at frame %zu", name, f);
    assert_true(n > 3);
    npy_free(&got);
    npy_free(&expected);
    npy_free(&given);
}

static void test_slower_ports(void **state)
{
    (void)state;
    slower("encoder", 640, 128);
    slower("decoder", 783, 1);
}

/* Each golden's own layout comes back, with its numbers. */
static void test_golden_layouts(void **state)
{
    (void)state;
    static const char *const names[] = {
        "wavenet-old13-time",     /* [1, 1, T] to [1, 1, T] */
        "conv-trim-old13-static", /* [1, 1, T] to [1, 2, T] */
        "lstm2-old13-time",       /* [1, T, 2] to [1, T, 2] */
        "lstm2-tbc-old13-time",   /* [T, 1, 2] to [T, 1, 2] */
        "mlp-old17-batch",        /* [8, 3] to [8, 2]: rows */
        "mlp-old13-static"        /* [1, 3] to [1, 2] */
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        npy_array got, expected;
        assert_int_equal(run(golden(names[i], "model.onnx"), "--npy",
                             golden(names[i], "input.npy"), "--block", "13",
                             "-o", in("golden"), NULL),
                         0);
        assert_int_equal(npy_read(in("golden/output.npy"), &got, NULL), 0);
        assert_int_equal(
            npy_read(golden(names[i], "output.npy"), &expected, NULL), 0);
        expect_shape(&got, &expected);
        expect_near(&got, &expected);
        npy_free(&got);
        npy_free(&expected);
    }
}

static void test_layouts_agree(void **state)
{
    (void)state;
    float by_frame[2 * 50], by_channel[2 * 50];
    const size_t frames_first[] = {50, 2}, channels_first[] = {1, 2, 50};
    npy_array a, b;
    for (int i = 0; i < 50; i++)
        for (int c = 0; c < 2; c++)
            by_frame[2 * i + c] = by_channel[50 * c + i] = noise();
    npy_write(in("f.npy"), 2, frames_first, by_frame, NULL);
    npy_write(in("c.npy"), 3, channels_first, by_channel, NULL);
    assert_int_equal(run(golden(lstm, "model.onnx"), "--npy", in("f.npy"), "-o",
                         in("f"), NULL),
                     0);
    assert_int_equal(run(golden(lstm, "model.onnx"), "--npy", in("c.npy"), "-o",
                         in("c"), NULL),
                     0);
    assert_int_equal(npy_read(in("f/output.npy"), &a, NULL), 0);
    assert_int_equal(npy_read(in("c/output.npy"), &b, NULL), 0);
    assert_int_equal(a.rank, 2);
    assert_int_equal(a.dims[0], 50);
    assert_int_equal(b.rank, 3);
    assert_int_equal(b.dims[2], 50);
    for (size_t i = 0; i < 50; i++)
        for (size_t c = 0; c < 2; c++)
            assert_memory_equal(&a.data[2 * i + c], &b.data[50 * c + i], 4);
    npy_free(&a);
    npy_free(&b);
}

/* Several inputs: an array each, or one that holds them side by side. */
static void test_several_inputs(void **state)
{
    (void)state;
    npy_array x, y, expected, got;
    float both[5];
    const size_t dims[] = {5};
    assert_int_equal(npy_read(golden(ports, "input.npy"), &x, NULL), 0);
    assert_int_equal(npy_read(golden(ports, "input2.npy"), &y, NULL), 0);
    assert_int_equal(npy_read(golden(ports, "output2.npy"), &expected, NULL),
                     0);
    memcpy(both, x.data, 3 * sizeof *both);
    memcpy(both + 3, y.data, 2 * sizeof *both);
    npy_write(in("both.npy"), 1, dims, both, NULL);
    assert_int_equal(run(golden(ports, "model.onnx"), "--npy",
                         golden(ports, "input.npy"), "--npy",
                         golden(ports, "input2.npy"), "-o", in("each"), NULL),
                     0);
    assert_int_equal(npy_read(in("each/output2.npy"), &got, NULL), 0);
    expect_near(&got, &expected);
    npy_free(&got);
    assert_int_equal(run(golden(ports, "model.onnx"), "--npy", in("both.npy"),
                         "-o", in("together"), NULL),
                     0);
    assert_int_equal(npy_read(in("together/output2.npy"), &got, NULL), 0);
    assert_int_equal(got.rank, 1);
    expect_near(&got, &expected);
    npy_free(&got);
    npy_free(&x);
    npy_free(&y);
    npy_free(&expected);
}

static void test_wrong_shapes(void **state)
{
    (void)state;
    float zeros[64] = {0};
    static const struct {
        uint32_t rank;
        size_t dims[2];
        const char *model, *part;
    } cases[] = {
        {2, {3, 7}, lstm, "expected [frames, 2] or [2, frames]"},
        {1, {8}, lstm, "shape (8,) does not fit input"},
        {0, {0}, wavenet, "shape () does not fit input"},
        {2, {3, 7}, wavenet, "(expected [frames])"},
        {1, {4}, "mlp-old17-batch", "expected 3 values, or rows of 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        npy_write(in("bad.npy"), cases[i].rank, cases[i].dims, zeros, NULL);
        assert_int_equal(run(golden(cases[i].model, "model.onnx"), "--npy",
                             in("bad.npy"), "-o", in("bad"), NULL),
                         1);
        expect_message(cases[i].part);
        assert_int_not_equal(access(in("bad"), F_OK), 0);
    }
    const char *bad = in("bad.npy");
    assert_int_equal(run(golden(ports, "model.onnx"), "--npy", bad, "--npy",
                         bad, "--npy", bad, "-o", in("bad"), NULL),
                     1);
    expect_message("has 2 inputs: input, input2 (expected as many --npy, or "
                   "one, got 3)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wav_keeps_length_and_rate),
        cmocka_unit_test(test_wav_any_block),
        cmocka_unit_test(test_wav_and_npy_agree),
        cmocka_unit_test(test_wav_channels),
        cmocka_unit_test(test_slower_ports),
        cmocka_unit_test(test_golden_layouts),
        cmocka_unit_test(test_layouts_agree),
        cmocka_unit_test(test_several_inputs),
        cmocka_unit_test(test_wrong_shapes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
