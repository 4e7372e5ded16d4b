/* repdns dump: policies, their tables and single pairs; see tools.h. */
#include "tools/dumpline.h"
#include "tools/tools.h"
#include "zones/be.h"
#include "zones/nameset.h"
#include "zones/pairset.h"

enum err
dump_policy_of(struct dumpline *line, const char *dataset, const struct nameset_entry *entry)
{
    struct pairset_value value;
    if (entry->exact.kind != NAMESET_SLOT_VALUE ||
        pairset_value_decode(entry->exact.value, &value) < 0)
        return ERR_FORMAT;
    dumpline_begin_of(line, "policy", dataset);
    dumpline_name(line, BARE, "domain", &entry->name);
    dumpline_list_begin(line, NAMED, "tables");
    dumpline_hex(line, BARE, NULL, 8, value.tables[PAIRSET_V4]);
    dumpline_hex(line, BARE, NULL, 8, value.tables[PAIRSET_V6]);
    dumpline_list_end(line);
    dumpline_time(line, NAMED, "until", (int64_t)value.limit_day * 86400);
    dumpline_end(line);
    return ERR_OK;
}

struct pairs {
    struct dumpline *line;
    const char *dataset;
};

static enum err
each_pair(void *ctx, const struct pairset_entry *entry)
{
    const struct pairs *pairs = ctx;
    struct dumpline *line = pairs->line;
    dumpline_begin_of(line, "pair", pairs->dataset);
    dumpline_name(line, BARE, "domain", &entry->domain);
    dumpline_ip(line, BARE, "address", &entry->ip);
    dumpline_string(line, BARE, "reason", reason_info(entry->reason)->name);
    dumpline_end(line);
    return ERR_OK;
}

static enum err
each_interval(void *ctx, const struct range *range, const struct spftable_hit *hit)
{
    struct dumpline *line = ctx;
    dumpline_begin(line, "interval");
    dumpline_range(line, range);
    dumpline_string(line, BARE, "result", spfresult_name(hit->result));
    if (hit->text.n > 0)
        dumpline_quoted(line, BARE, "text", hit->text);
    dumpline_end(line);
    return ERR_OK;
}

/* The key is table(1) dataset(2) family(1) id(4), see pairset.h. */
enum err
dump_table_of(struct dumpline *line, const char *dataset, struct slice key, struct slice value)
{
    enum { HEAD = 4, ID = 4 };
    const uint8_t *bytes = key.p;
    if (key.n != HEAD + ID || (bytes[3] != IP_V4 && bytes[3] != IP_V6))
        return ERR_FORMAT;
    dumpline_begin_of(line, "table", dataset);
    dumpline_hex(line, BARE, "id", 8, be_get(bytes + HEAD, ID));
    dumpline_count(line, BARE, "bytes", value.n);
    dumpline_word(line, "bytes");
    dumpline_end(line);
    return spftable_each(value, (enum ip_family)bytes[3], each_interval, line);
}

enum err
dump_pairs_of(struct dumpline *line, const char *dataset, struct slice key, struct slice value)
{
    struct pairs pairs = {line, dataset};
    return pairset_record_each(key, value, each_pair, &pairs);
}
