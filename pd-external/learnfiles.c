/*
 * learnfiles.c - examples of [mlinfer -learn] in files. It happens at once, as
 * in other boxes that write files: what is shown is not played at that moment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "learnbox.h"
#include "lookup.h"

static int ends_in(const char *name, const char *ending)
{
    size_t n = strlen(name), k = strlen(ending);
    if (n <= k)
        return 0;
    for (name += n - k; *ending; name++, ending++)
        if ((*name | 32) != *ending && *name != *ending)
            return 0;
    return 1;
}

/* Labels that came from a file, as a patch would write them. */
static void learnbox_takelabels(t_learnbox *x)
{
    const learn_examples *e = &x->x_learner->examples;
    for (uint32_t i = 0; i < e->labels; i++)
        box_label(x->x_labels + i, e->name[i]);
}

static int learnbox_find(t_learnbox *x, const char *name, char *path,
                         t_failure *failure)
{
    t_places *p = malloc(sizeof(*p));
    int found = 0;
    if (!p) {
        failure_set(failure, "memory", "no memory");
        return 0;
    }
    lookup_gather(p, x->x_box.x_canvas, name);
    found = lookup_search(p, path);
    if (!found)
        failure_set(
            failure, "notfound",
            "not found beside the patch (%s), on declared or search paths",
            p->p_here);
    free(p);
    return found;
}

int learnbox_open(t_learnbox *x, const char *name)
{
    char path[MAXPDSTRING];
    t_failure failure = {0, ""};
    mlc_error error = {MLC_OK, ""};
    snprintf(x->x_box.x_name, sizeof(x->x_box.x_name), "%s", name);
    if (!learnbox_find(x, name, path, &failure)) {
        box_error(&x->x_box, "%s: %s", name, failure.f_text);
        x->x_box.x_reason = failure.f_word;
        return 0;
    }
    mlc_status status = ends_in(path, ".csv")
                            ? learner_read_csv(x->x_learner, path, &error)
                            : learner_load(x->x_learner, path, &error);
    if (status) {
        box_error(&x->x_box, "%s: %s", path, error.text);
        x->x_box.x_reason =
            x->x_learner->misfit ? "channels" : mlc_status_word(status);
        return 0;
    }
    x->x_box.x_reason = 0;
    x->x_box.x_path = gensym(path);
    learnbox_takelabels(x);
    return 1;
}

static int learnbox_name(t_learnbox *x, const char *what, int argc,
                         const t_atom *argv, char *name)
{
    arguments_name(name, MAXPDSTRING, argc, argv);
    if (*name)
        return 1;
    box_error(&x->x_box, "%s: expected the name of a file, got %s", what,
              argc ? "0" : "nothing");
    return 0;
}

static void learnbox_load(t_learnbox *x, t_symbol *s, int argc, t_atom *argv)
{
    char name[MAXPDSTRING];
    if (!learnbox_name(x, s->s_name, argc, argv, name) ||
        !box_reports(&x->x_box, s->s_name))
        return;
    box_saycreated(&x->x_box);
    int done = learnbox_open(x, name);
    box_say(&x->x_box);
    if (done)
        learnbox_changed(x);
}

static void learnbox_reload(t_learnbox *x)
{
    char name[MAXPDSTRING];
    t_atom at;
    if (!*x->x_box.x_name) {
        box_error(&x->x_box, "reload: no file was named yet");
        return;
    }
    snprintf(name, sizeof(name), "%s", x->x_box.x_name);
    SETSYMBOL(&at, gensym(name));
    learnbox_load(x, gensym("reload"), 1, &at);
}

static void learnbox_saywritten(t_learnbox *x, const char *path,
                                const char *reason)
{
    t_atom at[2];
    SETFLOAT(at, !reason);
    SETSYMBOL(at + 1, gensym(reason ? reason : path));
    outlet_anything(x->x_box.x_info, gensym("written"), 2, at);
}

/* Why; 0: it is written. */
static const char *unwritten(mlc_status status)
{
    return status == MLC_OK            ? 0
           : status == MLC_NOT_FOUND   ? "unwritable"
           : status == MLC_UNSUPPORTED ? "empty"
                                       : mlc_status_word(status);
}

static void learnbox_write(t_learnbox *x, t_symbol *s, int argc, t_atom *argv)
{
    char name[MAXPDSTRING], path[MAXPDSTRING];
    mlc_error error = {MLC_OK, ""};
    if (!learnbox_name(x, s->s_name, argc, argv, name))
        return;
    int csv = ends_in(name, ".csv");
    if (!csv && !ends_in(name, ".bin"))
        strncat(name, ".bin", sizeof(name) - strlen(name) - 1);
    if (x->x_box.x_canvas)
        canvas_makefilename(x->x_box.x_canvas, name, path, MAXPDSTRING);
    else
        snprintf(path, sizeof(path), "%s", name);
    mlc_status status = csv ? learner_write_csv(x->x_learner, path, &error)
                            : learner_write(x->x_learner, path, &error);
    if (status)
        box_error(&x->x_box, "%s: %s", path, error.text);
    learnbox_saywritten(x, path, unwritten(status));
}

void learnbox_addfiles(t_class *c)
{
    class_addmethod(c, (t_method)learnbox_load, gensym("load"), A_GIMME, 0);
    class_addmethod(c, (t_method)learnbox_load, gensym("read"), A_GIMME, 0);
    class_addmethod(c, (t_method)learnbox_reload, gensym("reload"), 0);
    class_addmethod(c, (t_method)learnbox_write, gensym("write"), A_GIMME, 0);
}
