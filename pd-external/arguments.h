/*
 * arguments.h - creation arguments of both classes: flags, then the name of a
 * model file.
 */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include "m_pd.h"

#define HOP_DEFAULT 64      /* frames */
#define HOP_MAX     1048576 /* frames: 22 s at 48 kHz */
#define PORTS_MAX   1024    /* signal inlets or outlets of one box */

#define CAPACITY_DEFAULT 512 /* examples */
#define CAPACITY_MAX     65536
#define LEARN_MAX        1024 /* inputs or outputs that are shown */

typedef struct _arguments {
    int a_in;     /* signal inlets; -1: as the model has */
    int a_out;    /* signal outlets; -1: as the model has */
    int a_hop;    /* frames from one run of a step model to the next */
    int a_list;   /* results are lists, there are no signal outlets */
    int a_multi;  /* one multichannel inlet, and one outlet */
    int a_norate; /* a model of another rate is not converted to Pd's */
    int a_clamp;  /* inputs are held in the ranges that the model gives */
    int a_learn;  /* -learn: no model, examples are shown */
    int a_learnin, a_learnout; /* values that are shown; 0: not given */
    int a_capacity;            /* examples that there is room for */
    char a_name[MAXPDSTRING];  /* model file as it was typed; empty: none */
} t_arguments;

/*
 * Take the arguments of a box apart. What is wrong is said with pd_error and
 * left out, a flag with the numbers behind it. tilde: the flags of [mlinfer~]
 * make sense here.
 */
void arguments_parse(t_arguments *a, const void *x, int tilde, int argc,
                     const t_atom *argv);

/* An atom as people read it: a symbol, or the %g text of a float. Returns what
   snprintf does. */
int arguments_word(char *text, size_t size, const t_atom *at);

/*
 * The name that some atoms spell: joined by spaces, a float as its %g text.
 * A single 0 spells no name: "$1" of an abstraction without arguments.
 */
void arguments_name(char *name, size_t size, int argc, const t_atom *argv);

#endif
