/* Process 1 of the machine: says hello, its arguments and a variable, and what the container is to end with. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/reboot.h>

int main(int count, char **words)
{
	printf("hello from Linux, GREETING is %s\n", getenv("GREETING"));
	for (int i = 1; i < count; i++)
		printf("argument %d is %s\n", i, words[i]);
	printf("unikrun: exit status 0\n");
	fflush(stdout);
	return reboot(RB_POWER_OFF);
}
