/*
 * Counts what a program executes under qemu-user between its calls of
 * count_begin() and count_end(), block by block (count_block() begins one).
 * Prints lines "key value" of all that was counted, per unit of work (argument
 * units=N: blocks * frames).
 */
#define _DEFAULT_SOURCE /* strdup */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm_text.h"
#include "cache_model.h"
#include "cortex_a53.h"
#include "cortex_a8.h"
#include "qemu_plugin.h"

/* A piece of code without a jump into or out of its middle. */
typedef struct piece {
    uint64_t at;
    unsigned n;
    uint64_t runs, runs_before;
    char *symbol;
    arm_instruction *code;   /* ARMv7 */
    a53_instruction *code64; /* AArch64 */
    unsigned neon, vfp, macs, vfp_muls;
    struct piece *next;
} piece;

#define MOST_BLOCKS 65536

static piece *pieces;
static cache_model cache;
static uint64_t executed, misses_1, misses_2;
static uint64_t blocks[MOST_BLOCKS];
static unsigned block_count;
static int is_armv7, is_counting, prints_pieces;
static double units = 1;

/* ---------------------------------------------------- while it executes ----
 */

static void end_block(void)
{
    if (is_counting && block_count < MOST_BLOCKS)
        blocks[block_count++] = executed;
}

static void on_begin(unsigned cpu, void *user)
{
    (void)cpu, (void)user;
    for (piece *p = pieces; p; p = p->next)
        p->runs_before = p->runs;
    misses_1 = cache.misses_1;
    misses_2 = cache.misses_2;
    is_counting = 1;
}

static void on_block(unsigned cpu, void *user)
{
    (void)cpu, (void)user;
    end_block();
}

static void on_end(unsigned cpu, void *user)
{
    (void)cpu, (void)user;
    end_block();
    is_counting = 0;
    for (piece *p = pieces; p; p = p->next)
        p->runs_before = p->runs - p->runs_before; /* from now on: between */
    misses_1 = cache.misses_1 - misses_1;
    misses_2 = cache.misses_2 - misses_2;
}

static void on_access(unsigned cpu, uint32_t info, uint64_t address, void *user)
{
    (void)cpu, (void)user;
    cache_access(&cache, address, 1u << qemu_plugin_mem_size_shift(info));
}

/* -------------------------------------------------- when it is translated --
 */

static void classify(piece *p, unsigned i, const char *text)
{
    if (is_armv7) {
        arm_kind kind = (p->code[i] = arm_read(text)).kind;
        p->neon += arm_is_neon(kind);
        p->vfp += arm_is_vfp(kind);
        p->macs += kind == NEON_MAC && text[1] == 'm';
        p->vfp_muls += kind == VFP_MUL || kind == VFP_MAC;
    } else {
        int unit = arm64_unit(text);
        p->code64[i] = a53_read(text);
        p->neon += unit == 1;
        p->vfp += unit == 2;
        p->macs += arm64_is_mac(text);
    }
}

static piece *piece_of(const struct qemu_plugin_tb *tb)
{
    uint64_t at = qemu_plugin_tb_vaddr(tb);
    unsigned n = (unsigned)qemu_plugin_tb_n_insns(tb);
    for (piece *p = pieces; p; p = p->next)
        if (p->at == at && p->n == n)
            return p;
    piece *p = calloc(1, sizeof *p);
    p->at = at;
    p->n = n;
    p->code = calloc(n, sizeof *p->code);
    p->code64 = calloc(n, sizeof *p->code64);
    for (unsigned i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        char *text = qemu_plugin_insn_disas(insn);
        const char *symbol = qemu_plugin_insn_symbol(insn);
        if (i == 0)
            p->symbol = strdup(symbol ? symbol : "?");
        classify(p, i, text ? text : "");
        free(text);
    }
    p->next = pieces;
    return pieces = p;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    static const struct {
        const char *name;
        void (*call)(unsigned, void *);
    } marks[] = {{"count_begin", on_begin},
                 {"count_block", on_block},
                 {"count_end", on_end}};
    (void)id;
    piece *p = piece_of(tb);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (!strcmp(p->symbol, marks[i].name))
            qemu_plugin_register_vcpu_tb_exec_cb(tb, marks[i].call,
                                                 NO_REGISTERS, NULL);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD, &p->runs, 1);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD, &executed, p->n);
    for (unsigned i = 0; i < p->n; i++)
        qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i),
                                         on_access, NO_REGISTERS,
                                         READ_AND_WRITE, NULL);
}

/* --------------------------------------------------------------- report ----
 */

static void say(const char *key, double value)
{
    char line[128];
    snprintf(line, sizeof line, "%s %.6g\n", key, value);
    qemu_plugin_outs(line);
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void say_blocks(void)
{
    unsigned n = block_count ? block_count - 1 : 0;
    for (unsigned i = 0; i < n; i++)
        blocks[i] = blocks[i + 1] - blocks[i];
    qsort(blocks, n, sizeof *blocks, ascending);
    if (n)
        say("worst_block", (double)blocks[n - 1] / (double)blocks[n / 2]);
}

static void say_pieces(double *cycles)
{
    char line[256];
    for (piece *p = pieces; p; p = p->next) {
        double runs = (double)p->runs_before;
        double each = runs <= 0  ? 0
                      : is_armv7 ? cortex_a8_cycles(p->code, p->n)
                                 : cortex_a53_cycles(p->code64, p->n);
        *cycles += runs * each;
        if (prints_pieces && runs * p->n > 0.01 * (double)blocks[0]) {
            snprintf(line, sizeof line,
                     "piece %#llx %-28s %9.2f runs %3u instructions %2u neon "
                     "%2u vfp %6.1f cycles\n",
                     (unsigned long long)p->at, p->symbol, runs / units, p->n,
                     p->neon, p->vfp, each);
            qemu_plugin_outs(line);
        }
    }
}

static void report(qemu_plugin_id_t id, void *user)
{
    double all = 0, neon = 0, vfp = 0, macs = 0, muls = 0, cycles = 0;
    (void)id, (void)user;
    for (const piece *p = pieces; p; p = p->next) {
        double runs = (double)p->runs_before / units;
        all += runs * p->n;
        neon += runs * p->neon;
        vfp += runs * p->vfp;
        macs += runs * p->macs;
        muls += runs * p->vfp_muls;
    }
    say_pieces(&cycles);
    say("instructions", all);
    say("neon", neon);
    say("vfp", vfp);
    say("vfp_multiplications", muls);
    say("vector_macs", macs);
    say("cycles", cycles / units);
    say("misses_1", (double)misses_1 / units);
    say("misses_2", (double)misses_2 / units);
    say_blocks();
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
                               const struct qemu_info_t *info, int argc,
                               char **argv)
{
    is_armv7 = !strcmp(info->target_name, "arm");
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "units=", 6))
            units = atof(argv[i] + 6);
        if (!strcmp(argv[i], "pieces=on"))
            prints_pieces = 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}
