/* see cortex_a53.h */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cortex_a53.h"

#define REGISTERS 64
#define ROUNDS    8
#define WARM      4

/* ---------------------------------------------------------------- texts --- */

static int begins(const char *s, const char *word)
{
    return !strncmp(s, word, strlen(word));
}

static int begins_any(const char *s, const char *const *words)
{
    for (; *words; words++)
        if (begins(s, *words))
            return 1;
    return 0;
}

/* The register that a text begins with, as a bit; 0: none. */
static uint64_t one_register(const char *s, char **end)
{
    unsigned long n;
    if (begins(s, "sp") && !isalnum((unsigned char)s[2])) {
        *end = (char *)s + 2;
        return (uint64_t)1 << 31;
    }
    if (!strchr("xwvqdshb", s[0]) || !isdigit((unsigned char)s[1]))
        return 0;
    n = strtoul(s + 1, end, 10);
    if (n > 31 || isalpha((unsigned char)**end))
        return 0;
    return (uint64_t)1 << (n + (s[0] == 'x' || s[0] == 'w' ? 0 : 32));
}

typedef struct registers {
    uint64_t first, rest, list, address; /* rest: from the second on */
    unsigned count;
    int changes_address;
} registers;

/* The registers of a text, by where they stand. */
static registers read_registers(const char *s)
{
    registers r = {0, 0, 0, 0, 0, 0};
    int in_memory = 0, in_list = 0;
    while (*s && *s != ' ' && *s != '\t')
        s++;
    for (; *s; s++) {
        char *end = NULL;
        uint64_t bit = isalnum((unsigned char)s[-1]) || s[-1] == '.'
                           ? 0
                           : one_register(s, &end);
        if (bit) {
            if (in_memory)
                r.address |= bit;
            else if (in_list)
                r.list |= bit;
            else if (r.count++ == 0)
                r.first = bit;
            else
                r.rest |= bit;
            s = end - 1;
            continue;
        }
        in_list = *s == '{' ? 1 : *s == '}' ? 0 : in_list;
        if (*s == '[' && !isalnum((unsigned char)s[-1]) && s[-1] != '}')
            in_memory = 1; /* v1.s[0] is a lane */
        if (*s == ']' && in_memory) {
            in_memory = 0;
            r.changes_address = s[1] == '!' || s[1] == ',';
        }
    }
    return r;
}

static void read_transfer(const char *s, registers r, a53_instruction *a)
{
    uint64_t moved = r.first | r.list;
    if (s[2] == 'p' || begins(s, "ldnp") || begins(s, "stnp"))
        moved |= r.rest;
    a->wide = (moved & (moved - 1)) != 0 || strstr(s, " q") ||
              strstr(s, ".4s") || strstr(s, ".16b") || strstr(s, ".2d");
    a->kind = s[0] == 'l' ? A53_LOAD : A53_STORE;
    a->address = r.address;
    a->reads = r.address | (s[0] == 's' ? moved : r.rest & ~moved);
    a->writes = s[0] == 'l' ? moved : 0;
    if (r.changes_address)
        a->writes |= r.address;
}

a53_instruction a53_read(const char *text)
{
    static const char *const branches[] = {"b ", "b.", "bl",  "br",
                                           "cb", "tb", "ret", NULL};
    static const char *const silent[] = {"cmp", "cmn",  "tst", "fcmp",
                                         "ccm", "prfm", "nop", NULL};
    static const char *const add_to[] = {
        "fml", "mla",   "mls", "smlal", "bit",    "bif", "bsl",
        "ins", "mov v", "uml", "movk",  "sadalp", NULL};
    static const char *const multiply[] = {"mul",  "madd", "msub", "smull",
                                           "umul", "smul", "mneg", NULL};
    a53_instruction a = {A53_ALU, 0, 0, 0, 0};
    registers r = read_registers(text);
    if (begins(text, "ld") || begins(text, "st")) {
        read_transfer(text, r, &a);
        return a;
    }
    a.reads = r.rest | r.list | r.address;
    a.writes = r.first;
    if (begins_any(text, branches) || begins_any(text, silent)) {
        a.kind = begins_any(text, branches) ? A53_BRANCH : A53_ALU;
        a.reads |= a.writes;
        a.writes = 0;
        return a;
    }
    if ((r.first | r.rest | r.list) >> 32) {
        a.kind = begins(text, "fdiv") || begins(text, "fsqrt") ? A53_DIVIDE
                                                               : A53_VECTOR;
        a.wide = strstr(text, ".4s") || strstr(text, ".16b") ||
                 strstr(text, ".2d") || strstr(text, ".8h");
        if (begins_any(text, add_to))
            a.reads |= a.writes;
    } else if (begins_any(text, multiply)) {
        a.kind = A53_MUL;
    }
    return a;
}

/* ------------------------------------------------------------- pipeline --- */

typedef struct pipeline {
    long now;                 /* the cycle that is filled */
    unsigned slots;           /* taken of its two */
    int access, jump, vector; /* units of it; vector: of two halves */
    int carried;              /* slots of the next cycle, and its access */
    long divider;             /* when it is free */
    long ready[REGISTERS];
} pipeline;

static void next_cycle(pipeline *p)
{
    p->now++;
    p->slots = (unsigned)p->carried;
    p->access = p->carried != 0;
    p->carried = 0;
    p->jump = p->vector = 0;
}

static int is_access(const a53_instruction *a)
{
    return a->kind == A53_LOAD || a->kind == A53_STORE;
}

/* Slots that it takes in its first cycle. */
static unsigned slots_of(const a53_instruction *a)
{
    return (is_access(a) && a->wide) || a->kind == A53_MUL ? 2 : 1;
}

static int fits(const pipeline *p, const a53_instruction *a)
{
    int halves = a->kind < A53_VECTOR ? 0 : a->wide ? 2 : 1;
    return p->slots + slots_of(a) <= 2 && !(p->access && is_access(a)) &&
           !(p->jump && a->kind == A53_BRANCH) && p->vector + halves <= 2 &&
           !(a->kind == A53_DIVIDE && p->now < p->divider);
}

static long latency_of(const a53_instruction *a)
{
    switch (a->kind) {
    case A53_LOAD:
        return a->writes >> 32 ? (a->wide ? 4 : 3) : 2;
    case A53_MUL:
        return 3;
    case A53_VECTOR:
        return 4;
    case A53_DIVIDE:
        return 14;
    default:
        return 1;
    }
}

static void issue(pipeline *p, const a53_instruction *a)
{
    long at = p->now;
    for (unsigned r = 0; r < REGISTERS; r++)
        if (a->reads >> r & 1) {
            /* addresses are wanted early, what is stored late */
            long ready = p->ready[r] + (a->address >> r & 1 ? 1 : 0);
            if (a->kind == A53_STORE && !(a->address >> r & 1))
                ready--;
            at = ready > at ? ready : at;
        }
    while (p->now < at || !fits(p, a))
        next_cycle(p);
    p->slots += slots_of(a);
    p->access |= is_access(a);
    p->jump |= a->kind == A53_BRANCH;
    p->vector += a->kind < A53_VECTOR ? 0 : a->wide ? 2 : 1;
    if (is_access(a) && a->wide && (a->reads | a->writes) >> 32)
        p->carried = 1;
    if (a->kind == A53_DIVIDE)
        p->divider = p->now + 3;
    for (unsigned r = 0; r < REGISTERS; r++)
        if (a->writes >> r & 1)
            p->ready[r] = p->now + (a->address >> r & 1 ? 1 : latency_of(a));
}

double cortex_a53_cycles(const a53_instruction *code, unsigned n)
{
    pipeline p;
    long begun = 0;
    memset(&p, 0, sizeof p);
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (round == WARM)
            begun = p.now;
        for (unsigned i = 0; i < n; i++)
            issue(&p, code + i);
        next_cycle(&p); /* nothing issues beside a taken branch */
    }
    return (double)(p.now - begun) / (ROUNDS - WARM);
}
