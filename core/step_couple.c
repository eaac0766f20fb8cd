/*
 * step_couple.c - class probabilities from those of each pair (Wu, Lin, Weng:
 * Probability estimates for multi-class classification by pairwise coupling,
 * JMLR 5, 2004, the second method), with libsvm's number of rounds and
 * stopping rule. p stays a distribution: each round moves one probability at a
 * time to its optimum and scales all.
 */
#include "session.h"

#define ROUNDS 100

typedef struct couple {
    const float *r;  /* of each pair i < j */
    float *p;        /* the result */
    float *qp;       /* Q p */
    float *diagonal; /* of Q */
    uint32_t n;
} couple;

/* The probability of i against j. */
static float against(const couple *c, uint32_t i, uint32_t j)
{
    uint32_t a = i < j ? i : j, b = i < j ? j : i;
    float r = c->r[(size_t)a * (2 * c->n - a - 1) / 2 + (b - a - 1)];
    r = r > 1e-7f ? r : r == r ? 1e-7f : 0.5f;
    r = r < 1.0f - 1e-7f ? r : 1.0f - 1e-7f;
    return i < j ? r : 1.0f - r;
}

static float q(const couple *c, uint32_t i, uint32_t j)
{
    if (i == j)
        return c->diagonal[i];
    return -against(c, j, i) * against(c, i, j);
}

static void begin(couple *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        c->p[i] = 1.0f / (float)c->n;
        c->diagonal[i] = 0.0f;
        for (uint32_t j = 0; j < c->n; j++)
            if (j != i)
                c->diagonal[i] += against(c, j, i) * against(c, j, i);
    }
}

/* Q p and p Q p anew, which keeps errors from adding up. */
static float product(couple *c)
{
    float pqp = 0.0f;
    for (uint32_t i = 0; i < c->n; i++) {
        c->qp[i] = 0.0f;
        for (uint32_t j = 0; j < c->n; j++)
            c->qp[i] += q(c, i, j) * c->p[j];
        pqp += c->p[i] * c->qp[i];
    }
    return pqp;
}

static int settled(const couple *c, float pqp)
{
    float most = 0.0f;
    for (uint32_t i = 0; i < c->n; i++) {
        float error = __builtin_fabsf(c->qp[i] - pqp);
        most = error > most ? error : most;
    }
    return most < 0.005f / (float)c->n;
}

static float improve(couple *c, uint32_t i, float pqp)
{
    float d = (pqp - c->qp[i]) / c->diagonal[i], s = 1.0f + d;
    c->p[i] += d;
    pqp = (pqp + d * (d * c->diagonal[i] + 2.0f * c->qp[i])) / s / s;
    for (uint32_t j = 0; j < c->n; j++) {
        c->qp[j] = (c->qp[j] + d * q(c, i, j)) / s;
        c->p[j] /= s;
    }
    return pqp;
}

void mli_run_couple(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_distance_step *d = &step->u.distance;
    size_t rows = (size_t)frames * step->rows;
    (void)k;
    for (size_t r = 0; r < rows; r++) {
        couple c = {step->x + r * d->inputs, step->y + r * d->points,
                    d->scratch, d->scratch + d->points, d->points};
        begin(&c);
        for (int round = 0; round < ROUNDS; round++) {
            float pqp = product(&c);
            if (settled(&c, pqp))
                break;
            for (uint32_t i = 0; i < c.n; i++)
                pqp = improve(&c, i, pqp);
        }
    }
}
