/*
 * Reads one byte from standard input and writes it to standard output: status 0,
 * or 1 if there is none, or 2 if something fails.
 */

	.set	NR_read, 3
	.set	NR_write, 4
	.set	EINTR, 4

	/* What is said of frames (.cfi_…) is for debuggers only. */
	.cfi_sections .debug_frame

	.text
	.globl	main
	.type	main, @function
main:
	.cfi_startproc
	pushl	%ebx			/* ebx is the caller's to keep */
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset ebx, 0
	subl	$8, %esp		/* the byte, in a word; esp at a multiple of 16 */
	.cfi_adjust_cfa_offset 8

1:	movl	$NR_read, %eax		/* read(0, &byte, 1) */
	xorl	%ebx, %ebx
	movl	%esp, %ecx
	movl	$1, %edx
	int	$0x80
	cmpl	$-EINTR, %eax		/* a signal came first: again */
	je	1b
	testl	%eax, %eax
	jz	3f			/* the end of the input */
	js	4f

2:	movl	$NR_write, %eax		/* write(1, &byte, 1) */
	movl	$1, %ebx
	movl	%esp, %ecx
	movl	$1, %edx
	int	$0x80
	cmpl	$-EINTR, %eax
	je	2b
	cmpl	$1, %eax
	jne	4f
	xorl	%eax, %eax
	jmp	5f

3:	movl	$1, %eax
	jmp	5f
4:	movl	$2, %eax
5:	addl	$8, %esp
	.cfi_adjust_cfa_offset -8
	popl	%ebx
	.cfi_adjust_cfa_offset -4
	.cfi_restore ebx
	ret
	.cfi_endproc

	.section .note.GNU-stack, "", @progbits
