/* repdns dump: answers.mdb, the lists, and which store is dumped; see tools.h. */
#include <inttypes.h>
#include <string.h>

#include "loader/lists.h"
#include "loader/output.h"
#include "loader/wordcmd.h"
#include "tools/tools.h"
#include "zones/be.h"
#include "zones/ipset.h"
#include "zones/kv.h"
#include "zones/nameset.h"
#include "zones/pairset.h"
#include "zones/store.h"

/* What the walk over one store works with. */
struct dump {
    FILE *out;
    struct kv_txn *txn;
    struct dataset dataset; /* the one at work */
    /* A range that a block's border cut is put together again, so that the text is a function of
     * the content and not of the packing. */
    bool has_range;
    struct range range;
    struct slice value;
};

/* Calls each for all records whose key begins with prefix. */
static enum err
for_prefix(struct dump *dump, struct slice prefix,
    enum err (*each)(struct dump *dump, struct slice key, struct slice value))
{
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(dump->txn, prefix, &cursor);
    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        err = each(dump, key, value);
        if (err < 0)
            break;
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static void
flush_range(struct dump *dump)
{
    if (!dump->has_range)
        return;
    dump->has_range = false;
    fprintf(dump->out, "address %s ", dump->dataset.name);
    text_range(dump->out, &dump->range);
    fputc(' ', dump->out);
    text_value(dump->out, dump->value);
    fputc('\n', dump->out);
}

static enum err
each_range(void *ctx, const struct ipset_hit *entry)
{
    struct dump *dump = ctx;
    struct ip next = dump->range.last;
    if (dump->has_range && ip_next(&next) && ip_cmp(&next, &entry->range.first) == 0 &&
        slice_cmp(dump->value, entry->value) == 0) {
        dump->range.last = entry->range.last;
        return ERR_OK;
    }
    flush_range(dump);
    dump->has_range = true;
    dump->range = entry->range;
    dump->value = entry->value; /* in the map, as long as the transaction */
    return ERR_OK;
}

static enum err
addr_block(struct dump *dump, struct slice key, struct slice value)
{
    return ipset_block_each(key, value, each_range, dump);
}

static void
print_slot(
    struct dump *dump, const struct dname *name, const char *wild, const struct nameset_slot *slot)
{
    if (slot->kind == NAMESET_SLOT_EMPTY)
        return;
    fprintf(dump->out, "name %s %s", dump->dataset.name, wild);
    text_name(dump->out, name);
    fputc(' ', dump->out);
    if (slot->kind == NAMESET_SLOT_EXCLUDED)
        fputs("excluded", dump->out);
    else
        text_value(dump->out, slot->value);
    fputc('\n', dump->out);
}

static enum err
print_policy(struct dump *dump, const struct nameset_entry *entry)
{
    struct pairset_value value;
    if (entry->exact.kind != NAMESET_SLOT_VALUE ||
        pairset_value_decode(entry->exact.value, &value) < 0)
        return ERR_FORMAT;
    fprintf(dump->out, "policy %s ", dump->dataset.name);
    text_name(dump->out, &entry->name);
    fprintf(dump->out, " tables %08" PRIx32 " %08" PRIx32 " until ", value.tables[PAIRSET_V4],
        value.tables[PAIRSET_V6]);
    text_time(dump->out, (int64_t)value.limit_day * 86400);
    fputc('\n', dump->out);
    return ERR_OK;
}

static enum err
each_name(void *ctx, const struct nameset_entry *entry)
{
    struct dump *dump = ctx;
    if (dump->dataset.kind == DATASET_PAIR)
        return print_policy(dump, entry);
    print_slot(dump, &entry->name, "", &entry->exact);
    print_slot(dump, &entry->name, "*.", &entry->wild);
    return ERR_OK;
}

static enum err
name_block(struct dump *dump, struct slice key, struct slice value)
{
    return nameset_block_each(key, value, each_name, dump);
}

static enum err
each_pair(void *ctx, const struct pairset_entry *entry)
{
    struct dump *dump = ctx;
    fprintf(dump->out, "pair %s ", dump->dataset.name);
    text_name(dump->out, &entry->domain);
    fputc(' ', dump->out);
    text_ip(dump->out, &entry->ip);
    fprintf(dump->out, " %s\n", reason_info(entry->reason)->name);
    return ERR_OK;
}

static enum err
each_interval(void *ctx, const struct range *range, const struct spftable_hit *hit)
{
    struct dump *dump = ctx;
    fputs("interval ", dump->out);
    text_range(dump->out, range);
    fprintf(dump->out, " %s", spfresult_name(hit->result));
    if (hit->text.n > 0) {
        fputc(' ', dump->out);
        output_quoted(dump->out, hit->text);
    }
    fputc('\n', dump->out);
    return ERR_OK;
}

/* The key is table(1) dataset(2) family(1) id(4), see pairset.h. */
static enum err
policy_table(struct dump *dump, struct slice key, struct slice value)
{
    enum { HEAD = 4, ID = 4 };
    const uint8_t *bytes = key.p;
    if (key.n != HEAD + ID || (bytes[3] != IP_V4 && bytes[3] != IP_V6))
        return ERR_FORMAT;
    fprintf(dump->out, "table %s %08" PRIx64 " %zu bytes\n", dump->dataset.name,
        be_get(bytes + HEAD, ID), value.n);
    return spftable_each(value, (enum ip_family)bytes[3], each_interval, dump);
}

static enum err
pair_record(struct dump *dump, struct slice key, struct slice value)
{
    return pairset_record_each(key, value, each_pair, dump);
}

static enum err
evidence_record(struct dump *dump, struct slice key, struct slice value)
{
    enum { HEAD = 4 }; /* table, dataset, family */
    struct evidence evidence;
    struct ip ip;
    struct dname name;
    if (key.n < HEAD)
        return ERR_FORMAT;
    const uint8_t *rest = (const uint8_t *)key.p + HEAD;
    bool is_ip = rest[-1] != 0;
    enum err err = evidence_decode(value, &evidence);
    if (err == ERR_OK)
        err = is_ip ? ip_from_key(rest, key.n - HEAD, &ip)
                    : dname_from_key(rest, key.n - HEAD, &name);
    if (err < 0)
        return ERR_FORMAT;
    fprintf(dump->out, "evidence %s ", dump->dataset.name);
    if (is_ip)
        text_ip(dump->out, &ip);
    else
        text_name(dump->out, &name);
    fputs(" since ", dump->out);
    text_time(dump->out, evidence.since_s);
    fputc(' ', dump->out);
    output_quoted(dump->out, evidence.detail);
    fputc('\n', dump->out);
    return ERR_OK;
}

static enum err
rr_record(struct dump *dump, struct slice key, struct slice value)
{
    return dump_record_of(dump->out, dump->dataset.name, key, value);
}

static enum err
authority_record(struct dump *dump, struct slice key, struct slice value)
{
    (void)key;
    return dump_authority_of(dump->out, dump->dataset.name, value);
}

static enum err
combined_record(struct dump *dump, struct slice key, struct slice value)
{
    (void)key;
    return dump_combined_of(dump->out, dump->dataset.name, value);
}

static enum err
dataset_record(struct dump *dump, struct slice key, struct slice value)
{
    static const struct {
        enum store_table table;
        enum err (*each)(struct dump *dump, struct slice key, struct slice value);
    } tables[] = {{STORE_ADDR, addr_block}, {STORE_NAME, name_block}, {STORE_PAIR, pair_record},
        {STORE_POLICY, policy_table}, {STORE_RECORD, rr_record},
        {STORE_AUTHORITY, authority_record}, {STORE_COMBINED, combined_record},
        {STORE_EVIDENCE, evidence_record}};
    struct dataset *dataset = &dump->dataset;
    enum err err = dataset_decode(key, value, dataset);
    if (err < 0)
        return err;
    fprintf(dump->out, "dataset %s %s entries %u serial %u built ", dataset->name,
        dataset_kind_text(dataset->kind), dataset->entries, dataset->serial);
    text_time(dump->out, dataset->built_s);
    fputs(" expires ", dump->out);
    text_time(dump->out, dataset->expires_s);
    fprintf(dump->out, " max-age %u ttl %u\n", dataset->max_age_s, dataset->ttl_s);
    for (size_t i = 0; i < sizeof tables / sizeof *tables && err == ERR_OK; i++) {
        struct store_key prefix;
        store_key_init(&prefix, tables[i].table, dataset->id, 0);
        prefix.n = 3; /* any family */
        err = for_prefix(dump, store_key_slice(&prefix), tables[i].each);
        flush_range(dump);
    }
    return err;
}

static enum err
zone_record(struct dump *dump, struct slice key, struct slice value)
{
    struct dname apex;
    struct zone_record record;
    enum err err = dname_from_key((const uint8_t *)key.p + 1, key.n - 1, &apex);
    if (err == ERR_OK)
        err = zone_record_decode(value, &record);
    if (err < 0)
        return ERR_FORMAT;
    fputs("zone ", dump->out);
    text_name(dump->out, &apex);
    fprintf(dump->out, " serial %u definition %016" PRIx64 "\n", record.serial, record.digest);
    return ERR_OK;
}

/* The store's head. A store without one, just created, has nothing to dump. */
static enum err
print_head(struct dump *dump, bool beat, const char *path, struct errmsg *msg)
{
    struct store_key key;
    struct slice value;
    struct store_meta meta;
    int64_t beat_s;
    store_key_meta(&key);
    enum err err = kv_get(dump->txn, store_key_slice(&key), &value);
    if (err == ERR_OK)
        err = store_meta_decode(value, &meta);
    if (err == ERR_OK && !store_format_known(meta.format))
        return errmsg_set(msg, ERR_FORMAT, "%s: a store of format %u, this version reads format %d",
            path, meta.format, STORE_FORMAT);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    fprintf(dump->out, "store format %u serial %u publishes %" PRIu64 "\n", meta.format,
        meta.serial, meta.publishes);
    store_key_beat(&key);
    if (!beat || kv_get(dump->txn, store_key_slice(&key), &value) < 0)
        return ERR_OK;
    err = store_beat_decode(value, &beat_s);
    if (err < 0)
        return err;
    fputs("beat ", dump->out);
    text_time(dump->out, beat_s);
    fputc('\n', dump->out);
    return ERR_OK;
}

enum err
dump_answers(FILE *out, const struct conf *conf, bool beat, struct errmsg *msg)
{
    const uint8_t catalog = STORE_CATALOG, zones = STORE_ZONE;
    struct dump dump = {.out = out};
    struct kv *kv = NULL;
    struct errmsg why = {""};
    enum err err = kv_open(conf->answers_path, &(struct kv_options){.read_only = true}, &kv, &why);
    if (err == ERR_OK)
        err = kv_begin(kv, false, &dump.txn, &why);
    if (err == ERR_OK)
        err = print_head(&dump, beat, conf->answers_path, &why);
    if (err == ERR_OK)
        err = for_prefix(&dump, slice_of(&zones, 1), zone_record);
    if (err == ERR_OK)
        err = for_prefix(&dump, slice_of(&catalog, 1), dataset_record);
    kv_abort(&dump.txn);
    kv_close(&kv);
    if (err < 0 && why.text[0] == '\0')
        (void)errmsg_set(
            &why, err, "%s: %s; delete it and run repdns-load", conf->answers_path, err_text(err));
    return err < 0 ? errmsg_set(msg, err, "%s", why.text) : ERR_OK;
}

static enum err
dump_set(FILE *out, const struct publish_set *set)
{
    struct dump dump = {.out = out};
    enum err err = ERR_OK;
    strcpy(dump.dataset.name, set->info.name);
    for (size_t i = 0; i < set->count && err == ERR_OK; i++) {
        struct ipset_entry range;
        if (publish_has_ranges(set)) {
            range = publish_range(set, i);
            err = each_range(&dump, &(struct ipset_hit){range.value, range.range});
        } else if (set->names != NULL) {
            err = each_name(&dump, &set->names[i]);
        } else {
            dump_record(out, set->info.name, &set->rrs[i]);
        }
    }
    flush_range(&dump);
    if (set->authority != NULL)
        dump_authority(out, set->info.name, set->authority);
    return err;
}

/* Sections of a combined list first. */
static enum err
dump_list(FILE *out, const struct list_set *list)
{
    size_t count;
    const struct publish_set *parts = lists_parts(list, &count);
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        fprintf(out, "section %s %s\n", parts[i].info.name,
            list_type_info(lists_part_type(list, i))->name);
        err = dump_set(out, &parts[i]);
    }
    return err < 0 ? err : dump_set(out, lists_set(list));
}

/* What the operator says, and ever said. */
static enum err
dump_words(FILE *out, const struct conf *conf, struct errmsg *msg)
{
    static const struct {
        const char *label;
        bool journal;
    } tables[] = {{"word", false}, {"journal", true}};
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && err == ERR_OK; i++) {
        struct words words;
        err = tables[i].journal ? words_read_journal(conf, &words, msg)
                                : words_read(conf, 0, &words, msg);
        for (size_t k = 0; k < words.count && err == ERR_OK; k++) {
            fprintf(out, "%s ", tables[i].label);
            word_print(out, &words.items[k]);
        }
        words_free(&words);
    }
    return err;
}

/* By what they come to, flattened: lines of the form that a served list has in dump_answers. */
enum err
dump_lists(FILE *out, const struct conf *conf, struct errmsg *msg)
{
    enum err err = ERR_OK;
    for (unsigned i = 0; i < conf->list_count && err == ERR_OK; i++) {
        const struct list_source *source = &conf->lists[i];
        struct list_set *list = NULL;
        err = lists_flatten(conf, source, &list, msg);
        if (err < 0 && err != ERR_NOTFOUND)
            return err;
        fprintf(out, "list %s %s %s%s\n", source->name, list_type_info(source->type)->name,
            source->role == LIST_ALLOW ? "allow" : "block",
            err == ERR_NOTFOUND ? " never imported" : "");
        err = err == ERR_NOTFOUND ? ERR_OK : dump_list(out, list);
        lists_free(&list);
    }
    return err == ERR_OK ? dump_words(out, conf, msg) : err;
}

enum exit_code
tool_dump(const struct tool *tool, struct errmsg *msg)
{
    const char *what = tool->arg_count > 0 ? tool->args[0] : "answers";
    if (tool->as != NULL)
        return dump_list_as(tool, tool->arg_count > 0 ? tool->args[0] : NULL, msg);
    if (strcmp(what, "answers") == 0)
        return tool_exit(dump_answers(tool->out, tool->conf, tool->beat, msg));
    if (strcmp(what, "history") == 0)
        return tool_exit(dump_history(tool->out, tool->conf, msg));
    if (strcmp(what, "lists") == 0)
        return tool_exit(dump_lists(tool->out, tool->conf, msg));
    (void)errmsg_set(
        msg, ERR_SYNTAX, "there is no store \"%s\"; use answers, history or lists", what);
    return EXIT_USAGE;
}
