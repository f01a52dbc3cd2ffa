/* Multiboot entry: 32-bit protected mode in, long mode with the first 4 GiB mapped one to one out. */

#ifndef MULTIBOOT_MAGIC
#define MULTIBOOT_MAGIC 0x1badb002
#endif
#ifdef BY_PROGRAM_HEADERS
#define MULTIBOOT_FLAGS 0x00000003 /* page-aligned modules, memory map */
#else
#define MULTIBOOT_FLAGS 0x00010003 /* the same, and load addresses in the header */
#endif
#define LOADER_MAGIC 0x2badb002
#define BDA_COM1 0x400
#define BDA_CRTC 0x463
#define EFER 0xc0000080

	.section .bootstrap, "ax"
	.code32
multiboot_header:
	.long MULTIBOOT_MAGIC
	.long MULTIBOOT_FLAGS
	.long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
#ifndef BY_PROGRAM_HEADERS
	.long multiboot_header
	.long image_start
	.long data_end
	.long image_end
	.long _start
#endif

	.globl _start
_start:
	cld
	cli
	movl $boot_stack_end, %esp
	movl %ebx, %esi
	movw BDA_COM1, %bx
	movw %bx, bios_com1
	movw BDA_CRTC, %bx
	movw %bx, bios_crtc
	cmpl $LOADER_MAGIC, %eax
	jne stop

	/* Four page directories of 2 MiB pages, except that the first 2 MiB leave out page 0: a null pointer traps. */
	movl $directories, %edi
	movl $0x83, %eax
	xorl %edx, %edx
1:	movl %eax, (%edi)
	addl $0x200000, %eax
	addl $8, %edi
	incl %edx
	cmpl $2048, %edx
	jne 1b
	movl $first_table + 8, %edi
	movl $0x1003, %eax
2:	movl %eax, (%edi)
	addl $0x1000, %eax
	addl $8, %edi
	cmpl $0x200003, %eax
	jne 2b
	movl $first_table + 3, directories
	movl $directories + 0x0003, pointers
	movl $directories + 0x1003, pointers + 8
	movl $directories + 0x2003, pointers + 16
	movl $directories + 0x3003, pointers + 24
	movl $pointers + 3, level4

	movl $level4, %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $0x20, %eax /* PAE */
	movl %eax, %cr4
	movl $EFER, %ecx
	rdmsr
	orl $0x100, %eax /* long mode */
	wrmsr
	movl %cr0, %eax
	orl $0x80010001, %eax /* paging, write protection, protected mode */
	movl %eax, %cr0
	lgdt gdt_pointer
	ljmp $0x08, $start64

stop:	hlt
	jmp stop

	.align 8
gdt:
	.quad 0
	.quad 0x00af9b000000ffff /* 64-bit code */
	.quad 0x00cf93000000ffff /* data */
gdt_pointer:
	.word . - gdt - 1
	.long gdt

	.code64
start64:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movl %esi, %edi
	xorl %ebp, %ebp
	call kernel_main

	.bss
	.balign 4096
level4:		.skip 4096
pointers:	.skip 4096
directories:	.skip 4 * 4096
first_table:	.skip 4096
boot_stack:	.skip 65536
boot_stack_end:
