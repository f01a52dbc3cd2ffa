/* The part of printf that the probe and lwIP use: flags 0 and -, width, precision, h l z, and d i u x X p c s %. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct output {
	char *into;
	size_t room;
	size_t length;
};

struct directive {
	bool zeros, left;
	int width, precision, longs;
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->room)
		out->into[out->length] = c;
	out->length++;
}

static void put_padded(struct output *out, const struct directive *d, const char *text, size_t length)
{
	size_t width = d->width > 0 ? (size_t)d->width : 0;
	size_t padding = width > length ? width - length : 0;
	if (d->zeros && !d->left && length && *text == '-') {
		put(out, '-');
		text++;
		length--;
	}
	for (; padding && !d->left; padding--)
		put(out, d->zeros ? '0' : ' ');
	for (; length; length--)
		put(out, *text++);
	for (; padding; padding--)
		put(out, ' ');
}

static void put_number(struct output *out, const struct directive *d, uint64_t value, unsigned base, bool negative, bool prefix)
{
	char digits[24];
	size_t at = sizeof digits;
	do
		digits[--at] = "0123456789abcdef"[value % base];
	while (value /= base);
	if (prefix) {
		digits[--at] = 'x';
		digits[--at] = '0';
	}
	if (negative)
		digits[--at] = '-';
	put_padded(out, d, digits + at, sizeof digits - at);
}

static const char *read_number(const char *format, int *value, va_list *arguments)
{
	*value = 0;
	if (*format == '*') {
		*value = va_arg(*arguments, int);
		return format + 1;
	}
	for (; *format >= '0' && *format <= '9'; format++)
		*value = *value * 10 + *format - '0';
	return format;
}

static void put_string(struct output *out, const struct directive *d, const char *text)
{
	if (!text)
		text = "(null)";
	size_t length = 0;
	while ((d->precision < 0 || length < (size_t)d->precision) && text[length])
		length++;
	put_padded(out, d, text, length);
}

static void convert(struct output *out, const struct directive *d, char kind, va_list *arguments)
{
	int64_t number;
	char c;
	switch (kind) {
	case 'd':
	case 'i':
		number = d->longs ? va_arg(*arguments, long) : va_arg(*arguments, int);
		put_number(out, d, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, number < 0, false);
		break;
	case 'u':
	case 'x':
	case 'X':
		put_number(out, d, d->longs ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned),
			   kind == 'u' ? 10 : 16, false, false);
		break;
	case 'p':
		put_number(out, d, (uintptr_t)va_arg(*arguments, void *), 16, false, true);
		break;
	case 'c':
		c = (char)va_arg(*arguments, int);
		put_padded(out, d, &c, 1);
		break;
	case 's':
		put_string(out, d, va_arg(*arguments, const char *));
		break;
	default:
		put(out, kind);
	}
}

int vsnprintf(char *into, size_t room, const char *format, va_list list)
{
	struct output out = { into, room, 0 };
	va_list arguments;
	va_copy(arguments, list);
	while (*format) {
		if (*format != '%') {
			put(&out, *format++);
			continue;
		}
		struct directive d = { .precision = -1 };
		for (format++; *format == '0' || *format == '-'; format++) {
			d.zeros |= *format == '0';
			d.left |= *format == '-';
		}
		format = read_number(format, &d.width, &arguments);
		if (*format == '.')
			format = read_number(format + 1, &d.precision, &arguments);
		for (; *format == 'l' || *format == 'z' || *format == 'h'; format++)
			d.longs += *format != 'h';
		if (!*format)
			break;
		convert(&out, &d, *format++, &arguments);
	}
	va_end(arguments);
	if (room)
		into[out.length < room ? out.length : room - 1] = '\0';
	return (int)out.length;
}

int snprintf(char *into, size_t room, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(into, room, format, arguments);
	va_end(arguments);
	return length;
}

int atoi(const char *text)
{
	while (*text == ' ')
		text++;
	bool negative = *text == '-';
	if (negative || *text == '+')
		text++;
	unsigned value = 0;
	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (unsigned)(*text - '0');
	return (int)(negative ? -value : value);
}
