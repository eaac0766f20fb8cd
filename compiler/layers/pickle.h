/*
 * pickle.h - the pickle of a PyTorch state_dict: dictionaries of tensors, and
 * nothing that would have to be run. What it may name is a short list; anything
 * else is refused by its name.
 */
#ifndef MLC_LAYERS_PICKLE_H
#define MLC_LAYERS_PICKLE_H

#include "layers/weights.h"

/* A tensor as the pickle describes it: a view of a storage. */
typedef struct mlc_pickled {
    const char *name; /* of the dictionaries' keys, parted by dots */
    size_t length;
    const char *key; /* of the storage, borrowed, not terminated */
    size_t key_length;
    mlc_number type;
    uint64_t offset; /* elements */
    uint32_t rank;
    uint64_t dims[MLC_WEIGHTS_RANK], strides[MLC_WEIGHTS_RANK];
} mlc_pickled;

/* Called for each tensor, in the order of the dictionaries. */
typedef mlc_status (*mlc_pickle_take)(void *owner, const mlc_pickled *t,
                                      mlc_error *error);

mlc_status mlc_pickle_read(const uint8_t *bytes, size_t size,
                           mlc_pickle_take take, void *owner, mlc_error *error);

#endif
