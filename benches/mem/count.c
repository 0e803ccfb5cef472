/* What tests/programs/src/bin/mem_count.rs does, with the C library's functions: the same
   calls in the same order. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LARGEST 16384

static _Alignas(4096) char buffers[2][LARGEST + 4096];

typedef uintptr_t function(uintptr_t, uintptr_t, size_t);
typedef void any(void);

__attribute__((noinline)) void bench_mark(void)
{
	__asm__ volatile("");
}

static uintptr_t nothing(uintptr_t a, uintptr_t b, size_t n)
{
	(void)a, (void)b, (void)n;
	return 0;
}

/* All take words and return one: of the arguments, each reads the ones it has. */
static const struct {
	const char *name;
	any *call;
} functions[] = {
	{"memcpy", (any *)memcpy},
	{"memmove", (any *)memmove},
	{"memset", (any *)memset},
	{"memcmp", (any *)memcmp},
	{"bcmp", (any *)bcmp},
	{"strlen", (any *)strlen},
	{"memchr", (any *)memchr},
};

static const struct {
	const char *name;
	size_t first, second;
} patterns[] = {
	{"aligned", 0, 0},
	{"misaligned", 9, 3},
};

static const size_t sizes[] = {
	1, 2, 3, 4, 6, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128,
	192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192, 16384,
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uintptr_t count(function *volatile called, uintptr_t a, uintptr_t b, size_t n)
{
	function *call = called;
	/* The first call may look at the processor. */
	call(a, b, n);
	bench_mark();
	uintptr_t result = call(a, b, n);
	bench_mark();
	return result;
}

int main(void)
{
	uintptr_t check = count(nothing, 0, 0, 0);
	for (size_t f = 0; f < COUNT(functions); f++) {
		for (size_t p = 0; p < COUNT(patterns); p++) {
			for (size_t s = 0; s < COUNT(sizes); s++) {
				size_t n = sizes[s];
				char *a = buffers[0] + patterns[p].first;
				char *b = buffers[1] + patterns[p].second;
				/* 'y' is found as the last byte, and a string ends after it. */
				memset(buffers, 'x', sizeof buffers);
				a[n - 1] = b[n - 1] = 'y';
				a[n] = b[n] = '\0';
				uintptr_t second = (uintptr_t)b;
				if (functions[f].call == (any *)memset || functions[f].call == (any *)memchr)
					second = 'y';
				check += count((function *)functions[f].call, (uintptr_t)a, second, n) != 0;
				printf("%s\t%s\tinstructions\t%zu\n", functions[f].name, patterns[p].name, n);
			}
		}
	}
	return check == 0;
}
