/* Where other ways of booting come in: each says which it was, leaves in ebx what it was given, and goes on as the multiboot one does. */

#define LOADER_MAGIC 0x2badb002
#define DATA_SEGMENT 0x10
#ifndef GUEST_OS
#define GUEST_OS "linux"
#endif

	.section .entries, "ax"
	.code32
	/* From setup.S: esi has the address of the boot parameters. What lies behind the file is nobody's zeros. */
	.globl linux_entry
linux_entry:
	movw $DATA_SEGMENT, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl %esi, %ebx
	cld
	movl $data_end, %edi
	movl $image_end, %ecx
	subl %edi, %ecx
	xorl %eax, %eax
	rep stosb
	movb $'l', booted_by
	jmp enter

	/* ebx has the address of struct hvm_start_info. */
	.globl pvh_entry
pvh_entry:
	movb $'p', booted_by
enter:
	movl $LOADER_MAGIC, %eax
	jmp _start

	.data
	.globl booted_by
booted_by:
	.byte 'm'

	/* Xen's public/elfnote.h: what it is, and where PVH enters it. */
	.section .note.xen, "a", @note
	.balign 4
	.long 4, name_end - name, 6
	.asciz "Xen"
name:
	.asciz GUEST_OS
name_end:
	.balign 4
	.long 4, 4, 18
	.asciz "Xen"
	.long pvh_entry
