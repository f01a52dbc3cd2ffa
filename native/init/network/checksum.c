#include "network/network.h"

#include <arpa/inet.h>

uint32_t checksum_add(const void *data, size_t length, uint32_t from)
{
	const uint8_t *bytes = data;
	for (size_t i = 0; i + 1 < length; i += 2)
		from += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	return length % 2 ? from + (uint32_t)(bytes[length - 1] << 8) : from;
}

uint16_t checksum_end(uint32_t value)
{
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	return htons((uint16_t)~value);
}
