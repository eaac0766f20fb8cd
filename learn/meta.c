/* see meta.h */
#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "file.h"
#include "image.h"
#include "meta.h"

/* The sections that name texts are made anew, as texts move. */
typedef struct change {
    mli_file from;
    mlc_texts texts;
    mlc_bytes section[MLI_SEC_COUNT];
} change;

static void move_text(change *c, uint32_t *text)
{
    *text = mlc_text(&c->texts, c->from.strings + *text);
}

static void copy_records(change *c)
{
    for (uint32_t i = 0; i < c->from.count[MLI_SEC_PORTS]; i++) {
        mli_file_port port = c->from.ports[i];
        move_text(c, &port.name);
        mlc_put(&c->section[MLI_SEC_PORTS], &port, sizeof port);
    }
    for (uint32_t i = 0; i < c->from.count[MLI_SEC_CHANNELS]; i++) {
        mli_file_channel channel = c->from.channels[i];
        move_text(c, &channel.label);
        mlc_put(&c->section[MLI_SEC_CHANNELS], &channel, sizeof channel);
    }
    for (uint32_t i = 0; i < c->from.count[MLI_SEC_OPS]; i++) {
        mli_file_op op = c->from.ops[i];
        move_text(c, &op.name);
        mlc_put(&c->section[MLI_SEC_OPS], &op, sizeof op);
    }
}

static mlc_status assemble(change *c, const mlc_image *from, mlc_image *to,
                           mlc_error *error)
{
    mli_file_header h = *c->from.header;
    uint64_t at = sizeof h;
    const uint8_t *part[MLI_SEC_COUNT];
    for (int i = 0; i < MLI_SEC_COUNT; i++) {
        const mlc_bytes *b =
            i == MLI_SEC_STRINGS ? &c->texts.pool : &c->section[i];
        int anew = i == MLI_SEC_STRINGS || i == MLI_SEC_META ||
                   i == MLI_SEC_PORTS || i == MLI_SEC_CHANNELS ||
                   i == MLI_SEC_OPS;
        part[i] = anew ? b->data : from->bytes + h.section[i].offset;
        if (anew)
            h.section[i].bytes = (uint32_t)b->size;
        h.section[i].offset = (uint32_t)at;
        at += (h.section[i].bytes + 63ull) / 64 * 64;
        if ((anew && b->failed) || at > UINT32_MAX)
            return mlc_fail(error, MLC_MEMORY, "no memory for the model");
    }
    h.file_bytes = (uint32_t)at;
    h.crc32 = 0;
    to->size = (size_t)at;
    to->bytes = mlc_aligned(to->size);
    if (!to->bytes)
        return mlc_fail(error, MLC_MEMORY, "no memory for %zu bytes", to->size);
    for (int i = 0; i < MLI_SEC_COUNT; i++)
        if (h.section[i].bytes)
            memcpy(to->bytes + h.section[i].offset, part[i],
                   h.section[i].bytes);
    memcpy(to->bytes, &h, sizeof h);
    h.crc32 = mli_file_crc32(to->bytes, to->size);
    memcpy(to->bytes, &h, sizeof h);
    return MLC_OK;
}

mlc_status learn_with_meta(const mlc_image *from, const learn_meta *pairs,
                           uint32_t n, mlc_image *to, mlc_error *error)
{
    change c = {.from = mli_file_of(from->bytes)};
    memset(to, 0, sizeof *to);
    mlc_text(&c.texts, "");
    for (uint32_t i = 0; i < n; i++) {
        mli_file_meta m = {mlc_text(&c.texts, pairs[i].key),
                           mlc_text(&c.texts, pairs[i].value)};
        mlc_put(&c.section[MLI_SEC_META], &m, sizeof m);
    }
    copy_records(&c);
    mlc_status status = assemble(&c, from, to, error);
    mlc_texts_free(&c.texts);
    for (int i = 0; i < MLI_SEC_COUNT; i++)
        free(c.section[i].data);
    return status;
}
