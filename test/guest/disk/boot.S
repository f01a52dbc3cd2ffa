/*
 * A disk's own code, for a BIOS: says what it was booted from, and does what is in its sector of orders. By them it ends by isa-debug-exit,
 * waits for ACPI's power button, or loads a multiboot kernel that is on the disk. Tests make disks of it (test/conformance/disk-image.ts).
 */
#define COM1 0x3f8
#define DEBUG_PORT 0x501
#define BUTTON_STATUS 0x600 /* PM1a_EVT, as SeaBIOS places it */
#define BUTTON 0x0100
#define DISKS 0x475 /* in the BIOS data area */

/* Sectors of the disk, and where they are read to. */
#define REST 1
#define REST_COUNT 7
#define ORDERS 16
#define ORDERS_AT 0x9000
#define LINE 17
#define LINE_COUNT 8
#define LINE_AT 0xa000
#define SCRATCH 32
#define SCRATCH_AT 0xb000
#define KERNEL 128
#define CHUNK 64
#define CHUNK_AT 0x10000
#define MAP_AT 0xc000

/* In the sector of orders. */
#define MODE (ORDERS_AT)
#define CODE (ORDERS_AT + 1)
#define KERNEL_SECTORS (ORDERS_AT + 2)
#define KERNEL_ADDRESS (ORDERS_AT + 4)
#define KERNEL_ENTRY (ORDERS_AT + 8)
#define TEXT (ORDERS_AT + 16)

	.code16
	.text
	.globl _start
_start:
	ljmp $0, $1f
1:	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7c00, %sp
	sti
	cld
	movb %dl, drive
	movl $REST, %eax
	movw $REST_COUNT, %cx
	movl $0x7e00, %ebx
	call read
	jmp rest

/* Sectors from %eax on, %cx of them, to or from the address %ebx, by the BIOS's function %dl. */
transfer:
	movl %eax, packet_sector
	movw %cx, packet_count
	movl %ebx, %eax
	shrl $4, %eax
	movw %ax, packet_segment
	andl $15, %ebx
	movw %bx, packet_offset
	movb %dl, %ah
	xorb %al, %al
	movw $packet, %si
	movb drive, %dl
	int $0x13
	jc stop
	ret
read:	movb $0x42, %dl
	jmp transfer

stop:	hlt
	jmp stop

	.balign 4
packet:
	.word 16
packet_count:
	.word 0
packet_offset:
	.word 0
packet_segment:
	.word 0
packet_sector:
	.long 0, 0
drive:	.byte 0

	.org 510
	.word 0xaa55

rest:
	movl $ORDERS, %eax
	movw $1, %cx
	movl $ORDERS_AT, %ebx
	call read
	movw $said_disk, %si
	call say
	movb drive, %al
	call say_byte
	movw $said_of, %si
	call say
	movb DISKS, %al
	call say_byte
	movw $said_colon, %si
	call say
	movw $TEXT, %si
	call say
	call say_end
	call write_scratch
	movb MODE, %al
	cmpb $'P', %al
	je boot_kernel
	cmpb $'W', %al
	je wait
end:	movb CODE, %al
	movw $DEBUG_PORT, %dx
	outb %al, %dx
	jmp stop

/* What was written is there, whatever was before. */
write_scratch:
	movw $SCRATCH_AT, %di
	movl $0x6b6e756a, %eax
	movw $128, %cx
	rep stosl
	movl $SCRATCH, %eax
	movw $1, %cx
	movl $SCRATCH_AT, %ebx
	movb $0x43, %dl
	call transfer
	movl $0, SCRATCH_AT
	movl $SCRATCH, %eax
	movw $1, %cx
	movl $SCRATCH_AT, %ebx
	call read
	movw $said_written, %si
	cmpl $0x6b6e756a, SCRATCH_AT
	je 1f
	movw $said_lost, %si
1:	jmp say

wait:	movw $BUTTON_STATUS + 2, %dx
	inw %dx, %ax
	cmpw $0xffff, %ax
	movw $said_no_button, %si
	je 2f
	orw $BUTTON, %ax
	outw %ax, %dx
	movw $said_waits, %si
2:	pushfw
	call say
	popfw
	je stop
	movw $BUTTON_STATUS, %dx
1:	inw %dx, %ax
	testw $BUTTON, %ax
	jz 1b
	movw $said_pressed, %si
	call say
	jmp end

/* To high memory, a chunk at a time, and then as a multiboot loader does. */
boot_kernel:
	movl $LINE, %eax
	movw $LINE_COUNT, %cx
	movl $LINE_AT, %ebx
	call read
	movl $KERNEL, %edi
	movl KERNEL_ADDRESS, %ebp
1:	movl %edi, %eax
	movw $CHUNK, %cx
	movl $CHUNK_AT, %ebx
	pushl %edi
	pushl %ebp
	call read
	popl %ebp
	popl %edi
	movl %ebp, %eax
	movw %ax, move_to
	shrl $16, %eax
	movb %al, move_to + 2
	movb %ah, move_to + 5
	movw $move, %si
	movw $CHUNK * 256, %cx
	movb $0x87, %ah
	int $0x15
	jc stop
	addl $CHUNK * 512, %ebp
	addl $CHUNK, %edi
	subw $CHUNK, KERNEL_SECTORS
	jg 1b

	/* The memory map: before each entry its size. */
	movw $MAP_AT, %di
	xorl %ebx, %ebx
2:	movl $20, (%di)
	addw $4, %di
	movl $0xe820, %eax
	movl $0x534d4150, %edx
	movl $20, %ecx
	int $0x15
	jc 3f
	addw $20, %di
	testl %ebx, %ebx
	jnz 2b
	addw $4, %di
3:	subw $MAP_AT + 4, %di
	movw %di, map_length

	cli
	lgdt pointer
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmp $8, $protected

say_end:
	movw $said_end, %si
say:	lodsb
	testb %al, %al
	jz 1f
	call put
	jmp say
1:	ret

say_byte:
	pushw %ax
	shrb $4, %al
	call say_digit
	popw %ax
	andb $15, %al
say_digit:
	addb $'0', %al
	cmpb $'9', %al
	jbe put
	addb $'a' - '9' - 1, %al
put:	pushw %dx
	pushw %ax
	movw $COM1 + 5, %dx
1:	inb %dx, %al
	testb $0x20, %al
	jz 1b
	popw %ax
	movw $COM1, %dx
	outb %al, %dx
	popw %dx
	ret

said_disk:	.asciz "disk "
said_of:	.asciz " of "
said_colon:	.asciz ": "
said_end:	.asciz "\n"
said_written:	.asciz "it kept what was written\n"
said_lost:	.asciz "it lost what was written\n"
said_waits:	.asciz "waiting for the button\n"
said_no_button:	.asciz "there is no button\n"
said_pressed:	.asciz "the button was pressed\n"

	.balign 8
/* For the BIOS's function that moves blocks: what it fills in itself, from where, to where, and what it fills in again. */
move:	.quad 0, 0
	.word 0xffff, CHUNK_AT & 0xffff
	.byte CHUNK_AT >> 16, 0x93, 0, 0
	.word 0xffff
move_to:
	.word 0
	.byte 0, 0x93, 0, 0
	.quad 0, 0

table:	.quad 0
	.quad 0x00cf9b000000ffff /* 32-bit code */
	.quad 0x00cf93000000ffff /* data */
pointer:
	.word . - table - 1
	.long table

	.balign 4
/* Multiboot 0.6.96, 3.3: memory's sizes, command line and memory map are there. */
information:
	.long 0x45, 639, 0, 0, LINE_AT, 0, 0, 0, 0, 0, 0
map_length:
	.long 0, MAP_AT

	.code32
protected:
	movw $16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %fs
	movw %ax, %gs
	movw %ax, %ss
	movl $0x2badb002, %eax
	movl $information, %ebx
	jmp *KERNEL_ENTRY

	.org 8 * 512
