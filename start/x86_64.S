	.section .start.entry, "ax", @progbits
	.globl	_start
	.type	_start, @function
_start:
	xorl	%ebp, %ebp
	popq	%rdi
	movq	%rsp, %rsi
	leaq	8(%rsi,%rdi,8), %rdx
	andq	$-16, %rsp
	.section .start.main, "ax", @progbits
	call	main
	movzbl	%al, %edi
	.globl	__exit
__exit:
	.section .start.exit, "ax", @progbits
	movl	$231, %eax
	syscall
	hlt
	.section .note.GNU-stack, "", @progbits
