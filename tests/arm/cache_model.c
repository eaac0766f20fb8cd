/* see cache_model.h */
#include "cache_model.h"

#define LINE 64u

/* Is the line here? It becomes the most recent one in either case. */
static int touch(uint64_t *set, unsigned ways, uint64_t line)
{
    unsigned i = 0;
    while (i + 1 < ways && set[i] != line)
        i++;
    int found = set[i] == line;
    for (; i > 0; i--)
        set[i] = set[i - 1];
    set[0] = line;
    return found;
}

void cache_access(cache_model *c, uint64_t address, unsigned bytes)
{
    uint64_t last = (address + bytes - 1) / LINE;
    for (uint64_t line = address / LINE; line <= last; line++) {
        if (touch(c->first[line % 128], 4, line))
            continue;
        c->misses_1++;
        c->misses_2 += !touch(c->second[line % 512], 8, line);
    }
}
