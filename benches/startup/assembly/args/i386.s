# Prints the arguments and the environment, one a line, through a buffer of 4096 bytes.
	.globl	_start
	.text
_start:
	xorl	%ebp, %ebp
	leal	4(%esp), %edi		# argv
	pushl	$2			# two vectors
	xorl	%ebp, %ebp		# fill
1:	movl	(%edi), %esi
	addl	$4, %edi
	testl	%esi, %esi
	jz	4f
2:	movb	(%esi), %al
	incl	%esi
	testb	%al, %al
	jnz	3f
	movb	$10, %al
	call	putc
	jmp	1b
3:	call	putc
	jmp	2b
4:	decl	(%esp)
	jnz	1b
	call	flush
	movl	$252, %eax
	xorl	%ebx, %ebx
	int	$0x80
	hlt
putc:	movb	%al, buf(%ebp)
	incl	%ebp
	cmpl	$4096, %ebp
	je	flush
	ret
flush:	movl	$4, %eax
	movl	$1, %ebx
	movl	$buf, %ecx
	movl	%ebp, %edx
	int	$0x80
	xorl	%ebp, %ebp
	ret
	.lcomm	buf, 4096
	.section .note.GNU-stack,"",@progbits
