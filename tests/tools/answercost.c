/*
 * What an answer costs: processor time of whole answers in process, with counters and the gate.
 *
 *   answercost CONF FILE [ROUNDS]
 *
 * Asks the store of the configuration for each name of FILE, one a line, "-" in front of one that
 * is to be asked for its TXT. Prints nanoseconds an answer, the median of the rounds, and how many
 * were listed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "server/gate.h"
#include "server/worker.h"
#include "zones/wire.h"

enum { ROUNDS = 9, ROUNDS_MOST = 99, COUNT_MOST = 65536, QUERY_MAX = 300, LINE_MAX_N = 1100 };
enum { CLIENTS = 0x0a000000, RESOLVERS = 20 };
#define NOW INT64_C(1780300000)

struct world {
    struct conf *conf;
    struct gate_common common;
    struct counter_slots slots;
    struct worker worker;
    /* Close together: a server's questions come from the processor's caches. */
    uint8_t packets[COUNT_MOST * (size_t)QUERY_MAX];
    size_t ends[COUNT_MOST], count;
};

static bool
read_questions(struct world *world, const char *path)
{
    char line[LINE_MAX_N];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t at = 0;
    while (world->count < COUNT_MOST && fgets(line, sizeof line, file) != NULL) {
        struct wire_out out = wire_out_of(world->packets + at, QUERY_MAX);
        bool text = line[0] == '-';
        struct dname name;
        if (dname_parse(line + text, strcspn(line, "\n") - text, &name) < 0)
            return fclose(file), false;
        wire_put(&out, "\0\1\1\0\0\1\0\0\0\0\0\0", 12);
        wire_put(&out, name.b, name.len);
        wire_put_u32(&out, text ? 0x00100001 : 0x00010001);
        world->ends[world->count++] = at += out.n;
    }
    return fclose(file) == 0 && world->count > 0;
}

static double
run(struct world *world, size_t *listed)
{
    struct timespec begin, end;
    uint8_t reply[ANSWER_UDP_MAX];
    struct worker *worker = &world->worker;
    *listed = 0;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (size_t i = 0; i < world->count; i++) {
        size_t at = i == 0 ? 0 : world->ends[i - 1];
        const struct request request = {.packet = world->packets + at,
            .len = world->ends[i] - at,
            .client = ip_from_v4(CLIENTS | (uint32_t)(i % RESOLVERS) << 8),
            .gate = worker->gate};
        struct answer_note note;
        size_t n =
            answer(worker->views, worker->snapshot, &request, NOW, reply, sizeof reply, &note);
        worker_note(worker, &request, &note, reply, n, NOW);
        *listed += note.listed;
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    return (double)((end.tv_sec - begin.tv_sec) * INT64_C(1000000000) + end.tv_nsec -
                    begin.tv_nsec) /
           (double)world->count;
}

static int
by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int
main(int argc, char **argv)
{
    static struct world world;
    double ns[ROUNDS_MOST];
    struct errmsg msg = {"usage: answercost CONF FILE [ROUNDS]"};
    int rounds = argc > 3 ? atoi(argv[3]) : ROUNDS;
    struct worker *worker = &world.worker;
    if (argc < 3 || rounds < 1 || rounds > ROUNDS_MOST ||
        conf_load(argv[1], &world.conf, &msg) < 0 ||
        view_table_new(world.conf, &worker->views) < 0 ||
        snapshot_open(worker->views, world.conf->answers_path, &worker->snapshot, &msg) < 0 ||
        gate_common_init(&world.common, world.conf, NOW, &msg) < 0 ||
        gate_new(world.conf, &world.common, &worker->gate, &msg) < 0 ||
        counters_map(1, world.conf->zone_count, &world.slots, &msg) < 0) {
        fprintf(stderr, "answercost: %s\n", msg.text);
        return 1;
    }
    if (!snapshot_ready(worker->snapshot)) {
        fprintf(stderr, "answercost: %s\n", snapshot_trouble(worker->snapshot));
        return 1;
    }
    worker->conf = world.conf;
    worker->counters = counters_slot(&world.slots, 0);
    if (!read_questions(&world, argv[2])) {
        fprintf(stderr, "answercost: no names in %s\n", argv[2]);
        return 1;
    }
    size_t listed;
    snapshot_renew(worker->snapshot);
    for (int round = 0; round < rounds; round++)
        ns[round] = run(&world, &listed);
    qsort(ns, (size_t)rounds, sizeof *ns, by_size);
    printf("%.0f ns, least %.0f; %zu of %zu listed\n", ns[rounds / 2], ns[0], listed, world.count);
    snapshot_release(worker->snapshot);
    snapshot_close(&worker->snapshot);
    view_table_free(&worker->views);
    gate_free(&worker->gate);
    gate_common_free(&world.common);
    counters_unmap(&world.slots);
    conf_free(&world.conf);
    return 0;
}
