/* Says hello, its arguments and a variable; what main returns is the container's exit code. */
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words)
{
	printf("hello from a rump kernel, GREETING is %s\n", getenv("GREETING"));
	for (int i = 1; i < count; i++)
		printf("argument %d is %s\n", i, words[i]);
	return 0;
}
