/*
 * tiny_files.h - small model files that together have every operator, in every
 * mode, spread and not: for tests that must not leave one out.
 */
#ifndef TINY_FILES_H
#define TINY_FILES_H

#include "file_builder.h"

/* What the n-th file is called; NULL past the last. */
const char *tiny_name(uint32_t n);
fb_image tiny_file(uint32_t n);

#endif
