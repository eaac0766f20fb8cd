/* see cortex_a8.h */
#include <string.h>

#include "cortex_a8.h"

#define REGISTERS 48
#define QUEUE     16 /* vector instructions between the core and their unit */
#define TO_CORE   20 /* cycles from a vector register to the core */
#define ROUNDS    8
#define WARM      4
#define ACCESS(k)                                                              \
    ((k) == ARM_LOAD || (k) == ARM_STORE || (k) == NEON_LOAD ||                \
     (k) == NEON_STORE)

typedef struct pipeline {
    long core;               /* the cycle that is filled now */
    unsigned issued;         /* in it */
    int access, jump;        /* one of each a cycle */
    long compute, move, add; /* when the vector units are free again */
    long queue[QUEUE];
    unsigned queued;
    long ready[REGISTERS]; /* when a register has its value */
    arm_kind from[REGISTERS];
} pipeline;

static long later(long a, long b)
{
    return a > b ? a : b;
}

/* ---------------------------------------------------------------- core ---- */

/* What the core waits for: registers of its own. Addresses are wanted a cycle
   earlier than what is added. */
static long core_operands(const pipeline *p, const arm_instruction *a)
{
    long at = p->core;
    for (unsigned r = 0; r < 16; r++)
        if (a->reads >> r & 1)
            at = later(at, p->ready[r] + (ACCESS(a->kind) ? 1 : 0));
    return at;
}

static void next_cycle(pipeline *p, long at)
{
    if (at <= p->core)
        return;
    p->core = at;
    p->issued = 0;
    p->access = p->jump = 0;
}

static int fits(const pipeline *p, const arm_instruction *a)
{
    return p->issued < (a->kind == ARM_MUL ? 1u : 2u) &&
           !(p->access && ACCESS(a->kind)) &&
           !(p->jump && a->kind == ARM_BRANCH);
}

/* Issue in the core; its cycle. */
static long issue(pipeline *p, const arm_instruction *a)
{
    next_cycle(p, core_operands(p, a));
    if (a->kind >= NEON_INT && p->queued >= QUEUE)
        next_cycle(p, p->queue[p->queued % QUEUE]);
    if (!fits(p, a))
        next_cycle(p, p->core + 1);
    long at = p->core;
    p->issued += a->kind == ARM_MUL ? 2 : 1;
    p->access |= ACCESS(a->kind);
    p->jump |= a->kind == ARM_BRANCH;
    if (a->kind == ARM_MUL)
        next_cycle(p, at + 1);
    return at;
}

static long core_latency(arm_kind kind)
{
    return kind == ARM_LOAD ? 2 : kind == ARM_MUL ? 4 : 1;
}

/* ------------------------------------------------------------- vectors ---- */

/* Cycles that a unit is taken, and from which on the result can be read at the
   first stage. */
typedef struct timing {
    unsigned compute, move;
    long latency;
} timing;

static timing timing_of(const arm_instruction *a)
{
    unsigned w = a->wide ? 2 : 1, n = a->registers;
    switch (a->kind) {
    case NEON_INT:
        return (timing){1, 0, 3};
    case NEON_MUL_INT:
        return (timing){w, 0, 5 + w};
    case NEON_ADD:
    case NEON_MUL:
        return (timing){w, 0, 4 + w};
    case NEON_MAC:
        return (timing){w, 0, 8 + w};
    case NEON_PERMUTE:
        return (timing){0, w, 1 + w};
    case NEON_LOAD:
        if (a->lane)
            return (timing){0, n > 2 ? 4 : 3, n > 2 ? 5 : 4};
        return n == 0 ? (timing){0, 1, 1}
                      : (timing){0, 1 + (n + 1) / 2, 1 + (n + 1) / 2};
    case NEON_STORE:
        return (timing){0, n == 0 ? 1 : 1 + (n + 1) / 2, 0};
    case NEON_FROM_CORE:
        return (timing){0, 1, 2};
    case NEON_TO_CORE:
        return (timing){0, 1, TO_CORE};
    case VFP_ADD:
        return (timing){10, 10, 10};
    case VFP_MUL:
        return (timing){12, 12, 12};
    case VFP_MAC:
        return (timing){21, 21, 21};
    case VFP_DIV:
        return (timing){37, 37, 37};
    default:
        return (timing){4, 4, 4};
    }
}

/* These read their operands a stage later than the others. */
static long early(const arm_instruction *a)
{
    return a->kind == NEON_ADD || a->kind == NEON_MAC || a->kind == NEON_INT;
}

/* Sums of whole numbers are read at the third stage, their products' factors at
   the first. */
static long sums_later(const arm_instruction *a, unsigned r)
{
    return a->kind == NEON_MUL_INT && (a->writes >> r & 1) ? 2 : 0;
}

static void vector(pipeline *p, const arm_instruction *a, long at)
{
    timing t = timing_of(a);
    for (unsigned r = 16; r < REGISTERS; r++)
        if (a->reads >> r & 1)
            at = later(at, p->ready[r] - early(a) - sums_later(a, r));
    if (t.compute)
        at = later(at, p->compute);
    if (t.move)
        at = later(at, p->move);
    /* The sum of a multiply-accumulate takes the adder, four cycles on. */
    if (a->kind == NEON_ADD)
        at = later(at, p->add);
    if (a->kind == NEON_MAC)
        p->add = later(p->add, at + 4 + t.compute);
    /* In order: whatever follows does not begin earlier. */
    p->compute = later(p->compute, at + t.compute);
    p->move = later(p->move, at + t.move);
    p->queue[p->queued++ % QUEUE] = at;
    for (unsigned r = 0; r < REGISTERS; r++)
        if (a->writes >> r & 1)
            p->ready[r] =
                at + (r < 16 && a->kind != NEON_TO_CORE ? 1 : t.latency);
}

double cortex_a8_cycles(const arm_instruction *code, unsigned n)
{
    pipeline p;
    long begun = 0;
    memset(&p, 0, sizeof p);
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (round == WARM)
            begun = later(p.core, later(p.compute, p.move));
        for (unsigned i = 0; i < n; i++) {
            long at = issue(&p, code + i);
            if (code[i].kind >= NEON_INT)
                vector(&p, code + i, at);
            else
                for (unsigned r = 0; r < 16; r++)
                    if (code[i].writes >> r & 1)
                        p.ready[r] = at + core_latency(code[i].kind);
        }
        next_cycle(&p, p.core + 1); /* nothing issues beside a taken branch */
    }
    long ended = later(p.core, later(p.compute, p.move));
    return (double)(ended - begun) / (ROUNDS - WARM);
}
