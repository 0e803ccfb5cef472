/* aarch64: number in x8, arguments in x0, x1, x2, result in x0 (syscall(2)). */

enum { NR_read = 63, NR_write = 64, NR_exit_group = 94 };

static inline long syscall3(long nr, long a, long b, long c)
{
	register long x8 __asm__ ("x8") = nr;
	register long x0 __asm__ ("x0") = a;
	register long x1 __asm__ ("x1") = b;
	register long x2 __asm__ ("x2") = c;
	__asm__ volatile ("svc #0"
		: "+r" (x0)
		: "r" (x8), "r" (x1), "r" (x2)
		: "memory");
	return x0;
}
