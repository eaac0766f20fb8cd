/* see json_writer.h */
#include <math.h>
#include <stdio.h>

#include "json_writer.h"

/* Length of the UTF-8 sequence at s, 0 if it is not one (RFC 3629). */
static int utf8_length(const unsigned char *s)
{
    int n = s[0] < 0x80                    ? 1
            : s[0] >= 0xc2 && s[0] <= 0xdf ? 2
            : s[0] >= 0xe0 && s[0] <= 0xef ? 3
            : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                           : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

/* Texts come from model files: what is not UTF-8 becomes U+FFFD. */
static void put_string(FILE *file, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    fputc('"', file);
    while (*s) {
        int n = utf8_length(s);
        if (*s == '"' || *s == '\\')
            fprintf(file, "\\%c", *s);
        else if (*s < 0x20 || *s == 0x7f)
            fprintf(file, "\\u%04x", *s);
        else if (n)
            fwrite(s, 1, (size_t)n, file);
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
