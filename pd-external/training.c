/* see training.h */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "training.h"

struct _training {
    t_errand g_errand; /* first: an errand is its training */
    atomic_int g_stop;
    atomic_uint g_epoch, g_loss; /* the bits of a float */
    const mli_kernels *g_kernels;
    learn_examples g_examples;
    learn_recipe g_recipe;
    learn_runner g_network; /* made; or given back, to be freed */
    mlc_error g_error;
};

static void training_forget(t_errand *e)
{
    t_training *g = (t_training *)e;
    learn_runner_free(&g->g_network);
    learn_examples_free(&g->g_examples);
    free(g);
}

static int training_report(void *user, uint32_t epoch, double loss)
{
    t_training *g = user;
    worker_others();
    union {
        float f;
        uint32_t bits;
    } v = {(float)loss};
    atomic_store_explicit(&g->g_loss, v.bits, memory_order_relaxed);
    atomic_store_explicit(&g->g_epoch, epoch, memory_order_release);
    return !atomic_load_explicit(&g->g_stop, memory_order_relaxed);
}

static void training_work(t_errand *e)
{
    t_training *g = (t_training *)e;
    mlc_image image;
    learn_runner_free(&g->g_network);
    g->g_error.status = MLC_OK;
    if (!learn_train(&g->g_examples, &g->g_recipe, training_report, g, &image,
                     &g->g_error))
        learn_runner_make(&g->g_network, &image, g->g_kernels, &g->g_error);
}

t_training *training_new(uint32_t inputs, uint32_t outputs, uint32_t capacity,
                         const mli_kernels *kernels)
{
    t_training *g = calloc(1, sizeof(*g));
    if (!g)
        return 0;
    g->g_errand.e_work = training_work;
    g->g_errand.e_forget = training_forget;
    g->g_errand.e_job.j_long = 1;
    g->g_kernels = kernels;
    if (learn_examples_make(&g->g_examples, inputs, outputs, capacity) &&
        worker_join())
        return g;
    training_forget(&g->g_errand);
    return 0;
}

void training_free(t_training *g)
{
    if (!g)
        return;
    training_stop(g);
    errand_leave(&g->g_errand);
    worker_leave();
}

int training_begin(t_training *g, const learn_examples *e,
                   const learn_recipe *recipe)
{
    if (errand_stage(&g->g_errand) != ERRAND_IDLE)
        return 0;
    learn_examples_copy(&g->g_examples, e);
    g->g_recipe = *recipe;
    atomic_store(&g->g_stop, 0);
    atomic_store(&g->g_epoch, 0);
    errand_give(&g->g_errand);
    return 1;
}

void training_stop(t_training *g)
{
    atomic_store_explicit(&g->g_stop, 1, memory_order_relaxed);
}

t_stage training_progress(t_training *g, uint32_t *epoch, float *loss)
{
    union {
        uint32_t bits;
        float f;
    } v;
    t_stage stage = errand_stage(&g->g_errand);
    *epoch = atomic_load_explicit(&g->g_epoch, memory_order_acquire);
    v.bits = atomic_load_explicit(&g->g_loss, memory_order_relaxed);
    *loss = v.f;
    return stage;
}

int training_result(t_training *g, learn_runner **network, mlc_error *error)
{
    errand_take(&g->g_errand);
    *network = &g->g_network;
    *error = g->g_error;
    return g->g_network.session != 0;
}
