/*
 * learnbox.h - the struct of [mlinfer -learn INS OUTS].
 */
#ifndef LEARNBOX_H
#define LEARNBOX_H

#include "box.h"
#include "filing.h"
#include "learner.h"
#include "training.h"

/* Files that can be on their way at once while sound runs. */
#define WRITES_MAX 2

typedef struct _learnbox {
    t_box x_box; /* its player stays empty */
    learner *x_learner;
    float *x_in;      /* [inputs] the last at the left inlet */
    float *x_held;    /* [inputs] the same in the ranges seen */
    int x_has;        /* something came there */
    float *x_wanted;  /* [outputs] the last at the right inlet */
    float *x_answer;  /* [learner_most_answers] */
    t_atom *x_atoms;  /* [learner_most_answers] the list that goes out ... */
    int x_busy;       /* ... at this moment */
    t_atom *x_labels; /* [learner_most_answers] as patches write them */
    int x_wrongsaid;  /* a list that is wrong was said */
    t_training *x_training;
    int x_trains;   /* it goes on ... */
    int x_unwanted; /* ... with examples that are no longer all */
    int x_again;    /* then another training, as ... */
    learn_recipe x_recipe;
    uint32_t x_epoch; /* the last one that was said */
    t_clock *x_ask;   /* how far it is */
    t_reading *x_reading;
    t_wants x_wants; /* a file, by the box's x_name */
    learner *x_gone; /* nobody's any more, for the worker to free; or 0 */
    t_writing *x_writing[WRITES_MAX];
    int x_lastwriting; /* the one that was given last */
    t_clock *x_filing; /* asks how these are */
    t_outlet *x_out;
} t_learnbox;

/* Examples are others now: say so. */
void learnbox_changed(t_learnbox *x);

/* For the constructor, 0: it failed, which was said; the destructor; methods
   for train, stop, use. */
int learnbox_maketraining(t_learnbox *x);
void learnbox_freetraining(t_learnbox *x);
void learnbox_addtraining(t_class *c);

/* What is in training would not know all examples. */
void learnbox_droptraining(t_learnbox *x);

/* Methods for load, read, reload, write; for the constructor, 0: it failed,
   which was said; the destructor, which frees x_learner, too. */
void learnbox_addfiles(t_class *c);
int learnbox_makefiles(t_learnbox *x);
void learnbox_freefiles(t_learnbox *x);

/* Is a file being written? Then the network has to stay. */
int learnbox_writes(const t_learnbox *x);

/* Read a file of either kind in place of all examples. */
int learnbox_open(t_learnbox *x, const char *name);

#endif
