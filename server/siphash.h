/*
 * SipHash-2-4: a hash that nobody can aim at without its secret. The library is used here alone. On
 * the answer path: no state, no allocation.
 */
#ifndef SERVER_SIPHASH_H
#define SERVER_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_SIZE 16
#define SIPHASH_SIZE     8

struct siphash_key {
    uint8_t b[SIPHASH_KEY_SIZE];
};

/* The bytes stand in the order of RFC 9018's examples. */
void siphash(const struct siphash_key *key, const void *bytes, size_t n, uint8_t out[SIPHASH_SIZE]);

#endif
