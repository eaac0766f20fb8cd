/*
 * meta.h - a model file with other metadata.
 */
#ifndef LEARN_META_H
#define LEARN_META_H

#include "compiler.h"

typedef struct learn_meta {
    const char *key, *value;
} learn_meta;

/*
 * A copy of a verified image that has these n pairs and no other metadata. All
 * that computes is the same, byte for byte.
 */
mlc_status learn_with_meta(const mlc_image *from, const learn_meta *pairs,
                           uint32_t n, mlc_image *to, mlc_error *error);

#endif
