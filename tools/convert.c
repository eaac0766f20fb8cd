/* mlinfer convert: any model file in, a verified model file out. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "loaded_model.h"
#include "message.h"
#include "precision.h"
#include "ranges.h"
#include "replace_file.h"
#include "weights_report.h"

typedef struct convert_arguments {
    const char *source, *target;
    ranges_source ranges; /* calibrate: a file, or NULL */
    int int8;             /* layers compute in integers, */
    double snr;           /* but the sound is to be so near, dB; 0: any */
    uint8_t *floats;      /* owned: those that do not therefore */
    mlc_options options;
    const char **states; /* owned: room for each argument */
    uint32_t state_count;
} convert_arguments;

static int parse_mode(const char *text, int *mode)
{
    static const char *const words[] = {"auto", "stream", "window", "step"};
    for (int i = 0; i < 4; i++)
        if (!strcmp(text, words[i])) {
            *mode = i - 1;
            return 0;
        }
    tool_usage("--mode %s: expected auto, stream, window or step", text);
    return -1;
}

static int parse_rate(const char *text, double *rate)
{
    char *end;
    *rate = strtod(text, &end);
    if (end != text && !*end && *rate > 0 && *rate <= 1e9)
        return 0;
    tool_usage("--rate %s: expected a rate in Hz", text);
    return -1;
}

static int parse_weights(const char *text, int *weights)
{
    static const char *const words[] = {"f32", "f16", "int8", "int4"};
    for (int i = 0; i < 4; i++)
        if (!strcmp(text, words[i])) {
            *weights = MLC_WEIGHTS_F32 + i;
            return 0;
        }
    tool_usage("--weights %s: expected f32, f16, int8 or int4", text);
    return -1;
}

static int parse_arithmetic(const char *text, int *int8)
{
    *int8 = !strcmp(text, "int8");
    if (*int8 || !strcmp(text, "float"))
        return 0;
    tool_usage("--arithmetic %s: expected float or int8", text);
    return -1;
}

static int parse_snr(const char *text, double *snr)
{
    char *end;
    *snr = strtod(text, &end);
    if (end != text && !*end && *snr > 0 && *snr <= 140)
        return 0;
    tool_usage("--snr %s: expected dB, above 0 and at most 140", text);
    return -1;
}

/* Whether there are float weights to hold the result against. */
static int fewer_bits(const convert_arguments *a)
{
    return a->int8 || a->options.weights > MLC_WEIGHTS_F32;
}

static int check(const convert_arguments *a)
{
    if (a->ranges.calibrate && !fewer_bits(a))
        tool_usage("--calibrate: expected --weights f16, int8 or int4, or "
                   "--arithmetic int8, too");
    else if (a->options.everywhere && !a->int8)
        tool_usage("--all: expected --arithmetic int8, too");
    else if (a->snr > 0 && !a->int8)
        tool_usage("--snr: expected --arithmetic int8, too");
    else
        return 0;
    return -1;
}

static int parse(int argc, char **argv, convert_arguments *a)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"mode", required_argument, NULL, 'm'},
        {"window", required_argument, NULL, 'w'},
        {"hop", required_argument, NULL, 'h'},
        {"rate", required_argument, NULL, 'r'},
        {"state", required_argument, NULL, 's'},
        {"spread", no_argument, NULL, 'p'},
        {"weights", required_argument, NULL, 'b'},
        {"arithmetic", required_argument, NULL, 'a'},
        {"all", no_argument, NULL, 'l'},
        {"snr", required_argument, NULL, 'n'},
        {"calibrate", required_argument, NULL, 'c'},
        {NULL, 0, NULL, 0}};
    int bad = 0, option;
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    while (!bad &&
           (option = getopt_long(argc, argv, ":o:", options, NULL)) != -1) {
        if (option == 'o')
            a->target = optarg;
        else if (option == 'm')
            bad = parse_mode(optarg, &a->options.mode);
        else if (option == 'w')
            bad = tool_number("--window", optarg, 1, 1u << 24,
                              &a->options.window);
        else if (option == 'h')
            bad = tool_number("--hop", optarg, 1, 1u << 24, &a->options.hop);
        else if (option == 'p')
            a->options.spread = 1;
        else if (option == 'b')
            bad = parse_weights(optarg, &a->options.weights);
        else if (option == 'c')
            a->ranges.calibrate = optarg;
        else if (option == 'l')
            a->options.everywhere = 1;
        else if (option == 'n')
            bad = parse_snr(optarg, &a->snr);
        else if (option == 'a')
            bad = parse_arithmetic(optarg, &a->int8);
        else if (option == 'r')
            bad = parse_rate(optarg, &a->options.rate);
        else if (option == 's')
            a->states[a->state_count++] = optarg;
        else
            bad = tool_bad_option(argv, option);
    }
    if (bad)
        return -1;
    if (optind + 1 != argc || !a->target) {
        tool_usage("convert: expected one SOURCE and -o MODEL.bin");
        return -1;
    }
    if (check(a))
        return -1;
    a->source = argv[optind];
    a->ranges.path = a->source;
    if (a->int8) {
        a->options.calibrate = ranges_find;
        a->options.calibrate_user = &a->ranges;
    }
    a->options.states = a->states;
    a->options.state_count = a->state_count;
    return 0;
}

static int write_image(const char *path, const mlc_image *image)
{
    mlc_replace out;
    if (replace_begin(&out, path))
        return tool_error(path, "cannot be written: %s", strerror(errno));
    fwrite(image->bytes, 1, image->size, out.file);
    if (replace_commit(&out))
        return tool_error(path, "cannot be written: %s", strerror(errno));
    return TOOL_DONE;
}

/* Weights without a graph: what to write down beside them. */
static void print_draft(const char *source)
{
    mlc_error error;
    char *draft;
    if (mlc_draft(source, &draft, &error) != MLC_OK)
        return;
    fputs(draft, stdout);
    free(draft);
}

/* Nothing is written unless all of it can be said. */
static int finish(const convert_arguments *a, loaded_model *loaded)
{
    weights_report report;
    if (fewer_bits(a) && weights_report_make(&report, loaded, a->source,
                                             &a->options, a->ranges.calibrate))
        return TOOL_FAILED;
    if (write_image(a->target, &loaded->image) != TOOL_DONE)
        return TOOL_FAILED;
    if (loaded->image.report)
        fputs(loaded->image.report, stdout);
    if (fewer_bits(a))
        weights_report_print(&report, loaded);
    printf("%s: %zu bytes\n", a->target, loaded->image.size);
    return TOOL_DONE;
}

static int convert(convert_arguments *a)
{
    loaded_model loaded;
    if (replace_loses(a->target, a->source))
        return tool_error(a->target, "is the source (expected another file "
                                     "behind -o)");
    if (a->snr > 0 &&
        precision_choose(&a->options, &a->ranges, a->snr, &a->floats))
        return TOOL_FAILED;
    if (loaded_model_open(&loaded, a->source, &a->options)) {
        print_draft(a->source);
        return TOOL_FAILED;
    }
    int status = finish(a, &loaded);
    loaded_model_close(&loaded);
    return status;
}

int mli_tool_convert(int argc, char **argv)
{
    convert_arguments a = {.options = MLC_OPTIONS_DEFAULT};
    int status = TOOL_USAGE;
    a.states = calloc((size_t)argc + 1, sizeof *a.states);
    if (!a.states)
        return tool_error(argv[0], "out of memory");
    if (!parse(argc, argv, &a))
        status = convert(&a);
    free(a.states);
    free(a.floats);
    free(a.ranges.found);
    return status;
}
