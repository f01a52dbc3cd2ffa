/* A bzImage around the guest: the header of Linux's boot protocol (Documentation/arch/x86/boot.rst) and what runs in real mode. */

#define KERNEL 0x100000 /* linux_entry is the first of it */
#define MEMORY 0x200000
#define LOADED_HIGH 1

	.text
	.code16
	.globl _start
_start:
	.org 0x1f1
	.byte 1 /* sectors behind this one */
	.word 0
	.long (kernel_end - kernel + 15) / 16
	.word 0, 0, 0
	.word 0xaa55
	jmp enter
	.ascii "HdrS"
	.word 0x020f
	.long 0
	.word 0
	.word version - 0x200
	.byte 0, LOADED_HIGH
	.word 0
	.long KERNEL
	.long 0, 0, 0 /* initrd, its size, none */
	.word 0
	.byte 0, 0
	.long 0 /* command line */
	.long 0x7fffffff
	.long 0x1000
	.byte 0, 0
	.word 0
	.long 2047
	.long 0
	.quad 0
	.long 0, 0
	.quad 0
	.quad KERNEL
	.long MEMORY
	.long 0
enter:
	cli
	xorl %eax, %eax
	movw %ds, %ax
	shll $4, %eax
	movl %eax, %esi
	addl $table, %eax
	movl %eax, table_pointer + 2
	lgdtl table_pointer
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $0x08, $KERNEL

	.balign 8
table:
	.quad 0
	.quad 0x00cf9b000000ffff
	.quad 0x00cf93000000ffff
table_pointer:
	.word . - table - 1
	.long 0
version:
	.asciz "0.1-loaded (test guest) #1"
	.org 1024
kernel:
	.incbin KERNEL_FILE
	.balign 16
kernel_end:
