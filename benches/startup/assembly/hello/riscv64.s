# Writes a line.
	.globl	_start
	.text
_start:
	li	a7, 64			# write
	li	a0, 1
	lla	a1, msg
	li	a2, 14
	ecall
	li	a7, 94			# exit_group
	li	a0, 0
	ecall
	ebreak
	.section .rodata
msg:	.ascii	"Hello, world!\n"
	.section .note.GNU-stack,"",@progbits
