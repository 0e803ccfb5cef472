/*
 * Reads one byte from standard input and writes it to standard output: status 0,
 * or 1 if there is none, or 2 if something fails.
 */

	.set	NR_read, 0
	.set	NR_write, 1
	.set	EINTR, 4

	/* What is said of frames (.cfi_…) is for debuggers only. */
	.cfi_sections .debug_frame

	.text
	.globl	main
	.type	main, @function
main:
	.cfi_startproc
	subq	$8, %rsp		/* the byte, in a word; rsp at a multiple of 16 */
	.cfi_adjust_cfa_offset 8

1:	movl	$NR_read, %eax		/* read(0, &byte, 1) */
	xorl	%edi, %edi
	movq	%rsp, %rsi
	movl	$1, %edx
	syscall
	cmpq	$-EINTR, %rax		/* a signal came first: again */
	je	1b
	testq	%rax, %rax
	jz	3f			/* the end of the input */
	js	4f

2:	movl	$NR_write, %eax		/* write(1, &byte, 1) */
	movl	$1, %edi
	movq	%rsp, %rsi
	movl	$1, %edx
	syscall
	cmpq	$-EINTR, %rax
	je	2b
	cmpq	$1, %rax
	jne	4f
	xorl	%eax, %eax
	jmp	5f

3:	movl	$1, %eax
	jmp	5f
4:	movl	$2, %eax
5:	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc

	.section .note.GNU-stack, "", @progbits
