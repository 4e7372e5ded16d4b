/*
 * "repdns-load learn": weights from labelled mail, which needs no configuration, no store and no
 * DNS, or from the history; and the scores that weights give to labelled mail.
 */
#ifndef LOADER_LEARNCMD_H
#define LOADER_LEARNCMD_H

/* argv[0] is "learn"; returns the exit status. */
int learn_command(int argc, char **argv);

#endif
