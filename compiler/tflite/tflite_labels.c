/*
 * tflite_labels.c - class labels: a file of lines in a zip archive behind the
 * model, which the model's metadata name (TFLITE_METADATA, itself a
 * FlatBuffer). Damage there costs the labels, not the model.
 */
#include <string.h>
#include "layers/zip.h"
#include "text.h"
#include "tflite_model.h"

#define MAX_LABELS  65536u
#define AXIS_LABELS 2 /* the kind of an associated file */

typedef struct text {
    const uint8_t *bytes;
    size_t size;
} text;

/* The model's metadata as a file of its own; bytes NULL: there is none. */
static flat_file metadata_of(const flat_file *model)
{
    flat_table root = flat_root(model, "the model");
    flat_vector all = flat_list(&root, 6, 4, "the metadata");
    flat_vector buffers = flat_list(&root, 4, 4, "the buffers");
    flat_file found = {.exit = model->exit};

    for (uint32_t i = 0; i < all.count; i++) {
        static const char wanted[] = "TFLITE_METADATA";
        flat_table entry = flat_table_at(&all, i, "a metadata entry"), buffer;
        flat_vector data;
        uint32_t n;
        const uint8_t *name = flat_text(&entry, 0, &n);
        uint64_t at = flat_uint(&entry, 1, 4, 0);
        if (!name || n != sizeof wanted - 1 || memcmp(name, wanted, n) ||
            at >= buffers.count)
            continue;
        buffer = flat_table_at(&buffers, (uint32_t)at, "a buffer");
        data = flat_list(&buffer, 0, 1, "the metadata");
        found.bytes = model->bytes + data.at;
        found.size = data.count;
        break;
    }
    return found;
}

/* The labels' file of an output; 0: it has none. */
static int named_file(const flat_file *metadata, uint32_t output, text *name)
{
    flat_table root = flat_root(metadata, "the metadata"), graph, port;
    flat_vector graphs = flat_list(&root, 3, 4, "the metadata"), ports, files;

    if (!graphs.count)
        return 0;
    graph = flat_table_at(&graphs, 0, "the metadata");
    ports = flat_list(&graph, 3, 4, "the metadata");
    if (output >= ports.count)
        return 0;
    port = flat_table_at(&ports, output, "the metadata");
    files = flat_list(&port, 6, 4, "the metadata");
    for (uint32_t i = 0; i < files.count; i++) {
        flat_table file = flat_table_at(&files, i, "the metadata");
        uint32_t n;
        if (flat_int(&file, 2, 1, 0) != AXIS_LABELS)
            continue;
        name->bytes = flat_text(&file, 0, &n);
        name->size = n;
        return name->bytes != NULL;
    }
    return 0;
}

static int in_archive(const flat_file *model, const text *name, text *found)
{
    mlc_zip zip;
    mlc_zip_entry e = {0};
    mlc_error ignored;

    if (mlc_zip_open(&zip, model->bytes, model->size, &ignored))
        return 0;
    while (mlc_zip_next(&zip, &e))
        if (e.name_length == name->size &&
            !memcmp(e.name, name->bytes, name->size)) {
            found->bytes = mlc_zip_bytes(&zip, &e, &ignored);
            found->size = e.size;
            return found->bytes != NULL;
        }
    return 0;
}

/* A line without its end; the rest stays in t. */
static text next_line(text *t)
{
    const uint8_t *end = memchr(t->bytes, '\n', t->size);
    text line = {t->bytes, end ? (size_t)(end - t->bytes) : t->size};
    size_t used = line.size + (end ? 1 : 0);

    t->bytes += used;
    t->size -= used;
    while (line.size && (line.bytes[line.size - 1] == '\r' ||
                         line.bytes[line.size - 1] == ' '))
        line.size--;
    return line;
}

static const char **lines_of(tfl_model *m, text all, uint32_t n)
{
    const char **labels = onnx_take(m->pool, n, sizeof *labels);
    uint32_t count = 0;

    while (all.size) {
        text line = next_line(&all);
        char *copy;
        if (!line.size && !all.size)
            break;
        if (count == n)
            return NULL;
        copy = onnx_copy(m->pool, (const char *)line.bytes,
                         line.size < 256 ? line.size : 256);
        mlc_make_utf8(copy);
        mlc_make_line(copy);
        labels[count++] = copy;
    }
    return count == n ? labels : NULL;
}

static int find(const flat_file *model, uint32_t output, text *labels)
{
    onnx_exit aside;
    mlc_error ignored;
    flat_file file = *model, metadata;
    text name;

    aside.error = &ignored;
    file.exit = &aside;
    if (setjmp(aside.jump) != 0)
        return 0;
    metadata = metadata_of(&file);
    return metadata.bytes && named_file(&metadata, output, &name) &&
           in_archive(&file, &name, labels);
}

const char **tfl_labels(tfl_model *m, uint32_t output, uint32_t n)
{
    text all;

    if (n < 1 || n > MAX_LABELS || !find(&m->file, output, &all))
        return NULL;
    return lines_of(m, all, n);
}
