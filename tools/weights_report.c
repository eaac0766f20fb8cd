/* see weights_report.h */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench_measure.h"
#include "kernel_choice.h"
#include "message.h"
#include "weights_report.h"

#define ROUNDS  5    /* of each model, in turn: what disturbs one disturbs */
#define SECONDS 0.04 /* the other, too. Of a round */

/* The quickest of the rounds: the least disturbed. */
static int time_both(weights_report *r, const loaded_model *exact,
                     const loaded_model *stored, const char *path)
{
    bench_result result;
    r->exact_ns = r->stored_ns = INFINITY;
    for (int i = 0; i < ROUNDS; i++) {
        if (bench_measure(exact, r->kernels, WEIGHTS_BLOCK, SECONDS, path,
                          &result))
            return -1;
        r->exact_ns = fmin(r->exact_ns, result.ns_per_frame);
        if (bench_measure(stored, r->kernels, WEIGHTS_BLOCK, SECONDS, path,
                          &result))
            return -1;
        r->stored_ns = fmin(r->stored_ns, result.ns_per_frame);
    }
    return 0;
}

static int hear_both(weights_report *r, const loaded_model *exact,
                     const loaded_model *stored, const char *path)
{
    calibration c;
    if (r->calibrate ? calibration_read(&c, stored, r->calibrate)
                     : calibration_noise(&c, stored, path))
        return -1;
    if (c.cut)
        tool_warning(r->calibrate, "only the first %u frames are used",
                     c.frames);
    r->frames = c.frames;
    int failed = twin_error_measure(exact, stored, &c, path, &r->error);
    calibration_free(&c);
    return failed;
}

int weights_report_make(weights_report *r, loaded_model *stored,
                        const char *source, const mlc_options *options,
                        const char *calibrate)
{
    mlc_options float_options = *options;
    loaded_model exact;
    memset(r, 0, sizeof *r);
    float_options.weights = MLC_WEIGHTS_F32;
    float_options.calibrate = NULL;
    r->calibrate = calibrate;
    r->kernels = kernel_choice_name();
    if (!r->kernels || loaded_model_open(&exact, source, &float_options))
        return -1;
    r->exact = exact.info;
    r->stored = stored->info;
    int failed = loaded_model_start(&exact, source) ||
                 loaded_model_start(stored, source) ||
                 hear_both(r, &exact, stored, source) ||
                 time_both(r, &exact, stored, source);
    loaded_model_close(&exact);
    return failed ? -1 : 0;
}

/* --------------------------------------------------------------- print --- */

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 100;
}

static void print_size(const weights_report *r)
{
    printf("size: file %u bytes, %u with floats (%.0f %%); weights %u, %u "
           "(%.0f %%)\n",
           r->stored.file_bytes, r->exact.file_bytes,
           percent(r->stored.file_bytes, r->exact.file_bytes),
           r->stored.weight_bytes, r->exact.weight_bytes,
           percent(r->stored.weight_bytes, r->exact.weight_bytes));
}

static void print_speed(const weights_report *r)
{
    printf("speed: %.1f ns a %s, %.1f with floats (%.2f times as fast; "
           "kernels %s%s)\n",
           r->stored_ns, r->stored.mode == MLI_STEP ? "list" : "frame",
           r->exact_ns, r->exact_ns / r->stored_ns, r->kernels,
           r->stored.mode == MLI_STEP ? "" : ", blocks of 64 frames");
}

/* " of LABEL", or of the port, where there is more than one channel. */
static void print_place(const weights_report *r, const loaded_model *stored)
{
    mli_port port;
    mli_channel channel;
    if (r->stored.out_channels < 2 || !(r->error.largest > 0))
        return;
    mli_get_output(&stored->model, r->error.port, &port);
    mli_get_output_channel(&stored->model, r->error.port, r->error.channel,
                           &channel);
    if (*channel.label)
        printf(" (%s)", channel.label);
    else
        printf(" (%s, channel %u)", port.name, r->error.channel + 1);
}

/* "1000 lists of FILE" */
static void print_heard(const weights_report *r)
{
    const char *what = r->stored.mode == MLI_STEP ? "list" : "frame";
    printf("%u %s%s of %s", r->frames, what, r->frames == 1 ? "" : "s",
           r->calibrate ? r->calibrate : "noise in the inputs' ranges");
}

static void print_error(const weights_report *r, const loaded_model *stored)
{
    fputs("error: ", stdout);
    if (r->error.snr == INFINITY) {
        fputs("none", stdout);
    } else {
        if (r->stored.mode != MLI_STEP)
            printf("SNR %.1f dB, ", r->error.snr);
        printf("at most %.3g %% of full scale", 100 * r->error.largest);
        print_place(r, stored);
    }
    fputs(", over ", stdout);
    print_heard(r);
    putchar('\n');
    if (r->error.chosen)
        printf("classes: the same for %llu of %llu (%.2f %%)\n",
               (unsigned long long)r->error.agreed,
               (unsigned long long)r->error.chosen,
               percent((double)r->error.agreed, (double)r->error.chosen));
    if (r->error.missing)
        printf("left out: %llu values that are no numbers with floats either\n",
               (unsigned long long)r->error.missing);
}

void weights_report_print(const weights_report *r, const loaded_model *stored)
{
    print_size(r);
    print_speed(r);
    print_error(r, stored);
}
