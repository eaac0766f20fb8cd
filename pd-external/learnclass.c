/* [mlinfer -learn]: mapping by showing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "classes.h"
#include "learnbox.h"

/* ------- mlinfer -learn - from examples to outputs, or to labels ---------- */

static t_class *learnclass_class;

/* ------------------------------- answers ---------------------------------- */

/* "class LABEL CONFIDENCE": the label with the highest score. */
static void learnbox_sayclass(t_learnbox *x, uint32_t n)
{
    t_atom at[2];
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (x->x_answer[i] > x->x_answer[best])
            best = i;
    at[0] = x->x_labels[best];
    SETFLOAT(at + 1, x->x_answer[best]);
    outlet_anything(x->x_box.x_info, gensym("class"), 2, at);
}

/* A long list has its place in the box, and memory of its own only if the patch
   feeds the box from its own outlet. */
static void learnbox_output(t_learnbox *x, uint32_t n)
{
    t_atom some[ATOMS_STACK], *at = some;
    int long_list = n > ATOMS_STACK, own = long_list && x->x_busy;
    if (own && !(at = getbytes(n * sizeof(t_atom)))) {
        box_error(&x->x_box, "no memory for a list of %u", (unsigned)n);
        return;
    }
    if (long_list && !own)
        at = x->x_atoms, x->x_busy = 1;
    for (uint32_t i = 0; i < n; i++)
        SETFLOAT(at + i, x->x_answer[i]);
    if (learn_examples_classes(&x->x_learner->examples))
        learnbox_sayclass(x, n);
    outlet_list(x->x_out, &s_list, (int)n, at);
    if (own)
        freebytes(at, n * sizeof(t_atom));
    else if (long_list)
        x->x_busy = 0;
}

/* What is asked for: with -clamp in the ranges seen. Examples are kept as they
   are shown. */
static const float *learnbox_inputs(t_learnbox *x)
{
    mli_channel c = {"", 0, 0, 0};
    const learn_examples *e = &x->x_learner->examples;
    if (!x->x_box.x_args.a_clamp)
        return x->x_in;
    for (uint32_t i = 0; i < e->inputs; i++) {
        learn_range_in(e, i, &c.low, &c.high);
        x->x_held[i] = box_clamp(&c, x->x_in[i]);
    }
    return x->x_held;
}

static void learnbox_bang(t_learnbox *x)
{
    t_stopwatch *w = &x->x_box.x_watch;
    double since = w->w_on ? stopwatch_now() : 0;
    uint32_t n = learner_answer(x->x_learner, learnbox_inputs(x), x->x_answer);
    if (w->w_on)
        stopwatch_add(w, since, sys_getblksize() / sys_getsr());
    values_make_finite(x->x_answer, n);
    if (n)
        learnbox_output(x, n);
}

/* n numbers from a message to values; 1 if they are as many numbers. */
static int learnbox_take(t_learnbox *x, const char *what, const char *names,
                         uint32_t n, float *values, int argc,
                         const t_atom *argv)
{
    int good = 0;
    while (good < argc && argv[good].a_type == A_FLOAT)
        good++;
    if (good < argc || (uint32_t)argc != n) {
        if (!x->x_wrongsaid && good < argc)
            box_error(&x->x_box, "%s: element %d is not a number", what,
                      good + 1);
        else if (!x->x_wrongsaid)
            box_error(&x->x_box, "%s of %d, box has %u %s", what, argc,
                      (unsigned)n, names);
        x->x_wrongsaid = 1;
        return 0;
    }
    x->x_wrongsaid = 0;
    for (uint32_t i = 0; i < n; i++) {
        float f = (float)argv[i].a_w.w_float;
        values[i] = value_is_finite(f) ? f : 0;
    }
    return 1;
}

static int learnbox_takeinputs(t_learnbox *x, const char *what, int argc,
                               const t_atom *argv)
{
    const learn_examples *e = &x->x_learner->examples;
    if (!learnbox_take(x, what, "inputs", e->inputs, x->x_in, argc, argv))
        return 0;
    x->x_has = 1;
    return 1;
}

static void learnbox_list(t_learnbox *x, t_symbol *s, int argc, t_atom *argv)
{
    (void)s;
    if (!argc || learnbox_takeinputs(x, "list", argc, argv))
        learnbox_bang(x);
}

static void learnbox_set(t_learnbox *x, t_symbol *s, int argc, t_atom *argv)
{
    (void)s;
    learnbox_takeinputs(x, "set", argc, argv);
}

/* The right inlet. */
static void learnbox_wanted(t_learnbox *x, t_symbol *s, int argc, t_atom *argv)
{
    (void)s;
    learnbox_take(x, "list at the right inlet", "outputs",
                  x->x_learner->examples.outputs, x->x_wanted, argc, argv);
}

/* ------------------------------ examples ---------------------------------- */

void learnbox_changed(t_learnbox *x)
{
    t_atom at;
    learnbox_droptraining(x);
    SETFLOAT(&at, (t_float)x->x_learner->examples.count);
    outlet_anything(x->x_box.x_info, gensym("examples"), 1, &at);
}

/* What a message could not do. */
static void learnbox_saystatus(t_learnbox *x, const char *what,
                               learn_status status)
{
    const learn_examples *e = &x->x_learner->examples;
    switch (status) {
    case LEARN_FULL:
        box_error(&x->x_box,
                  "%s: full, there are %u examples: give the box a larger "
                  "-capacity",
                  what, (unsigned)e->capacity);
        break;
    case LEARN_OTHER_KIND:
        box_error(&x->x_box, "%s: the examples have %s: clear them first", what,
                  learn_examples_classes(e) ? "labels" : "outputs");
        break;
    case LEARN_MANY_LABELS:
        box_error(&x->x_box, "%s: too many different labels (at most %u)", what,
                  (unsigned)e->label_room);
        break;
    case LEARN_NO_EXAMPLE:
        box_error(&x->x_box, "%s: no such example (there are %u)", what,
                  (unsigned)e->count);
        break;
    case LEARN_OK:
        break;
    }
}

static void learnbox_done(t_learnbox *x, const char *what, learn_status status)
{
    if (status)
        learnbox_saystatus(x, what, status);
    else
        learnbox_changed(x);
}

/* A label is one word, so that nothing is made of it here. */
static learn_status learnbox_addlabel(t_learnbox *x, const t_atom *label)
{
    char text[LEARN_LABEL_BYTES];
    const char *name = text;
    if (label->a_type == A_SYMBOL)
        name = label->a_w.w_symbol->s_name;
    else
        snprintf(text, sizeof(text), "%g", (double)atom_getfloat(label));
    learn_status status = learner_add_label(x->x_learner, x->x_in, name);
    const learn_examples *e = &x->x_learner->examples;
    if (!status && label->a_type == A_SYMBOL)
        x->x_labels[e->label[e->count - 1]] = *label;
    else if (!status)
        SETFLOAT(x->x_labels + e->label[e->count - 1], atom_getfloat(label));
    return status;
}

static void learnbox_add(t_learnbox *x, t_symbol *s, int argc, t_atom *argv)
{
    (void)s;
    if (!x->x_has)
        box_error(&x->x_box, "add: no inputs came yet at the left inlet");
    else if (argc > 1)
        box_error(&x->x_box, "add: expected one label or none, got %d words",
                  argc);
    else
        learnbox_done(x, "add",
                      argc ? learnbox_addlabel(x, argv)
                           : learner_add(x->x_learner, x->x_in, x->x_wanted));
}

static void learnbox_undo(t_learnbox *x)
{
    learnbox_done(x, "undo", learner_undo(x->x_learner));
}

static void learnbox_delete(t_learnbox *x, t_symbol *s, int argc, t_atom *argv)
{
    t_float f;
    if (!box_number(&x->x_box, s->s_name, "the number of an example", argc,
                    argv, &f))
        return;
    uint32_t index = f >= 1 && f <= CAPACITY_MAX ? (uint32_t)f : 0;
    learn_status status =
        index == f ? learner_delete(x->x_learner, index - 1) : LEARN_NO_EXAMPLE;
    char what[64];
    snprintf(what, sizeof(what), "delete %g", (double)f);
    learnbox_done(x, what, status);
}

static void learnbox_clear(t_learnbox *x)
{
    learner_clear(x->x_learner);
    learnbox_changed(x);
}

static void learnbox_smooth(t_learnbox *x, t_symbol *s, int argc, t_atom *argv)
{
    t_float f;
    if (!box_number(&x->x_box, s->s_name, "0 or more", argc, argv, &f))
        return;
    if (!(f >= 0))
        box_error(&x->x_box, "smooth: expected 0 or more, got %g", (double)f);
    else
        learner_smooth(x->x_learner, (float)f);
}

static void learnbox_reset(t_learnbox *x)
{
    (void)x; /* nothing is kept from list to list */
}

/* -------------------------- what it says of itself ------------------------ */

static const char *learnbox_answerer(const t_learnbox *x)
{
    return x->x_learner->use_network ? "network" : "blend";
}

static void say(t_learnbox *x, const char *tag, double value)
{
    t_atom at;
    SETFLOAT(&at, (t_float)value);
    outlet_anything(x->x_box.x_info, gensym(tag), 1, &at);
}

static void say_text(t_learnbox *x, const char *tag, const char *text)
{
    t_atom at;
    SETSYMBOL(&at, gensym(text));
    outlet_anything(x->x_box.x_info, gensym(tag), 1, &at);
}

static void say_range(t_learnbox *x, const char *tag, uint32_t i, float low,
                      float high)
{
    char name[32];
    t_atom at[4];
    snprintf(name, sizeof(name), "%s-%u", tag, (unsigned)i + 1);
    SETFLOAT(at, (t_float)(i + 1));
    SETSYMBOL(at + 1, gensym(name));
    SETFLOAT(at + 2, low);
    SETFLOAT(at + 3, high);
    outlet_anything(x->x_box.x_info, gensym(tag), 4, at);
}

static uint32_t count_label(const learn_examples *e, uint32_t label)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < e->count; i++)
        count += e->label[i] == label;
    return count;
}

/* What happens at the outlet may change the examples: all is asked anew. */
static void learnbox_info(t_learnbox *x)
{
    const learn_examples *e = &x->x_learner->examples;
    float low, high;
    t_atom at[3];
    if (!box_tells(&x->x_box))
        return;
    say_text(x, "mode", "learn");
    say(x, "examples", e->count);
    say(x, "capacity", e->capacity);
    say(x, "inputs", e->inputs);
    say(x, "outputs", e->outputs);
    for (uint32_t i = 0; i < e->inputs; i++) {
        learn_range_in(e, i, &low, &high);
        say_range(x, "in", i, low, high);
    }
    for (uint32_t i = 0; i < e->outputs && !learn_examples_classes(e); i++) {
        learn_range_out(e, i, &low, &high);
        say_range(x, "out", i, low, high);
    }
    for (uint32_t i = 0; i < learn_labels_used(e); i++) {
        SETFLOAT(at, (t_float)(i + 1));
        at[1] = x->x_labels[i];
        SETFLOAT(at + 2, (t_float)count_label(e, i));
        outlet_anything(x->x_box.x_info, gensym("label"), 3, at);
    }
    say(x, "smooth", x->x_learner->smooth);
    say_text(x, "answer", learnbox_answerer(x));
    box_told(&x->x_box);
}

/* One example: numbers that do not fit a line are left out. */
static void post_example(const learn_examples *e, uint32_t n)
{
    char line[MAXPDSTRING];
    int classes = learn_examples_classes(e);
    size_t used =
        (size_t)snprintf(line, sizeof(line), "  %u:", (unsigned)n + 1);
    for (uint32_t i = 0; i < e->inputs && used < 400; i++)
        used += (size_t)snprintf(line + used, sizeof(line) - used, " %g",
                                 (double)e->x[(size_t)n * e->inputs + i]);
    used += (size_t)snprintf(line + used, sizeof(line) - used, " ->");
    for (uint32_t i = 0; !classes && i < e->outputs && used < 800; i++)
        used += (size_t)snprintf(line + used, sizeof(line) - used, " %g",
                                 (double)e->y[(size_t)n * e->outputs + i]);
    post("%s%s%s", line, classes ? " " : "",
         classes ? e->name[e->label[n]] : "");
}

static void learnbox_print(t_learnbox *x)
{
    const learn_examples *e = &x->x_learner->examples;
    float low, high;
    post("mlinfer: learns %u inputs to %u outputs", (unsigned)e->inputs,
         (unsigned)e->outputs);
    post("  examples: %u of %u", (unsigned)e->count, (unsigned)e->capacity);
    for (uint32_t i = 0; i < e->inputs; i++) {
        learn_range_in(e, i, &low, &high);
        post("  in %u: %g to %g", (unsigned)i + 1, (double)low, (double)high);
    }
    post("  answers: %s, smooth %g", learnbox_answerer(x),
         (double)x->x_learner->smooth);
    for (uint32_t n = 0; n < e->count; n++)
        post_example(e, n);
}

/* ------------------------ creation and the end ---------------------------- */

static double learnbox_latency(const t_box *x)
{
    (void)x;
    return 0;
}

/* Only the name and the latency are asked for: the player stays empty. */
static const t_boxkind learnbox_kind = {.k_name = "mlinfer",
                                        .k_latency = learnbox_latency};

static int learnbox_make(t_learnbox *x)
{
    const t_arguments *a = &x->x_box.x_args;
    mlc_error error = {MLC_OK, ""};
    t_failure failure = {0, ""};
    const mli_kernels *kernels = player_kernels(&failure);
    if (!kernels) {
        box_error(&x->x_box, "%s", failure.f_text);
        return 0;
    }
    if (!a->a_learnin || !a->a_learnout) /* which was said */
        return 0;
    x->x_learner = learner_new((uint32_t)a->a_learnin, (uint32_t)a->a_learnout,
                               (uint32_t)a->a_capacity, kernels, &error);
    if (!x->x_learner) {
        box_error(&x->x_box, "-learn: %s", error.text);
        return 0;
    }
    uint32_t most = learner_most_answers(x->x_learner);
    x->x_in = calloc((size_t)a->a_learnin, sizeof(float));
    x->x_held = calloc((size_t)a->a_learnin, sizeof(float));
    x->x_wanted = calloc((size_t)a->a_learnout, sizeof(float));
    x->x_answer = calloc(most, sizeof(float));
    x->x_atoms = calloc(most, sizeof(t_atom));
    x->x_labels = calloc(most, sizeof(t_atom));
    if (x->x_in && x->x_held && x->x_wanted && x->x_answer && x->x_atoms &&
        x->x_labels)
        return learnbox_maketraining(x) && learnbox_makefiles(x);
    box_error(&x->x_box, "-learn: no memory");
    return 0;
}

void *learnbox_new(int argc, t_atom *argv)
{
    t_learnbox *x = (t_learnbox *)pd_new(learnclass_class);
    box_init(&x->x_box, &learnbox_kind, argc, argv);
    if (!learnbox_make(x)) {
        pd_free(&x->x_box.x_obj.ob_pd);
        return 0;
    }
    if (*x->x_box.x_args.a_name)
        learnbox_open(x, x->x_box.x_args.a_name);
    inlet_new(&x->x_box.x_obj, &x->x_box.x_obj.ob_pd, &s_list,
              gensym("wanted"));
    x->x_out = outlet_new(&x->x_box.x_obj, &s_list);
    box_outlet(&x->x_box);
    return x;
}

static void learnbox_free(t_learnbox *x)
{
    learnbox_freetraining(x);
    learnbox_freefiles(x);
    free(x->x_in);
    free(x->x_held);
    free(x->x_wanted);
    free(x->x_answer);
    free(x->x_atoms);
    free(x->x_labels);
    box_free(&x->x_box);
}

static void add(t_class *c, t_method method, const char *name)
{
    class_addmethod(c, method, gensym(name), A_GIMME, 0);
}

void learnclass_setup(void)
{
    /* so that to say them first takes no memory */
    static const char *const said[] = {
        "class",   "examples",    "loss",  "trained",  "written",
        "loaded",  "unwritable",  "empty", "busy",     "notfound",
        "corrupt", "unsupported", "newer", "channels", "memory"};
    for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
        gensym(said[i]);
    /* made by [mlinfer], so it needs no way of its own */
    t_class *c = class_new(gensym("mlinfer"), 0, (t_method)learnbox_free,
                           sizeof(t_learnbox), CLASS_DEFAULT, 0);
    learnclass_class = c;
    class_sethelpsymbol(c, gensym("mlinfer-learn"));
    class_addbang(c, learnbox_bang);
    class_addlist(c, learnbox_list);
    add(c, (t_method)learnbox_set, "set");
    add(c, (t_method)learnbox_wanted, "wanted");
    add(c, (t_method)learnbox_add, "add");
    class_addmethod(c, (t_method)learnbox_undo, gensym("undo"), 0);
    add(c, (t_method)learnbox_delete, "delete");
    class_addmethod(c, (t_method)learnbox_clear, gensym("clear"), 0);
    add(c, (t_method)learnbox_smooth, "smooth");
    class_addmethod(c, (t_method)learnbox_reset, gensym("reset"), 0);
    class_addmethod(c, (t_method)learnbox_info, gensym("info"), 0);
    class_addmethod(c, (t_method)learnbox_print, gensym("print"), 0);
    box_addcpu(c);
    learnbox_addfiles(c);
    learnbox_addtraining(c);
}
