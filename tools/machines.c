/*
 * see machines.h
 *
 * Where the numbers come from:
 *   Cortex-A8: a multiply-accumulate of 4 floats takes two cycles (GCC's
 *     pipeline description), so 2 a cycle. 213 MB/s is what a published
 *     measurement of a matrix of 4 MiB on a Bela comes to (19.7 ms a run,
 *     Bela-IREE).
 *   Cortex-A53: 2 a cycle by LLVM's pipeline description, others write of 4: 3
 *     fits what is counted, with the shares below.
 *     AM62: about 1000 MB/s by lmbench's bw_mem (TI, SPRADO9). Zero 2 W: an
 *     estimate, its memory is slower than that of the Pi 4.
 *   Cortex-A72: two units of 4 floats, 8 a cycle. STREAM copies 5.5 GB/s, reads
 *     and writes together, so half of it reads.
 *
 *   Products of bytes, four of which share a sum of pairs: on a Cortex-A8 32
 *     take six cycles (four times 8 products; LLVM's description has two cycles
 *     for the sum, GCC's one), 5.3 a cycle. On a Cortex-A53 512 take 124
 *     instructions, one a cycle. A Cortex-A72 has one unit for products of
 *     integers, 8 a cycle: as many as of floats.
 *
 * The shares and what else an operator takes were fitted to what `make
 * count-arm` estimates for dense, convolutional, recurrent and WaveNet models,
 * in blocks of 16: all are within a quarter of it, on a Cortex-A8 and on a
 * Cortex-A53; the WaveNets of 2 and 4 channels take less.
 */
#include <string.h>

#include "machines.h"
#include "operators.h"

/* Of the limit, that our kernels reach: where frames lie across the lanes, as
   convolutions along time have them, and elsewhere. */
#define SHARE_PLANAR 0.62
#define SHARE        0.52
#define SHARE_BYTES  0.85 /* of products of bytes; their sums are apart: */

/* In multiply-accumulates: */
#define FUNCTION 9   /* tanh and its like */
#define VALUE    1.5 /* each value that an operator makes */
#define STEP     28  /* a step of a session, each time */
#define WAITS    200 /* a recurrent layer, for its last frame */

#define SUM      12  /* each sum of products of bytes, by itself, */
#define GATE     24  /* and of a recurrent layer, frame by frame */
#define USABLE   0.8 /* of the time: the rest is Pd's */
#define TILE     64u /* frames for which weights are read once */
#define MOST_HOP 65536u
#define PD_RATE  48000.0
#define SMALL    16u /* frames of Bela's block */
#define LIST_HOP 64u /* frames from list to list */

static const machine machines[] = {
    {"Bela, BeagleBone Black", "Cortex-A8, 1 GHz", 2e9, 2.7, 213e6, 256 * 1024},
    {"Bela Gem, PocketBeagle 2", "Cortex-A53, 1.4 GHz", 4.2e9, 1.4, 1000e6,
     512 * 1024},
    {"Raspberry Pi Zero 2 W", "Cortex-A53, 1 GHz", 3e9, 1.4, 800e6, 512 * 1024},
    {"Raspberry Pi 4", "Cortex-A72, 1.5 GHz", 12e9, 1.0, 2700e6, 1024 * 1024},
};

const machine *machine_at(uint32_t i)
{
    return i < sizeof machines / sizeof *machines ? machines + i : NULL;
}

/* Multiply-accumulates of a frame, a list or a window, as many of floats as
   take as long. */
static double macs_of(const machine *m, const loaded_model *loaded)
{
    double macs = (double)loaded->info.macs_per_frame;
    for (uint32_t i = 0; i < loaded->info.ops; i++) {
        operator_text o = operator_of(loaded->image.bytes, i);
        if (o.integers)
            macs -= (1 - 1 / m->integers) * (double)o.macs / o.period;
    }
    return macs;
}

static int is_recurrent(const char *type)
{
    return !strcmp(type, "lstm") || !strcmp(type, "gru") ||
           !strcmp(type, "rnn");
}

/* What an operator takes besides its products, and products of bytes less. */
static double rest_of(const machine *m, const operator_text *o)
{
    int recurrent = is_recurrent(o->type);
    double rest = VALUE * (double)o->elements + FUNCTION * (double)o->functions;
    if (recurrent)
        rest += WAITS;
    if (o->integers) /* gates are about as many as functions */
        rest += (recurrent ? GATE * (double)o->functions
                           : SUM * (double)o->elements) -
                (1 - SHARE / SHARE_BYTES) * (double)o->macs / m->integers;
    return rest;
}

/* The same with values, functions and steps: fused operators share one. */
static double work_of(const machine *m, const loaded_model *loaded)
{
    const mli_info *info = &loaded->info;
    double work = macs_of(m, loaded);
    for (uint32_t i = 0; i < info->ops; i++) {
        operator_text o = operator_of(loaded->image.bytes, i);
        work += (STEP * (double)info->steps / info->ops + rest_of(m, &o)) /
                o.period;
    }
    return work;
}

/* Bytes, and operators at slower rates, keep frames apart. */
static double share_of(const loaded_model *loaded)
{
    double share = SHARE;
    if (loaded->info.mode != MLI_STREAM)
        return SHARE;
    for (uint32_t i = 0; i < loaded->info.ops; i++) {
        operator_text o = operator_of(loaded->image.bytes, i);
        if (o.integers || o.period != 1)
            return SHARE;
        if (!strcmp(o.type, "conv1d"))
            share = SHARE_PLANAR;
    }
    return share;
}

/* What a hop takes, against its length; the kernels reach `share` of the limit.
 */
static double load_of(const machine *m, const loaded_model *loaded, double work,
                      double share, uint32_t hop)
{
    const mli_info *info = &loaded->info;
    double rate = info->rate > 0 ? info->rate : PD_RATE;
    double bytes = info->weight_bytes;
    double reads = bytes > m->cache_bytes ? bytes / m->reads_per_second : 0;
    double runs = 1, passes = 1;
    if (info->mode == MLI_STREAM) {
        runs = hop;
        passes = (hop + TILE - 1) / TILE;
    }
    double seconds = runs * work / (share * m->macs_per_second);
    return (seconds + passes * reads) / (hop / rate);
}

machine_verdict machine_judge(const machine *m, const loaded_model *loaded)
{
    machine_verdict v = {0};
    mli_mode mode = loaded->info.mode;
    double work = work_of(m, loaded);
    double macs = macs_of(m, loaded), share = share_of(loaded);
    v.block = mode == MLI_STREAM   ? SMALL
              : mode == MLI_WINDOW ? loaded->info.hop
                                   : LIST_HOP;
    v.load = load_of(m, loaded, work, share, v.block);
    v.limit = load_of(m, loaded, macs, 1, v.block);
    v.realtime = v.load <= USABLE;
    for (uint32_t hop = SMALL; hop <= MOST_HOP && !v.hop; hop *= 2)
        if (load_of(m, loaded, work, share, hop) <= USABLE)
            v.hop = hop;
    return v;
}
