/*
 * onnx_describe.c - metadata_props of an ONNX file: rate, labels, ranges.
 */
#include <math.h>
#include <string.h>
#include "onnx_describe.h"

#define PREFIX    "mlinfer."
#define MAX_VALUE 1024u
#define MAX_META  1024u /* keys are looked up one by one, for each port */

/* What may be said of a port; a key is PREFIX, one of these, '.', its name. */
typedef struct said {
    const char *labels, *classes, *low, *high, *initial;
} said;

typedef struct describer {
    const onnx_model *model;
    ir_graph *g;
} describer;

static const char *value_of(const onnx_model *m, size_t i)
{
    return m->meta[2 * i + 1];
}

/* The text behind `start` in `key`, or NULL. */
static const char *behind(const char *key, const char *start)
{
    size_t n = strlen(start);
    return strncmp(key, start, n) ? NULL : key + n;
}

static void wrong(const onnx_model *m, const char *key, const char *expected,
                  const char *got)
{
    onnx_stop(m->exit, ONNX_WRONG, MLC_CORRUPT,
              "metadata %s: expected %s, got '%.60s'", key, expected, got);
}

/* ------------------------------------------------------------ numbers ---- */

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "e-3": read into *exponent, which stays within +-999. */
static const char *read_exponent(const char *at, int *exponent)
{
    const char *digits = at + 1;
    int sign = 1, e = 0;
    if (*at != 'e' && *at != 'E')
        return at;
    if (*digits == '-' || *digits == '+')
        sign = *digits++ == '-' ? -1 : 1;
    if (!is_digit(*digits))
        return at;
    for (; is_digit(*digits); digits++)
        e = e < 999 ? e * 10 + (*digits - '0') : 999;
    *exponent += sign * (e < 999 ? e : 999);
    return digits;
}

/*
 * A decimal number: not by strtod, whose decimal point is the locale's. NULL
 * when there is none, or none that fits a float. *at begins at it.
 */
static const char *read_number(const char *at, double *value)
{
    double mantissa = 0;
    int exponent = 0, digits = 0, point = 0;
    int negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    for (; is_digit(*at) || (*at == '.' && !point); at++) {
        if (*at == '.') {
            point = 1;
            continue;
        }
        digits++;
        /* 15 digits are exact in a double; the rest only moves the point */
        if (mantissa < 1e14) {
            mantissa = mantissa * 10 + (*at - '0');
            exponent -= point;
        } else if (!point) {
            exponent += exponent < 9999;
        }
    }
    if (!digits)
        return NULL;
    at = read_exponent(at, &exponent);
    mantissa = exponent < 0 ? mantissa / pow(10, -exponent)
                            : mantissa * pow(10, exponent);
    if (!(mantissa <= 3.4e38))
        return NULL;
    *value = negative ? -mantissa : mantissa;
    return at;
}

/* How many numbers a text holds, the first `room` of them in `to`; -1: it
   holds something else. Blanks or commas stand between. */
static int read_numbers(const char *text, float *to, uint32_t room)
{
    uint32_t n = 0;
    for (;;) {
        double value;
        while (is_blank(*text) || *text == ',')
            text++;
        if (!*text)
            return n < INT32_MAX ? (int)n : -1;
        text = read_number(text, &value);
        if (!text || (*text && !is_blank(*text) && *text != ','))
            return -1;
        if (n < room)
            to[n] = (float)value;
        n++;
    }
}

/* One number for all or one for each; zeros if nothing was said. */
static float *numbers_of(const onnx_model *m, const char *what,
                         const char *text, const char *port, uint32_t n)
{
    float *v = onnx_take(m->pool, n, sizeof *v);
    int found = text ? read_numbers(text, v, n) : (int)n;
    if (found < 1 || ((uint32_t)found != 1 && (uint32_t)found != n)) {
        char *key = onnx_print(m->pool, PREFIX "%s.%s", what, port);
        wrong(m, key, onnx_print(m->pool, "1 or %u numbers", n), text);
    }
    for (uint32_t i = 1; found == 1 && i < n; i++)
        v[i] = v[0];
    return v;
}

static float *channel_numbers(const describer *d, const char *what,
                              const char *text, const ir_port *port)
{
    return numbers_of(d->model, what, text, port->name, port->channel_count);
}

/* ------------------------------------------------------------- labels ---- */

/* Texts between commas, without the blanks around them. */
static const char **channel_labels(const describer *d, const char *what,
                                   const char *text, const ir_port *port)
{
    const onnx_model *m = d->model;
    uint32_t n = port->channel_count, found = 0;
    const char **v = onnx_take(m->pool, n, sizeof *v);
    for (const char *at = text; at; found++) {
        const char *comma = strchr(at, ',');
        const char *end = comma ? comma : at + strlen(at);
        while (is_blank(*at))
            at++;
        while (end > at && is_blank(end[-1]))
            end--;
        if (found < n)
            v[found] = onnx_copy(m->pool, at, (size_t)(end - at));
        at = comma ? comma + 1 : NULL;
    }
    if (text && found != n) {
        char *key = onnx_print(m->pool, PREFIX "%s.%s", what, port->name);
        wrong(m, key, onnx_print(m->pool, "%u names", n), text);
    }
    return v;
}

/* -------------------------------------------------------------- ports ---- */

static const char **said_field(said *s, const char *what, size_t length)
{
    static const char *const words[] = {"labels", "classes", "low", "high",
                                        "initial"};
    const char **fields[] = {&s->labels, &s->classes, &s->low, &s->high,
                             &s->initial};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == length && !strncmp(words[i], what, length))
            return fields[i];
    return NULL;
}

/* Everything that is said of a port. */
static int gather(const onnx_model *m, const char *port, said *s)
{
    int any = 0;
    *s = (said){0};
    for (size_t i = 0; i < m->meta_count; i++) {
        const char *what = behind(m->meta[2 * i], PREFIX);
        const char *dot = what ? strchr(what, '.') : NULL;
        const char **field;
        if (!dot || strcmp(dot + 1, port))
            continue;
        field = said_field(s, what, (size_t)(dot - what));
        if (field) {
            *field = value_of(m, i);
            any = 1;
        }
    }
    return any;
}

/* 0, or the end of the range that is nearest to it. */
static float nearest_to_zero(float low, float high)
{
    if (low >= high)
        return 0.f;
    return low > 0.f ? low : high < 0.f ? high : 0.f;
}

static void describe_port(describer *d, ir_port *port)
{
    const onnx_model *m = d->model;
    const char *names;
    const char **labels;
    float *low, *high, *initial;
    said s;
    if (!port->channel_count || !gather(m, port->name, &s))
        return;
    names = s.classes ? s.classes : s.labels;
    labels = channel_labels(d, s.classes ? "classes" : "labels", names, port);
    low = channel_numbers(d, "low", s.low, port);
    high = channel_numbers(d, "high", s.high, port);
    initial = channel_numbers(d, "initial", s.initial, port);
    d->g->port = port;
    if (s.classes)
        ir_classes(d->g);
    for (uint32_t c = 0; c < port->channel_count; c++) {
        if (low[c] > high[c])
            onnx_stop(m->exit, ONNX_WRONG, MLC_CORRUPT,
                      "metadata of %s: channel %u goes from %g to %g",
                      port->name, c + 1, (double)low[c], (double)high[c]);
        if (!s.initial)
            initial[c] = nearest_to_zero(low[c], high[c]);
        ir_channel_info(d->g, c, labels[c], low[c], high[c], initial[c]);
    }
}

/* ----------------------------------------------------------- the rest ---- */

static int has_port(const ir_port *ports, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (!strcmp(ports[i].name, name))
            return 1;
    return 0;
}

static int is_input(const onnx_model *m, const char *name)
{
    for (size_t i = 0; i < m->graph.input_count; i++)
        if (!strcmp(m->graph.inputs[i].name, name))
            return 1;
    return 0;
}

/* A key of ours, without PREFIX. */
static void check_own(describer *d, size_t i, const char *what)
{
    const onnx_model *m = d->model;
    const char *dot = strchr(what, '.');
    said s;
    if (!strcmp(what, "rate")) {
        float rate = 0;
        int n = read_numbers(value_of(m, i), &rate, 1);
        if (n != 1 || !(rate > 0))
            wrong(m, m->meta[2 * i], "a rate in Hz", value_of(m, i));
        d->g->rate = (double)rate;
        return;
    }
    if (!dot || !said_field(&s, what, (size_t)(dot - what)))
        onnx_stop(m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "metadata %.100s: no such key (expected rate, labels, "
                  "classes, low, high or initial)",
                  m->meta[2 * i]);
    if (!has_port(d->g->inputs, d->g->input_count, dot + 1) &&
        !has_port(d->g->outputs, d->g->output_count, dot + 1) &&
        !(behind(what, "initial.") && is_input(m, dot + 1)))
        onnx_stop(m->exit, ONNX_WRONG, MLC_CORRUPT,
                  "metadata %.100s: the model has no input or output of that "
                  "name",
                  m->meta[2 * i]);
}

/* A key of nobody in particular. Long values are pickled worlds of training
   tools, not something to tell. */
static void take_over(describer *d, const char *key, const char *value)
{
    float rate = 0;
    if (!strcmp(key, "sample_rate") && read_numbers(value, &rate, 1) == 1 &&
        rate > 0)
        d->g->rate = (double)rate;
    else if (*key && strlen(value) < MAX_VALUE)
        ir_set_meta(d->g, key, value);
}

void onnx_describe(const onnx_model *m, ir_graph *g)
{
    describer d = {m, g};
    if (m->meta_count > MAX_META)
        onnx_stop(m->exit, ONNX_WRONG, MLC_UNSUPPORTED,
                  "more than %u metadata entries", MAX_META);
    for (size_t i = 0; i < m->meta_count; i++) {
        const char *what = behind(m->meta[2 * i], PREFIX);
        if (what)
            check_own(&d, i, what);
        else
            take_over(&d, m->meta[2 * i], value_of(m, i));
    }
    for (uint32_t i = 0; i < g->input_count; i++)
        describe_port(&d, &g->inputs[i]);
    for (uint32_t i = 0; i < g->output_count; i++)
        describe_port(&d, &g->outputs[i]);
}

const float *onnx_described_state(const onnx_model *m, const char *input,
                                  uint32_t n)
{
    said s;
    if (!gather(m, input, &s) || !s.initial)
        return NULL;
    return numbers_of(m, "initial", s.initial, input, n);
}
