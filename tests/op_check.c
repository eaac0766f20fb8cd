/* op_check.c - see op_check.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "op_check.h"
#include "player.h"
#include "reference.h"

#define FRAMES 150u

uint32_t op_seed = 7;

uint32_t up_to(uint32_t n)
{
    return 1 + (uint32_t)((fb_random(&op_seed) + 1) * 0.5f * (float)n) % n;
}

fb_shape random_shape(mli_mode mode, uint32_t least_rank)
{
    fb_shape s = {mode == MLI_STREAM, least_rank, {0}};
    while (s.rank < 4 && up_to(3) > 1)
        s.rank++;
    for (uint32_t i = 0; i < s.rank; i++)
        s.dims[i] = up_to(6);
    return s;
}

/* ----------------------------------------------------------- comparison ----
 */

typedef struct check {
    fb_image image;
    const mli_file_header *h;
    const mli_file_port *port;
    double **in;
    double **want;
} check;

/* Values of an input port: all frames where it is a signal of a stream. */
static uint32_t frames_of(const check *c, uint32_t i)
{
    return c->h->mode == MLI_STREAM && c->port[i].kind == MLI_PORT_SIGNAL
               ? FRAMES
               : 1;
}

static check begin(fb_image image)
{
    check c = {image, (const void *)image.bytes,
               fb_section(image, MLI_SEC_PORTS), NULL, NULL};
    c.in = calloc(c.h->inputs + 1u, sizeof *c.in);
    for (uint32_t i = 0; i < c.h->inputs; i++) {
        size_t n =
            (size_t)frames_of(&c, i) * c.port[i].channels * c.port[i].frames;
        c.in[i] = calloc(n + 1, sizeof **c.in);
        for (size_t k = 0; k < n; k++)
            c.in[i][k] = fb_random(&op_seed);
    }
    c.want = reference_run(image, FRAMES, c.in);
    return c;
}

static void end(check *c)
{
    reference_free(c->image, c->want);
    for (uint32_t i = 0; i < c->h->inputs; i++)
        free(c->in[i]);
    free(c->in);
    free(c->image.bytes);
}

static void same(double got, double want, uint32_t at)
{
    if (got == want || (isnan(want) && isnan(got)))
        return;
    if (!(fabs(got - want) <= 3e-5 * (1 + fabs(want))))
        fail_msg("value %u: %.9g, expected %.9g", at, got, want);
}

static void set_controls(const check *c, player *p)
{
    for (uint32_t i = 0; i < c->h->inputs; i++) {
        float values[4096];
        for (uint32_t k = 0; k < c->port[i].channels && k < 4096; k++)
            values[k] = (float)c->in[i][k];
        if (c->port[i].kind == MLI_PORT_CONTROL)
            mli_set(p->session, i, values);
    }
}

static void check_stream(const check *c, const char *kernels, uint32_t tile)
{
    player p;
    uint32_t n = 0;
    player_open(&p, c->image, kernels, tile);
    set_controls(c, &p);
    float **in = channels_new(p.info.in_channels, FRAMES);
    float **out = channels_new(p.info.out_channels, FRAMES);
    for (uint32_t i = 0; i < c->h->inputs; i++)
        for (uint32_t k = 0; frames_of(c, i) > 1 && k < c->port[i].channels;
             k++, n++)
            for (uint32_t f = 0; f < FRAMES; f++)
                in[n][f] = (float)c->in[i][f * c->port[i].channels + k];
    player_process(&p, (const float *const *)in, out, FRAMES, 0, &op_seed);
    n = 0;
    for (uint32_t i = 0; i < c->h->outputs; i++) {
        uint32_t m = c->port[c->h->inputs + i].channels;
        for (uint32_t k = 0; k < m; k++, n++)
            for (uint32_t f = 0; f < FRAMES; f++)
                same(out[n][f], c->want[i][f * m + k], f);
    }
    channels_free(in, p.info.in_channels);
    channels_free(out, p.info.out_channels);
    player_close(&p);
}

static void check_list(const check *c, const char *kernels)
{
    player p;
    player_open(&p, c->image, kernels, 16);
    float **in = calloc(c->h->inputs + 1u, sizeof *in);
    float **out = calloc(c->h->outputs, sizeof *out);
    for (uint32_t i = 0; i < c->h->inputs; i++) {
        uint32_t n = c->port[i].channels;
        in[i] = calloc(n, sizeof **in);
        for (uint32_t k = 0; k < n; k++)
            in[i][k] = (float)c->in[i][k];
    }
    for (uint32_t i = 0; i < c->h->outputs; i++)
        out[i] = calloc(c->port[c->h->inputs + i].channels, sizeof **out);
    mli_run(p.session, (const float *const *)in, out);
    for (uint32_t i = 0; i < c->h->outputs; i++)
        for (uint32_t k = 0; k < c->port[c->h->inputs + i].channels; k++)
            same(out[i][k], c->want[i][k], k);
    channels_free(in, c->h->inputs);
    channels_free(out, c->h->outputs);
    player_close(&p);
}

void check_file(fb_image image)
{
    const char *kernels;
    check c = begin(image);
    for (uint32_t i = 0; (kernels = mli_kernels_name(i)) != NULL; i++) {
        if (c.h->mode == MLI_STREAM) {
            check_stream(&c, kernels, 16);
            check_stream(&c, kernels, 64);
        } else {
            check_list(&c, kernels);
        }
    }
    end(&c);
}

fb_image finish(fb *b, fb_id y)
{
    fb_output(b, y);
    return fb_finish(b);
}

fb_id copied_input(fb *b, fb_shape s)
{
    return fb_unary(b, MLI_IDENTITY, fb_input(b, s));
}

void each(build *make, uint32_t times)
{
    if (getenv("MLI_LONG") != NULL)
        times *= 20;
    for (uint32_t i = 0; i < times; i++)
        for (int over = 0; over < 2; over++) {
            check_file(make(MLI_STREAM, over));
            check_file(make(MLI_STEP, over));
        }
}

void check_param(fb_image image, mli_status status, uint32_t op, uint32_t at,
                 uint32_t value)
{
    mli_file_op *ops = fb_section(image, MLI_SEC_OPS);
    mli_model model;
    uint32_t index = 0;
    if (at < 8)
        ops[op].p[at] = value;
    fb_seal(image);
    mli_status got = mli_open(&model, image.bytes, image.size, &index);
    if (got != status || (status != MLI_OK && index != op))
        fail_msg("operator %u, p%u = %u: %s at %u, expected %s", op, at, value,
                 mli_status_text(got), index, mli_status_text(status));
    free(image.bytes);
}
