/* The arrays that mlinfer run writes: all of them, or none. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"
#include "replace_file.h"
#include "run.h"

/* A letter of a port's name as one of a file's: what a stranger's model says
   never leaves the folder. */
static char file_letter(char letter)
{
    unsigned char c = (unsigned char)letter;
    int plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                (c >= 'A' && c <= 'Z') || c >= 0x80 || c == '-' || c == '.';
    return plain ? letter : '_';
}

static int same_file(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (file_letter(*a) != file_letter(*b))
            return 0;
    return *a == *b;
}

/* letters of a name: file systems take 255 with its end */
#define LONGEST 200

static int is_cut(const char *name)
{
    return strlen(name) > LONGEST;
}

/* DIR/NAME.npy; a name that was there before, or that is cut, gets its number.
   Owned. */
static char *path_of(const char *dir, const run_output *outputs, uint32_t index)
{
    const char *name = outputs[index].name;
    size_t size = strlen(dir) + strlen(name) + 32;
    char *path = malloc(size);
    int repeated = is_cut(name);
    if (!path)
        return NULL;
    for (uint32_t i = 0; i < index; i++)
        repeated |= same_file(outputs[i].name, name);
    size_t n = (size_t)snprintf(path, size, "%s/", dir);
    for (size_t i = 0; name[i] && i < LONGEST; i++)
        path[n++] = file_letter(name[i]);
    if (repeated || path[n - 1] == '/')
        n += (size_t)snprintf(path + n, size - n, "_%u", index + 1);
    snprintf(path + n, size - n, ".npy");
    return path;
}

static int write_one(const char *path, const run_output *o, mlc_replace *file)
{
    if (!replace_begin(file, path) &&
        !npy_write_stream(file->file, o->rank, o->dims, o->data) &&
        !fflush(file->file))
        return TOOL_DONE;
    return tool_error(path, "cannot be written: %s", strerror(errno));
}

static int write_all(const char *dir, const run_output *outputs,
                     mlc_replace *files, uint32_t count)
{
    int status = TOOL_DONE;
    for (uint32_t i = 0; i < count && status == TOOL_DONE; i++) {
        char *path = path_of(dir, outputs, i);
        status = path ? write_one(path, &outputs[i], &files[i])
                      : tool_error(dir, "no memory");
        free(path);
    }
    for (uint32_t i = 0; i < count; i++)
        if (status != TOOL_DONE)
            replace_abandon(&files[i]);
        else if (replace_commit(&files[i]))
            status = tool_error(dir, "cannot be written: %s", strerror(errno));
    return status;
}

int run_write_outputs(const char *dir, const run_output *outputs,
                      uint32_t count)
{
    int made = !mkdir(dir, 0777);
    if (!made && errno != EEXIST)
        return tool_error(dir, "cannot be made: %s", strerror(errno));
    mlc_replace *files = calloc((size_t)count + 1, sizeof *files);
    int status = files ? write_all(dir, outputs, files, count)
                       : tool_error(dir, "no memory");
    free(files);
    if (made && status != TOOL_DONE)
        rmdir(dir);
    return status;
}
