/* Writes down, in their order, what a program does to the files below a directory (LD_PRELOAD).
 *
 * DISK_LOG names the log, DISK_LOG_BELOW the directory. A record is a letter, then three numbers of 64 bits
 * (offset, length of the first text, length of the second), then the two texts: a path and bytes, or two paths.
 * C create (offset 1: emptied), W write, T truncate, S sync of a file or a directory, R rename, U unlink, M mkdir.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -2;

static void ready(void) {
    if (log_file == -2) {
        const char *name = getenv("DISK_LOG");
        log_file = name ? (int)syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    }
}

static int below(const char *path) {
    const char *root = getenv("DISK_LOG_BELOW");
    return root && strncmp(path, root, strlen(root)) == 0;
}

static int path_of(int file, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, size - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return below(path);
}

static void note(char what, int64_t offset, const char *first, const void *second, size_t length) {
    ready();
    if (log_file < 0) return;
    int64_t numbers[3] = {offset, (int64_t)strlen(first), (int64_t)length};
    struct iovec parts[4] = {
        {&what, 1}, {numbers, sizeof numbers}, {(void *)first, strlen(first)}, {(void *)second, length}};
    syscall(SYS_writev, log_file, parts, 4);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int opened(int file, const char *given, int flags) {
    char path[4096];
    (void)given;
    if (file >= 0 && (flags & (O_CREAT | O_TRUNC)) && path_of(file, path, sizeof path))
        note('C', (flags & O_TRUNC) ? 1 : 0, path, "", 0);
    return file;
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
        pthread_mutex_lock(&turn);                                                                                    \
        int file = opened(REAL(name) call, path, flags);                                                              \
        pthread_mutex_unlock(&turn);                                                                                  \
        return file;                                                                                                  \
    }
OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int place, const char *path, int flags, ...), (place, path, flags, mode))
OPEN(openat64, (int place, const char *path, int flags, ...), (place, path, flags, mode))

static ssize_t written(int file, const void *bytes, ssize_t count, int64_t offset) {
    char path[4096];
    if (count > 0 && path_of(file, path, sizeof path)) note('W', offset, path, bytes, (size_t)count);
    return count;
}

ssize_t write(int file, const void *bytes, size_t count) {
    pthread_mutex_lock(&turn);
    int64_t place = lseek(file, 0, SEEK_CUR);
    if (place >= 0 && (fcntl(file, F_GETFL) & O_APPEND)) place = lseek(file, 0, SEEK_END);
    ssize_t done = place < 0 ? REAL(write)(file, bytes, count) : written(file, bytes, REAL(write)(file, bytes, count), place);
    pthread_mutex_unlock(&turn);
    return done;
}

#define PWRITE(name, type)                                                                                            \
    ssize_t name(int file, const void *bytes, size_t count, type offset) {                                            \
        pthread_mutex_lock(&turn);                                                                                    \
        ssize_t done = written(file, bytes, REAL(name)(file, bytes, count, offset), offset);                          \
        pthread_mutex_unlock(&turn);                                                                                  \
        return done;                                                                                                  \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, type)                                                                                          \
    int name(int file, type length) {                                                                                 \
        char path[4096];                                                                                              \
        pthread_mutex_lock(&turn);                                                                                    \
        int failed = REAL(name)(file, length);                                                                        \
        if (!failed && path_of(file, path, sizeof path)) note('T', length, path, "", 0);                              \
        pthread_mutex_unlock(&turn);                                                                                  \
        return failed;                                                                                                \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

/* Nothing else is written while a sync runs, so that what stands before it in the log is what it has made safe. */
#define SYNC(name)                                                                                                    \
    int name(int file) {                                                                                              \
        char path[4096];                                                                                              \
        int ours = path_of(file, path, sizeof path);                                                                  \
        pthread_mutex_lock(&turn);                                                                                    \
        int failed = REAL(name)(file);                                                                                \
        if (!failed && ours) note('S', 0, path, "", 0);                                                               \
        pthread_mutex_unlock(&turn);                                                                                  \
        return failed;                                                                                                \
    }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
    pthread_mutex_lock(&turn);
    int failed = REAL(rename)(from, to);
    if (!failed && below(to)) note('R', 0, from, to, strlen(to));
    pthread_mutex_unlock(&turn);
    return failed;
}

int unlink(const char *path) {
    pthread_mutex_lock(&turn);
    int failed = REAL(unlink)(path);
    if (!failed && below(path)) note('U', 0, path, "", 0);
    pthread_mutex_unlock(&turn);
    return failed;
}

int mkdir(const char *path, mode_t mode) {
    pthread_mutex_lock(&turn);
    int failed = REAL(mkdir)(path, mode);
    if (!failed && below(path)) note('M', 0, path, "", 0);
    pthread_mutex_unlock(&turn);
    return failed;
}
