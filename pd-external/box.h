/*
 * box.h - what [mlinfer~] and [mlinfer] have in common: finding, opening and
 * changing the model, named controls, and the messages to both.
 */
#ifndef BOX_H
#define BOX_H

#include "arguments.h"
#include "m_pd.h"
#include "player.h"

struct _box;

/* What differs between the classes. */
typedef struct _boxkind {
    const char *k_name; /* of the class */
    int k_tilde;
    /* Get ready for another model, which is not the box's yet. On success
       k_adopt follows; else failure is filled in and all is as before. */
    int (*k_fit)(struct _box *x, const t_player *next, t_failure *failure);
    void (*k_adopt)(struct _box *x);
    void (*k_reset)(struct _box *x); /* after the model was reset */
    /* frames of the canvas from an input to its output */
    double (*k_latency)(const struct _box *x);
    /* Hz of the canvas, if sound is converted between it and the model's rate;
       else 0; may be 0 */
    double (*k_converted)(const struct _box *x);
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

/* The beginning of both classes' structs. */
typedef struct _box {
    t_object x_obj;
    t_float x_f; /* the main inlet, while no signal comes */
    const t_boxkind *x_kind;
    t_canvas *x_canvas; /* the patch that the box is in */
    t_arguments x_args;
    t_player x_player;        /* the model that plays */
    t_symbol *x_path;         /* its file; 0: none */
    char x_name[MAXPDSTRING]; /* as it was asked for */
    const char *x_reason;     /* why the last load failed; 0: it did not */
    t_control *x_controls;
    t_stopwatch x_watch;
    int x_saying;   /* reports under way, one within the other */
    int x_telling;  /* info is under way */
    int x_loopsaid; /* that they would never end was said */
    int x_badvalue; /* the model made NaN or infinity: 1 to say, 2 said */
    t_clock *x_saycreated; /* says how loading went, once all is connected */
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

/* Where a file is; 0: it is not, with failure filled in. path: MAXPDSTRING. */
int box_find(t_box *x, const char *name, char *path, t_failure *failure);

/* The method for cpu. */
void box_addcpu(t_class *c);

/* Methods for load, reload, reset, info, print, cpu. */
void box_addmethods(t_class *c);

/* ----------------------- for the classes ---------------------------------- */

/* One clickable line: class name, colon, text. */
void box_error(const t_box *x, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Last part of the path of the model that plays. */
const char *box_filename(const t_box *x);

/* "set NAME VALUE...": a control input. */
void box_setcontrol(t_box *x, t_symbol *name, int argc, const t_atom *argv);

/* The model made values that are not numbers: state back to the beginning.
   The report is up to the class. */
void box_badvalue(t_box *x);
void box_saybadvalue(t_box *x);

/* A label that a patch could only write as a number is one: else no [route 1]
   would ever match it. */
void box_label(t_atom *at, const char *label);

/* "class LABEL CONFIDENCE" for each output that names classes; y: [p_nout]. */
void box_sayclasses(t_box *x, const float *y);

/* Ranges of the model's inputs; an unknown range does nothing. */
float box_clamp(const mli_channel *channel, float f);

double stopwatch_now(void); /* seconds */
void stopwatch_add(t_stopwatch *w, double since, double played);

#endif
