/* The firmware as init carries it: its last 4 KiB, since what stands before them is empty (firmware.ld). */
	.section .rodata
	.globl firmware_image, firmware_image_end
firmware_image:
	.incbin "build/firmware.bin", 0xf000
firmware_image_end:
	.section .note.GNU-stack, "", @progbits
