#include <stdint.h>
#include <string.h>

void *memcpy(void *to, const void *from, size_t length)
{
	void *start = to;
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
	return start;
}

void *memmove(void *to, const void *from, size_t length)
{
	char *target = to;
	const char *source = from;
	if (target <= source || target >= source + length)
		return memcpy(to, from, length);
	while (length--)
		target[length] = source[length];
	return to;
}

void *memset(void *to, int byte, size_t length)
{
	void *start = to;
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(length) : "a"(byte) : "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t length)
{
	const uint8_t *left = a, *right = b;
	for (size_t i = 0; i < length; i++)
		if (left[i] != right[i])
			return left[i] - right[i];
	return 0;
}

size_t strlen(const char *text)
{
	const char *end = text;
	while (*end)
		end++;
	return (size_t)(end - text);
}

int strncmp(const char *a, const char *b, size_t length)
{
	for (; length; a++, b++, length--) {
		if (*a != *b)
			return (uint8_t)*a - (uint8_t)*b;
		if (!*a)
			break;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *text, int byte)
{
	for (;; text++) {
		if (*text == (char)byte)
			return (char *)text;
		if (!*text)
			return NULL;
	}
}

char *strrchr(const char *text, int byte)
{
	char *last = NULL;
	for (;; text++) {
		if (*text == (char)byte)
			last = (char *)text;
		if (!*text)
			return last;
	}
}

char *strstr(const char *text, const char *part)
{
	size_t length = strlen(part);
	for (; *text; text++)
		if (!strncmp(text, part, length))
			return (char *)text;
	return length ? NULL : (char *)text;
}

char *strncpy(char *to, const char *from, size_t length)
{
	size_t i = 0;
	for (; i < length && from[i]; i++)
		to[i] = from[i];
	for (; i < length; i++)
		to[i] = '\0';
	return to;
}
