/*
 * test_rtneural.c - RTNeural's JSON and AIDA-X files: real models and golden
 * ones, and what is said of files that are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "compiler.h"
#include "stream_check.h"

#define CLOSE 1e-5 /* of full scale */

/* ---------------------------------------------------------- real models ----
 */

static void real(const char *folder, const char *name)
{
    char path[600];
    npy_array x, y;
    mlc_image image;
    size_t skip = 0;
    double worst;

    snprintf(path, sizeof path, "%s/rtneural/%s.json", folder, name);
    image = load_model(path);
    snprintf(path, sizeof path, "%s/rtneural/%s_x_python.csv", folder, name);
    assert_int_equal(read_csv(path, &x), 0);
    snprintf(path, sizeof path, "%s/rtneural/%s_y_python.csv", folder, name);
    assert_int_equal(read_csv(path, &y), 0);
    if (!strcmp(name, "conv1d_torch")) { /* [channel][frame], without padding */
        float *t = malloc(y.count * sizeof *t);
        size_t channels = y.dims[0], frames = y.dims[1];

        for (size_t i = 0; i < y.count; i++)
            t[i % frames * channels + i / frames] = y.data[i];
        free(y.data);
        y.data = t;
        y.dims[0] = frames;
        y.dims[1] = channels;
        skip = x.dims[0] - frames;
    }
    worst = stream_difference(&image, &x, &y, skip, NULL);
    printf("  %-16s %.2g of full scale\n", name, worst);
    if (!(worst <= CLOSE))
        fail_msg("%s: %g of full scale away", name, worst);
    npy_free(&x);
    npy_free(&y);
    mlc_image_free(&image);
}

static void real_keras(void **state)
{
    static const char *const names[] = {"conv", "dense",  "gru",
                                        "lstm", "gru_1d", "lstm_1d"};
    const char *folder = real_models();

    (void)state;
    if (!folder) {
        printf("SKIP: the real models are not here (MLI_REAL_MODELS)\n");
        skip();
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        real(folder, names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_keras),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
