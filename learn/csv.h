/*
 * csv.h - examples as text: a line each, inputs first, then the outputs or the
 * label.
 *
 * Written: a first line of names, commas between, numbers with 9 digits, which
 * say a float exactly. Read: with or without a line of names, with commas,
 * semicolons or tabs between (told by the first line), any line ends, empty
 * lines left out. A label may stand in double quotes.
 */
#ifndef LEARN_CSV_H
#define LEARN_CSV_H

#include "compiler.h"
#include "examples.h"

/* Text that ends with a NUL, to be freed. NULL: no memory. */
char *learn_csv_write(const learn_examples *e, size_t *size);

/*
 * Examples from text of any bytes into e, whose sizes say how many inputs and
 * outputs a line must have and how many lines there may be. On an error, which
 * names the line, e is not to be used.
 *
 * With one value behind the inputs it is a label if its name in the first line
 * is "label", or if a line has something there that is no number, or if e has
 * not one output.
 */
mlc_status learn_csv_read(learn_examples *e, const char *text, size_t size,
                          mlc_error *error);

#endif
