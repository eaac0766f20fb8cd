/* mlinfer run: arguments, and which way to go. */
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "message.h"
#include "run.h"

static int add_array(run_arguments *a, const char *path)
{
    if (a->npy_count == RUN_MAX_ARRAYS) {
        tool_usage("run: more than %u arrays", RUN_MAX_ARRAYS);
        return -1;
    }
    a->npy[a->npy_count++] = path;
    return 0;
}

static int check(const run_arguments *a)
{
    int ways = (a->wav != NULL) + (a->npy_count > 0) + a->list;
    if (ways != 1)
        tool_usage("run: expected one of --wav, --npy, --list");
    else if (!a->list && !a->output)
        tool_usage("run: expected -o and where the result goes");
    else if (a->list && a->output)
        tool_usage("run: --list writes to standard output, not to -o");
    else if (a->list && a->block)
        tool_usage("run: --block has no meaning for --list");
    else
        return 0;
    return -1;
}

static int parse(int argc, char **argv, run_arguments *a)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        {"wav", required_argument, NULL, 'w'},
        {"npy", required_argument, NULL, 'n'},
        {"list", no_argument, NULL, 'l'},
        {"block", required_argument, NULL, 'b'},
        {NULL, 0, NULL, 0}};
    int bad = 0, option;
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    while (!bad &&
           (option = getopt_long(argc, argv, ":o:", options, NULL)) != -1) {
        if (option == 'o')
            a->output = optarg;
        else if (option == 'w')
            a->wav = optarg;
        else if (option == 'n')
            bad = add_array(a, optarg);
        else if (option == 'l')
            a->list = 1;
        else if (option == 'b')
            bad = tool_number("--block", optarg, 1, RUN_MAX_BLOCK, &a->block);
        else
            bad = tool_bad_option(argv, option);
    }
    if (bad)
        return -1;
    if (optind + 1 != argc) {
        tool_usage("run: expected one MODEL");
        return -1;
    }
    a->model = argv[optind];
    return check(a);
}

float *run_floats(uint64_t a, uint64_t b)
{
    if (b && a > SIZE_MAX / sizeof(float) / b)
        return NULL;
    size_t count = (size_t)(a * b);
    return calloc(count ? count : 1, sizeof(float));
}

int mli_tool_run(int argc, char **argv)
{
    run_arguments a = {0};
    loaded_model loaded;
    if (parse(argc, argv, &a))
        return TOOL_USAGE;
    if (loaded_model_open(&loaded, a.model, NULL))
        return TOOL_FAILED;
    if (!a.block)
        a.block = 64;
    int status = TOOL_FAILED;
    if (!loaded_model_start(&loaded, a.model))
        status = a.wav         ? run_wav(&loaded, &a)
                 : a.npy_count ? run_npy(&loaded, &a)
                               : run_list(&loaded, &a);
    loaded_model_close(&loaded);
    return status;
}
