/*
 * Figures of the packed address store: publishes so many random single IPv4 addresses with one
 * value into a new store and prints, a line each,
 *
 *   bytes an address     pages of the store that are not free x their size / entries
 *   look-up              CPU time of ipset_lookup, and of mdb_get in a database that has the same
 *                        addresses as keys of 4 bytes; in turn, medians; half of them are listed
 *   one changed line     bytes written, the change published as any other
 *   random updates       bytes an address after UPDATES of them in PUBLISHES transactions
 *   full replacement     by another random set: bytes an address
 *
 * With a size goes the file's, as a multiple of that after the fresh import.
 *
 *   addrstore DIR ENTRIES [SEED]
 */
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "loader/publish.h"
#include "zones/be.h"

enum { ROUNDS = 5, LOOKUPS = 400000, UPDATES = 1000, PUBLISHES = 10 };

static const uint8_t value[] = {'L', 127, 0, 0, 2};

struct bench {
    char answers[4096], plain[4096];
    struct conf conf;
    uint64_t random;
    size_t count;
    uint32_t *addrs; /* sorted, distinct */
    struct ipset_entry *entries;
    int64_t now_s;
    double fresh_size; /* of the file */
};

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "addrstore: %s: %s\n", what, why);
    exit(1);
}

static void
check(enum err err, const char *what)
{
    if (err < 0)
        die(what, err_text(err));
}

/* splitmix64 */
static uint64_t
draw(struct bench *bench)
{
    uint64_t z = bench->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static size_t
sort_distinct(uint32_t *addrs, size_t count)
{
    size_t n = 0;
    qsort(addrs, count, sizeof *addrs, by_number);
    for (size_t i = 0; i < count; i++)
        if (n == 0 || addrs[n - 1] != addrs[i])
            addrs[n++] = addrs[i];
    return n;
}

/* Replaces the addresses from kept on by random ones. */
static void
draw_addrs(struct bench *bench, size_t kept)
{
    while (kept < bench->count) {
        for (size_t i = kept; i < bench->count; i++)
            bench->addrs[i] = (uint32_t)draw(bench);
        kept = sort_distinct(bench->addrs, bench->count);
    }
}

static void
publish_addrs(struct bench *bench)
{
    struct publish_result result;
    struct errmsg msg;
    struct publish_set set = {.info = {.name = "list", .kind = DATASET_ADDR},
        .addrs = bench->entries,
        .count = bench->count};
    for (size_t i = 0; i < bench->count; i++) {
        struct ip ip = ip_from_v4(bench->addrs[i]);
        bench->entries[i] = (struct ipset_entry){{ip, ip}, slice_of(value, sizeof value)};
    }
    if (publish(&bench->conf, &set, 1, bench->now_s++, true, &result, &msg) < 0)
        die("publish", msg.text);
}

/* Bytes that this process gave to write and its like. */
static uint64_t
written(void)
{
    char line[128];
    uint64_t bytes = 0;
    FILE *file = fopen("/proc/self/io", "re");
    if (file == NULL)
        die("/proc/self/io", "not readable");
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "wchar: %" SCNu64, &bytes) == 1)
            break;
    (void)fclose(file);
    return bytes;
}

/* Bytes of the pages that hold something: LMDB's own too. */
static uint64_t
bytes_in_use(const char *path)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_envinfo info;
    MDB_stat stat;
    MDB_val key, pages;
    uint64_t free_pages = 0;
    const MDB_dbi free_dbi = 0; /* LMDB's own record of its free pages */
    if (mdb_env_create(&env) != 0 ||
        mdb_env_open(env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOTLS, 0) != 0 ||
        mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0 || mdb_env_info(env, &info) != 0 ||
        mdb_env_stat(env, &stat) != 0 || mdb_cursor_open(txn, free_dbi, &cursor) != 0)
        die(path, "not readable");
    while (mdb_cursor_get(cursor, &key, &pages, MDB_NEXT) == 0) {
        size_t n;
        memcpy(&n, pages.mv_data, sizeof n);
        free_pages += n;
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return (info.me_last_pgno + 1 - free_pages) * stat.ms_psize;
}

static void
print_size(struct bench *bench, const char *what)
{
    uint64_t bytes = bytes_in_use(bench->answers);
    struct stat st;
    if (stat(bench->answers, &st) != 0)
        die(bench->answers, "cannot be looked at");
    if (bench->fresh_size == 0)
        bench->fresh_size = (double)st.st_size;
    printf("%s: %.3f bytes an address, %" PRIu64 " in use, the file %.2f times the fresh one\n",
        what, (double)bytes / (double)bench->count, bytes, (double)st.st_size / bench->fresh_size);
    (void)fflush(stdout);
}

static void
write_plain(struct bench *bench)
{
    struct kv *kv;
    struct kv_txn *txn;
    check(kv_open(bench->plain, &(struct kv_options){.create = true}, &kv, NULL), bench->plain);
    check(kv_begin(kv, true, &txn, NULL), bench->plain);
    for (size_t i = 0; i < bench->count; i++) {
        uint8_t key[4];
        (void)be_put(key, bench->addrs[i], 4);
        (void)kv_put(txn, slice_of(key, 4), slice_of(NULL, 0));
    }
    check(kv_commit(&txn, NULL), bench->plain);
    kv_close(&kv);
}

static double
cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int
by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
time_packed(struct kvread *reader, const uint32_t *asked, size_t *hits)
{
    double start = cpu_ns();
    for (size_t i = 0; i < LOOKUPS; i++) {
        struct ip ip = ip_from_v4(asked[i]);
        struct ipset_hit hit;
        *hits += ipset_lookup(reader, 1, &ip, &hit) == ERR_OK;
    }
    return (cpu_ns() - start) / LOOKUPS;
}

static double
time_plain(struct kvread *reader, const uint32_t *asked, size_t *hits)
{
    double start = cpu_ns();
    for (size_t i = 0; i < LOOKUPS; i++) {
        uint8_t key[4];
        struct slice found;
        (void)be_put(key, asked[i], 4);
        *hits += kvread_get(reader, slice_of(key, 4), &found) == ERR_OK;
    }
    return (cpu_ns() - start) / LOOKUPS;
}

static void
time_lookups(struct bench *bench)
{
    struct kvread *packed, *plain;
    double packed_ns[ROUNDS], plain_ns[ROUNDS];
    size_t packed_hits = 0, plain_hits = 0;
    uint32_t *asked = calloc(LOOKUPS, sizeof *asked);
    if (asked == NULL)
        die("memory", "none left");
    write_plain(bench);
    for (size_t i = 0; i < LOOKUPS; i++)
        asked[i] = i % 2 == 0 ? bench->addrs[draw(bench) % bench->count] : (uint32_t)draw(bench);
    check(kvread_open(bench->answers, &packed, NULL), bench->answers);
    check(kvread_open(bench->plain, &plain, NULL), bench->plain);
    /* The first round, which brings the pages in, does not count. */
    for (int i = -1; i < ROUNDS; i++) {
        int at = i < 0 ? 0 : i;
        packed_ns[at] = time_packed(packed, asked, &packed_hits);
        plain_ns[at] = time_plain(plain, asked, &plain_hits);
    }
    kvread_close(&packed);
    kvread_close(&plain);
    free(asked);
    if (packed_hits != plain_hits)
        die("look-ups", "the two stores differ");
    qsort(packed_ns, ROUNDS, sizeof *packed_ns, by_time);
    qsort(plain_ns, ROUNDS, sizeof *plain_ns, by_time);
    printf("look-up: %.0f ns packed, %.0f ns plain LMDB, %.2f times\n", packed_ns[ROUNDS / 2],
        plain_ns[ROUNDS / 2], packed_ns[ROUNDS / 2] / plain_ns[ROUNDS / 2]);
    (void)fflush(stdout);
}

/* Takes so many random addresses out, and as many new ones in. */
static void
change(struct bench *bench, size_t changes)
{
    for (size_t i = 0; i < changes; i++)
        bench->addrs[draw(bench) % bench->count] = (uint32_t)draw(bench);
    draw_addrs(bench, sort_distinct(bench->addrs, bench->count));
}

static void
print_changes(struct bench *bench)
{
    uint64_t before;
    bench->addrs[draw(bench) % bench->count] ^= 1;
    draw_addrs(bench, sort_distinct(bench->addrs, bench->count));
    before = written();
    publish_addrs(bench);
    printf("one changed line: %" PRIu64 " bytes written\n", written() - before);
    for (int i = 0; i < PUBLISHES; i++) {
        /* One taken out and one put in are two updates. */
        change(bench, UPDATES / PUBLISHES / 2);
        publish_addrs(bench);
    }
    print_size(bench, "after 1000 random updates");
    draw_addrs(bench, 0);
    publish_addrs(bench);
    print_size(bench, "after a full replacement");
}

int
main(int argc, char **argv)
{
    struct bench bench = {.now_s = 1000000000};
    static struct zone_def zone;
    double start = cpu_ns();
    if (argc < 3) {
        fputs("usage: addrstore DIR ENTRIES [SEED]\n", stderr);
        return 2;
    }
    (void)snprintf(bench.answers, sizeof bench.answers, "%s/answers.mdb", argv[1]);
    (void)snprintf(bench.plain, sizeof bench.plain, "%s/plain.mdb", argv[1]);
    bench.count = strtoul(argv[2], NULL, 10);
    bench.random = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    if (bench.count == 0 || bench.count > 1000000000)
        die("ENTRIES", "a number from 1 to 1000000000");
    bench.conf.answers_path = bench.answers;
    bench.conf.zones = &zone;
    bench.conf.zone_count = 1;
    check(dname_parse("list.test", 9, &zone.apex), "dname_parse");
    bench.addrs = calloc(bench.count, sizeof *bench.addrs);
    bench.entries = calloc(bench.count, sizeof *bench.entries);
    if (bench.addrs == NULL || bench.entries == NULL)
        die("memory", "not enough for so many entries");
    draw_addrs(&bench, 0);
    start = cpu_ns();
    publish_addrs(&bench);
    printf("publish: %.3f s of CPU\n", (cpu_ns() - start) / 1e9);
    print_size(&bench, "fresh import");
    time_lookups(&bench);
    print_changes(&bench);
    free(bench.addrs);
    free(bench.entries);
    return 0;
}
