#include "cage/cage.h"
#include "watch.h"

/* A hostile guest wrote what the program reads. */
int check_main(void)
{
	struct directives d = watch_begin(PLAN_BOARD | PLAN_CHECK);
	struct vmm vmm = checker_launch(&d, GIVEN_FD);
	return watch_end(&vmm, &d, true);
}
