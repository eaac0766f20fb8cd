/* mlinfer formats: what opens. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "formats.h"
#include "message.h"

#define COLUMNS 80

/* Names separated by commas, wrapped, each line indented. */
static void print_parts(const mlc_format *f)
{
    size_t column = COLUMNS;
    const char *name;
    for (size_t i = 0; (name = f->part(i)); i++) {
        size_t width = strlen(name) + 2; /* a space and a comma */
        if (column + width > COLUMNS) {
            fputs(i ? "\n   " : "   ", stdout);
            column = 3;
        }
        printf(" %s%s", name, f->part(i + 1) ? "," : "");
        column += width;
    }
    putchar('\n');
}

static void print_text(void)
{
    const mlc_format *f;
    for (size_t i = 0; (f = mlc_format_at(i)); i++) {
        printf("%s%s (%s), %s:\n", i ? "\n" : "", f->name, f->files, f->parts);
        print_parts(f);
    }
}

static void print_markdown(void)
{
    const mlc_format *f;
    const char *name;
    puts("| format | files | what is taken |\n|---|---|---|");
    for (size_t i = 0; (f = mlc_format_at(i)); i++) {
        printf("| %s | %s | %s: ", f->name, f->files, f->parts);
        for (size_t k = 0; (name = f->part(k)); k++)
            printf("%s%s", k ? ", " : "", name);
        puts(" |");
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
