/* see describe.h */
#include <stdio.h>
#include <string.h>
#include "describe.h"

static const char *mode_name(mli_mode mode)
{
    return mode == MLI_STREAM   ? "stream"
           : mode == MLI_WINDOW ? "window"
                                : "step";
}

/* What one channel is called: its label, else its port, with a number if the
   port has several. */
static const char *channel_name(const mli_port *port,
                                const mli_channel *channel, uint32_t in_port,
                                uint32_t values, char *text, size_t size)
{
    if (*channel->label)
        return channel->label;
    if (values == 1)
        return port->name;
    snprintf(text, size, "%s-%u", port->name, (unsigned)in_port + 1);
    return text;
}

static const char *model_name(const t_box *x)
{
    const char *name = mli_get_meta(x->x_voice.v_player.p_model, "name");
    return name && *name ? name : box_filename(x);
}

/* 0: sound is not converted. */
static double converted_rate(const t_box *x)
{
    return x->x_kind->k_converted ? x->x_kind->k_converted(x) : 0;
}

static void say(t_box *x, const char *tag, double value)
{
    t_atom at;
    SETFLOAT(&at, (t_float)value);
    outlet_anything(x->x_info, gensym(tag), 1, &at);
}

static void say_text(t_box *x, const char *tag, const char *text)
{
    t_atom at;
    SETSYMBOL(&at, gensym(text));
    outlet_anything(x->x_info, gensym(tag), 1, &at);
}

static void say_channel(t_box *x, const char *tag, uint32_t index,
                        const char *name, const mli_channel *channel)
{
    t_atom at[4];
    SETFLOAT(at, (t_float)(index + 1));
    SETSYMBOL(at + 1, gensym(name));
    SETFLOAT(at + 2, channel->low);
    SETFLOAT(at + 3, channel->high);
    outlet_anything(x->x_info, gensym(tag), 4, at);
}

/*
 * Visit every channel: what happens at the outlet may be a load, so p is a
 * copy whose image is kept by the caller.
 */
typedef void (*t_visit)(t_box *x, const char *tag, uint32_t index,
                        const char *name, const mli_channel *channel);

static void visit_side(t_box *x, const t_player *p, t_side side, t_visit visit)
{
    char text[MAXPDSTRING];
    mli_port port;
    mli_channel channel;
    for (uint32_t c = 0; c < (side == SIDE_IN ? p->p_nin : p->p_nout); c++) {
        uint32_t k = player_channel(p, side, c, &port, &channel);
        visit(x, side == SIDE_IN ? "in" : "out", c,
              channel_name(&port, &channel, k, player_values(p, &port), text,
                           sizeof(text)),
              &channel);
    }
}

static void visit_channels(t_box *x, const t_player *p, t_visit visit)
{
    mli_port port;
    mli_channel channel;
    visit_side(x, p, SIDE_IN, visit);
    visit_side(x, p, SIDE_OUT, visit);
    for (uint32_t i = 0, n = 0; i < p->p_info.inputs; i++) {
        mli_get_input(p->p_model, i, &port);
        for (uint32_t k = 0; port.kind == MLI_PORT_CONTROL && k < port.channels;
             k++) {
            mli_get_input_channel(p->p_model, i, k, &channel);
            visit(x, "control", n++, port.name, &channel);
        }
    }
}

void box_info(t_box *x)
{
    t_player p = x->x_voice.v_player;
    if (!p.p_model) {
        say_text(x, "mode", "none");
        return;
    }
    if (!box_tells(x))
        return;
    const char *path = x->x_path->s_name;
    double latency = x->x_kind->k_latency(x), here = converted_rate(x);
    shared_keep(p.p_shared);
    say_text(x, "name", model_name(x));
    say_text(x, "file", path);
    say_text(x, "mode", mode_name(p.p_info.mode));
    say(x, "rate", p.p_info.rate);
    if (here > 0)
        say(x, "converted", here);
    say(x, "inputs", p.p_nin);
    say(x, "outputs", p.p_nout);
    visit_channels(x, &p, say_channel);
    say(x, "latency", latency);
    say(x, "parameters", (double)p.p_info.parameters);
    say(x, "macs", (double)p.p_info.macs_per_frame);
    t_atom at[2]; /* of this box alone, and shared by all boxes with it */
    SETFLOAT(at, (t_float)p.p_bytes);
    SETFLOAT(at + 1, (t_float)p.p_info.file_bytes);
    outlet_anything(x->x_info, gensym("memory"), 2, at);
    shared_drop(p.p_shared);
    box_told(x);
}

static void post_channel(t_box *x, const char *tag, uint32_t index,
                         const char *name, const mli_channel *channel)
{
    (void)x;
    if (channel->low < channel->high)
        post("  %s %u: %s, %g to %g", tag, (unsigned)index + 1, name,
             (double)channel->low, (double)channel->high);
    else
        post("  %s %u: %s", tag, (unsigned)index + 1, name);
}

void box_print(t_box *x)
{
    const t_player *p = &x->x_voice.v_player;
    const char *name = x->x_kind->k_name, *key, *value;
    if (!p->p_model) {
        post("%s: no model", name);
        return;
    }
    post("%s: %s", name, model_name(x));
    post("  file: %s", x->x_path->s_name);
    post("  mode: %s", mode_name(p->p_info.mode));
    if (p->p_info.rate > 0)
        post(converted_rate(x) > 0 ? "  rate: %g Hz, converted from and to %g"
                                   : "  rate: %g Hz",
             p->p_info.rate, converted_rate(x));
    if (p->p_info.mode == MLI_WINDOW)
        post("  window: %u frames, a result every %u",
             (unsigned)p->p_info.window, (unsigned)p->p_info.hop);
    post("  inputs: %u, outputs: %u", (unsigned)p->p_nin, (unsigned)p->p_nout);
    visit_channels(x, p, post_channel);
    if (x->x_kind->k_print)
        x->x_kind->k_print(x);
    post("  latency: %g frames", x->x_kind->k_latency(x));
    post("  parameters: %llu", (unsigned long long)p->p_info.parameters);
    post("  multiply-accumulates: %llu a %s",
         (unsigned long long)p->p_info.macs_per_frame,
         p->p_info.mode == MLI_STREAM   ? "frame"
         : p->p_info.mode == MLI_WINDOW ? "window"
                                        : "list");
    post("  memory: %llu bytes, and %u shared by all boxes with this file",
         (unsigned long long)p->p_bytes, (unsigned)p->p_info.file_bytes);
    for (uint32_t i = 0; mli_get_meta_at(p->p_model, i, &key, &value); i++)
        if (strcmp(key, "name")) /* stands at the top */
            post("  %s: %.*s%s", key, (int)strcspn(value, "\n"), value,
                 strchr(value, '\n') ? " ..." : "");
}
