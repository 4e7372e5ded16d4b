/*
 * Lists as they are served against a naive model, over random lists of every type.
 *
 *   listcompare [--cases N] [--seed S] [--type NAME]
 *
 * Each list is written as a file, imported, flattened and published over the one before, and looked
 * up in the store as repdnsd does it: N look-ups (100000) of each type, at the borders of every
 * entry and at random. What the model (listcompare_model.h) says is right. Ends at the first
 * difference with exit code 1 and prints the list without the lines that do not matter. A seed
 * gives the same run everywhere.
 *
 * combined: sections of all types in one list, each looked up by itself.
 */
#include <getopt.h>
#include <inttypes.h>
#include <unistd.h>

#include "loader/lists.h"
#include "loader/liststore.h"
#include "tests/tools/listcompare_model.h"

#define NOW INT64_C(1780272000) /* 2026-06-01 */
enum {
    SECTIONS_MAX = 3,
    LONG_EVERY = 50, /* a long list comes once in so many */
    LOOKUPS_MAX = 3000,
    RANDOM = 24
};

struct totals {
    unsigned long lists, cases, listed, many, excluded;
};

struct run {
    struct maker maker;
    char dir[64], answers[96], lists[96], paths[2][96];
    char *files[2];
    struct conf conf;
    struct list_source source;
    struct section sections[SECTIONS_MAX];
    size_t section_count;
    struct kvread *reader;
    struct errmsg msg;
    unsigned long wanted;
    struct totals totals;
    char told[sizeof(struct errmsg)];
};

/* ---- The store ---- */

static bool
tell(struct run *run, const char *what)
{
    (void)snprintf(run->told, sizeof run->told, "%s", what);
    return false;
}

static bool
same_value(struct run *run, const struct answer *want, bool listed, struct slice value)
{
    bool wanted = want->listed && !want->excluded;
    if (listed != wanted)
        return tell(run, wanted ? "should be listed" : "should not be listed");
    return !listed || slice_cmp(value, want->value) == 0 || tell(run, "has another value");
}

static bool
look_up_address(
    struct run *run, const struct section *section, const struct ip *ip, const struct answer *want)
{
    struct ipset_hit hit = {.value = slice_of(NULL, 0)};
    enum err err = ipset_lookup(run->reader, section->id, ip, &hit);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return tell(run, err_text(err));
    if (err == ERR_OK && (ip_cmp(&hit.range.first, ip) > 0 || ip_cmp(&hit.range.last, ip) < 0))
        return tell(run, "is found in a range without it");
    return same_value(run, want, err == ERR_OK, hit.value);
}

static bool
look_up_name(struct run *run, const struct section *section, const struct dname *name,
    const struct answer *want)
{
    struct nameset_hit hit;
    enum err err = nameset_lookup(run->reader, section->id, name, &hit);
    if (err < 0)
        return tell(run, err_text(err));
    bool listed = hit.match == NAMESET_EXACT || hit.match == NAMESET_WILD;
    if (!same_value(run, want, listed, hit.value))
        return false;
    if ((hit.match == NAMESET_EXCLUDED) != want->excluded)
        return tell(run, "is excluded for one and not for the other");
    if (hit.exists != want->exists)
        return tell(run, want->exists ? "should exist" : "should not exist");
    struct dname matched;
    dname_strip(name, hit.above, &matched);
    return !listed || dname_equal(&matched, &want->matched) ||
           tell(run, "is matched by another entry");
}

static bool
look_up_records(
    struct run *run, const struct section *section, const struct dname *name, struct answer *want)
{
    struct recordset_hit hit;
    struct recordset_rr rr;
    enum err err = recordset_lookup(run->reader, section->id, name, &hit);
    if (err < 0)
        return tell(run, err_text(err));
    for (size_t i = 0; i < section->count; i++) {
        const struct line *line = &section->lines[i];
        bool repeated = false;
        if (!line->counts)
            continue;
        want->exists = want->exists || dname_under(&line->name, name);
        if (!dname_equal(&line->name, name))
            continue;
        want->listed = true;
        for (size_t k = 0; k < i && !repeated; k++) {
            const struct line *before = &section->lines[k];
            repeated = before->counts && dname_equal(&before->name, name) &&
                       before->rr_type == line->rr_type && before->rr_n == line->rr_n &&
                       memcmp(before->rr, line->rr, line->rr_n) == 0;
        }
        if (repeated)
            continue;
        if (recordset_next(&hit.rrs, &rr) != ERR_OK)
            return tell(run, "has too few records");
        if (rr.type != line->rr_type || rr.ttl_s != line->rr_ttl_s ||
            slice_cmp(rr.rdata, slice_of(line->rr, line->rr_n)) != 0)
            return tell(run, "has another record");
    }
    if (recordset_next(&hit.rrs, &rr) != ERR_NOTFOUND)
        return tell(run, "has too many records");
    return hit.exists == want->exists || tell(run, "exists for one and not for the other");
}

/* True if store and model agree. */
static bool
compare(struct run *run, const struct section *section, const struct query *query)
{
    struct answer want = {.value = slice_of(NULL, 0)};
    enum list_holds holds = list_type_info(section->type)->holds;
    bool same;
    if (holds == LIST_HOLDS_RECORDS) {
        same = look_up_records(run, section, &query->name, &want);
    } else if (holds == LIST_HOLDS_NAMES) {
        ask_names(section, &query->name, &want);
        same = look_up_name(run, section, &query->name, &want);
    } else {
        ask_addresses(section, &query->ip, &want);
        same = look_up_address(run, section, &query->ip, &want);
    }
    run->totals.cases++;
    run->totals.listed += want.listed && !want.excluded;
    run->totals.excluded += want.excluded;
    struct value_element element;
    struct slice rest = want.value;
    run->totals.many += !want.excluded && value_next(&rest, &element) == ERR_OK && rest.n > 0;
    return same;
}

/* ---- Import and publish ---- */

static void
write_files(struct run *run)
{
    bool combined = run->source.type == LIST_COMBINED;
    char other[128];
    unsigned file = 0;
    run->source.file_count = 1;
    (void)snprintf(other, sizeof other, "%s/new", run->dir);
    FILE *out = fopen(other, "w");
    for (size_t s = 0; out != NULL && s < run->section_count; s++) {
        const struct section *section = &run->sections[s];
        if (combined)
            fprintf(out, "$DATASET %s s%zu\n", list_type_info(section->type)->name, s);
        for (size_t i = 0; out != NULL && i < section->count; i++) {
            const struct line *line = &section->lines[i];
            if (line->hidden)
                continue;
            /* At most two files: what follows stays in the second. */
            if (line->kind == LINE_FILE && file == 0) {
                if (fclose(out) != 0 || rename(other, run->paths[file++]) != 0)
                    die("a list cannot be written");
                out = fopen(other, "w");
                run->source.file_count = 2;
            } else if (line->kind != LINE_FILE) {
                fprintf(out, "%s\n", line->text);
            }
        }
    }
    /* Renamed, so that the inode changes even within a clock tick. */
    if (out == NULL || fclose(out) != 0 || rename(other, run->paths[file]) != 0)
        die("a list cannot be written");
}

static uint16_t
dataset_id(struct run *run, const char *name)
{
    struct store_key key;
    struct slice value;
    struct dataset dataset;
    store_key_dataset(&key, name);
    if (kvread_get(run->reader, store_key_slice(&key), &value) != ERR_OK ||
        dataset_decode(store_key_slice(&key), value, &dataset) != ERR_OK)
        die("a published list is not in the catalog");
    return dataset.id;
}

static bool
publish_list(struct run *run, const struct list_set *list)
{
    struct publish_set sets[SECTIONS_MAX + 1];
    struct publish_result result;
    size_t parts;
    const struct publish_set *part = lists_parts(list, &parts);
    if (parts > 0)
        memcpy(sets, part, parts * sizeof *sets);
    sets[parts] = *lists_set(list);
    return publish(&run->conf, sets, parts + 1, NOW, true, &result, &run->msg) == ERR_OK ||
           tell(run, run->msg.text);
}

/* From the lines to a reader of the store; false: what went wrong is told. */
static bool
serve(struct run *run)
{
    struct list_stats stats;
    struct list_set *list;
    bool changed;
    kvread_close(&run->reader);
    write_files(run);
    run->source.host_bits = run->maker.host_bits;
    for (size_t s = 0; s < run->section_count; s++)
        work_out(&run->sections[s], run->maker.host_bits);
    if (lists_import(&run->conf, &run->source, NOW, &changed, &stats, &run->msg) < 0 ||
        lists_flatten(&run->conf, &run->source, &list, &run->msg) < 0)
        return tell(run, run->msg.text);
    bool published = publish_list(run, list);
    lists_free(&list);
    if (!published)
        return false;
    if (kvread_open(run->answers, &run->reader, &run->msg) < 0)
        return tell(run, run->msg.text);
    for (size_t s = 0; s < run->section_count; s++) {
        char name[DATASET_NAME_SIZE];
        if (run->source.type == LIST_COMBINED)
            liststore_part_name(run->source.name, s + 1, name);
        else
            memcpy(name, run->source.name, sizeof name);
        run->sections[s].id = dataset_id(run, name);
    }
    return true;
}

/* ---- Asking ---- */

/* Takes away all lines without which the difference is still there; prints the rest. */
static _Noreturn void
fail(struct run *run, const struct section *section, const struct query *query)
{
    char text[DNAME_TEXT_SIZE] = "import";
    enum list_holds holds = list_type_info(section->type)->holds;
    bool names = holds == LIST_HOLDS_NAMES || holds == LIST_HOLDS_RECORDS;
    if (query != NULL && names)
        (void)dname_format(&query->name, text);
    else if (query != NULL)
        ip_format(&query->ip, text);
    printf("listcompare: %s, list %lu%s: %s: %s\n", list_type_info(section->type)->name,
        run->totals.lists, run->maker.host_bits ? ", host bits allowed" : "", text, run->told);
    for (size_t s = 0; s < run->section_count; s++)
        for (size_t i = run->sections[s].count; i-- > 0;) {
            struct line *line = &run->sections[s].lines[i];
            line->hidden = true;
            bool served = serve(run);
            line->hidden = query == NULL ? !served : served && !compare(run, section, query);
        }
    for (size_t s = 0; s < run->section_count; s++) {
        printf("  %s\n", list_type_info(run->sections[s].type)->name);
        for (size_t i = 0; i < run->sections[s].count; i++) {
            const struct line *line = &run->sections[s].lines[i];
            if (!line->hidden)
                printf("    %s\n", line->kind == LINE_FILE ? "(the next file)" : line->text);
        }
    }
    exit(1);
}

static void
ask(struct run *run, const struct section *section, const struct query *query)
{
    if (!compare(run, section, query))
        fail(run, section, query);
}

/* Borders of an address's entry and what is beside them. */
static void
ask_borders(struct run *run, const struct section *section, const struct range *range)
{
    for (int k = 0; k < 6; k++) {
        struct query query = {.ip = beside(k < 3 ? &range->first : &range->last, k % 3 - 1)};
        bool v4_list = list_type_info(section->type)->holds == LIST_HOLDS_V4;
        if (!v4_list || ip_is4(&query.ip))
            ask(run, section, &query);
    }
}

/* A name, one below, and those above. */
static void
ask_around(struct run *run, const struct section *section, const struct dname *name)
{
    static const struct dname below = {.len = 3, .b = {1, 'b'}};
    struct query query = {.name = *name};
    ask(run, section, &query);
    if (dname_join(&below, name, &query.name) == ERR_OK)
        ask(run, section, &query);
    for (unsigned strip = 1; strip < dname_labels(name); strip++) {
        dname_strip(name, strip, &query.name);
        ask(run, section, &query);
    }
}

static void
ask_section(struct run *run, const struct section *section)
{
    struct maker *m = &run->maker;
    enum list_holds holds = list_type_info(section->type)->holds;
    bool names = holds == LIST_HOLDS_NAMES || holds == LIST_HOLDS_RECORDS;
    unsigned long end = run->totals.cases + LOOKUPS_MAX;
    /* Of a long list only some. */
    for (size_t i = draw(m, 8);
         i < section->count && run->totals.cases<end; i += section->count> 400 ? 1 + draw(m, 8)
                                                                               : 1) {
        const struct line *line = &section->lines[i];
        if (line->kind != LINE_ENTRY)
            continue;
        if (names)
            ask_around(run, section, &line->name);
        else
            ask_borders(run, section, &line->range);
    }
    for (unsigned i = 0; i < RANDOM; i++) {
        bool v6 = holds == LIST_HOLDS_V6 || (holds == LIST_HOLDS_CLIENTS && percent(m, 50));
        struct query query = {.ip = percent(m, 80) ? near_pool(m, v6) : pool_ip(m, percent(m, 50)),
            .name = percent(m, 3) ? (struct dname){.len = 1} : random_name(m, 6)};
        if (names ? query.name.len > 1 || section->type == LIST_GENERIC
                  : holds != LIST_HOLDS_V4 || ip_is4(&query.ip))
            ask(run, section, &query);
    }
}

static void
one_list(struct run *run, enum list_type type)
{
    static const enum list_type in_sections[] = {LIST_IP4SET, LIST_IP4TSET, LIST_IP4TRIE,
        LIST_IP6TSET, LIST_IP6TRIE, LIST_DNSET, LIST_GENERIC};
    struct maker *m = &run->maker;
    bool combined = type == LIST_COMBINED;
    run->totals.lists++;
    run->source.type = type;
    m->host_bits = percent(m, 40);
    run->section_count = combined ? 1 + draw(m, SECTIONS_MAX) : 1;
    for (size_t s = 0; s < run->section_count; s++) {
        struct section *section = &run->sections[s];
        size_t most = draw(m, LONG_EVERY) == 0 ? LINES_MAX : percent(m, 50) ? 12 : 80;
        section->type = combined ? PICK(m, in_sections) : type;
        section->count = make_lines(m, section->type, combined, most, section->lines);
    }
    if (!serve(run))
        fail(run, &run->sections[0], NULL);
    for (size_t s = 0; s < run->section_count; s++)
        ask_section(run, &run->sections[s]);
}

static void
one_type(struct run *run, enum list_type type, uint64_t seed)
{
    const struct totals *totals = &run->totals;
    run->maker.seed = seed;
    run->totals = (struct totals){0};
    (void)unlink(run->answers);
    (void)unlink(run->lists);
    while (totals->cases < run->wanted)
        one_list(run, type);
    double percents = totals->cases == 0 ? 0 : 100.0 / (double)totals->cases;
    printf("listcompare: %-8s seed %" PRIu64 ": %lu lists, %lu look-ups, %.0f %% listed, %.0f %% "
           "with several values, %.0f %% excluded, 0 differences\n",
        list_type_info(type)->name, seed, totals->lists, totals->cases,
        (double)totals->listed * percents, (double)totals->many * percents,
        (double)totals->excluded * percents);
    (void)fflush(stdout);
    kvread_close(&run->reader);
}

/* In memory where that is to be had. */
static void
begin(struct run *run)
{
    (void)snprintf(run->dir, sizeof run->dir, "%s/listcompare-XXXXXX",
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(run->dir) == NULL)
        die("no folder for the stores");
    (void)snprintf(run->answers, sizeof run->answers, "%s/answers.mdb", run->dir);
    (void)snprintf(run->lists, sizeof run->lists, "%s/lists.mdb", run->dir);
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(run->paths[i], sizeof run->paths[i], "%s/list%u", run->dir, i);
        run->files[i] = run->paths[i];
    }
    run->source = (struct list_source){.name = "mine", .files = run->files};
    run->conf = (struct conf){.answers_path = run->answers,
        .lists_path = run->lists,
        .lists = &run->source,
        .list_count = 1};
    for (unsigned i = 0; i < SECTIONS_MAX; i++) {
        run->sections[i].lines = calloc(LINES_MAX, sizeof *run->sections[i].lines);
        if (run->sections[i].lines == NULL)
            die("out of memory");
    }
}

static void
end(struct run *run)
{
    static const char *const names[] = {
        "answers.mdb", "answers.mdb-lock", "lists.mdb", "lists.mdb-lock", "list0", "list1", "new"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "%s/%s", run->dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(run->dir);
    for (unsigned i = 0; i < SECTIONS_MAX; i++)
        free(run->sections[i].lines);
}

int
main(int argc, char **argv)
{
    static const struct option longs[] = {{"cases", required_argument, NULL, 'c'},
        {"seed", required_argument, NULL, 's'}, {"type", required_argument, NULL, 't'}, {0}};
    static struct run run = {.wanted = 100000};
    enum list_type only = LIST_TYPE_COUNT;
    uint64_t seed = 1;
    int option;
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (option == 'c')
            run.wanted = strtoul(optarg, NULL, 10);
        else if (option == 's')
            seed = strtoull(optarg, NULL, 10);
        else if (option != 't' || !list_type_find(optarg, &only))
            die("usage: listcompare [--cases N] [--seed S] [--type NAME]");
    }
    begin(&run);
    for (unsigned type = 0; type < LIST_TYPE_COUNT; type++)
        if (only == LIST_TYPE_COUNT || type == only)
            one_type(&run, (enum list_type)type, seed);
    end(&run);
    return 0;
}
