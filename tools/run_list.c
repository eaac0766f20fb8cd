/* mlinfer run --list: one list a line in, one list a line out. What is no
   finite number counts as 0, as at an inlet of the boxes. */
#define _POSIX_C_SOURCE 200809L /* getline */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "run.h"

typedef struct list_run {
    loaded_model *loaded;
    size_t inputs, outputs; /* values of a list */
    float *values;          /* inputs, then outputs */
    const float **in;       /* per port (step) or channel */
    float **out;
} list_run;

static int allocate(list_run *r)
{
    r->values = calloc(r->inputs + r->outputs + 1, sizeof *r->values);
    r->in = calloc(r->inputs + 1, sizeof *r->in);
    r->out = calloc(r->outputs + 1, sizeof *r->out);
    return r->values && r->in && r->out ? 0 : -1;
}

/* A step model has one array a port, the others one a channel. */
static void connect(list_run *r)
{
    const mli_model *model = &r->loaded->model;
    const mli_info *info = &r->loaded->info;
    float *at = r->values;
    uint32_t n = 0;
    mli_port port;
    int step = info->mode == MLI_STEP;
    for (uint32_t i = 0; i < info->inputs; i++) {
        mli_get_input(model, i, &port);
        if (port.kind == MLI_PORT_CONTROL)
            continue;
        for (uint32_t j = 0; j < port.channels; j++, at++)
            if (!step || !j)
                r->in[n++] = at;
    }
    n = 0;
    for (uint32_t i = 0; i < info->outputs; i++) {
        mli_get_output(model, i, &port);
        for (uint32_t j = 0; j < port.channels; j++, at++)
            if (!step || !j)
                r->out[n++] = at;
    }
}

#define SEPARATORS " \t\r\n,;"

static const char *skip_separators(const char *s)
{
    return s + strspn(s, SEPARATORS);
}

/* Numbers between blanks, commas or semicolons into values. Says what is wrong
   and returns -1. */
static int parse(const list_run *r, const char *line, unsigned long number)
{
    size_t n = 0;
    for (const char *s = skip_separators(line); *s; s = skip_separators(s)) {
        size_t length = strcspn(s, SEPARATORS);
        char *end;
        float value = strtof(s, &end);
        if (end != s + length) {
            int shown = length < 40 ? (int)length : 40;
            tool_error("standard input", "line %lu: not a number: %.*s", number,
                       shown, s);
            return -1;
        }
        if (n < r->inputs) /* as the box has it */
            r->values[n] = isfinite(value) ? value : 0.f;
        n++;
        s = end;
    }
    if (n == r->inputs)
        return 0;
    tool_error("standard input",
               "line %lu: a list of the wrong length (expected %zu, got %zu)",
               number, r->inputs, n);
    return -1;
}

/* Whether there is an answer: a window model has one every hop. */
static int run(list_run *r)
{
    mli_session *session = r->loaded->session;
    if (r->loaded->info.mode == MLI_STEP) {
        mli_run(session, r->in, r->out);
        return 1;
    }
    uint32_t windows = mli_process(session, r->in, r->out, 1);
    return r->loaded->info.mode == MLI_STREAM || windows > 0;
}

static void print(const list_run *r)
{
    for (size_t i = 0; i < r->outputs; i++)
        printf("%s%.9g", i ? " " : "", (double)r->values[r->inputs + i]);
    putchar('\n');
}

static int blank(const char *line)
{
    return !*skip_separators(line);
}

static int serve(list_run *r)
{
    char *line = NULL;
    size_t room = 0;
    int status = TOOL_DONE;
    ssize_t length;
    for (unsigned long number = 1;
         status == TOOL_DONE && (length = getline(&line, &room, stdin)) > 0;
         number++) {
        if (strlen(line) != (size_t)length)
            status =
                tool_error("standard input",
                           "line %lu: a zero byte (expected text)", number);
        else if (r->inputs && blank(line))
            continue;
        else if (parse(r, line, number))
            status = TOOL_FAILED;
        else if (run(r))
            print(r);
    }
    free(line);
    if (status == TOOL_DONE && (ferror(stdin) || fflush(stdout)))
        status = tool_error(NULL, "standard input or output failed");
    return status;
}

int run_list(loaded_model *loaded, const run_arguments *a)
{
    const mli_info *info = &loaded->info;
    list_run r = {.loaded = loaded,
                  .inputs = info->in_channels,
                  .outputs = info->out_channels};
    int status;
    /* Whoever writes a line may wait for the answer. */
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (allocate(&r)) {
        status = tool_error(a->model, "no memory for lists");
    } else {
        connect(&r);
        status = serve(&r);
    }
    free(r.values);
    free(r.in);
    free(r.out);
    return status;
}
