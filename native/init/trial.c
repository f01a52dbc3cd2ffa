#include "cage/cage.h"
#include "watch.h"

/* Runs a plan's VMM as a machine's is run, in a cage. */
int trial_main(void)
{
	struct directives d = watch_begin(PLAN_BOARD | PLAN_TRIAL);
	struct vmm vmm = vmm_launch(&d, -1);
	return watch_end(&vmm, &d, false);
}
