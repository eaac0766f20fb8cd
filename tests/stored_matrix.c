#include "stored_matrix.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "noise.h"

double stored_half(uint16_t h)
{
    int e = h >> 10 & 31;
    double m = e ? ldexp(1024 + (h & 1023), e - 25) : 0;
    return h >> 15 ? -m : m;
}

/* Any normal half, or a zero of either sign, in the middle range mostly. */
static uint16_t any_half(void)
{
    uint32_t e = below(4) ? 8 + below(10) : below(31);
    uint32_t m = e ? below(1024) : 0;
    return (uint16_t)(below(2) << 15 | e << 10 | m);
}

/* Row r of one group's rows. */
static double weight(mli_storage storage, const uint8_t *w, const float *scale,
                     uint32_t rows, uint32_t products, uint32_t r, uint32_t p)
{
    const uint32_t base = r / 16 * 16;
    const uint32_t width = rows - base < 16 ? rows - base : 16;
    size_t at = (size_t)base * products + (size_t)p * width + r - base;
    if (storage == MLI_F16)
        return stored_half((uint16_t)(w[2 * at] | w[2 * at + 1] << 8)) *
               scale[r];
    if (storage == MLI_INT8)
        return (double)(int8_t)w[at] * scale[r];
    at = (size_t)base * ((products + 1) / 2) + (size_t)(p / 2) * width + r -
         base;
    int four = p % 2 ? w[at] >> 4 : w[at] & 15;
    return (double)(four > 7 ? four - 16 : four) *
           scale[(size_t)base * ((products + 31) / 32) + p / 32 * width + r -
                 base];
}

void stored_expand(mli_storage storage, const uint8_t *numbers,
                   const float *scale, uint32_t rows, uint32_t products,
                   float *floats)
{
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t p = 0; p < products; p++)
            floats[mli_packed_index(rows, 1, products, r, 0, p)] =
                (float)weight(storage, numbers, scale, rows, products, r, p);
}

static void *memory(size_t n)
{
    void *p = malloc(n);
    if (p == NULL) {
        fprintf(stderr, "no memory\n");
        exit(1);
    }
    return p;
}

stored_matrix stored_matrix_new(mli_storage storage, uint32_t groups,
                                uint32_t outputs, uint32_t products)
{
    stored_matrix m = {storage, groups, outputs, products, NULL, NULL, NULL};
    const uint32_t quads = (outputs + 3) / 4 * 4, rows = groups * quads;
    const size_t bytes = (size_t)mli_stored_bytes(storage, rows, products);
    const size_t scales = (size_t)mli_stored_scales(storage, products);
    m.numbers = memory(bytes);
    m.scale = memory(rows * scales * sizeof(float));
    m.floats = memory((size_t)rows * products * sizeof(float));
    for (size_t i = 0; i < bytes; i++)
        m.numbers[i] = (uint8_t)below(256);
    for (size_t i = 0; storage == MLI_F16 && i < bytes; i += 2) {
        uint16_t h = any_half();
        memcpy(m.numbers + i, &h, sizeof h);
    }
    for (size_t i = 0; i < rows * scales; i++)
        m.scale[i] = noise();
    for (uint32_t g = 0; g < groups; g++)
        stored_expand(storage, m.numbers + bytes / groups * g,
                      m.scale + quads * scales * g, quads, products,
                      m.floats + (size_t)quads * products * g);
    return m;
}

float *stored_matrix_joined(const stored_matrix *m, size_t *scale_at)
{
    const size_t rows = (size_t)m->groups * ((m->outputs + 3) / 4 * 4);
    const size_t bytes =
        (size_t)mli_stored_bytes(m->storage, rows, m->products);
    const size_t scales =
        rows * (size_t)mli_stored_scales(m->storage, m->products);
    float *all = memory(bytes + scales * sizeof *all);
    memcpy(all, m->numbers, bytes);
    memcpy(all + bytes / sizeof *all, m->scale, scales * sizeof *all);
    *scale_at = bytes / sizeof *all;
    return all;
}

void stored_matrix_free(stored_matrix *m)
{
    free(m->numbers);
    free(m->scale);
    free(m->floats);
}

double stored_weight(const stored_matrix *m, uint32_t o, uint32_t product)
{
    const uint32_t quads = (m->outputs + 3) / 4 * 4;
    const size_t row = (size_t)o / m->outputs * quads;
    return weight(
        m->storage, m->numbers + mli_stored_bytes(m->storage, row, m->products),
        m->scale + row * (size_t)mli_stored_scales(m->storage, m->products),
        quads, m->products, o % m->outputs, product);
}
