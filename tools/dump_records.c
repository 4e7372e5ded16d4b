/* repdns dump: plain records, SOA and NS, and sub-zones; see tools.h. */
#include <inttypes.h>

#include "tools/tools.h"
#include "zones/authority.h"
#include "zones/combined.h"
#include "zones/recordset.h"

void
dump_record(FILE *out, const char *dataset, const struct recordset_entry *entry)
{
    fprintf(out, "record %s ", dataset);
    text_name(out, &entry->name);
    fprintf(out, " ttl %" PRIu32 " ", entry->rr.ttl_s);
    text_record(out, &entry->rr);
    fputc('\n', out);
}

enum err
dump_record_of(FILE *out, const char *dataset, struct slice key, struct slice value)
{
    enum { HEAD = 4 }; /* table, dataset, family */
    struct recordset_entry entry;
    enum err err = key.n < HEAD ? ERR_FORMAT : ERR_OK;
    if (err == ERR_OK)
        err = dname_from_key((const uint8_t *)key.p + HEAD, key.n - HEAD, &entry.name);
    while (err == ERR_OK && (err = recordset_next(&value, &entry.rr)) == ERR_OK)
        dump_record(out, dataset, &entry);
    return err == ERR_NOTFOUND ? ERR_OK : ERR_FORMAT;
}

void
dump_authority(FILE *out, const char *dataset, const struct authority *authority)
{
    const struct soa *soa = &authority->soa;
    if (authority->has_soa) {
        fprintf(out, "soa %s ttl %" PRIu32 " ", dataset, soa->ttl_s);
        text_name(out, &soa->mname);
        fputc(' ', out);
        text_name(out, &soa->rname);
        fprintf(out, " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 "\n",
            authority->serial, soa->refresh_s, soa->retry_s, soa->expire_s, soa->minimum_s);
    }
    for (unsigned i = 0; i < authority->ns_count; i++) {
        fprintf(out, "ns %s ttl %" PRIu32 " ", dataset, authority->ns_ttl_s);
        text_name(out, &authority->ns[i]);
        fputc('\n', out);
    }
}

enum err
dump_authority_of(FILE *out, const char *dataset, struct slice value)
{
    struct authority authority;
    enum err err = authority_decode(value, &authority);
    if (err == ERR_OK)
        dump_authority(out, dataset, &authority);
    return err;
}

enum err
dump_combined_of(FILE *out, const char *dataset, struct slice value)
{
    struct combined_zone zone;
    enum err err;
    while ((err = combined_next(&value, &zone)) == ERR_OK) {
        fprintf(out, "sub-zone %s ", dataset);
        text_name(out, &zone.zone);
        fputs(" ids", out);
        for (unsigned i = 0; i < zone.count; i++)
            fprintf(out, " %u", zone.ids[i]);
        fputc('\n', out);
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}
