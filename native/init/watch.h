/* Programs that are run in a cage for a time only, and what they do in it. */
#ifndef UNIKRUN_WATCH_H
#define UNIKRUN_WATCH_H

#include "init.h"

/* `init trial`: how long a VMM takes. */
int trial_main(void);
/* `init check`: a program that looks at a disk which a guest left. */
int check_main(void);

struct vmm;
/* What is to be done, in the words of these plans. */
struct directives watch_begin(unsigned plans);
/*
 * Waits until it ends, or has had `cpu-limit` milliseconds of CPU time or `wall-limit` of any, and ends it then. Answers "ended", "slow" or
 * "late", its exit code, microseconds of CPU time, and on the next lines what it said first, or last.
 */
int watch_end(const struct vmm *vmm, const struct directives *d, bool last);

#endif
