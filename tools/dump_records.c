/* repdns dump: plain records, SOA and NS, and sub-zones; see tools.h. */
#include "loader/jsonline.h"
#include "tools/dumpline.h"
#include "tools/tools.h"
#include "tools/valuejson.h"
#include "zones/authority.h"
#include "zones/combined.h"
#include "zones/recordset.h"

void
dump_record(struct dumpline *line, const char *dataset, const struct recordset_entry *entry)
{
    dumpline_begin_of(line, "record", dataset);
    dumpline_name(line, BARE, "name", &entry->name);
    dumpline_count(line, NAMED, "ttl", entry->rr.ttl_s);
    if (line->json) {
        dumpline_string(line, BARE, "type", text_type(entry->rr.type));
        jsonline_set(&line->object, "data", valuejson_record(&entry->rr));
    } else {
        fputc(' ', line->out);
        text_record(line->out, &entry->rr);
    }
    dumpline_end(line);
}

enum err
dump_record_of(struct dumpline *line, const char *dataset, struct slice key, struct slice value)
{
    enum { HEAD = 4 }; /* table, dataset, family */
    struct recordset_entry entry;
    enum err err = key.n < HEAD ? ERR_FORMAT : ERR_OK;
    if (err == ERR_OK)
        err = dname_from_key((const uint8_t *)key.p + HEAD, key.n - HEAD, &entry.name);
    while (err == ERR_OK && (err = recordset_next(&value, &entry.rr)) == ERR_OK)
        dump_record(line, dataset, &entry);
    return err == ERR_NOTFOUND ? ERR_OK : ERR_FORMAT;
}

static void
dump_soa(struct dumpline *line, const char *dataset, const struct authority *authority)
{
    const struct soa *soa = &authority->soa;
    dumpline_begin_of(line, "soa", dataset);
    dumpline_count(line, NAMED, "ttl", soa->ttl_s);
    dumpline_name(line, BARE, "mname", &soa->mname);
    dumpline_name(line, BARE, "rname", &soa->rname);
    dumpline_count(line, BARE, "serial", authority->serial);
    dumpline_count(line, BARE, "refresh", soa->refresh_s);
    dumpline_count(line, BARE, "retry", soa->retry_s);
    dumpline_count(line, BARE, "expire", soa->expire_s);
    dumpline_count(line, BARE, "minimum", soa->minimum_s);
    dumpline_end(line);
}

void
dump_authority(struct dumpline *line, const char *dataset, const struct authority *authority)
{
    if (authority->has_soa)
        dump_soa(line, dataset, authority);
    for (unsigned i = 0; i < authority->ns_count; i++) {
        dumpline_begin_of(line, "ns", dataset);
        dumpline_count(line, NAMED, "ttl", authority->ns_ttl_s);
        dumpline_name(line, BARE, "name", &authority->ns[i]);
        dumpline_end(line);
    }
}

enum err
dump_authority_of(struct dumpline *line, const char *dataset, struct slice value)
{
    struct authority authority;
    enum err err = authority_decode(value, &authority);
    if (err == ERR_OK)
        dump_authority(line, dataset, &authority);
    return err;
}

enum err
dump_combined_of(struct dumpline *line, const char *dataset, struct slice value)
{
    struct combined_zone zone;
    enum err err;
    while ((err = combined_next(&value, &zone)) == ERR_OK) {
        dumpline_begin_of(line, "sub-zone", dataset);
        dumpline_name(line, BARE, "zone", &zone.zone);
        dumpline_list_begin(line, NAMED, "ids");
        for (unsigned i = 0; i < zone.count; i++)
            dumpline_count(line, BARE, NULL, zone.ids[i]);
        dumpline_list_end(line);
        dumpline_end(line);
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}
