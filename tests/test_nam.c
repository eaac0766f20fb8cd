/*
 * The .nam importer: real models and golden ones at several block sizes, notes
 * and metadata, and files that are wrong in every way we could think of.
 */
#define _POSIX_C_SOURCE 200809L /* opendir */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "compiler.h"
#include "image.h"
#include "largest.h"
#include "npy.h"
#include "stream_check.h"

enum { NAME = 64 }; /* of a file, without its ending */

/* ---------------------------------------------------------------- files ----
 */

static char *golden(const char *name, size_t *size)
{
    char path[512], file[128];

    snprintf(file, sizeof file, "nam/%s", name);
    return (char *)read_whole(golden_path(path, file), size);
}

/* ------------------------------------------------------------- sessions ----
 */

typedef struct player {
    mlc_image image;
    mli_model model;
    mli_info info;
    mli_session *session;
    void *state, *arena;
} player;

/* kernels: a build's name, NULL for the best. */
static void play_on(player *p, const char *kernels, uint32_t tile)
{
    mli_memory need;

    assert_int_equal(mli_open(&p->model, p->image.bytes, p->image.size, NULL),
                     MLI_OK);
    mli_get_info(&p->model, &p->info);
    assert_int_equal(mli_sizes(&p->model, tile, &need), MLI_OK);
    p->state = mlc_aligned(need.state_bytes);
    p->arena = mlc_aligned(need.arena_bytes);
    assert_int_equal(mli_start(&p->model, mli_kernels_find(kernels), tile,
                               p->state, p->arena, &p->session),
                     MLI_OK);
}

static void play(player *p)
{
    play_on(p, NULL, 64);
}

static void silence(player *p)
{
    free(p->state);
    free(p->arena);
    p->state = p->arena = NULL;
}

static void stop(player *p)
{
    mlc_image_free(&p->image);
    silence(p);
}

static mlc_status import(const char *text, size_t size, player *p,
                         mlc_error *error)
{
    memset(p, 0, sizeof *p);
    error->text[0] = '\0';
    return mlc_import_nam((const uint8_t *)text, size, NULL, &p->image, error);
}

/* x and y: [frames][channels]. Answers the largest difference from y. */
static double run(player *p, const npy_array *x, const npy_array *y,
                  uint32_t block)
{
    size_t in = x->rank > 1 ? x->dims[1] : 1,
           out = y->rank > 1 ? y->dims[1] : 1;
    size_t frames = x->dims[0];
    float *a = malloc(in * frames * sizeof *a);
    float *b = malloc(out * frames * sizeof *b);
    const float *ins[16];
    float *outs[16];
    double worst = 0;

    assert_int_equal(in, p->info.in_channels);
    assert_int_equal(out, p->info.out_channels);
    assert_int_equal(y->dims[0], frames);
    assert_true(a && b && in <= 16 && out <= 16);
    for (size_t i = 0; i < in * frames; i++)
        a[i % in * frames + i / in] = x->data[i];
    mli_reset(p->session);
    for (size_t at = 0; at < frames; at += block) {
        size_t n = frames - at < block ? frames - at : block;
        for (size_t c = 0; c < in; c++)
            ins[c] = a + c * frames + at;
        for (size_t c = 0; c < out; c++)
            outs[c] = b + c * frames + at;
        mli_process(p->session, ins, outs, (uint32_t)n);
    }
    for (size_t i = 0; i < out * frames; i++) {
        double e = fabs((double)b[i % out * frames + i / out] - y->data[i]);
        worst = largest(worst, e);
    }
    free(a);
    free(b);
    return worst;
}

static double peak(const npy_array *y)
{
    double p = 0;

    for (size_t i = 0; i < y->count; i++)
        if (fabs(y->data[i]) > p)
            p = fabs(y->data[i]);
    return p;
}

/* One model against its output: at all blocks with the best kernels, at one and
   another tile, which it is no multiple of, with the others. Answers whether it
   is right. */
static int agrees(const char *folder, const char *name, const npy_array *x)
{
    static const uint32_t blocks[] = {1, 7, 64, 1024};
    char path[600], error_text[NPY_ERROR];
    double worst = 0, top;
    mlc_error error;
    npy_array y;
    size_t size;
    player p;
    char *text;

    snprintf(path, sizeof path, "%s/%.63s.output.npy", folder, name);
    if (npy_read(path, &y, error_text))
        fail_msg("%s: %s", path, error_text);
    snprintf(path, sizeof path, "%s/%.63s.nam", folder, name);
    text = (char *)read_whole(path, &size);
    if (import(text, size, &p, &error) != MLC_OK)
        fail_msg("%s: %s", path, error.text);
    free(text);
    top = peak(&y);
    for (uint32_t k = 0; mli_kernels_name(k); k++) {
        play_on(&p, mli_kernels_name(k), 64u >> k % 3);
        assert_int_equal(p.info.arena_floats, p.info.arena_bound_floats);
        for (int i = 0; i < (k ? 1 : 4); i++)
            worst = largest(worst, run(&p, x, &y, k ? 100 : blocks[i]));
        silence(&p);
    }
    printf("  %-24s %.2g of the peak\n", name, worst / top);
    stop(&p);
    npy_free(&y);
    return worst <= 1e-5 * top;
}

/* The n-th file of a folder that ends in .nam, without that; 0 past the last.
 */
static int names(const char *folder, char list[64][NAME])
{
    DIR *d = opendir(folder);
    struct dirent *e;
    int n = 0;

    if (!d)
        return 0;
    while ((e = readdir(d)) && n < 64) {
        size_t length = strlen(e->d_name);
        if (length > 4 && length < NAME &&
            !strcmp(e->d_name + length - 4, ".nam")) {
            memcpy(list[n], e->d_name, length - 4);
            list[n++][length - 4] = '\0';
        }
    }
    closedir(d);
    return n;
}

static void whole_folder(const char *folder, const char *input,
                         const char *input2, int least)
{
    char list[64][NAME], path[600], error[NPY_ERROR], wrong[512] = "";
    npy_array x[2] = {{0}};
    int n = names(folder, list);

    assert_true(n >= least);
    snprintf(path, sizeof path, "%s/%s", folder, input);
    if (npy_read(path, &x[0], error))
        fail_msg("%s: %s", path, error);
    snprintf(path, sizeof path, "%s/%s", folder, input2);
    if (npy_read(path, &x[1], error))
        fail_msg("%s: %s", path, error);
    for (int i = 0; i < n; i++) {
        int two = strstr(list[i], "stereo") || strstr(list[i], "two") ||
                  strstr(list[i], "narrow") ||
                  !strcmp(list[i], "convnet_groups");
        if (!agrees(folder, list[i], &x[two]))
            snprintf(wrong + strlen(wrong), sizeof wrong - strlen(wrong),
                     " %.63s", list[i]);
    }
    npy_free(&x[0]);
    npy_free(&x[1]);
    if (wrong[0])
        fail_msg("more than 1e-5 of the peak away:%s", wrong);
}

static void real_nets(void **state)
{
    const char *folder = real_models();
    char path[600], list[64][NAME];

    (void)state;
    snprintf(path, sizeof path, "%s/nam", folder ? folder : "");
    if (!folder || !names(path, list)) {
        printf("  SKIP: no real .nam files here\n");
        skip();
    }
    whole_folder(path, "input.npy", "input.npy", 1);
}

static void golden_models(void **state)
{
    char path[512];

    (void)state;
    whole_folder(golden_path(path, "nam"), "input.npy", "input2.npy", 21);
}

/* ------------------------------------------------- metadata and report ---- */

static void expect_meta(const mli_model *model, const char *key,
                        const char *value)
{
    const char *got = mli_get_meta(model, key);

    if (!value)
        assert_null(got);
    else if (!got || strcmp(got, value) != 0)
        fail_msg("%s: expected \"%s\", got \"%s\"", key, value,
                 got ? got : "(nothing)");
}

static void metadata(void **state)
{
    mlc_error error;
    mli_port port;
    size_t size;
    player p;
    char *text = golden("container.nam", &size);

    (void)state;
    assert_int_equal(import(text, size, &p, &error), MLC_OK);
    free(text);
    play(&p);
    expect_meta(&p.model, "name", "caf\xc3\xa9 \xf0\x9f\x8e\xb8 \"inner\"");
    expect_meta(&p.model, "author", "nobody");
    expect_meta(&p.model, "gear_type", "amp");
    expect_meta(&p.model, "loudness", "-18.25");
    expect_meta(&p.model, "input_level_dbu", NULL); /* null in the file */
    expect_meta(&p.model, "tone_type", NULL);
    expect_meta(&p.model, "source",
                ".nam SlimmableContainer 0.7.0, WaveNet 0.6.0");
    assert_non_null(strstr(p.image.report, "the largest of 2 sizes is used"));
    assert_int_equal(p.info.mode, MLI_STREAM);
    assert_true(p.info.rate == 48000);
    assert_int_equal(p.info.latency, 0);
    mli_get_input(&p.model, 0, &port);
    assert_string_equal(port.name, "in");
    mli_get_output(&p.model, 0, &port);
    assert_string_equal(port.name, "out");
    stop(&p);
}

/* Linear: the smallest model there is; %s stands for more members. */
#define LINEAR                                                                 \
    "{\"version\": \"0.5.0\", \"architecture\": \"Linear\", \"config\": "      \
    "{\"receptive_field\": 2, \"bias\": false}, \"weights\": [0.5, 2]%s}"

static mlc_status import_with(const char *members, player *p, mlc_error *error)
{
    char text[1024];
    int n = snprintf(text, sizeof text, LINEAR, members);

    return import(text, (size_t)n, p, error);
}

static void rates(void **state)
{
    static const struct {
        const char *member;
        double rate;
        const char *note;
    } all[] = {{"", 48000, "48000 Hz by convention"},
               {", \"sample_rate\": null", 48000, "by convention"},
               {", \"sample_rate\": -1.0", 48000, "by convention"},
               {", \"sample_rate\": 44100", 44100, NULL},
               {", \"sample_rate\": 47999.5", 47999.5, NULL}};
    mlc_error error;
    player p;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_int_equal(import_with(all[i].member, &p, &error), MLC_OK);
        play(&p);
        assert_true(p.info.rate == all[i].rate);
        if (all[i].note)
            assert_non_null(strstr(p.image.report, all[i].note));
        stop(&p);
    }
}

static void versions(void **state)
{
    static const struct {
        const char *version;
        mlc_status status;
        const char *text;
    } all[] = {{"0.5.0", MLC_OK, NULL},
               {"0.5.99", MLC_OK, NULL},
               {"0.7.0", MLC_OK, NULL},
               {"0.7.1", MLC_OK, "0.7.1 is newer than 0.7.0"},
               {"0.8.0", MLC_NEWER, "newer than this program"},
               {"0.10.0", MLC_NEWER, "got 0.10.0"},
               {"1.0.0", MLC_NEWER, "got 1.0.0"},
               {"0.4.9", MLC_UNSUPPORTED, "export the model again"},
               {"0.5", MLC_CORRUPT, "version: expected three numbers"},
               {"0.5.0.1", MLC_CORRUPT, "three numbers"},
               {"v0.5.0", MLC_CORRUPT, "three numbers"},
               {"0.5.x", MLC_CORRUPT, "three numbers"},
               {"0.99999999999999999999.0", MLC_CORRUPT, "three numbers"},
               {"", MLC_CORRUPT, "three numbers"}};
    char member[64];
    mlc_error error;
    player p;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        /* of members that stand twice the last counts */
        snprintf(member, sizeof member, ", \"version\": \"%s\"",
                 all[i].version);
        assert_int_equal(import_with(member, &p, &error), all[i].status);
        if (all[i].text)
            assert_non_null(strstr(p.image.report ? p.image.report : error.text,
                                   all[i].text));
        stop(&p);
    }
}

/* --------------------------------------------------------------- errors ----
 */

/* Import must fail with this status and these words. */
static void expect_error(const char *text, size_t size, mlc_status status,
                         const char *words)
{
    mlc_error error;
    player p;
    mlc_status got = import(text, size, &p, &error);

    if (got != status || !strstr(error.text, words))
        fail_msg("expected %s with \"%s\", got %s with \"%s\"",
                 mlc_status_word(status), words, mlc_status_word(got),
                 got == MLC_OK ? "" : error.text);
    assert_null(strchr(error.text, '\n'));
    assert_null(p.image.bytes);
}

/* text with its first `from` replaced; free it. */
static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *made = malloc(strlen(text) + strlen(to) + 1);

    if (!at)
        fail_msg("the test looks for %s", from);
    assert_non_null(made);
    sprintf(made, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return made;
}

typedef struct change {
    const char *from, *to;
    mlc_status status;
    const char *words;
} change;

static void expect_changes(const char *text, const change *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *changed = replaced(text, all[i].from, all[i].to);
        expect_error(changed, strlen(changed), all[i].status, all[i].words);
        free(changed);
    }
}

/* 13 + 3: rechannel 2, conv 2*2*2+2, mixin 2, layer1x1 6; head 2, scale */
static const char net[] =
    "{\"version\": \"0.5.4\", \"architecture\": \"WaveNet\", \"sample_rate\": "
    "48000, \"metadata\": {\"loudness\": -18, \"name\": \"a\"}, \"config\": "
    "{\"head\": null, \"head_scale\": 0.1, \"layers\": [{\"input_size\": 1, "
    "\"condition_size\": 1, \"channels\": 2, \"head_size\": 1, \"head_bias\": "
    "false, \"kernel_size\": 2, \"dilations\": [3], \"activation\": \"Tanh\", "
    "\"gated\": false}]}, \"weights\": [1, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "
    "1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0.5]}";

static void wrong_files(void **state)
{
    static const struct {
        const char *text;
        mlc_status status;
        const char *words;
    } all[] = {
        {"", MLC_CORRUPT, "expected an object"},
        {"[1]", MLC_CORRUPT, "expected an object, got an array"},
        {"PK\003\004", MLC_CORRUPT, "expected an object, got 'PK'"},
        {"{}", MLC_CORRUPT, "version: missing"},
        {"{\"version\": 5}", MLC_CORRUPT, "version: expected a string, got 5"},
        {"{\"version\": \"0.5.0\"}", MLC_CORRUPT, "architecture: missing"},
        {"{\"version\": \"0.5.0\", \"architecture\": \"LSTM\"}", MLC_CORRUPT,
         "weights: missing"},
        {"{\"version\": \"0.5.0\", \"architecture\": \"LSTM\", \"weights\": "
         "[]}",
         MLC_CORRUPT, "config: missing"},
        {"{\"version\": \"0.5.0\", \"architecture\": \"CatLSTM\", \"weights\": "
         "[]}",
         MLC_UNSUPPORTED, "got \"CatLSTM\""},
        {"{\"version\": \"0.5.0\", \"weights\": [1, NaN]}", MLC_CORRUPT,
         "weights: line 1, byte 36: expected a value, got 'NaN'"},
        {"{\"version\": \"0.5.0\"} x", MLC_CORRUPT, "expected nothing more"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        expect_error(all[i].text, strlen(all[i].text), all[i].status,
                     all[i].words);
}

static void wrong_nets(void **state)
{
    static const change all[] = {
        {"0.5]", "0.5, 1]", MLC_CORRUPT,
         "weights: expected 23 numbers for this config, got 24 (1 left over)"},
        {", 0.5]", "]", MLC_CORRUPT, "got 22 (1 missing)"},
        {"0.5]", "\"x\"]", MLC_CORRUPT, "weights: line 1, byte"},
        {"0.5]", "[0.5]]", MLC_CORRUPT, "expected a number, got an array"},
        {"0.5]", "null]", MLC_CORRUPT, "expected a number, got null"},
        {"0.5]", "1e999]", MLC_CORRUPT, "1e999 is too large"},
        {"0.5]", "3.5e38]", MLC_CORRUPT, "3.5e38 is too large"},
        {"0.5]", "-Infinity]", MLC_CORRUPT, "weights: line"},
        {"\"weights\": [", "\"weights\": 3, \"x\": [", MLC_CORRUPT,
         "weights: expected an array of numbers, got 3"},
        {"\"channels\": 2", "\"channels\": \"2\"", MLC_CORRUPT,
         "layers[0].channels: expected a whole number from 1 to 16384, got "
         "\"2\""},
        {"\"channels\": 2", "\"channels\": 2.5", MLC_CORRUPT, "got 2.5"},
        {"\"channels\": 2", "\"channels\": -2", MLC_CORRUPT, "got -2"},
        {"\"channels\": 2", "\"channels\": 0", MLC_CORRUPT, "got 0"},
        {"\"channels\": 2", "\"channels\": 4294967298", MLC_CORRUPT,
         "got 4294967298"},
        {"\"channels\": 2, ", "", MLC_CORRUPT, "layers[0].channels: missing"},
        {"\"channels\": 2", "\"channels\": 16384", MLC_CORRUPT,
         "weights: expected"},
        {"\"kernel_size\": 2", "\"kernel_size\": 16777216", MLC_UNSUPPORTED,
         "looks back"},
        {"\"kernel_size\": 2", "\"kernel_size\": 2, \"kernel_sizes\": [2]",
         MLC_CORRUPT, "layers[0].kernel_sizes: expected only one"},
        {"\"kernel_size\": 2", "\"kernel_sizes\": [2, 2]", MLC_CORRUPT,
         "layers[0].kernel_sizes: expected 1 elements, as dilations, got 2"},
        {"\"kernel_size\": 2", "\"kernel_sizes\": [true]", MLC_CORRUPT,
         "layers[0].kernel_sizes[0]: expected a whole number"},
        {"[3]", "[]", MLC_CORRUPT,
         "layers[0].dilations: expected 1 to 4096 elements, got 0"},
        {"[3]", "{}", MLC_CORRUPT,
         "layers[0].dilations: expected an array, got an object"},
        {"[3]", "[0]", MLC_CORRUPT, "layers[0].dilations[0]: expected"},
        {"[3]", "[300000]", MLC_CORRUPT, "layers[0].dilations[0]: expected"},
        {"\"channels\": 2", "\"channels\": 100", MLC_CORRUPT, "weights: "},
        {"[3]", "[262144, 262144]", MLC_UNSUPPORTED,
         "layers[0].dilations: looks back 524288 frames"},
        {"\"Tanh\"", "\"Foo\"", MLC_UNSUPPORTED,
         "activations that are not supported: layers[0].activation: \"Foo\""},
        {"\"Tanh\"", "7", MLC_CORRUPT,
         "layers[0].activation: expected the name"},
        {"\"Tanh\"", "[\"Tanh\", \"ReLU\"]", MLC_CORRUPT,
         "layers[0].activation: expected 1 elements, as dilations, got 2"},
        {"\"Tanh\"", "{\"negative_slope\": 1}", MLC_CORRUPT,
         "layers[0].activation.type: missing"},
        {"\"Tanh\"", "{\"type\": \"LeakyReLU\", \"negative_slope\": \"x\"}",
         MLC_CORRUPT,
         "layers[0].activation.negative_slope: expected a number, got \"x\""},
        {"\"Tanh\"", "{\"type\": \"PReLU\", \"negative_slopes\": [1, 2, 3]}",
         MLC_CORRUPT, "negative_slopes: expected one for each of 2 channels"},
        {"\"Tanh\"", "{\"type\": \"PReLU\", \"negative_slopes\": [1, \"a\"]}",
         MLC_CORRUPT, "negative_slopes: expected an array of numbers"},
        {"\"Tanh\"", "{\"type\": \"LeakyHardtanh\", \"min_val\": 3}",
         MLC_UNSUPPORTED, "expected min_val below max_val, got 3 and 1"},
        {"\"gated\": false", "\"gated\": 0", MLC_CORRUPT,
         "layers[0].gated: expected true or false, got 0"},
        {"\"gated\": false", "\"gating_mode\": \"fenced\"", MLC_CORRUPT,
         "layers[0].gating_mode: expected \"none\", \"gated\" or "
         "\"blended\", got \"fenced\""},
        {"\"gated\": false", "\"gating_mode\": \"gated\"", MLC_CORRUPT,
         "weights: expected 35"},
        {"\"gated\": false",
         "\"gating_mode\": \"gated\", \"secondary_activation\": \"Bar\"",
         MLC_UNSUPPORTED, "layers[0].secondary_activation: \"Bar\""},
        {"\"gated\": false", "\"groups_input\": 3", MLC_CORRUPT,
         "layers[0].groups_input: 3 groups do not divide 2 inputs"},
        {"\"gated\": false",
         "\"bottleneck\": 3, \"layer1x1\": {\"active\": "
         "false, \"groups\": 1}",
         MLC_CORRUPT, "layers[0].bottleneck: expected 2, as channels when"},
        {"\"gated\": false", "\"layer1x1\": {}", MLC_CORRUPT,
         "layers[0].layer1x1.active: missing"},
        {"\"gated\": false", "\"conv_pre_film\": true", MLC_CORRUPT,
         "layers[0].conv_pre_film: expected an object or false, got true"},
        {"\"gated\": false", "\"conv_pre_film\": {\"shift\": 1}", MLC_CORRUPT,
         "layers[0].conv_pre_film.shift: expected true or false, got 1"},
        {"\"gated\": false", "\"head1x1_post_film\": {}", MLC_CORRUPT,
         "layers[0].head1x1_post_film: active without"},
        {"\"gated\": false", "\"slimmable\": {\"method\": \"magic\"}",
         MLC_UNSUPPORTED, "got \"magic\""},
        {"\"gated\": false",
         "\"slimmable\": {\"kwargs\": {\"allowed_channels\": [1]}}",
         MLC_CORRUPT, "allowed_channels: expected 2"},
        {"\"input_size\": 1", "\"input_size\": 2", MLC_CORRUPT,
         "layers[0].input_size: expected 1, as in_channels, got 2"},
        {"\"condition_size\": 1", "\"condition_size\": 2", MLC_CORRUPT,
         "weights: expected 25"},
        {"\"head_size\": 1, ", "", MLC_CORRUPT, "layers[0].head: missing"},
        {"\"head_bias\": false", "\"head_bias\": null", MLC_CORRUPT,
         "layers[0].head_bias: expected true or false, got null"},
        {"\"head\": null", "\"head\": 3", MLC_CORRUPT,
         "head: expected an object, got 3"},
        {"\"head\": null", "\"condition_dsp\": {\"version\": \"0.6.0\"}",
         MLC_CORRUPT, "condition_dsp.architecture: missing"},
        {"{\"loudness\": -18", "{\"loudness\": \"loud\"", MLC_CORRUPT,
         "metadata.loudness: expected a number or null, got \"loud\""},
        {"\"metadata\": {", "\"metadata\": 3, \"x\": {", MLC_CORRUPT,
         "metadata: expected an object, got 3"},
        {"48000", "\"48000\"", MLC_CORRUPT,
         "sample_rate: expected a number, got \"48000\""},
        {"\"layers\": [", "\"layers\": [3, ", MLC_CORRUPT,
         "layers[0]: expected an object, got 3"},
    };
    mlc_error error;
    player p;

    (void)state;
    assert_int_equal(import(net, strlen(net), &p, &error), MLC_OK);
    stop(&p);
    expect_changes(net, all, sizeof all / sizeof *all);
}

static void wrong_others(void **state)
{
    static const char lstm[] =
        "{\"version\": \"0.5.0\", \"architecture\": \"LSTM\", \"config\": "
        "{\"input_size\": 1, \"hidden_size\": 1, \"num_layers\": 1}, "
        "\"weights\": [1,2,3,4,5,6,7,8, 1,2,3,4, 0, 0, 1, 0]}";
    static const char conv[] =
        "{\"version\": \"0.5.0\", \"architecture\": \"ConvNet\", \"config\": "
        "{\"channels\": 1, \"dilations\": [1], \"batchnorm\": true, "
        "\"activation\": \"ReLU\"}, \"weights\": [1, 1, 0, 1, 1, 0, 0.1, 1, "
        "0]}";
    static const char container[] =
        "{\"version\": \"0.7.0\", \"architecture\": \"SlimmableContainer\", "
        "\"weights\": [], \"config\": {\"submodels\": [{\"max_value\": 1, "
        "\"model\": {}}]}}";
    static const change lstms[] = {
        {"\"num_layers\": 1", "\"num_layers\": 0", MLC_CORRUPT,
         "num_layers: expected"},
        {"\"num_layers\": 1", "\"num_layers\": 2", MLC_CORRUPT,
         "weights: expected 30"},
        {"\"num_layers\": 1", "\"num_layers\": 1, \"in_channels\": 2",
         MLC_CORRUPT, "input_size: expected 2, as in_channels, got 1"},
        {"\"hidden_size\": 1", "\"hidden_size\": 9999", MLC_CORRUPT,
         "weights: expected"},
    };
    static const change convs[] = {
        {"0, 1, 1, 0, 0.1", "0, -1, 1, 0, 0.1", MLC_CORRUPT,
         "block 0, channel 0: expected a positive variance plus epsilon"},
        {"true", "3", MLC_CORRUPT, "batchnorm: expected true or false, got 3"},
        {"[1]", "[1, \"\"]", MLC_CORRUPT, "dilations[1]: expected"},
        {"\"ReLU\"", "\"ReLU\", \"groups\": 2", MLC_CORRUPT,
         "groups: 2 groups do not divide 1 inputs"},
    };
    static const change containers[] = {
        {"{}}]", "{}}]", MLC_CORRUPT, "submodels[0].version: missing"},
        {"{}}]", "null}]", MLC_CORRUPT, "submodels[0].model: expected a model"},
        {"\"max_value\": 1", "\"max_value\": 0.9", MLC_CORRUPT,
         "expected a last max_value of 1 or more, got 0.9"},
        {"{}}]", "{}}, {\"max_value\": 1, \"model\": {}}]", MLC_CORRUPT,
         "submodels[1].max_value: expected more than 1, got 1"},
        {"[{\"max_value\": 1, \"model\": {}}]", "[]", MLC_CORRUPT,
         "submodels: expected 1 to 256 elements, got 0"},
        {"\"weights\": []", "\"weights\": [1]", MLC_CORRUPT,
         "weights: expected 0 numbers for this config, got 1"},
    };

    (void)state;
    expect_changes(lstm, lstms, sizeof lstms / sizeof *lstms);
    expect_changes(conv, convs, sizeof convs / sizeof *convs);
    expect_changes(container, containers,
                   sizeof containers / sizeof *containers);
}

/* Models inside models inside models. */
static void nested(void **state)
{
    static const char head[] =
        "{\"version\": \"0.7.0\", \"architecture\": \"SlimmableContainer\", "
        "\"weights\": [], \"config\": {\"submodels\": [{\"max_value\": 1, "
        "\"model\": ";
    static char text[16384];
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 15; i++)
        n += (size_t)sprintf(text + n, "%s", head);
    n += (size_t)sprintf(text + n, "{}");
    for (int i = 0; i < 15; i++)
        n += (size_t)sprintf(text + n, "}]}}");
    expect_error(text, n, MLC_UNSUPPORTED, "more than 8 deep");
    n = 0;
    for (int i = 0; i < 17; i++)
        n += (size_t)sprintf(text + n, "%s", head);
    expect_error(text, n, MLC_CORRUPT, "nested more than 64 deep");
}

/* Cut anywhere, a file is refused. */
static void truncated(void **state)
{
    const char *all[] = {"wavenet_film.nam", "container.nam", "lstm_one.nam",
                         "convnet_batchnorm.nam"};
    size_t step = getenv("MLI_LONG") ? 1 : 37;
    mlc_error error;
    player p;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t size;
        char *text = golden(all[i], &size);
        while (text[size - 1] != '}')
            size--;
        for (size_t n = 0; n < size; n += n < 400 ? 1 : step) {
            char *cut = malloc(n + 1); /* its own block: overruns show */
            assert_non_null(cut);
            memcpy(cut, text, n);
            if (import(cut, n, &p, &error) != MLC_CORRUPT)
                fail_msg("%s cut to %zu bytes: %s", all[i], n, error.text);
            free(cut);
        }
        free(text);
    }
}

/* A byte changed: an error, or a model that opens. Never anything else. */
static void damaged(void **state)
{
    static const char bytes[] = {'"', '{', ']', ',',      '-',
                                 '9', 'e', 0,   (char)255};
    size_t step = getenv("MLI_LONG") ? 1 : 61, count = 0;
    mlc_error error;
    player p;

    (void)state;
    for (size_t i = 0; i < strlen(net); i++)
        for (size_t k = 0; k < sizeof bytes; k++) {
            char *text;
            if (count++ % step)
                continue;
            text = malloc(sizeof net - 1);
            assert_non_null(text);
            memcpy(text, net, sizeof net - 1);
            text[i] = bytes[k];
            if (import(text, sizeof net - 1, &p, &error) == MLC_OK)
                play(&p);
            else
                assert_true(error.text[0] != '\0');
            stop(&p);
            free(text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_models), cmocka_unit_test(real_nets),
        cmocka_unit_test(metadata),      cmocka_unit_test(rates),
        cmocka_unit_test(versions),      cmocka_unit_test(wrong_files),
        cmocka_unit_test(wrong_nets),    cmocka_unit_test(wrong_others),
        cmocka_unit_test(nested),        cmocka_unit_test(truncated),
        cmocka_unit_test(damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
