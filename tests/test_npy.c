/* tools/npy.c: what is read, what is refused, and that both ways agree. */
#define _POSIX_C_SOURCE 200809L /* mkstemp */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "npy.h"

static char path[] = "/tmp/mlinfer-npy-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int descriptor = mkstemp(path);
    return descriptor < 0 ? -1 : close(descriptor);
}

static int remove_file(void **state)
{
    (void)state;
    return remove(path);
}

static void put(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A file of version `major` with a header text and data. Returns its size. */
static size_t put_npy(int major, const char *header, const void *data,
                      size_t size)
{
    unsigned char bytes[12000] = "\x93NUMPY";
    size_t length = strlen(header), at = major == 1 ? 10 : 12;
    bytes[6] = (unsigned char)major;
    bytes[8] = (unsigned char)(length & 255);
    bytes[9] = (unsigned char)(length >> 8);
    assert_true(at + length + size <= sizeof bytes);
    memcpy(bytes + at, header, length);
    if (size)
        memcpy(bytes + at + length, data, size);
    put(bytes, at + length + size);
    return at + length + size;
}

static void expect_refused(const char *part)
{
    npy_array a;
    char error[NPY_ERROR] = "";
    assert_int_equal(npy_read(path, &a, error), -1);
    assert_null(a.data);
    if (!strstr(error, part))
        fail_msg("expected \"%s\" in \"%s\"", part, error);
    assert_int_equal(npy_read(path, &a, NULL), -1);
}

static void test_round_trip(void **state)
{
    (void)state;
    static const size_t dims[NPY_MAX_RANK] = {2, 3, 1, 2, 1, 1, 2, 1};
    float data[24];
    char error[NPY_ERROR];
    for (int i = 0; i < 24; i++)
        data[i] = (float)i / 7 - 1;
    data[3] = NAN;
    data[4] = -INFINITY;
    size_t count = 1;
    for (uint32_t rank = 0; rank <= NPY_MAX_RANK; rank++) {
        npy_array a;
        assert_int_equal(npy_write(path, rank, dims, data, error), 0);
        assert_int_equal(npy_read(path, &a, error), 0);
        assert_int_equal(a.rank, rank);
        assert_int_equal(a.count, count);
        for (uint32_t i = 0; i < rank; i++)
            assert_int_equal(a.dims[i], dims[i]);
        assert_memory_equal(a.data, data, count * sizeof *data);
        npy_free(&a);
        assert_null(a.data);
        if (rank < NPY_MAX_RANK)
            count *= dims[rank];
    }
}

static void test_header_fills_64_bytes(void **state)
{
    (void)state;
    const size_t dims[] = {5};
    float data[5] = {0};
    assert_int_equal(npy_write(path, 1, dims, data, NULL), 0);
    FILE *file = fopen(path, "rb");
    unsigned char start[80];
    assert_int_equal(fread(start, 1, sizeof start, file), sizeof start);
    fclose(file);
    assert_memory_equal(start, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4'", 25);
    /* 10 + 0x76 = 128: newline, then the data. */
    file = fopen(path, "rb");
    fseek(file, 127, SEEK_SET);
    assert_int_equal(fgetc(file), '\n');
    fseek(file, 0, SEEK_END);
    assert_int_equal(ftell(file), 128 + 20);
    fclose(file);
}

static void test_empty(void **state)
{
    (void)state;
    const size_t dims[] = {0, 3};
    npy_array a;
    assert_int_equal(npy_write(path, 2, dims, NULL, NULL), 0);
    assert_int_equal(npy_read(path, &a, NULL), 0);
    assert_int_equal(a.count, 0);
    assert_int_equal(a.dims[1], 3);
    npy_free(&a);
}

typedef struct type_case {
    const char *descr;
    const char *bytes;
    size_t size; /* of two elements */
    float expected[2];
} type_case;

static void test_element_types(void **state)
{
    (void)state;
    static const type_case cases[] = {
        {"<f4", "\0\0\x80\x3f\0\0\0\xc0", 8, {1, -2}},
        {"<f8", "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\xc0", 16, {1, -2}},
        {"|i1", "\x7f\x80", 2, {127, -128}},
        {"|u1", "\x7f\x80", 2, {127, 128}},
        {"<i2", "\x01\0\xff\xff", 4, {1, -1}},
        {"<u2", "\x01\0\xff\xff", 4, {1, 65535}},
        {"<i4", "\0\0\0\x80\x07\0\0\0", 8, {-2147483648.0f, 7}},
        {"<u4", "\0\0\0\x80\x07\0\0\0", 8, {2147483648.0f, 7}},
        {"<i8",
         "\xff\xff\xff\xff\xff\xff\xff\xff\x09\0\0\0\0\0\0\0",
         16,
         {-1, 9}},
        {"<u8",
         "\0\0\0\0\0\0\0\x80\x09\0\0\0\0\0\0\0",
         16,
         {9223372036854775808.0f, 9}},
        {"|b1", "\0\x01", 2, {0, 1}},
        {"=f4", "\0\0\x80\x3f\0\0\0\xc0", 8, {1, -2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int major = 1; major <= 2; major++) {
            const type_case *c = &cases[i];
            char header[128];
            npy_array a;
            snprintf(header, sizeof header,
                     "{'shape': (2,), \"descr\": '%s', "
                     "'fortran_order': False}   \n",
                     c->descr);
            put_npy(major, header, c->bytes, c->size);
            assert_int_equal(npy_read(path, &a, NULL), 0);
            assert_int_equal(a.rank, 1);
            assert_int_equal(a.count, 2);
            assert_memory_equal(a.data, c->expected, sizeof c->expected);
            npy_free(&a);
        }
}

static void test_header_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *header, *part;
    } cases[] = {
        {"", "a broken header"},
        {"[1]", "a broken header"},
        {"{'descr': '<f4'}", "no descr or no shape"},
        {"{'descr': '<f4', 'shape': (1,)", "a broken header"},
        {"{'descr': '<f4' 'shape': (1,)}", "expected a comma"},
        {"{'descr': '<f4', 'shape': (1}", "a broken shape"},
        {"{'descr': '<f4', 'shape': (-1,)}", "a broken shape"},
        {"{'descr': '<f4', 'shape': 1}", "a broken shape"},
        {"{'descr': '<f4', 'shape': (1,), 'more': 1}", "unknown key more"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
         "fortran_order"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1)}",
         "Fortran order (expected C order"},
        {"{'descr': '>f4', 'shape': (1,)}", "big-endian"},
        {"{'descr': '<c8', 'shape': (1,)}", "type <c8"},
        {"{'descr': '<f2', 'shape': (1,)}", "type <f2"},
        {"{'descr': '<i3', 'shape': (1,)}", "type <i3"},
        {"{'descr': '|O', 'shape': (1,)}", "type |O"},
        {"{'descr': '', 'shape': (1,)}", "elements of type"},
        {"{'descr': [('a', '<f4')], 'shape': (1,)}", "not a plain number"},
        {"{'descr': '<f4', 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1)}",
         "more than 8 dimensions"},
        {"{'descr': '<f4', 'shape': (1073741825,)}", "more than 1073741824"},
        {"{'descr': '<f4', 'shape': (99999999999999999999999,)}",
         "more than 1073741824"},
        {"{'descr': '<f4', 'shape': (65536, 65536, 65536, 65536)}",
         "more than 1073741824"},
        {"{'descr': '<f8', 'shape': (1073741824,)}",
         "expected 8589934592 bytes, got 4"},
        {"{'descr': '<f4', 'shape': (2,)}", "expected 8 bytes, got 4"},
        {"{'descr': '<f4', 'shape': (0,)}", "expected 0 bytes, got 4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_npy(1, cases[i].header, "\0\0\0\0", 4);
        expect_refused(cases[i].part);
    }
}

static void test_file_refusals(void **state)
{
    (void)state;
    npy_array a;
    char error[NPY_ERROR];
    assert_int_equal(npy_read("/nonexistent/x.npy", &a, error), -1);
    assert_non_null(strstr(error, "No such file"));
    assert_int_equal(npy_write("/nonexistent/x.npy", 0, NULL, NULL, error), -1);
    assert_non_null(strstr(error, "No such file"));
    assert_int_equal(npy_read("/tmp", &a, error), -1);
    put("PK\x03\x04 this is something else", 26);
    expect_refused("not a .npy file");
    put("\x93NUMPY\x03\0\x10\0\0\0", 12);
    expect_refused("version 3.0");
    put("\x93NUMPY\x02\0\xff\xff\xff\xff", 12);
    expect_refused("a header of 4294967295 bytes");
}

/* Every shorter version of a good file is refused. */
static void test_truncations(void **state)
{
    (void)state;
    static const char header[] =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n";
    const float data[4] = {1, 2, 3, 4};
    size_t size = put_npy(1, header, data, sizeof data);
    unsigned char bytes[256];
    npy_array a;
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), size);
    fclose(file);
    for (size_t n = 0; n < size; n++) {
        put(bytes, n);
        assert_int_equal(npy_read(path, &a, NULL), -1);
    }
    put(bytes, size);
    assert_int_equal(npy_read(path, &a, NULL), 0);
    assert_memory_equal(a.data, data, sizeof data);
    npy_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_header_fills_64_bytes),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_element_types),
        cmocka_unit_test(test_header_refusals),
        cmocka_unit_test(test_file_refusals),
        cmocka_unit_test(test_truncations),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
