/* onnx_state.c - which inputs come back from which outputs. */
#include <stdio.h>
#include <string.h>
#include "onnx_state.h"

#define WORDS 16
#define WORD  24

/* A name in small words: "pastKey_0" is past, key, 0. */
typedef struct words {
    char word[WORDS][WORD];
    int count;
    int marked; /* a word said which end of the state this is */
    int kept;   /* a word says that it is a state */
} words;

static int one_of(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (!strcmp(word, *list))
            return 1;
    return 0;
}

/* 'A' is 1, 'a' 2, '0' 3, anything else 0. */
static int kind_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return 1;
    if (c >= 'a' && c <= 'z')
        return 2;
    return c >= '0' && c <= '9' ? 3 : 0;
}

static int add_word(words *w, const char *at, size_t n)
{
    if (w->count == WORDS || n >= WORD)
        return 0;
    for (size_t i = 0; i < n; i++)
        w->word[w->count][i] =
            (char)(kind_of(at[i]) == 1 ? at[i] - 'A' + 'a' : at[i]);
    w->word[w->count++][n] = 0;
    return 1;
}

static int split(words *w, const char *name)
{
    const char *at = name;
    memset(w, 0, sizeof *w);
    while (*at) {
        const char *end = at + 1;
        if (!kind_of(*at)) {
            at++;
            continue;
        }
        while (kind_of(*end) &&
               (kind_of(*end) == kind_of(end[-1]) ||
                (kind_of(end[-1]) == 1 && end == at + 1 && kind_of(*end) == 2)))
            end++;
        if (!add_word(w, at, (size_t)(end - at)))
            return 0;
        at = end;
    }
    return w->count > 0;
}

static void drop(words *w, int at)
{
    w->count--;
    memmove(w->word[at], w->word[at + 1],
            (size_t)(w->count - at) * sizeof *w->word);
}

/* Leave out the words that tell before and after apart. */
static void unmark(words *w, const char *const *marks)
{
    for (int i = 0; i < w->count;) {
        if (w->count > 1 && one_of(w->word[i], marks)) {
            drop(w, i);
            w->marked = 1;
        } else {
            i++;
        }
    }
}

static const char *const states[] = {
    "state",  "states", "h",       "c",       "hx",      "cx",   "hid",
    "hidden", "cell",   "cells",   "cache",   "caches",  "mem",  "memory",
    "buf",    "buffer", "buffers", "history", "hist",    "past", "present",
    "lstm",   "gru",    "rnn",     "context", "overlap", NULL};

static int says_state(const words *w)
{
    for (int i = 0; i < w->count; i++)
        if (one_of(w->word[i], states))
            return 1;
    return 0;
}

static const char *const before[] = {"in",   "input",    "prev",    "previous",
                                     "past", "old",      "init",    "initial",
                                     "last", "incoming", "current", NULL};
static const char *const after[] = {"out",  "output",  "next",    "new",
                                    "n",    "present", "updated", "final",
                                    "curr", NULL};

static int equal(const words *a, const words *b)
{
    if (a->count != b->count)
        return 0;
    for (int i = 0; i < a->count; i++)
        if (strcmp(a->word[i], b->word[i]))
            return 0;
    return 1;
}

/* hn of h0, cn of c0, hn1 of h1: the n goes; and a 0 at the end of the input's
   name if it stood for it. */
static int equal_but_n(words in, words out)
{
    int last = out.count - 1, n = 0;
    for (int i = 0; i <= last; i++) {
        size_t length = strlen(out.word[i]);
        if ((length == 2 || length == 3) && out.word[i][length - 1] == 'n') {
            out.word[i][length - 1] = 0;
            n = one_of(out.word[i], states);
        }
    }
    if (n && equal(&in, &out))
        return 1;
    if (in.count > 1 && !strcmp(in.word[in.count - 1], "0")) {
        in.count--;
        return (n || out.marked) && equal(&in, &out);
    }
    return 0;
}

static int names_fit(const char *in, const char *out)
{
    words a, b;
    if (!split(&a, in) || !split(&b, out))
        return 0;
    if (!says_state(&a) && !says_state(&b))
        return 0;
    unmark(&a, before);
    unmark(&b, after);
    return ((a.marked || b.marked) && equal(&a, &b)) || equal_but_n(a, b);
}

/*
 * r and r_out, x and new_x: names that do not say what they are. "new" says
 * that the output follows the input; "out" may be what became of a signal.
 */
static int may_follow(const char *in, const char *out)
{
    static const char *const follows[] = {"new", "next", "updated", NULL};
    static const char *const leaves[] = {"out", "output", NULL};
    static const char *const signals[] = {
        "x",        "y",    "input",   "audio",  "signal",   "sound",
        "wav",      "wave", "frame",   "frames", "waveform", "mag",
        "phase",    "spec", "mel",     "noisy",  "speech",   "spectrum",
        "mix",      "data", "samples", "sample", "image",    "feature",
        "features", "feat", "left",    "right",  NULL};
    words a, b;
    if (!split(&a, in) || !split(&b, out))
        return 0;
    unmark(&b, follows);
    if (b.marked)
        return equal(&a, &b);
    unmark(&b, leaves);
    for (int i = 0; i < a.count; i++)
        if (one_of(a.word[i], signals))
            return 0;
    return b.marked && equal(&a, &b);
}

/* What is known of the shapes agrees. */
static int shapes_fit(const onnx_info *a, const onnx_info *b)
{
    if (!onnx_type_is_float(a->type) || (b->type && b->type != a->type))
        return 0;
    if (a->rank < 0 || b->rank < 0)
        return 1;
    if (a->rank != b->rank)
        return 0;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] >= 0 && b->dims[i] >= 0 && a->dims[i] != b->dims[i])
            return 0;
    return 1;
}

/* The same numbers, but for a batch perhaps. */
static int shapes_equal(const onnx_info *a, const onnx_info *b)
{
    if (a->rank < 1 || a->rank != b->rank || !shapes_fit(a, b))
        return 0;
    for (int i = 1; i < a->rank; i++)
        if (a->dims[i] < 0 || b->dims[i] < 0)
            return 0;
    return a->rank > 1 || a->dims[0] > 0;
}

static int find(const onnx_info *list, size_t count, const char *name,
                size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i].name) == length &&
            !strncmp(list[i].name, name, length))
            return (int)i;
    return -1;
}

/* "a, b, c", for a message. */
static const char *names_of(const onnx_model *m, const onnx_info *list,
                            size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count && strlen(text) < 300; i++)
        text =
            onnx_print(m->pool, "%s%s%.80s", text, i ? ", " : "", list[i].name);
    return text;
}

static void take_asked(const onnx_model *m, const char *asked, int *output_of)
{
    const onnx_graph *g = &m->graph;
    const char *sign = strchr(asked, '=');
    size_t length = sign ? (size_t)(sign - asked) : strlen(asked);
    int in = find(g->inputs, g->input_count, asked, length);
    int out =
        sign ? find(g->outputs, g->output_count, sign + 1, strlen(sign + 1))
             : -1;
    if (!sign)
        onnx_stop(m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "state %.80s: expected IN=OUT", asked);
    if (in < 0)
        onnx_stop(m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "state %.80s: no such input (expected one of %s)", asked,
                  names_of(m, g->inputs, g->input_count));
    if (out < 0)
        onnx_stop(m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "state %.80s: no such output (expected one of %s)", asked,
                  names_of(m, g->outputs, g->output_count));
    if (!shapes_fit(&g->inputs[in], &g->outputs[out]))
        onnx_stop(m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "state %.80s: the shapes or types differ", asked);
    output_of[in] = out;
}

/*
 * Pairs whose names leave it open: all of them or none, each input with one
 * output only, and inputs and outputs are left that are no states.
 */
static void take_followers(const onnx_model *m, const char *taken,
                           int *output_of)
{
    const onnx_graph *g = &m->graph;
    int *follower = onnx_take(m->pool, g->input_count + 1, sizeof *follower);
    int *led = onnx_take(m->pool, g->output_count + 1, sizeof *led);
    int inputs = 0, outputs = 0;
    for (size_t i = 0; i < g->input_count; i++) {
        follower[i] = -1;
        if (output_of[i] >= 0 || onnx_is_initializer(g, g->inputs[i].name))
            continue;
        for (size_t k = 0; k < g->output_count; k++) {
            if (taken[k] || !shapes_equal(&g->inputs[i], &g->outputs[k]) ||
                !may_follow(g->inputs[i].name, g->outputs[k].name))
                continue;
            if (follower[i] >= 0 || led[k]++)
                return;
            follower[i] = (int)k;
        }
        inputs += follower[i] < 0;
    }
    for (size_t k = 0; k < g->output_count; k++)
        outputs += !taken[k] && !led[k];
    for (size_t i = 0; i < g->input_count && inputs && outputs; i++)
        if (follower[i] >= 0)
            output_of[i] = follower[i];
}

void onnx_find_states(const onnx_model *m, const char *const *asked,
                      size_t count, int *output_of)
{
    const onnx_graph *g = &m->graph;
    char *taken = onnx_take(m->pool, g->output_count + 1, 1);
    for (size_t i = 0; i < g->input_count; i++)
        output_of[i] = -1;
    for (size_t i = 0; i < count; i++)
        take_asked(m, asked[i], output_of);
    for (size_t i = 0; i < g->input_count; i++)
        if (output_of[i] >= 0)
            taken[output_of[i]] = 1;
    for (size_t i = 0; i < g->input_count; i++)
        for (size_t k = 0; k < g->output_count && output_of[i] < 0; k++)
            if (!taken[k] && shapes_fit(&g->inputs[i], &g->outputs[k]) &&
                names_fit(g->inputs[i].name, g->outputs[k].name)) {
                output_of[i] = (int)k;
                taken[k] = 1;
            }
    take_followers(m, taken, output_of);
}

/* ------------------------------------------------- states of layers ---- */

#define MAX_VIEWS 256 /* of one state: a slice for each layer, and so on */

int onnx_starts_layers(const onnx_graph *g, const char *name)
{
    static const char *const views[] = {"Slice",    "Gather",   "Split",
                                        "Reshape",  "Squeeze",  "Unsqueeze",
                                        "Identity", "Transpose"};
    const char *names[MAX_VIEWS];
    size_t count = 1;
    int starts = 0;
    names[0] = name;
    for (size_t i = 0; i < g->node_count; i++) {
        const onnx_node *n = &g->nodes[i];
        int uses = 0, view = 0, layer;
        layer = !strcmp(n->op, "LSTM") || !strcmp(n->op, "GRU") ||
                !strcmp(n->op, "RNN");
        for (size_t k = 0; k < sizeof views / sizeof *views; k++)
            view |= !strcmp(n->op, views[k]);
        for (size_t k = 0; k < n->inputs; k++)
            for (size_t j = 0; j < count; j++) {
                if (strcmp(n->in[k], names[j]))
                    continue;
                if (!strcmp(n->op, "Shape"))
                    continue;
                if (!(view && k == 0) && !(layer && (k == 5 || k == 6)))
                    return 0;
                uses = 1;
            }
        starts |= uses && layer;
        for (size_t k = 0; uses && view && k < n->outputs; k++) {
            if (count == MAX_VIEWS)
                return 0;
            names[count++] = n->out[k];
        }
    }
    for (size_t i = 0; i < g->output_count; i++)
        for (size_t j = 0; j < count; j++)
            if (!strcmp(g->outputs[i].name, names[j]))
                return 0;
    return starts;
}
