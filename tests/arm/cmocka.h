/*
 * cmocka.h - the few names of cmocka that the kernel tests use, for machines
 * that there is no cmocka for here: the same tests, cross-built.
 */
#ifndef MLI_ARM_CMOCKA_H
#define MLI_ARM_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};

#define cmocka_unit_test(f)                                                    \
    {                                                                          \
#f, f                                                                  \
    }

#define print_error(...) fprintf(stderr, __VA_ARGS__)

/* A failure ends the program, the test that failed is the one not reported. */
#define fail_msg(...)                                                          \
    do {                                                                       \
        print_error("%s:%d: ", __FILE__, __LINE__);                            \
        print_error(__VA_ARGS__);                                              \
        print_error("\n");                                                     \
        exit(1);                                                               \
    } while (0)

#define fail() fail_msg("failed")

/* From a test's own function. */
static int skipped;
#define skip()                                                                 \
    do {                                                                       \
        skipped = 1;                                                           \
        return;                                                                \
    } while (0)

#define assert_true(x)                                                         \
    do {                                                                       \
        if (!(x))                                                              \
            fail_msg("not true: %s", #x);                                      \
    } while (0)

#define assert_non_null(p)           assert_true((p) != NULL)
#define assert_int_equal(a, b)       assert_true((a) == (b))
#define assert_memory_equal(a, b, n) assert_true(memcmp((a), (b), (n)) == 0)

#define cmocka_run_group_tests(tests, set_up, tear_down)                       \
    run_tests((tests), sizeof(tests) / sizeof((tests)[0]), (set_up))

static inline int run_tests(const struct CMUnitTest *test, size_t n,
                            int (*set_up)(void **state))
{
    void *state = NULL;
    if (set_up != NULL && set_up(&state) != 0)
        fail_msg("cannot begin");
    for (size_t i = 0; i < n; i++) {
        skipped = 0;
        test[i].run(&state);
        printf("%s %s\n", skipped ? "skipped" : "passed", test[i].name);
        fflush(stdout);
    }
    return 0;
}

#endif
