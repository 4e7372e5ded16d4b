/*
 * The data of a zone's SOA record, as it stands in answers: made once a publish, since every
 * negative answer has it. Its names are compressed against the zone's name, of which every
 * question's name has a copy (RFC 1035 4.1.4). On the answer path.
 */
#ifndef SERVER_SOA_RECORD_H
#define SERVER_SOA_RECORD_H

#include "zones/authority.h"
#include "zones/wire.h"

enum { SOA_RECORD_SIZE = 2 * DNAME_MAX + 20 };

struct soa_record {
    uint16_t n;
    uint8_t pointers;       /* names that end in a pointer to the zone's name or into it */
    uint16_t pointer_at[2]; /* where in bytes; there they count from the zone's name */
    uint8_t bytes[SOA_RECORD_SIZE];
};

void soa_record_make(
    const struct soa *soa, uint32_t serial, const struct dname *apex, struct soa_record *out);
/* apex_at: where in the message the zone's name begins, within reach of a pointer. */
void soa_record_put(const struct soa_record *soa, size_t apex_at, struct wire_out *out);

#endif
