/* see shared.h */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "identity.h"
#include "shared.h"

struct _shared {
    struct _shared *s_next;
    atomic_int s_count; /* who has it; from 0 it never comes back, and only who
                           holds the lock makes it 0 */
    int s_listed;       /* may be given to other boxes */
    t_identity s_id;    /* the file as it was read */
    mlc_image s_image;
    mli_model s_model;
};

static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static t_shared *shared_list;

static void shared_free(t_shared *s)
{
    mlc_image_free(&s->s_image);
    free(s);
}

/* Read a file; not in the list yet. */
static t_shared *shared_read(const char *path, mlc_error *error)
{
    t_identity before, after;
    int known = identity_of(path, &before);
    t_shared *s = calloc(1, sizeof(*s));
    if (!s) {
        mlc_fail(error, MLC_MEMORY, "no memory");
        return 0;
    }
    if (mlc_load(path, NULL, &s->s_image, error) != MLC_OK) {
        free(s);
        return 0;
    }
    uint32_t index = 0;
    mli_status status =
        mli_open(&s->s_model, s->s_image.bytes, s->s_image.size, &index);
    if (status != MLI_OK) {
        mlc_fail(error, MLC_CORRUPT, "%s (%u)", mli_status_text(status),
                 (unsigned)index);
        shared_free(s);
        return 0;
    }
    /* a file that changed while it was read is nobody else's */
    s->s_listed =
        known && identity_of(path, &after) && identity_same(&before, &after);
    s->s_id = before;
    s->s_count = 1;
    return s;
}

/* With the lock held: take it if it is there. */
static t_shared *shared_find(const t_identity *id)
{
    for (t_shared *s = shared_list; s; s = s->s_next)
        if (s->s_listed && identity_same(&s->s_id, id)) {
            s->s_count++;
            return s;
        }
    return 0;
}

/* With the lock held: put a new image in the list, or, if an equal one came
   first, take that one. The one that is not needed comes back in spare, to be
   dropped without the lock. */
static t_shared *shared_enter(t_shared *s, t_shared **spare)
{
    t_shared *other = s->s_listed ? shared_find(&s->s_id) : 0;
    if (other && other->s_image.size == s->s_image.size &&
        !memcmp(other->s_image.bytes, s->s_image.bytes, s->s_image.size)) {
        *spare = s;
        return other;
    }
    if (other) /* same file, other content: a file that it names changed */
        other->s_listed = 0;
    *spare = other;
    s->s_next = shared_list;
    shared_list = s;
    return s;
}

t_shared *shared_open(const char *path, int fresh, mlc_error *error)
{
    t_identity id;
    t_shared *s = 0, *spare = 0;
    if (!fresh && identity_of(path, &id)) {
        pthread_mutex_lock(&shared_lock);
        s = shared_find(&id);
        pthread_mutex_unlock(&shared_lock);
        if (s)
            return s;
    }
    if (!(s = shared_read(path, error)))
        return 0;
    pthread_mutex_lock(&shared_lock);
    s = shared_enter(s, &spare);
    pthread_mutex_unlock(&shared_lock);
    shared_drop(spare);
    return s;
}

t_shared *shared_keep(t_shared *s)
{
    s->s_count++;
    return s;
}

/* Unless it is the last one: 0. */
static int shared_drop_one(t_shared *s)
{
    int count = s->s_count;
    while (count > 1)
        if (atomic_compare_exchange_weak(&s->s_count, &count, count - 1))
            return 1;
    return 0;
}

void shared_drop(t_shared *s)
{
    if (!s || shared_drop_one(s))
        return;
    pthread_mutex_lock(&shared_lock);
    int last = --s->s_count == 0;
    for (t_shared **p = &shared_list; last && *p; p = &(*p)->s_next)
        if (*p == s) {
            *p = s->s_next;
            break;
        }
    pthread_mutex_unlock(&shared_lock);
    if (last)
        shared_free(s);
}

const mli_model *shared_model(const t_shared *s)
{
    return &s->s_model;
}
