# Prints the arguments and the environment, one a line, through a buffer of 4096 bytes.
	.globl	_start
	.text
_start:
	addi	s1, sp, 8		# argv
	li	s2, 2
	lla	s3, buf
	li	s4, 0
	li	s5, 4096
1:	ld	s6, 0(s1)
	addi	s1, s1, 8
	beqz	s6, 4f
2:	lbu	s7, 0(s6)
	addi	s6, s6, 1
	bnez	s7, 3f
	li	s7, 10
	jal	putc
	j	1b
3:	jal	putc
	j	2b
4:	addi	s2, s2, -1
	bnez	s2, 1b
	jal	flush
	li	a7, 94
	li	a0, 0
	ecall
	ebreak
putc:	add	t0, s3, s4
	sb	s7, 0(t0)
	addi	s4, s4, 1
	beq	s4, s5, flush
	ret
flush:	li	a7, 64
	li	a0, 1
	mv	a1, s3
	mv	a2, s4
	ecall
	li	s4, 0
	ret
	.lcomm	buf, 4096
	.section .note.GNU-stack,"",@progbits
