/* see npy.h. The layout is that of NumPy's "NEP 1: a simple file format". */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "npy.h"

#define MAGIC      "\x93NUMPY"
#define MAGIC_SIZE 6u
/* A header is a short text; NumPy itself distrusts longer ones. */
#define MAX_HEADER 10000u
#define BATCH      4096u /* elements converted at a time */

typedef struct npy_header {
    char kind; /* f i u b */
    unsigned size;
    int big_endian, fortran, shaped;
    npy_array *array;
} npy_header;

static int fail(char *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int fail(char *error, const char *format, ...)
{
    va_list arguments;
    if (error) {
        va_start(arguments, format);
        vsnprintf(error, NPY_ERROR, format, arguments);
        va_end(arguments);
    }
    return -1;
}

/* ------------------------------------------------------------- header ---- */

static const char *skip_blanks(const char *s)
{
    while (*s == ' ' || *s == '\t' || *s == '\n')
        s++;
    return s;
}

/* The text between quotes at s; NULL if there is none that fits. */
static const char *quoted(const char *s, char *text, size_t size)
{
    char quote = *s;
    size_t n = 0;
    if (quote != '\'' && quote != '"')
        return NULL;
    for (s++; *s && *s != quote; s++) {
        if (n + 1 == size)
            return NULL;
        text[n++] = *s;
    }
    text[n] = 0;
    return *s ? s + 1 : NULL;
}

static const char *parse_descr(const char *s, npy_header *h, char *error)
{
    char text[16];
    const char *type = text;
    const char *end = quoted(s, text, sizeof text);
    if (!end) {
        fail(error, "not a plain number type (expected float32, float64 or an "
                    "integer type)");
        return NULL;
    }
    if (*type == '>')
        h->big_endian = 1;
    if (*type && strchr("<>|=", *type))
        type++;
    h->kind = *type;
    h->size = 0;
    if (*type && type[1] >= '1' && type[1] <= '9' && !type[2])
        h->size = (unsigned)(type[1] - '0');
    int integer =
        (h->kind == 'i' || h->kind == 'u') &&
        (h->size == 1 || h->size == 2 || h->size == 4 || h->size == 8);
    int real = h->kind == 'f' && (h->size == 4 || h->size == 8);
    if (!integer && !real && !(h->kind == 'b' && h->size == 1)) {
        fail(error,
             "elements of type %s (expected float32, float64 or an integer "
             "type)",
             text);
        return NULL;
    }
    return end;
}

static const char *parse_shape(const char *s, npy_header *h, char *error)
{
    npy_array *a = h->array;
    if (*s++ != '(')
        goto bad;
    a->count = 1;
    a->rank = 0;
    for (s = skip_blanks(s); *s != ')'; s = skip_blanks(s)) {
        uint64_t n = 0;
        if (*s < '0' || *s > '9')
            goto bad;
        for (; *s >= '0' && *s <= '9'; s++) {
            n = n * 10 + (uint64_t)(*s - '0');
            if (n > NPY_MAX_ELEMENTS)
                goto big;
        }
        if (*s == 'L') /* as Python 2 wrote it */
            s++;
        if (a->rank == NPY_MAX_RANK) {
            fail(error, "more than %u dimensions", NPY_MAX_RANK);
            return NULL;
        }
        a->dims[a->rank++] = (size_t)n;
        /* Both factors are at most 2^30: no overflow. */
        if (n * a->count > NPY_MAX_ELEMENTS)
            goto big;
        a->count *= (size_t)n;
        s = skip_blanks(s);
        if (*s == ',')
            s++;
        else if (*s != ')')
            goto bad;
    }
    h->shaped = 1;
    return s + 1;
big:
    fail(error, "more than %llu elements",
         (unsigned long long)NPY_MAX_ELEMENTS);
    return NULL;
bad:
    fail(error, "a broken shape in the header");
    return NULL;
}

static const char *parse_order(const char *s, npy_header *h)
{
    if (!strncmp(s, "True", 4)) {
        h->fortran = 1;
        return s + 4;
    }
    return strncmp(s, "False", 5) ? NULL : s + 5;
}

/* The header is the text of a Python dictionary, keys in any order. */
static int parse_header(const char *s, npy_header *h, char *error)
{
    s = skip_blanks(s);
    if (*s++ != '{')
        return fail(error, "a broken header (expected a dictionary)");
    for (s = skip_blanks(s); *s != '}'; s = skip_blanks(s)) {
        char key[32];
        s = quoted(s, key, sizeof key);
        s = s ? skip_blanks(s) : NULL;
        if (!s || *s != ':')
            return fail(error, "a broken header (expected a key)");
        s = skip_blanks(s + 1);
        if (!strcmp(key, "descr")) {
            if (!(s = parse_descr(s, h, error)))
                return -1;
        } else if (!strcmp(key, "shape")) {
            if (!(s = parse_shape(s, h, error)))
                return -1;
        } else if (!strcmp(key, "fortran_order")) {
            if (!(s = parse_order(s, h)))
                return fail(error, "a broken header (fortran_order)");
        } else {
            return fail(error, "an unknown key %s in the header", key);
        }
        s = skip_blanks(s);
        if (*s == ',')
            s++;
        else if (*s != '}')
            return fail(error, "a broken header (expected a comma)");
    }
    if (!h->kind || !h->shaped)
        return fail(error, "a broken header (no descr or no shape)");
    if (h->big_endian && h->size > 1)
        return fail(error, "big-endian elements (expected little-endian)");
    if (h->fortran && h->array->rank > 1)
        return fail(error, "Fortran order (expected C order: save "
                           "numpy.ascontiguousarray(x))");
    return 0;
}

static int read_header(FILE *file, npy_header *h, char *error)
{
    unsigned char start[12];
    char text[MAX_HEADER + 1];
    size_t length;
    if (fread(start, 1, 8, file) != 8 || memcmp(start, MAGIC, MAGIC_SIZE))
        return fail(error, "not a .npy file");
    if (start[6] != 1 && start[6] != 2)
        return fail(error, "version %d.%d of .npy (expected 1 or 2)", start[6],
                    start[7]);
    size_t width = start[6] == 1 ? 2 : 4;
    if (fread(start + 8, 1, width, file) != width)
        return fail(error, "truncated in its header");
    length = (size_t)start[8] | (size_t)start[9] << 8;
    if (width == 4)
        length |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    if (length > MAX_HEADER)
        return fail(error, "a header of %zu bytes (expected at most %u)",
                    length, MAX_HEADER);
    if (fread(text, 1, length, file) != length)
        return fail(error, "truncated in its header");
    text[length] = 0;
    return parse_header(text, h, error);
}

/* --------------------------------------------------------------- data ---- */

/* One little-endian element as a float. */
static float element(const unsigned char *p, char kind, unsigned size)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < size; i++)
        bits |= (uint64_t)p[i] << (8 * i);
    if (kind == 'f' && size == 4) {
        uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        return value;
    }
    if (kind == 'f') {
        double value;
        memcpy(&value, &bits, sizeof value);
        return (float)value;
    }
    if (kind == 'b')
        return bits ? 1.0f : 0.0f;
    if (kind == 'u')
        return (float)bits;
    /* Carry the sign into the bits above the element's own. */
    uint64_t sign = (uint64_t)1 << (8 * size - 1);
    return (float)(int64_t)((bits ^ sign) - sign);
}

static int read_data(FILE *file, const npy_header *h, char *error)
{
    unsigned char bytes[BATCH * 8];
    npy_array *a = h->array;
    long here = ftell(file);
    if (here < 0 || fseek(file, 0, SEEK_END))
        return fail(error, "its length is unknown: %s (expected a file)",
                    strerror(errno));
    uint64_t got = (uint64_t)(ftell(file) - here);
    uint64_t expected = (uint64_t)a->count * h->size;
    if (got != expected)
        return fail(error,
                    "wrong length of data (expected %llu bytes, got %llu)",
                    (unsigned long long)expected, (unsigned long long)got);
    fseek(file, here, SEEK_SET);
    a->data = malloc((a->count ? a->count : 1) * sizeof *a->data);
    if (!a->data)
        return fail(error, "no memory for %zu elements", a->count);
    for (size_t i = 0; i < a->count;) {
        size_t n = a->count - i < BATCH ? a->count - i : BATCH;
        if (fread(bytes, h->size, n, file) != n)
            return fail(error, "cannot be read: %s", strerror(errno));
        for (size_t j = 0; j < n; j++)
            a->data[i + j] = element(bytes + j * h->size, h->kind, h->size);
        i += n;
    }
    return 0;
}

int npy_read(const char *path, npy_array *array, char *error)
{
    npy_header header = {.array = array};
    memset(array, 0, sizeof *array);
    FILE *file = fopen(path, "rb");
    if (!file)
        return fail(error, "%s", strerror(errno));
    int result = read_header(file, &header, error);
    if (!result)
        result = read_data(file, &header, error);
    fclose(file);
    if (result)
        npy_free(array);
    return result;
}

void npy_free(npy_array *array)
{
    free(array->data);
    memset(array, 0, sizeof *array);
}

/* -------------------------------------------------------------- write ---- */

int npy_write_stream(FILE *file, uint32_t rank, const size_t *dims,
                     const float *data)
{
    char text[256];
    size_t count = 1;
    int n = snprintf(text, sizeof text,
                     "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    if (rank > NPY_MAX_RANK) {
        errno = EINVAL;
        return -1;
    }
    /* At most 8 numbers of 20 digits: they fit. */
    for (uint32_t i = 0; i < rank; i++) {
        n += snprintf(text + n, sizeof text - (size_t)n, "%zu%s", dims[i],
                      rank == 1      ? ","
                      : i + 1 < rank ? ", "
                                     : "");
        count *= dims[i];
    }
    n += snprintf(text + n, sizeof text - (size_t)n, "), }");
    /* Magic, version, length, text and newline fill whole 64 bytes. */
    size_t total = (10 + (size_t)n + 1 + 63) / 64 * 64;
    unsigned length = (unsigned)(total - 10);
    fwrite(MAGIC "\x01\x00", 1, 8, file);
    fputc((int)(length & 255), file);
    fputc((int)(length >> 8), file);
    fprintf(file, "%-*s\n", (int)length - 1, text);
    fwrite(data, sizeof *data, count, file);
    return ferror(file) ? -1 : 0;
}

int npy_write(const char *path, uint32_t rank, const size_t *dims,
              const float *data, char *error)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return fail(error, "%s", strerror(errno));
    int result = npy_write_stream(file, rank, dims, data);
    if (fclose(file) || result) {
        fail(error, "cannot be written: %s", strerror(errno));
        remove(path);
        return -1;
    }
    return 0;
}
