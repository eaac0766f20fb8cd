/* [mlinfer~]: a model on signals. */
#include <stdlib.h>
#include <string.h>
#include "classes.h"
#include "multichannel.h"
#include "signalbox.h"

/* ------------ mlinfer~ - neural networks on signals ----------------------- */

static t_class *signalclass_class;
static t_class *signalclass_multi; /* the same for -m */

/* -------------------------------- dsp ------------------------------------- */

/* What a voice has to be made for. */
static void signalbox_setting(const t_box *box, t_setting *s)
{
    const t_signalbox *x = (const t_signalbox *)box;
    const t_arguments *a = &box->x_args;
    s->s_aslist = a->a_list;
    s->s_norate = a->a_norate;
    s->s_clamp = a->a_clamp;
    s->s_hop = a->a_hop;
    s->s_nin = x->x_multi ? -1 : x->x_nin;
    s->s_nout = a->a_list ? 0 : x->x_multi ? -1 : x->x_nout;
    s->s_rate = x->x_rate;
    s->s_pdrate = sys_getsr();
    s->s_block = x->x_block;
}

/* Another rate than the model's that is not converted is said once. Whole
   windows that overlap are at Pd's rate. */
static void signalbox_checkrate(t_signalbox *x)
{
    const t_voice *v = &x->x_box.x_voice;
    double rate = v->v_player.p_info.rate;
    t_float here = v->v_buffers.b_window ? sys_getsr() : x->x_rate;
    const char *why =
        x->x_rate == sys_getsr()
            ? ""
            : ", because of a [block~] with overlap or resampling,";
    if (!v->v_player.p_model || rate <= 0 || v->v_buffers.b_rate ||
        x->x_box.x_args.a_norate || here == (t_float)rate ||
        (x->x_saidmodel == rate && x->x_saidcanvas == x->x_rate))
        return;
    x->x_saidmodel = rate;
    x->x_saidcanvas = x->x_rate;
    box_error(&x->x_box,
              "%s: made for %g Hz, runs at %g Hz here%s and is not converted: "
              "it will sound different",
              box_filename(&x->x_box), rate, (double)x->x_rate, why);
}

/* Is a voice right for the canvas as it is? */
static int voice_suits(const t_voice *v, const t_setting *s)
{
    const t_player *p = &v->v_player;
    return !p->p_model || (buffers_rate(s, p) == v->v_buffers.b_rate &&
                           buffers_window(s, p) == v->v_buffers.b_window);
}

/* The canvas has another rate or block than at the last look, and that counts:
   the model goes on, from silence in the filters. */
static void signalbox_convert(t_signalbox *x, const t_setting *s)
{
    t_voice *v = &x->x_box.x_voice;
    t_buffers next;
    t_failure failure;
    if (x->x_swaps && !voice_suits(&x->x_box.x_old, s))
        x->x_swaps = SWAP_NONE;
    if (voice_suits(v, s))
        return;
    double latency = v->v_buffers.b_latency;
    if (!buffers_make(&next, s, &v->v_player, &failure)) {
        box_error(&x->x_box, "%s: %s", box_filename(&x->x_box), failure.f_text);
        return;
    }
    buffers_free(&v->v_buffers);
    v->v_buffers = next;
    if (next.b_latency != latency && x->x_box.x_createdsaid) {
        x->x_saylatency = 1;
        clock_delay(x->x_tell, 0);
    }
}

static void signalbox_room(t_signalbox *x, const t_setting *s)
{
    t_voice *v = &x->x_box.x_voice;
    if (!buffers_room(&v->v_buffers, s, &v->v_player))
        box_error(&x->x_box, "no memory for the results of %d frames",
                  s->s_block);
}

static void signalbox_vectors(t_signalbox *x, t_signal **sp)
{
    int inlets = x->x_nin > 0 ? x->x_nin : 1;
    for (int c = 0; c < x->x_nin; c++)
        x->x_invec[c] = sp[c]->s_vec;
    for (int c = 0; c < x->x_nout; c++)
        x->x_outvec[c] = sp[inlets + c]->s_vec;
}

/* -m: channels that do not come are silent. All are kept that any model could
   ask for: one that fades may have more than the one that comes. */
static void signalbox_channels(t_signalbox *x, t_signal **sp)
{
    int there = multichannel_count(sp[0]);
    size_t n = (size_t)sp[0]->s_n;
    for (int c = 0; c < PORTS_MAX; c++)
        x->x_invec[c] = c < there ? sp[0]->s_vec + n * (size_t)c : 0;
    if (x->x_box.x_args.a_list)
        return;
    multichannel_outlet(sp + 1, x->x_nout);
    for (int c = 0; c < x->x_nout; c++)
        x->x_outvec[c] = sp[1]->s_vec + n * (size_t)c;
}

/* Of t_signal, only what is the same in every Pd: s_n, s_vec, s_sr. State goes
   on where it was: a rebuilt graph is no new beginning. */
static void signalbox_dsp(t_signalbox *x, t_signal **sp)
{
    if (x->x_multi)
        signalbox_channels(x, sp);
    else
        signalbox_vectors(x, sp);
    t_setting setting;
    x->x_rate = sp[0]->s_sr;
    x->x_block = sp[0]->s_n;
    signalbox_setting(&x->x_box, &setting);
    signalbox_convert(x, &setting);
    signalbox_checkrate(x);
    signalbox_room(x, &setting);
    dsp_add(signalbox_perform, 2, x, (t_int)sp[0]->s_n);
}

/* ------------------------------ methods ----------------------------------- */

/* By clock, what perform has found out. */
static void signalbox_tell(t_signalbox *x)
{
    t_results *r = &x->x_box.x_voice.v_buffers.b_results;
    box_saybadvalue(&x->x_box);
    if (x->x_saylatency) {
        x->x_saylatency = 0;
        box_saylatency(&x->x_box);
    }
    while (r->r_count) {
        const float *y =
            r->r_values + (size_t)r->r_first * x->x_box.x_voice.v_player.p_nout;
        r->r_first = (r->r_first + 1) % r->r_room;
        r->r_count--;
        box_sayresult(&x->x_box, y, x->x_list);
    }
}

static void signalbox_set(t_signalbox *x, t_symbol *s, int argc, t_atom *argv)
{
    (void)s;
    if (!argc || argv->a_type != A_SYMBOL)
        box_error(&x->x_box, "set: expected the name of a control, got %s",
                  argc ? "a number" : "nothing");
    else
        box_setcontrol(&x->x_box, argv->a_w.w_symbol, argc - 1, argv + 1);
}

/* ------------------------- for the common part ---------------------------- */

/* -m: as many channels as the model that has just come; others than before
   need another graph. */
static void signalbox_recount(t_signalbox *x)
{
    const t_player *p = &x->x_box.x_voice.v_player;
    int in = (int)p->p_nin, out = x->x_box.x_args.a_list ? 0 : (int)p->p_nout;
    if (!x->x_multi || !x->x_invec || (in == x->x_nin && out == x->x_nout))
        return;
    x->x_nin = in;
    x->x_nout = out;
    if (x->x_block)
        canvas_update_dsp();
}

/* -hop for a model that does not run in hops, or in its own, is said once. */
static void signalbox_checkhop(t_signalbox *x)
{
    const t_voice *v = &x->x_box.x_voice;
    int hop = x->x_box.x_args.a_hop;
    if (hop == HOP_DEFAULT || v->v_buffers.b_hop == (uint32_t)hop ||
        x->x_hopsaid)
        return;
    x->x_hopsaid = 1;
    if (v->v_player.p_info.mode == MLI_STREAM)
        box_error(&x->x_box,
                  "%s: -hop %d does nothing: a stream model runs at every "
                  "frame",
                  box_filename(&x->x_box), hop);
    else
        box_error(&x->x_box,
                  "%s: -hop %d does nothing: this window model has a hop of "
                  "%u frames",
                  box_filename(&x->x_box), hop, (unsigned)v->v_buffers.b_hop);
}

static void signalbox_adopt(t_box *box, int fade)
{
    t_signalbox *x = (t_signalbox *)box;
    signalbox_swap(x, fade);
    signalbox_recount(x);
    signalbox_checkhop(x);
    if (x->x_block) /* the graph stands: this model came later */
        signalbox_checkrate(x);
}

static int signalbox_fades(t_box *box)
{
    return signalbox_swaps((t_signalbox *)box);
}

static double signalbox_latency(const t_box *box)
{
    return box->x_voice.v_buffers.b_latency;
}

static double signalbox_rate(const t_box *box)
{
    return box->x_voice.v_buffers.b_rate;
}

/* Inlets and outlets beyond the model's are there for other models. */
static void signalbox_print(const t_box *box)
{
    const t_signalbox *x = (const t_signalbox *)box;
    const t_player *p = &box->x_voice.v_player;
    if (p->p_info.mode == MLI_STEP)
        post("  hop: a list every %u frames",
             (unsigned)box->x_voice.v_buffers.b_hop);
    if (x->x_nin > (int)p->p_nin)
        post("  inlets: %d, the model hears %u", x->x_nin, (unsigned)p->p_nin);
    if (x->x_nout > (int)p->p_nout)
        post("  outlets: %d, the model plays %u", x->x_nout,
             (unsigned)p->p_nout);
}

static const t_boxkind signalbox_kind = {
    .k_name = "mlinfer~",
    .k_tilde = 1,
    .k_setting = signalbox_setting,
    .k_adopt = signalbox_adopt,
    .k_fades = signalbox_fades,
    .k_latency = signalbox_latency,
    .k_converted = signalbox_rate,
    .k_print = signalbox_print,
};

/* ------------------------ creation and the end ---------------------------- */

/* Counts that nothing has fixed: the model's, or 1 without one. */
static int signalbox_counts(t_signalbox *x)
{
    const t_player *p = &x->x_box.x_voice.v_player;
    if (x->x_nin < 0)
        x->x_nin = p->p_model ? (int)p->p_nin : 1;
    if (x->x_nout < 0)
        x->x_nout = p->p_model ? (int)p->p_nout : 1;
    int in = x->x_multi ? PORTS_MAX : x->x_nin + 1;
    int out = x->x_multi ? PORTS_MAX : x->x_nout + 1;
    x->x_invec = calloc((size_t)in, sizeof(*x->x_invec));
    x->x_outvec = calloc((size_t)out, sizeof(*x->x_outvec));
    return x->x_invec && x->x_outvec;
}

static float signalbox_initial(const t_signalbox *x, int c)
{
    const t_player *p = &x->x_box.x_voice.v_player;
    return p->p_model && (uint32_t)c < p->p_nin ? p->p_x[c] : 0;
}

static void signalbox_ports(t_signalbox *x)
{
    t_object *o = &x->x_box.x_obj;
    x->x_box.x_f = signalbox_initial(x, 0);
    int in = x->x_multi ? 1 : x->x_nin, out = x->x_nout;
    for (int c = 1; c < in; c++)
        signalinlet_new(o, signalbox_initial(x, c));
    for (int c = 0; c < (x->x_multi && out ? 1 : out); c++)
        outlet_new(o, &s_signal);
    if (x->x_box.x_args.a_list)
        x->x_list = outlet_new(o, &s_list);
    box_outlet(&x->x_box);
}

/* A box without a model can stand in for one only if its cords are known. */
static int signalbox_maybesilent(const t_signalbox *x)
{
    const t_arguments *a = &x->x_box.x_args;
    return x->x_multi || (a->a_in >= 0 && (a->a_out >= 0 || a->a_list));
}

/* Asked for before there is an object: it is of another class then. */
static int is_multichannel(int argc, const t_atom *argv)
{
    for (int i = 0; i < argc && multichannel_here(); i++)
        if (argv[i].a_type == A_SYMBOL && argv[i].a_w.w_symbol == gensym("-m"))
            return 1;
    return 0;
}

static void signalbox_arguments(t_signalbox *x, int multi)
{
    t_arguments *a = &x->x_box.x_args;
    if (a->a_multi && !multi)
        box_error(&x->x_box, "-m: this Pd has no multichannel signals "
                             "(expected 0.54 or later), flag ignored");
    if (multi && (a->a_in >= 0 || a->a_out >= 0)) {
        box_error(&x->x_box, "-m: channels are as many as the model has, -in "
                             "and -out ignored");
        a->a_in = a->a_out = -1;
    }
    x->x_multi = multi;
    x->x_nin = a->a_in;
    x->x_nout = a->a_list ? 0 : a->a_out;
}

/* Without a model, the memory that a box plays in all the same. */
static int signalbox_silent(t_signalbox *x)
{
    t_buffers *b = &x->x_box.x_voice.v_buffers;
    t_setting setting;
    t_failure failure;
    if (b->b_chunk)
        return 1;
    memset(&setting, 0, sizeof(setting));
    signalbox_setting(&x->x_box, &setting);
    return buffers_make(b, &setting, 0, &failure);
}

static void *signalbox_new(t_symbol *s, int argc, t_atom *argv)
{
    int multi = is_multichannel(argc, argv);
    t_signalbox *x =
        (t_signalbox *)pd_new(multi ? signalclass_multi : signalclass_class);
    (void)s;
    box_init(&x->x_box, &signalbox_kind, argc, argv);
    signalbox_arguments(x, multi);
    x->x_tell = clock_new(x, (t_method)signalbox_tell);
    x->x_rate = sys_getsr();
    int opened = box_first(&x->x_box);
    if (!opened && !signalbox_maybesilent(x)) {
        pd_free((t_pd *)x);
        return 0;
    }
    if (!signalbox_counts(x) || !signalbox_silent(x)) {
        box_error(&x->x_box, "no memory");
        pd_free((t_pd *)x);
        return 0;
    }
    signalbox_ports(x);
    return x;
}

static void signalbox_free(t_signalbox *x)
{
    clock_free(x->x_tell);
    free(x->x_invec);
    free(x->x_outvec);
    box_free(&x->x_box);
}

/* Without a constructor of its own, a class of the same name is found by
   nobody but signalbox_new. */
static t_class *signalclass_make(t_newmethod make, int flags)
{
    t_class *c = class_new(gensym("mlinfer~"), make, (t_method)signalbox_free,
                           sizeof(t_signalbox), flags, make ? A_GIMME : 0, 0);
    CLASS_MAINSIGNALIN(c, t_signalbox, x_box.x_f);
    class_addmethod(c, (t_method)signalbox_dsp, gensym("dsp"), A_CANT, 0);
    class_addmethod(c, (t_method)signalbox_bypass, gensym("bypass"), A_GIMME,
                    0);
    class_addmethod(c, (t_method)signalbox_set, gensym("set"), A_GIMME, 0);
    box_addmethods(c);
    return c;
}

void signalclass_setup(void)
{
    t_newmethod make = (t_newmethod)(t_method)signalbox_new;
    signalclass_class = signalclass_make(make, CLASS_DEFAULT);
    signalclass_multi = signalclass_make(0, CLASS_DEFAULT | MULTICHANNEL_CLASS);
    class_alias(make, "mlinfer/mlinfer~");
}
