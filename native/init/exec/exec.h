/* `init exec`: what `unikrun exec` runs beside a machine. Its tools are in tool.h. */
#ifndef UNIKRUN_EXEC_H
#define UNIKRUN_EXEC_H

int exec_main(void);

struct directives;
struct tunnel;
/*
 * A tool of proxy.c's that is made while that can be, and does what its directives say when it is told to: by a byte to the descriptor that
 * is returned, where its end is heard as POLLERR. The tunnel has a tap and perhaps nodes, `machine` is a pidfd of the VMM's. -1 where there is none.
 */
int stand_by(const struct directives *words, const struct tunnel *tunnel, int machine);

#endif
