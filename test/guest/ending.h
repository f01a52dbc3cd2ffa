/* The ways in which a rump kernel ends. None of them switches the machine off. */
#pragma once

/* "PANIC: ...", "halted". */
_Noreturn void panic(const char *message);
/* A panic of the kernel proper: its message, then the platform's panic. */
_Noreturn void kernel_panic(const char *message);
/* What errx(3) does while the configuration is read: "rumprun: ...", "=== bootstrap failed", then the halt. */
_Noreturn void fail_boot(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Unmounts, says so, prints "halted" and halts. */
_Noreturn void shut_down(void);
