/* see system.h */
#ifdef _WIN32
#include "system.h"
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <windows.h>

/* ------------------------------------------------------------- memory ---- */

#define ALIGNMENT 16 /* as malloc has */

void *system_aligned_alloc(size_t alignment, size_t bytes)
{
    return _aligned_malloc(bytes ? bytes : 1, alignment);
}

void *system_malloc(size_t bytes)
{
    return _aligned_malloc(bytes ? bytes : 1, ALIGNMENT);
}

void *system_calloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    void *memory = system_malloc(count * size);
    if (memory)
        memset(memory, 0, count * size);
    return memory;
}

void *system_realloc(void *memory, size_t bytes)
{
    return _aligned_realloc(memory, bytes ? bytes : 1, ALIGNMENT);
}

void system_free(void *memory)
{
    _aligned_free(memory);
}

/* -------------------------------------------------------------- files ---- */

/* In the characters of Windows; to be freed. */
static wchar_t *wide(const char *text)
{
    int n = MultiByteToWideChar(CP_UTF8, 0, text, -1, NULL, 0);
    wchar_t *w = n > 0 ? system_calloc((size_t)n, sizeof *w) : NULL;
    if (w)
        MultiByteToWideChar(CP_UTF8, 0, text, -1, w, n);
    else
        errno = ENOENT;
    return w;
}

static char *narrow(const wchar_t *text)
{
    int n = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *t = n > 0 ? system_malloc((size_t)n) : NULL;
    if (t)
        WideCharToMultiByte(CP_UTF8, 0, text, -1, t, n, NULL, NULL);
    for (char *c = t; c && *c; c++)
        if (*c == '\\')
            *c = '/';
    return t;
}

static int failed(void)
{
    DWORD why = GetLastError();
    errno = why == ERROR_FILE_NOT_FOUND || why == ERROR_PATH_NOT_FOUND ||
                    why == ERROR_INVALID_NAME
                ? ENOENT
                : EACCES;
    return -1;
}

static int handle_stat(HANDLE file, struct system_stat *s)
{
    BY_HANDLE_FILE_INFORMATION i;
    if (!GetFileInformationByHandle(file, &i))
        return failed();
    /* 100 ns since 1601 */
    uint64_t when = (uint64_t)i.ftLastWriteTime.dwHighDateTime << 32 |
                    i.ftLastWriteTime.dwLowDateTime;
    memset(s, 0, sizeof *s);
    s->st_dev = i.dwVolumeSerialNumber;
    s->st_ino = (uint64_t)i.nFileIndexHigh << 32 | i.nFileIndexLow;
    s->st_mode = i.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY ? S_IFDIR
                 : GetFileType(file) == FILE_TYPE_DISK         ? S_IFREG
                                                               : S_IFCHR;
    s->st_size = (int64_t)((uint64_t)i.nFileSizeHigh << 32 | i.nFileSizeLow);
    s->st_mtim.tv_sec = (time_t)(when / 10000000) - 11644473600;
    s->st_mtim.tv_nsec = (long)(when % 10000000) * 100;
    return 0;
}

static HANDLE open_to_ask(const char *path)
{
    wchar_t *name = wide(path);
    HANDLE file = INVALID_HANDLE_VALUE;
    if (name)
        file = CreateFileW(
            name, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
            NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (name && file == INVALID_HANDLE_VALUE)
        failed();
    system_free(name);
    return file;
}

int system_stat(const char *path, struct system_stat *s)
{
    HANDLE file = open_to_ask(path);
    if (file == INVALID_HANDLE_VALUE)
        return -1;
    int status = handle_stat(file, s);
    CloseHandle(file);
    return status;
}

int system_fstat(int file, struct system_stat *s)
{
    return handle_stat((HANDLE)_get_osfhandle(file), s);
}

FILE *system_fopen(const char *path, const char *mode)
{
    wchar_t *name = wide(path), *how = wide(mode);
    FILE *f = name && how ? _wfopen(name, how) : NULL;
    system_free(name);
    system_free(how);
    return f;
}

int system_open(const char *path, int flags, int mode)
{
    wchar_t *name = wide(path);
    int file = name ? _wopen(name, flags | _O_BINARY, mode) : -1;
    system_free(name);
    return file;
}

int system_rename(const char *from, const char *to)
{
    wchar_t *a = wide(from), *b = wide(to);
    int status =
        a && b &&
                MoveFileExW(a, b,
                            MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)
            ? 0
            : failed();
    system_free(a);
    system_free(b);
    return status;
}

int system_unlink(const char *path)
{
    wchar_t *name = wide(path);
    int status = name ? _wunlink(name) : -1;
    system_free(name);
    return status;
}

int system_access(const char *path, int mode)
{
    wchar_t *name = wide(path);
    int status = name ? _waccess(name, mode) : -1;
    system_free(name);
    return status;
}

char *system_realpath(const char *path, char *unused)
{
    (void)unused;
    HANDLE file = open_to_ask(path);
    if (file == INVALID_HANDLE_VALUE)
        return NULL;
    DWORD n = GetFinalPathNameByHandleW(file, NULL, 0, 0);
    wchar_t *name = n ? system_calloc((size_t)n + 1, sizeof *name) : NULL;
    char *found = NULL;
    if (name && GetFinalPathNameByHandleW(file, name, n + 1, 0))
        found = narrow(name);
    system_free(name);
    CloseHandle(file);
    return found;
}

/* --------------------------------------------- programs and libraries ---- */

void *system_beside(const void *address, const char *name)
{
    HMODULE module;
    if (!GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
                                GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                            (LPCSTR)address, &module))
        return NULL;
    return (void *)(uintptr_t)GetProcAddress(module, name);
}

#else
typedef int system_is_empty; /* ISO C wants a declaration */
#endif
