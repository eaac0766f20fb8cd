/* see json_writer.h */
#include <math.h>
#include <stdio.h>

#include "json_writer.h"
#include "text.h"

/* Texts come from model files: what is not UTF-8 becomes U+FFFD. */
static void put_string(FILE *file, const char *text)
{
    const char *s = text;
    fputc('"', file);
    while (*s) {
        size_t n = mlc_utf8_length(s);
        unsigned char c = (unsigned char)*s;
        if (*s == '"' || *s == '\\')
            fprintf(file, "\\%c", *s);
        else if (c < 0x20 || c == 0x7f)
            fprintf(file, "\\u%04x", c);
        else if (n)
            fwrite(s, 1, n, file);
        else
            fputs("\\ufffd", file);
        s += n ? n : 1;
    }
    fputc('"', file);
}

static void begin(json_writer *w, const char *key)
{
    if (w->depth)
        fprintf(w->file, "%s\n%*s", w->first ? "" : ",", 2 * w->depth, "");
    w->first = 0;
    if (key) {
        put_string(w->file, key);
        fputs(": ", w->file);
    }
}

void json_put_open(json_writer *w, const char *key, char bracket)
{
    begin(w, key);
    fputc(bracket, w->file);
    w->depth++;
    w->first = 1;
}

void json_put_close(json_writer *w, char bracket)
{
    w->depth--;
    if (!w->first)
        fprintf(w->file, "\n%*s", 2 * w->depth, "");
    fputc(bracket, w->file);
    w->first = 0;
    if (!w->depth)
        fputc('\n', w->file);
}

void json_put_text(json_writer *w, const char *key, const char *text)
{
    begin(w, key);
    put_string(w->file, text);
}

void json_put_count(json_writer *w, const char *key, uint64_t value)
{
    begin(w, key);
    fprintf(w->file, "%llu", (unsigned long long)value);
}

void json_put_number(json_writer *w, const char *key, double value)
{
    begin(w, key);
    if (isfinite(value))
        fprintf(w->file, "%.9g", value);
    else
        fputs("null", w->file);
}

void json_put_bool(json_writer *w, const char *key, int value)
{
    begin(w, key);
    fputs(value ? "true" : "false", w->file);
}
