/* Entry points of traps and interrupts, and the two ways in which the CPU waits. */

	.text
	.code64

	.macro trap number, has_error_code=0
trap_\number:
	.if !\has_error_code
	pushq $0
	.endif
	pushq $\number
	jmp trap_entry
	.endm

	trap 0
	trap 2
	trap 3
	trap 4
	trap 5
	trap 6
	trap 7
	trap 8, 1
	trap 10, 1
	trap 11, 1
	trap 12, 1
	trap 13, 1
	trap 14, 1
	trap 17, 1

trap_entry:
	cld
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	movq 72(%rsp), %rdi
	movq 88(%rsp), %rsi
	movq %cr2, %rdx
	call trap_handle
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rax
	addq $16, %rsp
	iretq

	.altmacro
	.macro interrupt number
interrupt_\number:
	pushq $\number
	jmp interrupt_entry
	.endm

	.set line, 0
	.rept 16
	interrupt %line
	.set line, line + 1
	.endr

interrupt_entry:
	cld
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	movq 72(%rsp), %rdi
	call interrupt_handle
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rax
	addq $8, %rsp
	iretq

	.globl vector_ignore
vector_ignore:
	iretq

/* The bytes f4 eb fd are what a halted rump kernel looks like from outside; interrupts stay as they are. */
	.globl cpu_halt_for_ever
cpu_halt_for_ever:
1:	hlt
	jmp 1b

/* The bytes fb f4 fa are what an idle one looks like. */
	.globl cpu_wait_for_interrupt
cpu_wait_for_interrupt:
	sti
	hlt
	cli
	ret

	.section .rodata
	.balign 8
	.globl trap_vectors
trap_vectors:
	.quad trap_0, vector_ignore, trap_2, trap_3, trap_4, trap_5, trap_6, trap_7
	.quad trap_8, vector_ignore, trap_10, trap_11, trap_12, trap_13, trap_14, vector_ignore
	.quad vector_ignore, trap_17
	.globl interrupt_vectors
interrupt_vectors:
	.macro interrupt_vector number
	.quad interrupt_\number
	.endm
	.set line, 0
	.rept 16
	interrupt_vector %line
	.set line, line + 1
	.endr
