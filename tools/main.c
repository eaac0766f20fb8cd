/* The mlinfer command: finds the subcommand and hands over. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "kernel_choice.h"
#include "message.h"
#include "mlinfer.h"
#include "onnx_test.h"

/* clang-format off */
static const char usage[] =
    "mlinfer: neural networks for Pure Data\n"
    "\n"
    "mlinfer convert SOURCE -o MODEL.bin [OPTION...]\n"
    "    any model file in, a verified model file out. Options:\n"
    "    --mode auto|stream|window|step  how it meets time (auto: as it asks)\n"
    "    --window N, --hop N  frames of a window, frames from window to window\n"
    "    --rate HZ            the sample rate it was made for\n"
    "    --state IN=OUT       an input that is an output of the call before;\n"
    "                         may be repeated; usual names are recognised\n"
    "    --spread             the work of a hop is done during the next one\n"
    "    --weights f32|f16|int8|int4  how the weights of layers are stored;\n"
    "                         computing stays in floats. Size, speed and error\n"
    "                         against floats are told\n"
    "    --arithmetic int8    layers compute in integers where that pays; the\n"
    "                         weights of others stay in floats without --weights\n"
    "    --all                and where floats are faster\n"
    "    --snr DB             but not those that hurt most, until the sound is\n"
    "                         so near to that of floats\n"
    "    --calibrate FILE     the error is of these, and int8 fits them: a\n"
    "                         sound, .npy, or text with one list a line (else\n"
    "                         noise)\n"
    "mlinfer info MODEL [--json | --ops]\n"
    "    what a model is, needs and costs\n"
    "mlinfer run MODEL --wav IN.wav -o OUT.wav [--block N]\n"
    "mlinfer run MODEL --npy IN.npy [--npy IN2.npy ...] -o OUTDIR [--block N]\n"
    "    one OUTDIR/NAME.npy for each output. Where a stream has slower inputs\n"
    "    or outputs (the latents of an encoder or decoder), an array has one\n"
    "    value for each of their periods\n"
    "mlinfer run MODEL --list\n"
    "    one list a line on standard input, one a line out; nan and inf count\n"
    "    as 0, as in the boxes\n"
    "mlinfer bench MODEL... [--block N] [--seconds S] [--kernels NAME|all]\n"
    "              [--json]\n"
    "    time of blocks (typical, 99 and 99.9 of 100, worst), of a frame, and\n"
    "    multiply-accumulates a second against this machine's peak\n"
    "mlinfer profile MODEL [--block N] [--trace FILE.json] [--flame FILE.svg]\n"
    "    where the time goes, operator by operator; a trace for Perfetto and\n"
    "    chrome://tracing, a picture\n"
    "mlinfer formats [--markdown]\n"
    "    what opens, and which operators and layers of each format\n"
    "mlinfer onnx-test DIR...\n"
    "    folders in the layout of the ONNX backend tests\n"
    "mlinfer help, mlinfer --version\n"
    "\n"
    "MODEL and SOURCE, told by their content, not their names: .bin, ONNX,\n"
    "TensorFlow Lite, .nam, RTNeural, AIDA-X, GuitarML, or the description of\n"
    "layers beside safetensors or state_dict weights (convert drafts it).\n"
    "Sounds: mono goes to every input; else as many channels as inputs.\n"
    "Arrays of stream models: [frames], [frames, channels] or [channels, frames],\n"
    "with a batch axis of 1 or not; outputs are laid out as the input. Where both\n"
    "sides fit the model's channels, the first counts as frames.\n"
    "Arrays of step and window models: one list or window, or rows of them.\n"
    "MLI_KERNELS (generic sse2 avx2 avx512 neon) forces a kernel build.\n"
    "Exit status: 0 done, 1 it failed, 2 wrong usage.\n";
/* clang-format on */

static int help(int argc, char **argv)
{
    (void)argc, (void)argv;
    fputs(usage, stdout);
    return TOOL_DONE;
}

static int version(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("mlinfer %s, model file format %u, kernels: %s\n", MLINFER_VERSION,
           MLI_FORMAT_VERSION, kernel_names());
    return TOOL_DONE;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"convert", mli_tool_convert},
    {"info", mli_tool_info},
    {"run", mli_tool_run},
    {"bench", mli_tool_bench},
    {"profile", mli_tool_profile},
    {"formats", mli_tool_formats},
    {"onnx-test", mli_tool_onnx_test},
    {"help", help},
    {"--version", version},
};

static int asks_for_help(const char *argument)
{
    return !strcmp(argument, "--help") || !strcmp(argument, "-h");
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        fputs(usage, stderr);
        return TOOL_USAGE;
    }
    if (asks_for_help(argv[1]) || (argc == 3 && asks_for_help(argv[2])))
        return help(argc, argv);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(argv[1], commands[i].name)) {
            /* Everywhere the same: even where no kernel runs, a wish that
               cannot be met is an error. */
            if (commands[i].run != help && !kernel_choice())
                return TOOL_FAILED;
            return commands[i].run(argc - 1, argv + 1);
        }
    return tool_usage("%s: no such command (expected convert, info, run, "
                      "bench, profile, formats or onnx-test)",
                      argv[1]);
}

/* A disk that is full is told when the text goes out, at last now. */
int main(int argc, char **argv)
{
    int status = run(argc, argv);
    errno = 0;
    if (fflush(stdout) | ferror(stdout))
        status = tool_error("standard output", "cannot be written: %s",
                            strerror(errno ? errno : EIO));
    return status;
}
