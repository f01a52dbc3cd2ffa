/*
 * A guest that QEMU loads itself: as a bzImage, by PVH, or by multiboot with a module. It says what it was given and what its board has, and
 * ends as a word "do=…" of its command line says, in the words of the kernels whose part it plays.
 */
#include "../cpu.h"
#include "../multiboot.h"

#include <stddef.h>

enum { COM1 = 0x3f8, LINE_STATUS = 5, CAN_SEND = 0x20 };

/* The ports of the chipset's power management as firmwares place them. */
enum { POWER_STATUS = 0x600, POWER_ENABLE = 0x602, POWER_CONTROL = 0x604, BUTTON = 0x100, SLEEP_OFF = 0x2000 };

/* boot.S finds what the BIOS said of it, which nobody here asks for. */
uint16_t bios_com1, bios_crtc;
extern const char booted_by;

static void put(char byte)
{
	while (!(in8(COM1 + LINE_STATUS) & CAN_SEND))
		;
	out8(COM1, (uint8_t)byte);
}

static void say(const char *text)
{
	for (; *text; text++)
		put(*text);
}

static void say_number(unsigned number)
{
	if (number > 9)
		say_number(number / 10);
	put((char)('0' + number % 10));
}

static const void *at(uint64_t address)
{
	return (const void *)(uintptr_t)address;
}

struct given {
	const char *by, *line, *file;
	uint32_t file_size;
};

/* Fields of struct hvm_start_info and of its modules (Xen's public/arch-x86/hvm/start_info.h), in words of 64 bits. */
static struct given given_by_pvh(const uint64_t *start)
{
	struct given given = { "PVH", at(start[3]), 0, 0 };
	uint32_t modules = (uint32_t)(start[1] >> 32);
	const uint64_t *module = at(start[2]);
	if (modules) {
		given.file = at(module[0]);
		given.file_size = (uint32_t)module[1];
	}
	return given;
}

static uint32_t field(const void *base, size_t offset)
{
	return *(const uint32_t *)((const char *)base + offset);
}

static struct given given_by_linux(const void *parameters)
{
	return (struct given){ "Linux's protocol", at(field(parameters, 0x228)), at(field(parameters, 0x218)),
			       field(parameters, 0x21c) };
}

static struct given given_by_multiboot(const struct multiboot_info *info)
{
	struct given given = { "multiboot", at(info->command_line), 0, 0 };
	if (field(info, 20)) {
		const uint32_t *module = at(field(info, 24));
		given.file = at(module[0]);
		given.file_size = module[1] - module[0];
	}
	return given;
}

static struct given find_given(const void *start)
{
	return booted_by == 'p' ? given_by_pvh(start) : booted_by == 'l' ? given_by_linux(start) : given_by_multiboot(start);
}

static unsigned count_devices(uint32_t device)
{
	enum { ADDRESS = 0xcf8, DATA = 0xcfc, SLOTS = 32, VIRTIO_VENDOR = 0x1af4 };
	unsigned count = 0;
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		out32(ADDRESS, 0x80000000u | slot << 11);
		count += in32(DATA) == (device << 16 | VIRTIO_VENDOR);
	}
	return count;
}

static void say_count(const char *what, uint32_t device)
{
	say(what);
	say_number(count_devices(device));
}

static int begins(const char *text, const char *word)
{
	while (*word && *text == *word)
		text++, word++;
	return !*word;
}

static int has_acpi(void)
{
	for (uint32_t address = 0xe0000; address < 0x100000; address += 16)
		if (begins(at(address), "RSD PTR "))
			return 1;
	return 0;
}

static unsigned number_in(const char *text)
{
	unsigned number = 0;
	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (unsigned)(*text - '0');
	return number;
}

static _Noreturn void stay(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

static _Noreturn void switch_off(void)
{
	out16(POWER_CONTROL, SLEEP_OFF);
	stay();
}

static _Noreturn void reset(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) nothing = { 0, 0 };
	__asm__ volatile("lidt %0; int3" : : "m"(nothing));
	stay();
}

/* From a panic that says so much, up to the end of the word. */
static _Noreturn void panic(const char *words)
{
	say("[    1.234567] Kernel panic - not syncing: ");
	for (; *words && *words != ' ' && *words != '"'; words++)
		put(*words == '_' ? ' ' : *words);
	say("\n[    1.234568] ---[ end Kernel panic - not syncing: it was told ]---\n");
	reset();
}

static _Noreturn void wait_for_button(void)
{
	out16(POWER_ENABLE, BUTTON);
	say("waits for its button\n");
	while (!(in16(POWER_STATUS) & BUTTON))
		;
	say("its button was pressed\n");
	switch_off();
}

static void end(const char *how)
{
	if (begins(how, "panic:"))
		panic(how + 6);
	if (begins(how, "off")) {
		say("[    1.234567] reboot: Power down\n");
		switch_off();
	}
	if (begins(how, "halt")) {
		say("[    1.234567] reboot: System halted\n");
		stay();
	}
	if (begins(how, "reboot")) {
		say("[    1.234567] reboot: Restarting system\n");
		reset();
	}
	if (begins(how, "reset"))
		reset();
	if (begins(how, "button"))
		wait_for_button();
	if (begins(how, "port:")) {
		out8(0x501, (uint8_t)number_in(how + 5));
		stay();
	}
	/* As Nanos, with a QEMU that does not end before its main loop comes to it. */
	if (begins(how, "port-reset:")) {
		out8(0x501, (uint8_t)number_in(how + 11));
		reset();
	}
	if (begins(how, "status:")) {
		unsigned code = number_in(how + 7);
		say("exit status ");
		say_number(code);
		say("\n");
		out32(0xf4, code == 0);
		stay();
	}
	if (begins(how, "returned:")) {
		say("program /x returned ");
		say_number(number_in(how + 9));
		say("\n");
		switch_off();
	}
	if (begins(how, "abort")) {
		say("Aborted\n\n[backtrace]\n0x0000000000000001 <x+1>\n");
		stay();
	}
	if (begins(how, "ignore")) {
		out16(POWER_ENABLE, BUTTON);
		say("ignores its button\n");
	}
	/* As Hermit's loader, which goes round in circles behind that. */
	if (begins(how, "loader"))
		say("[LOADER] panicked at src/alloc.rs:573:9:\nmemory allocation of 1432 bytes failed\n");
	if (begins(how, "loader") || begins(how, "stay") || begins(how, "ignore"))
		for (;;)
			__asm__ volatile("pause");
}

void kernel_main(const void *start)
{
	struct given given = find_given(start);
	say("booted by ");
	say(given.by);
	say("\ncommand line: ");
	say(given.line);
	say("\nfile: ");
	say_number(given.file_size);
	say(" bytes: ");
	for (uint32_t i = 0; i < given.file_size && i < 6; i++)
		put(given.file[i]);
	say_count("\ntransitional cards ", 0x1000);
	say_count(", disks ", 0x1001);
	say_count("\nmodern cards ", 0x1041);
	say_count(", disks ", 0x1042);
	say(has_acpi() ? "\nACPI\n" : "\nno ACPI\n");
	const char *how = "";
	for (const char *text = given.line; *text; text++)
		if (begins(text, "do="))
			how = text + 3;
	end(how);
	switch_off();
}
