# Prints the arguments and the environment, one a line, through a buffer of 4096 bytes.
	.globl	_start
	.text
_start:
	xorl	%ebp, %ebp
	leaq	8(%rsp), %rbx		# argv
	movl	$2, %r12d		# two vectors
	leaq	buf(%rip), %r13
	xorl	%r14d, %r14d		# fill
1:	movq	(%rbx), %rsi
	addq	$8, %rbx
	testq	%rsi, %rsi
	jz	4f
2:	movb	(%rsi), %al
	incq	%rsi
	testb	%al, %al
	jnz	3f
	movb	$10, %al
	call	putc
	jmp	1b
3:	call	putc
	jmp	2b
4:	decl	%r12d
	jnz	1b
	call	flush
	movl	$231, %eax
	xorl	%edi, %edi
	syscall
	hlt
putc:	movb	%al, (%r13,%r14)
	incq	%r14
	cmpq	$4096, %r14
	je	flush
	ret
flush:	pushq	%rsi
	movl	$1, %eax
	movl	$1, %edi
	movq	%r13, %rsi
	movq	%r14, %rdx
	syscall
	popq	%rsi
	xorl	%r14d, %r14d
	ret
	.lcomm	buf, 4096
	.section .note.GNU-stack,"",@progbits
