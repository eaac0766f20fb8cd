/* see arm_text.h */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "arm_text.h"

#define ALL_D(first, n) ((((uint64_t)1 << (n)) - 1) << (16 + (first)))

typedef struct operand {
    uint64_t bits;
    int is_q, is_d, is_s, is_lane, in_memory, in_list, writes_back;
} operand;

/* The register that a text begins with; its length, 0 if it is none. */
static unsigned one_register(const char *s, operand *o)
{
    static const struct {
        const char *name;
        unsigned number;
    } names[] = {{"sb", 9},  {"sl", 10}, {"fp", 11}, {"ip", 12},
                 {"sp", 13}, {"lr", 14}, {"pc", 15}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strncmp(s, names[i].name, 2) && !isalnum((unsigned char)s[2])) {
            o->bits |= (uint64_t)1 << names[i].number;
            return 2;
        }
    if (!strchr("rqds", s[0]) || !isdigit((unsigned char)s[1]))
        return 0;
    char *end;
    unsigned n = (unsigned)strtoul(s + 1, &end, 10);
    if (n > 31)
        return 0;
    o->is_q |= s[0] == 'q';
    o->is_d |= s[0] == 'd';
    o->is_s |= s[0] == 's';
    o->bits |= s[0] == 'r'   ? (uint64_t)1 << (n & 15)
               : s[0] == 'q' ? ALL_D(2 * (n & 15), 2)
               : s[0] == 'd' ? ALL_D(n, 1)
                             : ALL_D(n / 2, 1);
    return (unsigned)(end - s);
}

/* Operands, at most `most`: separated by commas that are in no brackets. */
static unsigned split(const char *s, operand *o, unsigned most)
{
    unsigned n = 0;
    int depth = 0, fresh = 1;
    memset(o, 0, most * sizeof *o);
    while (*s && n < most) {
        if (*s == ',' && depth == 0) {
            n++;
        } else if (*s == '[' || *s == '{') {
            /* d0[1] is a lane, [r0] is memory */
            o[n].is_lane |= *s == '[' && (o[n].is_d || o[n].is_q);
            o[n].in_memory |= *s == '[' && !o[n].is_lane;
            o[n].in_list |= *s == '{';
            depth++;
        } else if (*s == ']' || *s == '}') {
            depth--;
        } else if (*s == '!') {
            o[n].writes_back = 1;
        } else if (fresh) {
            unsigned length = one_register(s, o + n);
            if (length) {
                s += length;
                fresh = 0;
                continue;
            }
        }
        fresh = !isalnum((unsigned char)*s) && *s != '#';
        s++;
    }
    return n < most ? n + 1 : n;
}

static int begins(const char *s, const char *with)
{
    return !strncmp(s, with, strlen(with));
}

static int one_of(const char *s, const char *const *list)
{
    for (; *list; list++)
        if (begins(s, *list))
            return 1;
    return 0;
}

static unsigned count_bits(uint64_t bits)
{
    unsigned n = 0;
    for (; bits; bits &= bits - 1)
        n++;
    return n;
}

/* Vector loads and stores: the list, or the register, comes first or second. */
static void read_transfer(const char *s, const operand *o, unsigned n,
                          arm_instruction *a)
{
    const uint64_t core = 0xffff;
    uint64_t all = 0;
    int loads = begins(s, "vld") || begins(s, "vpop");
    for (unsigned i = 0; i < n; i++)
        all |= o[i].bits;
    a->kind = loads ? NEON_LOAD : NEON_STORE;
    a->registers =
        begins(s, "vldr") || begins(s, "vstr") ? 0 : count_bits(all & ~core);
    for (unsigned i = 0; i < n; i++)
        a->lane |= o[i].is_lane;
    a->lane |= begins(s, "vld3") || begins(s, "vld4") || begins(s, "vst3") ||
               begins(s, "vst4");
    a->reads = loads ? all & core : all;
    a->writes = loads ? all & ~core : 0;
    for (unsigned i = 0; i < n; i++)
        if (o[i].writes_back)
            a->writes |= o[i].bits & core;
}

static void read_move(const operand *o, unsigned n, arm_instruction *a)
{
    const uint64_t core = 0xffff;
    int to_core = (o[0].bits & core) != 0;
    int from_core = 0;
    for (unsigned i = 1; i < n; i++)
        from_core |= (o[i].bits & core) != 0;
    a->kind = to_core     ? NEON_TO_CORE
              : from_core ? NEON_FROM_CORE
              : o[0].is_s ? VFP_OTHER
                          : NEON_INT;
}

static arm_kind vector_kind(const char *s, int is_float)
{
    static const char *const macs[] = {"vmla", "vmls", "vrecps", "vrsqrts",
                                       "vfma", "vfms", NULL};
    static const char *const permutes[] = {"vext", "vtrn", "vzip", "vuzp",
                                           "vrev", "vswp", "vtbl", "vtbx",
                                           "vdup", NULL};
    static const char *const logic[] = {"vand", "veor", "vorr", "vbic", "vbsl",
                                        "vbit", "vbif", "vmvn", "vmov", NULL};
    if (one_of(s, permutes))
        return NEON_PERMUTE;
    if (one_of(s, logic))
        return NEON_INT;
    if (begins(s, "vpadal")) /* takes as long */
        return NEON_MUL_INT;
    if (one_of(s, macs))
        return is_float ? NEON_MAC : NEON_MUL_INT;
    if (begins(s, "vmul") || begins(s, "vqdmul") || begins(s, "vqrdmul"))
        return is_float ? NEON_MUL : NEON_MUL_INT;
    return is_float ? NEON_ADD : NEON_INT;
}

static arm_kind scalar_kind(const char *s)
{
    static const char *const macs[] = {"vmla", "vmls", "vnml",
                                       "vfm",  "vfnm", NULL};
    if (one_of(s, macs))
        return VFP_MAC;
    if (begins(s, "vmul") || begins(s, "vnmul"))
        return VFP_MUL;
    if (begins(s, "vadd") || begins(s, "vsub"))
        return VFP_ADD;
    if (begins(s, "vdiv") || begins(s, "vsqrt"))
        return VFP_DIV;
    return VFP_OTHER;
}

/* Instructions whose first operand is read, too. */
static int accumulates(const char *s, arm_kind kind)
{
    static const char *const more[] = {"vbsl",   "vbit", "vbif", "vtrn", "vzip",
                                       "vuzp",   "vswp", "vsra", "vsri", "vsli",
                                       "vpadal", "vtbx", NULL};
    if (begins(s, "vrecps") || begins(s, "vrsqrts"))
        return 0;
    return kind == NEON_MAC || kind == VFP_MAC || begins(s, "vmla") ||
           begins(s, "vmls") || one_of(s, more);
}

/* Products of 8 or 16 bits in a wide register take as long as in a narrow
   one. */
static int makes_longer(const char *s)
{
    return (begins(s, "vmull.") || begins(s, "vmlal.")) &&
           strstr(s, "32 ") == NULL;
}

static arm_instruction read_vector(const char *s, const operand *o, unsigned n)
{
    static const char *const transfers[] = {"vld", "vst", "vpush", "vpop",
                                            NULL};
    arm_instruction a = {0};
    int scalar = strstr(s, ".f64") != NULL, move;
    if (one_of(s, transfers)) {
        read_transfer(s, o, n, &a);
        return a;
    }
    move = (begins(s, "vmov") && !begins(s, "vmovl") && !begins(s, "vmovn")) ||
           begins(s, "vdup");
    a.wide = o[0].is_q || (n > 1 && o[1].is_q);
    if (makes_longer(s))
        a.wide = 0;
    a.writes = o[0].bits;
    for (unsigned i = 1; i < n; i++) {
        a.reads |= o[i].bits;
        scalar |= o[i].is_s;
    }
    scalar |= o[0].is_s;
    if (begins(s, "vmrs") || begins(s, "vmsr"))
        a.kind = begins(s, "vmrs") ? NEON_TO_CORE : NEON_FROM_CORE;
    else if (move)
        read_move(o, n, &a);
    else if (scalar)
        a.kind = scalar_kind(s);
    else
        a.kind = vector_kind(s, strstr(s, ".f32") != NULL);
    if (a.kind == NEON_INT && begins(s, "vdup"))
        a.kind = NEON_PERMUTE;
    if (accumulates(s, a.kind))
        a.reads |= a.writes;
    if (begins(s, "vtrn") || begins(s, "vzip") || begins(s, "vuzp") ||
        begins(s, "vswp"))
        a.writes |= n > 1 ? o[1].bits : 0;
    return a;
}

static arm_instruction read_core(const char *s, const operand *o, unsigned n)
{
    static const char *const loads[] = {"ldr", "ldm", "pop", "pld", NULL};
    static const char *const stores[] = {"str", "stm", "push", NULL};
    static const char *const branches[] = {
        "bx",  "bl",  "cbz", "cbnz", "b ",  "b.",  "beq", "bne",
        "bgt", "bge", "blt", "ble",  "bhi", "bls", "bhs", "blo",
        "bcs", "bcc", "bmi", "bpl",  "tb",  NULL};
    static const char *const silent[] = {"cmp", "cmn", "tst", "teq", NULL};
    arm_instruction a = {0};
    uint64_t rest = 0;
    for (unsigned i = 1; i < n; i++)
        rest |= o[i].bits;
    a.reads = rest;
    a.writes = o[0].bits;
    a.kind = ARM_ALU;
    if (one_of(s, loads)) {
        a.kind = ARM_LOAD;
    } else if (one_of(s, stores) || one_of(s, silent)) {
        a.kind = one_of(s, stores) ? ARM_STORE : ARM_ALU;
        a.reads |= o[0].bits;
        a.writes = 0;
    } else if (one_of(s, branches)) {
        a.kind = ARM_BRANCH;
        a.reads |= o[0].bits;
        a.writes = 0;
    } else if (strstr(s, "mul") || begins(s, "mla") || begins(s, "mls") ||
               begins(s, "umlal") || begins(s, "smlal")) {
        a.kind = ARM_MUL;
    }
    if (n <= 2 && a.kind == ARM_ALU && !begins(s, "mov") && !begins(s, "mvn"))
        a.reads |= a.writes; /* adds r3, #4 */
    for (unsigned i = 0; i < n; i++)
        if (o[i].writes_back)
            a.writes |= o[i].bits & 0xffff;
    return a;
}

arm_instruction arm_read(const char *text)
{
    operand o[8];
    const char *s = text;
    while (*s && *s != ' ' && *s != '\t')
        s++;
    unsigned n = split(s, o, 8);
    return text[0] == 'v' ? read_vector(text, o, n) : read_core(text, o, n);
}

int arm_is_neon(arm_kind kind)
{
    return kind >= NEON_INT && kind < VFP_ADD;
}

int arm_is_vfp(arm_kind kind)
{
    return kind >= VFP_ADD;
}

/* ------------------------------------------------------------- AArch64 ---- */

/* Is there a register like v0.4s, q0 or s0 behind this? */
static int has_register(const char *s, char first)
{
    for (s = strchr(s, ' '); s && *s; s++)
        if (s[0] == first && isdigit((unsigned char)s[1]) &&
            !isalnum((unsigned char)s[-1]))
            return 1;
    return 0;
}

int arm64_unit(const char *text)
{
    int transfer = begins(text, "ld") || begins(text, "st");
    if (has_register(text, 'v') || has_register(text, 'q'))
        return 1;
    if (has_register(text, 's') || has_register(text, 'd'))
        return transfer ? 1 : 2;
    return 0;
}

int arm64_is_mac(const char *text)
{
    return begins(text, "fmla ") || begins(text, "fmls ");
}
