/* `init exec`: what `unikrun exec` runs beside a machine. Its tools are in tool.h. */
#ifndef UNIKRUN_EXEC_H
#define UNIKRUN_EXEC_H

int exec_main(void);

#endif
