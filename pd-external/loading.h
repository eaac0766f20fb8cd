/*
 * loading.h - a model on its way to a box, on the worker thread: found, read,
 * checked or compiled, laid into memory and run once on silence. The voice that
 * a box no longer plays goes the other way, to be closed there.
 *
 * For the box's thread all but loading_new and loading_leave is free of
 * allocation, lock and system call.
 */
#ifndef LOADING_H
#define LOADING_H

#include "lookup.h"
#include "voice.h"
#include "worker.h"

/* What is asked for. */
typedef struct _request {
    t_places q_places;        /* where the file may be, if ... */
    char q_path[MAXPDSTRING]; /* ... it is not known: empty */
    int q_fresh;              /* see shared.h */
    t_setting q_setting;
} t_request;

typedef struct _loading t_loading;

/* 0: no memory or no thread. */
t_loading *loading_new(void);
/* The box goes, whatever it does at the moment. */
void loading_leave(t_loading *l);

t_stage loading_stage(t_loading *l);

/* While it is idle: what may be filled in for loading_ask. */
t_request *loading_request(t_loading *l);

/* From idle on: close `old` (which is empty then), and open what was requested
   if there is such a thing. */
void loading_ask(t_loading *l, t_voice *old, int request);

/* The answer is no longer wanted: it need not begin. */
void loading_drop(t_loading *l);

/*
 * What was done is to be taken: idle again. 1: *v is the voice, which leaves
 * the loading; 0: there is none, and failure says why if one was asked for.
 * path: of the file. Both point into the loading, good until the next
 * loading_ask.
 */
int loading_take(t_loading *l, t_voice *v, const char **path,
                 const t_failure **failure);

/* What the worker does, at once. path: MAXPDSTRING. 0: failure is filled in. */
int request_open(const t_request *q, t_voice *v, char *path,
                 t_failure *failure);

#endif
