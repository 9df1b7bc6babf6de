/* Writes down, in their order, what a program does to the files below a directory (LD_PRELOAD).
 *
 * DISK_LOG names the log, DISK_LOG_BELOW the directory. A record is a letter, then three numbers of 64 bits
 * (offset, length of the first text, length of the second), then the two texts: a path and bytes, or two paths.
 * C create (offset 1: emptied), W write, T truncate, S sync of a file or a directory, R rename, U unlink, M mkdir.
 */
#define BELOW "DISK_LOG_BELOW"
#include "../disk_calls.h"
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -2;

static void ready(void) {
    if (log_file == -2) {
        const char *name = getenv("DISK_LOG");
        log_file = name ? (int)syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    }
}

static void note(char what, int64_t offset, const char *first, const void *second, size_t length) {
    ready();
    if (log_file < 0) return;
    int64_t numbers[3] = {offset, (int64_t)strlen(first), (int64_t)length};
    struct iovec parts[4] = {
        {&what, 1}, {numbers, sizeof numbers}, {(void *)first, strlen(first)}, {(void *)second, length}};
    syscall(SYS_writev, log_file, parts, 4);
}

static int opened(int file, const char *given, int flags) {
    char path[4096];
    (void)given;
    if (file >= 0 && (flags & (O_CREAT | O_TRUNC)) && path_of(file, path, sizeof path))
        note('C', (flags & O_TRUNC) ? 1 : 0, path, "", 0);
    return file;
}

#define OPENED(name, call)                                                                                            \
    pthread_mutex_lock(&turn);                                                                                        \
    int file = opened(REAL(name) call, path, flags);                                                                  \
    pthread_mutex_unlock(&turn);                                                                                      \
    return file;
EACH_OPEN

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
