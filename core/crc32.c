/*
 * crc32.c - the checksum of model files: CRC-32 with the polynomial of zlib,
 * PNG and Ethernet, four bytes at a step. Its table is made on the stack, as
 * the runtime keeps no memory of its own.
 */
#include "format.h"

typedef uint32_t crc_table[4][256];

static void make_table(crc_table t)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = (c >> 1) ^ (c & 1 ? 0xedb88320u : 0);
        t[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 4; k++)
            t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 255];
}

/* n: a multiple of 4 */
static uint32_t add_words(crc_table t, uint32_t crc, const uint8_t *p, size_t n)
{
    for (; n != 0; n -= 4, p += 4) {
        crc ^= p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
               (uint32_t)p[3] << 24;
        crc = t[3][crc & 255] ^ t[2][crc >> 8 & 255] ^ t[1][crc >> 16 & 255] ^
              t[0][crc >> 24];
    }
    return crc;
}

uint32_t mli_file_crc32(const void *bytes, size_t size)
{
    static const uint8_t zero[4] = {0, 0, 0, 0};
    const uint8_t *p = bytes;
    size_t field = offsetof(mli_file_header, crc32);
    size_t rest = size - field - 4;
    crc_table t;
    make_table(t);
    uint32_t crc = add_words(t, 0xffffffffu, p, field);
    crc = add_words(t, crc, zero, 4);
    crc = add_words(t, crc, p + field + 4, rest / 4 * 4);
    for (size_t i = size - rest % 4; i < size; i++)
        crc = (crc >> 8) ^ t[0][(crc ^ p[i]) & 255];
    return ~crc;
}
