/*
 * pickle.c - the tensors of a pickled state_dict, by the names that its
 * dictionaries give them.
 */
#include <stdlib.h>
#include <string.h>
#include "layers/pickle.h"
#include "layers/pickle_machine.h"

#define MAX_PICKLE (16u << 20) /* bytes */
#define MAX_DEPTH  8u          /* dictionaries in dictionaries */
#define MAX_VISITS (1u << 20)
#define MAX_PATH   (MLC_WEIGHTS_NAME + 1)

static uint64_t as_number(const pickle_value *v)
{
    return v && v->kind == K_INT ? v->a | (uint64_t)v->b << 32 : ~(uint64_t)0;
}

/* (storage, offset, sizes, strides, ...) */
static mlc_status describe(pickle_machine *m, const pickle_value *t,
                           const char *name, size_t length, mlc_pickled *p)
{
    const pickle_value *storage = &pickle_values(m)[t->a],
                       *all = &pickle_values(m)[t->b];
    const pickle_value *key = &pickle_values(m)[storage->b];
    const pickle_value *sizes = pickle_item(m, all, 2),
                       *strides = pickle_item(m, all, 3);

    memset(p, 0, sizeof *p);
    p->name = name;
    p->length = length;
    p->key = (const char *)m->bytes + key->a;
    p->key_length = key->b;
    p->type = pickle_number(storage);
    p->offset = as_number(pickle_item(m, all, 1));
    if (sizes->kind != K_TUPLE || strides->kind != K_TUPLE ||
        sizes->b != strides->b || sizes->b > MLC_WEIGHTS_RANK)
        return mlc_fail(m->error, MLC_CORRUPT, "tensor %.80s: a bad shape",
                        name);
    p->rank = sizes->b;
    for (uint32_t i = 0; i < p->rank; i++) {
        p->dims[i] = as_number(pickle_item(m, sizes, i));
        p->strides[i] = as_number(pickle_item(m, strides, i));
    }
    return MLC_OK;
}

/* A dictionary that is being walked through. */
typedef struct level {
    uint32_t next; /* pair + 1, 0: the end */
    size_t path;   /* length of the path before it */
} level;

/* Put a key behind the path. 0: it is no text, or too long. */
static int add_key(const pickle_machine *m, const pickle_value *key, char *path,
                   size_t at, size_t *length)
{
    size_t dot = at ? 1 : 0;

    if (key->kind != K_TEXT || at + dot + key->b >= MAX_PATH)
        return 0;
    if (dot)
        path[at] = '.';
    memcpy(path + at + dot, m->bytes + key->a, key->b);
    *length = at + dot + key->b;
    path[*length] = '\0';
    return strlen(path) == *length;
}

/* All tensors under a dictionary. Something else than tensors and dictionaries
   is passed over: epochs, losses, an optimizer's lists. */
static mlc_status collect(pickle_machine *m, const pickle_value *dict,
                          mlc_pickle_take take, void *owner)
{
    level levels[MAX_DEPTH] = {{dict->a, 0}};
    uint32_t depth = 1, visits = 0;
    char path[MAX_PATH];

    while (depth) {
        level *l = &levels[depth - 1];
        const pickle_pair *p =
            l->next ? &((pickle_pair *)m->pairs.at)[l->next - 1] : NULL;
        const pickle_value *v = p ? &pickle_values(m)[p->value] : NULL;
        size_t length;

        if (!p) {
            depth--;
            continue;
        }
        l->next = p->next;
        if (++visits > MAX_VISITS)
            return mlc_fail(m->error, MLC_CORRUPT, "too many dictionaries");
        if ((v->kind != K_TENSOR && v->kind != K_DICT) ||
            !add_key(m, &pickle_values(m)[p->key], path, l->path, &length))
            continue;
        if (v->kind == K_DICT) {
            if (depth == MAX_DEPTH)
                return mlc_fail(m->error, MLC_CORRUPT,
                                "dictionaries more than %u deep", MAX_DEPTH);
            levels[depth++] = (level){v->a, length};
        } else {
            mlc_pickled t;
            mlc_status status = describe(m, v, path, length, &t);

            if (!status)
                status = take(owner, &t, m->error);
            if (status)
                return status;
        }
    }
    return MLC_OK;
}

mlc_status mlc_pickle_read(const uint8_t *b, size_t size, mlc_pickle_take take,
                           void *owner, mlc_error *error)
{
    pickle_machine m = {.bytes = b, .size = size, .error = error};
    mlc_status status = MLC_OK;

    if (size > MAX_PICKLE)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "data.pkl has %zu bytes (at most %u are supported)",
                        size, MAX_PICKLE);
    error->status = MLC_OK;
    while (!m.stopped && !status) {
        if (m.at >= m.size)
            pickle_broken(&m, "it is cut short");
        else
            pickle_step(&m);
        status = error->status;
    }
    if (!status && (!pickle_top(&m, 0) || pickle_top(&m, 0)->kind != K_DICT))
        status = mlc_fail(error, MLC_UNSUPPORTED,
                          "no state_dict: in Python: "
                          "torch.save(model.state_dict(), \"model.pt\")");
    if (!status)
        status = collect(&m, pickle_top(&m, 0), take, owner);
    free(m.values.at);
    free(m.stack.at);
    free(m.items.at);
    free(m.pairs.at);
    free(m.memo.at);
    return status;
}
