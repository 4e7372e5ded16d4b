/*
 * How a program with commands is called, from one table: all commands on one screen, and each
 * command with its options. Pure.
 */
#ifndef LOADER_USAGE_H
#define LOADER_USAGE_H

#include <stddef.h>
#include <stdio.h>

struct usage_option {
    char letter;      /* as in the tables below; for long options too */
    const char *form; /* "--as-of TIME" */
    const char *text; /* what it does */
};

struct usage_command {
    const char *name;    /* "allow|unlist|block": several that are called alike */
    const char *options; /* letters of those that it takes, a '!' before one that it needs; NULL: it
                            tells its usage itself */
    const char *words;   /* what follows: "IP [DOMAIN]", or "" */
    const char *text;    /* what it does, in few words */
};

struct usage {
    const char *program;
    const struct usage_option *options;
    size_t option_count;
    const struct usage_command *commands;
    size_t command_count;
};

/* All commands, a line each, and the names of all options. */
void usage_print(FILE *out, const struct usage *usage);
/* NULL: there is none of that name, or it tells its usage itself. */
const struct usage_command *usage_find(const struct usage *usage, const char *name);
/* One command, as the user called it. */
void usage_print_command(
    FILE *out, const struct usage *usage, const struct usage_command *command, const char *name);

#endif
