# Writes a line.
	.globl	_start
	.text
_start:
	xorl	%ebp, %ebp
	movl	$1, %eax		# write
	movl	$1, %edi
	leaq	msg(%rip), %rsi
	movl	$14, %edx
	syscall
	movl	$231, %eax		# exit_group
	xorl	%edi, %edi
	syscall
	hlt
	.section .rodata
msg:	.ascii	"Hello, world!\n"
	.section .note.GNU-stack,"",@progbits
