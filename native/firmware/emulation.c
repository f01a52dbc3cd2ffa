/*
 * QEMU's emulation (TCG) keeps a table of translated addresses. It has 256 entries at first, becomes twice as large when one flush finds
 * it nearly full, and smaller when one finds it nearly empty 100 ms or more after the last change (accel/tcg/cputlb.c,
 * tlb_mmu_resize_locked). A machine that was made at `create` and let go later has it shrunk to 64 by the first flush, and a kernel that
 * never flushes again is left with that: a quarter more of CPU time for each byte of its network. So the table is filled and flushed
 * until it has WALK_ENTRIES. 32-bit and 64-bit code have a table each since QEMU 9.0 (and 7.2.10), and kernels are 64-bit.
 */
#include "emulation.h"

#include <stdbool.h>

#include "layout.h"
#include "ports.h"
#include "walk.h"

/* Of a page each: Intel SDM, volume 3, 4.5. One table of 512 pages stands for all addresses, so no memory is touched but these. */
enum { ROOT = TABLES, POINTERS = ROOT + 0x1000, DIRECTORY = POINTERS + 0x1000, PAGES = DIRECTORY + 0x1000 };
enum { PRESENT = 1 << 0, WRITABLE = 1 << 1, LARGE = 1 << 7, IN_TABLE = 512 };

struct cpuid {
	uint32_t a, b, c, d;
};

static struct cpuid cpuid(uint32_t leaf)
{
	struct cpuid of;
	__asm__ volatile("cpuid" : "=a"(of.a), "=b"(of.b), "=c"(of.c), "=d"(of.d) : "a"(leaf), "c"(0));
	return of;
}

static bool is_emulated(void)
{
	enum { HYPERVISOR = 0x40000000 };
	struct cpuid of = cpuid(HYPERVISOR);
	/* "TCGTCGTCGTCG" */
	return of.b == 0x54474354 && of.c == 0x43544743 && of.d == 0x47435447;
}

static bool has_long_mode(void)
{
	enum { FEATURES = 0x80000001, LONG_MODE = 1 << 29 };
	return cpuid(FEATURES).d & LONG_MODE;
}

static void set_entry(uint32_t table, uint32_t index, uint32_t value)
{
	*AT(uint32_t, table + 8 * index) = value;
}

void emulation_prepare(void)
{
	if (!is_emulated() || !has_long_mode())
		return;
	set_entry(ROOT, 0, POINTERS | PRESENT);
	set_entry(POINTERS, 0, DIRECTORY | PRESENT);
	/* The firmware's own 2 MiB are where they are. */
	set_entry(DIRECTORY, 0, LARGE | PRESENT | WRITABLE);
	for (uint32_t table = 0; table < WALK_ENTRIES / IN_TABLE; table++)
		set_entry(DIRECTORY, WALK_FROM / (IN_TABLE * PAGE) + table, PAGES | PRESENT);
	for (uint32_t page = 0; page < IN_TABLE; page++)
		set_entry(PAGES, page, PAGES | PRESENT);
	walk(ROOT);
	for (uint32_t at = TABLES; at < TABLES_END; at += sizeof(uint32_t))
		*AT(uint32_t, at) = 0;
}
