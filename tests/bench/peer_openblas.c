/* OpenBLAS: a matrix by a vector, or by the frames, a tap at a time. */
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "peers.h"

typedef struct job {
    peer_work work;
    float *taps; /* [taps][out][in] */
} job;

static void *prepare(const peer_work *p)
{
    job *j = malloc(sizeof *j);
    size_t matrix = (size_t)p->out * (size_t)p->in;
    openblas_set_num_threads(1);
    j->work = *p;
    j->taps = malloc(matrix * (size_t)p->taps * sizeof(float));
    for (int k = 0; k < p->taps; k++)
        for (int o = 0; o < p->out; o++)
            memcpy(j->taps + (size_t)k * matrix + o * p->in,
                   p->w + (o * p->taps + k) * p->in,
                   (size_t)p->in * sizeof(float));
    return j;
}

static void run(void *prepared)
{
    const job *j = prepared;
    const peer_work *p = &j->work;
    for (int f = 0; f < p->frames; f++)
        memcpy(p->y + f * p->out, p->b, (size_t)p->out * sizeof(float));
    if (p->frames == 1 && p->taps == 1) {
        cblas_sgemv(CblasRowMajor, CblasNoTrans, p->out, p->in, 1, j->taps,
                    p->in, p->x, 1, 1, p->y, 1);
        return;
    }
    for (int k = 0; k < p->taps; k++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, p->frames, p->out,
                    p->in, 1, p->x + k * p->dilation * p->in, p->in,
                    j->taps + (size_t)k * p->out * p->in, p->in, 1, p->y,
                    p->out);
}

const peer peer_openblas = {"OpenBLAS", prepare, run};
