	.section .start.entry, "ax", @progbits
	.globl	_start
	.type	_start, @function
_start:
	.option push
	.option norelax
	lla	gp, __global_pointer$
	.option pop
	li	s0, 0
	ld	a0, 0(sp)
	addi	a1, sp, 8
	slli	a2, a0, 3
	add	a2, a2, a1
	addi	a2, a2, 8
	andi	sp, sp, -16
	.section .start.main, "ax", @progbits
	call	main
	.globl	__exit
__exit:
	.section .start.exit, "ax", @progbits
	li	a7, 94
	ecall
	unimp
	.section .note.GNU-stack, "", @progbits
