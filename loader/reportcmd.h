/* "repdns-load report": one mail from standard input, and what is said of it. */
#ifndef LOADER_REPORTCMD_H
#define LOADER_REPORTCMD_H

/* argv[0] is "report". Returns the exit code. */
int report_command(int argc, char **argv);

#endif
