/*
 * A program with Pd and both boxes in it, linked statically: what
 * docs/embedding.md describes, for tests/test_embed.sh. One Pd, or, where libpd
 * was compiled for several, one on each of two threads at once:
 *
 *     host MODELS [BLOCKS]
 *
 * MODELS is the folder of the models. Each Pd opens a patch with both boxes
 * over and over, sends lists, has sound computed and shows examples; all must
 * answer alike. Prints "answers A B C" and "N instances"; exit status 1 if
 * something went wrong.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "z_libpd.h"

/* What libmlinfer-pd.a shows. */
void mlinfer_setup(void);
void mlinfer_tilde_setup(void);

#ifdef PDINSTANCE
#define INSTANCES 2
#else
#define INSTANCES 1
#endif
#define TIMES 8 /* that the patch is opened */

typedef struct {
    t_pdinstance *pd;
    int number, blocks;
    const char *models;
    double answer[3]; /* of [mlinfer], [mlinfer~], [mlinfer -learn] */
    int answers[3];   /* how many of them came */
    int wrong;
} instance;

static _Thread_local instance *here;

static void wrong(const char *what)
{
    printf("instance %d: %s\n", here->number, what);
    here->wrong = 1;
}

/* Pd's words: an error is one of ours or of a box that could not be made. */
static void hear_print(const char *text)
{
    if (here && (strstr(text, "error") || strstr(text, "couldn't")))
        wrong(text);
}

static void hear_list(const char *receiver, int argc, t_atom *argv)
{
    int which = !strcmp(receiver, "mapped")    ? 0
                : !strcmp(receiver, "learned") ? 2
                                               : -1;
    double sum = 0;
    if (!here || which < 0)
        return;
    for (int i = 0; i < argc; i++)
        sum += atom_getfloat(argv + i);
    if (here->answers[which] && here->answer[which] != sum)
        wrong("the same list has two answers");
    here->answer[which] = sum;
    here->answers[which]++;
}

static void hear_float(const char *receiver, float f)
{
    t_atom at;
    libpd_set_float(&at, f);
    hear_list(receiver, 1, &at);
}

static const char *const patch[] = {
    "#N canvas 0 0 400 300 12;",
    "#X obj 10 10 r play;",
    "#X obj 10 40 mlinfer mapping;",
    "#X obj 10 70 s mapped;",
    "#X obj 110 10 adc~ 1;",
    "#X obj 110 40 mlinfer~ drive;",
    "#X obj 110 70 dac~ 1;",
    "#X obj 210 10 r show;",
    "#X obj 210 40 mlinfer -learn 2 1;",
    "#X obj 210 70 s learned;",
    "#X obj 310 10 r wanted;",
    "#X obj 310 100 r again-load;",
    "#X msg 310 115 load \\$1;",
    "#X obj 310 130 mlinfer~ -in 3 -out 5 mapping;",
    "#X connect 0 0 1 0;",
    "#X connect 1 0 2 0;",
    "#X connect 3 0 4 0;",
    "#X connect 4 0 5 0;",
    "#X connect 6 0 7 0;",
    "#X connect 7 0 8 0;",
    "#X connect 9 0 7 1;",
    "#X connect 10 0 11 0;",
    "#X connect 11 0 12 0;",
};

static int write_patch(const char *folder, const char *name)
{
    char path[1200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    if (!f)
        return 0;
    for (size_t i = 0; i < sizeof patch / sizeof *patch; i++)
        fprintf(f, "%s\n", patch[i]);
    return fclose(f) == 0;
}

static void send(const char *receiver, const char *message, int n,
                 const float *v)
{
    libpd_start_message(8);
    for (int i = 0; i < n; i++)
        libpd_add_float(v[i]);
    if (message)
        libpd_finish_message(receiver, message);
    else
        libpd_finish_list(receiver);
}

static void play(instance *x)
{
    const float sensors[] = {0.2f, 0.4f, 0.9f}, pose[] = {0, 1},
                pose2[] = {1, 0}, between[] = {0.3f, 0.6f};
    float in[64], out[64];
    unsigned seed = 1;
    double sum = 0;
    libpd_float("wanted", 5);
    send("show", "set", 2, pose);
    send("show", "add", 0, NULL);
    libpd_float("wanted", 7);
    send("show", "set", 2, pose2);
    send("show", "add", 0, NULL);
    for (int i = 0; i < x->blocks; i++) {
        for (int k = 0; k < 64; k++) {
            seed = seed * 1664525u + 1013904223u;
            in[k] = (float)(seed >> 8) / (1 << 24) - 0.5f;
        }
        libpd_process_float(1, in, out);
        for (int k = 0; k < 64; k++)
            sum += out[k] < 0 ? -out[k] : out[k];
        send("play", NULL, 3, sensors);
        send("show", NULL, 2, between);
        if (i % 8 == 0) /* beside the sound; the images are shared */
            libpd_symbol("again-load", i % 16 ? "drive" : "mapping");
    }
    if (x->answers[1] && x->answer[1] != sum)
        wrong("the same sound has two answers");
    x->answer[1] = sum;
    x->answers[1] += sum > 1; /* left alone, the model hums at 0.001 */
}

static void set_up(instance *x)
{
    libpd_set_printhook(hear_print);
    libpd_set_listhook(hear_list);
    libpd_set_floathook(hear_float);
    libpd_init_audio(1, 1, 48000);
#ifdef PDINSTANCE
    /* With Pd 0.55 that waits for a scheduler, which is not there. */
    void sys_setchsr(int in, int out, int rate);
    sys_setchsr(1, 1, 48000);
#endif
    libpd_add_to_search_path(x->models);
    libpd_bind("mapped");
    libpd_bind("learned");
    libpd_start_message(1);
    libpd_add_float(1);
    libpd_finish_message("pd", "dsp");
}

static void *run(void *with)
{
    instance *x = here = with;
    char name[32];
    snprintf(name, sizeof name, "embed-%d.pd", x->number);
#ifdef PDINSTANCE
    libpd_set_instance(x->pd);
#endif
    if (!write_patch(x->models, name))
        wrong("no patch");
    set_up(x);
    for (int i = 0; i < TIMES && !x->wrong; i++) {
        void *opened = libpd_openfile(name, x->models);
        if (!opened) {
            wrong("the patch does not open");
            break;
        }
        play(x);
        libpd_closefile(opened);
    }
    for (int i = 0; i < 3; i++)
        if (!x->answers[i])
            wrong(i == 0   ? "no answer from [mlinfer]"
                  : i == 1 ? "no sound"
                           : "no answer from [mlinfer -learn]");
    return NULL;
}

int main(int argc, char **argv)
{
    static instance x[INSTANCES];
    pthread_t thread[INSTANCES];
    int bad = 0;
    if (argc < 2)
        return 2;
    libpd_init();
    mlinfer_setup(); /* classes are for all Pds: before there are several */
    mlinfer_tilde_setup();
    for (int i = 0; i < INSTANCES; i++) {
        x[i].number = i;
        x[i].models = argv[1];
        x[i].blocks = argc > 2 ? atoi(argv[2]) : 50;
#ifdef PDINSTANCE
        x[i].pd = libpd_new_instance();
#endif
    }
    for (int i = 0; i < INSTANCES; i++)
        if (pthread_create(&thread[i], NULL, run, &x[i]))
            return 1;
    for (int i = 0; i < INSTANCES; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < INSTANCES; i++) {
        bad |= x[i].wrong;
        for (int k = 0; k < 3; k++)
            if (x[i].answer[k] != x[0].answer[k]) {
                printf("instances answer differently\n");
                bad = 1;
            }
    }
    for (int i = 0; i < INSTANCES; i++)
        printf("answers %.9g %.9g %.9g\n", x[i].answer[0], x[i].answer[1],
               x[i].answer[2]);
    printf("%d instances\n", INSTANCES);
    return bad;
}
