/* For a library that comes before the C library (LD_PRELOAD) and looks at the calls that change files. The source that
 * includes this defines BELOW, the variable that names the directory it is about, and OPENED. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int below(const char *path) {
    const char *root = getenv(BELOW);
    return root && strncmp(path, root, strlen(root)) == 0;
}

/* Whether the open file lies below the directory; its path. errno stays as it was. */
static int path_of(int file, char *path, size_t size) {
    char link[64];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, size - 1);
    errno = before;
    if (length <= 0) return 0;
    path[length] = 0;
    return below(path);
}

/* A function that opens files: OPENED(name, call) is what becomes of it, with `path`, `flags` and `mode` at hand. */
#define OPEN(name, arguments, call)                                                                                   \
    int name arguments {                                                                                              \
        mode_t mode = 0;                                                                                              \
        if (flags & O_CREAT) {                                                                                        \
            va_list rest;                                                                                             \
            va_start(rest, flags);                                                                                    \
            mode = va_arg(rest, mode_t);                                                                              \
            va_end(rest);                                                                                             \
        }                                                                                                             \
        OPENED(name, call)                                                                                            \
    }
#define EACH_OPEN                                                                                                     \
    OPEN(open, (const char *path, int flags, ...), (path, flags, mode))                                               \
    OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))                                             \
    OPEN(openat, (int place, const char *path, int flags, ...), (place, path, flags, mode))                           \
    OPEN(openat64, (int place, const char *path, int flags, ...), (place, path, flags, mode))
