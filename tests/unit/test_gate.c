/* The gate as the answer path has it: what is limited, what comes instead, and what the note says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/counters.h"
#include "server/gate.h"
#include "server/lookup.h"
#include "server/refusal.h"
#include "zones/wire.h"

#define NOW INT64_C(1780300000)

struct world {
    char dir[32], path[64];
    struct conf *conf;
    struct view_table *views;
    struct snapshot *snapshot;
    struct gate_common common;
    struct gate *gate;
    struct answer_note note;
    uint8_t reply[ANSWER_UDP_MAX];
    size_t reply_n;
};

static void
put_file(const struct world *world, const char *name, const char *text)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/%s", world->dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static enum err
load(struct world *world, const char *lines, struct errmsg *msg)
{
    char text[2048];
    (void)snprintf(text, sizeof text,
        "base = \"rep.example\"\nstate_dir = \"%s\"\npublic = yes\n%s\n", world->dir, lines);
    put_file(world, "conf", text);
    return conf_load(world->path, &world->conf, msg);
}

/* Without a store: what is asked of a zone is SERVFAIL, which is limited as anything else. */
static void
open_world(struct world *world, const char *lines)
{
    struct errmsg msg = {""};
    *world = (struct world){.dir = "/tmp/repdns-gate-XXXXXX"};
    assert_non_null(mkdtemp(world->dir));
    (void)snprintf(world->path, sizeof world->path, "%s/conf", world->dir);
    put_file(world, "keys", "good k3y-of-good-one on 0 0\n");
    if (load(world, lines, &msg) < 0 || view_table_new(world->conf, &world->views) < 0 ||
        snapshot_open(world->views, world->conf->answers_path, &world->snapshot, &msg) < 0 ||
        gate_common_init(&world->common, world->conf, NOW, &msg) < 0 ||
        gate_new(world->conf, &world->common, &world->gate, &msg) < 0)
        fail_msg("%s", msg.text);
}

static void
close_world(struct world *world)
{
    char path[96];
    gate_free(&world->gate);
    gate_common_free(&world->common);
    snapshot_close(&world->snapshot);
    view_table_free(&world->views);
    conf_free(&world->conf);
    (void)unlink(world->path);
    (void)snprintf(path, sizeof path, "%s/keys", world->dir);
    (void)unlink(path);
    assert_int_equal(rmdir(world->dir), 0);
}

/* A query, with the cookie if there is one. */
static void
ask(struct world *world, const char *name, const char *client, bool tcp, const uint8_t *cookie,
    size_t cookie_n)
{
    uint8_t packet[512];
    struct dname qname;
    struct wire_out out = wire_out_of(packet, sizeof packet);
    assert_int_equal(dname_parse(name, strlen(name), &qname), ERR_OK);
    wire_put(&out, "\0\1\1\0\0\1\0\0\0\0\0\1", 12);
    wire_put(&out, qname.b, qname.len);
    wire_put_u32(&out, 0x00010001);
    wire_put(&out, "\0\0\x29\4\xd0\0\0\0\0", 9);
    wire_put_u16(&out, (uint16_t)(cookie_n == 0 ? 0 : 4 + cookie_n));
    if (cookie_n > 0) {
        wire_put_u32(&out, (uint32_t)(0x000a0000 | cookie_n));
        wire_put(&out, cookie, cookie_n);
    }
    struct request request = {.packet = packet, .len = out.n, .tcp = tcp, .gate = world->gate};
    assert_int_equal(ip_parse(client, strlen(client), &request.client), ERR_OK);
    world->reply_n = answer(world->views, world->snapshot, &request, NOW, world->reply,
        sizeof world->reply, &world->note);
}

struct tally {
    unsigned full, slipped, dropped;
};

static struct tally
flood(struct world *world, const char *client, bool tcp, const uint8_t *cookie, size_t cookie_n)
{
    struct tally tally = {0};
    for (unsigned i = 0; i < 100; i++) {
        ask(world, "www.example.org", client, tcp, cookie, cookie_n);
        tally.full += world->reply_n > 0 && world->note.rate == RRL_SEND;
        tally.slipped += world->reply_n > 0 && world->note.rate == RRL_SLIP;
        tally.dropped += world->reply_n == 0;
    }
    return tally;
}

static void
limits(void **state)
{
    struct world world;
    (void)state;
    open_world(&world, "rate_limit { responses = 20  slip = 4 }");
    struct tally t = flood(&world, "203.0.113.7", false, NULL, 0);
    assert_int_equal(t.full, 20);
    assert_int_equal(t.slipped, 20);
    assert_int_equal(t.dropped, 60);
    /* Other clients, other names, and TCP are as before. */
    assert_int_equal(flood(&world, "203.0.114.7", false, NULL, 0).full, 20);
    assert_int_equal(flood(&world, "203.0.113.7", true, NULL, 0).full, 100);
    assert_int_equal(flood(&world, "10.0.0.1", false, NULL, 0).full, 100);
    ask(&world, "www2.example.org", "203.0.113.7", false, NULL, 0);
    assert_int_equal(world.note.rate, RRL_SEND);
    close_world(&world);
}

/* A slip has TC, no records and no error, so that a client asks again over TCP. */
static void
slipped_answers(void **state)
{
    struct world world;
    (void)state;
    open_world(&world, "rate_limit { responses = 1  slip = 1 }");
    ask(&world, "www.example.org", "203.0.113.7", false, NULL, 0);
    assert_int_equal(world.note.rcode, RCODE_REFUSED);
    ask(&world, "www.example.org", "203.0.113.7", false, NULL, 0);
    assert_int_equal(world.note.rate, RRL_SLIP);
    assert_int_equal(world.reply[2] & 2, 2);
    assert_memory_equal(world.reply + 3, "\0\0\1\0\0\0\0\0\1", 9);
    close_world(&world);
}

/* A cookie that the server gave lifts the limit, for the client that it was given. */
static void
cookies(void **state)
{
    static const uint8_t first[8] = "\1\2\3\4\5\6\7\10";
    struct world world;
    (void)state;
    open_world(&world, "rate_limit { responses = 5  slip = 1 }\ncookies { badcookie = yes }");
    ask(&world, "www.example.org", "203.0.113.7", false, first, sizeof first);
    assert_int_equal(world.note.cookie, COOKIE_CLIENT);
    uint8_t good[COOKIE_SIZE];
    assert_true(world.reply_n > COOKIE_SIZE + 6);
    memcpy(good, world.reply + world.reply_n - COOKIE_SIZE - 6, COOKIE_SIZE);
    assert_memory_equal(good, first, sizeof first);
    assert_int_equal(flood(&world, "203.0.113.7", false, good, sizeof good).full, 100);
    assert_int_equal(world.note.cookie, COOKIE_GOOD);
    struct tally t = flood(&world, "203.0.113.8", false, good, sizeof good);
    assert_in_range(t.full, 4, 5);
    assert_int_equal(world.note.cookie, COOKIE_BAD);
    /* BADCOOKIE, as the configuration wants it, with the cookie to use (RFC 7873 5.2.3). */
    assert_int_equal(world.note.rcode, RCODE_BADCOOKIE);
    assert_int_equal(world.note.truncated, false);
    ask(&world, "www.example.org", "203.0.113.7", false, NULL, 0);
    assert_int_equal(world.note.truncated, true);
    close_world(&world);
}

static void
defaults(void **state)
{
    static const struct {
        const char *lines;
        unsigned full;
    } cases[] = {{"", 50}, {"strict_rbldnsd = yes", 100},
        {"strict_rbldnsd = yes\nrate_limit { responses = 10 }", 10},
        {"rate_limit { responses = 0 }", 100}, {"rate_limit { log_only = yes }", 50}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        open_world(&world, cases[i].lines);
        struct tally t = flood(&world, "203.0.113.7", false, NULL, 0);
        assert_int_equal(t.full, cases[i].full);
        if (strstr(cases[i].lines, "log_only") != NULL)
            assert_int_equal(world.note.rate, RRL_NOTED);
        else
            assert_int_equal(t.full + t.slipped + t.dropped, 100);
        close_world(&world);
    }
}

/* Each outcome has its counter. */
static void
counters(void **state)
{
    static const struct {
        struct answer_note note;
        enum counter counter;
    } cases[] = {{{.wrong_kind = WRONG_ADDRESS}, COUNTER_WRONG_ADDRESS},
        {{.wrong_kind = WRONG_NAME}, COUNTER_WRONG_NAME},
        {{.wrong_kind = WRONG_COLON}, COUNTER_WRONG_COLON},
        {{.wrong_kind = WRONG_DOUBLED}, COUNTER_WRONG_DOUBLED},
        {{.wrong_kind = WRONG_DOUBLED}, COUNTER_WRONG_KIND},
        {{.refusal = REFUSAL_KEY_UNKNOWN}, COUNTER_KEY_UNKNOWN},
        {{.refusal = REFUSAL_KEY_OFF, .dropped = true}, COUNTER_KEY_OFF},
        {{.refusal = REFUSAL_QUOTA}, COUNTER_OVER_QUOTA},
        {{.cookie = COOKIE_CLIENT}, COUNTER_COOKIES}, {{.cookie = COOKIE_BAD}, COUNTER_COOKIES_BAD},
        {{.cookie = COOKIE_GOOD}, COUNTER_COOKIES_GOOD},
        {{.rate = RRL_DROP, .dropped = true}, COUNTER_RATE_DROPPED},
        {{.rate = RRL_SLIP}, COUNTER_RATE_SLIPPED}, {{.rate = RRL_NOTED}, COUNTER_RATE_NOTED},
        {{.rcode = RCODE_BADCOOKIE}, COUNTER_BADCOOKIE}};
    const struct request request = {.len = 10};
    struct counter_slots slots;
    struct errmsg msg;
    (void)state;
    assert_int_equal(counters_map(1, 0, &slots, &msg), ERR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct counters *slot = counters_slot(&slots, 0);
        uint64_t before = slot->of[cases[i].counter];
        counters_note(slot, &cases[i].note, 0, &request, 10);
        assert_int_equal(slot->of[cases[i].counter], before + 1);
    }
    counters_unmap(&slots);
}

/* Where a key is, is noted however the query ends, so that no log shows it. */
static void
keys_in_notes(void **state)
{
    struct world world;
    char lines[256];
    (void)state;
    open_world(&world, "");
    char dir[sizeof world.dir];
    strcpy(dir, world.dir);
    (void)snprintf(
        lines, sizeof lines, "zone \"ip\" { keyed = yes }\nkeys { file = \"%s/keys\" }", dir);
    struct conf *old = world.conf;
    struct errmsg msg = {""};
    gate_free(&world.gate);
    view_table_free(&world.views);
    snapshot_close(&world.snapshot);
    if (load(&world, lines, &msg) < 0)
        fail_msg("%s", msg.text);
    conf_free(&old);
    assert_int_equal(view_table_new(world.conf, &world.views), ERR_OK);
    assert_int_equal(
        snapshot_open(world.views, world.conf->answers_path, &world.snapshot, &msg), ERR_OK);
    assert_int_equal(gate_new(world.conf, &world.common, &world.gate, &msg), ERR_OK);
    ask(&world, "2.0.0.127.k3y-of-good-one.ip.rep.example", "203.0.113.7", false, NULL, 0);
    assert_int_equal(world.note.rcode, RCODE_SERVFAIL); /* there is no store */
    assert_int_equal(world.note.key_at, 10);
    assert_int_equal(world.note.key_n, 15);
    ask(&world, "ip.rep.example", "203.0.113.7", false, NULL, 0);
    assert_int_equal(world.note.key_n, 0);
    ask(&world, "2.0.0.127.dom.rep.example", "203.0.113.7", false, NULL, 0);
    assert_int_equal(world.note.key_n, 0);
    close_world(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits),
        cmocka_unit_test(slipped_answers),
        cmocka_unit_test(cookies),
        cmocka_unit_test(defaults),
        cmocka_unit_test(counters),
        cmocka_unit_test(keys_in_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
