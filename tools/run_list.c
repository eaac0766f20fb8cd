/* mlinfer run --list: one list a line in, one list a line out. What is no
   finite number counts as 0, as at an inlet of the boxes. */
#define _POSIX_C_SOURCE 200809L /* getline */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list_text.h"
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
        else if (r->inputs && list_text_blank(line))
            continue;
        else if (list_text_parse("standard input", number, line, r->values,
                                 r->inputs))
            status = TOOL_FAILED;
        else if (run(r))
            print(r);
    }
    free(line);
    if (status == TOOL_DONE && ferror(stdin))
        status = tool_error("standard input", "cannot be read");
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
