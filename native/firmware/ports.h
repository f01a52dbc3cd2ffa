/* Instructions that C lacks. */
#ifndef UNIKRUN_FIRMWARE_PORTS_H
#define UNIKRUN_FIRMWARE_PORTS_H

#include <stdint.h>

static inline void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out16(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;
	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint32_t in32(uint16_t port)
{
	uint32_t value;
	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

/* A place in the guest's memory, by its physical address, of which the compiler must not know that it is no object of C. */
static inline volatile void *place_at(uint32_t address)
{
	__asm__("" : "+r"(address));
	return (volatile void *)(uintptr_t)address;
}
#define AT(type, address) ((volatile type *)place_at(address))

#endif
