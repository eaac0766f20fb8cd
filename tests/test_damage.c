/*
 * Small files of each mode, damaged in every simple way: refused, or opened and
 * run without a finding. This program and all of the runtime in it are built
 * with the address and undefined-behaviour sanitizers, which end it at the
 * first finding.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "exercise.h"
#include "tiny_files.h"

/* Leaks are looked for by other means; here that needs ptrace. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

typedef struct tally {
    uint32_t opened, refused;
} tally;

static void try(tally *t, fb_image i)
{
    uint32_t n = t->opened + t->refused;
    if (exercise(i.bytes, i.size, n) == MLI_OK)
        t->opened++;
    else
        t->refused++;
}

static void try_sealed(tally *t, fb_image i)
{
    fb_image copy = fb_copy(i);
    fb_seal(copy);
    try(t, copy);
    free(copy.bytes);
}

/* Every truncation, as it is and with size and checksum put right. */
static void truncate(fb_image i)
{
    tally t = {0, 0};
    mli_file_header *h = (mli_file_header *)i.bytes;
    uint32_t whole = h->file_bytes;
    for (size_t n = 0; n < i.size; n++)
        try(&t, (fb_image){i.bytes, n});
    for (size_t n = sizeof *h; n < i.size; n++) {
        h->file_bytes = (uint32_t)n;
        try_sealed(&t, (fb_image){i.bytes, n});
    }
    h->file_bytes = whole;
    assert_int_equal(t.opened, 0);
}

/* Every byte changed: never opened as it is; with the checksum put right, may
   be. */
static void change_bytes(fb_image i)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff, 0x02, 0x10, 0x40};
    uint32_t n = getenv("MLI_LONG") != NULL ? sizeof changes : 1;
    const mli_file_header *h = (const mli_file_header *)i.bytes;
    size_t data = h->section[MLI_SEC_DATA].offset;
    tally as_is = {0, 0}, sealed = {0, 0};
    for (size_t at = 0; at < i.size; at += at < data || n > 1 ? 1 : 7)
        for (uint32_t k = 0; k < n; k++) {
            uint8_t change = changes[(at + k) % sizeof changes];
            i.bytes[at] ^= change;
            try(&as_is, i);
            try_sealed(&sealed, i);
            i.bytes[at] ^= change;
        }
    assert_int_equal(as_is.opened, 0);
    assert_true(sealed.opened > 0 && sealed.refused > 0);
}

static void change_words(fb_image i)
{
    static const uint32_t values[] = {0, 1, 0x7fffffffu, 0xffffffffu};
    uint32_t n = getenv("MLI_LONG") != NULL ? 4 : 1;
    tally t = {0, 0};
    for (size_t at = 0; at < i.size; at += 4)
        for (uint32_t k = 0; k < n; k++) {
            uint32_t old;
            memcpy(&old, i.bytes + at, 4);
            memcpy(i.bytes + at, values + (at / 4 + at / 64 + k) % 4, 4);
            try_sealed(&t, i);
            memcpy(i.bytes + at, &old, 4);
        }
    assert_true(t.opened > 0 && t.refused > 0);
}

static void damage(fb_image i)
{
    for (uint32_t n = 0; n < 12; n++)
        assert_int_equal(exercise(i.bytes, i.size, n), MLI_OK);
    truncate(i);
    change_bytes(i);
    change_words(i);
    free(i.bytes);
}

static void test_files(void **state)
{
    (void)state;
    for (uint32_t i = 0; tiny_name(i) != NULL; i++) {
        print_message("%s\n", tiny_name(i));
        damage(tiny_file(i));
    }
}

/* A number that no operator has is refused as such. */
static int is_operator(uint16_t type)
{
    uint32_t index;
    mli_model model;
    fb_image i = tiny_file(0);
    mli_file_header *h = (mli_file_header *)i.bytes;
    ((mli_file_op *)(i.bytes + h->section[MLI_SEC_OPS].offset))->type = type;
    fb_seal(i);
    mli_status status = mli_open(&model, i.bytes, i.size, &index);
    free(i.bytes);
    return status != MLI_ERR_OP_TYPE;
}

/* Together the files have every operator. */
static void test_all_are_there(void **state)
{
    uint8_t seen[MLI_OP_COUNT] = {0};
    (void)state;
    for (uint32_t i = 0; tiny_name(i) != NULL; i++) {
        fb_image f = tiny_file(i);
        mli_file_section s = ((mli_file_header *)f.bytes)->section[MLI_SEC_OPS];
        const mli_file_op *op = (mli_file_op *)(f.bytes + s.offset);
        for (uint32_t k = 0; k < s.bytes / sizeof *op; k++)
            seen[op[k].type] = 1;
        free(f.bytes);
    }
    for (uint16_t type = 0; type < MLI_OP_COUNT; type++)
        if (is_operator(type) != seen[type])
            fail_msg("operator %u is in no file", type);
}

/* The sanitizers are there: what they find ends a program. */
static void test_sanitized(void **state)
{
    (void)state;
#if defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#endif
#ifndef __SANITIZE_ADDRESS__
    fail_msg("built without the address sanitizer");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sanitized),
        cmocka_unit_test(test_all_are_there),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
