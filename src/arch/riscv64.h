/* riscv64: number in a7, arguments in a0, a1, a2, result in a0 (syscall(2)). The
   kernel does not keep the vector registers across a system call
   (Documentation/arch/riscv/vector.rst). */

enum { NR_read = 63, NR_write = 64, NR_exit_group = 94 };

#if defined __riscv_vector
#define VECTOR_REGISTERS , "vl", "vtype", \
	"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", \
	"v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", \
	"v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", \
	"v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31"
#else
#define VECTOR_REGISTERS
#endif

static inline long syscall3(long nr, long a, long b, long c)
{
	register long a7 __asm__ ("a7") = nr;
	register long a0 __asm__ ("a0") = a;
	register long a1 __asm__ ("a1") = b;
	register long a2 __asm__ ("a2") = c;
	__asm__ volatile ("ecall"
		: "+r" (a0)
		: "r" (a7), "r" (a1), "r" (a2)
		: "memory" VECTOR_REGISTERS);
	return a0;
}
