/*
 * zip.c - see zip.h. Layout: PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12 and
 * 4.3.16.
 */
#include <string.h>
#include "layers/zip.h"

#define END_SIZE       22u
#define DIRECTORY_SIZE 46u
#define LOCAL_SIZE     30u

static uint32_t u16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) | u16(p + 2) << 16;
}

/* The record at the end; a comment of up to 65535 bytes may follow it. */
static const uint8_t *find_end(const uint8_t *bytes, size_t size)
{
    size_t back = size < 65535u + END_SIZE ? size : 65535u + END_SIZE;

    for (size_t i = END_SIZE; i <= back; i++)
        if (!memcmp(bytes + size - i, "PK\5\6", 4) &&
            u16(bytes + size - i + 20) == i - END_SIZE)
            return bytes + size - i;
    return NULL;
}

/* Behind another file, places may be counted from the archive's own start. */
static void skip_front(mlc_zip *z, size_t end)
{
    size_t front = end - z->last;

    if (z->last - z->first < 4 || front == 0 ||
        !memcmp(z->bytes + z->first, "PK\1\2", 4))
        return;
    z->bytes += front;
    z->size -= front;
}

mlc_status mlc_zip_open(mlc_zip *z, const uint8_t *bytes, size_t size,
                        mlc_error *error)
{
    const uint8_t *end = size >= END_SIZE ? find_end(bytes, size) : NULL;
    uint32_t length;

    if (!end)
        return mlc_fail(error, MLC_CORRUPT,
                        "a zip archive without its directory at the end: is "
                        "it cut short?");
    z->bytes = bytes;
    z->size = size;
    z->entries = u16(end + 10);
    length = u32(end + 12);
    z->first = u32(end + 16);
    if (z->entries == 0xffff || length == 0xffffffffu ||
        z->first == 0xffffffffu)
        return mlc_fail(error, MLC_UNSUPPORTED,
                        "a zip archive of over 4 GB or 65535 entries (zip64)");
    if (z->first > (size_t)(end - bytes) ||
        length > (size_t)(end - bytes) - z->first)
        return mlc_fail(error, MLC_CORRUPT,
                        "the zip archive's directory lies outside of it");
    z->last = z->first + length;
    skip_front(z, (size_t)(end - bytes));
    return MLC_OK;
}

int mlc_zip_next(const mlc_zip *z, mlc_zip_entry *e)
{
    size_t at = e->next ? e->next : z->first, variable;
    const uint8_t *p = z->bytes + at;

    if (at > z->last || z->last - at < DIRECTORY_SIZE || memcmp(p, "PK\1\2", 4))
        return 0;
    e->name_length = u16(p + 28);
    variable = e->name_length + u16(p + 30) + u16(p + 32);
    if (variable > z->last - at - DIRECTORY_SIZE)
        return 0;
    e->name = (const char *)p + DIRECTORY_SIZE;
    e->method = u16(p + 10);
    e->size = u32(p + 20);
    e->header = u32(p + 42);
    e->next = at + DIRECTORY_SIZE + variable;
    return 1;
}

const uint8_t *mlc_zip_bytes(const mlc_zip *z, const mlc_zip_entry *e,
                             mlc_error *error)
{
    const uint8_t *p;
    int n = e->name_length < 80 ? (int)e->name_length : 80;
    size_t at;

    if (e->method != 0) {
        mlc_fail(error, MLC_UNSUPPORTED,
                 "entry %.*s of the archive is compressed: save the weights "
                 "again with torch.save, or as safetensors",
                 n, e->name);
        return NULL;
    }
    p = e->header < z->size ? z->bytes + e->header : NULL;
    if (!p || z->size - e->header < LOCAL_SIZE || memcmp(p, "PK\3\4", 4)) {
        mlc_fail(error, MLC_CORRUPT, "entry %.*s lies outside of the archive",
                 n, e->name);
        return NULL;
    }
    at = e->header + LOCAL_SIZE + u16(p + 26) + u16(p + 28);
    if (at > z->size || e->size > z->size - at) {
        mlc_fail(error, MLC_CORRUPT, "entry %.*s lies outside of the archive",
                 n, e->name);
        return NULL;
    }
    return z->bytes + at;
}
