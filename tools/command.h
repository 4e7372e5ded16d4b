/* What another program on this machine prints. */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include <stddef.h>

/* Runs a command of ours (never text from outside) with a shell and keeps at most size - 1 bytes of
 * its output, with a 0 behind them. Returns how many; 0 too where it failed or is not there. */
size_t command_output(const char *command, char *out, size_t size);

/* A parameter of Postfix with other parameters in it expanded, without the newline; "" where there
 * is none. name is ours. */
void command_postconf(const char *name, char *out, size_t size);

#endif
