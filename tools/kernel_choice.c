/* see kernel_choice.h */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_choice.h"
#include "message.h"

const char *kernel_names(void)
{
    static char names[128];
    size_t n = 0;
    const char *name;
    for (uint32_t i = 0; (name = mli_kernels_name(i)) && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? " " : "",
                              name);
    return names;
}

static int known(const char *name)
{
    static const char *const all[] = {"generic", "sse2", "avx2", "avx512",
                                      "neon"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(name, all[i]))
            return 1;
    return 0;
}

/* What MLI_KERNELS asks for; NULL: nothing. */
static const char *wish(void)
{
    const char *name = getenv("MLI_KERNELS");
    return name && *name ? name : NULL;
}

const char *kernel_choice_name(void)
{
    const char *name = wish();
    if (!kernel_choice())
        return NULL;
    return name ? name : mli_kernels_name(0);
}

const mli_kernels *kernel_choice(void)
{
    const char *name = wish();
    const mli_kernels *kernels = mli_kernels_find(name);
    if (!kernels)
        tool_error(NULL, "MLI_KERNELS=%s: %s (expected one of: %s)", name,
                   known(name) ? "this kernel build does not run here"
                               : "no such kernel build",
                   kernel_names());
    return kernels;
}
