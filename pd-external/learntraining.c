/*
 * learntraining.c - train, stop and use of [mlinfer -learn]. A clock asks the
 * worker how far it is and takes what it made.
 */
#include <string.h>
#include "learnbox.h"

#define ASK_MILLISECONDS 50
#define UNITS_DEFAULT    32

static void learnbox_sayloss(t_learnbox *x, uint32_t epoch, float loss)
{
    t_atom at[2];
    if (!epoch || epoch == x->x_epoch)
        return;
    x->x_epoch = epoch;
    SETFLOAT(at, (t_float)epoch);
    SETFLOAT(at + 1, loss);
    outlet_anything(x->x_box.x_info, gensym("loss"), 2, at);
}

/* reason: why there is no network; 0: there is one. */
static void learnbox_saytrained(t_learnbox *x, const char *reason)
{
    t_atom at[2];
    SETFLOAT(at, !reason);
    if (reason)
        SETSYMBOL(at + 1, gensym(reason));
    outlet_anything(x->x_box.x_info, gensym("trained"), reason ? 2 : 1, at);
}

static void learnbox_begin(t_learnbox *x)
{
    x->x_again = 0;
    if (!training_begin(x->x_training, &x->x_learner->examples, &x->x_recipe))
        return;
    x->x_trains = 1;
    x->x_unwanted = 0;
    x->x_epoch = 0;
    clock_delay(x->x_ask, ASK_MILLISECONDS);
}

static void learnbox_ended(t_learnbox *x)
{
    learn_runner *network;
    mlc_error error;
    int unwanted = x->x_unwanted;
    x->x_trains = 0;
    int done = training_result(x->x_training, &network, &error);
    if (done && !unwanted)
        learner_set_network(x->x_learner, network);
    else if (!done)
        box_error(&x->x_box, "train: %s", error.text);
    if (x->x_again) { /* the end of the one before is no news */
        learnbox_begin(x);
        return;
    }
    learnbox_saytrained(x, !done      ? mlc_status_word(error.status)
                           : unwanted ? "changed"
                                      : 0);
}

static void learnbox_ask(t_learnbox *x)
{
    uint32_t epoch;
    float loss;
    t_stage stage = training_progress(x->x_training, &epoch, &loss);
    if (stage == ERRAND_DONE && learnbox_writes(x))
        stage = ERRAND_WORKING; /* the network is being written */
    if (stage == ERRAND_WORKING)
        clock_delay(x->x_ask, ASK_MILLISECONDS);
    if (!x->x_unwanted)
        learnbox_sayloss(x, epoch, loss);
    if (stage == ERRAND_DONE)
        learnbox_ended(x);
}

/* "train 32 16": units of each hidden layer. */
static int learnbox_recipe(t_learnbox *x, int argc, const t_atom *argv,
                           learn_recipe *recipe)
{
    memset(recipe, 0, sizeof(*recipe));
    if (argc > (int)LEARN_LAYERS) {
        box_error(&x->x_box, "train: expected at most %u hidden layers, got %d",
                  LEARN_LAYERS, argc);
        return 0;
    }
    for (int i = 0; i < argc; i++) {
        t_float units = atom_getfloat(argv + i);
        if (!(units >= 1 && units <= LEARN_UNITS && units == (int)units)) {
            char got[MAXPDSTRING];
            arguments_word(got, sizeof(got), argv + i);
            box_error(&x->x_box,
                      "train: layer %d: expected 1 to %u units, got %s", i + 1,
                      LEARN_UNITS, got);
            return 0;
        }
        recipe->units[i] = (uint32_t)units;
    }
    recipe->layers = (uint32_t)argc;
    if (!argc)
        recipe->units[recipe->layers++] = UNITS_DEFAULT;
    return 1;
}

static void learnbox_train(t_learnbox *x, t_symbol *s, int argc, t_atom *argv)
{
    learn_recipe recipe;
    (void)s;
    if (!learnbox_recipe(x, argc, argv, &recipe))
        return;
    if (!x->x_learner->examples.count) {
        box_error(&x->x_box, "train: there is no example");
        return;
    }
    if (x->x_trains && !x->x_unwanted) {
        box_error(&x->x_box, "train: training goes on: stop it first");
        return;
    }
    x->x_recipe = recipe;
    x->x_again = x->x_trains;
    if (!x->x_trains)
        learnbox_begin(x);
}

static void learnbox_stop(t_learnbox *x)
{
    x->x_again = 0;
    training_stop(x->x_training);
}

void learnbox_droptraining(t_learnbox *x)
{
    if (!x->x_trains)
        return;
    x->x_again = 0;
    x->x_unwanted = 1;
    training_stop(x->x_training);
}

static void learnbox_use(t_learnbox *x, t_symbol *s, int argc, t_atom *argv)
{
    char got[MAXPDSTRING] = "nothing";
    (void)s;
    if (argc)
        arguments_word(got, sizeof(got), argv);
    int network = !strcmp(got, "network");
    if (!network && strcmp(got, "blend"))
        box_error(&x->x_box, "use: expected blend or network, got %s", got);
    else if (!learner_use_network(x->x_learner, network))
        box_error(&x->x_box, "use network: none was trained on these examples");
}

int learnbox_maketraining(t_learnbox *x)
{
    const learn_examples *e = &x->x_learner->examples;
    x->x_training =
        training_new(e->inputs, e->outputs, e->capacity, x->x_learner->kernels);
    if (!x->x_training)
        box_error(&x->x_box, "-learn: no memory, or no thread to train on");
    else
        x->x_ask = clock_new(x, (t_method)learnbox_ask);
    return x->x_training != 0;
}

void learnbox_freetraining(t_learnbox *x)
{
    if (x->x_ask)
        clock_free(x->x_ask);
    training_free(x->x_training);
}

void learnbox_addtraining(t_class *c)
{
    class_addmethod(c, (t_method)learnbox_train, gensym("train"), A_GIMME, 0);
    class_addmethod(c, (t_method)learnbox_stop, gensym("stop"), 0);
    class_addmethod(c, (t_method)learnbox_use, gensym("use"), A_GIMME, 0);
}
