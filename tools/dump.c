/* repdns dump: answers.mdb, the lists, and which store is dumped; see tools.h. */
#include <string.h>

#include "loader/lists.h"
#include "loader/word.h"
#include "tools/dumpline.h"
#include "tools/tools.h"
#include "zones/ipset.h"
#include "zones/kv.h"
#include "zones/nameset.h"
#include "zones/pairset.h"
#include "zones/store.h"

/* What the walk over one store works with. */
struct dump {
    struct dumpline *line;
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
    dumpline_begin_of(dump->line, "address", dump->dataset.name);
    dumpline_range(dump->line, &dump->range);
    dumpline_value(dump->line, dump->value);
    dumpline_end(dump->line);
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
    char text[2 + DNAME_TEXT_SIZE];
    size_t n = strlen(wild);
    memcpy(text, wild, n);
    (void)dname_format(name, text + n);
    dumpline_begin_of(dump->line, "name", dump->dataset.name);
    dumpline_string(dump->line, BARE, "name", text);
    dumpline_flag(dump->line, "excluded", "excluded", slot->kind == NAMESET_SLOT_EXCLUDED);
    if (slot->kind != NAMESET_SLOT_EXCLUDED)
        dumpline_value(dump->line, slot->value);
    dumpline_end(dump->line);
}

static enum err
each_name(void *ctx, const struct nameset_entry *entry)
{
    struct dump *dump = ctx;
    if (dump->dataset.kind == DATASET_PAIR)
        return dump_policy_of(dump->line, dump->dataset.name, entry);
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
pair_record(struct dump *dump, struct slice key, struct slice value)
{
    return dump_pairs_of(dump->line, dump->dataset.name, key, value);
}

static enum err
policy_table(struct dump *dump, struct slice key, struct slice value)
{
    return dump_table_of(dump->line, dump->dataset.name, key, value);
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
    dumpline_begin_of(dump->line, "evidence", dump->dataset.name);
    if (is_ip)
        dumpline_ip(dump->line, BARE, "address", &ip);
    else
        dumpline_name(dump->line, BARE, "name", &name);
    dumpline_time(dump->line, NAMED, "since", evidence.since_s);
    dumpline_quoted(dump->line, BARE, "detail", evidence.detail);
    dumpline_end(dump->line);
    return ERR_OK;
}

static enum err
rr_record(struct dump *dump, struct slice key, struct slice value)
{
    return dump_record_of(dump->line, dump->dataset.name, key, value);
}

static enum err
authority_record(struct dump *dump, struct slice key, struct slice value)
{
    (void)key;
    return dump_authority_of(dump->line, dump->dataset.name, value);
}

static enum err
combined_record(struct dump *dump, struct slice key, struct slice value)
{
    (void)key;
    return dump_combined_of(dump->line, dump->dataset.name, value);
}

static void
print_dataset(struct dump *dump)
{
    const struct dataset *dataset = &dump->dataset;
    struct dumpline *line = dump->line;
    dumpline_begin_of(dump->line, "dataset", dump->dataset.name);
    dumpline_string(line, BARE, "kind", dataset_kind_text(dataset->kind));
    dumpline_count(line, NAMED, "entries", dataset->entries);
    dumpline_count(line, NAMED, "serial", dataset->serial);
    dumpline_time(line, NAMED, "built", dataset->built_s);
    dumpline_time(line, NAMED, "expires", dataset->expires_s);
    dumpline_count(line, NAMED, "max_age", dataset->max_age_s);
    dumpline_count(line, NAMED, "ttl", dataset->ttl_s);
    dumpline_end(line);
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
    print_dataset(dump);
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
    dumpline_begin(dump->line, "zone");
    dumpline_name(dump->line, BARE, "zone", &apex);
    dumpline_count(dump->line, NAMED, "serial", record.serial);
    dumpline_hex(dump->line, NAMED, "definition", 16, record.digest);
    dumpline_end(dump->line);
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
    dumpline_begin(dump->line, "store");
    dumpline_count(dump->line, NAMED, "format", meta.format);
    dumpline_count(dump->line, NAMED, "serial", meta.serial);
    dumpline_count(dump->line, NAMED, "publishes", meta.publishes);
    dumpline_end(dump->line);
    store_key_beat(&key);
    if (!beat || kv_get(dump->txn, store_key_slice(&key), &value) < 0)
        return ERR_OK;
    err = store_beat_decode(value, &beat_s);
    if (err < 0)
        return err;
    dumpline_begin(dump->line, "beat");
    dumpline_time(dump->line, BARE, "beat", beat_s);
    dumpline_end(dump->line);
    return ERR_OK;
}

enum err
dump_answers(struct dumpline *line, const struct conf *conf, bool beat, struct errmsg *msg)
{
    const uint8_t catalog = STORE_CATALOG, zones = STORE_ZONE;
    struct dump dump = {.line = line};
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
dump_set(struct dumpline *line, const struct publish_set *set)
{
    struct dump dump = {.line = line};
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
            dump_record(line, set->info.name, &set->rrs[i]);
        }
    }
    flush_range(&dump);
    if (set->authority != NULL)
        dump_authority(line, set->info.name, set->authority);
    return err;
}

/* Sections of a combined list first. */
static enum err
dump_list(struct dumpline *line, const struct list_set *list)
{
    size_t count;
    const struct publish_set *parts = lists_parts(list, &count);
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        dumpline_begin(line, "section");
        dumpline_string(line, BARE, "dataset", parts[i].info.name);
        dumpline_string(line, BARE, "type", list_type_info(lists_part_type(list, i))->name);
        dumpline_end(line);
        err = dump_set(line, &parts[i]);
    }
    return err < 0 ? err : dump_set(line, lists_set(list));
}

static void
print_word(struct dumpline *line, const char *kind, const struct word *word)
{
    char subject[WORD_SUBJECT_SIZE];
    word_subject_format(&word->subject, subject);
    dumpline_begin(line, kind);
    dumpline_string(line, BARE, "word", word_verb_name(word->verb));
    dumpline_string(line, BARE, "subject", subject);
    dumpline_time(line, NAMED, "since", word->since_s);
    dumpline_time(line, NAMED, "until", word->expires_s);
    dumpline_quoted(line, NAMED, "by", slice_of(word->by, strlen(word->by)));
    dumpline_quoted(line, NAMED, "note", slice_of(word->note, strlen(word->note)));
    dumpline_end(line);
}

/* What the operator says, and ever said. */
static enum err
dump_words(struct dumpline *line, const struct conf *conf, struct errmsg *msg)
{
    static const struct {
        const char *kind;
        bool journal;
    } tables[] = {{"word", false}, {"journal", true}};
    enum err err = ERR_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && err == ERR_OK; i++) {
        struct words words;
        err = tables[i].journal ? words_read_journal(conf, &words, msg)
                                : words_read(conf, 0, &words, msg);
        for (size_t k = 0; k < words.count && err == ERR_OK; k++)
            print_word(line, tables[i].kind, &words.items[k]);
        words_free(&words);
    }
    return err;
}

/* By what they come to, flattened: lines of the form that a served list has in dump_answers. */
enum err
dump_lists(struct dumpline *line, const struct conf *conf, struct errmsg *msg)
{
    enum err err = ERR_OK;
    for (unsigned i = 0; i < conf->list_count && err == ERR_OK; i++) {
        const struct list_source *source = &conf->lists[i];
        struct list_set *list = NULL;
        err = lists_flatten(conf, source, &list, msg);
        if (err < 0 && err != ERR_NOTFOUND)
            return err;
        dumpline_begin(line, "list");
        dumpline_string(line, BARE, "list", source->name);
        dumpline_string(line, BARE, "type", list_type_info(source->type)->name);
        dumpline_string(line, BARE, "role", source->role == LIST_ALLOW ? "allow" : "block");
        dumpline_flag(line, "never_imported", "never imported", err == ERR_NOTFOUND);
        dumpline_end(line);
        err = err == ERR_NOTFOUND ? ERR_OK : dump_list(line, list);
        lists_free(&list);
    }
    return err == ERR_OK ? dump_words(line, conf, msg) : err;
}

enum exit_code
tool_dump(const struct tool *tool, struct errmsg *msg)
{
    const char *what = tool->arg_count > 0 ? tool->args[0] : "answers";
    struct dumpline line = {.out = tool->out, .json = tool->json};
    enum err err;
    if (tool->as != NULL && tool->json) {
        (void)errmsg_set(msg, ERR_SYNTAX, "--json is for a store; a list's form is --as json");
        return EXIT_USAGE;
    }
    if (tool->as != NULL)
        return dump_list_as(tool, tool->arg_count > 0 ? tool->args[0] : NULL, msg);
    if (strcmp(what, "answers") == 0) {
        err = dump_answers(&line, tool->conf, tool->beat, msg);
    } else if (strcmp(what, "history") == 0) {
        err = dump_history(&line, tool->conf, msg);
    } else if (strcmp(what, "lists") == 0) {
        err = dump_lists(&line, tool->conf, msg);
    } else {
        (void)errmsg_set(
            msg, ERR_SYNTAX, "there is no store \"%s\"; use answers, history or lists", what);
        return EXIT_USAGE;
    }
    if (err == ERR_OK && line.err < 0)
        err = errmsg_set(msg, line.err, "out of memory");
    return tool_exit(err);
}
