/*
 * i386: from the kernel's execve to `main`, and from main's return to
 * exit_group.
 *
 * The kernel enters at _start with nothing on a register that a program may
 * rely on but the stack pointer, which points at this (System V i386 psABI,
 * 2.3.1 "Initial Stack and Register State"; fs/binfmt_elf.c, create_elf_tables):
 *
 *	        ┌────────────────────────┐  high addresses
 *	        │ strings, AT_RANDOM's 16 bytes, …
 *	        │ AT_NULL, 0             │
 *	        │ auxv[…]: type, value   │
 *	        │ 0                      │
 *	        │ envp[…]                │
 *	        │ 0            argv[argc]│
 *	        │ argv[0 … argc-1]       │
 *	 esp ─► │ argc                   │  4 bytes
 *	        └────────────────────────┘
 *
 * `main` is whatever the program defines by that name, with C's signature and
 * C's calling convention: a Rust program's entry!, a C or an assembly function.
 *
 * The code stands in three sections, so that link.ld can lay between them the
 * pieces that a program turns out to need. Execution falls from one section
 * into the next; a piece that is not linked costs no instruction.
 *
 *	.start.entry     parse, align and push
 *	.start.before.*  pieces that run before main   (ecx: argv; keep ebx, esp)
 *	.start.main      call main
 *	.start.after.*   pieces that run at exit       (al: the exit status)
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
	.cfi_undefined eip		/* no caller: an unwinder stops here */

	/* "the user code should mark the deepest stack frame by setting the
	   frame pointer to zero" (2.3.1): ebp's content is unspecified. */
	xorl	%ebp, %ebp

	/* argc, a whole word. It may be 0, and argv[0] then NULL. */
	popl	%eax

	/* What is left on the stack begins with argv. */
	movl	%esp, %ecx

	/* envp begins behind argv's NULL: &argv[argc + 1]. This gives up edx, in
	   which 2.3.1 lets a dynamic loader pass a function to call at exit: a
	   static program has no loader, and the kernel passes 0 (ELF_PLAT_INIT). */
	leal	4(%ecx,%eax,4), %edx

	/* "The end of the input argument area shall be aligned on a 16 byte
	   boundary" (2.2.2 "The Stack Frame"): at the call, the argument pushed
	   last lies at a multiple of 16. Align, whoever loaded us; then four
	   pushes, one of padding and three of arguments, keep it so. The padding
	   is argc, for it may land where argc was read: then it is back there. */
	andl	$-16, %esp
	pushl	%eax

	/* Arguments go onto the stack from the last to the first (2.2.3
	   "Parameter Passing"): main(argc, argv, envp). */
	pushl	%edx
	pushl	%ecx
	pushl	%eax
	.cfi_endproc

	.section .start.main, "ax", @progbits
	.type	start_main, @function
start_main:
	.cfi_startproc
	.cfi_undefined eip

	call	main

	/* The library's exit() jumps here, with the status in al. */
	.globl	start_exit
	.hidden	start_exit
start_exit:
	.cfi_endproc

	.section .start.exit, "ax", @progbits
	.cfi_startproc
	.cfi_undefined eip

	/* An exit status is 8 bits (wait(2), WEXITSTATUS), and main may leave
	   the rest of eax as it likes. */
	movzbl	%al, %ebx

	/* exit_group (252) ends every thread; plain exit would end this one.
	   int $0x80 takes the call's number in eax, arguments from ebx on
	   (arch/x86/entry/entry_64_compat.S, entry_INT80_compat). */
	movl	$252, %eax
	int	$0x80

	/* It does not return. If a seccomp filter or a tracer makes it, stop: hlt
	   is privileged, so the processor traps and the kernel sends SIGSEGV. */
	hlt
	.cfi_endproc

	/* Without this note the kernel would make every readable page of an i386
	   program executable (READ_IMPLIES_EXEC; arch/x86/include/asm/elf.h). */
	.section .note.GNU-stack, "", @progbits
