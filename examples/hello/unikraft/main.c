/* Says hello, its arguments and a variable. */
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words)
{
	printf("hello from Unikraft, GREETING is %s\n", getenv("GREETING"));
	for (int i = 1; i < count; i++)
		printf("argument %d is %s\n", i, words[i]);
	return 0;
}
