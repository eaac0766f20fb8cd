/* see filing.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "filing.h"

int file_ends_in(const char *name, const char *ending)
{
    size_t n = strlen(name), k = strlen(ending);
    if (n <= k)
        return 0;
    for (name += n - k; *ending; name++, ending++)
        if ((*name | 32) != *ending && *name != *ending)
            return 0;
    return 1;
}

mlc_status file_read(learner *l, const char *path, const char **word,
                     mlc_error *error)
{
    mlc_status status = file_ends_in(path, ".csv")
                            ? learner_read_csv(l, path, error)
                            : learner_load(l, path, error);
    *word = l->misfit ? "channels" : mlc_status_word(status);
    return status;
}

mlc_status file_write(const learner *l, const char *path, mlc_error *error)
{
    return file_ends_in(path, ".csv") ? learner_write_csv(l, path, error)
                                      : learner_write(l, path, error);
}

/* ------------------------------- reading ---------------------------------- */

static void reading_read(t_reading *r)
{
    if (!lookup_search(&r->r_places, r->r_path)) {
        r->r_word = "notfound";
        *r->r_path = 0;
        r->r_error.status = MLC_NOT_FOUND;
        lookup_explain(&r->r_places, r->r_error.text, sizeof(r->r_error.text));
        return;
    }
    r->r_word = "memory";
    r->r_learner = learner_new(r->r_inputs, r->r_outputs, r->r_capacity,
                               r->r_kernels, &r->r_error);
    if (r->r_learner &&
        file_read(r->r_learner, r->r_path, &r->r_word, &r->r_error)) {
        learner_free(r->r_learner);
        r->r_learner = 0;
    }
}

static void reading_work(t_errand *e)
{
    t_reading *r = (t_reading *)e;
    learner_free(r->r_old);
    r->r_old = 0;
    if (r->r_asked && errand_stage(e) != ERRAND_LEFT)
        reading_read(r);
}

static void reading_forget(t_errand *e)
{
    t_reading *r = (t_reading *)e;
    learner_free(r->r_old);
    learner_free(r->r_learner);
    free(r);
}

t_reading *reading_new(const learner *l)
{
    t_reading *r = calloc(1, sizeof(*r));
    if (!r || !worker_join()) {
        free(r);
        return 0;
    }
    r->r_errand.e_work = reading_work;
    r->r_errand.e_forget = reading_forget;
    r->r_inputs = l->examples.inputs;
    r->r_outputs = l->examples.outputs;
    r->r_capacity = l->examples.capacity;
    r->r_kernels = l->kernels;
    return r;
}

void reading_give(t_reading *r, learner *old, int asked)
{
    r->r_old = old;
    r->r_asked = asked;
    errand_give(&r->r_errand);
}

learner *reading_take(t_reading *r)
{
    learner *l = r->r_learner;
    r->r_learner = 0;
    errand_take(&r->r_errand);
    return l;
}

void reading_leave(t_reading *r)
{
    if (!r)
        return;
    errand_leave(&r->r_errand);
    worker_leave();
}

/* ------------------------------- writing ---------------------------------- */

static void writing_work(t_errand *e)
{
    t_writing *w = (t_writing *)e;
    const learn_examples *x = &w->w_examples;
    w->w_error.status = MLC_OK;
    learner *l = learner_new(x->inputs, x->outputs, x->capacity, w->w_kernels,
                             &w->w_error);
    if (l) {
        learn_examples_copy(&l->examples, x);
        l->smooth = w->w_smooth;
        learner_examples_changed(l);
        l->use_network = w->w_use_network;
        l->network = w->w_network;
        file_write(l, w->w_path, &w->w_error);
        memset(&l->network, 0, sizeof(l->network)); /* it is not l's */
        learner_free(l);
    }
    worker_release();
}

static void writing_forget(t_errand *e)
{
    t_writing *w = (t_writing *)e;
    learn_examples_free(&w->w_examples);
    learner_free(w->w_learner);
    free(w);
}

t_writing *writing_new(const learner *l)
{
    const learn_examples *e = &l->examples;
    t_writing *w = calloc(1, sizeof(*w));
    if (!w)
        return 0;
    w->w_errand.e_work = writing_work;
    w->w_errand.e_forget = writing_forget;
    w->w_kernels = l->kernels;
    if (learn_examples_make(&w->w_examples, e->inputs, e->outputs,
                            e->capacity) &&
        worker_join())
        return w;
    writing_forget(&w->w_errand);
    return 0;
}

void writing_give(t_writing *w, const learner *l, const char *path)
{
    learn_examples_copy(&w->w_examples, &l->examples);
    w->w_smooth = l->smooth;
    w->w_use_network = l->use_network;
    w->w_network = l->network;
    snprintf(w->w_path, sizeof(w->w_path), "%s", path);
    worker_hold();
    errand_give(&w->w_errand);
}

void writing_leave(t_writing *w, learner *last)
{
    if (!w)
        return;
    w->w_learner = last;
    errand_leave(&w->w_errand);
    worker_leave();
}
