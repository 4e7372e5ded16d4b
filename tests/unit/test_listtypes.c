/*
 * Lists that are no sets: access lists (acl) against a model, several lists in one (combined), and
 * dumps of all. Their lines are in test_listlines.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/random.h"

#include "loader/listcollect.h"
#include "loader/lists.h"
#include "tools/tools.h"
#include "zones/combined.h"

#define NOW INT64_C(1780272000) /* 2026-06-01 */

enum { MOST = 12 };

/* The longest prefix of the address' own family, of equal ones the first. */
static struct slice
model_client(const struct listfile_entry *entries, const struct slice *values, size_t count,
    const struct ip *ip)
{
    unsigned best = 0;
    struct slice found = slice_of(NULL, 0);
    for (size_t i = 0; i < count; i++) {
        const struct range *range = &entries[i].range;
        bool v4 = ip_is4(&range->first) && ip_is4(&range->last);
        unsigned len = 1;
        for (unsigned at = 0; at < 128; at++)
            len += ((range->first.b[at / 8] ^ range->last.b[at / 8]) >> (7 - at % 8) & 1) == 0;
        if (v4 == ip_is4(ip) && ip_cmp(&range->first, ip) <= 0 && ip_cmp(ip, &range->last) <= 0 &&
            len > best) {
            best = len;
            found = values[i];
        }
    }
    return found;
}

static struct ip
random_ip(uint32_t *seed)
{
    struct ip ip = {{0}};
    static const uint8_t bytes[] = {0, 0xff, 0x80, 1};
    if (next_random(seed) % 2 == 0)
        return ip_from_v4((next_random(seed) % 4) << 30 | next_random(seed) % 4);
    ip.b[next_random(seed) % 16] = bytes[next_random(seed) % 4];
    if (next_random(seed) % 2 == 0)
        memset(ip.b + 10, 0xff, 2);
    ip.b[0] |= (uint8_t)(next_random(seed) % 2);
    return ip;
}

static void
clients_like_a_model(void **state)
{
    static const uint8_t bytes[4][5] = {
        {'L', 0, 0, 0, 1}, {'L', 0, 0, 0, 2}, {'L', 0, 0, 0, 4}, {'L', 127, 0, 0, 2}};
    uint32_t seed = 3;
    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        struct listflat_arena arena = {0};
        struct list_collect collect;
        struct list_flat flat;
        struct listfile_entry entries[MOST] = {0};
        struct slice values[MOST];
        size_t count = next_random(&seed) % MOST;
        assert_int_equal(listcollect_init(&collect, LIST_ACL, &arena), ERR_OK);
        for (size_t i = 0; i < count; i++) {
            struct ip ip = random_ip(&seed);
            struct prefix prefix =
                prefix_of(&ip, next_random(&seed) % (ip_bits(ip_family(&ip)) + 1));
            entries[i].range = (struct range){prefix.addr, prefix.addr};
            for (unsigned at = 128 - ip_bits(ip_family(&ip)) + prefix.len; at < 128; at++)
                entries[i].range.last.b[at / 8] |= (uint8_t)(0x80 >> at % 8);
            values[i] = slice_of(bytes[next_random(&seed) % 4], 5);
            assert_int_equal(listcollect_add(&collect, &entries[i], values[i]), ERR_OK);
        }
        assert_int_equal(listcollect_flatten(&collect, &flat), ERR_OK);
        for (size_t i = 1; i < flat.count; i++)
            assert_true(ip_cmp(&flat.addrs[i - 1].range.last, &flat.addrs[i].range.first) < 0);
        for (unsigned k = 0; k < 60; k++) {
            struct ip ip = random_ip(&seed);
            struct slice got = slice_of(NULL, 0);
            for (size_t i = 0; i < flat.count; i++)
                if (ip_cmp(&flat.addrs[i].range.first, &ip) <= 0 &&
                    ip_cmp(&ip, &flat.addrs[i].range.last) <= 0)
                    got = flat.addrs[i].value;
            assert_int_equal(slice_cmp(got, model_client(entries, values, count, &ip)), 0);
        }
        listcollect_free_flat(&flat);
        listcollect_free(&collect);
        listflat_free(&arena);
    }
}

static struct dname
name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
    return name;
}

static void
sub_zones(void **state)
{
    static const struct combined_zone zones[] = {{.zone = {7, "\1b\3c.d"}, .count = 1, .ids = {7}},
        {.zone = {3, "\1a"}, .count = 2, .ids = {258, 3}},
        {.zone = {1, ""}, .count = 1, .ids = {9}}};
    uint8_t bytes[3 * COMBINED_ZONE_SIZE];
    struct combined_hit hit;
    size_t n = 0;
    (void)state;
    for (size_t i = 0; i < 3; i++)
        n += combined_encode(&zones[i], bytes + n);
    struct slice all = slice_of(bytes, n);
    struct dname name = name_of("x.y.a");
    assert_int_equal(combined_find(all, &name, &hit), ERR_OK);
    assert_int_equal(hit.count, 2);
    assert_int_equal(hit.ids[0], 258);
    assert_int_equal(hit.ids[1], 3);
    name = name_of("x.y");
    assert_true(dname_equal(&hit.relative, &name));
    name = name_of("a");
    assert_int_equal(combined_find(all, &name, &hit), ERR_OK);
    assert_int_equal(hit.relative.len, 1);
    name = name_of("q.b.c\\.d");
    assert_int_equal(combined_find(all, &name, &hit), ERR_OK);
    assert_int_equal(hit.ids[0], 7);
    name = name_of("xa");
    assert_int_equal(combined_find(all, &name, &hit), ERR_OK);
    assert_int_equal(hit.ids[0], 9);
    assert_true(dname_equal(&hit.relative, &name));
    name = name_of(".");
    assert_int_equal(combined_find(all, &name, &hit), ERR_OK);
    assert_int_equal(hit.ids[0], 9);
    /* Without the zone itself, and cut anywhere. */
    name = name_of("zz");
    assert_int_equal(combined_find(slice_of(bytes, n - 4), &name, &hit), ERR_NOTFOUND);
    assert_int_equal(combined_find(slice_of(bytes, 0), &name, &hit), ERR_NOTFOUND);
    for (size_t cut = 1; cut < n; cut++)
        if (cut != 10 && cut != n - 4)
            assert_int_equal(combined_find(slice_of(bytes, cut), &name, &hit), ERR_FORMAT);
    bytes[7] = 0;
    assert_int_equal(combined_find(all, &name, &hit), ERR_FORMAT);
    bytes[7] = COMBINED_PARTS_MAX + 1;
    assert_int_equal(combined_find(all, &name, &hit), ERR_FORMAT);
}

/* A list with two files, imported, published and dumped. */
struct fixture {
    struct conf conf;
    struct list_source sources[2];
    char dir[32], paths[5][64], *files[2], *more[1];
    struct zone_def zone;
    char dataset[1][DATASET_NAME_SIZE];
    struct list_stats stats;
    bool changed;
    struct errmsg msg;
    char *text;
};

static int
setup(void **state)
{
    static const char *const names[] = {"one", "two", "three", "lists.mdb", "answers.mdb"};
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    strcpy(f->dir, "/tmp/repdns-types-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    for (size_t i = 0; i < 5; i++)
        (void)snprintf(f->paths[i], sizeof f->paths[i], "%s/%s", f->dir, names[i]);
    f->files[0] = f->paths[0];
    f->files[1] = f->paths[1];
    f->more[0] = f->paths[2];
    strcpy(f->sources[0].name, "list");
    strcpy(f->sources[1].name, "copy");
    f->sources[0].files = f->files;
    f->sources[0].file_count = 1;
    f->sources[1].files = f->more;
    f->sources[1].file_count = 1;
    f->conf.lists_path = f->paths[3];
    f->conf.answers_path = f->paths[4];
    f->conf.lists = f->sources;
    f->conf.list_count = 2;
    strcpy(f->dataset[0], "list");
    f->zone.apex = name_of("z.test");
    f->zone.datasets = f->dataset;
    f->zone.dataset_count = 1;
    f->zone.ttl_s = 1234;
    f->zone.authority_data = true;
    f->conf.zones = &f->zone;
    f->conf.zone_count = 1;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < 5; i++) {
        char lock[80];
        (void)snprintf(lock, sizeof lock, "%s-lock", f->paths[i]);
        (void)unlink(f->paths[i]);
        (void)unlink(lock);
    }
    (void)rmdir(f->dir);
    free(f->text);
    free(f);
    return 0;
}

static void
write_file(const char *path, const char *text)
{
    char other[80];
    (void)snprintf(other, sizeof other, "%s.new", path);
    FILE *out = fopen(other, "wb");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(rename(other, path), 0);
}

static enum err
import(struct fixture *f, unsigned which, enum list_type type, const char *text)
{
    write_file(f->sources[which].files[0], text);
    f->sources[which].type = type;
    return lists_import(&f->conf, &f->sources[which], NOW, &f->changed, &f->stats, &f->msg);
}

static const char *
dump(struct fixture *f, const char *what, const char *form)
{
    char copy[32], *args[] = {copy};
    size_t size;
    (void)snprintf(copy, sizeof copy, "%s", what);
    free(f->text);
    f->text = NULL;
    struct tool tool = {.conf = &f->conf,
        .now_s = NOW,
        .out = open_memstream(&f->text, &size),
        .as = form,
        .arg_count = 1,
        .args = args};
    assert_non_null(tool.out);
    f->msg.text[0] = '\0';
    enum exit_code code = tool_dump(&tool, &f->msg);
    assert_int_equal(fclose(tool.out), 0);
    if (code != EXIT_DONE)
        fail_msg("%s", f->msg.text);
    return f->text;
}

static void
publish_all(struct fixture *f, bool keep)
{
    struct list_set *set;
    struct publish_set sets[8];
    struct publish_result result;
    size_t count;
    if (lists_flatten(&f->conf, &f->sources[0], &set, &f->msg) < 0)
        fail_msg("%s", f->msg.text);
    const struct publish_set *parts = lists_parts(set, &count);
    if (count > 0)
        memcpy(sets, parts, count * sizeof *sets);
    sets[count] = *lists_set(set);
    if (keep) {
        sets[0] = (struct publish_set){.keep = true};
        strcpy(sets[0].info.name, "list");
        count = 0;
    }
    if (publish(&f->conf, sets, count + 1, NOW, false, &result, &f->msg) < 0)
        fail_msg("%s", f->msg.text);
    f->changed = result.changed;
    lists_free(&set);
}

static const char combined_lines[] = "$SOA 0 ns.x root.x 0 1h 1h 1h 5m\n"
                                     "$1 one\n"
                                     "$TTL 300\n"
                                     "$DATASET ip4set:label a b.c @ ; a note\n"
                                     ":5:$1 $2\n"
                                     "1.2.3.4\n"
                                     "$2 two\n"
                                     "$DATASET dnset d a a\n"
                                     "$TTL 7\n"
                                     "x.y own $2\n"
                                     "$NS 1d ns.x\n"
                                     "$DATASET generic g\n"
                                     "@ A 1.1.1.1\n"
                                     "$TIMESTAMP 0 2030:01:01\n"
                                     "q MX 5 m\n"
                                     "q MX 5 m\n"
                                     "$DATASET ip6trie\n"
                                     "::/0\n";

static void
combined_is_several(void **state)
{
    struct fixture *f = *state;
    if (import(f, 0, LIST_COMBINED, combined_lines) < 0)
        fail_msg("%s", f->msg.text);
    assert_int_equal(f->stats.entries, 6);
    assert_int_equal(f->stats.warnings, 1); /* the section without a sub-zone */
    struct list_set *set;
    assert_int_equal(lists_flatten(&f->conf, &f->sources[0], &set, &f->msg), ERR_OK);
    size_t count;
    const struct publish_set *parts = lists_parts(set, &count);
    assert_int_equal(count, 4);
    assert_string_equal(parts[1].info.name, "list#2");
    assert_int_equal(parts[0].info.ttl_s, 300);
    assert_int_equal(parts[1].info.ttl_s, 7);
    assert_int_equal(parts[2].rrs[0].rr.ttl_s, 300);
    assert_int_equal(parts[2].count, 2);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(parts[i].info.expires_s, INT64_C(1893456000));
    const struct publish_set *whole = lists_set(set);
    assert_int_equal(whole->info.kind, DATASET_COMBINED);
    assert_int_equal(whole->zone_count, 5);
    assert_int_equal(dname_labels(&whole->zones[0].zone), 2);
    assert_int_equal(whole->zones[4].zone.len, 1);
    assert_non_null(whole->authority);
    assert_int_equal(whole->authority->soa.ttl_s, 1234); /* the zone's */
    assert_true(whole->authority->serial > 1600000000);  /* the file's time */
    assert_int_equal(whole->authority->ns_count, 1);
    assert_int_equal(lists_entries(set), 6);
    lists_free(&set);
    assert_non_null(
        strstr(dump(f, "lists", NULL), "address list#1 1.2.3.4 127.0.0.5 \"one two\"\n"));
    assert_non_null(strstr(dump(f, "lists", NULL), "name list#2 x.y 127.0.0.2 \"own $$2\"\n"));
}

static void
combined_may_fail(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"1.2.3.4\n$DATASET ip4set a\n", "before the first $DATASET"},
        {":5:x\n", "before the first $DATASET"},
        {"$DATASET\n", "no type of a section"},
        {"$DATASET # ip4set\n", "no type of a section"},
        {"$DATASET acl a\n", "no type of a section"},
        {"$DATASET combined a\n", "no type of a section"},
        {"$DATASET IP4SET a\n", "no type of a section"},
        {"$DATASET ip4set0123456789012345 a\n", "no type of a section"},
        {"# a note\n\n$TTL 5\n#$dataset ip4set a\n1.2.3.4\n", NULL},
        {"$DATASET ip4set x\\256 @\n1.2.3.4\n", NULL},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum err err = import(f, 0, LIST_COMBINED, cases[i].text);
        assert_int_equal(err < 0, cases[i].why != NULL);
        if (err < 0 && strstr(f->msg.text, cases[i].why) == NULL)
            fail_msg("%s", f->msg.text);
    }
    char many[100 * 20] = "";
    for (unsigned i = 0; i < 100; i++)
        strcat(many, "$DATASET dnset @\n");
    assert_int_equal(import(f, 0, LIST_COMBINED, many), ERR_REFUSED);
    many[99 * strlen("$DATASET dnset @\n")] = '\0';
    assert_int_equal(import(f, 0, LIST_COMBINED, many), ERR_OK);
    /* A section ends with its file, but for a directive. */
    f->sources[0].file_count = 2;
    write_file(f->paths[1], "b\n");
    assert_int_equal(import(f, 0, LIST_COMBINED, "$DATASET dnset @\na\n"), ERR_REFUSED);
    write_file(f->paths[1], "$TTL 5\nb\n");
    assert_int_equal(import(f, 0, LIST_COMBINED, "$DATASET dnset @\na\n"), ERR_OK);
    assert_non_null(strstr(dump(f, "lists", NULL), "name list#1 b 127.0.0.2\n"));
}

/* The type may change; what is not there any more leaves nothing. */
static void
sections_come_and_go(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(import(f, 0, LIST_COMBINED, combined_lines), ERR_OK);
    publish_all(f, false);
    const char *text = dump(f, "answers", NULL);
    assert_non_null(strstr(text, "dataset list combined entries 0 serial 1780272000"));
    assert_non_null(strstr(text, "sub-zone list a ids 1 2\n"));
    assert_non_null(strstr(text, "record list#3 q ttl 300 MX 5 m.\n"));
    assert_non_null(strstr(text, "soa list ttl 1234 ns.x root.x "));
    publish_all(f, false);
    assert_false(f->changed);
    /* Kept with its sections. */
    publish_all(f, true);
    assert_false(f->changed);
    /* A change in a section is one of the list. */
    assert_int_equal(
        import(f, 0, LIST_COMBINED, "$SOA 1 a b 9 1 1 1 1\n$DATASET ip4set @\n1.2.3.5\n"), ERR_OK);
    publish_all(f, false);
    text = dump(f, "answers", NULL);
    assert_non_null(strstr(text, "dataset list combined entries 0 serial 1780272001"));
    assert_null(strstr(text, "list#2"));
    assert_int_equal(
        import(f, 0, LIST_COMBINED, "$SOA 1 a b 9 1 1 1 1\n$DATASET ip4set @\n1.2.3.6\n"), ERR_OK);
    publish_all(f, false);
    assert_non_null(
        strstr(dump(f, "answers", NULL), "dataset list combined entries 0 serial 1780272002"));
    assert_int_equal(import(f, 0, LIST_ACL, "1.2.3.4\n"), ERR_OK);
    publish_all(f, false);
    text = dump(f, "answers", NULL);
    assert_null(strstr(text, "list#"));
    assert_null(strstr(text, "sub-zone"));
    assert_null(strstr(text, "soa"));
    assert_non_null(strstr(text, "address list 1.2.3.4 0.0.0.1\n"));
    assert_int_equal(import(f, 0, LIST_GENERIC, "a A 1.1.1.1\nb A 2.2.2.2\na A 1.1.1.2\n"), ERR_OK);
    publish_all(f, false);
    text = dump(f, "answers", NULL);
    assert_null(strstr(text, "address list"));
    assert_non_null(strstr(
        text, "record list a ttl 0 A 1.1.1.1\nrecord list a ttl 0 A 1.1.1.2\nrecord list b "));
}

static void
dumps_come_back(void **state)
{
    static const struct {
        enum list_type type;
        const char *lines;
    } cases[] = {
        {LIST_GENERIC,
            "\\@ A 1\n@ TXT \" blanks \"\n\\35x.y 5 MX 1 .\n$SOA 5 a b 7 1 1 1 1\nz TXT \"\"\"\n"},
        {LIST_ACL, ":refuse\n1.2/16\n1.2.3.4 :pass\n::/0 =empty\n2001:db8::/33 :5:x $\n$NS 1 a\n"},
        {LIST_ACL, "0/0 :5:first\n9.9.9.9 :ignore\n"},
        {LIST_COMBINED, combined_lines},
        {LIST_COMBINED, ""},
        {LIST_DNSET, "$NS 5 \\-a b\n$SOA 1 . . 1 1 1 1 1\nx\n"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (import(f, 0, cases[i].type, cases[i].lines) < 0)
            fail_msg("%s", f->msg.text);
        char *first = strdup(dump(f, "list", "rbldnsd"));
        assert_non_null(first);
        if (import(f, 1, cases[i].type, first) < 0)
            fail_msg("%s: %s", first, f->msg.text);
        assert_true(cases[i].type == LIST_COMBINED || f->stats.warnings == 0);
        if (strcmp(dump(f, "copy", "rbldnsd"), first) != 0)
            fail_msg("dumped:\n%s\nand again:\n%s", first, f->text);
        free(first);
        (void)dump(f, "list", "json");
        if (cases[i].type != LIST_ACL)
            (void)dump(f, "list", "bind");
    }
}

/* A source that a version without $SOA wrote is read again. */
static void
old_sources_are_read_again(void **state)
{
    struct fixture *f = *state;
    struct kv *kv;
    struct kv_txn *txn;
    struct liststore_source source;
    struct liststore_key key;
    struct slice value;
    assert_int_equal(import(f, 0, LIST_DNSET, "$NS 1 ns.x\nx\n"), ERR_OK);
    assert_int_equal(kv_open(f->conf.lists_path, &(struct kv_options){0}, &kv, &f->msg), ERR_OK);
    assert_int_equal(kv_begin(kv, true, &txn, &f->msg), ERR_OK);
    liststore_key_source(&key, "list");
    assert_int_equal(kv_get(txn, liststore_slice(&key), &value), ERR_OK);
    assert_int_equal(liststore_decode(value, &source), ERR_OK);
    assert_true(source.authority.n > 0);
    uint8_t old[512] = {1};
    memcpy(old + 1, (const uint8_t *)value.p + 1, 19);
    memcpy(old + 20, source.files.p, source.files.n);
    (void)kv_put(txn, liststore_slice(&key), slice_of(old, 20 + source.files.n));
    assert_int_equal(kv_commit(&txn, &f->msg), ERR_OK);
    kv_close(&kv);
    publish_all(f, false); /* it is good as it is */
    assert_null(strstr(dump(f, "answers", NULL), "ns list"));
    assert_int_equal(
        lists_import(&f->conf, &f->sources[0], NOW, &f->changed, &f->stats, &f->msg), ERR_OK);
    assert_true(f->changed);
    publish_all(f, false);
    assert_non_null(strstr(dump(f, "answers", NULL), "ns list ttl 1 ns.x\n"));
    assert_int_equal(
        lists_import(&f->conf, &f->sources[0], NOW, &f->changed, &f->stats, &f->msg), ERR_OK);
    assert_false(f->changed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_like_a_model),
        cmocka_unit_test(sub_zones),
        cmocka_unit_test_setup_teardown(combined_is_several, setup, teardown),
        cmocka_unit_test_setup_teardown(combined_may_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(sections_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(dumps_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(old_sources_are_read_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
