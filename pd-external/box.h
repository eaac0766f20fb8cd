/*
 * box.h - what [mlinfer~] and [mlinfer] have in common: finding, opening and
 * changing the model, named controls, and the messages to both.
 */
#ifndef BOX_H
#define BOX_H

#include "arguments.h"
#include "m_pd.h"
#include "loading.h"

struct _box;

/* What differs between the classes. */
typedef struct _boxkind {
    const char *k_name; /* of the class */
    int k_tilde;
    /* What a voice has to be made for, here and now. Without this function
       there is no model in the box (see learnbox.h), nor any other one: */
    void (*k_setting)(const struct _box *x, t_setting *s);
    /* x_voice has come in place of x_old; fade: that may be played on. */
    void (*k_adopt)(struct _box *x, int fade);
    /* Is x_old still played? */
    int (*k_fades)(struct _box *x);
    /* frames of the canvas from an input to its output */
    double (*k_latency)(const struct _box *x);
    /* Hz of the canvas, if sound is converted between it and the model's rate;
       else 0; may be 0 */
    double (*k_converted)(const struct _box *x);
    /* what print tells of the box itself; may be 0 */
    void (*k_print)(const struct _box *x);
} t_boxkind;

/* A control input that was set, kept by name for every later model. */
typedef struct _control {
    struct _control *c_next;
    t_symbol *c_name;
    int c_count;
    float c_values[]; /* [c_count] */
} t_control;

/* Time spent, while it is measured. */
typedef struct _stopwatch {
    int w_on;
    double w_spent;  /* seconds in the model ... */
    double w_played; /* ... during so many seconds of sound */
    double w_worst;  /* largest share of one block */
} t_stopwatch;

/* The newest load that has had no answer. */
typedef enum { WANTS_NOTHING, WANTS_TO_ASK, WANTS_ANSWER } t_wants;

typedef struct _wanted {
    t_wants w_state;
    char w_name[MAXPDSTRING]; /* as it was asked for */
    t_symbol *w_path;         /* 0: to be looked for */
    int w_fresh;
} t_wanted;

/* The beginning of both classes' structs. */
typedef struct _box {
    t_object x_obj;
    t_float x_f; /* the main inlet, while no signal comes */
    const t_boxkind *x_kind;
    t_canvas *x_canvas; /* the patch that the box is in */
    t_arguments x_args;
    t_voice x_voice;          /* the model that plays */
    t_symbol *x_path;         /* its file; 0: none */
    char x_name[MAXPDSTRING]; /* as it was asked for */
    t_voice x_old;            /* one that has played, or that nobody wants any
                                 more: for the worker, once it has faded */
    t_loading *x_loading;     /* 0: there is no thread to load on */
    t_wanted x_wanted;
    t_clock *x_poll;      /* asks how loading goes */
    const char *x_reason; /* why the last load failed; 0: it did not */
    t_control *x_controls;
    t_stopwatch x_watch;
    int x_saying;      /* reports under way, one within the other */
    int x_telling;     /* info is under way */
    int x_loopsaid;    /* that they would never end was said */
    int x_badvalue;    /* the model made NaN or infinity: 1 to say, 2 said */
    int x_createdsaid; /* how loading went at creation; if not yet ... */
    t_clock *x_saycreated; /* ... this says it, once all is connected */
    t_outlet *x_info;
} t_box;

/* ----------------------- creation and the end ----------------------------- */

/* After pd_new: fields, arguments. */
void box_init(t_box *x, const t_boxkind *kind, int argc, t_atom *argv);

/* Open the model named in the arguments, if any. 0: it failed (which has been
   said). */
int box_first(t_box *x);

/* After all other outlets: the info outlet, and a report by clock. */
void box_outlet(t_box *x);

void box_free(t_box *x);

/* One report for each load: what was not said yet of creation, and how the last
   one went. */
void box_saycreated(t_box *x);
void box_say(t_box *x);
void box_saylatency(t_box *x);

/* A report of a load, or of all about it (info), begins and ends. 0: it does
   not begin, because a patch that answers reports with what makes them would
   never come to an end; that was said. */
int box_reports(t_box *x, const char *what);
int box_tells(t_box *x);
void box_told(t_box *x);

/* The method for cpu. */
void box_addcpu(t_class *c);

/* Methods for load, reload, reset, info, print, cpu. */
void box_addmethods(t_class *c);

/* ----------------------- loading: boxload.c ------------------------------- */

/*
 * `load` and `reload`. While sound runs the worker loads, and a clock asks for
 * what it made; a newer one takes the place of one that waits, which then has
 * no answer. Without sound it is done when the message is.
 *
 * While sound runs these messages, the clock and the tick allocate nothing,
 * take no lock and do not call the system, but for what only Pd's thread can
 * do: the symbol of a path that Pd has never seen, an error that is printed,
 * and the graph that is built again when the channels of -m change.
 */
void box_addloading(t_class *c);

/* At creation: at once. 0: it failed, which was said. */
int box_loadnow(t_box *x, const char *name, const char *path, int fresh);

/* The box's own part of box_init and box_free. */
void box_initloading(t_box *x);
void box_freeloading(t_box *x);

/* ----------------------- for the classes ---------------------------------- */

/* One clickable line: class name, colon, text. */
void box_error(const t_box *x, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The one number that a message takes. 0: it is none, which was said. expected:
   what it should be, for people. */
int box_number(const t_box *x, const char *message, const char *expected,
               int argc, const t_atom *argv, t_float *f);

/* Last part of the path of the model that plays. */
const char *box_filename(const t_box *x);

/* "set NAME VALUE...": a control input. */
void box_setcontrol(t_box *x, t_symbol *name, int argc, const t_atom *argv);

/* The model made values that are not numbers (and is back at its beginning).
   The report is up to the class. */
void box_badvalue(t_box *x);
void box_saybadvalue(t_box *x);

/* A label that a patch could only write as a number is one: else no [route 1]
   would ever match it. */
void box_label(t_atom *at, const char *label);

/*
 * A result, y: [p_nout]: "class LABEL CONFIDENCE" for each output that names
 * classes, then the list, if there is an outlet for it. The patch may ask for
 * the next result, or load another model, before this returns: what is said is
 * a copy. 0: there was no memory, and nothing was said.
 */
int box_sayresult(t_box *x, const float *y, t_outlet *list);

/* Ranges of the model's inputs; an unknown range does nothing. */
float box_clamp(const mli_channel *channel, float f);

double stopwatch_now(void); /* seconds */
void stopwatch_add(t_stopwatch *w, double since, double played);

#endif
