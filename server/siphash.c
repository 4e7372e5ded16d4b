/* SipHash-2-4 by libsodium; see siphash.h. */
#include "server/siphash.h"

#include <sodium/crypto_shorthash_siphash24.h>

_Static_assert(SIPHASH_KEY_SIZE == crypto_shorthash_siphash24_KEYBYTES, "the library's key");
_Static_assert(SIPHASH_SIZE == crypto_shorthash_siphash24_BYTES, "the library's hash");

void
siphash(const struct siphash_key *key, const void *bytes, size_t n, uint8_t out[SIPHASH_SIZE])
{
    (void)crypto_shorthash_siphash24(out, bytes, n, key->b); /* has no failure */
}
