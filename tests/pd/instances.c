/*
 * Two threads that load as the boxes of two Pds in one program do, with what
 * these share: the worker and the images. Each creates boxes, opens models at
 * once and through the worker, plays them, and leaves boxes in the middle of a
 * load; what a model answers has to be the same bits every time.
 *
 * For tests/test_pd_sanitized.sh, which compiles all this with the thread
 * sanitizer:   instances FOLDER SEED ROUNDS
 *
 * Prints "N loads, N left"; exit status 1 if an answer was wrong.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "loading.h"

enum { PDS = 2, BOXES = 4, MODELS = 4, FRAMES = 64 };

static const char *const names[MODELS] = {"gain", "soft", "deep", "deep44"};
static const char *folder;
static float answers[MODELS][FRAMES]; /* of each model, from its beginning */

/* ----------------------- what loading wants of Pd ------------------------- */

/* Files are named by their paths here: no patch is asked. */
t_symbol *canvas_getdir(const t_canvas *canvas)
{
    (void)canvas;
    return NULL;
}

int canvas_path_iterate(const t_canvas *canvas,
                        int (*visit)(const char *path, void *user), void *user);
int canvas_path_iterate(const t_canvas *canvas,
                        int (*visit)(const char *path, void *user), void *user)
{
    (void)canvas, (void)visit, (void)user;
    return 0;
}

int sys_isabsolutepath(const char *path)
{
    return *path == '/';
}

/* ------------------------------- one box ---------------------------------- */

typedef struct box {
    t_loading *loading;
    t_voice voice, old;
    int wanted; /* model that is asked for */
} box;

typedef struct pd {
    unsigned seed, rounds;
    unsigned loads, left, wrong;
    box boxes[BOXES];
} pd;

static unsigned pick(pd *p, unsigned n)
{
    p->seed = p->seed * 1664525u + 1013904223u;
    return (p->seed >> 16) % n;
}

static void fill(t_request *q, int model, int fresh)
{
    memset(q, 0, sizeof *q);
    snprintf(q->q_path, sizeof q->q_path, "%s/%s.bin", folder, names[model]);
    q->q_fresh = fresh;
    q->q_setting = (t_setting){.s_tilde = 1,
                               .s_hop = FRAMES,
                               .s_nin = 1,
                               .s_nout = 1,
                               .s_tile = FRAMES,
                               .s_rate = 48000,
                               .s_pdrate = 48000,
                               .s_block = FRAMES};
}

/* A block of a voice that was never played. */
static void play(t_voice *v, float *out)
{
    float in[FRAMES], *inlets[] = {in};
    for (int i = 0; i < FRAMES; i++)
        in[i] = (float)(i % 7) / 7 - 0.5f;
    voice_play(v, inlets, 0, FRAMES);
    memcpy(out, v->v_buffers.b_out[0], FRAMES * sizeof *out);
}

static void check(pd *p, t_voice *v, int model)
{
    float out[FRAMES];
    play(v, out);
    p->wrong += memcmp(out, answers[model], sizeof out) != 0;
    p->loads++;
}

static void begin(pd *p, box *b)
{
    t_failure failure;
    t_request q;
    char path[MAXPDSTRING];
    int model = (int)pick(p, MODELS);
    b->loading = loading_new();
    fill(&q, model, 0);
    if (!b->loading || !request_open(&q, &b->voice, path, &failure)) {
        p->wrong++;
        return;
    }
    check(p, &b->voice, model);
}

static void end(pd *p, box *b)
{
    p->left += loading_stage(b->loading) == ERRAND_WORKING;
    loading_leave(b->loading);
    voice_close(&b->voice);
    voice_close(&b->old);
    memset(b, 0, sizeof *b);
}

static void take(pd *p, box *b)
{
    const char *path;
    const t_failure *failure;
    t_voice v;
    if (!loading_take(b->loading, &v, &path, &failure))
        return;
    b->old = b->voice;
    b->voice = v;
    check(p, &b->voice, b->wanted);
}

static void ask(pd *p, box *b)
{
    b->wanted = (int)pick(p, MODELS);
    fill(loading_request(b->loading), b->wanted, pick(p, 4) == 0);
    loading_ask(b->loading, &b->old, 1);
}

static void *run(void *with)
{
    const struct timespec block = {0, 300000};
    pd *p = with;
    for (unsigned i = 0; i < p->rounds; i++) {
        box *b = &p->boxes[pick(p, BOXES)];
        t_stage stage = b->loading ? loading_stage(b->loading) : ERRAND_LEFT;
        if (!b->loading)
            begin(p, b);
        else if (pick(p, 12) == 0)
            end(p, b);
        else if (stage == ERRAND_DONE)
            take(p, b);
        else if (stage == ERRAND_IDLE)
            ask(p, b);
        else if (pick(p, 8) == 0)
            loading_drop(b->loading);
        if (pick(p, 4) == 0)
            nanosleep(&block, NULL);
    }
    for (int i = 0; i < BOXES; i++)
        if (p->boxes[i].loading)
            end(p, &p->boxes[i]);
    return NULL;
}

/* ------------------------------------------------------------------------- */

static int make_answers(void)
{
    t_failure failure;
    t_request q;
    t_voice v;
    char path[MAXPDSTRING];
    for (int i = 0; i < MODELS; i++) {
        fill(&q, i, 0);
        if (!request_open(&q, &v, path, &failure)) {
            printf("%s\n", failure.f_text);
            return 0;
        }
        play(&v, answers[i]);
        voice_close(&v);
    }
    return 1;
}

int main(int argc, char **argv)
{
    static pd pds[PDS];
    pthread_t threads[PDS];
    unsigned loads = 0, left = 0, wrong = 0;
    if (argc != 4)
        return 2;
    folder = argv[1];
    if (!make_answers())
        return 1;
    for (unsigned i = 0; i < PDS; i++) {
        pds[i].seed = (unsigned)atoi(argv[2]) + 1000 * i;
        pds[i].rounds = (unsigned)atoi(argv[3]);
        if (pthread_create(&threads[i], NULL, run, &pds[i]))
            return 1;
    }
    for (unsigned i = 0; i < PDS; i++) {
        pthread_join(threads[i], NULL);
        loads += pds[i].loads;
        left += pds[i].left;
        wrong += pds[i].wrong;
    }
    printf("%u loads, %u left\n", loads, left);
    if (wrong)
        printf("%u answers are wrong\n", wrong);
    return wrong != 0;
}
