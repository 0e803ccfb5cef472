/* i386: number in eax, arguments in ebx, ecx, edx, result in eax
   (arch/x86/entry/entry_64_compat.S, entry_INT80_compat). */

enum { NR_read = 3, NR_write = 4, NR_exit_group = 252 };

static inline long syscall3(long nr, long a, long b, long c)
{
	long result;
	__asm__ volatile ("int $0x80"
		: "=a" (result)
		: "a" (nr), "b" (a), "c" (b), "d" (c)
		: "memory");
	return result;
}
