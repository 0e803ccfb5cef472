/* Compiled with a canary in every function that has an array. */

/* The array's length, where the compiler cannot see it. */
extern unsigned long length;

/* What is behind an array of 16 bytes: `words` words, the canary among them. */
__attribute__((noinline)) void look(unsigned long *words, unsigned long count)
{
	volatile unsigned long array[16 / sizeof(unsigned long)];
	volatile unsigned long *next = array;

	array[0] = 0;
	for (unsigned long i = 0; i < count; i++)
		words[i] = next[i];
}

/* Fills an array of 16 bytes with `length` bytes. */
__attribute__((noinline)) void fill(void)
{
	volatile char array[16];
	volatile char *next = array;

	for (unsigned long i = 0; i < length; i++)
		next[i] = 'x';
}
