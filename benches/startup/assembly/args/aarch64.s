// Prints the arguments and the environment, one a line, through a buffer of 4096 bytes.
	.globl	_start
	.text
_start:
	mov	x29, #0
	mov	x30, #0
	add	x19, sp, #8		// argv
	mov	w20, #2
	adrp	x21, buf
	add	x21, x21, :lo12:buf
	mov	x22, #0
1:	ldr	x23, [x19], #8
	cbz	x23, 4f
2:	ldrb	w24, [x23], #1
	cbnz	w24, 3f
	mov	w24, #10
	bl	putc
	b	1b
3:	bl	putc
	b	2b
4:	subs	w20, w20, #1
	b.ne	1b
	bl	flush
	mov	x8, #94
	mov	x0, #0
	svc	#0
	brk	#0
putc:	strb	w24, [x21, x22]
	add	x22, x22, #1
	cmp	x22, #4096
	b.eq	flush
	ret
flush:	mov	x8, #64
	mov	x0, #1
	mov	x1, x21
	mov	x2, x22
	svc	#0
	mov	x22, #0
	ret
	.lcomm	buf, 4096
	.section .note.GNU-stack,"",%progbits
