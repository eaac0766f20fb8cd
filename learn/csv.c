/* see csv.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "csv.h"
#include "decimal.h"

/* ------------------------------------------------------------ writing ---- */

static void put(mlc_bytes *b, const char *text)
{
    mlc_put(b, text, strlen(text));
}

static void put_number(mlc_bytes *b, float f)
{
    char text[20]; /* "-1.23456789e+38" */
    snprintf(text, sizeof text, "%.9g", (double)f);
    for (char *c = text; *c; c++) /* a host program's locale */
        if (*c == ',')
            *c = '.';
    put(b, text);
}

/* In quotes, always: so a label that is a number or empty is told, too. */
static void put_label(mlc_bytes *b, const char *label)
{
    put(b, "\"");
    for (const char *c = label; *c; c++)
        mlc_put(b, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    put(b, "\"");
}

static void put_names(mlc_bytes *b, const learn_examples *e, int classes)
{
    char text[16]; /* "out1024," */
    for (uint32_t i = 0; i < e->inputs; i++) {
        snprintf(text, sizeof text, "in%u,", i + 1);
        put(b, text);
    }
    for (uint32_t i = 0; !classes && i < e->outputs; i++) {
        snprintf(text, sizeof text, "%sout%u", i ? "," : "", i + 1);
        put(b, text);
    }
    put(b, classes ? "label\n" : "\n");
}

char *learn_csv_write(const learn_examples *e, size_t *size)
{
    int classes = learn_examples_classes(e);
    mlc_bytes b = {0};
    put_names(&b, e, classes);
    for (uint32_t n = 0; n < e->count; n++) {
        for (uint32_t i = 0; i < e->inputs; i++) {
            put_number(&b, e->x[(size_t)n * e->inputs + i]);
            put(&b, ",");
        }
        for (uint32_t i = 0; !classes && i < e->outputs; i++) {
            put(&b, i ? "," : "");
            put_number(&b, e->y[(size_t)n * e->outputs + i]);
        }
        if (classes)
            put_label(&b, e->name[e->label[n]]);
        put(&b, "\n");
    }
    *size = b.size;
    mlc_put(&b, "", 1);
    if (!b.failed)
        return (char *)b.data;
    free(b.data);
    return NULL;
}

/* ------------------------------------------------------------ reading ---- */

typedef struct field {
    const char *text;
    size_t size;
    int quoted;
} field;

typedef struct reading {
    const char *at, *end;
    char between; /* fields */
    uint32_t line;
    field *fields; /* [room]: the current line's */
    uint32_t count, room;
    int is_label;  /* what stands behind the inputs */
    float *values; /* [inputs + outputs] */
} reading;

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void trim(field *f, char between)
{
    while (f->size && *f->text != between && is_blank(*f->text))
        f->text++, f->size--;
    while (f->size && is_blank(f->text[f->size - 1]))
        f->size--;
}

/* One field of a line; a quoted one may hold separators, not line ends.
   Returns where it ends. */
static const char *take_field(const reading *r, const char *at,
                              const char *line_end, field *f)
{
    const char *from = at;
    while (from < line_end && *from != r->between && is_blank(*from))
        from++;
    if (from < line_end && *from == '"') {
        const char *to = from + 1;
        while (to < line_end &&
               (*to != '"' || (to + 1 < line_end && to[1] == '"')))
            to += *to == '"' ? 2 : 1;
        if (to < line_end) {
            *f = (field){from + 1, (size_t)(to - from - 1), 1};
            while (to < line_end && *to != r->between)
                to++;
            return to;
        }
    }
    while (at < line_end && *at != r->between)
        at++;
    *f = (field){from, from < at ? (size_t)(at - from) : 0, 0};
    trim(f, r->between);
    return at;
}

/* The next line that is not empty: its fields, those past the room only
   counted. 0: there is none. */
static int next_line(reading *r)
{
    while (r->at < r->end) {
        const char *line_end = r->at, *at = r->at;
        while (line_end < r->end && *line_end != '\n' && *line_end != '\r')
            line_end++;
        r->at = line_end + (line_end < r->end);
        if (line_end < r->end && *line_end == '\r' && r->at < r->end &&
            *r->at == '\n')
            r->at++;
        r->line++;
        for (r->count = 0;; at++) {
            field f, *to = r->count < r->room ? r->fields + r->count : &f;
            at = take_field(r, at, line_end, to);
            r->count++;
            if (at == line_end)
                break;
        }
        if (r->count > 1 || r->fields[0].size || r->fields[0].quoted)
            return 1;
    }
    return 0;
}

/* JSON's numbers, and as spreadsheets and people write them: +1, .5, 5. */
static int is_number(const field *f, float *value)
{
    char text[128] = "";
    size_t used = 0, i = 0;
    mlc_decimal d;
    if (f->quoted || !f->size || f->size > sizeof text / 2 - 2)
        return 0;
    if (f->text[i] == '+' || f->text[i] == '-')
        if (f->text[i++] == '-')
            text[used++] = '-';
    if (i < f->size && f->text[i] == '.')
        text[used++] = '0';
    for (; i < f->size; i++) {
        text[used++] = f->text[i];
        int last = i + 1 == f->size;
        if (f->text[i] == '.' &&
            (last || f->text[i + 1] == 'e' || f->text[i + 1] == 'E'))
            text[used++] = '0';
    }
    if (mlc_decimal_read(&d, (const uint8_t *)text, used) != used || !used)
        return 0;
    *value = mlc_decimal_float(&d);
    return *value - *value == 0;
}

static int field_is(const field *f, const char *word)
{
    return f->size == strlen(word) && !memcmp(f->text, word, f->size);
}

static mlc_status wrong(const reading *r, const learn_examples *e,
                        mlc_error *error)
{
    return mlc_fail(error, MLC_UNSUPPORTED,
                    "line %u: %u value%s (expected %u: %u inputs and %u "
                    "outputs, or %u with a label)",
                    r->line, r->count, r->count == 1 ? "" : "s",
                    e->inputs + e->outputs, e->inputs, e->outputs,
                    e->inputs + 1);
}

static void copy_label(const field *f, char *label)
{
    size_t used = 0;
    for (size_t i = 0; i < f->size && used < LEARN_LABEL_BYTES; i++) {
        if (f->quoted && f->text[i] == '"')
            i++;
        label[used++] = f->text[i] ? f->text[i] : ' ';
    }
    label[used] = 0;
}

static mlc_status add(reading *r, learn_examples *e, mlc_error *error)
{
    char label[LEARN_LABEL_BYTES + 1];
    uint32_t numbers = r->is_label ? e->inputs : e->inputs + e->outputs;
    learn_status status;
    if (r->count != numbers + (r->is_label ? 1u : 0u))
        return wrong(r, e, error);
    for (uint32_t i = 0; i < numbers; i++)
        if (!is_number(r->fields + i, r->values + i))
            return mlc_fail(error, MLC_UNSUPPORTED,
                            "line %u: value %u is not a number that a float "
                            "holds: %.*s",
                            r->line, i + 1,
                            r->fields[i].size < 40 ? (int)r->fields[i].size
                                                   : 40,
                            r->fields[i].text);
    if (r->is_label) {
        copy_label(r->fields + e->inputs, label);
        status = learn_examples_add_label(e, r->values, label);
    } else {
        status = learn_examples_add(e, r->values, r->values + e->inputs);
    }
    if (status == LEARN_FULL)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "line %u: more examples than there is room for "
                        "(expected at most %u: a larger -capacity)",
                        r->line, e->capacity);
    if (status == LEARN_MANY_LABELS)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "line %u: too many different labels (expected at most "
                        "%u)",
                        r->line, e->label_room);
    return MLC_OK;
}

/* Is there a number among the inputs? Then this is no line of names. */
static int has_number(const reading *r, uint32_t inputs)
{
    float ignored;
    for (uint32_t i = 0; i < r->count && i < inputs; i++)
        if (is_number(r->fields + i, &ignored))
            return 1;
    return 0;
}

static char separator(const char *at, const char *end)
{
    size_t tabs = 0, semicolons = 0;
    for (; at < end && *at != '\n' && *at != '\r'; at++) {
        tabs += *at == '\t';
        semicolons += *at == ';';
    }
    return tabs ? '\t' : semicolons ? ';' : ',';
}

static void begin(reading *r, const char *text, size_t size)
{
    r->at = text;
    r->end = text + size;
    r->line = 0;
    if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        r->at += 3;
    r->between = separator(r->at, r->end);
}

/* Looks at all lines if it must: is there a line of names, and what stands
   behind the inputs? */
static mlc_status find_form(reading *r, const learn_examples *e, int *names,
                            mlc_error *error)
{
    float ignored;
    *names = 0;
    r->is_label = 0;
    if (!next_line(r))
        return MLC_OK;
    if (r->count != e->inputs + 1 && r->count != e->inputs + e->outputs)
        return wrong(r, e, error);
    *names = !has_number(r, e->inputs);
    r->is_label = r->count == e->inputs + 1 &&
                  (e->outputs != 1 ||
                   (*names && field_is(r->fields + e->inputs, "label")));
    if (*names && !next_line(r))
        return MLC_OK;
    if (e->outputs == 1 && !r->is_label)
        do
            r->is_label |= r->count == e->inputs + 1 &&
                           !is_number(r->fields + e->inputs, &ignored);
        while (next_line(r));
    return MLC_OK;
}

static mlc_status read_lines(reading *r, learn_examples *e, const char *text,
                             size_t size, mlc_error *error)
{
    int names;
    begin(r, text, size);
    mlc_status status = find_form(r, e, &names, error);
    begin(r, text, size);
    if (!status && names)
        next_line(r);
    while (!status && next_line(r))
        status = add(r, e, error);
    return status;
}

mlc_status learn_csv_read(learn_examples *e, const char *text, size_t size,
                          mlc_error *error)
{
    uint32_t room = e->inputs + e->outputs;
    reading r = {.room = room,
                 .fields = calloc(room, sizeof *r.fields),
                 .values = calloc(room, sizeof *r.values)};
    learn_examples_empty(e);
    mlc_status status = r.fields && r.values
                            ? read_lines(&r, e, text, size, error)
                            : mlc_fail(error, MLC_MEMORY, "no memory");
    free(r.fields);
    free(r.values);
    return status;
}
