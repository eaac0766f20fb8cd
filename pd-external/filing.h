/*
 * filing.h - examples of [mlinfer -learn] from and to files, on the worker
 * thread: for a box whose sound runs.
 *
 * All but what ends in _new and _leave is free of allocation, lock and system
 * call for the box's thread. It asks by errand_stage whether something is done.
 */
#ifndef FILING_H
#define FILING_H

#include "learner.h"
#include "lookup.h"
#include "worker.h"

/* Does a name end so, in large letters or small ones? ending: small. */
int file_ends_in(const char *name, const char *ending);

/* What a file has, in place of all examples of l; "loaded 0 REASON" is *word
   then. */
mlc_status file_read(learner *l, const char *path, const char **word,
                     mlc_error *error);
mlc_status file_write(const learner *l, const char *path, mlc_error *error);

/* ------------------------------- reading ---------------------------------- */

typedef struct _reading {
    t_errand r_errand; /* first */
    learner *r_old;    /* to be freed, or 0 */
    int r_asked;       /* the question: */
    t_places r_places;
    uint32_t r_inputs, r_outputs, r_capacity;
    const mli_kernels *r_kernels;
    learner *r_learner; /* the answer; 0: why not */
    char r_path[MAXPDSTRING];
    const char *r_word;
    mlc_error r_error;
} t_reading;

/* For examples as l has them; 0: no memory or no thread. */
t_reading *reading_new(const learner *l);
/* From idle on: free old if it is not 0, and then, if asked, read the file that
   was gathered in r_places. */
void reading_give(t_reading *r, learner *old, int asked);
/* Of one that is done: what it has read, for the box; 0: see r_word, r_error.
 */
learner *reading_take(t_reading *r);
void reading_leave(t_reading *r);

/* ------------------------------- writing ---------------------------------- */

typedef struct _writing {
    t_errand w_errand; /* first */
    learn_examples w_examples;
    float w_smooth;
    int w_use_network;
    learn_runner w_network; /* the box's: it keeps it while this works */
    const mli_kernels *w_kernels;
    char w_path[MAXPDSTRING];
    mlc_error w_error;
    learner *w_learner; /* of a box that has left, to be freed afterwards */
} t_writing;

t_writing *writing_new(const learner *l);
/* From idle on: what l is now. Until it is done the box keeps l's network. A
   program that ends waits for it. */
void writing_give(t_writing *w, const learner *l, const char *path);
/* last: what the box would free, or 0. */
void writing_leave(t_writing *w, learner *last);

#endif
