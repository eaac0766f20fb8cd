/*
 * finish.c - graph to image.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "compiler.h"
#include "figures.h"
#include "passes/passes.h"
#include "prewarm.h"
#include "program.h"
#include "image.h"
#include "rates.h"
#include "writer.h"

static mlc_status check_graph(const ir_graph *g, mlc_error *error)
{
    if (g->out_of_memory)
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    if (g->error[0])
        return mlc_fail(error, MLC_UNSUPPORTED, "%s", g->error);
    if (g->output_count == 0)
        return mlc_fail(error, MLC_CORRUPT, "the model has no output");
    if (g->input_count > MLI_MAX_PORTS || g->output_count > MLI_MAX_PORTS)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "too many inputs or outputs (expected at most %u, got "
                        "%u and %u)",
                        MLI_MAX_PORTS, g->input_count, g->output_count);
    return MLC_OK;
}

static mlc_status check_rates(const ir_graph *g, mlc_error *error)
{
    mlc_rates r;
    const char *wrong = mlc_find_rates(g, &r);

    return wrong ? mlc_fail(error, MLC_UNSUPPORTED, "%s", wrong) : MLC_OK;
}

/*
 * What spreading the work over a hop adds to the latency; 0: nothing is spread.
 * A stream's chunks are up to 16 ticks and a quarter of its cycle: over single
 * frames, layers cost up to four times as much. They add a frame less than they
 * have to the latency.
 */
static uint32_t choose_spread(ir_graph *g)
{
    uint32_t cycle, chunk = 1;
    mlc_rates r;

    if (g->mode == MLI_WINDOW)
        return g->hop;
    mlc_find_rates(g, &r);
    cycle = r.cycle / r.frame;
    if (g->mode == MLI_STEP || cycle == 1) {
        ir_note(g, "no windows and no slower rates: there is nothing to "
                   "spread");
        return 0;
    }
    while (chunk * 2 * r.frame <= MLI_MAX_FRAME_TICKS && chunk * 8 <= cycle)
        chunk *= 2;
    return cycle + chunk - 1;
}

static mlc_status take_options(ir_graph *g, const mlc_options *options,
                               mlc_error *error)
{
    if (options && options->rate > 0.0)
        g->rate = options->rate;
    if (options && options->hop)
        g->hop = options->hop;
    if (options && (options->hop || options->window) && g->mode != MLI_WINDOW)
        ir_note(g, "not a window model: the window or hop that was asked for "
                   "has no effect");
    if (g->mode == MLI_WINDOW && (g->hop == 0 || g->hop > g->window))
        g->hop = g->window;
    if (g->mode == MLI_WINDOW && g->window == 0)
        return mlc_fail(error, MLC_CORRUPT, "a window model without a window");
    if (!(g->rate >= 0.0 && g->rate <= 1e9))
        return mlc_fail(error, MLC_CORRUPT,
                        "a sample rate of %g Hz (expected 0 to 1e9)", g->rate);
    return MLC_OK;
}

/* ------------------------------------------------------------- report ---- */

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* "fused: 3 of this, 1 of that": one line, nothing if all counts are 0. */
typedef struct counted {
    uint32_t count;
    const char *one, *many;
} counted;

static void say_counts(mlc_bytes *r, const char *what, const counted *c,
                       size_t n)
{
    const char *between = what;

    for (size_t i = 0; i < n; i++) {
        if (!c[i].count)
            continue;
        mlc_print(r, "%s%u %s", between, c[i].count,
                  c[i].count == 1 ? c[i].one : c[i].many);
        between = ", ";
    }
    if (between != what)
        mlc_print(r, "\n");
}

static void say_passes(mlc_bytes *r, const ir_tally *t)
{
    const counted fused[] = {
        {t->convs, "convolution with its activation",
         "convolutions with their activation"},
        {t->functions - t->convs, "dense layer with its activation",
         "dense layers with their activation"},
        {t->scales, "normalisation, scale or bias into a layer",
         "normalisations, scales or biases into layers"},
        {t->products, "layer into the next by multiplying their matrices",
         "layers into the next by multiplying their matrices"},
        {t->chains, "element-wise operator into the next",
         "element-wise operators into the next"},
        {t->transposes, "transpose", "transposes"},
        {t->folded, "constant result", "constant results"},
        {t->shared, "constant that there was twice",
         "constants that there were twice"},
    };
    const counted removed[] = {
        {t->unused, "operator that no output needs",
         "operators that no output needs"},
        {t->layout, "operator that changed nothing",
         "operators that changed nothing"},
        {t->channels, "dead channel", "dead channels"},
        {t->states, "dead state", "dead states"},
    };

    say_counts(r, "fused: ", fused, sizeof fused / sizeof *fused);
    say_counts(r, "removed: ", removed, sizeof removed / sizeof *removed);
}

/* steps: that the operators run in */
static void say_program(mlc_bytes *r, const mlc_program *p,
                        const mlc_figures *f, uint32_t steps)
{
    static const char *const modes[] = {"stream", "window", "step"};
    const ir_graph *g = p->g;
    const char *each = g->mode == MLI_STREAM ? " per frame" : "";

    mlc_print(r, "%s model, %u operator%s", modes[g->mode], p->op_count,
              plural(p->op_count));
    if (steps < p->op_count)
        mlc_print(r, " fused to %u steps", steps);
    mlc_print(r, ", %llu parameter%s, %llu multiply-accumulate%s%s\n",
              (unsigned long long)f->parameters, plural(f->parameters),
              (unsigned long long)f->macs, plural(f->macs),
              g->mode == MLI_STREAM ? " per frame" : " per run");
    if (g->mode == MLI_STREAM && g->rate * (double)f->macs > MLC_MOST_MACS)
        mlc_print(r,
                  "too much for real time: %.3g thousand million "
                  "multiply-accumulates a second, and no core does %g\n",
                  1e-9 * g->rate * (double)f->macs, 1e-9 * MLC_MOST_MACS);
    if (p->arena == p->arena_bound)
        mlc_print(r, "arena %u floats%s, the lower bound\n", p->arena, each);
    else
        mlc_print(r, "arena %u floats%s, the lower bound is %u\n", p->arena,
                  each, p->arena_bound);
    if (g->mode == MLI_STREAM && f->receptive_field)
        mlc_print(r, "looks back %u frame%s, latency %u\n", f->receptive_field,
                  plural(f->receptive_field), g->latency + g->spread);
    else if (g->mode == MLI_STREAM)
        mlc_print(r, "looks back without bound, latency %u\n",
                  g->latency + g->spread);
    if (g->spread)
        mlc_print(r,
                  "spread: its work is done in the course of the next hop, %u "
                  "frames later\n",
                  g->spread);
}

static void say_macs(mlc_bytes *r, uint64_t before, uint64_t after)
{
    mlc_print(r, "multiply-accumulates: %llu in the source, %llu now",
              (unsigned long long)before, (unsigned long long)after);
    if (after < before)
        mlc_print(r, " (%.3g %% less)",
                  100.0 * (double)(before - after) / (double)before);
    mlc_print(r, "\n");
}

/* ------------------------------------------------------------ writing ---- */

/* Plan and write; `p` is made anew. */
static mlc_status build(mlc_program *p, const ir_graph *g, ir_graph *spent,
                        const mlc_figures *figures, mlc_image *image,
                        mlc_error *error)
{
    if (!mlc_program_make(p, g))
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    if (p->op_count > MLI_MAX_OPS)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "too many operators (expected at most %u, got %u)",
                        MLI_MAX_OPS, p->op_count);
    if (!mlc_plan(p))
        return mlc_fail(
            error, MLC_MEMORY,
            "no memory for the plan, or too many values live at once");
    return mlc_write(p, figures, spent, &image->bytes, &image->size, error);
}

/* The writer's output is held against the verifier: what it refuses is a bug
   here, or a limit that no builder knew. */
static mlc_status verify(const mlc_image *image, mlc_error *error)
{
    mli_model model;
    uint32_t index = 0;
    mli_status status = mli_open(&model, image->bytes, image->size, &index);

    if (status == MLI_OK)
        return mlc_check_memory(image, error);
    return mlc_fail(error, MLC_UNSUPPORTED,
                    "internal error: the compiled model does not verify (%s, "
                    "%u)",
                    mli_status_text(status), index);
}

static uint32_t steps_of(const mlc_image *image)
{
    mli_model model;
    mli_info info = {0};

    if (mli_open(&model, image->bytes, image->size, NULL) == MLI_OK)
        mli_get_info(&model, &info);
    return info.steps;
}

/* Write again with the state that silence leaves. */
static mlc_status warm(mlc_program *p, ir_graph *g, ir_graph *spent,
                       const mlc_figures *figures, uint32_t spread,
                       mlc_image *image, mlc_error *error)
{
    mlc_status status;
    uint8_t *cold = image->bytes;

    status = mlc_prewarm(g, cold, image->size, error);
    if (status)
        return status;
    image->bytes = NULL;
    g->spread = spread;
    status = mlc_write(p, figures, spent, &image->bytes, &image->size, error);
    free(cold);
    return status ? status : verify(image, error);
}

/* ------------------------------------------------------------ integers ---- */

/* The model in floats with these values as outputs, too. */
static mlc_status watch(ir_graph *g, const ir_id *values, uint32_t n,
                        mlc_image *image, mlc_error *error)
{
    mlc_program p = {0};
    mlc_figures f = {0};
    uint32_t outputs = g->output_count;
    mlc_status status;

    for (uint32_t i = 0; i < n; i++)
        ir_output(g, "", values[i]);
    status = check_graph(g, error);
    f.macs = mlc_graph_macs(g);
    if (!status)
        status = build(&p, g, NULL, &f, image, error);
    if (!status)
        status = verify(image, error);
    if (!status && g->prewarm && g->mode == MLI_STREAM)
        status = warm(&p, g, NULL, &f, 0, image, error);
    mlc_program_free(&p);
    while (g->output_count > outputs)
        free(g->outputs[--g->output_count].name);
    return status;
}

static mlc_status use_integers(ir_graph *g, const mlc_options *options,
                               mlc_error *error)
{
    ir_id *values = NULL;
    mlc_image image = {0};
    mlc_status status = MLC_OK;
    uint32_t n = ir_find_readings(g, &values);
    mlc_range *ranges = calloc(n + 1u, sizeof *ranges);

    if (n > MLI_MAX_PORTS - g->output_count)
        n = MLI_MAX_PORTS - g->output_count;
    if (!ranges || !values)
        status = mlc_fail(error, MLC_MEMORY, "out of memory");
    if (!status && n)
        status = watch(g, values, n, &image, error);
    if (!status && n)
        status = options->calibrate(options->calibrate_user, &image, ranges, n,
                                    error);
    if (!status) {
        uint32_t layers =
            ir_use_integers(g, values, ranges, n, options->floats,
                            options->floats_count, options->everywhere);
        if (options->layers)
            *options->layers = layers;
    }
    mlc_image_free(&image);
    free(values);
    free(ranges);
    return status;
}

/* What the source multiplies: for each of the host's frames, or a run. */
static uint64_t macs_before(const ir_graph *g)
{
    mlc_rates r;

    if (!(g->source_macs > 0))
        return mlc_graph_macs(g);
    mlc_find_rates(g, &r);
    return (uint64_t)(g->source_macs * r.frame * r.share / r.ticks + 0.5);
}

static mlc_status compile(ir_graph *g, const mlc_options *options,
                          mlc_bytes *report, mlc_image *image, mlc_error *error)
{
    mlc_program p = {0};
    mlc_figures f = {0};
    ir_tally tally = {0};
    uint64_t before;
    uint32_t spread;
    int twice; /* written: the first run warms the second up */
    mlc_status status = check_graph(g, error);

    if (!status)
        status = take_options(g, options, error);
    if (status)
        return status;
    f.parameters = g->parameters ? g->parameters : mlc_graph_parameters(g);
    before = macs_before(g);
    ir_passes(g, &tally);
    if (options && options->weights != MLC_WEIGHTS_AS_THEY_ARE)
        ir_widen_weights(g, options->weights == MLC_WEIGHTS_INT8 ? MLI_INT8
                                                                 : MLI_F32);
    if (options && options->calibrate) {
        ir_widen_weights(g, MLI_F32);
        status = use_integers(g, options, error);
        if (status)
            return status;
    }
    if (options && options->weights > MLC_WEIGHTS_F32)
        ir_store_weights(g, (mli_storage)(options->weights - 1));
    status = check_graph(g, error);
    if (!status)
        status = check_rates(g, error);
    if (status)
        return status;
    f.macs = mlc_graph_macs(g);
    f.receptive_field = mlc_receptive_field(g);
    spread = options && options->spread ? choose_spread(g) : 0;
    twice = g->prewarm && g->mode == MLI_STREAM;
    if (!twice)
        g->spread = spread;
    status = build(&p, g, twice ? NULL : g, &f, image, error);
    if (!status)
        status = verify(image, error);
    if (!status && twice)
        status = warm(&p, g, g, &f, spread, image, error);
    if (!status) {
        if (g->notes)
            mlc_put(report, g->notes, strlen(g->notes));
        say_passes(report, &tally);
        say_program(report, &p, &f, steps_of(image));
        say_macs(report, before, f.macs);
    }
    mlc_program_free(&p);
    return status;
}

mlc_status mlc_finish(struct ir_graph *g, const mlc_options *options,
                      mlc_image *image, mlc_error *error)
{
    mlc_bytes report = {0};
    mlc_status status;

    memset(image, 0, sizeof *image);
    if (!g)
        return mlc_fail(error, MLC_MEMORY, "out of memory");
    status = compile(g, options, &report, image, error);
    mlc_put(&report, "", 1);
    ir_free(g);
    if (!status && !report.failed)
        image->report = (char *)report.data;
    else
        free(report.data);
    if (status)
        mlc_image_free(image);
    return status;
}
