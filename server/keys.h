/*
 * The keys of keyed zones: which label left of a zone's name is whose, and what he may ask. Read
 * whole from a file at start and by SIGHUP, then plain data. keys_find is on the answer path; the
 * rest is keys_read.c.
 */
#ifndef SERVER_KEYS_H
#define SERVER_KEYS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "zones/err.h"

#define KEYS_MAX            16384
#define KEY_LEAST           12
#define KEY_MOST            63
#define KEY_ID_SIZE         33 /* and its NUL */
#define KEY_PER_SECOND_MOST 1000000
#define KEY_PER_DAY_MOST    INT64_C(1000000000000)

struct key {
    uint8_t n;
    uint8_t b[KEY_MOST]; /* the label */
    char id[KEY_ID_SIZE];
    bool on;
    uint32_t per_second; /* 0: no quota */
    uint64_t per_day;
    unsigned slot; /* of its counts (quota.h) */
    unsigned line;
};

struct keyring {
    unsigned count;
    struct key *keys; /* in the order of their labels */
};

/* NULL: there is none. label is lower-case. */
const struct key *keys_find(const struct keyring *ring, const uint8_t *label, size_t n);

/* The message names the line, and shows no key. */
enum err keys_read(const char *path, struct keyring *out, struct errmsg *msg) MUST_CHECK;
enum err keys_parse(
    FILE *file, const char *path, struct keyring *out, struct errmsg *msg) MUST_CHECK;
void keys_free(struct keyring *ring);

#endif
