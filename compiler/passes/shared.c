/*
 * shared.c - equal constants become one: same shape, same bits.
 */
#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "ir_build.h"
#include "passes.h"
#include "rewrite.h"

static uint64_t hash_of(const ir_value *v)
{
    uint64_t h = mlc_hash(MLC_HASH, v->dims, v->rank * sizeof v->dims[0]);

    return mlc_hash(h, v->data, ir_data_floats(v) * sizeof *v->data);
}

static int equal(const ir_value *a, const ir_value *b)
{
    return a->role == b->role && a->storage == b->storage &&
           a->rank == b->rank &&
           !memcmp(a->dims, b->dims, a->rank * sizeof a->dims[0]) &&
           !memcmp(a->data, b->data, ir_data_floats(a) * sizeof *a->data);
}

/* The first constant that equals v, entered in the table if it is new. */
static ir_id find(const ir_graph *g, ir_id *table, uint32_t slots, ir_id v)
{
    uint32_t at = (uint32_t)(hash_of(&g->values[v]) % slots);

    while (table[at] != IR_NONE) {
        if (equal(&g->values[table[at]], &g->values[v]))
            return table[at];
        at = (at + 1u) % slots;
    }
    table[at] = v;
    return v;
}

void ir_pass_shared(ir_graph *g, ir_tally *tally)
{
    uint32_t slots = g->value_count * 2u + 1u;
    ir_id *table = malloc(slots * sizeof *table);
    ir_id *stands_for = table ? ir_begin_replacing(g) : NULL;

    if (!stands_for) {
        free(table);
        ir_fail_memory(g);
        return;
    }
    for (uint32_t i = 0; i < slots; i++)
        table[i] = IR_NONE;
    for (uint32_t i = 0; i < g->node_count; i++)
        for (uint32_t k = 0; !g->nodes[i].dead && k < g->nodes[i].inputs; k++) {
            ir_id v = g->nodes[i].in[k], first;

            if (!g->values[v].constant || stands_for[v] != v)
                continue;
            first = find(g, table, slots, v);
            stands_for[v] = first;
            tally->shared += first != v;
        }
    for (uint32_t i = 0; i < g->node_count; i++)
        ir_resolve(&g->nodes[i], stands_for);
    ir_end_replacing(g, stands_for);
    free(table);
}
