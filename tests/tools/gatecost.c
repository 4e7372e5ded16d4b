/*
 * What the gate costs: processor time of whole answers in process, without it, with rate limits,
 * and with rate limits and a good cookie, in turn.
 *
 *   gatecost CONF [ROUNDS]
 *
 * Asks the store of the configuration for addresses of its zone "ip", each another one, from
 * clients of many networks; public must be set. Prints nanoseconds an answer, the median of the
 * rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "server/gate.h"
#include "zones/wire.h"

enum { ROUNDS = 9, ROUNDS_MOST = 99, COUNT = 300000, QUERY_MAX = 160, KINDS = 3 };
#define NOW INT64_C(1780300000)

struct world {
    struct conf *conf;
    struct view_table *views;
    struct snapshot *snapshot;
    struct gate_common common;
    struct gate *gate;
    struct dname zone;
};

static size_t
make_query(const struct world *world, uint32_t number, const uint8_t *cookie, uint8_t *packet)
{
    const struct ip ip = ip_from_v4(number * 2654435761U);
    char text[IP_REVERSE_SIZE];
    struct dname left, name;
    struct wire_out out = wire_out_of(packet, QUERY_MAX);
    if (dname_parse(text, ip_reverse(&ip, text), &left) < 0 ||
        dname_join(&left, &world->zone, &name) < 0)
        return 0;
    wire_put(&out, "\0\1\1\0\0\1\0\0\0\0\0", 11);
    wire_put_u8(&out, cookie != NULL);
    wire_put(&out, name.b, name.len);
    wire_put_u32(&out, 0x00010001);
    if (cookie != NULL) {
        wire_put(&out, "\0\0\x29\4\xd0\0\0\0\0\0\x1c\0\x0a\0\x18", 15);
        wire_put(&out, cookie, COOKIE_SIZE);
    }
    return out.n;
}

/* kind: 0 without a gate, 1 with it, 2 with a cookie. */
static double
run(const struct world *world, unsigned kind)
{
    struct timespec begin, end;
    uint8_t packet[QUERY_MAX], reply[ANSWER_UDP_MAX];
    uint64_t spent = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        struct request request = {.packet = packet,
            .client = ip_from_v4(0xcb000000 | (i * 40503U & 0xffff00)),
            .gate = kind == 0 ? NULL : world->gate};
        struct answer_note note;
        struct query query = {.options = slice_of("\0\x0a\0\x08\1\2\3\4\5\6\7\10", 12)};
        if (kind == 2)
            (void)cookie_take(&world->gate->cookies, &request.client, NOW, &query);
        request.len = make_query(world, i, kind == 2 ? query.cookie.bytes : NULL, packet);
        (void)clock_gettime(CLOCK_MONOTONIC, &begin);
        (void)answer(world->views, world->snapshot, &request, NOW, reply, sizeof reply, &note);
        (void)clock_gettime(CLOCK_MONOTONIC, &end);
        int64_t ns =
            (end.tv_sec - begin.tv_sec) * INT64_C(1000000000) + end.tv_nsec - begin.tv_nsec;
        spent += ns < 20000 ? (uint64_t)ns : 0; /* not while another process ran */
    }
    return (double)spent / COUNT;
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
    static const char *const names[KINDS] = {"no gate", "gate", "gate and cookie"};
    static double ns[KINDS][ROUNDS_MOST];
    struct world world = {.conf = NULL};
    struct errmsg msg = {"usage: gatecost CONF [ROUNDS]"};
    int rounds = argc > 2 ? atoi(argv[2]) : ROUNDS;
    if (argc < 2 || rounds < 1 || rounds > ROUNDS_MOST ||
        conf_load(argv[1], &world.conf, &msg) < 0 || view_table_new(world.conf, &world.views) < 0 ||
        snapshot_open(world.views, world.conf->answers_path, &world.snapshot, &msg) < 0 ||
        gate_common_init(&world.common, world.conf, NOW, &msg) < 0 ||
        gate_new(world.conf, &world.common, &world.gate, &msg) < 0 ||
        dname_join(&(struct dname){4, "\2ip"}, &world.conf->base, &world.zone) < 0) {
        fprintf(stderr, "gatecost: %s\n", msg.text);
        return 1;
    }
    snapshot_renew(world.snapshot);
    for (int round = 0; round < rounds; round++)
        for (unsigned kind = 0; kind < KINDS; kind++)
            ns[kind][round] = run(&world, kind);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        qsort(ns[kind], (size_t)rounds, sizeof ns[kind][0], by_size);
        printf("%-16s %6.0f ns\n", names[kind], ns[kind][rounds / 2]);
    }
    snapshot_release(world.snapshot);
    snapshot_close(&world.snapshot);
    view_table_free(&world.views);
    gate_free(&world.gate);
    gate_common_free(&world.common);
    conf_free(&world.conf);
    return 0;
}
