/* From the processor's first instruction to C, by Intel's Software Developer's Manual, volume 3, 10.1.4 and 10.9.1. */
#include "layout.h"

#define CODE 0x08
#define DATA 0x10
#define PROTECTED 0x00000001
#define CACHES_OFF 0x60000000 /* after a reset; CD and NW */

	/* Here CS is 0xf000 with the base 0xffff0000; the far jump makes that 0xf0000. */
	.section .reset, "ax"
	.code16
	.globl reset
reset:
	ljmp $0xf000, $start16_offset

	.section .text16, "ax"
	.globl start16, table_pointer
start16:
	cli
	cld
	lgdtl %cs:table_pointer_offset
	movl %cr0, %eax
	andl $~CACHES_OFF, %eax
	orl $PROTECTED, %eax
	movl %eax, %cr0
	ljmpl $CODE, $start32

	.code32
start32:
	movw $DATA, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %fs
	movw %ax, %gs
	movw %ax, %ss
	movl $STACK_TOP, %esp
	call firmware_main
1:	hlt
	jmp 1b

	/* Flat segments, as multiboot wants them too. They are marked as accessed, so the processor need not write that here. */
	.balign 8
table:
	.quad 0
	.quad 0x00cf9b000000ffff
	.quad 0x00cf93000000ffff
	.quad 0x00af9b000000ffff /* 64-bit code, for walk.S */
table_pointer:
	.word table_pointer - table - 1
	.long table
	.section .note.GNU-stack, "", @progbits
