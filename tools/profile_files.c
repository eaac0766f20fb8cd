/* see profile.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_writer.h"
#include "profile.h"
#include "text.h"

double profile_macs(const profile *p, const operator_text *o)
{
    double frames = p->info.mode == MLI_WINDOW ? p->info.hop : o->period;
    return (double)o->macs / frames;
}

void profile_put_name(const char *name, size_t width)
{
    size_t letters = 0, skip, n = 0;
    for (const char *s = name; *s; s++)
        letters += (*s & 0xc0) != 0x80;
    skip = letters > width ? letters - width : 0;
    for (const char *s = name; *s; s++) {
        n += (*s & 0xc0) != 0x80;
        if (n > skip)
            putchar((unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : *s);
    }
    for (; letters < width; letters++)
        putchar(' ');
}

/* -------------------------------------------------------------- trace ---- */

static void put_event(json_writer *w, const char *name, const char *kind,
                      const profile_event *e)
{
    json_put_open(w, NULL, '{');
    json_put_text(w, "name", name);
    json_put_text(w, "cat", kind);
    json_put_text(w, "ph", "X");
    json_put_count(w, "pid", 1);
    json_put_count(w, "tid", 1);
    json_put_number(w, "ts", e->at * 1e-3); /* microseconds */
    json_put_number(w, "dur", e->length * 1e-3);
}

void profile_put_trace(const profile *p, FILE *file)
{
    json_writer w = {file, 0, 1};
    size_t blocks = p->blocks < p->block_room ? p->blocks : p->block_room;
    json_put_open(&w, NULL, '{');
    json_put_text(&w, "displayTimeUnit", "ns");
    json_put_open(&w, "otherData", '{');
    json_put_text(&w, "model", p->model);
    json_put_text(&w, "kernels", p->kernels);
    json_put_close(&w, '}');
    json_put_open(&w, "traceEvents", '[');
    for (size_t i = 0; i < blocks; i++) {
        put_event(&w, "block", "block", p->block_events + i);
        json_put_close(&w, '}');
    }
    for (size_t i = 0; i < p->event_count; i++) {
        operator_text o = operator_of(p->bytes, p->events[i].op);
        put_event(&w, o.type, "operator", p->events + i);
        json_put_open(&w, "args", '{');
        json_put_count(&w, "operator", p->events[i].op);
        json_put_text(&w, "name", o.name);
        json_put_count(&w, "macs", o.macs);
        json_put_close(&w, '}');
        json_put_close(&w, '}');
    }
    json_put_close(&w, ']');
    json_put_close(&w, '}');
}

/* -------------------------------------------------------------- flame ---- */

#define WIDTH  1200.0
#define ROW    22.0
#define LETTER 7.2 /* of the font, about */

/* Letters of XML; what is not UTF-8 becomes a question mark. */
static void put_xml(FILE *file, const char *text, size_t most)
{
    for (size_t n, count = 0; *text && count < most; text += n, count++) {
        n = mlc_utf8_length(text);
        if (n == 0) {
            fputc('?', file);
            n = 1;
        } else if (*text == '<' || *text == '>' || *text == '&' ||
                   *text == '"') {
            fprintf(file, "&#%d;", *text);
        } else if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            fputc(' ', file);
        } else {
            fwrite(text, 1, n, file);
        }
    }
}

/* A warm colour of its own for each text. */
static unsigned colour(const char *text)
{
    unsigned h = 2166136261u;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return (205u + h % 50u) << 16 | (90u + h / 64u % 120u) << 8 |
           h / 8192u % 60u;
}

static void put_box(FILE *file, const profile *p, double from, double time,
                    unsigned level, const char *text, const char *name)
{
    double x = WIDTH * from / p->total, w = WIDTH * time / p->total;
    double frames = (double)p->blocks * p->block;
    if (w < 0.1)
        return;
    fprintf(file, "<g><title>");
    put_xml(file, text, 200);
    fputc(' ', file);
    put_xml(file, name, 200);
    fprintf(file,
            ": %.2f ns a frame, %.1f %%</title><rect x=\"%.2f\" y=\"%.0f\" "
            "width=\"%.2f\" height=\"%.0f\" fill=\"#%06x\" stroke=\"white\" "
            "stroke-width=\"0.5\"/>",
            time / frames, 100 * time / p->total, x, ROW * (level + 2), w, ROW,
            colour(text));
    if (w > 4 * LETTER) {
        fprintf(file, "<text x=\"%.2f\" y=\"%.1f\">", x + 3,
                ROW * (level + 2) + ROW * 0.7);
        size_t room = (size_t)((w - 6) / LETTER);
        put_xml(file, level == 2 && *name ? name : text, room);
        fprintf(file, "</text>");
    }
    fprintf(file, "</g>\n");
}

/* All operators of a type, side by side; where the next type begins. */
static double put_type(FILE *file, const profile *p, const char *type,
                       double from)
{
    double at = from;
    for (uint32_t i = 0; i < p->ops; i++) {
        operator_text o = operator_of(p->bytes, i);
        if (strcmp(o.type, type))
            continue;
        put_box(file, p, at, p->times[i], 2, o.type, o.name);
        at += p->times[i];
    }
    put_box(file, p, from, at - from, 1, type, "");
    return at;
}

/* Is this the first operator of its type? */
static int is_first(const profile *p, uint32_t index)
{
    const char *type = operator_of(p->bytes, index).type;
    for (uint32_t i = 0; i < index; i++)
        if (!strcmp(operator_of(p->bytes, i).type, type))
            return 0;
    return 1;
}

void profile_put_flame(const profile *p, FILE *file)
{
    double at = 0;
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
            "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
            "font-family=\"monospace\" font-size=\"12\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fffaf0\"/>\n"
            "<text x=\"8\" y=\"26\" font-size=\"16\">",
            WIDTH, ROW * 5.5, WIDTH, ROW * 5.5);
    put_xml(file, p->model, 60);
    fprintf(file, ": %.1f ns a frame, %s, blocks of %u</text>\n",
            p->total / ((double)p->blocks * p->block), p->kernels, p->block);
    put_box(file, p, 0, p->total, 0, p->model, "");
    for (uint32_t i = 0; i < p->ops; i++)
        if (is_first(p, i))
            at = put_type(file, p, operator_of(p->bytes, i).type, at);
    fprintf(file, "</svg>\n");
}
