/*
 * Reads one byte from standard input and writes it to standard output: status 0,
 * or 1 if there is none, or 2 if something fails.
 */

	.set	NR_read, 63
	.set	NR_write, 64
	.set	EINTR, 4

	/* What is said of frames (.cfi_…) is for debuggers only. */
	.cfi_sections .debug_frame

	.text
	.globl	main
	.type	main, @function
main:
	.cfi_startproc
	addi	sp, sp, -16		/* the byte; sp stays at a multiple of 16 */
	.cfi_adjust_cfa_offset 16
	li	t1, -EINTR

1:	li	a7, NR_read		/* read(0, &byte, 1) */
	li	a0, 0
	mv	a1, sp
	li	a2, 1
	ecall
	beq	a0, t1, 1b		/* a signal came first: again */
	beqz	a0, 3f			/* the end of the input */
	bltz	a0, 4f

2:	li	a7, NR_write		/* write(1, &byte, 1) */
	li	a0, 1
	mv	a1, sp
	li	a2, 1
	ecall
	beq	a0, t1, 2b
	li	t2, 1
	bne	a0, t2, 4f
	li	a0, 0
	j	5f

3:	li	a0, 1
	j	5f
4:	li	a0, 2
5:	addi	sp, sp, 16
	.cfi_adjust_cfa_offset -16
	ret
	.cfi_endproc

	.section .note.GNU-stack, "", @progbits
