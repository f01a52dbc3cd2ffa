#ifndef UNIKRUN_TRIAL_H
#define UNIKRUN_TRIAL_H

/* `init trial`: how long a VMM takes. */
int trial_main(void);

#endif
