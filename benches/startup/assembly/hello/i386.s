# Writes a line.
	.globl	_start
	.text
_start:
	xorl	%ebp, %ebp
	movl	$4, %eax		# write
	movl	$1, %ebx
	movl	$msg, %ecx
	movl	$14, %edx
	int	$0x80
	movl	$252, %eax		# exit_group
	xorl	%ebx, %ebx
	int	$0x80
	hlt
	.section .rodata
msg:	.ascii	"Hello, world!\n"
	.section .note.GNU-stack,"",@progbits
