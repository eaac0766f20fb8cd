/*
 * loaded_model.h - a model from any file that the compiler knows, and a session
 * over memory of its own.
 */
#ifndef LOADED_MODEL_H
#define LOADED_MODEL_H

#include "compiler.h"
#include "mlinfer.h"

/* Frames that a stream model computes at a time: the fastest, and every tile
   gives the same bits. */
#define TOOL_TILE 64u

typedef struct loaded_model {
    mlc_image image;
    mli_model model;
    mli_info info;
    mli_memory memory;
    mli_session *session; /* NULL until loaded_model_start */
    void *state, *arena;  /* owned */
} loaded_model;

/*
 * Open path; options may be NULL. Says what is wrong and returns -1 if it
 * cannot be opened, and leaves loaded empty.
 */
int loaded_model_open(loaded_model *loaded, const char *path,
                      const mlc_options *options);

/* Start a session with the kernels of kernel_choice. path is for the error.
   Returns 0 or -1. */
int loaded_model_start(loaded_model *loaded, const char *path);

void loaded_model_close(loaded_model *loaded);

/* The model's own name, or the file's without folder and ending (in buffer). */
const char *loaded_model_name(const loaded_model *loaded, const char *path,
                              char *buffer, size_t size);

const char *mode_word(mli_mode mode);

#endif
