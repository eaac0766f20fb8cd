/*
 * count_blocks.c - a plugin for qemu-user: instructions between the marks of
 * marks.c, of the thread that sets them. Prints what each block had, a line a
 * block: all that was armed since the block before.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "marks.h"
#include "qemu_plugin.h"

#define NOBODY UINT32_MAX

static atomic_uint armed = NOBODY; /* which thread is */
static uint64_t executed;          /* by it, armed, in this block */
static uint64_t *blocks;
static size_t count, room;

static void on_execution(unsigned cpu, void *instructions)
{
    if (cpu == atomic_load_explicit(&armed, memory_order_relaxed))
        executed += (uintptr_t)instructions;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    uintptr_t n = qemu_plugin_tb_n_insns(tb);
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_execution, NO_REGISTERS,
                                         (void *)n);
}

static void end_block(void)
{
    if (count == room) {
        room = room ? 2 * room : 4096;
        if (!(blocks = realloc(blocks, room * sizeof *blocks)))
            abort();
    }
    blocks[count++] = executed;
    executed = 0;
}

static void on_call(qemu_plugin_id_t id, unsigned cpu, int64_t number,
                    uint64_t mark, uint64_t what, uint64_t a3, uint64_t a4,
                    uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    (void)id, (void)number, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7,
        (void)a8;
    if (mark != MARK)
        return;
    if (what == MARK_BLOCK)
        end_block();
    else
        armed = what == MARK_BEGIN ? cpu : NOBODY;
}

static void report(qemu_plugin_id_t id, void *user)
{
    char line[32];
    (void)id, (void)user;
    for (size_t i = 0; i < count; i++) {
        snprintf(line, sizeof line, "%llu\n", (unsigned long long)blocks[i]);
        qemu_plugin_outs(line);
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info,
                        int argc, char **argv)
{
    (void)info, (void)argc, (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_vcpu_syscall_cb(id, on_call);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}
