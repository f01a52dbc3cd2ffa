#pragma once

/* exit() of the program that runs: what it says of main() is left out, and the next program of "rc" runs. */
_Noreturn void kernel_exit(int code);
