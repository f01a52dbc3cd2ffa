/* DNS's questions and answers, RFC 1035. */
#pragma once
#include <lwip/ip_addr.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dns_type { DNS_A = 1, DNS_AAAA = 28 };

enum { DNS_MESSAGE_MAX = 512, DNS_ADDRESSES_MAX = 128, DNS_NAME_ROOM = 256 };

struct dns_answer {
	unsigned rcode, count;
	/* Not all of it is there: it is to be asked for by TCP. */
	bool cut;
	ip_addr_t addresses[DNS_ADDRESSES_MAX];
};

/* Gives the length, or 0 where this cannot be a name. */
size_t dns_write_question(uint8_t into[DNS_MESSAGE_MAX], uint16_t id, const char *name, enum dns_type type);
/* False where this is no answer to that question. */
bool dns_read_answer(const uint8_t *message, size_t length, const uint8_t *question, size_t question_length, struct dns_answer *answer);
