#include "verify.h"

uint32_t mli_utf8_length(const void *text, size_t left)
{
    const uint8_t *s = text;
    uint32_t n = s[0] < 0x80   ? 1
                 : s[0] < 0xc2 ? 0
                 : s[0] < 0xe0 ? 2
                 : s[0] < 0xf0 ? 3
                 : s[0] < 0xf5 ? 4
                               : 0;
    if (n > left)
        return 0;
    for (uint32_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    /* overlong forms, surrogates, past 0x10ffff */
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

mli_status mli_verify_strings(const mli_file *f, uint32_t *index)
{
    const uint8_t *s = (const uint8_t *)f->strings;
    uint32_t size = f->count[MLI_SEC_STRINGS];
    if (size == 0 || s[0] != 0 || s[size - 1] != 0)
        return MLI_ERR_STRING;
    for (uint32_t i = 0, n; i < size; i += n) {
        n = mli_utf8_length(s + i, size - i);
        if (n == 0) {
            *index = i;
            return MLI_ERR_STRING;
        }
    }
    return MLI_OK;
}

int mli_is_text(const mli_file *f, uint32_t offset)
{
    return offset < f->count[MLI_SEC_STRINGS] &&
           ((uint8_t)f->strings[offset] & 0xc0) != 0x80;
}

mli_status mli_verify_meta(const mli_file *f, uint32_t *index)
{
    for (uint32_t i = 0; i < f->count[MLI_SEC_META]; i++) {
        *index = i;
        if (!mli_is_text(f, f->meta[i].key) ||
            !mli_is_text(f, f->meta[i].value))
            return MLI_ERR_STRING;
        if (f->strings[f->meta[i].key] == '\0')
            return MLI_ERR_META;
    }
    return MLI_OK;
}
