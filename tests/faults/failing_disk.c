/* While the file DISK_FAILS_WHILE is there, whatever would change a file below DISK_FAILS_BELOW fails with the number of
 * the error that stands in it: 28 a full disk, 30 a card that is read-only, 5 a broken one (LD_PRELOAD). */
#define BELOW "DISK_FAILS_BELOW"
#include "../disk_calls.h"

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

static int fails(int file) {
    char path[4096];
    int before = errno, number = path_of(file, path, sizeof path) ? fault() : 0;
    errno = number ? number : before;
    return number;
}

#define OPENED(name, call)                                                                                            \
    int number = (flags & (O_CREAT | O_TRUNC)) && below(path) ? fault() : 0;                                          \
    if (number && access(path, F_OK) != 0) {                                                                          \
        errno = number;                                                                                               \
        return -1;                                                                                                    \
    }                                                                                                                 \
    return REAL(name) call;
EACH_OPEN

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
