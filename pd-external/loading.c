/* see loading.h */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "loading.h"

struct _loading {
    t_errand l_errand; /* first: an errand is its loading */
    t_voice l_old;     /* to be closed */
    int l_asked;
    atomic_int l_dropped;
    t_request l_request;
    int l_done; /* the answer: */
    t_voice l_voice;
    char l_path[MAXPDSTRING];
    t_failure l_failure;
};

int request_open(const t_request *q, t_voice *v, char *path, t_failure *failure)
{
    if (*q->q_path) {
        snprintf(path, MAXPDSTRING, "%s", q->q_path);
    } else if (!lookup_search(&q->q_places, path)) {
        snprintf(path, MAXPDSTRING, "%s", q->q_places.p_name);
        failure->f_word = "notfound";
        lookup_explain(&q->q_places, failure->f_text, sizeof(failure->f_text));
        return 0;
    }
    return voice_open(v, path, q->q_fresh, &q->q_setting, failure);
}

static void loading_work(t_errand *e)
{
    t_loading *l = (t_loading *)e;
    voice_close(&l->l_old);
    int wanted = l->l_asked && !atomic_load(&l->l_dropped);
    l->l_done = wanted && request_open(&l->l_request, &l->l_voice, l->l_path,
                                       &l->l_failure);
    if (l->l_done)
        voice_warm(&l->l_voice);
}

static void loading_forget(t_errand *e)
{
    t_loading *l = (t_loading *)e;
    voice_close(&l->l_old);
    voice_close(&l->l_voice);
    free(l);
}

t_loading *loading_new(void)
{
    t_loading *l = calloc(1, sizeof(*l));
    if (l && worker_join()) {
        l->l_errand.e_work = loading_work;
        l->l_errand.e_forget = loading_forget;
        return l;
    }
    free(l);
    return 0;
}

void loading_leave(t_loading *l)
{
    if (!l)
        return;
    loading_drop(l);
    errand_leave(&l->l_errand);
    worker_leave();
}

void loading_drop(t_loading *l)
{
    atomic_store(&l->l_dropped, 1);
}

t_stage loading_stage(t_loading *l)
{
    return errand_stage(&l->l_errand);
}

t_request *loading_request(t_loading *l)
{
    return &l->l_request;
}

void loading_ask(t_loading *l, t_voice *old, int request)
{
    l->l_old = *old;
    memset(old, 0, sizeof(*old));
    l->l_asked = request;
    atomic_store(&l->l_dropped, 0);
    errand_give(&l->l_errand);
}

int loading_take(t_loading *l, t_voice *v, const char **path,
                 const t_failure **failure)
{
    errand_take(&l->l_errand);
    *path = l->l_path;
    *failure = &l->l_failure;
    if (!l->l_done)
        return 0;
    *v = l->l_voice;
    memset(&l->l_voice, 0, sizeof(l->l_voice));
    return 1;
}
