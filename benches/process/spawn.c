// posix_spawn and waitpid of PROGRAM, COUNT times, with MIB MiB of memory: prints the median
// time in nanoseconds.

#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static int compare(const void *a, const void *b) {
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 2;
    char *program = argv[1];
    size_t count = strtoul(argv[2], NULL, 10);
    size_t length = strtoul(argv[3], NULL, 10) << 20;
    uint64_t *times = calloc(count, sizeof *times);
    if (count == 0 || times == NULL)
        return 2;
    if (length != 0) {
        void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            return 2;
        memset(memory, 1, length);
    }
    char *arguments[] = {program, NULL};
    for (size_t i = 0; i < count; i++) {
        uint64_t begin = now();
        pid_t child;
        int status;
        if (posix_spawn(&child, program, NULL, NULL, arguments, environ) != 0)
            return 1;
        while (waitpid(child, &status, 0) < 0)
            if (errno != EINTR)
                return 1;
        if (status != 0)
            return 1;
        times[i] = now() - begin;
    }
    qsort(times, count, sizeof *times, compare);
    printf("%llu\n", (unsigned long long)times[count / 2]);
    return 0;
}
