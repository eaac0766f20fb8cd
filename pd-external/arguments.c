/* see arguments.h */
#include <stdio.h>
#include <string.h>
#include "arguments.h"

static const char *arguments_class(int tilde)
{
    return tilde ? "mlinfer~" : "mlinfer";
}

int arguments_word(char *text, size_t size, const t_atom *at)
{
    if (at->a_type == A_SYMBOL)
        return snprintf(text, size, "%s", at->a_w.w_symbol->s_name);
    return snprintf(text, size, "%g", (double)atom_getfloat(at));
}

void arguments_name(char *name, size_t size, int argc, const t_atom *argv)
{
    size_t used = 0;
    name[0] = 0;
    if (argc == 1 && argv->a_type == A_FLOAT && argv->a_w.w_float == 0)
        return;
    for (int i = 0; i < argc && used + 1 < size; i++) {
        if (i)
            name[used++] = ' ', name[used] = 0;
        int wrote = arguments_word(name + used, size - used, argv + i);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

/* The number behind a flag, into value if it is in range. Returns the atoms
   that it took. */
static int arguments_number(const void *x, int tilde, const char *flag,
                            int argc, const t_atom *argv, int low, int high,
                            int *value)
{
    if (argc < 1 || argv->a_type != A_FLOAT) {
        pd_error(x, "%s: %s: expected a number behind it, got %s",
                 arguments_class(tilde), flag,
                 argc < 1 ? "nothing" : atom_getsymbol(argv)->s_name);
        return 0;
    }
    t_float f = argv->a_w.w_float;
    if (f >= low && f <= high && f == (int)f)
        *value = (int)f;
    else
        pd_error(x, "%s: %s: expected a whole number from %d to %d, got %g",
                 arguments_class(tilde), flag, low, high, (double)f);
    return 1;
}

/* One flag of [mlinfer~]; returns the atoms taken behind it, -1: unknown. */
static int arguments_tilde_flag(t_arguments *a, const void *x, const char *flag,
                                int argc, const t_atom *argv)
{
    if (!strcmp(flag, "-in"))
        return arguments_number(x, 1, flag, argc, argv, 0, PORTS_MAX, &a->a_in);
    if (!strcmp(flag, "-out"))
        return arguments_number(x, 1, flag, argc, argv, 0, PORTS_MAX,
                                &a->a_out);
    if (!strcmp(flag, "-hop"))
        return arguments_number(x, 1, flag, argc, argv, 1, HOP_MAX, &a->a_hop);
    if (!strcmp(flag, "-list")) {
        a->a_list = 1;
        return 0;
    }
    if (!strcmp(flag, "-norate")) {
        a->a_norate = 1;
        return 0;
    }
    if (!strcmp(flag, "-m")) {
        a->a_multi = 1;
        return 0;
    }
    return -1;
}

/* One flag of [mlinfer]; as above. */
static int arguments_list_flag(t_arguments *a, const void *x, const char *flag,
                               int argc, const t_atom *argv)
{
    if (!strcmp(flag, "-capacity"))
        return arguments_number(x, 0, flag, argc, argv, 1, CAPACITY_MAX,
                                &a->a_capacity);
    if (strcmp(flag, "-learn"))
        return -1;
    a->a_learn = 1;
    int took =
        arguments_number(x, 0, flag, argc, argv, 1, LEARN_MAX, &a->a_learnin);
    if (took)
        took += arguments_number(x, 0, flag, argc - 1, argv + 1, 1, LEARN_MAX,
                                 &a->a_learnout);
    return took;
}

void arguments_parse(t_arguments *a, const void *x, int tilde, int argc,
                     const t_atom *argv)
{
    memset(a, 0, sizeof(*a));
    a->a_in = a->a_out = -1;
    a->a_hop = HOP_DEFAULT;
    a->a_capacity = CAPACITY_DEFAULT;
    while (argc > 0 && argv->a_type == A_SYMBOL &&
           argv->a_w.w_symbol->s_name[0] == '-') {
        const char *flag = argv->a_w.w_symbol->s_name;
        int took = -1;
        argc--, argv++;
        if (!strcmp(flag, "-clamp"))
            a->a_clamp = 1, took = 0;
        else if (tilde)
            took = arguments_tilde_flag(a, x, flag, argc, argv);
        else
            took = arguments_list_flag(a, x, flag, argc, argv);
        if (took < 0) {
            pd_error(x, "%s: %s: unknown flag (expected %s)",
                     arguments_class(tilde), flag,
                     tilde ? "-in -out -m -hop -list -norate -clamp"
                           : "-learn -capacity -clamp");
            took = 0; /* its numbers are no part of the name */
            while (took < argc && argv[took].a_type == A_FLOAT)
                took++;
        }
        argc -= took, argv += took;
    }
    if (a->a_capacity != CAPACITY_DEFAULT && !a->a_learn)
        pd_error(x, "mlinfer: -capacity: only with -learn");
    arguments_name(a->a_name, sizeof(a->a_name), argc, argv);
}
