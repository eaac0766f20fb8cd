/*
 * learnfiles.c - examples of [mlinfer -learn] in files. While sound runs it is
 * done on the worker thread (filing.h), and a clock takes what it has read, or
 * tells what was written; else at once. What is written are the examples as
 * they are when the message comes. A newer load takes the place of one that
 * waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "learnbox.h"
#include "lookup.h"

#define POLL_MILLISECONDS 4

/* ------------------------------- reading ---------------------------------- */

/* Labels that came from a file, as a patch would write them. */
static void learnbox_takelabels(t_learnbox *x)
{
    const learn_examples *e = &x->x_learner->examples;
    for (uint32_t i = 0; i < e->labels; i++)
        box_label(x->x_labels + i, e->name[i]);
}

/* what: path, or name of a file that is not found; error: why not, 0: it was.
 */
static void learnbox_opened(t_learnbox *x, const char *what, const char *word,
                            const mlc_error *error)
{
    x->x_box.x_reason = error ? word : 0;
    if (error) {
        box_error(&x->x_box, "%s: %s", what, error->text);
        return;
    }
    x->x_box.x_path = gensym(what);
    learnbox_takelabels(x);
}

int learnbox_open(t_learnbox *x, const char *name)
{
    t_places *p = malloc(sizeof(*p));
    char path[MAXPDSTRING];
    const char *what = name, *word = "memory";
    mlc_error error = {MLC_MEMORY, "no memory"};
    snprintf(x->x_box.x_name, sizeof(x->x_box.x_name), "%s", name);
    if (p) {
        lookup_gather(p, x->x_box.x_canvas, name);
        if (lookup_search(p, path)) {
            what = path;
            error.status = file_read(x->x_learner, path, &word, &error);
        } else {
            word = "notfound";
            error.status = MLC_NOT_FOUND;
            lookup_explain(p, error.text, sizeof(error.text));
        }
        free(p);
    }
    learnbox_opened(x, what, word, error.status ? &error : 0);
    return !error.status;
}

static void learnbox_sayopened(t_learnbox *x)
{
    int done = !x->x_box.x_reason;
    box_say(&x->x_box);
    if (done)
        learnbox_changed(x);
}

/* The worker has read. Returns 1 if there is something to be said. */
static int learnbox_answer(t_learnbox *x)
{
    t_reading *r = x->x_reading;
    learner *l = reading_take(r);
    if (x->x_wants != WANTS_ANSWER) { /* a newer one is wanted, or none */
        x->x_gone = l;
        return 0;
    }
    x->x_wants = WANTS_NOTHING;
    if (l) {
        if (file_ends_in(r->r_path, ".csv"))
            learner_smooth(l, x->x_learner->smooth);
        x->x_gone = x->x_learner;
        x->x_learner = l;
    }
    learnbox_opened(x, *r->r_path ? r->r_path : x->x_box.x_name, r->r_word,
                    l ? 0 : &r->r_error);
    return 1;
}

static void learnbox_give(t_learnbox *x)
{
    int asks = x->x_wants == WANTS_TO_ASK;
    if (!asks && !x->x_gone)
        return;
    if (asks) {
        lookup_gather(&x->x_reading->r_places, x->x_box.x_canvas,
                      x->x_box.x_name);
        x->x_wants = WANTS_ANSWER;
    }
    reading_give(x->x_reading, x->x_gone, asks);
    x->x_gone = 0;
}

/* ------------------------------- writing ---------------------------------- */

static void learnbox_saywritten(t_learnbox *x, const char *path,
                                const mlc_error *error)
{
    static const char *const words[] = {
        [MLC_NOT_FOUND] = "unwritable", [MLC_UNSUPPORTED] = "empty"};
    t_atom at[2];
    mlc_status status = error->status;
    const char *said = path;
    if (status) {
        int own = status == MLC_NOT_FOUND || status == MLC_UNSUPPORTED;
        said = own ? words[status] : mlc_status_word(status);
        box_error(&x->x_box, "%s: %s", path, error->text);
    }
    SETFLOAT(at, !status);
    SETSYMBOL(at + 1, gensym(said));
    outlet_anything(x->x_box.x_info, gensym("written"), 2, at);
}

int learnbox_writes(const t_learnbox *x)
{
    for (int i = 0; i < WRITES_MAX; i++)
        if (errand_stage(&x->x_writing[i]->w_errand) != ERRAND_IDLE)
            return 1;
    return 0;
}

/* Is the worker asked? Also when sound has just stopped: files stay in order,
   and no network goes that is being written. */
static int learnbox_runs(const t_learnbox *x)
{
    return pd_getdspstate() || learnbox_writes(x);
}

/* One that is done, taken; 0: none. */
static t_writing *learnbox_written(t_learnbox *x)
{
    for (int i = 0; i < WRITES_MAX; i++)
        if (errand_stage(&x->x_writing[i]->w_errand) == ERRAND_DONE) {
            errand_take(&x->x_writing[i]->w_errand);
            return x->x_writing[i];
        }
    return 0;
}

static void learnbox_writewhile(t_learnbox *x, const char *path)
{
    for (int i = 0; i < WRITES_MAX; i++)
        if (errand_stage(&x->x_writing[i]->w_errand) == ERRAND_IDLE) {
            writing_give(x->x_writing[i], x->x_learner, path);
            x->x_lastwriting = i;
            clock_delay(x->x_filing, POLL_MILLISECONDS);
            return;
        }
    t_atom at[2];
    box_error(&x->x_box, "%s: %d files are being written: try again", path,
              WRITES_MAX);
    SETFLOAT(at, 0);
    SETSYMBOL(at + 1, gensym("busy"));
    outlet_anything(x->x_box.x_info, gensym("written"), 2, at);
}

/* -------------------------------- clock ----------------------------------- */

static void learnbox_poll(t_learnbox *x)
{
    t_errand *reading = &x->x_reading->r_errand;
    t_writing *written = learnbox_written(x);
    int news =
        !written && errand_stage(reading) == ERRAND_DONE && learnbox_answer(x);
    if (errand_stage(reading) == ERRAND_IDLE)
        learnbox_give(x);
    if (errand_stage(reading) != ERRAND_IDLE || learnbox_writes(x))
        clock_delay(x->x_filing, POLL_MILLISECONDS);
    if (written)
        learnbox_saywritten(x, written->w_path, &written->w_error);
    else if (news)
        learnbox_sayopened(x);
}

/* ------------------------------ messages ---------------------------------- */

static int learnbox_name(t_learnbox *x, const char *what, int argc,
                         const t_atom *argv, char *name)
{
    arguments_name(name, MAXPDSTRING, argc, argv);
    if (*name)
        return 1;
    box_error(&x->x_box, "%s: expected the name of a file, got %s", what,
              argc ? "0" : "nothing");
    return 0;
}

static void learnbox_want(t_learnbox *x, const char *name)
{
    box_saycreated(&x->x_box);
    x->x_wants = WANTS_NOTHING;
    if (!learnbox_runs(x)) {
        learnbox_open(x, name);
        learnbox_sayopened(x);
        return;
    }
    snprintf(x->x_box.x_name, sizeof(x->x_box.x_name), "%s", name);
    x->x_wants = WANTS_TO_ASK;
    learnbox_poll(x);
}

static void learnbox_load(t_learnbox *x, t_symbol *s, int argc, t_atom *argv)
{
    char name[MAXPDSTRING];
    if (learnbox_name(x, s->s_name, argc, argv, name) &&
        box_reports(&x->x_box, s->s_name))
        learnbox_want(x, name);
}

static void learnbox_reload(t_learnbox *x)
{
    char name[MAXPDSTRING];
    snprintf(name, sizeof(name), "%s", x->x_box.x_name);
    if (!*name)
        box_error(&x->x_box, "reload: no file was named yet");
    else if (box_reports(&x->x_box, "reload"))
        learnbox_want(x, name);
}

static void learnbox_write(t_learnbox *x, t_symbol *s, int argc, t_atom *argv)
{
    char name[MAXPDSTRING], path[MAXPDSTRING];
    mlc_error error = {MLC_OK, ""};
    if (!learnbox_name(x, s->s_name, argc, argv, name))
        return;
    if (!file_ends_in(name, ".csv") && !file_ends_in(name, ".bin"))
        strncat(name, ".bin", sizeof(name) - strlen(name) - 1);
    if (x->x_box.x_canvas)
        canvas_makefilename(x->x_box.x_canvas, name, path, MAXPDSTRING);
    else
        snprintf(path, sizeof(path), "%s", name);
    if (learnbox_runs(x)) {
        learnbox_writewhile(x, path);
        return;
    }
    error.status = file_write(x->x_learner, path, &error);
    learnbox_saywritten(x, path, &error);
}

void learnbox_addfiles(t_class *c)
{
    class_addmethod(c, (t_method)learnbox_load, gensym("load"), A_GIMME, 0);
    class_addmethod(c, (t_method)learnbox_load, gensym("read"), A_GIMME, 0);
    class_addmethod(c, (t_method)learnbox_reload, gensym("reload"), 0);
    class_addmethod(c, (t_method)learnbox_write, gensym("write"), A_GIMME, 0);
}

/* ------------------------ creation and the end ---------------------------- */

int learnbox_makefiles(t_learnbox *x)
{
    int there = (x->x_reading = reading_new(x->x_learner)) != 0;
    for (int i = 0; i < WRITES_MAX; i++)
        there &= (x->x_writing[i] = writing_new(x->x_learner)) != 0;
    x->x_filing = clock_new(x, (t_method)learnbox_poll);
    if (!there)
        box_error(&x->x_box, "-learn: no memory, or no thread to read on");
    return there;
}

/* What is being written may need the network: the last one frees it. */
void learnbox_freefiles(t_learnbox *x)
{
    t_writing *last = x->x_writing[x->x_lastwriting];
    if (x->x_filing)
        clock_free(x->x_filing);
    for (int i = 0; i < WRITES_MAX; i++)
        if (x->x_writing[i] != last)
            writing_leave(x->x_writing[i], 0);
    if (last)
        writing_leave(last, x->x_learner);
    else
        learner_free(x->x_learner);
    reading_leave(x->x_reading);
}
