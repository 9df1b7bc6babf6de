/* While the file SLOW_WHILE is there, every sync of a file below SLOW_BELOW takes two seconds (LD_PRELOAD). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void wait_for(int file) {
    char link[64], path[4096];
    const char *below = getenv("SLOW_BELOW"), *flag = getenv("SLOW_WHILE");
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0 || !below || !flag || access(flag, F_OK) != 0) return;
    path[length] = 0;
    if (strncmp(path, below, strlen(below)) == 0) sleep(2);
}

int fsync(int file) {
    wait_for(file);
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}

int fdatasync(int file) {
    wait_for(file);
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file);
}
