/* x86_64: number in rax, arguments in rdi, rsi, rdx, result in rax; the syscall
   instruction overwrites rcx and r11 (System V x86-64 psABI, A.2.1). */

enum { NR_read = 0, NR_write = 1, NR_exit_group = 231 };

static inline long syscall3(long nr, long a, long b, long c)
{
	long result;
	__asm__ volatile ("syscall"
		: "=a" (result)
		: "a" (nr), "D" (a), "S" (b), "d" (c)
		: "rcx", "r11", "memory");
	return result;
}
