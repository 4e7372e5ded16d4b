/*
 * What the gate reads: by the first byte a file of keys, of cookies' secrets, of used quotas, or a
 * query of keyed zones with a cookie, limited so that slips are made. Run it in the repository's
 * folder.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/gate.h"
#include "tests/golden/fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES = 3, CLIENTS = 7 };

struct server {
    struct conf *conf;
    struct view_table *views;
    struct snapshot *snapshot;
    struct gate_common common;
    struct gate *gate;
};
static struct server server;
static char dir[] = "/tmp/repdns-fuzz-XXXXXX", paths[4][64];

static void
must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz gate: %s\n", what);
    abort();
}

static void
put_file(unsigned number, const char *name, const char *text)
{
    (void)snprintf(paths[number], sizeof paths[number], "%s/%s", dir, name);
    FILE *file = text == NULL ? NULL : fopen(paths[number], "we");
    must(text == NULL || file != NULL, paths[number]);
    if (file == NULL)
        return;
    (void)fputs(text, file);
    (void)fclose(file);
}

static void
close_all(void)
{
    gate_free(&server.gate);
    gate_common_free(&server.common);
    snapshot_close(&server.snapshot);
    view_table_free(&server.views);
    conf_free(&server.conf);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        (void)unlink(paths[i]);
    (void)rmdir(dir);
}

static void
open_all(void)
{
    struct errmsg msg = {""};
    char text[1024];
    must(mkdtemp(dir) != NULL, "no temporary folder");
    (void)snprintf(text, sizeof text,
        "base = \"rep.example\"\nstate_dir = \"%s\"\npublic = yes\nkeys { file = \"%s/keys\" }\n"
        "rate_limit { responses = 1  slip = 1  window = 1 }\ncookies { badcookie = yes }\n"
        "zone \"ip\" { keyed = yes  errors = codes }\nzone \"pair\" { keyed = yes  errors = drop "
        "}\n"
        "zone \"dom\" { errors = codes }\n",
        dir, dir);
    put_file(0, "conf", text);
    put_file(1, "keys", "good k3y-of-good-one on 0 0\nfew k3y-of-spent-on on 1 9\n");
    put_file(2, "answers.mdb", NULL);
    put_file(3, "answers.mdb-lock", NULL);
    must(conf_load(paths[0], &server.conf, &msg) == ERR_OK &&
             fixture_publish(server.conf, &msg) == ERR_OK &&
             view_table_new(server.conf, &server.views) == ERR_OK &&
             snapshot_open(server.views, paths[2], &server.snapshot, &msg) == ERR_OK &&
             gate_common_init(&server.common, server.conf, FIXTURE_NOW_S, &msg) == ERR_OK &&
             gate_new(server.conf, &server.common, &server.gate, &msg) == ERR_OK,
        msg.text);
    (void)atexit(close_all);
}

static void
try_keys(FILE *file)
{
    struct keyring ring;
    struct errmsg msg = {""};
    if (keys_parse(file, "f", &ring, &msg) < 0) {
        must(msg.text[0] != '\0' && ring.count == 0, "an error without a message");
        return;
    }
    for (unsigned i = 0; i < ring.count; i++) {
        const struct key *key = &ring.keys[i];
        must(key->n >= KEY_LEAST && key->id[0] != '\0', "a key that is none");
        must(keys_find(&ring, key->b, key->n) == key, "a key that is not found");
    }
    keys_free(&ring);
}

static void
try_secrets(FILE *file)
{
    struct cookie_secrets secrets;
    struct errmsg msg = {""};
    bool good = cookie_parse(file, "f", &secrets, &msg) == ERR_OK;
    must(good ? secrets.count > 0 : msg.text[0] != '\0', "neither secrets nor a message");
}

static void
try_quotas(FILE *file)
{
    struct quota_table table;
    struct errmsg msg;
    must(quota_table_map(&table, &msg) == ERR_OK, "no memory");
    (void)quota_table_read(&table, file, FIXTURE_NOW_S);
    for (unsigned i = 0; i < table.count; i++)
        must(quota_day_used(&table.slots[i], FIXTURE_NOW_S) <= KEY_PER_DAY_MOST, "a count");
    quota_table_unmap(&table);
}

/* Twice from one client, so that the second is limited. */
static void
try_query(const uint8_t *data, size_t size, unsigned client)
{
    static uint8_t out[ANSWER_UDP_MAX];
    for (unsigned i = 0; i < 2; i++) {
        struct answer_note note;
        const struct request request = {.packet = data,
            .len = size,
            .client = ip_from_v4(0xcb007100 + (client << 8)),
            .gate = server.gate};
        snapshot_renew(server.snapshot);
        size_t n =
            answer(server.views, server.snapshot, &request, FIXTURE_NOW_S, out, sizeof out, &note);
        snapshot_release(server.snapshot);
        must(note.dropped == (n == 0) && n <= sizeof out, "the note of a drop");
        must(n == 0 || (n >= QUERY_HEADER_SIZE && out[0] == data[0]), "no DNS message");
        must(note.key_n == 0 || (size_t)note.key_at + note.key_n + 1 < note.question_len,
            "a key outside the question");
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[FILES])(FILE *) = {try_keys, try_secrets, try_quotas};
    if (server.conf == NULL)
        open_all();
    if (size < 2)
        return 0;
    if (data[0] >= FILES) {
        try_query(data + 1, size - 1, data[0] % CLIENTS);
        return 0;
    }
    FILE *file = fmemopen((void *)(uintptr_t)(data + 1), size - 1, "r");
    must(file != NULL, "fmemopen");
    readers[data[0]](file);
    (void)fclose(file);
    return 0;
}
