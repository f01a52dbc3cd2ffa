#include "rtc.h"

#include "cpu.h"

#include <stdbool.h>
#include <string.h>

enum { ADDRESS = 0x70, DATA = 0x71, STATUS_A = 10, STATUS_B = 11, UPDATING = 0x80, BINARY = 4 };

static uint8_t get(uint8_t at)
{
	out8(ADDRESS, at);
	return in8(DATA);
}

struct fields {
	uint8_t second, minute, hour, day, month, year;
};

static struct fields get_all(void)
{
	while (get(STATUS_A) & UPDATING)
		;
	return (struct fields){ get(0), get(2), get(4), get(7), get(8), get(9) };
}

static uint32_t value(uint8_t field, bool binary)
{
	return binary ? field : (field >> 4) * 10u + (field & 15);
}

/* The year starts in March, so that the leap day is its last. */
uint32_t rtc_days(uint32_t year, uint32_t month, uint32_t day)
{
	if (month < 3) {
		year--;
		month += 12;
	}
	return 365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day - 1 - 719468;
}

uint32_t rtc_seconds(void)
{
	struct fields now = get_all(), again = get_all();
	while (memcmp(&now, &again, sizeof now)) {
		now = again;
		again = get_all();
	}
	bool binary = get(STATUS_B) & BINARY;
	uint32_t day = rtc_days(2000 + value(now.year, binary), value(now.month, binary), value(now.day, binary));
	return ((day * 24 + value(now.hour, binary)) * 60 + value(now.minute, binary)) * 60 + value(now.second, binary);
}
