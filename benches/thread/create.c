// pthread_create and pthread_join, COUNT times: prints the median time in nanoseconds.

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int compare(const void *a, const void *b) {
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void *thread(void *argument) {
    return argument;
}

int main(int argc, char **argv) {
    size_t count = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    uint64_t *times = calloc(count, sizeof *times);
    if (count == 0 || times == NULL)
        return 2;
    for (size_t i = 0; i < count; i++) {
        uint64_t begin = now();
        pthread_t created;
        void *result;
        if (pthread_create(&created, NULL, thread, argv) != 0 || pthread_join(created, &result) != 0)
            return 1;
        if (result != argv)
            return 1;
        times[i] = now() - begin;
    }
    qsort(times, count, sizeof *times, compare);
    printf("%llu\n", (unsigned long long)times[count / 2]);
    return 0;
}
