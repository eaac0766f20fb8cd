/* Control inputs of a model, kept by name; see box.h. */
#include <stdlib.h>
#include <string.h>
#include "controls.h"

/* Names that a box keeps: a patch that makes up names must not eat memory. */
#define CONTROLS_MAX 256

static t_control *control_find(t_box *x, t_symbol *name)
{
    t_control *c = x->x_controls;
    while (c && c->c_name != name)
        c = c->c_next;
    return c;
}

static void control_forget(t_box *x, t_control *gone)
{
    t_control **p = &x->x_controls;
    while (*p != gone)
        p = &(*p)->c_next;
    *p = gone->c_next;
    free(gone);
}

/* Keep values for a name; allocates only when the name or the count is new. */
static t_control *control_keep(t_box *x, t_symbol *name, int argc,
                               const t_atom *argv)
{
    t_control *c = control_find(x, name);
    if (c && c->c_count != argc)
        control_forget(x, c), c = 0;
    if (!c) {
        int names = 0;
        for (t_control *o = x->x_controls; o; o = o->c_next)
            names++;
        if (names >= CONTROLS_MAX ||
            !(c = malloc(sizeof(*c) + (size_t)argc * sizeof(float))))
            return 0;
        c->c_name = name;
        c->c_count = argc;
        c->c_next = x->x_controls;
        x->x_controls = c;
    }
    for (int i = 0; i < argc; i++) {
        float f = (float)atom_getfloat(argv + i);
        c->c_values[i] = value_is_finite(f) ? f : 0;
    }
    return c;
}

/* Give a control to the model that plays; the kept value stays as it was set,
   another model may have another range. */
static void control_apply(t_box *x, const t_control *c)
{
    t_player *p = &x->x_voice.v_player;
    int index = player_named(p, c->c_name->s_name, MLI_PORT_CONTROL);
    mli_port port;
    mli_channel channel;
    float *values = p->p_set;
    if (index < 0)
        return;
    mli_get_input(p->p_model, (uint32_t)index, &port);
    if (port.channels != (uint32_t)c->c_count)
        return;
    for (uint32_t i = 0; i < port.channels; i++) {
        mli_get_input_channel(p->p_model, (uint32_t)index, i, &channel);
        values[i] = x->x_args.a_clamp ? box_clamp(&channel, c->c_values[i])
                                      : c->c_values[i];
    }
    mli_set(p->p_session, (uint32_t)index, values);
}

void controls_apply(t_box *x)
{
    for (t_control *c = x->x_controls; c; c = c->c_next)
        control_apply(x, c);
}

void controls_free(t_box *x)
{
    while (x->x_controls)
        control_forget(x, x->x_controls);
}

static void control_unknown(t_box *x, t_symbol *name)
{
    const t_player *p = &x->x_voice.v_player;
    char have[MAXPDSTRING] = "";
    mli_port port;
    for (uint32_t i = 0; i < p->p_info.inputs; i++) {
        mli_get_input(p->p_model, i, &port);
        if (port.kind != MLI_PORT_CONTROL)
            continue;
        strncat(have, " ", sizeof(have) - strlen(have) - 1);
        strncat(have, port.name, sizeof(have) - strlen(have) - 1);
    }
    box_error(x,
              "set %s: %s has no such control (it has:%s); kept for the "
              "next model",
              name->s_name, box_filename(x), *have ? have : " none");
}

void box_setcontrol(t_box *x, t_symbol *name, int argc, const t_atom *argv)
{
    const t_player *p = &x->x_voice.v_player;
    mli_port port;
    int index = -1;
    for (int i = 0; i < argc; i++)
        if (argv[i].a_type != A_FLOAT) {
            box_error(x, "set %s: value %d is not a number", name->s_name,
                      i + 1);
            return;
        }
    if (!argc) {
        box_error(x, "set %s: expected a value, got none", name->s_name);
        return;
    }
    if (p->p_model)
        index = player_named(p, name->s_name, MLI_PORT_CONTROL);
    if (index >= 0) {
        mli_get_input(p->p_model, (uint32_t)index, &port);
        if (port.channels != (uint32_t)argc) {
            box_error(x, "set %s: expected %u value%s, got %d", name->s_name,
                      (unsigned)port.channels, port.channels == 1 ? "" : "s",
                      argc);
            return;
        }
    }
    t_control *c = control_keep(x, name, argc, argv);
    if (!c)
        box_error(x, "set %s: too many names (at most %d) or no memory",
                  name->s_name, CONTROLS_MAX);
    else if (index >= 0)
        control_apply(x, c);
    else if (p->p_model)
        control_unknown(x, name);
}
