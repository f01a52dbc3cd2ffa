#include "cpu.h"

#include "console.h"
#include "virtio.h"

#include <stdbool.h>
#include <stdio.h>

enum { PIC1 = 0x20, PIC2 = 0xa0, FIRST_INTERRUPT = 32, TRAPS = 18, INTERRUPTS = 16 };

struct gate {
	uint16_t low, selector;
	uint8_t stack, type;
	uint16_t middle;
	uint32_t high, zero;
};

static struct gate gates[FIRST_INTERRUPT + INTERRUPTS];
static uint16_t masked = 0xfffb;
static bool interrupts_when_halted;

extern const uintptr_t trap_vectors[TRAPS], interrupt_vectors[INTERRUPTS];
void vector_ignore(void);
_Noreturn void cpu_halt_for_ever(void);
void trap_handle(uint64_t number, uint64_t rip, uint64_t cr2);
void interrupt_handle(uint64_t line);

static void set_gate(unsigned number, uintptr_t handler)
{
	gates[number] = (struct gate){
		.low = (uint16_t)handler, .selector = 8, .type = 0x8e,
		.middle = (uint16_t)(handler >> 16), .high = (uint32_t)(handler >> 32),
	};
}

static void write_masks(void)
{
	out8(PIC1 + 1, (uint8_t)masked);
	out8(PIC2 + 1, (uint8_t)(masked >> 8));
}

static void start_pic(uint16_t pic, uint8_t first, uint8_t cascade)
{
	out8(pic, 0x11);
	out8(pic + 1, first);
	out8(pic + 1, cascade);
	out8(pic + 1, 1);
}

void cpu_start(void)
{
	for (unsigned i = 0; i < FIRST_INTERRUPT; i++)
		set_gate(i, i < TRAPS ? trap_vectors[i] : (uintptr_t)vector_ignore);
	for (unsigned i = 0; i < INTERRUPTS; i++)
		set_gate(FIRST_INTERRUPT + i, interrupt_vectors[i]);
	struct __attribute__((packed)) {
		uint16_t limit;
		const void *base;
	} table = { sizeof gates - 1, gates };
	__asm__ volatile("lidt %0" : : "m"(table), "m"(gates));
	start_pic(PIC1, FIRST_INTERRUPT, 1 << 2);
	start_pic(PIC2, FIRST_INTERRUPT + 8, 2);
	write_masks();
}

void cpu_enable_interrupt(unsigned line)
{
	masked &= (uint16_t)~(1u << line);
	write_masks();
}

void cpu_allow_interrupts_when_halted(void)
{
	interrupts_when_halted = true;
}

void cpu_halt(void)
{
	/* A pending line would wake the CPU again and again: nobody acknowledges interrupts from here on. */
	masked = 0xffff;
	write_masks();
	if (interrupts_when_halted)
		__asm__ volatile("sti");
	cpu_halt_for_ever();
}

void interrupt_handle(uint64_t line)
{
	if (line == CONSOLE_INTERRUPT)
		console_receive();
	else
		virtio_acknowledge((unsigned)line);
	if (line >= 8)
		out8(PIC2, 0x20);
	out8(PIC1, 0x20);
}

void trap_handle(uint64_t number, uint64_t rip, uint64_t cr2)
{
	static const char *const harmless[TRAPS] = {
		[2] = "#NMI", [3] = "#BP", [4] = "#OF", [5] = "#BR", [7] = "#NM", [8] = "#DF",
		[10] = "#TS", [11] = "#NP", [12] = "#SS", [17] = "#AC",
	};
	static const char *const fatal[TRAPS] = {
		[0] = "divide-by-zero", [6] = "invalid opcode", [13] = "general protection", [14] = "page fault",
	};
	if (!fatal[number]) {
		printf("trap: %s\n", harmless[number]);
		return;
	}
	printf("FATAL TRAP: %s at %p (0x%lx)\n", fatal[number], (void *)rip, cr2);
	for (;;)
		__asm__ volatile("cli; hlt");
}
