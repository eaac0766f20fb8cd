/* load and reload; see box.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "box.h"
#include "controls.h"

#define POLL_MILLISECONDS 4

/* Does sound run? Then this thread may not wait for anything. */
static int box_runs(const t_box *x)
{
    return x->x_loading && pd_getdspstate();
}

/* ------------------------------ questions --------------------------------- */

static void box_setting(const t_box *x, t_setting *s)
{
    int block = sys_getblksize();
    memset(s, 0, sizeof(*s));
    s->s_tilde = x->x_kind->k_tilde;
    /* no more frames than Pd's block; the results are the same bits */
    s->s_tile = block <= 16 ? 16 : block <= 32 ? 32 : 64;
    x->x_kind->k_setting(x, s);
}

static void box_request(const t_box *x, t_request *q, const char *name,
                        const char *path, int fresh)
{
    snprintf(q->q_path, sizeof(q->q_path), "%s", path ? path : "");
    if (!path)
        lookup_gather(&q->q_places, x->x_canvas, name);
    q->q_fresh = fresh;
    box_setting(x, &q->q_setting);
}

/* ------------------------------- answers ---------------------------------- */

/* v in place of the voice that plays. */
static void box_adopt(t_box *x, const t_voice *v, const char *name,
                      const char *path, int fade)
{
    x->x_old = x->x_voice;
    x->x_voice = *v;
    x->x_path = gensym(path);
    snprintf(x->x_name, sizeof(x->x_name), "%s", name);
    x->x_reason = 0;
    x->x_badvalue = 0;
    controls_apply(x);
    x->x_kind->k_adopt(x, fade);
}

/* what: the path, or the name if there is no such file. */
static void box_fail(t_box *x, const char *what, const t_failure *failure)
{
    box_error(x, "%s: %s", what, failure->f_text);
    x->x_reason = failure->f_word;
}

int box_loadnow(t_box *x, const char *name, const char *path, int fresh)
{
    t_request *q = malloc(sizeof(*q));
    t_failure failure = {"memory", "no memory"};
    t_voice v;
    char found[MAXPDSTRING];
    int done = 0;
    snprintf(found, sizeof(found), "%s", path ? path : name);
    if (q) {
        box_request(x, q, name, path, fresh);
        done = request_open(q, &v, found, &failure);
        free(q);
    }
    if (done) {
        if (voice_there(&x->x_old)) /* it was fading when sound stopped */
            voice_close(&x->x_old);
        box_adopt(x, &v, name, found, 0);
        voice_close(&x->x_old);
    } else {
        box_fail(x, found, &failure);
    }
    return done;
}

/* ------------------- both, while sound runs: a clock ---------------------- */

/* The worker has done its job. Returns 1 if there is something to be said. */
static int box_answer(t_box *x)
{
    t_wanted *w = &x->x_wanted;
    t_voice v;
    const char *path;
    const t_failure *failure;
    t_setting now;
    int done = loading_take(x->x_loading, &v, &path, &failure);
    box_setting(x, &now);
    int fits = setting_same(&now, &loading_request(x->x_loading)->q_setting);
    if (w->w_state != WANTS_ANSWER || (done && !fits)) {
        if (w->w_state == WANTS_ANSWER) /* for a graph that is no more */
            w->w_state = WANTS_TO_ASK;
        if (done)
            x->x_old = v;
        return 0;
    }
    w->w_state = WANTS_NOTHING;
    if (done)
        box_adopt(x, &v, w->w_name, path, pd_getdspstate());
    else
        box_fail(x, path, failure);
    return 1;
}

/* The next job, if there is one: a voice that has faded to be closed, a file to
   be opened. */
static void box_give(t_box *x)
{
    t_wanted *w = &x->x_wanted;
    int asks = w->w_state == WANTS_TO_ASK, old = voice_there(&x->x_old);
    if ((old && x->x_kind->k_fades(x)) || (!old && !asks))
        return;
    if (asks) {
        box_request(x, loading_request(x->x_loading), w->w_name,
                    w->w_path ? w->w_path->s_name : 0, w->w_fresh);
        w->w_state = WANTS_ANSWER;
    }
    loading_ask(x->x_loading, &x->x_old, asks);
}

static void box_poll(t_box *x)
{
    t_loading *l = x->x_loading;
    int news = loading_stage(l) == ERRAND_DONE && box_answer(x);
    if (loading_stage(l) == ERRAND_IDLE)
        box_give(x);
    if (loading_stage(l) != ERRAND_IDLE || voice_there(&x->x_old))
        clock_delay(x->x_poll, POLL_MILLISECONDS);
    if (news) /* which may begin another load, or be the end of the box */
        box_say(x);
}

/* ------------------------------ messages ---------------------------------- */

static void box_want(t_box *x, const char *name, t_symbol *path, int fresh)
{
    t_wanted *w = &x->x_wanted;
    box_saycreated(x);
    if (w->w_state == WANTS_ANSWER)
        loading_drop(x->x_loading);
    if (!box_runs(x)) {
        w->w_state = WANTS_NOTHING;
        box_loadnow(x, name, path ? path->s_name : 0, fresh);
        box_say(x);
        return;
    }
    snprintf(w->w_name, sizeof(w->w_name), "%s", name);
    w->w_path = path;
    w->w_fresh = fresh;
    w->w_state = WANTS_TO_ASK;
    box_poll(x);
}

static void box_load(t_box *x, t_symbol *s, int argc, t_atom *argv)
{
    char name[MAXPDSTRING];
    (void)s;
    arguments_name(name, sizeof(name), argc, argv);
    if (!*name) {
        box_error(x, "load: expected the name of a model file, got %s",
                  argc ? "0" : "nothing");
        return;
    }
    if (!box_reports(x, "load"))
        return;
    if (!x->x_path) /* so that reload can look again */
        snprintf(x->x_name, sizeof(x->x_name), "%s", name);
    box_want(x, name, 0, 0);
}

/* What is on its way is what shall be read again. */
static void box_reload(t_box *x)
{
    char name[MAXPDSTRING];
    const t_wanted *w = &x->x_wanted;
    if (!box_reports(x, "reload"))
        return;
    if (w->w_state != WANTS_NOTHING) {
        snprintf(name, sizeof(name), "%s", w->w_name);
        box_want(x, name, w->w_path, 1);
    } else if (*x->x_name) {
        snprintf(name, sizeof(name), "%s", x->x_name);
        box_want(x, name, x->x_path, 1);
    } else {
        box_error(x, "reload: no model was named yet");
    }
}

void box_addloading(t_class *c)
{
    /* so that to say them first takes no memory */
    static const char *const said[] = {"loaded",   "latency",     "notfound",
                                       "corrupt",  "unsupported", "newer",
                                       "channels", "memory",      "class"};
    for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
        gensym(said[i]);
    class_addmethod(c, (t_method)box_load, gensym("load"), A_GIMME, 0);
    class_addmethod(c, (t_method)box_reload, gensym("reload"), 0);
}

/* ------------------------ creation and the end ---------------------------- */

void box_initloading(t_box *x)
{
    x->x_loading = loading_new();
    x->x_poll = clock_new(x, (t_method)box_poll);
}

void box_freeloading(t_box *x)
{
    if (x->x_poll)
        clock_free(x->x_poll);
    loading_leave(x->x_loading);
}
