/*
 * "repdns-load learn": weights from labelled mail, and the scores that weights give to it. Needs no
 * configuration, no store and no DNS.
 */
#ifndef LOADER_LEARNCMD_H
#define LOADER_LEARNCMD_H

/* argv[0] is "learn"; returns the exit status. */
int learn_command(int argc, char **argv);

#endif
