/*
 * net_names.c - values by name, and values that are late.
 */
#include <stdlib.h>
#include <string.h>
#include "layers/net.h"

int net_name(net_import *n, const char *name, net_signal x)
{
    net_named *more;

    if (net_find(n, name))
        return mlc_doc_fail(&n->doc, MLC_CORRUPT, NULL,
                            "\"%s\" is the name of two values: give one of "
                            "them another with \"as\"",
                            name);
    if (n->named_count == n->named_room) {
        n->named_room = n->named_room ? 2 * n->named_room : 32;
        more = realloc(n->named, n->named_room * sizeof *more);
        if (!more)
            return mlc_doc_no_memory(&n->doc);
        n->named = more;
    }
    more = &n->named[n->named_count];
    more->name = malloc(strlen(name) + 1);
    if (!more->name)
        return mlc_doc_no_memory(&n->doc);
    strcpy(more->name, name);
    more->x = x;
    n->named_count++;
    return 1;
}

const net_signal *net_find(const net_import *n, const char *name)
{
    for (uint32_t i = n->named_count; i-- > 0;)
        if (!strcmp(n->named[i].name, name))
            return &n->named[i].x;
    return NULL;
}

void net_align(net_import *n, net_signal *x, uint32_t count)
{
    uint32_t latest = 0;

    for (uint32_t i = 0; i < count; i++)
        if (x[i].late > latest)
            latest = x[i].late;
    for (uint32_t i = 0; i < count; i++) {
        const ir_value *v = ir_get(n->doc.g, x[i].id);

        if (x[i].late < latest && v && v->timed)
            x[i].id = ir_delay(n->doc.g, x[i].id, latest - x[i].late);
        x[i].late = latest;
    }
}

uint32_t net_width(const net_import *n, net_signal x)
{
    const ir_value *v = x.id == IR_NONE ? NULL : ir_get(n->doc.g, x.id);

    return v && v->rank ? v->dims[v->rank - 1] : 1;
}

uint32_t net_frames(const net_import *n, net_signal x)
{
    const ir_value *v = x.id == IR_NONE ? NULL : ir_get(n->doc.g, x.id);

    return n->mode == MLI_WINDOW && v && v->rank == 2 ? v->dims[0] : 0;
}
