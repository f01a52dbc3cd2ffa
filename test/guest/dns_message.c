#include "dns_message.h"

#include <string.h>

enum { HEADER = 12, LABEL_MAX = 63, POINTER = 0xc0, CLASS_INTERNET = 1, IS_ANSWER = 0x80, IS_CUT = 0x02, RECURSION_DESIRED = 1, RCODE = 15, RECORD = 10 };

static unsigned read16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

size_t dns_write_question(uint8_t into[DNS_MESSAGE_MAX], uint16_t id, const char *name, enum dns_type type)
{
	uint8_t *at = into + HEADER;
	if (strlen(name) >= DNS_NAME_ROOM - 2)
		return 0;
	memset(into, 0, HEADER);
	into[0] = (uint8_t)(id >> 8);
	into[1] = (uint8_t)id;
	into[2] = RECURSION_DESIRED;
	into[5] = 1;
	while (*name) {
		const char *dot = strchr(name, '.');
		size_t length = dot ? (size_t)(dot - name) : strlen(name);
		if (!length || length > LABEL_MAX)
			return 0;
		*at++ = (uint8_t)length;
		memcpy(at, name, length);
		at += length;
		name += length + (dot != NULL);
	}
	const uint8_t rest[5] = { 0, 0, (uint8_t)type, 0, CLASS_INTERNET };
	memcpy(at, rest, sizeof rest);
	return (size_t)(at - into) + sizeof rest;
}

/* Gives the place behind a name, or 0. */
static size_t skip_name(const uint8_t *message, size_t length, size_t at)
{
	while (at < length && message[at] && message[at] < POINTER)
		at += message[at] + 1u;
	if (at >= length)
		return 0;
	return at + (message[at] ? 2 : 1);
}

static bool same_question(const uint8_t *a, const uint8_t *b, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint8_t difference = a[i] ^ b[i], letter = a[i] | 0x20;
		if (difference && (difference != 0x20 || letter < 'a' || letter > 'z'))
			return false;
	}
	return true;
}

bool dns_read_answer(const uint8_t *message, size_t length, const uint8_t *question, size_t question_length, struct dns_answer *answer)
{
	if (length < question_length || memcmp(message, question, 2) || !(message[2] & IS_ANSWER) || read16(message + 4) != 1 ||
	    !same_question(message + HEADER, question + HEADER, question_length - HEADER))
		return false;
	unsigned type = read16(question + question_length - 4);
	size_t at = question_length, bytes = type == DNS_A ? 4 : 16;
	*answer = (struct dns_answer){ .rcode = message[3] & RCODE, .cut = message[2] & IS_CUT };
	for (unsigned left = read16(message + 6); left && answer->count < DNS_ADDRESSES_MAX; left--) {
		at = skip_name(message, length, at);
		if (!at || at + RECORD > length || at + RECORD + read16(message + at + 8) > length)
			break;
		ip_addr_t *address = &answer->addresses[answer->count];
		if (read16(message + at) == type && read16(message + at + 2) == CLASS_INTERNET && read16(message + at + 8) == bytes) {
			IP_SET_TYPE(address, type == DNS_A ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6);
			memcpy(address, message + at + RECORD, bytes);
			answer->count++;
		}
		at += RECORD + read16(message + at + 8);
	}
	return true;
}
