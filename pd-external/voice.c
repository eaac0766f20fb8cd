/* see voice.h */
#include <stdlib.h>
#include <string.h>
#include "arguments.h"
#include "layout.h"
#include "voice.h"

int setting_same(const t_setting *a, const t_setting *b)
{
    return a->s_rate == b->s_rate && a->s_pdrate == b->s_pdrate &&
           a->s_block == b->s_block && a->s_tile == b->s_tile &&
           a->s_nin == b->s_nin && a->s_nout == b->s_nout;
}

int setting_inlets(const t_setting *s, const t_player *p)
{
    if (s->s_nin >= 0)
        return s->s_nin;
    return p ? (int)p->p_nin : 1;
}

int setting_outlets(const t_setting *s, const t_player *p)
{
    if (s->s_nout >= 0)
        return s->s_nout;
    return p ? (int)p->p_nout : 1;
}

/* box: channels that there are, -1: as many as the model has. */
static int voice_countfits(const char *what, const char *flag, uint32_t model,
                           int box, t_failure *failure)
{
    uint32_t most = box < 0 ? PORTS_MAX : (uint32_t)box;
    if (model <= most)
        return 1;
    if (box < 0)
        failure_set(failure, "channels", "has %u %ss, expected at most %u",
                    (unsigned)model, what, (unsigned)most);
    else
        failure_set(failure, "channels", "has %u %s%s, box has %d: use %s %u",
                    (unsigned)model, what, model == 1 ? "" : "s", box, flag,
                    (unsigned)model);
    return 0;
}

static int voice_fits(const t_setting *s, const t_player *p, t_failure *failure)
{
    if (!voice_countfits("input", "-in", p->p_nin, s->s_nin, failure))
        return 0;
    if (!s->s_aslist)
        return voice_countfits("output", "-out", p->p_nout, s->s_nout, failure);
    if (p->p_info.mode != MLI_STREAM)
        return 1;
    failure_set(failure, "unsupported",
                "-list: expected a step or window model, got a stream");
    return 0;
}

/* Room for lists that are longer than what the stack has. */
static int voice_room(t_voice *v, const t_setting *s, t_failure *failure)
{
    uint32_t n = v->v_player.p_nout;
    t_layout l = {0, 0};
    if (n <= ATOMS_STACK || (s->s_tilde && !s->s_aslist))
        return 1;
    layout_take(&l, n, sizeof(t_atom));
    if (layout_make(&l))
        v->v_atoms = (t_atom *)l.l_base;
    else
        failure_set(failure, "memory", "no memory for lists of %u",
                    (unsigned)n);
    return v->v_atoms != 0;
}

int voice_open(t_voice *v, const char *path, int fresh, const t_setting *s,
               t_failure *failure)
{
    t_player *p = &v->v_player;
    memset(v, 0, sizeof(*v));
    if (!player_open(p, path, fresh, s->s_tile, failure))
        return 0;
    if ((!s->s_tilde || (voice_fits(s, p, failure) &&
                         buffers_make(&v->v_buffers, s, p, failure))) &&
        voice_room(v, s, failure))
        return 1;
    voice_close(v);
    return 0;
}

void voice_close(t_voice *v)
{
    player_close(&v->v_player);
    buffers_free(&v->v_buffers);
    free(v->v_atoms);
    v->v_atoms = 0;
}

t_atom *voice_lend(t_voice *v, uint32_t n)
{
    t_atom *at = v->v_player.p_nout == n ? v->v_atoms : 0;
    if (!at)
        return malloc(n * sizeof(t_atom));
    v->v_atoms = 0;
    return at;
}

void voice_return(t_voice *v, t_atom *at, uint32_t n)
{
    if (v->v_player.p_model && v->v_player.p_nout == n && !v->v_atoms)
        v->v_atoms = at;
    else
        free(at);
}

int voice_there(const t_voice *v)
{
    return v->v_player.p_model || v->v_buffers.b_chunk;
}

void voice_warm(t_voice *v)
{
    t_player *p = &v->v_player;
    const t_buffers *b = &v->v_buffers;
    uint32_t n = b->b_rate ? b->b_rates.r_most : b->b_chunk;
    if (p->p_info.mode == MLI_STEP || !n)
        player_once(p);
    else
        mli_process(p->p_session, (const float *const *)b->b_modelin,
                    b->b_modelout, n);
    mli_reset(p->p_session);
    memset(p->p_y, 0, p->p_nout * sizeof(float));
    for (uint32_t c = 0; n && c < p->p_nout; c++)
        memset(b->b_modelout[c], 0, n * sizeof(float));
}
