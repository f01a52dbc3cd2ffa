/*
 * Speaks Solo5's contract on virtio (its bindings/virtio): the notes by which it is known, the command line behind its first word, devices by
 * its manifest, and its last words. It says what it was given, and ends as its first argument says: "exit N", "abort", "fault", "serve".
 */
#include "../multiboot.h"
#include "../plain.h"

#include <stddef.h>

#ifndef NETWORKS
#define NETWORKS 0
#define BLOCKS 0
#endif
enum { DEVICES = NETWORKS + BLOCKS, DEBUG_PORT = 0x501 };

/* include/elf_abi.h and mft_abi.h. */
enum { ABI = 0x31494241, MANIFEST = 0x3154464d, VIRTIO = 3, BLOCK = 1, NETWORK = 2 };

struct header {
	uint32_t name_length, length, type;
	char name[8];
};

static const struct {
	struct header header;
	uint32_t target, version;
} abi __attribute__((section(".note.solo5.abi"), used, aligned(4))) = {
	{ sizeof "Solo5", 2 * sizeof(uint32_t), ABI, "Solo5" }, VIRTIO, 2,
};

struct device {
	char name[68];
	uint32_t kind;
	uint64_t properties[2], attached_to;
	uint8_t is_attached;
};

static const struct {
	struct header header;
	struct manifest {
		uint32_t version, count;
		struct device device[DEVICES];
	} __attribute__((aligned(8))) manifest;
} manifest __attribute__((section(".note.solo5.manifest"), used, aligned(8))) = {
	{ sizeof "Solo5", sizeof(uint32_t) + sizeof(struct manifest), MANIFEST, "Solo5" },
	{ 1, DEVICES,
#if NETWORKS
	  { { "service", NETWORK, { 0 }, 0, 0 }, { "storage", BLOCK, { 0 }, 0, 0 } },
#endif
	},
};

/* boot.S finds what the BIOS said of it, which nobody here asks for. */
uint16_t bios_com1, bios_crtc;

#if NETWORKS
/* What a network stack of MirageOS has of its options; it has no IPv6. */
static const char options[] = "\0ipv4\0ipv4-gateway\0ipv6-only\0";
#else
static const char options[] = "";
#endif

/* The same byte whatever the code: QEMU's status tells nothing. */
static _Noreturn void end(void)
{
	enum { ENDED = 41 };
	out8(DEBUG_PORT, ENDED);
	say("Solo5: Halted\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}

static _Noreturn void leave(unsigned code)
{
	say("Solo5: solo5_exit(");
	say_number(code);
	say(") called\n");
	end();
}

/* Virtio devices of one kind (its transitional number), in the order of slots. */
static int count_devices(uint32_t device)
{
	enum { ADDRESS = 0xcf8, DATA = 0xcfc, SLOTS = 32, VIRTIO_VENDOR = 0x1af4 };
	int count = 0;
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		out32(ADDRESS, 0x80000000u | slot << 11);
		count += in32(DATA) == (device << 16 | VIRTIO_VENDOR);
	}
	return count;
}

static int begins(const char *text, const char *word)
{
	while (*word && *text == *word)
		text++, word++;
	return !*word;
}

void kernel_main(const struct multiboot_info *info)
{
	__asm__ volatile("" : : "r"(options));
	const char *line = (const char *)(uintptr_t)info->command_line;
	while (*line && *line != ' ')
		line++;
	line += *line == ' ';
	int cards = count_devices(0x1000), disks = count_devices(0x1001);
	say("cards ");
	say_number((unsigned)cards);
	say(", disks ");
	say_number((unsigned)disks);
	say("\ncommand line: ");
	say(line);
	say("\n");
	if (cards < NETWORKS || disks < BLOCKS) {
		say("Solo5: ABORT: All declared devices must be attached\n");
		end();
	}
	/* The options of its network come before the arguments. */
	while (begins(line, "--")) {
		while (*line && *line != ' ')
			line++;
		line += *line == ' ';
	}
	if (begins(line, "exit "))
		leave(number_in(line + 5));
	if (begins(line, "abort")) {
		say("Solo5: solo5_abort() called\n");
		end();
	}
	if (begins(line, "fault")) {
		say("Solo5: ABORT: cpu_x86_64.c:1: Fatal trap\n");
		end();
	}
	if (begins(line, "serve"))
		for (;;)
			__asm__ volatile("cli; hlt");
	leave(0);
}
