/*
 * x86_64: from the kernel's execve to `main`, and from main's return to
 * exit_group.
 *
 * The kernel enters at _start with nothing on a register that a program may
 * rely on but the stack pointer, which points at this (System V x86-64 psABI,
 * 3.4.1 "Initial Stack and Register State"; fs/binfmt_elf.c, create_elf_tables):
 *
 *	        ┌────────────────────────┐  high addresses
 *	        │ strings, AT_RANDOM's 16 bytes, …
 *	        │ AT_NULL, 0             │
 *	        │ auxv[…]: type, value   │
 *	        │ 0                      │
 *	        │ envp[…]                │
 *	        │ 0            argv[argc]│
 *	        │ argv[0 … argc-1]       │
 *	 rsp ─► │ argc                   │  8 bytes, though C calls it an int
 *	        └────────────────────────┘
 *
 * `main` is whatever the program defines by that name, with C's signature and
 * C's calling convention: a Rust program's entry!, a C or an assembly function.
 *
 * The code stands in three sections, so that link.ld can lay between them the
 * pieces that a program turns out to need. Execution falls from one section
 * into the next; a piece that is not linked costs no instruction.
 *
 *	.start.entry     parse and align
 *	.start.before.*  pieces that run before main   (rdi, rsi, rdx: keep)
 *	.start.main      call main
 *	.start.after.*   pieces that run at exit       (edi: the exit status)
 *	.start.exit      leave
 */

	/* The unwind rows below are for debuggers only: no .eh_frame at run time. */
	.cfi_sections .debug_frame

	.section .start.entry, "ax", @progbits
	/* Weak, so that a second _start, a C library's, is taken in place of this one
	   and link.ld can tell by the other name, and say so. */
	.weak	_start
	.globl	freestand_start
	.hidden	freestand_start
	.type	_start, @function
_start:
freestand_start:
	.cfi_startproc
	.cfi_undefined rip		/* no caller: an unwinder stops here */

	/* "the user code should mark the deepest stack frame by setting the
	   frame pointer to zero" (3.4.1): rbp's content is unspecified. */
	xorl	%ebp, %ebp

	/* argc is a whole word: 64 bits. It may be 0, and argv[0] then NULL. */
	movq	(%rsp), %rdi

	/* argv begins behind it. */
	leaq	8(%rsp), %rsi

	/* envp begins behind argv's NULL: &argv[argc + 1]. This gives up rdx, in
	   which 3.4.1 lets a dynamic loader pass a function to call at exit: a
	   static program has no loader, and the kernel passes 0 (ELF_PLAT_INIT). */
	leaq	8(%rsi,%rdi,8), %rdx

	/* rsp "is guaranteed to be 16-byte aligned at process entry" (3.4.1), and a
	   call must find it so (3.2.2 "The Stack Frame"): align it, whoever loaded
	   us. Downwards from argc, so that no frame will lie over it. */
	andq	$-16, %rsp
	.cfi_endproc

	.section .start.main, "ax", @progbits
	.type	start_main, @function
start_main:
	.cfi_startproc
	.cfi_undefined rip

	/* rdi, rsi, rdx: the first three integer arguments (3.2.3 "Parameter
	   Passing"). The call pushes 8 bytes, so main starts, as each function
	   does, with rsp + 8 at a multiple of 16. */
	call	main

	/* An exit status is 8 bits (wait(2), WEXITSTATUS), and main may leave
	   the rest of eax as it likes. */
	movzbl	%al, %edi

	/* The library's exit() jumps here, with the status in edi. */
	.globl	start_exit
	.hidden	start_exit
start_exit:
	.cfi_endproc

	.section .start.exit, "ax", @progbits
	.cfi_startproc
	.cfi_undefined rip

	/* exit_group (231) ends every thread; plain exit would end this one.
	   System calls take their number in rax, arguments from rdi on (A.2.1
	   "Calling Conventions" of the AMD64 Linux Kernel). */
	movl	$231, %eax
	syscall

	/* It does not return. If a seccomp filter or a tracer makes it, stop: hlt
	   is privileged, so the processor traps and the kernel sends SIGSEGV. */
	hlt
	.cfi_endproc

	/* No executable stack, please: its absence would ask for one. */
	.section .note.GNU-stack, "", @progbits
