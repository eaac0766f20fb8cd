/*
 * small_files.h - a model file of each mode, for tests of whole sessions.
 */
#ifndef SMALL_FILES_H
#define SMALL_FILES_H

#include "file_builder.h"

/* Signal inputs of 3 and 1 channels, a control of 2 (initially 0.25); outputs
   of 3, 3 and 3 channels, the last the first input. Everything that keeps a
   state, with shapes that fill no vector. */
fb_image small_stream(void);

/* Frames at four rates. */
fb_image small_rates(void);

/* Windows of 50 frames of 2 channels, a control of 1 (initially 0.25); outputs:
   3 numbers, and the window times the control. hop <= 50 */
fb_image small_window(uint32_t hop);

/* 3 numbers in, 5 out, from an LSTM. */
fb_image small_steps(void);

#endif
