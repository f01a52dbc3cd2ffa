/* The time-stamp counter, measured once against the PIT; the PIT wakes the CPU from an idle wait. */
#include "clock.h"

#include "cpu.h"

enum {
	PIT_HERTZ = 1193182,
	PIT_CHANNEL0 = 0x40,
	PIT_MODE = 0x43,
	PIT_INTERRUPT = 0,
	CALIBRATION_TICKS = PIT_HERTZ / 200,
};

#define SECOND 1000000000ull

static uint64_t start;
/* Nanoseconds per tick of the counter, in 32.32 fixed point. */
static uint64_t scale;

static uint64_t counter(void)
{
	uint32_t low, high;
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static void set_pit(uint16_t ticks)
{
	out8(PIT_MODE, 0x30);
	out8(PIT_CHANNEL0, (uint8_t)ticks);
	out8(PIT_CHANNEL0, (uint8_t)(ticks >> 8));
}

struct moment {
	uint64_t counter;
	uint16_t pit;
};

/* Of three readings the quickest: the host may have taken the CPU away between the two halves of the others. */
static struct moment read_both(void)
{
	struct moment best = { 0, 0 };
	uint64_t best_cost = UINT64_MAX;
	for (int i = 0; i < 3; i++) {
		uint64_t before = counter();
		out8(PIT_MODE, 0);
		uint16_t pit = in8(PIT_CHANNEL0);
		pit |= (uint16_t)(in8(PIT_CHANNEL0) << 8);
		uint64_t after = counter();
		if (after - before < best_cost) {
			best_cost = after - before;
			best = (struct moment){ before + best_cost / 2, pit };
		}
	}
	return best;
}

void clock_start(void)
{
	set_pit(0xffff);
	struct moment first = read_both(), last = first;
	while ((uint16_t)(first.pit - last.pit) < CALIBRATION_TICKS)
		last = read_both();
	uint64_t nanoseconds = (uint64_t)(uint16_t)(first.pit - last.pit) * SECOND / PIT_HERTZ;
	scale = (nanoseconds << 32) / (last.counter - first.counter);
	start = counter();
	cpu_enable_interrupt(PIT_INTERRUPT);
}

uint64_t clock_nanoseconds(void)
{
	return (uint64_t)((unsigned __int128)(counter() - start) * scale >> 32);
}

uint32_t clock_milliseconds(void)
{
	return (uint32_t)(clock_nanoseconds() / 1000000);
}

void clock_idle_until(uint64_t nanoseconds)
{
	uint64_t now = clock_nanoseconds();
	if (nanoseconds <= now)
		return;
	uint64_t left = nanoseconds - now;
	uint64_t ticks = left > SECOND ? 0xffff : left * PIT_HERTZ / SECOND + 1;
	set_pit((uint16_t)(ticks > 0xffff ? 0xffff : ticks));
	cpu_wait_for_interrupt();
}
