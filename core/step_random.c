/*
 * step_random.c - random numbers that depend on nothing but a seed and a
 * counter: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers:
 * as easy as 1, 2, 3; 2011). Plain C throughout, so that every machine and
 * every kernel build makes the same bits.
 */
#include "session.h"

typedef struct block {
    uint32_t v[4];
} block;

static block philox(uint64_t frame, uint32_t index, const uint32_t *key)
{
    block b = {{(uint32_t)frame, (uint32_t)(frame >> 32), index, 0}};
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t m = (uint64_t)0xd2511f53u * b.v[0];
        uint64_t n = (uint64_t)0xcd9e8d57u * b.v[2];
        b.v[0] = (uint32_t)(n >> 32) ^ b.v[1] ^ k0;
        b.v[1] = (uint32_t)n;
        b.v[2] = (uint32_t)(m >> 32) ^ b.v[3] ^ k1;
        b.v[3] = (uint32_t)m;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    return b;
}

/* The natural logarithm for x in (0, 1], to about 2e-7 absolute: x = m 2^e
   with m in [1/sqrt 2, sqrt 2), log m = 2 atanh((m-1)/(m+1)). */
static float logarithm(float x)
{
    uint32_t u;
    float m, s, z;
    __builtin_memcpy(&u, &x, sizeof u);
    int32_t e = (int32_t)(u - 0x3f3504f3u) >> 23;
    u -= (uint32_t)e << 23;
    __builtin_memcpy(&m, &u, sizeof m);
    s = (m - 1.0f) / (m + 1.0f);
    z = s * s;
    z = z * (((0.22222222f * z + 0.28571430f) * z + 0.4f) * z + 0.66666667f);
    return (float)e * 0.69314718f + (2.0f * s + s * z);
}

/*
 * The normal quantile of (n + 1/2) / 2^32: sqrt 2 times the inverse error
 * function as two polynomials in w = -log(1 - x^2) (Giles: Approximating the
 * erfinv function, 2011).
 */
static float normal(uint32_t n)
{
    static const float near[9] = {
        2.81022636e-08f,  3.43273939e-07f, -3.5233877e-06f,
        -4.39150654e-06f, 0.00021858087f,  -0.00125372503f,
        -0.00417768164f,  0.246640727f,    1.50140941f};
    static const float far[9] = {
        -0.000200214257f, 0.000100950558f, 0.00134934322f,
        -0.00367342844f,  0.00573950773f,  -0.0076224613f,
        0.00943887047f,   1.00167406f,     2.83297682f};
    double t = ((double)n + 0.5) * 0x1p-32;
    float x = (float)(2.0 * t - 1.0);
    float w = -logarithm((float)(4.0 * t * (1.0 - t)));
    const float *c = near;
    if (w < 5.0f) {
        w = w - 2.5f;
    } else {
        c = far;
        w = __builtin_sqrtf(w) - 3.0f;
    }
    float y = c[0];
    for (int i = 1; i < 9; i++)
        y = c[i] + y * w;
    return y * x * 1.41421356f;
}

static float value(const mli_random_step *r, uint32_t n)
{
    if (r->normal)
        return r->p + r->q * normal(n);
    return r->p + (r->q - r->p) * ((float)(n >> 8) * 0x1p-24f);
}

static void fill(const mli_random_step *r, uint64_t frame, float *y, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += 4) {
        block b = philox(frame, i / 4, r->key);
        for (uint32_t k = 0; k < 4 && k < n - i; k++)
            y[i + k] = value(r, b.v[k]);
    }
}

/* A state may be any float. */
static uint64_t digit(float x)
{
    return x > 0.0f ? (x < 16777216.0f ? (uint32_t)x : 16777215u) : 0;
}

void mli_run_random(const mli_kernels *k, const mli_step *step, uint32_t frames)
{
    const mli_random_step *r = &step->u.random;
    float *count = r->count->data, *y = step->y;
    uint64_t t = digit(count[0]) + (digit(count[1]) << 24);
    (void)k;
    for (uint32_t f = 0; f < frames; f++, y += step->elements)
        fill(r, t + f, y, step->elements);
    t += frames;
    count[0] = (float)(uint32_t)(t & 0xffffffu);
    count[1] = (float)(uint32_t)(t >> 24 & 0xffffffu);
}
