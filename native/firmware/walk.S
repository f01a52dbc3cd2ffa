/* Into 64-bit mode and back, by Intel's Software Developer's Manual, volume 3, 10.8.5. All else is as it was afterwards. */
#include "walk.h"

#define CODE 0x08 /* start.S's table */
#define CODE64 0x18
#define CR0_PAGING 0x80000000
#define CR4_PAE 0x20
#define EFER 0xc0000080
#define EFER_LONG_MODE 0x100

	.section .text, "ax"
	.code32
	.globl walk
walk:
	push %esi
	mov 8(%esp), %esi
	mov %cr4, %eax
	or $CR4_PAE, %eax
	mov %eax, %cr4
	mov %esi, %cr3
	mov $EFER, %ecx
	rdmsr
	or $EFER_LONG_MODE, %eax
	wrmsr
	mov %cr0, %eax
	or $CR0_PAGING, %eax
	mov %eax, %cr0
	ljmp $CODE64, $1f

	.code64
1:	mov $WALK_FIRST, %edx
2:	mov $WALK_FROM, %eax
	mov %edx, %ecx
3:	testb (%rax), %al
	add $PAGE, %eax
	dec %ecx
	jnz 3b
	mov %rsi, %cr3
	add %edx, %edx
	cmp $WALK_ENTRIES, %edx
	jbe 2b
	mov $4f, %eax
	push $CODE
	push %rax
	lretq

	.code32
4:	mov %cr0, %eax
	and $~CR0_PAGING, %eax
	mov %eax, %cr0
	mov $EFER, %ecx
	rdmsr
	and $~EFER_LONG_MODE, %eax
	wrmsr
	mov %cr4, %eax
	and $~CR4_PAE, %eax
	mov %eax, %cr4
	pop %esi
	ret
	.section .note.GNU-stack, "", @progbits
