/*
 * npy.h - NumPy's .npy files, read and written as arrays of float.
 *
 * Read: versions 1 and 2, little-endian, C order; float32, float64, signed and
 * unsigned integers of 1 to 8 bytes, and bool. Everything becomes float
 * (rounded to nearest). Written: version 1, float32.
 *
 * Bounds: at most NPY_MAX_RANK dims and NPY_MAX_ELEMENTS elements; memory is
 * only taken once the file is known to be as long as its header says.
 */
#ifndef NPY_H
#define NPY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define NPY_MAX_RANK     8u
#define NPY_MAX_ELEMENTS ((uint64_t)1 << 30)
#define NPY_ERROR        256u

typedef struct npy_array {
    uint32_t rank; /* 0: a single number */
    size_t dims[NPY_MAX_RANK];
    size_t count; /* product of dims */
    float *data;  /* owned: free it with npy_free; never NULL after a read */
} npy_array;

/*
 * Read a file. 0: done. -1: array is empty and error, NPY_ERROR bytes (or
 * NULL), says in one line what is wrong, without the file's name.
 */
int npy_read(const char *path, npy_array *array, char *error);

/* Write to a file open for writing. 0: done, -1: errno says why not. */
int npy_write_stream(FILE *file, uint32_t rank, const size_t *dims,
                     const float *data);

/* Write a file; error as in npy_read. A file that fails half-way is removed. */
int npy_write(const char *path, uint32_t rank, const size_t *dims,
              const float *data, char *error);

void npy_free(npy_array *array);

#endif
