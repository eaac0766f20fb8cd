/*
 * Boxes that name the same unchanged file share one image; a file that changes
 * is read again; what a box has stays as it is.
 */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ir.h"
#include "shared.h"

static char path[] = "/tmp/mlinfer-shared-XXXXXX";
static char twin[64];

/* A model that multiplies by `factor`, into a file. */
static void write_model(const char *to, float factor)
{
    mlc_image image;
    mlc_error error;
    uint32_t one = 1;
    ir_graph *g = ir_new(MLI_STEP);
    ir_id x = ir_input(g, "x", 1, &one);
    ir_output(g, "y", ir_linear(g, x, 1, 1, &factor, NULL));
    assert_int_equal(mlc_finish(g, NULL, &image, &error), MLC_OK);
    FILE *f = fopen(to, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(image.bytes, 1, image.size, f), image.size);
    assert_int_equal(fclose(f), 0);
    mlc_image_free(&image);
}

static t_shared *open_it(const char *name, int fresh)
{
    mlc_error error;
    t_shared *s = shared_open(name, fresh, &error);
    assert_non_null(s);
    return s;
}

static void the_same_file_is_one_image(void **state)
{
    (void)state;
    t_shared *a = open_it(path, 0), *b = open_it(path, 0);
    assert_ptr_equal(a, b);
    shared_drop(a);
    t_shared *c = open_it(path, 0); /* b still has it */
    assert_ptr_equal(b, c);
    assert_ptr_equal(shared_keep(c), c);
    shared_drop(c);
    shared_drop(c);
    shared_drop(b);
}

static void another_name_of_the_file_is_the_same(void **state)
{
    (void)state;
    t_shared *a = open_it(path, 0);
    assert_int_equal(link(path, twin), 0);
    t_shared *b = open_it(twin, 0);
    assert_ptr_equal(a, b);
    unlink(twin);
    shared_drop(a);
    shared_drop(b);
}

static void a_changed_file_is_read_again(void **state)
{
    (void)state;
    t_shared *a = open_it(path, 0);
    uint8_t *before = malloc(shared_model(a)->size);
    uint32_t size = shared_model(a)->size;
    memcpy(before, shared_model(a)->bytes, size);
    write_model(twin, 3);
    assert_int_equal(rename(twin, path), 0); /* another inode */
    t_shared *b = open_it(path, 0);
    assert_ptr_not_equal(a, b);
    assert_memory_equal(before, shared_model(a)->bytes, size);
    assert_memory_not_equal(before, shared_model(b)->bytes, size);
    free(before);
    shared_drop(a);
    t_shared *c = open_it(path, 0);
    assert_ptr_equal(b, c);
    shared_drop(b);
    shared_drop(c);
}

static void a_fresh_read_of_the_same_bytes_is_shared(void **state)
{
    (void)state;
    t_shared *a = open_it(path, 0), *b = open_it(path, 1);
    assert_ptr_equal(a, b);
    shared_drop(a);
    shared_drop(b);
}

static void what_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    mlc_error error;
    assert_null(shared_open("/nothing/here", 0, &error));
    assert_int_equal(error.status, MLC_NOT_FOUND);
    shared_drop(NULL);
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    snprintf(twin, sizeof(twin), "%s-2", path);
    write_model(path, 2);
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_file_is_one_image),
        cmocka_unit_test(another_name_of_the_file_is_the_same),
        cmocka_unit_test(a_changed_file_is_read_again),
        cmocka_unit_test(a_fresh_read_of_the_same_bytes_is_shared),
        cmocka_unit_test(what_cannot_be_read_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
