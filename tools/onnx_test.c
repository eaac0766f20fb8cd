/*
 * onnx_test.c - see onnx_test.h
 *
 * A test is a model.onnx and folders test_data_set_N with input_I.pb and
 * output_I.pb, serialized TensorProtos. Every model runs as a step model with
 * the dims of its data. Inputs that shapes are computed from are given as
 * constants, and so are inputs that are weights of a layer. Whole numbers and
 * truths are compared exactly.
 */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel_choice.h"
#include "message.h"
#include "mlinfer.h"
#include "onnx_data.h"
#include "onnx_test.h"

#define RTOL     1e-3
#define ATOL     1e-5
#define MAX_FILE ((long)1 << 30)
#define MAX_SETS 100
#define EXACT    (1 << 24) /* whole numbers that floats hold */

typedef enum verdict { PASS = 0, FAIL = 1, SKIP = 2 } verdict;

typedef struct tally {
    unsigned count[3];
} tally;

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

typedef struct test {
    const char *folder;
    char why[1200];
    bytes model;
    mlc_onnx_ports ports;
} test;

static verdict answer(test *t, verdict v, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static verdict answer(test *t, verdict v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(t->why, sizeof t->why, format, args);
    va_end(args);
    return v;
}

/* -------------------------------------------------------------- files ---- */

static int read_file(const char *path, bytes *b)
{
    FILE *f = fopen(path, "rb");
    long size = -1;
    memset(b, 0, sizeof *b);
    if (!f)
        return -1;
    if (!fseek(f, 0, SEEK_END))
        size = ftell(f);
    if (size >= 0 && size <= MAX_FILE && !fseek(f, 0, SEEK_SET)) {
        b->data = malloc((size_t)size + 1);
        b->size = b->data ? fread(b->data, 1, (size_t)size, f) : 0;
    }
    fclose(f);
    if (!b->data || b->size != (size_t)size) {
        free(b->data);
        b->data = NULL;
        return -1;
    }
    return 0;
}

static int exists(const char *folder, const char *name)
{
    char path[4200];
    struct stat s;
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    return length > 0 && (size_t)length < sizeof path && !stat(path, &s);
}

/* input_I.pb or output_I.pb of a data set. 0: read, 1: not there, -1: cannot
   be read (error says why). */
static int read_tensor(const test *t, unsigned set, const char *kind,
                       size_t number, mlc_onnx_tensor *tensor, mlc_error *error)
{
    char path[4096];
    bytes b;
    mlc_status status;
    memset(tensor, 0, sizeof *tensor);
    snprintf(path, sizeof path, "%s/test_data_set_%u/%s_%zu.pb", t->folder, set,
             kind, number);
    if (read_file(path, &b))
        return 1;
    status = mlc_onnx_tensor_read(b.data, b.size, tensor, error);
    free(b.data);
    return status == MLC_OK ? 0 : -1;
}

/* ------------------------------------------------------------ running ---- */

typedef struct running {
    mlc_image image;
    mli_model model;
    mli_info info;
    void *state, *arena;
    mli_session *session;
    float **out;
} running;

static void stop(running *r)
{
    for (uint32_t i = 0; r->out && i < r->info.outputs; i++)
        free(r->out[i]);
    free(r->out);
    free(r->state);
    free(r->arena);
    mlc_image_free(&r->image);
}

static void *aligned(size_t size)
{
    return aligned_alloc(MLI_ALIGNMENT,
                         (size / MLI_ALIGNMENT + 1) * MLI_ALIGNMENT);
}

static int begin(running *r)
{
    mli_memory memory;
    if (mli_open(&r->model, r->image.bytes, r->image.size, NULL))
        return -1;
    mli_get_info(&r->model, &r->info);
    if (mli_sizes(&r->model, 16, &memory))
        return -1;
    r->state = aligned(memory.state_bytes);
    r->arena = aligned(memory.arena_bytes);
    r->out = calloc(r->info.outputs + 1u, sizeof *r->out);
    if (!r->state || !r->arena || !r->out)
        return -1;
    for (uint32_t i = 0; i < r->info.outputs; i++) {
        mli_port port;
        mli_get_output(&r->model, i, &port);
        r->out[i] =
            calloc((size_t)port.channels * port.frames, sizeof **r->out);
        if (!r->out[i])
            return -1;
    }
    return mli_start(&r->model, kernel_choice(), 16, r->state, r->arena,
                     &r->session)
               ? -1
               : 0;
}

/* ---------------------------------------------------------- comparing ---- */

static double wanted(const mlc_onnx_tensor *t, uint64_t n)
{
    return t->f ? (double)t->f[n] : (double)t->i[n];
}

static int agrees(const mlc_onnx_tensor *t, double got, uint64_t n)
{
    double want = wanted(t, n);
    if (t->i)
        return got == want;
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got))
        return want == got;
    return fabs(got - want) <= ATOL + RTOL * fabs(want);
}

/* Some data sets keep bfloat16 as uint16. */
static verdict other_type(test *t, const mlc_onnx_port *port, int type)
{
    return answer(t, SKIP, "%s is of type %s, its data of type %s", port->name,
                  mlc_onnx_type(port->type), mlc_onnx_type(type));
}

static verdict compare(test *t, const running *r, unsigned set, size_t number)
{
    mlc_onnx_tensor want;
    mlc_error error;
    mli_port port;
    verdict v = PASS;
    int found = read_tensor(t, set, "output", number, &want, &error);
    if (found > 0)
        return PASS;
    if (found < 0)
        return answer(t, SKIP, "%s", error.text);
    if (want.type != t->ports.out[number].type) {
        mlc_onnx_tensor_free(&want);
        return other_type(t, &t->ports.out[number], want.type);
    }
    mli_get_output(&r->model, (uint32_t)number, &port);
    if (want.count != (uint64_t)port.channels * port.frames)
        v = answer(t, FAIL, "output %s: %u values (expected %llu)", port.name,
                   port.channels * port.frames, (unsigned long long)want.count);
    for (uint64_t n = 0; v == PASS && !t->ports.random && n < want.count; n++)
        if (!agrees(&want, (double)r->out[number][n], n))
            v = answer(t, FAIL,
                       "output %s, value %llu of set %u: %.9g (expected %.9g)",
                       port.name, (unsigned long long)n, set,
                       (double)r->out[number][n], wanted(&want, n));
    mlc_onnx_tensor_free(&want);
    return v;
}

/* --------------------------------------------------------- a data set ---- */

typedef struct data_set {
    mlc_onnx_tensor *in; /* one for each input of the graph */
    mlc_onnx_bind *binds;
    float **running; /* data of the inputs that stay inputs, owned */
    size_t running_count;
} data_set;

static void free_set(data_set *d, size_t count)
{
    for (size_t i = 0; d->in && i < count; i++)
        mlc_onnx_tensor_free(&d->in[i]);
    for (size_t i = 0; i < d->running_count; i++)
        free(d->running[i]);
    free(d->in);
    free(d->binds);
    free(d->running);
}

/* Input i stays one; whole numbers run as floats. */
static verdict run_input(test *t, data_set *d, size_t i)
{
    const mlc_onnx_tensor *in = &d->in[i];
    float *f = malloc(in->count * sizeof *f);
    if (!f)
        return answer(t, FAIL, "no memory");
    d->running[d->running_count++] = f;
    for (uint64_t k = 0; k < in->count; k++) {
        f[k] = in->f ? in->f[k] : (float)in->i[k];
        if (in->i && (in->i[k] > EXACT || in->i[k] < -EXACT))
            return answer(t, SKIP,
                          "input %s: %lld (whole numbers run up to 2^24)",
                          t->ports.in[i].name, (long long)in->i[k]);
    }
    return PASS;
}

static verdict read_set(test *t, unsigned set, data_set *d)
{
    mlc_error error;
    d->in = calloc(t->ports.inputs + 1, sizeof *d->in);
    d->binds = calloc(t->ports.inputs + 1, sizeof *d->binds);
    d->running = calloc(t->ports.inputs + 1, sizeof *d->running);
    if (!d->in || !d->binds || !d->running)
        return answer(t, FAIL, "no memory");
    for (size_t i = 0; i < t->ports.inputs; i++) {
        int found;
        if (!t->ports.in[i].type)
            return answer(t, SKIP, "input %s is not a tensor",
                          t->ports.in[i].name);
        found = read_tensor(t, set, "input", i, &d->in[i], &error);
        if (found > 0)
            return answer(t, FAIL, "input_%zu.pb is missing", i);
        if (found < 0)
            return answer(t, SKIP, "input %s: %s", t->ports.in[i].name,
                          error.text);
        if (d->in[i].type != t->ports.in[i].type)
            return other_type(t, &t->ports.in[i], d->in[i].type);
        d->binds[i].name = t->ports.in[i].name;
        d->binds[i].tensor = &d->in[i];
        d->binds[i].shape_only = d->in[i].count &&
                                 !t->ports.in[i].used_as_weights &&
                                 !t->ports.in[i].decides_shapes;
        if (d->binds[i].shape_only) {
            verdict v = run_input(t, d, i);
            if (v != PASS)
                return v;
        }
    }
    return PASS;
}

static verdict import_set(test *t, const data_set *d, running *r)
{
    mlc_options options = MLC_OPTIONS_DEFAULT;
    mlc_error error;
    char path[4096];
    mlc_status status;
    options.mode = MLI_STEP;
    snprintf(path, sizeof path, "%s/model.onnx", t->folder);
    status =
        mlc_import_onnx_bound(t->model.data, t->model.size, path, &options,
                              d->binds, t->ports.inputs, &r->image, &error);
    if (status == MLC_UNSUPPORTED || status == MLC_NEWER)
        return answer(t, SKIP, "%s", error.text);
    if (status != MLC_OK)
        return answer(t, FAIL, "%s", error.text);
    return PASS;
}

static verdict run_set(test *t, unsigned set)
{
    data_set d = {0};
    running r;
    verdict v;
    memset(&r, 0, sizeof r);
    v = read_set(t, set, &d);
    if (v == PASS)
        v = import_set(t, &d, &r);
    if (v == PASS && begin(&r))
        v = answer(t, FAIL, "the compiled model does not start");
    if (v == PASS && r.info.outputs != t->ports.outputs)
        v = answer(t, SKIP, "a final state that stays in the session");
    if (v == PASS && r.info.inputs != d.running_count)
        v = answer(t, FAIL, "%u inputs (expected %zu)", r.info.inputs,
                   d.running_count);
    if (v == PASS)
        mli_run(r.session, (const float *const *)d.running, r.out);
    for (size_t i = 0; v == PASS && i < t->ports.outputs; i++)
        v = compare(t, &r, set, i);
    if (v == PASS && t->ports.random)
        v = answer(t, SKIP, "random numbers, which no two generators share");
    stop(&r);
    free_set(&d, t->ports.inputs);
    return v;
}

/* ------------------------------------------------------------ folders ---- */

static verdict run_test(test *t)
{
    mlc_error error;
    mlc_status status;
    char path[4096], name[32];
    verdict v = PASS;
    snprintf(path, sizeof path, "%s/model.onnx", t->folder);
    if (read_file(path, &t->model))
        return answer(t, FAIL, "model.onnx cannot be read");
    status =
        mlc_onnx_ports_read(t->model.data, t->model.size, &t->ports, &error);
    if (status == MLC_UNSUPPORTED || status == MLC_NEWER)
        return answer(t, SKIP, "%s", error.text);
    if (status != MLC_OK)
        return answer(t, FAIL, "%s", error.text);
    if (!exists(t->folder, "test_data_set_0"))
        return answer(t, FAIL, "test_data_set_0 is missing");
    for (unsigned set = 0; v == PASS && set < MAX_SETS; set++) {
        snprintf(name, sizeof name, "test_data_set_%u", set);
        if (!exists(t->folder, name))
            break;
        v = run_set(t, set);
    }
    return v;
}

static void one_test(const char *folder, tally *all)
{
    static const char *const words[] = {"PASS", "FAIL", "SKIP"};
    const char *name = strrchr(folder, '/');
    test t;
    verdict v;
    memset(&t, 0, sizeof t);
    t.folder = folder;
    v = run_test(&t);
    name = name && name[1] ? name + 1 : folder;
    if (v == PASS)
        printf("PASS %s\n", name);
    else
        printf("%s %s: %s\n", words[v], name, t.why);
    fflush(stdout);
    all->count[v]++;
    free(t.model.data);
    mlc_onnx_ports_free(&t.ports);
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* Every test in a folder of tests. -1: it holds none. */
static int all_tests(const char *folder, tally *all)
{
    struct dirent **names;
    int count = scandir(folder, &names, not_hidden, alphasort), found = -1;
    char path[4096];
    for (int i = 0; i < count; i++) {
        int length =
            snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        free(names[i]);
        if (length < 0 || (size_t)length >= sizeof path ||
            !exists(path, "model.onnx"))
            continue;
        one_test(path, all);
        found = 0;
    }
    if (count >= 0)
        free(names);
    return found;
}

int mli_tool_onnx_test(int argc, char **argv)
{
    tally all = {{0}};
    int bad = 0;
    if (argc < 2)
        return tool_usage("onnx-test: no folder (expected DIR...)");
    if (!kernel_choice())
        return TOOL_FAILED;
    for (int i = 1; i < argc; i++) {
        char folder[4096];
        size_t n = strlen(argv[i]);
        while (n > 1 && argv[i][n - 1] == '/')
            n--;
        snprintf(folder, sizeof folder, "%.*s", (int)n, argv[i]);
        if (exists(folder, "model.onnx"))
            one_test(folder, &all);
        else if (all_tests(folder, &all))
            bad = tool_error(argv[i], "no test here (expected a folder with "
                                      "model.onnx, or of such folders)");
    }
    printf("%u passed, %u failed, %u skipped\n", all.count[PASS],
           all.count[FAIL], all.count[SKIP]);
    return bad || all.count[FAIL] ? TOOL_FAILED : TOOL_DONE;
}
