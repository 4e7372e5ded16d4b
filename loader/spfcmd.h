/*
 * "repdns-load spf": SPF results for given senders, one or a file of them, by DNS alone. Needs no
 * configuration and no store.
 */
#ifndef LOADER_SPFCMD_H
#define LOADER_SPFCMD_H

/* argv[0] is "spf"; returns the exit status: 0 for any SPF result. Prints "result", and after a tab
 * the explanation or the reason, one line for each sender, in order. */
int spf_command(int argc, char **argv);

#endif
