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
	.type	main, %function
main:
	.cfi_startproc
	sub	sp, sp, #16		/* the byte; sp stays at a multiple of 16 */
	.cfi_adjust_cfa_offset 16

1:	mov	x8, #NR_read		/* read(0, &byte, 1) */
	mov	x0, #0
	mov	x1, sp
	mov	x2, #1
	svc	#0
	cmn	x0, #EINTR		/* a signal came first: again */
	b.eq	1b
	cbz	x0, 3f			/* the end of the input */
	tbnz	x0, #63, 4f

2:	mov	x8, #NR_write		/* write(1, &byte, 1) */
	mov	x0, #1
	mov	x1, sp
	mov	x2, #1
	svc	#0
	cmn	x0, #EINTR
	b.eq	2b
	cmp	x0, #1
	b.ne	4f
	mov	w0, #0
	b	5f

3:	mov	w0, #1
	b	5f
4:	mov	w0, #2
5:	add	sp, sp, #16
	.cfi_adjust_cfa_offset -16
	ret
	.cfi_endproc

	.section .note.GNU-stack, "", %progbits
