/* While the file DISK_FAILS_WHILE is there, whatever would change a file below DISK_FAILS_BELOW fails with the number of
 * the error that stands in it: 28 a full disk, 30 a card that is read-only, 5 a broken one (LD_PRELOAD). */
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

/* The error to fail with now; 0: none. */
static int fault(void) {
    const char *flag = getenv("DISK_FAILS_WHILE");
    int number = 0, file = flag ? REAL(open)(flag, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    char text[16] = {0};
    if (read(file, text, sizeof text - 1) > 0) number = atoi(text);
    close(file);
    return number;
}

static int below(const char *path) {
    const char *root = getenv("DISK_FAILS_BELOW");
    return root && strncmp(path, root, strlen(root)) == 0;
}

static int fails(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    int before = errno;
    ssize_t length = readlink(link, path, sizeof path - 1);
    int number = 0;
    if (length > 0) {
        path[length] = 0;
        if (below(path)) number = fault();
    }
    errno = number ? number : before;
    return number;
}

#define OPEN(name, arguments, call)                                                                                   \
    int name arguments {                                                                                              \
        mode_t mode = 0;                                                                                              \
        if (flags & O_CREAT) {                                                                                        \
            va_list rest;                                                                                             \
            va_start(rest, flags);                                                                                    \
            mode = va_arg(rest, mode_t);                                                                              \
            va_end(rest);                                                                                             \
        }                                                                                                             \
        int number = (flags & (O_CREAT | O_TRUNC)) && below(path) ? fault() : 0;                                      \
        if (number && access(path, F_OK) != 0) {                                                                      \
            errno = number;                                                                                           \
            return -1;                                                                                                \
        }                                                                                                             \
        return REAL(name) call;                                                                                       \
    }
OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int place, const char *path, int flags, ...), (place, path, flags, mode))
OPEN(openat64, (int place, const char *path, int flags, ...), (place, path, flags, mode))

ssize_t write(int file, const void *bytes, size_t count) {
    return fails(file) ? -1 : REAL(write)(file, bytes, count);
}

#define PWRITE(name, type)                                                                                            \
    ssize_t name(int file, const void *bytes, size_t count, type offset) {                                            \
        return fails(file) ? -1 : REAL(name)(file, bytes, count, offset);                                             \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, type)                                                                                          \
    int name(int file, type length) { return fails(file) ? -1 : REAL(name)(file, length); }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int fsync(int file) { return fails(file) ? -1 : REAL(fsync)(file); }

int fdatasync(int file) { return fails(file) ? -1 : REAL(fdatasync)(file); }

#define CHANGE(name, given, arguments, path)                                                                          \
    int name given {                                                                                                  \
        int number = below(path) ? fault() : 0;                                                                       \
        if (number) {                                                                                                 \
            errno = number;                                                                                           \
            return -1;                                                                                                \
        }                                                                                                             \
        return REAL(name) arguments;                                                                                  \
    }
CHANGE(rename, (const char *from, const char *to), (from, to), to)
CHANGE(unlink, (const char *path), (path), path)
CHANGE(mkdir, (const char *path, mode_t mode), (path, mode), path)
