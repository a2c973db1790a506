/* A library with functions of the catalogue, jumps between them, and the table of a Go program (1.20). */
	.text
	.globl SSL_read, SSL_write, SSL_free, dlopen
	.type SSL_read, @function
	.type SSL_write, @function
	.type SSL_free, @function
	.type dlopen, @function
SSL_read:
	.cfi_startproc
	push %rbx
	mov %rdi, %rbx
	test %rsi, %rsi
	je 1f
	jmp part
1:	pop %rbx
	ret
	.cfi_endproc
	.size SSL_read, . - SSL_read
SSL_write:
	.cfi_startproc
	sub $8, %rsp
	add $8, %rsp
	ret
	.cfi_endproc
	.size SSL_write, . - SSL_write
SSL_free:
	.cfi_startproc
	jmp SSL_write
	.cfi_endproc
dlopen:
	ret
	.size dlopen, . - dlopen
part:
	.cfi_startproc
	pop %rbx
	xor %eax, %eax
	ret
	.cfi_endproc
go_read:
	push %rbp
	pop %rbp
	ret
go_end:

	.section .gopclntab, "a", @progbits
table:
	.long 0xfffffff1
	.byte 0, 0, 1, 8
	.quad 1, 0, 0
	.quad names - table, names_end - table, 0, 0, functions - table
names:
	.asciz "crypto/tls.(*Conn).Read"
names_end:
	.balign 8
functions:
	.long 0, about - functions, go_end - go_read, 0
about:
	.long 0, 0, 0, 0
	.section .note.GNU-stack, "", @progbits
