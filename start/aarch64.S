	.section .start.entry, "ax", %progbits
	.globl	_start
	.type	_start, %function
_start:
	mov	x29, #0
	mov	x1, sp
	ldr	x0, [x1], #8
	add	x2, x1, x0, lsl #3
	add	x2, x2, #8
	and	sp, x1, #-16
	.section .start.main, "ax", %progbits
	bl	main
	.globl	__exit
__exit:
	.section .start.exit, "ax", %progbits
	mov	w8, #94
	svc	#0
	udf	#0
	.section .note.GNU-stack, "", %progbits
