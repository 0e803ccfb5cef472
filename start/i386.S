	.section .start.entry, "ax", @progbits
	.globl	_start
	.type	_start, @function
_start:
	xorl	%ebp, %ebp
	popl	%eax
	movl	%esp, %ecx
	leal	4(%ecx,%eax,4), %edx
	andl	$-16, %esp
	pushl	%eax
	.section .start.main, "ax", @progbits
	pushl	%edx
	pushl	%ecx
	pushl	%eax
	call	main
	.globl	__exit
__exit:
	.section .start.exit, "ax", @progbits
	movzbl	%al, %ebx
	movl	$252, %eax
	int	$0x80
	hlt
	.section .note.GNU-stack, "", @progbits
