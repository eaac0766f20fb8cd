/*
 * The JSON reader: what the grammar allows and what it does not, depth, UTF-8,
 * cuts at every byte; and numbers, which must be the nearest there are.
 */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "decimal.h"
#include "json.h"

/* A copy that ends where the text does: reading on would be seen. */
static char *exactly(const char *text, size_t n)
{
    char *copy = malloc(n ? n : 1);

    assert_non_null(copy);
    memcpy(copy, text, n);
    return copy;
}

/* 1 if the whole text is one value. */
static int valid(const char *text, size_t n, char error[160])
{
    char *copy = exactly(text, n);
    mlc_json_range range;
    mlc_json r;
    int ok;

    mlc_json_open(&r, copy, n);
    ok = mlc_json_skip(&r, &range) && mlc_json_done(&r);
    assert_int_equal(ok, r.error[0] == '\0');
    memcpy(error, r.error, 160);
    free(copy);
    return ok;
}

static void grammar(void **state)
{
    static const char *const good[] = {"null",
                                       "true",
                                       " false ",
                                       "0",
                                       "-0",
                                       "1",
                                       "-1.5e+3",
                                       "1E5",
                                       "0.25",
                                       "1e-400",
                                       "\"\"",
                                       "\"\\u0041\\n\\\"\\\\\\/\"",
                                       "[]",
                                       "[ ]",
                                       "[1]",
                                       "[1, [2, [3]], {}]",
                                       "{}",
                                       "{\"a\": 1}",
                                       "{\"a\":{\"b\":[]},\"\":0}",
                                       "\t\r\n[\n1\t,\r2 ] ",
                                       "\xef\xbb\xbf{}",
                                       "\"\xf0\x9f\x8e\xb8\"",
                                       "\"\\ud83c\\udfb8\"",
                                       "[null,true,false]"};
    static const char *const bad[] = {"",
                                      " ",
                                      "nul",
                                      "nulll",
                                      "True",
                                      "tru",
                                      "+1",
                                      "01",
                                      "-",
                                      "1.",
                                      ".5",
                                      "1e",
                                      "1e+",
                                      "0x10",
                                      "1.5.2",
                                      "1 2",
                                      "--1",
                                      "NaN",
                                      "-Infinity",
                                      "\"",
                                      "\"\n\"",
                                      "\"\\x\"",
                                      "\"\\u12g4\"",
                                      "\"\\u123\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\\ud800\\u0041\"",
                                      "'a'",
                                      "[",
                                      "]",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "{",
                                      "}",
                                      "{1:2}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{\"a\" 1}",
                                      "{\"a\":1 \"b\":2}",
                                      "{\"a\":1]",
                                      "[1}",
                                      "{}{}",
                                      "[1]]",
                                      "// x\n1",
                                      "\"\xff\"",
                                      "\"\xc0\x80\"",
                                      "\"\xed\xa0\x80\"",
                                      "\"\xf4\x90\x80\x80\"",
                                      "\"\xe2\x82\"",
                                      "\xef\xbb"};
    char error[160];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!valid(good[i], strlen(good[i]), error))
            fail_msg("%s: %s", good[i], error);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (valid(bad[i], strlen(bad[i]), error))
            fail_msg("%s was let through", bad[i]);
    assert_true(valid("\"\0\"", 3, error) == 0);
}

static void errors(void **state)
{
    static const struct {
        const char *text, *error;
    } all[] = {
        {"[1,\n 2,\n x]", "line 3, byte 9: expected a value, got 'x'"},
        {"{\"a\": nan}", "line 1, byte 6: expected a value, got 'nan'"},
        {"[1", "line 1, byte 2: expected ',' or ']', got the end"},
        {"[1}", "line 1, byte 2: expected ',' or ']', got '}'"},
        {"\"ab", "line 1, byte 3: expected a quote that ends the string, got "
                 "the end"},
        {"[\"\x01\"]", "line 1, byte 2: expected no control character in a "
                       "string, got byte 0x01"},
        {"{\"a\" 3}", "line 1, byte 5: expected ':' after a key, got '3'"},
        {"\"\xff\"", "line 1, byte 1: not UTF-8: byte 0xff"},
        {"00", "line 1, byte 1: expected the end of a number, got '0'"},
    };
    char error[160];

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_false(valid(all[i].text, strlen(all[i].text), error));
        assert_string_equal(error, all[i].error);
    }
}

static void every_cut(void **state)
{
    static const char text[] =
        "{\"k\\u00e9y\": [1.5e-3, -2, true, null, \"s\\ud83c\\udfb8\xc3\xa9\"],"
        " \"o\": {\"a\": {}, \"b\": [[], [0]]}, \"n\": 12.25}";
    char error[160];

    (void)state;
    assert_true(valid(text, sizeof text - 1, error));
    for (size_t n = 0; n < sizeof text - 1; n++)
        if (valid(text, n, error))
            fail_msg("let through when cut to %zu", n);
}

static void depth(void **state)
{
    char text[4096], error[160];

    (void)state;
    for (size_t n = 1; n <= 1000; n++) {
        memset(text, '[', n);
        memset(text + n, ']', n);
        assert_int_equal(valid(text, 2 * n, error), n <= MLC_JSON_DEPTH);
    }
    assert_string_equal(error, "line 1, byte 64: nested more than 64 deep");
    for (int n = 1; n < 70; n++) {
        size_t at = 0;
        for (int i = 0; i < n; i++)
            at += (size_t)sprintf(text + at, "{\"a\":");
        at += (size_t)sprintf(text + at, "0");
        for (int i = 0; i < n; i++)
            at += (size_t)sprintf(text + at, "}");
        assert_int_equal(valid(text, at, error), n <= 64);
    }
}

static void walking(void **state)
{
    static const char text[] =
        "{\"n\": 3, \"skip\": [{\"n\": 4}, \"\\u0000x\"], \"s\": "
        "\"a\\u00e9\\n\\ud83c\\udfb8\\u0000!\", \"b\": [true, false, null], "
        "\"w\": [1, 2.5, -3e0]}";
    char long_key[512];
    double number = 0;
    float values[3];
    mlc_json_range skipped = {0, 0};
    char string[32], small[5];
    size_t count = 0;
    int flags[2];
    mlc_json r, again;

    (void)state;
    mlc_json_open(&r, text, sizeof text - 1);
    assert_int_equal(mlc_json_peek(&r), MLC_JSON_OBJECT);
    assert_true(mlc_json_enter(&r, MLC_JSON_OBJECT));
    assert_true(mlc_json_next(&r));
    assert_string_equal(r.key, "n");
    assert_int_equal(mlc_json_peek(&r), MLC_JSON_NUMBER);
    assert_true(mlc_json_double(&r, &number) && number == 3);
    assert_true(mlc_json_next(&r) && mlc_json_skip(&r, &skipped));
    assert_true(mlc_json_next(&r));
    assert_string_equal(r.key, "s");
    again = r;
    assert_true(mlc_json_string(&again, small, sizeof small));
    assert_string_equal(small, "a\xc3\xa9\n"); /* cut between characters */
    assert_true(mlc_json_string(&r, string, sizeof string));
    assert_string_equal(string, "a\xc3\xa9\n\xf0\x9f\x8e\xb8\xef\xbf\xbd!");
    assert_true(mlc_json_next(&r) && mlc_json_enter(&r, MLC_JSON_ARRAY));
    assert_true(mlc_json_next(&r) && mlc_json_bool(&r, &flags[0]));
    assert_true(mlc_json_next(&r) && mlc_json_bool(&r, &flags[1]));
    assert_true(flags[0] && !flags[1]);
    assert_true(mlc_json_next(&r) && mlc_json_null(&r));
    assert_false(mlc_json_next(&r));
    assert_true(mlc_json_next(&r));
    assert_string_equal(r.key, "w");
    assert_int_equal(mlc_json_count(&r), 3);
    again = r;
    assert_false(mlc_json_floats(&again, values, 2, &count));
    assert_non_null(strstr(again.error, "more than 2 numbers"));
    assert_true(mlc_json_floats(&r, values, 3, &count));
    assert_int_equal(count, 3);
    assert_true(values[0] == 1 && values[1] == 2.5f && values[2] == -3);
    assert_false(mlc_json_next(&r));
    assert_true(mlc_json_done(&r));

    /* what was passed over, later */
    mlc_json_open_range(&again, text, skipped);
    assert_int_equal(mlc_json_count(&again), 2);
    assert_true(mlc_json_skip(&again, NULL) && mlc_json_done(&again));

    /* a wrong type is an error and stays one */
    mlc_json_open(&r, text, sizeof text - 1);
    assert_false(mlc_json_enter(&r, MLC_JSON_ARRAY));
    assert_string_equal(r.error,
                        "line 1, byte 0: expected an array, got an object");
    assert_false(mlc_json_skip(&r, NULL));
    assert_int_equal(mlc_json_peek(&r), MLC_JSON_NOTHING);
    assert_false(mlc_json_done(&r));

    /* a long key is cut, and no shorter key is taken for it */
    sprintf(long_key, "{\"%0300d\":1}", 0);
    mlc_json_open(&r, long_key, strlen(long_key));
    assert_true(mlc_json_enter(&r, MLC_JSON_OBJECT) && mlc_json_next(&r));
    assert_int_equal(strlen(r.key), MLC_JSON_KEY - 1);
}

/* -------------------------------------------------------------- numbers ----
 */

static double as_double(const char *text)
{
    mlc_decimal d;

    if (mlc_decimal_read(&d, (const uint8_t *)text, strlen(text)) !=
        strlen(text))
        fail_msg("%s is not read whole", text);
    return mlc_decimal_double(&d);
}

static float as_float(const char *text)
{
    mlc_decimal d;

    mlc_decimal_read(&d, (const uint8_t *)text, strlen(text));
    return mlc_decimal_float(&d);
}

/* The same bits as the C library, which rounds correctly. */
static void check_number(const char *text)
{
    double d = as_double(text), rd = strtod(text, NULL);
    float f = as_float(text), rf = strtof(text, NULL);

    if (memcmp(&d, &rd, sizeof d) != 0)
        fail_msg("%s: double %a, expected %a", text, d, rd);
    if (memcmp(&f, &rf, sizeof f) != 0)
        fail_msg("%s: float %a, expected %a", text, (double)f, (double)rf);
}

static uint64_t seed = 88172645463325252u;

static uint64_t any(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void hard_numbers(void **state)
{
    static const char *const all[] = {
        "0",
        "-0",
        "0e999999999999",
        "-0.0e-999999999999999999999",
        "0.1",
        "0.3",
        "1e22",
        "1e23",
        "9007199254740993",
        "9007199254740992.9999999999999999999999",
        "9007199254740993.00000001",
        "16777217",
        "16777217.0000000000000000000000000000000001",
        "16777216.9999999999999999999999999999999999999",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1e309",
        "1e999",
        "-1e99999999999999999999",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1e-400",
        "1e-999999999999999999999999",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "2.2250738585072012e-308",
        "3.4028234663852886e38",
        "3.4028235677973366e38",
        "3.4028235677973367e38",
        "1.4e-45",
        "0.7e-45",
        "0.70064923216240853546186479164495e-45",
        "0.70064923216240853546186479164496e-45",
        "1.17549435e-38",
        "1.1754943157898258e-38",
        "8.5e-46",
        "7.0064923216240853546186479164496e-46",
        "123456789012345678901234567890",
        "0.000000000000000000000000001",
        "1.00000005960464477539062500",
        "1.00000005960464477539062501",
        "1.00000005960464477539062499",
        "1.000000178813934326171875",
        "1.00000017881393432617187500000000000000000000000000001",
        "6.631236846766476e-316",
        "7.2057594037927933e16",
        "5e-324",
        "3e-324",
        "1.5e-45",
        "9.99999999999999999999999999e22"};
    char text[1200];

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_number(all[i]);
    /* many digits: 1 + 2^-53, the tie, then a 1 far behind it */
    for (int zeros = 0; zeros < 1000; zeros += 37) {
        sprintf(text,
                "1.00000000000000011102230246251565404236316680908203125"
                "%0*d",
                zeros + 1, 1);
        check_number(text);
        sprintf(text,
                "1.00000000000000011102230246251565404236316680908203125"
                "%0*d",
                zeros + 1, 0);
        check_number(text);
    }
    /* zeros in front and behind, with the exponent that makes up for them */
    for (int n = 1; n < 1000; n += 97) {
        sprintf(text, "0.%0*de%d", n, 7, n);
        check_number(text);
        memset(text, '0', sizeof text);
        text[0] = '3';
        sprintf(text + 1 + n, "e-%d", n);
        check_number(text);
    }
}

/* As Python's json writes a float32 and a float64: they must come back. */
static void round_trips(void **state)
{
    int n = getenv("MLI_LONG") ? 4000000 : 200000;
    char text[64];

    (void)state;
    for (int i = 0; i < n; i++) {
        uint64_t bits = any();
        uint32_t half = (uint32_t)(bits >> 32);
        double d;
        float f;

        memcpy(&d, &bits, sizeof d);
        memcpy(&f, &half, sizeof f);
        if (isfinite(d)) {
            sprintf(text, "%.17g", d);
            assert_true(as_double(text) == d);
        }
        if (isfinite(f)) {
            sprintf(text, "%.17g", (double)f);
            assert_true(as_float(text) == f);
            sprintf(text, "%.9g", (double)f);
            assert_true(as_float(text) == f);
        }
    }
}

static void random_numbers(void **state)
{
    int n = getenv("MLI_LONG") ? 2000000 : 100000;
    char text[96];

    (void)state;
    for (int i = 0; i < n; i++) {
        uint64_t a = any(), b = any(), c = any();
        int digits = 1 + (int)(c % 19), e;

        switch (c >> 40 & 3) {
        case 0: /* a weight */
            sprintf(text, "-0.%llu", (unsigned long long)a);
            break;
        case 1: /* any size */
            e = (int)(b % 700) - 360;
            sprintf(text, "%.*se%d", digits, "9223372036854775808", e);
            text[0] = (char)('1' + a % 9);
            break;
        case 2: /* near the middle between two floats */
            a = (a & 0xffffff) | 0x800000;
            sprintf(text, "%.*f", (int)(b % 12),
                    (double)a + 0.5 + ((int)(c % 3) - 1) * 1e-9);
            break;
        default: /* near the middle between two doubles */
            a = (a >> 11) | (uint64_t)1 << 52;
            sprintf(text, "%llu.%s", (unsigned long long)a,
                    c & 1   ? "5"
                    : c & 2 ? "50000000000001"
                            : "4999999999999");
        }
        check_number(text);
    }
}

/* A comma for the point: Pd or its host may set such a locale. */
static void locales(void **state)
{
    static const char *const all[] = {"de_DE.UTF-8", "de_DE.utf8",
                                      "fr_FR.UTF-8", "C"};

    (void)state;
    for (int i = 0; i < 4; i++)
        if (setlocale(LC_ALL, all[i]))
            break;
    assert_true(as_double("1.5e3") == 1500);
    assert_true(as_float("-0.25") == -0.25f);
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grammar),     cmocka_unit_test(errors),
        cmocka_unit_test(every_cut),   cmocka_unit_test(depth),
        cmocka_unit_test(walking),     cmocka_unit_test(hard_numbers),
        cmocka_unit_test(round_trips), cmocka_unit_test(random_numbers),
        cmocka_unit_test(locales),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
