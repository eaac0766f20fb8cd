/*
 * run.h - the parts of mlinfer run: a sound file, arrays, or lists through a
 * started model. All answer an exit status and say what is wrong.
 */
#ifndef RUN_H
#define RUN_H

#include "loaded_model.h"
#include "npy.h"

#define RUN_MAX_ARRAYS 64u
#define RUN_MAX_BLOCK  (1u << 20) /* frames */

typedef struct run_arguments {
    const char *model, *wav, *output;
    const char *npy[RUN_MAX_ARRAYS];
    unsigned npy_count;
    int list;
    unsigned block; /* frames given to mli_process at a time; 0: default */
} run_arguments;

int run_wav(loaded_model *loaded, const run_arguments *a);
int run_npy(loaded_model *loaded, const run_arguments *a);
int run_list(loaded_model *loaded, const run_arguments *a);

/* a * b zeroed floats, at least one; NULL without memory or room to count
   them. Free them with free. */
float *run_floats(uint64_t a, uint64_t b);

/* ------------------------------------------------------- arrays (npy) ---- */

/*
 * The arrays of a run. Inputs meet the model's ports in one of three ways: one
 * array for every input; one for every signal input; one array that holds the
 * values of all signal inputs side by side.
 */
typedef struct run_arrays {
    unsigned count;
    npy_array in[RUN_MAX_ARRAYS];
    const char *path[RUN_MAX_ARRAYS];
    int together; /* the third way */
    int controls; /* controls have arrays, too */
} run_arrays;

/* An output port's values on their way into a file. */
typedef struct run_output {
    const char *name; /* borrowed: the port's */
    uint32_t rank;
    size_t dims[NPY_MAX_RANK];
    float *data; /* owned */
} run_output;

/*
 * A stream model over whole signals; a step or window model over rows. out has
 * info.outputs elements, zeroed but for the names.
 */
int run_npy_stream(loaded_model *loaded, const run_arguments *a,
                   const run_arrays *arrays, run_output *out);
int run_npy_rows(loaded_model *loaded, const run_arrays *arrays,
                 run_output *out);

/* The array for input port `port`, NULL if it has none. */
const npy_array *run_array_of(const run_arrays *arrays,
                              const loaded_model *loaded, uint32_t port,
                              const char **path);

/* "(2, 3, 4)" into text; returns text. */
#define RUN_SHAPE_TEXT 200u
const char *run_shape_text(const npy_array *array, char text[RUN_SHAPE_TEXT]);

/* Write all of them as DIR/NAME.npy, or none. */
int run_write_outputs(const char *dir, const run_output *outputs,
                      uint32_t count);

#endif
