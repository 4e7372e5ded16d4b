/*
 * Any bytes as a query, of the golden store and of none, as ours and as rbldnsd: the answer is a
 * DNS message of the same id, or none. Run it in the repository's folder.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/answer.h"
#include "server/query.h"
#include "tests/golden/fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SERVERS = 3, ACL_CLIENTS = 67, STEP = 31 };

struct server {
    struct conf *conf;
    struct view_table *views;
    struct snapshot *snapshot;
};
static struct server servers[SERVERS];
static char dir[] = "/tmp/repdns-fuzz-XXXXXX", answers[64];

static void
die(const char *what)
{
    fprintf(stderr, "fuzz answer: %s\n", what);
    exit(1);
}

static void
close_all(void)
{
    char lock[80];
    for (unsigned i = 0; i < SERVERS; i++) {
        snapshot_close(&servers[i].snapshot);
        view_table_free(&servers[i].views);
        conf_free(&servers[i].conf);
    }
    (void)snprintf(lock, sizeof lock, "%s-lock", answers);
    (void)unlink(lock);
    (void)unlink(answers);
    (void)rmdir(dir);
}

/* The last one finds no store. */
static void
open_all(void)
{
    static const char *const paths[SERVERS] = {
        "tests/golden/golden.conf", "tests/golden/golden-strict.conf", "tests/golden/golden.conf"};
    struct errmsg msg = {""};
    if (mkdtemp(dir) == NULL)
        die("no temporary folder");
    (void)snprintf(answers, sizeof answers, "%s/answers.mdb", dir);
    for (unsigned i = 0; i < SERVERS; i++) {
        struct server *server = &servers[i];
        bool stored = i < SERVERS - 1;
        if (conf_load(paths[i], &server->conf, &msg) < 0)
            die(msg.text);
        if (stored)
            server->conf->answers_path = answers;
        if ((i == 0 && fixture_publish(server->conf, &msg) < 0) ||
            view_table_new(server->conf, &server->views) < 0 ||
            snapshot_open(server->views, server->conf->answers_path, &server->snapshot, &msg) < 0 ||
            snapshot_ready(server->snapshot) != stored)
            die(msg.text);
    }
    (void)atexit(close_all);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[ANSWER_TCP_MAX];
    uint32_t sum = 0;
    if (servers[0].conf == NULL)
        open_all();
    for (size_t i = 0; i < size; i++)
        sum = sum * STEP + data[i];
    for (unsigned i = 0; i < 4 * SERVERS; i++) {
        const struct server *server = &servers[i / 4];
        bool tcp = i % 2 == 1;
        struct answer_note note;
        /* A client of the access lists, and one that they do not know. */
        struct request request = {.packet = data,
            .len = size,
            .client = ip_from_v4(i % 4 < 2 ? 0x7f000001 : 0x0a000400 + sum % ACL_CLIENTS),
            .tcp = tcp};
        size_t room = tcp ? ANSWER_TCP_MAX : ANSWER_UDP_MAX;
        snapshot_renew(server->snapshot);
        size_t n =
            answer(server->views, server->snapshot, &request, FIXTURE_NOW_S, out, room, &note);
        snapshot_release(server->snapshot);
        if (n > room || note.dropped != (n == 0))
            abort();
        if (n != 0 && (n < QUERY_HEADER_SIZE || out[0] != data[0] || (out[2] & 0x80) == 0))
            abort();
    }
    return 0;
}
