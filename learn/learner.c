/* see learner.h */
#include <stdlib.h>
#include <string.h>
#include "learner.h"

learner *learner_new(uint32_t inputs, uint32_t outputs, uint32_t capacity,
                     const mli_kernels *kernels, mlc_error *error)
{
    learner *l = calloc(1, sizeof *l);
    mlc_status status = MLC_OK;
    if (!learn_examples_possible(inputs, outputs, capacity)) {
        mlc_fail(error, MLC_UNSUPPORTED,
                 "%u inputs, %u outputs and room for %u examples (expected 1 "
                 "to %u of each, at most %u examples, and at most %u numbers "
                 "in all)",
                 inputs, outputs, capacity, LEARN_MOST_VALUES,
                 LEARN_MOST_EXAMPLES, LEARN_MOST_FLOATS);
        free(l);
        return NULL;
    }
    if (!l || !learn_examples_make(&l->examples, inputs, outputs, capacity) ||
        !learn_examples_make(&l->other, inputs, outputs, capacity))
        status = mlc_fail(error, MLC_MEMORY, "no memory");
    if (!status)
        status = learn_blend_make(&l->values, &l->examples, 0, kernels, error);
    if (!status)
        status = learn_blend_make(&l->classes, &l->examples, 1, kernels, error);
    if (status) {
        learner_free(l);
        return NULL;
    }
    l->kernels = kernels;
    return l;
}

void learner_free(learner *l)
{
    if (!l)
        return;
    learn_examples_free(&l->examples);
    learn_examples_free(&l->other);
    learn_blend_free(&l->values);
    learn_blend_free(&l->classes);
    learn_runner_free(&l->network);
    free(l);
}

static learn_blend *blend_of(learner *l)
{
    return learn_examples_classes(&l->examples) ? &l->classes : &l->values;
}

void learner_examples_changed(learner *l)
{
    l->use_network = 0;
    l->trained = 0;
    if (l->examples.count)
        learn_blend_take(blend_of(l), &l->examples, l->smooth);
}

static learn_status changed(learner *l, learn_status status)
{
    if (!status)
        learner_examples_changed(l);
    return status;
}

static learn_status added(learner *l, learn_status status)
{
    if (!status) {
        l->use_network = 0;
        l->trained = 0;
        learn_blend_take_last(blend_of(l), &l->examples, l->smooth);
    }
    return status;
}

learn_status learner_add(learner *l, const float *x, const float *y)
{
    return added(l, learn_examples_add(&l->examples, x, y));
}

learn_status learner_add_label(learner *l, const float *x, const char *name)
{
    return added(l, learn_examples_add_label(&l->examples, x, name));
}

learn_status learner_undo(learner *l)
{
    return changed(l, learn_examples_undo(&l->examples));
}

learn_status learner_delete(learner *l, uint32_t index)
{
    return changed(l, learn_examples_delete(&l->examples, index));
}

learn_status learner_clear(learner *l)
{
    return changed(l, learn_examples_clear(&l->examples));
}

void learner_smooth(learner *l, float smooth)
{
    l->smooth = !(smooth > 0) ? 0 : smooth > 1e6f ? 1e6f : smooth;
    if (l->examples.count)
        learn_blend_take(blend_of(l), &l->examples, l->smooth);
}

/* ------------------------------------------------------------- answers ---- */

uint32_t learner_answers(const learner *l)
{
    const learn_examples *e = &l->examples;
    if (!e->count)
        return 0;
    return learn_examples_classes(e) ? learn_labels_used(e) : e->outputs;
}

uint32_t learner_most_answers(const learner *l)
{
    return l->examples.label_room; /* no fewer than outputs */
}

uint32_t learner_answer(learner *l, const float *x, float *y)
{
    uint32_t n = learner_answers(l);
    if (n && l->use_network)
        learn_runner_run(&l->network, x, y);
    else if (n)
        learn_blend_run(blend_of(l), x, y);
    return n;
}

void learner_set_network(learner *l, learn_runner *network)
{
    learn_runner before = l->network;
    l->network = *network;
    *network = before;
    l->trained = l->use_network = 1;
}

int learner_use_network(learner *l, int use)
{
    if (use && !l->trained)
        return 0;
    l->use_network = use;
    return 1;
}
