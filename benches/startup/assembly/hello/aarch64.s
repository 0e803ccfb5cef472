// Writes a line.
	.globl	_start
	.text
_start:
	mov	x29, #0
	mov	x30, #0
	mov	x8, #64			// write
	mov	x0, #1
	adrp	x1, msg
	add	x1, x1, :lo12:msg
	mov	x2, #14
	svc	#0
	mov	x8, #94			// exit_group
	mov	x0, #0
	svc	#0
	brk	#0
	.section .rodata
msg:	.ascii	"Hello, world!\n"
	.section .note.GNU-stack,"",%progbits
