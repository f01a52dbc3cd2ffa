/* What a VMM says on its control socket, also between init's own questions. */
#define _GNU_SOURCE
#include "fuzz.h"
#include "guest/guest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOK = 1, FORWARD = 2 };

void fuzz_once(struct input input)
{
	static struct monitor monitor;
	int ends[2];
	const uint8_t *piece;
	size_t length;
	monitor.state = WAITS_GREETING;
	monitor.used = 0;
	monitor.id = 0;
	monitor.halted = monitor.reset = monitor.told_to_end = false;
	make_pair(ends, SOCK_STREAM);
	monitor.fd = ends[0];
	for (uint8_t what; what = take_byte(&input), take_piece(&input, &piece, &length);) {
		if (what & LOOK)
			monitor_look(&monitor);
		if (what & FORWARD && monitor.state == READY)
			monitor_forward(&monitor, "{\"execute\":\"stop\"}\n", -1);
		(void)!send(ends[1], piece, length, 0);
		must(monitor_read(&monitor) && monitor.used < sizeof monitor.line);
		drain(ends[1]);
	}
	free(monitor.answer);
	monitor.answer = NULL;
	close(ends[0]);
	close(ends[1]);
}

#define GREETED "\0\x24\0{\"QMP\": {}}\n{\"return\": {}, \"id\": 1}\n"
const struct seed seeds[] = {
	SEED(GREETED "\1\x37\0{\"return\": \"RIP=0000000000100000 RFL=206 HLT=1\", \"id\": 2}\n\0\x28\0{\"return\": \"0x100000: 0xeb 0xfd\", \"id\": 3}\n"),
	SEED(GREETED "\2\x14\0{\"error\": {\"desc\":1}}\n\0\x3f\0{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"guest-reset host-signal\"}}\n"),
	{ 0 },
};
