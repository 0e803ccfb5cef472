/*
 * aarch64: from the kernel's execve to `main`, and from main's return to
 * exit_group.
 *
 * The kernel enters at _start with nothing on a register that a program may
 * rely on but the stack pointer, which points at this (fs/binfmt_elf.c,
 * create_elf_tables; the Arm ABI leaves it to the platform):
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
 *	.start.before.*  pieces that run before main   (x0, x1, x2: keep)
 *	.start.main      call main
 *	.start.after.*   pieces that run at exit       (w0: the exit status)
 *	.start.exit      leave
 */

	/* The unwind rows below are for debuggers only: no .eh_frame at run time. */
	.cfi_sections .debug_frame

	.section .start.entry, "ax", %progbits
	/* Weak, so that a second _start, a C library's, is taken in place of this one
	   and link.ld can tell by the other name, and say so. */
	.weak	_start
	.globl	freestand_start
	.hidden	freestand_start
	.type	_start, %function
_start:
freestand_start:
	.cfi_startproc
	.cfi_undefined x30		/* no caller: an unwinder stops here */

	/* "The end of the frame record chain is indicated by the address zero in
	   the address for the previous frame" (AAPCS64, "The Frame
	   Pointer"). x30, the link register, needs no zero: the bl below gives it
	   an address in this file, where the unwind row above ends the walk. */
	mov	x29, #0

	/* "SP mod 16 = 0" (AAPCS64, "Universal stack constraints"), at all times:
	   align it, whoever loaded us. A load through it would fault if it were not
	   (SCTLR_EL1.SA0). */
	mov	x1, sp
	and	sp, x1, #-16

	/* argc is a whole word: 64 bits. It may be 0, and argv[0] then NULL. x1
	   moves past it, to argv. */
	ldr	x0, [x1], #8

	/* envp begins behind argv's NULL: &argv[argc + 1]. */
	add	x2, x1, x0, lsl #3
	add	x2, x2, #8
	.cfi_endproc

	.section .start.main, "ax", %progbits
	.type	start_main, %function
start_main:
	.cfi_startproc
	.cfi_undefined x30

	/* x0, x1, x2: the first three arguments (AAPCS64, "Parameter
	   passing rules"). */
	bl	main

	/* The library's exit() jumps here, with the status in w0: its low 8 bits
	   count (wait(2), WEXITSTATUS), and main may leave the rest as it likes. */
	.globl	start_exit
	.hidden	start_exit
start_exit:
	.cfi_endproc

	.section .start.exit, "ax", %progbits
	.cfi_startproc
	.cfi_undefined x30

	/* exit_group (94) ends every thread; plain exit would end this one.
	   System calls take their number in x8, arguments from x0 on
	   (syscall(2), "Architecture calling conventions"). */
	mov	w8, #94
	svc	#0

	/* It does not return. If a seccomp filter or a tracer makes it, stop: udf
	   is undefined for ever, and the kernel sends SIGILL. Its encoding is all
	   zeros, so zeroed memory in its place stops as well. */
	udf	#0
	.cfi_endproc

	/* No executable stack, please: its absence would ask for one. */
	.section .note.GNU-stack, "", %progbits
