#define _GNU_SOURCE
#include "init.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

/* Engines' socket paths are longer than sun_path: reach the last name through its folder's descriptor. */
int connect_by_path(const char *path)
{
	char *copy = strdup(path), *copy2 = strdup(path);
	if (!copy || !copy2)
		fail_errno("no memory");
	int folder = open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		fail_errno("could not open the folder of the console socket %s", path);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int n = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder, basename(copy2));
	if (n < 0 || (size_t)n >= sizeof address.sun_path)
		fail("the name of the console socket %s is too long", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		fail_errno("could not connect to the console socket %s", path);
	close(folder);
	free(copy);
	free(copy2);
	return fd;
}

/*
 * Makes a pty our controlling terminal and stdio, and sends its master to the engine. `patient`: what we write waits until somebody reads
 * it.
 */
void open_terminal(int console_socket, const char *size, bool patient)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int unlock = 0, number;
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0 || ioctl(master, TIOCGPTN, &number) < 0)
		fail_errno("could not make a terminal from /dev/ptmx");
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC | (patient ? 0 : O_NONBLOCK));
	if (slave < 0)
		fail_errno("could not open the terminal");
	unsigned rows, columns;
	if (size && sscanf(size, "%ux%u", &rows, &columns) == 2) {
		struct winsize window = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };
		ioctl(master, TIOCSWINSZ, &window);
	}
	char name[32];
	snprintf(name, sizeof name, "/dev/pts/%d", number);
	if (!send_with(console_socket, &(struct iovec){ name, strlen(name) }, 1, master, 0))
		fail_errno("could not send the terminal to the console socket");
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		fail_errno("could not make the terminal the container's own");
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave, fd) < 0)
			fail_errno("could not attach the terminal");
	close(slave);
	close(master);
	close(console_socket);
}
