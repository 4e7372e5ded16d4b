/* What would change; see judgediff.h. */
#include "loader/judgediff.h"

#include <string.h>

#include "loader/jsonline.h"
#include "loader/output.h"
#include "loader/previous.h"

enum change { CHANGE_NEW, CHANGE_GONE, CHANGE_OTHER, CHANGES };
static const struct {
    char sign;
    const char *name;
} changes[] = {
    [CHANGE_NEW] = {'+', "new"}, [CHANGE_GONE] = {'-', "gone"}, [CHANGE_OTHER] = {'~', "other"}};

struct diff {
    FILE *out;
    bool json;
    struct kvread *served; /* NULL: nothing */
    const struct publish_set *set;
    uint64_t counts[CHANGES];
};

/* One change of a subject: addresses that are a prefix, or a name if that is not NULL. */
struct line {
    enum change change;
    const struct range *range;
    const struct dname *name;
    struct reason_set reasons; /* of what is gone, those that it had */
    struct reason_set before;  /* of CHANGE_OTHER */
    const char *detail;        /* the evidence; NULL of what is gone */
};

static struct reason_set
reasons_of(struct slice value)
{
    struct reason_set reasons = {0};
    struct value_element element;
    while (value_next(&value, &element) == ERR_OK)
        if (!element.literal)
            reasons = reasons_union(reasons, element.reasons);
    return reasons;
}

static void
format_prefix(const struct range *range, char out[PREFIX_TEXT_SIZE])
{
    struct prefix prefix;
    (void)range_prefix(range, &prefix);
    prefix_format(&prefix, out);
}

static void
print_text(const struct diff *diff, const struct line *line)
{
    char subject[DNAME_TEXT_SIZE], text[512];
    if (line->name != NULL)
        (void)dname_format(line->name, subject);
    else
        format_prefix(line->range, subject);
    reasons_format(line->reasons, text, sizeof text);
    fprintf(
        diff->out, "%c %s %s %s", changes[line->change].sign, diff->set->info.name, subject, text);
    if (line->change == CHANGE_OTHER) {
        reasons_format(line->before, text, sizeof text);
        fprintf(diff->out, " was %s", text);
    }
    if (line->detail != NULL) {
        fputs(" for ", diff->out);
        output_quoted(diff->out, slice_of(line->detail, strlen(line->detail)));
    }
    fputc('\n', diff->out);
}

static enum err
print_line(struct diff *diff, const struct line *line)
{
    diff->counts[line->change]++;
    if (!diff->json) {
        print_text(diff, line);
        return ERR_OK;
    }
    char prefix[PREFIX_TEXT_SIZE] = "";
    if (line->name == NULL)
        format_prefix(line->range, prefix);
    const struct jsonline_member members[] = {{"change", json_string(changes[line->change].name)},
        {"dataset", jsonline_string(diff->set->info.name)},
        {"subject", line->name != NULL ? jsonline_name(line->name) : jsonline_string(prefix)},
        {"reasons", jsonline_reasons(line->reasons)},
        {"before", line->change == CHANGE_OTHER ? jsonline_reasons(line->before) : json_null()},
        {"because", line->detail != NULL ? jsonline_string(line->detail) : json_null()}};
    return jsonline_print_members(diff->out, members, sizeof members / sizeof *members);
}

static enum err
print_wanted(struct diff *diff, const struct evidence_entry *evidence, const struct range *range,
    struct reason_set wanted, struct reason_set before)
{
    const struct line line = {.change = reasons_empty(before) ? CHANGE_NEW : CHANGE_OTHER,
        .range = range,
        .name = evidence->is_ip ? NULL : &evidence->name,
        .reasons = wanted,
        .before = before,
        .detail = evidence->detail};
    return wanted.bits == before.bits ? ERR_OK : print_line(diff, &line);
}

/* Judged sets have evidence for each entry, in the entries' order. */
static enum err
print_set(struct diff *diff)
{
    const struct publish_set *set = diff->set;
    enum err err = ERR_OK;
    for (size_t i = 0; i < set->count && i < set->evidence_count && err == ERR_OK; i++) {
        const struct evidence_entry *evidence = &set->evidence[i];
        struct slice value = evidence->is_ip ? set->addrs[i].value : set->names[i].exact.value;
        const struct range *range = evidence->is_ip ? &set->addrs[i].range : NULL;
        struct previous before;
        err = evidence->is_ip
                  ? previous_ip(diff->served, set->info.name, &evidence->ip, &before)
                  : previous_name(diff->served, set->info.name, &evidence->name, &before);
        if (err == ERR_OK)
            err = print_wanted(diff, evidence, range, reasons_of(value), before.reasons);
    }
    return err;
}

/* Served entries, addresses and IPv6 networks, that the set lacks. */
static enum err
on_range(void *ctx, const struct ipset_hit *entry)
{
    struct diff *diff = ctx;
    const struct range *range = &entry->range;
    size_t at = publish_find(diff->set, &range->first);
    if (at < diff->set->count && ip_cmp(&diff->set->addrs[at].range.first, &range->last) <= 0)
        return ERR_OK; /* it, or a part of it, or what it is a part of now */
    const struct line line = {
        .change = CHANGE_GONE, .range = range, .reasons = reasons_of(entry->value)};
    return print_line(diff, &line);
}

static bool
has_name(const struct publish_set *set, const struct dname *name)
{
    uint8_t wanted[DNAME_KEY_MAX], key[DNAME_KEY_MAX];
    struct slice want = slice_of(wanted, dname_key(name, wanted));
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_cmp(slice_of(key, dname_key(&set->names[middle].name, key)), want);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static enum err
on_name(void *ctx, const struct nameset_entry *entry)
{
    struct diff *diff = ctx;
    if (has_name(diff->set, &entry->name))
        return ERR_OK;
    const struct line line = {
        .change = CHANGE_GONE, .name = &entry->name, .reasons = reasons_of(entry->exact.value)};
    return print_line(diff, &line);
}

static enum err
print_gone(struct diff *diff)
{
    struct dataset dataset;
    struct store_key prefix;
    struct slice key, value;
    bool addrs = diff->set->info.kind == DATASET_ADDR;
    enum err err = previous_dataset(diff->served, diff->set->info.name, &dataset);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    store_key_init(&prefix, addrs ? STORE_ADDR : STORE_NAME, dataset.id, 0);
    prefix.n--; /* of whatever family */
    err = kvread_seek(diff->served, store_key_slice(&prefix), &key, &value);
    while (err == ERR_OK && key.n > prefix.n && memcmp(key.p, prefix.b, prefix.n) == 0) {
        err = addrs ? ipset_block_each(key, value, on_range, diff)
                    : nameset_block_each(key, value, on_name, diff);
        if (err == ERR_OK)
            err = kvread_next(diff->served, &key, &value);
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
print_counts(const struct diff *diff)
{
    if (diff->json) {
        json_t *object = json_object();
        for (size_t i = 0; i < CHANGES; i++)
            jsonline_set(&object, changes[i].name, jsonline_count(diff->counts[i]));
        return jsonline_print(diff->out, object);
    }
    fprintf(diff->out, "%llu anew, %llu no more, %llu with other reasons; nothing was written\n",
        (unsigned long long)diff->counts[CHANGE_NEW], (unsigned long long)diff->counts[CHANGE_GONE],
        (unsigned long long)diff->counts[CHANGE_OTHER]);
    return ERR_OK;
}

enum err
judgediff_print(FILE *out, const struct conf *conf, const struct publish_set *sets, size_t count,
    bool json, struct errmsg *msg)
{
    struct diff diff = {.out = out, .json = json};
    enum err err = kvread_open(conf->answers_path, &diff.served, msg);
    if (err < 0 && err != ERR_NOTFOUND)
        return err;
    err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        diff.set = &sets[i];
        if (sets[i].evidence == NULL)
            continue;
        err = print_set(&diff);
        if (err == ERR_OK && diff.served != NULL)
            err = print_gone(&diff);
    }
    kvread_close(&diff.served);
    if (err < 0)
        return errmsg_set(msg, err, "%s: %s", conf->answers_path, err_text(err));
    err = print_counts(&diff);
    return err < 0 ? errmsg_set(msg, err, "out of memory") : ERR_OK;
}
