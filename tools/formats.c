/* mlinfer formats: what opens. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "formats.h"
#include "message.h"

#define COLUMNS 80

#define FEW 12 /* names that a cell of a table holds */

/* Names separated by commas, wrapped, each line indented. */
static void print_parts(const mlc_format *f, size_t indent)
{
    size_t column = COLUMNS;
    const char *name;
    for (size_t i = 0; (name = f->part(i)); i++) {
        size_t width = strlen(name) + 1; /* and a comma */
        if (column + 1 + width > COLUMNS) {
            printf("%s%*s", i ? "\n" : "", (int)indent, "");
            column = indent;
        } else {
            putchar(' ');
            column++;
        }
        printf("%s%s", name, f->part(i + 1) ? "," : "");
        column += width;
    }
    putchar('\n');
}

static void print_text(void)
{
    const mlc_format *f;
    for (size_t i = 0; (f = mlc_format_at(i)); i++) {
        printf("%s%s (%s), %s:\n", i ? "\n" : "", f->name, f->files, f->parts);
        print_parts(f, 4);
    }
}

static size_t count_parts(const mlc_format *f)
{
    size_t n = 0;
    while (f->part(n))
        n++;
    return n;
}

/* A row of the table: the names, or how many there are. */
static void print_row(const mlc_format *f)
{
    size_t n = count_parts(f);
    printf("| %s | %s | ", f->name, f->files);
    if (n > FEW)
        printf("%zu %s, listed below |\n", n, f->parts);
    else {
        printf("%s: ", f->parts);
        for (size_t i = 0; i < n; i++)
            printf("%s%s", i ? ", " : "", f->part(i));
        puts(" |");
    }
}

/* A table, and long lists behind it, folded. */
static void print_markdown(void)
{
    const mlc_format *f;
    puts("| format | files | what is taken |\n|---|---|---|");
    for (size_t i = 0; (f = mlc_format_at(i)); i++)
        print_row(f);
    for (size_t i = 0; (f = mlc_format_at(i)); i++)
        if (count_parts(f) > FEW) {
            printf("\n<details><summary>%s: %zu %s</summary>\n\n", f->name,
                   count_parts(f), f->parts);
            print_parts(f, 0);
            puts("\n</details>");
        }
}

int mli_tool_formats(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--markdown"))
        print_markdown();
    else if (argc == 1)
        print_text();
    else
        return tool_usage("formats: expected nothing or --markdown, got %s",
                          argv[1]);
    return TOOL_DONE;
}
