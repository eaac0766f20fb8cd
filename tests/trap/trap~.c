/*
 * trap~.c - [arm~] and [disarm~]: what lies between them in the DSP chain runs
 * armed. Both pass their signal on. Needs the library of traps preloaded. With
 * TRAP_PLANT set, [arm~] allocates and calls the system once a tick, so that
 * the traps can be seen to work here.
 *
 * [armed] passes a message on: what it does to the boxes behind runs armed.
 * [callbacks] takes 1 or 0: those of callbacks.c arm, or do not.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "m_pd.h"
#include "trap.h"

static t_class *arm_class, *disarm_class, *armed_class, *callbacks_class;
static int planted;

typedef struct _gate {
    t_object x_obj;
    t_float x_f;
} t_gate;

static void plant(void)
{
    void *volatile p = malloc(10);
    free(p);
    syscall(SYS_getppid);
}

static void pass(t_int *w)
{
    memmove((void *)w[2], (void *)w[1], (size_t)w[3] * sizeof(t_sample));
}

static t_int *arm_perform(t_int *w)
{
    pass(w);
    trap_arm();
    if (planted)
        plant();
    return w + 4;
}

static t_int *disarm_perform(t_int *w)
{
    trap_disarm();
    pass(w);
    return w + 4;
}

static void arm_dsp(t_gate *x, t_signal **sp)
{
    (void)x;
    dsp_add(arm_perform, 3, sp[0]->s_vec, sp[1]->s_vec, (t_int)sp[0]->s_n);
}

static void disarm_dsp(t_gate *x, t_signal **sp)
{
    (void)x;
    dsp_add(disarm_perform, 3, sp[0]->s_vec, sp[1]->s_vec, (t_int)sp[0]->s_n);
}

static void armed_anything(t_gate *x, t_symbol *s, int argc, t_atom *argv)
{
    trap_arm();
    if (planted)
        plant();
    outlet_anything(x->x_obj.ob_outlet, s, argc, argv);
    trap_disarm();
}

static void *armed_new(void)
{
    t_gate *x = (t_gate *)pd_new(armed_class);
    outlet_new(&x->x_obj, 0);
    return x;
}

static void callbacks_float(t_gate *x, t_floatarg f)
{
    (void)x;
    trap_callbacks_arm(f != 0);
}

static void *callbacks_new(void)
{
    return pd_new(callbacks_class);
}

static void *arm_new(void)
{
    t_gate *x = (t_gate *)pd_new(arm_class);
    outlet_new(&x->x_obj, &s_signal);
    return x;
}

static void *disarm_new(void)
{
    t_gate *x = (t_gate *)pd_new(disarm_class);
    outlet_new(&x->x_obj, &s_signal);
    return x;
}

__attribute__((visibility("default"))) void trap_tilde_setup(void);
void trap_tilde_setup(void)
{
    planted = getenv("TRAP_PLANT") != NULL;
    arm_class = class_new(gensym("arm~"), (t_newmethod)arm_new, 0,
                          sizeof(t_gate), 0, A_NULL);
    CLASS_MAINSIGNALIN(arm_class, t_gate, x_f);
    class_addmethod(arm_class, (t_method)arm_dsp, gensym("dsp"), A_CANT, 0);
    disarm_class = class_new(gensym("disarm~"), (t_newmethod)disarm_new, 0,
                             sizeof(t_gate), 0, A_NULL);
    CLASS_MAINSIGNALIN(disarm_class, t_gate, x_f);
    class_addmethod(disarm_class, (t_method)disarm_dsp, gensym("dsp"), A_CANT,
                    0);
    armed_class = class_new(gensym("armed"), (t_newmethod)armed_new, 0,
                            sizeof(t_gate), 0, A_NULL);
    class_addanything(armed_class, armed_anything);
    callbacks_class = class_new(gensym("callbacks"), (t_newmethod)callbacks_new,
                                0, sizeof(t_gate), 0, A_NULL);
    class_addfloat(callbacks_class, callbacks_float);
}
