/*
 * pickle_machine.h - a pickle's small machine: a stack, marks, a memo. It
 * executes nothing; the two functions that a state_dict calls are known here.
 */
#ifndef MLC_LAYERS_PICKLE_MACHINE_H
#define MLC_LAYERS_PICKLE_MACHINE_H

#include "layers/weights.h"

typedef enum pickle_kind {
    K_OTHER, /* None, float, list: never looked at */
    K_MARK,
    K_INT,     /* a: low, b: high */
    K_TEXT,    /* a: first byte, b: length */
    K_GLOBAL,  /* a: of the table */
    K_TUPLE,   /* a: first item, b: count */
    K_DICT,    /* a: first pair, b: last; 0: none, else + 1 */
    K_STORAGE, /* a: global, b: its key, a K_TEXT value */
    K_TENSOR   /* a: storage, b: the arguments, a K_TUPLE value */
} pickle_kind;

typedef struct pickle_value {
    uint32_t kind, a, b;
} pickle_value;

typedef struct pickle_pair {
    uint32_t key, value; /* indices of values */
    uint32_t next;       /* 0: none, else + 1 */
} pickle_pair;

/* A growing array of 4-byte numbers or of structs. */
typedef struct pickle_list {
    void *at;
    uint32_t count, room;
} pickle_list;

typedef struct pickle_machine {
    const uint8_t *bytes;
    size_t size, at;
    pickle_list values; /* pickle_value */
    pickle_list stack;  /* uint32_t: indices of values */
    pickle_list items;  /* uint32_t: of tuples */
    pickle_list pairs;  /* pickle_pair */
    pickle_list memo;   /* uint32_t: 0: none, else value + 1 */
    mlc_error *error;
    int stopped;
} pickle_machine;

/* One opcode; 0: an error, which is in m->error. */
int pickle_step(pickle_machine *m);

/* Fails with what is wrong, and where; 0. */
int pickle_broken(pickle_machine *m, const char *what);

pickle_value *pickle_values(const pickle_machine *m);
/* The value `down` from the top, NULL if the stack is not as deep. */
pickle_value *pickle_top(const pickle_machine *m, uint32_t down);
/* The i-th item of a tuple, NULL if there is none. */
pickle_value *pickle_item(const pickle_machine *m, const pickle_value *t,
                          uint32_t i);
/* What a K_STORAGE holds. */
mlc_number pickle_number(const pickle_value *storage);

#endif
