/*
 * files.c - what was shown, in files: see learner.h.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "csv.h"
#include "learner.h"
#include "meta.h"
#include "replace.h"
#include "text.h"

/* Examples as text; no store that fits the limits has more. */
#define MOST_TEXT ((size_t)256 << 20)

/* ------------------------------------------------------------ writing ---- */

static mlc_status write_file(const char *path, const void *bytes, size_t size,
                             mlc_error *error)
{
    mlc_replace r;
    int done = !mlc_replace_begin(&r, path);
    if (done) {
        fwrite(bytes, 1, size, r.file);
        done = !mlc_replace_commit(&r);
    }
    return done ? MLC_OK
                : mlc_fail(error, MLC_NOT_FOUND, "cannot be written: %s",
                           strerror(errno));
}

static mlc_status model_image(const learner *l, mlc_image *image,
                              mlc_error *error)
{
    const learn_examples *e = &l->examples;
    const learn_blend *b = learn_examples_classes(e) ? &l->classes : &l->values;
    return mlc_finish(learn_blend_graph(b, e), NULL, image, error);
}

mlc_status learner_image(const learner *l, const char *name, mlc_image *image,
                         mlc_error *error)
{
    char how[128], smooth[32];
    mlc_image made = {0};
    const mlc_image *model = &l->network.image;
    mlc_status status = MLC_OK;
    size_t size;
    memset(image, 0, sizeof *image);
    if (!l->examples.count)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "there is no example to be written");
    snprintf(how, sizeof how, "inputs %u outputs %u capacity %u answer %s",
             l->examples.inputs, l->examples.outputs, l->examples.capacity,
             l->use_network ? "network" : "blend");
    snprintf(smooth, sizeof smooth, "%.9g", (double)l->smooth);
    char *text = learn_csv_write(&l->examples, &size);
    if (!text)
        return mlc_fail(error, MLC_MEMORY, "no memory");
    if (!l->use_network)
        status = model_image(l, &made, error), model = &made;
    const learn_meta pairs[] = {
        {"name", name}, {"learn", how}, {"smooth", smooth}, {"examples", text}};
    if (!status)
        status = learn_with_meta(model, pairs, 4, image, error);
    free(text);
    mlc_image_free(&made);
    return status;
}

/* The last part of a path, without its ending. */
static void name_of(const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(name, size, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot && dot > name)
        *dot = 0;
    mlc_make_utf8(name);
}

mlc_status learner_write(const learner *l, const char *path, mlc_error *error)
{
    char name[256];
    mlc_image image;
    name_of(path, name, sizeof name);
    mlc_status status = learner_image(l, name, &image, error);
    if (!status)
        status = write_file(path, image.bytes, image.size, error);
    mlc_image_free(&image);
    return status;
}

mlc_status learner_write_csv(const learner *l, const char *path,
                             mlc_error *error)
{
    size_t size;
    char *text = learn_csv_write(&l->examples, &size);
    if (!text)
        return mlc_fail(error, MLC_MEMORY, "no memory");
    mlc_status status = write_file(path, text, size, error);
    free(text);
    return status;
}

/* ------------------------------------------------------------ reading ---- */

/* The other store becomes the one that counts. */
static void take_other(learner *l)
{
    learn_examples old = l->examples;
    l->examples = l->other;
    l->other = old;
    learner_examples_changed(l);
}

static mlc_status read_text(const char *path, char **text, size_t *size,
                            mlc_error *error)
{
    struct stat s;
    FILE *f = fopen(path, "rb");
    *text = NULL;
    if (!f || fstat(fileno(f), &s))
        mlc_fail(error, MLC_NOT_FOUND, "%s", strerror(errno));
    else if (!S_ISREG(s.st_mode))
        mlc_fail(error, MLC_NOT_FOUND, "not a file");
    else if ((unsigned long long)s.st_size > MOST_TEXT)
        mlc_fail(error, MLC_UNSUPPORTED,
                 "too large (expected at most %zu bytes, got %lld)", MOST_TEXT,
                 (long long)s.st_size);
    else if (!(*text = malloc((size_t)s.st_size + 1)))
        mlc_fail(error, MLC_MEMORY, "no memory");
    else
        *size = fread(*text, 1, (size_t)s.st_size, f);
    if (f)
        fclose(f);
    return *text ? MLC_OK : error->status;
}

mlc_status learner_read_csv(learner *l, const char *path, mlc_error *error)
{
    char *text;
    size_t size = 0;
    l->misfit = 0;
    mlc_status status = read_text(path, &text, &size, error);
    if (!status)
        status = learn_csv_read(&l->other, text, size, error);
    free(text);
    if (!status)
        take_other(l);
    return status;
}

/* Of a file that learner_write made: its sizes must be those of l. */
static mlc_status check_sizes(learner *l, const mli_model *model,
                              const char **how, mlc_error *error)
{
    unsigned inputs, outputs, capacity;
    *how = mli_get_meta(model, "learn");
    if (!*how || !mli_get_meta(model, "examples"))
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "a model without examples (expected one that [mlinfer "
                        "-learn] wrote)");
    if (sscanf(*how, "inputs %u outputs %u capacity %u", &inputs, &outputs,
               &capacity) != 3)
        return mlc_fail(error, MLC_CORRUPT, "bad sizes of what it learned");
    l->misfit = inputs != l->examples.inputs || outputs != l->examples.outputs;
    if (l->misfit)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "has %u inputs and %u outputs, box has %u and %u: use "
                        "-learn %u %u",
                        inputs, outputs, l->examples.inputs,
                        l->examples.outputs, inputs, outputs);
    return MLC_OK;
}

/* A network from a file, ready to answer: its ports must be as expected. */
static mlc_status take_network(const learner *l, mlc_image *image,
                               learn_runner *network, mlc_error *error)
{
    mlc_status status = learn_runner_make(network, image, l->kernels, error);
    if (status)
        return status;
    mli_info info;
    uint32_t wanted = learn_examples_classes(&l->other)
                          ? learn_labels_used(&l->other)
                          : l->other.outputs;
    mli_get_info(&network->model, &info);
    if (info.mode == MLI_STEP && info.inputs == 1 && info.outputs == 1 &&
        info.in_channels == l->other.inputs && info.out_channels == wanted)
        return MLC_OK;
    learn_runner_free(network);
    return mlc_fail(error, MLC_CORRUPT,
                    "its network does not fit its examples");
}

static mlc_status load_image(learner *l, mlc_image *image, mlc_error *error)
{
    mli_model model;
    learn_runner network = {0};
    const char *how, *text, *smooth;
    if (mli_open(&model, image->bytes, image->size, NULL) != MLI_OK)
        return mlc_fail(error, MLC_CORRUPT, "not a model");
    mlc_status status = check_sizes(l, &model, &how, error);
    if (status)
        return status;
    text = mli_get_meta(&model, "examples");
    smooth = mli_get_meta(&model, "smooth");
    float value = smooth ? strtof(smooth, NULL) : 0;
    int is_network = strstr(how, "answer network") != NULL;
    status = learn_csv_read(&l->other, text, strlen(text), error);
    if (!status && is_network && l->other.count)
        status = take_network(l, image, &network, error);
    if (status)
        return status;
    l->smooth = value > 0 && value <= 1e6f ? value : 0;
    take_other(l);
    if (network.session)
        learner_set_network(l, &network);
    learn_runner_free(&network);
    return MLC_OK;
}

mlc_status learner_load(learner *l, const char *path, mlc_error *error)
{
    mlc_image image = {0};
    l->misfit = 0;
    mlc_status status = mlc_load(path, NULL, &image, error);
    if (!status)
        status = load_image(l, &image, error);
    mlc_image_free(&image);
    return status;
}
