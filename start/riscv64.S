/*
 * riscv64: from the kernel's execve to `main`, and from main's return to
 * exit_group.
 *
 * The kernel enters at _start with nothing on a register that a program may
 * rely on but the stack pointer: it sets pc, sp and status, and leaves in the
 * others what was there (arch/riscv/kernel/process.c, start_thread). sp points
 * at this (fs/binfmt_elf.c, create_elf_tables):
 *
 *	        ┌────────────────────────┐  high addresses
 *	        │ strings, AT_RANDOM's 16 bytes, …
 *	        │ AT_NULL, 0             │
 *	        │ auxv[…]: type, value   │
 *	        │ 0                      │
 *	        │ envp[…]                │
 *	        │ 0            argv[argc]│
 *	        │ argv[0 … argc-1]       │
 *	  sp ─► │ argc                   │  8 bytes, though C calls it an int
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
 *	.start.before.*  pieces that run before main   (a0, a1, a2: keep)
 *	.start.main      call main
 *	.start.after.*   pieces that run at exit       (a0: the exit status)
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
	.cfi_undefined ra		/* no caller: an unwinder stops here */

	/* gp must hold the address of __global_pointer$ "before accessing any
	   symbol address" (RISC-V ELF psABI, "Global-pointer Relaxation"), since
	   the linker may shorten such an access to an offset from gp. Without
	   norelax it would shorten this one too, into gp = gp. */
	.option	push
	.option	norelax
	lla	gp, __global_pointer$
	.option	pop

	/* "The end of the frame record chain is indicated by a NULL pointer
	   appearing as the next link in the chain" (RISC-V psABI, "Frame Pointer
	   Convention"); s0 is the frame pointer. ra needs no zero: the call below
	   gives it an address in this file, where the unwind row above ends the
	   walk. */
	li	s0, 0

	/* argc is a whole word: 64 bits. It may be 0, and argv[0] then NULL. */
	ld	a0, 0(sp)

	/* argv begins behind it. */
	addi	a1, sp, 8

	/* envp begins behind argv's NULL: &argv[argc + 1]. */
	slli	a2, a0, 3
	add	a2, a2, a1
	addi	a2, a2, 8

	/* The stack pointer shall "be aligned to a 128-bit boundary upon procedure
	   entry" (RISC-V psABI, "Integer Calling Convention"): align it, whoever
	   loaded us. */
	andi	sp, sp, -16
	.cfi_endproc

	.section .start.main, "ax", @progbits
	.type	start_main, @function
start_main:
	.cfi_startproc
	.cfi_undefined ra

	/* a0, a1, a2: the first three arguments ("Integer Calling Convention"). */
	call	main

	/* The library's exit() jumps here, with the status in a0: its low 8 bits
	   count (wait(2), WEXITSTATUS), and main may leave the rest as it likes. */
	.globl	start_exit
	.hidden	start_exit
start_exit:
	.cfi_endproc

	.section .start.exit, "ax", @progbits
	.cfi_startproc
	.cfi_undefined ra

	/* exit_group (94) ends every thread; plain exit would end this one.
	   System calls take their number in a7, arguments from a0 on
	   (syscall(2), "Architecture calling conventions"). */
	li	a7, 94
	ecall

	/* It does not return. If a seccomp filter or a tracer makes it, stop:
	   unimp is illegal for ever, and the kernel sends SIGILL. Its encoding is
	   all zeros, so zeroed memory in its place stops as well. */
	unimp
	.cfi_endproc

	/* No executable stack, please: its absence would ask for one. */
	.section .note.GNU-stack, "", @progbits
