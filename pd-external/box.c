/* see box.h */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "box.h"
#include "describe.h"
#include "controls.h"

void box_error(const t_box *x, const char *format, ...)
{
    char text[2 * MAXPDSTRING];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    pd_error(x, "%s: %s", x->x_kind->k_name, text);
}

int box_number(const t_box *x, const char *message, const char *expected,
               int argc, const t_atom *argv, t_float *f)
{
    char got[MAXPDSTRING];
    if (argc == 1 && argv->a_type == A_FLOAT) {
        *f = argv->a_w.w_float;
        return 1;
    }
    if (argc == 1)
        arguments_word(got, sizeof(got), argv);
    else
        snprintf(got, sizeof(got), argc ? "%d words" : "nothing", argc);
    box_error(x, "%s: expected %s, got %s", message, expected, got);
    return 0;
}

const char *box_filename(const t_box *x)
{
    const char *path = x->x_path ? x->x_path->s_name : "no model";
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

float box_clamp(const mli_channel *channel, float f)
{
    if (!(channel->low < channel->high))
        return f;
    return f < channel->low    ? channel->low
           : f > channel->high ? channel->high
                               : f;
}

/* ------------------------------- time ------------------------------------- */

double stopwatch_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void stopwatch_add(t_stopwatch *w, double since, double played)
{
    double spent = stopwatch_now() - since;
    w->w_spent += spent;
    w->w_played += played;
    if (played > 0 && spent / played > w->w_worst)
        w->w_worst = spent / played;
}

static void stopwatch_clear(t_stopwatch *w)
{
    w->w_spent = w->w_played = w->w_worst = 0;
}

static void box_cpu(t_box *x, t_symbol *s, int argc, t_atom *argv)
{
    t_stopwatch *w = &x->x_watch;
    t_atom at[2];
    t_float on;
    if (argc) {
        if (!box_number(x, s->s_name, "0 or 1", argc, argv, &on))
            return;
        w->w_on = on != 0;
        if (w->w_on)
            stopwatch_clear(w);
        return;
    }
    double mean = w->w_played > 0 ? w->w_spent / w->w_played : 0;
    SETFLOAT(at, (t_float)(100 * mean));
    SETFLOAT(at + 1, (t_float)(100 * w->w_worst));
    stopwatch_clear(w);
    outlet_anything(x->x_info, gensym("cpu"), 2, at);
}

/* --------------------------- how loading went ----------------------------- */

void box_saylatency(t_box *x)
{
    t_atom at;
    SETFLOAT(&at, (t_float)x->x_kind->k_latency(x));
    outlet_anything(x->x_info, gensym("latency"), 1, &at);
}

/* A model in place of one that is not found, that is within a report: so many
   may be tried. */
#define REPORTS_MAX 8

static int box_endless(t_box *x, const char *what)
{
    if (!x->x_loopsaid)
        box_error(x,
                  "%s: asked for by its own reports, again and again: left out",
                  what);
    x->x_loopsaid = 1;
    return 0;
}

int box_reports(t_box *x, const char *what)
{
    return x->x_saying < REPORTS_MAX || box_endless(x, what);
}

int box_tells(t_box *x)
{
    if (x->x_telling)
        return box_endless(x, "info");
    x->x_telling = 1;
    x->x_saying++;
    return 1;
}

static void box_said(t_box *x)
{
    if (--x->x_saying == 0)
        x->x_loopsaid = 0;
}

void box_told(t_box *x)
{
    x->x_telling = 0;
    box_said(x);
}

void box_say(t_box *x)
{
    t_atom at[2];
    x->x_saying++;
    if (x->x_reason) {
        SETFLOAT(at, 0);
        SETSYMBOL(at + 1, gensym(x->x_reason));
        outlet_anything(x->x_info, gensym("loaded"), 2, at);
    } else if (x->x_path) {
        SETFLOAT(at, 1);
        SETSYMBOL(at + 1, x->x_path);
        outlet_anything(x->x_info, gensym("loaded"), 2, at);
        box_saylatency(x);
    }
    box_said(x);
}

/* That of creation comes before that of a load that does not wait for the
   clock. */
void box_saycreated(t_box *x)
{
    if (x->x_createdsaid)
        return;
    x->x_createdsaid = 1;
    box_say(x);
}

static void box_reset(t_box *x)
{
    voice_reset(&x->x_voice);
    x->x_badvalue = 0;
}

/* ------------------------- what models say -------------------------------- */

void box_badvalue(t_box *x)
{
    if (!x->x_badvalue)
        x->x_badvalue = 1;
}

void box_saybadvalue(t_box *x)
{
    if (x->x_badvalue != 1)
        return;
    x->x_badvalue = 2;
    box_error(x, "%s: made NaN or infinity: output 0, state reset",
              box_filename(x));
}

void box_label(t_atom *at, const char *label)
{
    char *end;
    double number = strtod(label, &end);
    if (*label && !*end && !label[strspn(label, "0123456789+-.eE")])
        SETFLOAT(at, (t_float)number);
    else
        SETSYMBOL(at, gensym(label));
}

/* Classifier outputs of one model that are told. */
#define CLASSES_MAX 16

/* What is said may load another model: all is gathered before. Not inline, for
   its memory shall not stand while the list is out (see ATOMS_STACK). */
static __attribute__((noinline)) void box_sayclasses(t_box *x, const float *y)
{
    const t_player *p = &x->x_voice.v_player;
    mli_port port;
    mli_channel channel;
    t_atom at[CLASSES_MAX][2];
    int count = 0;
    for (uint32_t i = 0; i < p->p_info.outputs && count < CLASSES_MAX; i++) {
        mli_get_output(p->p_model, i, &port);
        uint32_t best = 0, values = player_values(p, &port);
        for (uint32_t c = 1; port.classes && c < values; c++)
            if (y[c] > y[best])
                best = c;
        if (port.classes) {
            mli_get_output_channel(p->p_model, i, best, &channel);
            if (*channel.label)
                box_label(at[count], channel.label);
            else
                SETFLOAT(at[count], (t_float)best); /* from 0, as ArgMax */
            SETFLOAT(at[count] + 1, y[best]);
            count++;
        }
        y += values;
    }
    while (count--) /* right to left, as outlets go */
        outlet_anything(x->x_info, gensym("class"), 2, at[count]);
}

int box_sayresult(t_box *x, const float *y, t_outlet *list)
{
    t_voice *v = &x->x_voice;
    t_atom some[ATOMS_STACK], *at = some;
    uint32_t n = list ? v->v_player.p_nout : 0;
    if (n > ATOMS_STACK && !(at = voice_lend(v, n)))
        return 0;
    for (uint32_t i = 0; i < n; i++)
        SETFLOAT(at + i, y[i]);
    box_sayclasses(x, y);
    if (list)
        outlet_list(list, &s_list, (int)n, at);
    if (at != some)
        voice_return(v, at, n);
    return 1;
}

/* ----------------------- creation and the end ----------------------------- */

void box_init(t_box *x, const t_boxkind *kind, int argc, t_atom *argv)
{
    x->x_kind = kind;
    x->x_canvas = canvas_getcurrent();
    arguments_parse(&x->x_args, x, kind->k_tilde, argc, argv);
    if (kind->k_setting)
        box_initloading(x);
}

int box_first(t_box *x)
{
    if (!*x->x_args.a_name)
        return 1;
    snprintf(x->x_name, sizeof(x->x_name), "%s", x->x_args.a_name);
    return box_loadnow(x, x->x_args.a_name, 0, 0);
}

void box_outlet(t_box *x)
{
    x->x_info = outlet_new(&x->x_obj, 0);
    x->x_saycreated = clock_new(x, (t_method)box_saycreated);
    clock_delay(x->x_saycreated, 0);
}

void box_free(t_box *x)
{
    if (x->x_saycreated)
        clock_free(x->x_saycreated);
    controls_free(x);
    box_freeloading(x);
    voice_close(&x->x_voice);
    voice_close(&x->x_old);
}

void box_addcpu(t_class *c)
{
    class_addmethod(c, (t_method)box_cpu, gensym("cpu"), A_GIMME, 0);
}

void box_addmethods(t_class *c)
{
    box_addloading(c);
    class_addmethod(c, (t_method)box_reset, gensym("reset"), 0);
    class_addmethod(c, (t_method)box_info, gensym("info"), 0);
    class_addmethod(c, (t_method)box_print, gensym("print"), 0);
    box_addcpu(c);
}
