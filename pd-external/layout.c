/* see layout.h */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "layout.h"
#include "mlinfer.h"

void *layout_take(t_layout *l, size_t count, size_t size)
{
    void *here = l->l_base ? l->l_base + l->l_used : 0;
    size_t room = (SIZE_MAX - l->l_used) / MLI_ALIGNMENT * MLI_ALIGNMENT;
    if (size && count > room / size)
        l->l_used = SIZE_MAX;
    else
        l->l_used +=
            (count * size + MLI_ALIGNMENT - 1) / MLI_ALIGNMENT * MLI_ALIGNMENT;
    return here;
}

int layout_make(t_layout *l)
{
    if (l->l_used == SIZE_MAX ||
        !(l->l_base = aligned_alloc(MLI_ALIGNMENT, l->l_used)))
        return 0;
    memset(l->l_base, 0, l->l_used);
    l->l_used = 0;
    return 1;
}
