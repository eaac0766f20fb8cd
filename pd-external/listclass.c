/* [mlinfer]: a model on lists. */
#include <stdio.h>
#include <string.h>
#include "box.h"
#include "classes.h"

/* ----------- mlinfer - neural networks on lists and sensor values --------- */

static t_class *listclass_class;

typedef struct _listbox {
    t_box x_box;
    int x_wrongsaid; /* a list that is wrong was said */
    t_outlet *x_out;
} t_listbox;

static void listbox_output(t_listbox *x)
{
    const t_player *p = &x->x_box.x_voice.v_player;
    if (!box_sayresult(&x->x_box, p->p_y, x->x_out))
        box_error(&x->x_box, "no memory for a list of %u", (unsigned)p->p_nout);
}

static void listbox_bang(t_listbox *x)
{
    t_player *p = &x->x_box.x_voice.v_player;
    t_stopwatch *w = &x->x_box.x_watch;
    if (!p->p_model)
        return;
    double since = w->w_on ? stopwatch_now() : 0;
    int result = player_once(p);
    if (w->w_on)
        stopwatch_add(w, since, sys_getblksize() / sys_getsr());
    if (result && values_make_finite(p->p_y, p->p_nout)) {
        mli_reset(p->p_session);
        box_badvalue(&x->x_box);
        box_saybadvalue(&x->x_box);
    }
    if (result)
        listbox_output(x);
}

/* What n values from first on are called, for an error: the first few. Values
   of one input that have no labels are told together. */
static void listbox_names(const t_player *p, uint32_t first, uint32_t n,
                          char *text, size_t size)
{
    mli_port port;
    mli_channel channel;
    size_t used = 0;
    uint32_t i = 0;
    text[0] = 0;
    for (int told = 0; i < n && told < 8 && used < size; told++) {
        const char *gap = told ? " " : ": ";
        uint32_t at = player_channel(p, SIDE_IN, first + i, &port, &channel);
        uint32_t rest = player_values(p, &port) - at;
        if (*channel.label || rest == 1) {
            used +=
                (size_t)snprintf(text + used, size - used, "%s%s", gap,
                                 *channel.label ? channel.label : port.name);
            i++;
        } else {
            used += (size_t)snprintf(text + used, size - used, "%s%s (%u)", gap,
                                     port.name, (unsigned)rest);
            i += rest;
        }
    }
    if (i < n && used < size)
        snprintf(text + used, size - used, " ...");
}

/* What is wrong with values for n inputs from first on, of which the first
   good ones are numbers. what: the message that they came with. */
static void listbox_saywrong(t_listbox *x, const char *what, uint32_t first,
                             uint32_t n, int argc, int good)
{
    char names[MAXPDSTRING];
    if (x->x_wrongsaid)
        return;
    x->x_wrongsaid = 1;
    listbox_names(&x->x_box.x_voice.v_player, first, n, names, sizeof(names));
    if (good < argc)
        box_error(&x->x_box, "%s: element %d is not a number", what, good + 1);
    else
        box_error(&x->x_box, "%s of %d, %s takes %u%s", what, argc,
                  box_filename(&x->x_box), (unsigned)n, names);
}

/* Numbers from a message to n inputs from first on; 1 if they are as many
   numbers. */
static int listbox_take(t_listbox *x, const char *what, uint32_t first,
                        uint32_t n, int argc, const t_atom *argv)
{
    t_player *p = &x->x_box.x_voice.v_player;
    mli_port port;
    mli_channel channel;
    int good = 0;
    while (good < argc && argv[good].a_type == A_FLOAT)
        good++;
    if (good < argc || (uint32_t)argc != n) {
        listbox_saywrong(x, what, first, n, argc, good);
        return 0;
    }
    x->x_wrongsaid = 0;
    for (uint32_t i = 0; i < n; i++) {
        float f = (float)argv[i].a_w.w_float;
        f = value_is_finite(f) ? f : 0;
        if (x->x_box.x_args.a_clamp) {
            player_channel(p, SIDE_IN, first + i, &port, &channel);
            f = box_clamp(&channel, f);
        }
        p->p_x[first + i] = f;
    }
    return 1;
}

static void listbox_list(t_listbox *x, t_symbol *s, int argc, t_atom *argv)
{
    t_player *p = &x->x_box.x_voice.v_player;
    (void)s;
    if (!p->p_model)
        return;
    if (argc && !listbox_take(x, "list", 0, p->p_nin, argc, argv))
        return;
    listbox_bang(x);
}

/* An input of a step model that has this name, and where its values begin. */
static int listbox_input(const t_player *p, const t_symbol *name,
                         uint32_t *first, uint32_t *n)
{
    mli_port port;
    *first = 0;
    for (uint32_t i = 0; p->p_model && i < p->p_info.inputs; i++) {
        mli_get_input(p->p_model, i, &port);
        if (port.kind != MLI_PORT_SIGNAL)
            continue;
        *n = player_values(p, &port);
        if (!strcmp(port.name, name->s_name))
            return 1;
        *first += *n;
    }
    return 0;
}

/* "set 1 2 3": inputs for the next bang. "set NAME 1 2": those of one input,
   or a control. */
static void listbox_set(t_listbox *x, t_symbol *s, int argc, t_atom *argv)
{
    t_player *p = &x->x_box.x_voice.v_player;
    char what[MAXPDSTRING];
    uint32_t first, n;
    (void)s;
    if (argc && argv->a_type == A_SYMBOL) {
        t_symbol *name = argv->a_w.w_symbol;
        snprintf(what, sizeof(what), "set %s", name->s_name);
        if (listbox_input(p, name, &first, &n))
            listbox_take(x, what, first, n, argc - 1, argv + 1);
        else
            box_setcontrol(&x->x_box, name, argc - 1, argv + 1);
    } else if (p->p_model) {
        listbox_take(x, "set", 0, p->p_nin, argc, argv);
    }
}

/* ------------------------- for the common part ---------------------------- */

static void listbox_setting(const t_box *x, t_setting *s)
{
    (void)x, (void)s; /* any model fits */
}

static void listbox_adopt(t_box *x, int fade)
{
    (void)fade;
    ((t_listbox *)x)->x_wrongsaid = 0;
}

/* One list is answered by one model, the next one by another. */
static int listbox_fades(t_box *x)
{
    (void)x;
    return 0;
}

static double listbox_latency(const t_box *x)
{
    return x->x_voice.v_player.p_info.latency;
}

static const t_boxkind listbox_kind = {
    .k_name = "mlinfer",
    .k_tilde = 0,
    .k_setting = listbox_setting,
    .k_adopt = listbox_adopt,
    .k_fades = listbox_fades,
    .k_latency = listbox_latency,
};

/* ------------------------ creation and the end ---------------------------- */

/* Is -learn among the flags? Between them are their numbers. */
static int wants_to_learn(int argc, const t_atom *argv)
{
    for (; argc--; argv++) {
        const char *word =
            argv->a_type == A_SYMBOL ? argv->a_w.w_symbol->s_name : "-";
        if (!strcmp(word, "-learn"))
            return 1;
        if (*word != '-')
            return 0;
    }
    return 0;
}

static void *listbox_new(t_symbol *s, int argc, t_atom *argv)
{
    if (wants_to_learn(argc, argv))
        return learnbox_new(argc, argv);
    t_listbox *x = (t_listbox *)pd_new(listclass_class);
    (void)s;
    box_init(&x->x_box, &listbox_kind, argc, argv);
    box_first(&x->x_box); /* lives without a model, too */
    x->x_out = outlet_new(&x->x_box.x_obj, &s_list);
    box_outlet(&x->x_box);
    return x;
}

static void listbox_free(t_listbox *x)
{
    box_free(&x->x_box);
}

void listclass_setup(void)
{
    t_class *c = class_new(
        gensym("mlinfer"), (t_newmethod)(t_method)listbox_new,
        (t_method)listbox_free, sizeof(t_listbox), CLASS_DEFAULT, A_GIMME, 0);
    listclass_class = c;
    learnclass_setup();
    class_alias((t_newmethod)(t_method)listbox_new, "mlinfer/mlinfer");
    class_addbang(c, listbox_bang);
    class_addlist(c, listbox_list);
    class_addmethod(c, (t_method)listbox_set, gensym("set"), A_GIMME, 0);
    box_addmethods(c);
}
