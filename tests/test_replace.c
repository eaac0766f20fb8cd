/*
 * test_replace.c - files that are replaced: whole or not at all, through links,
 * with the permissions that they had.
 */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "replace.h"

static char folder[] = "/tmp/mlinfer-replace-XXXXXX";

static int enter(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || chdir(folder);
}

static int leave(void **state)
{
    (void)state;
    return chdir("/") || rmdir(folder);
}

/* What is in the folder, but for "." and "..". */
static int files_here(void)
{
    int n = -2;
    DIR *d = opendir(".");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void write_text(const char *path, const char *text)
{
    mlc_replace r;
    assert_int_equal(mlc_replace_begin(&r, path), 0);
    fputs(text, r.file);
    assert_int_equal(mlc_replace_commit(&r), 0);
}

static void assert_text(const char *path, const char *text)
{
    char got[64] = "";
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fgets(got, sizeof got, f);
    fclose(f);
    assert_string_equal(got, text);
}

static unsigned mode_of(const char *path)
{
    struct stat s;
    assert_int_equal(lstat(path, &s), 0);
    return s.st_mode;
}

static void new_files_have_a_new_files_permissions(void **state)
{
    (void)state;
    mode_t before = umask(027);
    write_text("new", "text");
    umask(before);
    assert_text("new", "text");
    assert_int_equal(mode_of("new") & 0777, 0640);
    assert_int_equal(files_here(), 1);
    unlink("new");
}

static void replaced_files_keep_their_permissions(void **state)
{
    (void)state;
    write_text("old", "old");
    assert_int_equal(chmod("old", 0604), 0);
    write_text("old", "new");
    assert_text("old", "new");
    assert_int_equal(mode_of("old") & 0777, 0604);
    unlink("old");
}

static void links_are_followed(void **state)
{
    (void)state;
    assert_int_equal(mkdir("there", 0777), 0);
    write_text("there/file", "old");
    assert_int_equal(symlink("there/file", "link"), 0);
    write_text("link", "new");
    assert_true(S_ISLNK(mode_of("link")));
    assert_text("there/file", "new");
    unlink("link");
    unlink("there/file");
    assert_int_equal(rmdir("there"), 0); /* nothing is left in it */
}

/* Until the end the old file is what is there; two may write at once. */
static void nothing_half_written_is_seen(void **state)
{
    mlc_replace r, other;
    (void)state;
    write_text("f", "old");
    assert_int_equal(mlc_replace_begin(&r, "f"), 0);
    assert_int_equal(mlc_replace_begin(&other, "f"), 0);
    fputs("new", r.file);
    fflush(r.file);
    fputs("other", other.file);
    assert_text("f", "old");
    mlc_replace_abandon(&other);
    mlc_replace_abandon(&other);
    assert_text("f", "old");
    assert_int_equal(mlc_replace_commit(&r), 0);
    assert_text("f", "new");
    assert_int_equal(files_here(), 1);
    unlink("f");
}

static void refusals_leave_nothing(void **state)
{
    mlc_replace r;
    (void)state;
    assert_int_equal(mlc_replace_begin(&r, "."), -1);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(mlc_replace_begin(&r, "none/file"), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(mlc_replace_begin(&r, "/dev/full"), 0);
    fputs("text", r.file);
    assert_int_equal(mlc_replace_commit(&r), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(files_here(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_files_have_a_new_files_permissions),
        cmocka_unit_test(replaced_files_keep_their_permissions),
        cmocka_unit_test(links_are_followed),
        cmocka_unit_test(nothing_half_written_is_seen),
        cmocka_unit_test(refusals_leave_nothing),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
