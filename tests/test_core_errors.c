/*
 * Every way in which a file can be wrong has its number: each case here makes
 * one change to a file that opens (the checksum is made anew) and expects that
 * number, and where the trouble is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "file_builder.h"
#include "player.h"
#include "tiny_files.h"
#include "verify.h"

#define ANY 0xfffffffeu

static uint32_t seen; /* bit s: status s was met */

static void expect(fb_image image, mli_status status, uint32_t index,
                   const char *what)
{
    mli_model model;
    uint32_t at = 0;
    mli_status got = mli_open(&model, image.bytes, image.size, &at);
    if (got != status || (index != ANY && at != index))
        fail_msg("%s: %d (%s) at %u, expected %d (%s) at %u", what, got,
                 mli_status_text(got), at, status, mli_status_text(status),
                 index);
    seen |= 1u << got;
}

/* A file with something of everything; its operators: */
enum { CONV, TANH, GATES, LSTM, MIX, SUM, HELD, OPS };

static fb_image base(void)
{
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(2));
    fb_id control = fb_control(b, fb_vector(1));
    fb_meta(b, "name", "base");
    fb_id h = fb_conv(b, x, 2, 4, 3, 2, 1, 1, 1);
    fb_id t = fb_unary(b, MLI_TANH, h);
    fb_over(b, t, h);
    fb_id r = fb_recurrent(b, MLI_OP_LSTM, t, 4, 3, 0, 1);
    fb_id mixed = fb_linear(b, r, 3, 2);
    fb_id sum = fb_binary(b, MLI_ADD, mixed, mixed, control);
    fb_output(b, fb_hold(b, sum, 5));
    fb_output(b, sum);
    return fb_finish(b);
}

static mli_file_header *header(fb_image i)
{
    return (mli_file_header *)i.bytes;
}

static mli_file_op *op(fb_image i, uint32_t n)
{
    return (mli_file_op *)fb_section(i, MLI_SEC_OPS) + n;
}

static mli_file_tensor *tensor(fb_image i, uint32_t n)
{
    return (mli_file_tensor *)fb_section(i, MLI_SEC_TENSORS) + n;
}

/* The tensor that an operator makes. */
static uint32_t made(fb_image i, uint32_t n)
{
    uint32_t tensors = header(i)->section[MLI_SEC_TENSORS].bytes /
                       (uint32_t)sizeof(mli_file_tensor);
    return tensors - OPS + n;
}

static mli_file_port *port(fb_image i, uint32_t n)
{
    return (mli_file_port *)fb_section(i, MLI_SEC_PORTS) + n;
}

static uint32_t *operand(fb_image i, uint32_t n, uint32_t k)
{
    return (uint32_t *)fb_section(i, MLI_SEC_OPERANDS) + op(i, n)->operand + k;
}

/* Run one change on a fresh base file; `i` is its image. */
#define CASE(status, index, change)                                            \
    do {                                                                       \
        fb_image i = base();                                                   \
        change;                                                                \
        fb_seal(i);                                                            \
        expect(i, status, index, #change);                                     \
        free(i.bytes);                                                         \
    } while (0)

#define FIELD(name) (uint32_t) offsetof(mli_file_header, name)

static void test_base_opens(void **state)
{
    (void)state;
    CASE(MLI_OK, 0, (void)0);
}

static void test_bytes(void **state)
{
    (void)state;
    fb_image i = base();
    uint8_t *room = aligned_alloc(64, i.size + 64);
    memcpy(room + 4, i.bytes, i.size);
    expect((fb_image){room + 4, i.size}, MLI_ERR_ALIGNMENT, 0, "4 bytes off");
    expect((fb_image){i.bytes, 191}, MLI_ERR_TOO_SHORT, 191, "a short header");
    expect((fb_image){i.bytes, 0}, MLI_ERR_TOO_SHORT, 0, "nothing");
    expect((fb_image){i.bytes, i.size - 64}, MLI_ERR_FILE_SIZE, ANY, "cut");
    header(i)->crc32 ^= 1;
    expect(i, MLI_ERR_CRC, ANY, "another checksum");
    header(i)->crc32 ^= 1;
    i.bytes[i.size - 100] ^= 1;
    expect(i, MLI_ERR_CRC, ANY, "a changed byte");
    free(room);
    free(i.bytes);
    CASE(MLI_ERR_MAGIC, 0, i.bytes[0] = 'm');
    CASE(MLI_ERR_VERSION, 2, header(i)->version = 2);
    CASE(MLI_ERR_VERSION, 0, header(i)->version = 0);
    CASE(MLI_ERR_FILE_SIZE, ANY, header(i)->file_bytes += 64);
    /* the index may be left out */
    mli_model model;
    assert_int_equal(mli_open(&model, "", 0, NULL) != MLI_OK, 1);
}

static void test_header(void **state)
{
    (void)state;
    CASE(MLI_ERR_HEADER, FIELD(mode), header(i)->mode = 3);
    CASE(MLI_ERR_HEADER, FIELD(rate), header(i)->rate = NAN);
    CASE(MLI_ERR_HEADER, FIELD(rate), header(i)->rate = -1);
    CASE(MLI_ERR_HEADER, FIELD(rate), header(i)->rate = INFINITY);
    CASE(MLI_ERR_HEADER, FIELD(window), header(i)->window = 4);
    CASE(MLI_ERR_HEADER, FIELD(hop), header(i)->hop = 4);
    CASE(MLI_ERR_HEADER, FIELD(parameters), header(i)->parameters = UINT64_MAX);
    CASE(MLI_ERR_HEADER, FIELD(inputs), header(i)->inputs = 1025);
    CASE(MLI_ERR_HEADER, FIELD(outputs), header(i)->outputs = 0);
    CASE(MLI_ERR_HEADER, FIELD(outputs), header(i)->outputs = MLI_NONE);
    CASE(MLI_ERR_HEADER, FIELD(reserved) + 32, header(i)->reserved[8] = 1);
}

static void test_sections(void **state)
{
    (void)state;
    CASE(MLI_ERR_SECTION, 0, header(i)->section[0].offset = 0);
    CASE(MLI_ERR_SECTION, 4, header(i)->section[4].offset += 64);
    CASE(MLI_ERR_SECTION, 4, header(i)->section[4].offset -= 64);
    CASE(MLI_ERR_SECTION, 1, header(i)->section[1].bytes += 1);
    CASE(MLI_ERR_SECTION, 8, header(i)->section[8].bytes = 0xfffffff0u);
    /* not zero between sections */
    CASE(MLI_ERR_SECTION, 0,
         i.bytes[header(i)->section[0].offset + header(i)->section[0].bytes] =
             1);
    /* one section less than the file has bytes for */
    CASE(MLI_ERR_SECTION, MLI_SEC_COUNT, header(i)->section[8].bytes -= 64;
         memset(i.bytes + i.size - 128, 0, 128));
    CASE(MLI_ERR_COUNT, MLI_SEC_PORTS, header(i)->inputs++);
    CASE(MLI_ERR_COUNT, MLI_SEC_CHANNELS, header(i)->section[3].bytes -= 16;
         memset(i.bytes + header(i)->section[3].offset +
                    header(i)->section[3].bytes,
                0, 16));
}

static void test_texts(void **state)
{
    (void)state;
    char *s;
    CASE(MLI_ERR_STRING, 0, *(char *)fb_section(i, MLI_SEC_STRINGS) = 'a');
    CASE(MLI_ERR_STRING, 0, s = fb_section(i, MLI_SEC_STRINGS);
         s[header(i)->section[0].bytes - 1] = 'a');
    CASE(MLI_ERR_STRING, 1, s = fb_section(i, MLI_SEC_STRINGS); s[1] = '\x80');
    CASE(MLI_ERR_STRING, 1, s = fb_section(i, MLI_SEC_STRINGS);
         memcpy(s + 1, "\xc0\x80", 2)); /* overlong */
    CASE(MLI_ERR_STRING, 1, s = fb_section(i, MLI_SEC_STRINGS);
         memcpy(s + 1, "\xed\xa0\x80", 3)); /* a surrogate */
    CASE(MLI_OK, 0, s = fb_section(i, MLI_SEC_STRINGS);
         memcpy(s + 1, "\xe2\x82\xac", 3));
    CASE(MLI_ERR_STRING, 0, /* inside a character */
         s = fb_section(i, MLI_SEC_STRINGS);
         memcpy(s + 1, "\xe2\x82\xac", 3);
         ((mli_file_meta *)fb_section(i, MLI_SEC_META))->key = 2);
    CASE(MLI_ERR_STRING, 0,
         ((mli_file_meta *)fb_section(i, MLI_SEC_META))->value = 10000);
    CASE(MLI_ERR_STRING, 2, port(i, 2)->name = 10000);
    CASE(MLI_ERR_STRING, SUM, op(i, SUM)->name = 10000);
    CASE(MLI_ERR_STRING, 1,
         ((mli_file_channel *)fb_section(i, MLI_SEC_CHANNELS))[1].label =
             MLI_NONE);
    CASE(MLI_ERR_META, 0,
         ((mli_file_meta *)fb_section(i, MLI_SEC_META))->key = 0);
}

static void test_ports(void **state)
{
    (void)state;
    mli_file_channel *c;
    CASE(MLI_ERR_PORT, 0, port(i, 0)->tensor = 1);
    CASE(MLI_ERR_PORT, 0, port(i, 0)->kind = MLI_PORT_CONTROL);
    CASE(MLI_ERR_PORT, 1, port(i, 1)->kind = MLI_PORT_SIGNAL);
    CASE(MLI_ERR_PORT, 1, port(i, 1)->kind = 2);
    CASE(MLI_ERR_PORT, 2, port(i, 2)->kind = MLI_PORT_CONTROL);
    CASE(MLI_ERR_PORT, 2, port(i, 2)->tensor = MLI_NONE);
    CASE(MLI_ERR_PORT, 2, port(i, 2)->tensor = 3); /* a constant */
    CASE(MLI_ERR_PORT, 2, port(i, 2)->tensor = 1); /* not timed */
    CASE(MLI_ERR_PORT, 0, port(i, 0)->flags = 2);
    CASE(MLI_ERR_PORT, 0, port(i, 0)->reserved = 1);
    CASE(MLI_ERR_PORT, 0, port(i, 0)->frames = 2);
    CASE(MLI_ERR_PORT, 0, port(i, 0)->frames = 0);
    CASE(MLI_ERR_PORT, 0, port(i, 0)->channels = 1);
    CASE(MLI_ERR_PORT, 1, port(i, 1)->first_channel = 1);
    CASE(MLI_ERR_CHANNEL, 0, c = fb_section(i, MLI_SEC_CHANNELS);
         c->low = 2.0f);
    CASE(MLI_ERR_CHANNEL, 0, c = fb_section(i, MLI_SEC_CHANNELS);
         c->high = NAN);
    CASE(MLI_ERR_CHANNEL, 2, c = fb_section(i, MLI_SEC_CHANNELS);
         c[2].initial = INFINITY);
}

static void test_tensors(void **state)
{
    (void)state;
    CASE(MLI_ERR_TENSOR, 0, tensor(i, 0)->region = 2);
    CASE(MLI_ERR_TENSOR, 0, tensor(i, 0)->region = MLI_CONSTANT);
    CASE(MLI_ERR_TENSOR, 0, tensor(i, 0)->flags = 2);
    CASE(MLI_ERR_TENSOR, 0, tensor(i, 0)->rank = 9);
    CASE(MLI_ERR_TENSOR, 0, tensor(i, 0)->dims[0] = 0);
    CASE(MLI_ERR_TENSOR, 0, tensor(i, 0)->dims[1] = 1);
    CASE(MLI_ERR_TENSOR, 0, tensor(i, 0)->dims[0] = (1u << 24) + 1);
    CASE(MLI_ERR_TENSOR, 1, tensor(i, 1)->dims[0] = (1u << 28) + 1);
    CASE(MLI_ERR_TENSOR, 1, tensor(i, 1)->rank = 8;
         memset(tensor(i, 1)->dims, 0xff, 32));
    CASE(MLI_ERR_TENSOR, 0, tensor(i, 0)->storage = 1);
    CASE(MLI_ERR_TENSOR, 2, tensor(i, 2)->flags = MLI_TIMED);
    CASE(MLI_ERR_TENSOR, 2, tensor(i, 2)->first = 1);
    CASE(MLI_ERR_TENSOR, 2, tensor(i, 2)->last = 1);
    CASE(MLI_ERR_TENSOR_REGION, 2, tensor(i, 2)->offset = 1);
    CASE(MLI_ERR_TENSOR_REGION, 2, tensor(i, 2)->offset = 0xfffffff0u);
    CASE(MLI_ERR_TENSOR_REGION, 0, tensor(i, 0)->offset = 1000);
    CASE(MLI_ERR_TENSOR_REGION, 0, tensor(i, 0)->offset = MLI_NONE);
    /* lifetimes */
    CASE(MLI_ERR_TENSOR, 0, tensor(i, 0)->first = 0);
    CASE(MLI_ERR_TENSOR, made(i, SUM), tensor(i, made(i, SUM))->first--);
    CASE(MLI_ERR_TENSOR, made(i, LSTM), tensor(i, made(i, LSTM))->last++);
    CASE(MLI_ERR_TENSOR, made(i, LSTM), tensor(i, made(i, LSTM))->last--);
    CASE(MLI_ERR_TENSOR, made(i, LSTM),
         tensor(i, made(i, LSTM))->last = MLI_NONE);
    CASE(MLI_ERR_TENSOR, made(i, SUM), tensor(i, made(i, SUM))->last = HELD);
    CASE(MLI_ERR_TENSOR, made(i, LSTM),
         tensor(i, made(i, LSTM))->last = 100000);
}

static void test_operators(void **state)
{
    (void)state;
    CASE(MLI_ERR_OP_TYPE, TANH, op(i, TANH)->type = 0);
    CASE(MLI_ERR_OP_TYPE, TANH, op(i, TANH)->type = MLI_OP_COUNT);
    CASE(MLI_ERR_OP_ARITY, TANH, op(i, TANH)->inputs = 2);
    CASE(MLI_ERR_OP_ARITY, TANH, op(i, TANH)->inputs = 0);
    CASE(MLI_ERR_OP_ARITY, TANH, op(i, TANH)->outputs = 0);
    CASE(MLI_ERR_OP_ARITY, TANH, op(i, TANH)->operand++);
    CASE(MLI_ERR_OP_ARITY, LSTM, op(i, LSTM)->type = MLI_OP_GRU);
    CASE(MLI_ERR_OP_OPERAND, TANH, *operand(i, TANH, 0) = made(i, TANH));
    CASE(MLI_ERR_OP_OPERAND, TANH, *operand(i, TANH, 0) = made(i, SUM));
    CASE(MLI_ERR_OP_OPERAND, TANH, *operand(i, TANH, 0) = MLI_NONE);
    CASE(MLI_ERR_OP_OPERAND, TANH, *operand(i, TANH, 1) = made(i, SUM));
    CASE(MLI_ERR_OP_OPERAND, GATES, *operand(i, GATES, 1) = 0);
    CASE(MLI_ERR_OP_OPERAND, LSTM, /* a state without time */
         *operand(i, LSTM, 0) = 2;
         tensor(i, made(i, LSTM))->flags = tensor(i, made(i, LSTM))->period =
             0);
    CASE(MLI_ERR_OP_UNUSED, TANH, op(i, TANH)->p[0] = 1);
    CASE(MLI_ERR_OP_UNUSED, TANH, op(i, TANH)->reserved = 1);
    CASE(MLI_ERR_OP_UNUSED, SUM, op(i, SUM)->fn = MLI_TANH);
    CASE(MLI_ERR_OP_UNUSED, SUM, op(i, SUM)->fq = 1.0f);
    CASE(MLI_ERR_OP_PARAMETER, TANH, op(i, TANH)->fn = MLI_UNARY_COUNT);
    CASE(MLI_ERR_OP_PARAMETER, TANH, op(i, TANH)->fp = NAN);
    CASE(MLI_ERR_OP_PARAMETER, SUM, op(i, SUM)->p[0] = MLI_BINARY_COUNT);
    CASE(MLI_ERR_OP_PARAMETER, CONV, op(i, CONV)->p[0] = 0);
    CASE(MLI_ERR_OP_PARAMETER, CONV, op(i, CONV)->p[1] = MLI_MAX_ELEMENTS);
    CASE(MLI_ERR_OP_PARAMETER, CONV, op(i, CONV)->p[2] = 3);
    CASE(MLI_ERR_OP_PARAMETER, CONV, op(i, CONV)->p[5] = 2);
    CASE(MLI_ERR_OP_PARAMETER, LSTM, op(i, LSTM)->p[0] = 0);
    CASE(MLI_ERR_OP_PARAMETER, HELD, op(i, HELD)->p[0] = 0);
    CASE(MLI_ERR_OP_SHAPE, CONV, op(i, CONV)->p[0] = 4);
    CASE(MLI_ERR_OP_SHAPE, CONV, op(i, CONV)->p[3] = 1);
    CASE(MLI_ERR_OP_SHAPE, GATES, op(i, GATES)->p[1] = 8);
    CASE(MLI_ERR_OP_SHAPE, LSTM, op(i, LSTM)->p[0] = 2);
    CASE(MLI_ERR_OP_SHAPE, SUM,
         tensor(i, made(i, SUM))->flags = tensor(i, made(i, SUM))->period = 0;
         port(i, 3)->tensor = port(i, 2)->tensor);
    CASE(MLI_ERR_COUNT, MLI_SEC_OPS, header(i)->macs++);
}

static void test_states(void **state)
{
    (void)state;
    mli_file_state *s;
    CASE(MLI_ERR_OP_STATE, CONV, op(i, CONV)->state = MLI_NONE);
    CASE(MLI_ERR_OP_STATE, LSTM, op(i, LSTM)->state = 0);
    CASE(MLI_ERR_OP_STATE, TANH, op(i, TANH)->state = 0);
    CASE(MLI_ERR_OP_STATE, CONV, s = fb_section(i, MLI_SEC_STATES);
         s->frames = 5);
    CASE(MLI_ERR_OP_STATE, LSTM, s = fb_section(i, MLI_SEC_STATES);
         s[2].width = 3); /* c has whole quads */
    CASE(MLI_ERR_STATE, 0, s = fb_section(i, MLI_SEC_STATES);
         s->init_frames = 2);
    CASE(MLI_ERR_STATE, 0, s = fb_section(i, MLI_SEC_STATES); s->init = 1);
    CASE(MLI_ERR_STATE, 0, s = fb_section(i, MLI_SEC_STATES);
         s->init = 0xfffffff0u);
    CASE(MLI_ERR_STATE, 3, s = fb_section(i, MLI_SEC_STATES); s[3].init = 16);
}

static void test_arena(void **state)
{
    (void)state;
    CASE(MLI_ERR_OVERLAP, made(i, CONV), tensor(i, made(i, CONV))->offset = 0;
         tensor(i, made(i, TANH))->offset = 0);
    CASE(MLI_ERR_OVERLAP, 1, tensor(i, 1)->offset = 1);
    /* over its input, but not exactly */
    CASE(MLI_ERR_OVERLAP, made(i, TANH), tensor(i, made(i, TANH))->offset++);
    /* LINEAR never writes over its input */
    CASE(MLI_ERR_OVERLAP, made(i, GATES),
         tensor(i, made(i, GATES))->offset = tensor(i, made(i, TANH))->offset);
    CASE(MLI_ERR_ARENA, FIELD(arena), header(i)->arena++);
    CASE(MLI_ERR_ARENA, FIELD(arena_bound), header(i)->arena_bound++);
    /* x is read again after y was written over it */
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(2)), y = fb_unary(b, MLI_TANH, x);
    fb_over(b, y, x);
    fb_output(b, fb_binary(b, MLI_ADD, x, x, y));
    fb_image image = fb_finish(b);
    expect(image, MLI_ERR_OVERLAP, 1, "read after being written over");
    free(image.bytes);
}

/* So many tensors at a time that comparing them all would take long. */
static void test_complexity(void **state)
{
    enum { MANY = 7000 };
    static fb_id in[MANY];
    (void)state;
    fb *b = fb_new(MLI_STEP);
    fb_id x = fb_input(b, fb_vector(1));
    for (uint32_t i = 0; i < MANY; i++)
        in[i] = fb_unary(b, MLI_TANH, x);
    for (uint32_t i = 0; i < MANY; i += 3500)
        fb_output(b, fb_op(b, MLI_OP_CONCAT, fb_vector(3500), 3500, in + i));
    fb_image image = fb_finish(b);
    expect(image, MLI_ERR_COMPLEXITY, ANY, "7000 tensors alive");
    free(image.bytes);
}

static void test_memory(void **state)
{
    (void)state;
    fb_image image = base();
    mli_model model;
    mli_memory memory;
    mli_session *s;
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    for (uint32_t tile = 0; tile < 130; tile++) {
        mli_status want =
            tile == 16 || tile == 32 || tile == 64 ? MLI_OK : MLI_ERR_TILE;
        mli_status got = mli_sizes(&model, tile, &memory);
        assert_int_equal(got, want);
        seen |= 1u << got;
    }
    mli_sizes(&model, 16, &memory);
    uint8_t *p = aligned_alloc(64, memory.state_bytes + 64);
    uint8_t *q = aligned_alloc(64, memory.arena_bytes + 64);
    const mli_kernels *k = mli_kernels_find(NULL);
    assert_int_equal(mli_start(&model, k, 16, p + 4, q, &s), MLI_ERR_ALIGNMENT);
    assert_int_equal(mli_start(&model, k, 16, p, q + 32, &s),
                     MLI_ERR_ALIGNMENT);
    assert_int_equal(mli_start(&model, k, 8, p, q, &s), MLI_ERR_TILE);
    assert_int_equal(mli_start(&model, k, 16, p, q, &s), MLI_OK);
    free(p);
    free(q);
    free(image.bytes);
}

/* Delays of 2^31 frames of 2^24 numbers each: 2^57 bytes, and then 200. */
static void test_size(void **state)
{
    (void)state;
    fb *b = fb_new(MLI_STREAM);
    fb_id x = fb_input(b, fb_timed(1));
    fb_id y = fb_op(b, MLI_OP_EXPAND, fb_timed(1u << 24), 1, &x);
    for (int i = 0; i < 200; i++) {
        fb_id d = fb_delay(b, y, 1u << 31, 0);
        fb_over(b, d, y);
        y = d;
    }
    fb_id sum = fb_op(b, MLI_OP_REDUCE, fb_timed(1), 1, &y);
    fb_last(b)->p[1] = fb_last(b)->p[2] = 1;
    fb_output(b, sum);
    fb_image image = fb_finish(b);
    mli_model model;
    mli_memory memory;
    expect(image, MLI_OK, 0, "long delays");
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    assert_int_equal(mli_sizes(&model, 16, &memory), MLI_ERR_SIZE);
    seen |= 1u << MLI_ERR_SIZE;
    free(image.bytes);
}

/* Every part has a name, or a build with some parts would refuse it. Refusing
   is test_firmware.sh's: this build has all. */
/* Matrices of bytes have none of -128: sums of two products would not fit. */
static void test_stored_bytes(void **state)
{
    uint32_t n = 0, matrices = 0;
    (void)state;
    while (strcmp(tiny_name(n), "bytes") != 0)
        n++;
    fb_image i = tiny_file(n);
    const mli_file_section *s = header(i)->section;
    for (uint32_t t = 0; t < s[MLI_SEC_TENSORS].bytes / sizeof(mli_file_tensor);
         t++) {
        if (tensor(i, t)->storage != MLI_BYTES)
            continue;
        uint8_t *last = i.bytes + s[MLI_SEC_DATA].offset +
                        sizeof(float) * tensor(i, t)->offset +
                        mli_stored_bytes(MLI_BYTES, tensor(i, t)->dims[0],
                                         tensor(i, t)->dims[1]) -
                        1;
        const uint8_t old = *last;
        *last = 0x80;
        fb_seal(i);
        expect(i, MLI_ERR_TENSOR, t, "a byte of -128");
        *last = old;
        matrices++;
    }
    assert_true(matrices > 0);
    fb_seal(i);
    expect(i, MLI_OK, ANY, "bytes");
    free(i.bytes);
}

static void test_parts(void **state)
{
    (void)state;
    fb_image image = base();
    mli_model model;
    uint32_t index = 1, needed = 0;
    for (uint32_t n = 0; tiny_name(n); n++) {
        fb_image tiny = tiny_file(n);
        const mli_file_section *s = &header(tiny)->section[MLI_SEC_OPS];
        for (uint32_t i = 0; i < s->bytes / sizeof(mli_file_op); i++)
            assert_non_null(mli_part_name(op(tiny, i)->type));
        free(tiny.bytes);
    }
    assert_int_equal(mli_open(&model, image.bytes, image.size, NULL), MLI_OK);
    for (uint32_t i = 0; i < MLI_PARTS + 40; i++) {
        if (!mli_needs(&model, i))
            continue;
        needed++;
        assert_non_null(
            strstr(" CONV1D UNARY TANH LINEAR LSTM BINARY ADD HOLD ",
                   mli_part_name(i)));
    }
    assert_int_equal(needed, 8);
    assert_null(mli_part_name(MLI_PARTS));
    mli_file f = mli_file_of(image.bytes);
    assert_int_equal(mli_verify_parts(&f, &index), MLI_OK);
    free(image.bytes);
    seen |= 1u << MLI_ERR_LEFT_OUT;
}

/* The last: nothing was left out, and every number has a text of its own. */
static void test_all_seen(void **state)
{
    (void)state;
    for (int s = 0; s < MLI_STATUS_COUNT; s++) {
        if ((seen >> s & 1) == 0)
            fail_msg("no case for %d (%s)", s, mli_status_text(s));
        for (int t = 0; t < s; t++)
            assert_string_not_equal(mli_status_text(s), mli_status_text(t));
    }
    assert_non_null(mli_status_text((mli_status)-1));
    assert_non_null(mli_status_text(MLI_STATUS_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base_opens),   cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_header),       cmocka_unit_test(test_sections),
        cmocka_unit_test(test_texts),        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_tensors),      cmocka_unit_test(test_operators),
        cmocka_unit_test(test_states),       cmocka_unit_test(test_arena),
        cmocka_unit_test(test_complexity),   cmocka_unit_test(test_memory),
        cmocka_unit_test(test_size),         cmocka_unit_test(test_parts),
        cmocka_unit_test(test_stored_bytes), cmocka_unit_test(test_all_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
