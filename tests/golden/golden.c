/*
 * Golden tests: a case file of queries and whole answers, asked in process, over UDP and over TCP.
 *
 *   golden CONF CASES                      in process, on a store of its own
 *   golden CONF CASES --udp ADDR PORT      of a server; likewise --tcp
 *   golden CONF CASES --update             prints the case file with the answers that it gets
 *   golden CONF --write-store DIR          writes the store that a server is to have
 *
 * A case is "> name type [class=CH] [edns=SIZE] [ver=N] [do] [z=HEX] [opt=HEX] [cookie=HEX]
 * [flags=HEX] [client=ADDR] [now=SECONDS] [udp] [raw=HEX]", then the answer's lines. z are flags of
 * the OPT, opt its options, flags those of the header; udp: another answer is right over TCP.
 * Answers are decoded by ldns, which knows nothing of our code.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "fixture.h"
#include "server/answer.h"
#include "server/gate.h"
#include "zones/wire.h"

enum { TEXT_MAX = 65536, PORT_BASE = 10 };

#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define COUNTS_ALLOCATIONS 1
/* glibc's own entries: every allocation of the process passes here and can be counted. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);
static unsigned long allocations;
void *
malloc(size_t n)
{
    allocations++;
    return __libc_malloc(n);
}
void *
calloc(size_t count, size_t n)
{
    allocations++;
    return __libc_calloc(count, n);
}
void *
realloc(void *p, size_t n)
{
    allocations++;
    return __libc_realloc(p, n);
}
#else
#define COUNTS_ALLOCATIONS 0
static unsigned long allocations;
#endif

struct ask {
    uint8_t packet[600];
    size_t len;
    struct ip client;
    int64_t now_s;
    bool only_in_process, only_udp;
};

struct golden {
    struct conf *conf;
    struct view_table *views;
    struct snapshot *snapshot;
    struct gate_common common;
    struct gate *gate;
    bool udp, tcp, update;
    struct endpoint server;
    unsigned cases, failed, skipped;
    unsigned long allocated;
};

static void
die(const char *what, const char *why)
{
    fprintf(stderr, "golden: %s: %s\n", what, why);
    exit(1);
}

static void
add_raw(struct ask *ask, const char *hex)
{
    unsigned byte;
    for (ask->len = 0; sscanf(hex, "%2x", &byte) == 1 && ask->len < sizeof ask->packet; hex += 2)
        ask->packet[ask->len++] = (uint8_t)byte;
}

struct opt {
    unsigned size, version, flags; /* size 0: none */
    const char *options, *cookie;  /* in hexadecimal, "" or NULL for none */
};

static void
put_opt(struct wire_out *out, const struct opt *opt)
{
    struct ask options = {.len = 0}, cookie = {.len = 0};
    if (opt->size == 0)
        return;
    wire_put_u8(out, 0);
    wire_put_u16(out, RR_OPT);
    wire_put_u16(out, (uint16_t)opt->size);
    wire_put_u16(out, (uint16_t)opt->version);
    wire_put_u16(out, (uint16_t)opt->flags);
    add_raw(&options, opt->options);
    if (opt->cookie != NULL)
        add_raw(&cookie, opt->cookie);
    wire_put_u16(out, (uint16_t)(options.len + (opt->cookie != NULL ? 4 + cookie.len : 0)));
    wire_put(out, options.packet, options.len);
    if (opt->cookie == NULL)
        return;
    wire_put_u16(out, OPTION_COOKIE);
    wire_put_u16(out, (uint16_t)cookie.len);
    wire_put(out, cookie.packet, cookie.len);
}

static void
build_query(struct ask *ask, char *spec)
{
    struct dname name;
    struct wire_out out = wire_out_of(ask->packet, sizeof ask->packet);
    unsigned class = CLASS_IN, flags = FLAG_RD;
    struct opt opt = {.options = ""};
    char *save = NULL, *text = strtok_r(spec, " \n", &save), *type = strtok_r(NULL, " \n", &save);
    const char *raw = NULL;
    if (text == NULL || type == NULL || dname_parse(text, strlen(text), &name) < 0)
        die("case", "no name and type");
    for (char *word; (word = strtok_r(NULL, " \n", &save)) != NULL;) {
        char *value = strchr(word, '=') != NULL ? strchr(word, '=') + 1 : word;
        if (strncmp(word, "edns=", 5) == 0)
            opt.size = (unsigned)atoi(value);
        else if (strncmp(word, "ver=", 4) == 0)
            opt.version = (unsigned)atoi(value);
        else if (strcmp(word, "do") == 0)
            opt.flags |= 0x8000;
        else if (strncmp(word, "z=", 2) == 0)
            opt.flags |= (unsigned)strtoul(value, NULL, 16);
        else if (strncmp(word, "opt=", 4) == 0)
            opt.options = value;
        else if (strcmp(word, "udp") == 0)
            ask->only_udp = true;
        else if (strncmp(word, "flags=", 6) == 0)
            flags = (unsigned)strtoul(value, NULL, 16);
        else if (strncmp(word, "class=", 6) == 0)
            class = (unsigned)ldns_get_rr_class_by_name(value);
        else if (strncmp(word, "now=", 4) == 0)
            ask->now_s = atoll(value);
        else if (strncmp(word, "raw=", 4) == 0)
            raw = value;
        else if (strncmp(word, "cookie=", 7) == 0)
            opt.cookie = value;
        else if (strncmp(word, "client=", 7) != 0 ||
                 ip_parse(value, strlen(value), &ask->client) < 0)
            die("unknown word in case", word);
        ask->only_in_process |= strncmp(word, "now=", 4) == 0 || strncmp(word, "client=", 7) == 0;
    }
    wire_put_u16(&out, 0x2a2a);
    wire_put_u16(&out, (uint16_t)flags);
    wire_put_u16(&out, 1);
    wire_put_u32(&out, 0);
    wire_put_u16(&out, opt.size != 0);
    /* As text, so that upper case stays. */
    for (const char *p = text; *p != '\0' && strcmp(text, ".") != 0;) {
        size_t n = strcspn(p, ".");
        wire_put_u8(&out, (uint8_t)n);
        wire_put(&out, p, n);
        p += n + (p[n] == '.');
    }
    wire_put_u8(&out, 0);
    wire_put_u16(&out, (uint16_t)ldns_get_rr_type_by_name(type));
    wire_put_u16(&out, (uint16_t) class);
    put_opt(&out, &opt);
    ask->len = out.n;
    if (raw != NULL)
        add_raw(ask, raw);
}

static size_t
exchange(const struct golden *golden, const struct ask *ask, uint8_t *out, size_t size)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
        .sin_port = htons(golden->server.port),
        .sin_addr.s_addr = htonl(ip_v4(&golden->server.ip))};
    struct timeval wait = {.tv_sec = 3};
    uint8_t framed[2 + sizeof ask->packet] = {(uint8_t)(ask->len >> 8), (uint8_t)ask->len};
    int fd = socket(AF_INET, golden->tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
    memcpy(framed + 2, ask->packet, ask->len);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("connect", strerror(errno));
    const uint8_t *from = golden->tcp ? framed : framed + 2;
    if (send(fd, from, ask->len + (golden->tcp ? 2 : 0), 0) < 0)
        die("send", strerror(errno));
    ssize_t n = recv(fd, out, golden->tcp ? 2 : size, golden->tcp ? MSG_WAITALL : 0);
    if (golden->tcp && n == 2)
        n = recv(fd, out, (size_t)out[0] << 8 | out[1], MSG_WAITALL);
    (void)close(fd);
    return n < 0 ? 0 : (size_t)n;
}

static void
print_section(FILE *out, const char *name, const ldns_rr_list *list)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        char *text = ldns_rr2str(ldns_rr_list_rr(list, i));
        for (char *p = text; *p != '\0'; p++)
            *p = *p == '\t' ? ' ' : *p;
        fprintf(out, "%s %s", name, text);
        free(text);
    }
}

static void
print_option(FILE *out, struct wire_in *in)
{
    unsigned code = wire_get_u16(in);
    size_t n = wire_get_u16(in);
    const uint8_t *p = in->p + in->at;
    wire_skip(in, n);
    if (in->failed) {
        fprintf(out, " damaged");
    } else if (code == OPTION_EDE && n >= 2) {
        fprintf(out, " ede=%u \"%.*s\"", p[0] << 8 | p[1], (int)n - 2, (const char *)p + 2);
    } else {
        fprintf(out, " option%u=", code);
        for (size_t i = 0; i < n; i++)
            fprintf(out, "%02x", p[i]);
    }
}

/* What LDNS does not print: the OPT record with its options. */
static void
print_edns(FILE *out, const ldns_pkt *pkt)
{
    if (!ldns_pkt_edns(pkt))
        return;
    fprintf(out, "edns size=%u%s", ldns_pkt_edns_udp_size(pkt), ldns_pkt_edns_do(pkt) ? " do" : "");
    if ((ldns_pkt_edns_z(pkt) & 0x7fff) != 0)
        fprintf(out, " z=%x", ldns_pkt_edns_z(pkt));
    ldns_rdf *data = ldns_pkt_edns_data(pkt);
    struct wire_in in = wire_in_of(NULL, 0);
    if (data != NULL)
        in = wire_in_of(ldns_rdf_data(data), ldns_rdf_size(data));
    while (in.at < in.n && !in.failed)
        print_option(out, &in);
    fputc('\n', out);
}

static void
print_answer(FILE *out, const uint8_t *bytes, size_t n)
{
    ldns_pkt *pkt;
    if (n == 0) {
        fprintf(out, "dropped\n");
        return;
    }
    if (ldns_wire2pkt(&pkt, bytes, n) != LDNS_STATUS_OK) {
        fprintf(out, "%zu bytes that are no DNS message: rcode %u\n", n, bytes[3] & 15);
        return;
    }
    unsigned rcode = (unsigned)ldns_pkt_get_rcode(pkt);
    if (ldns_pkt_edns(pkt))
        rcode |= (unsigned)ldns_pkt_edns_extended_rcode(pkt) << 4;
    char *text = ldns_pkt_rcode2str((ldns_pkt_rcode)rcode);
    fprintf(out, "%s%s%s%s%s%s id=%04x\n", rcode == RCODE_BADVERS ? "BADVERS" : text,
        ldns_pkt_aa(pkt) ? " aa" : "", ldns_pkt_tc(pkt) ? " tc" : "", ldns_pkt_rd(pkt) ? " rd" : "",
        ldns_pkt_ra(pkt) ? " ra" : "", ldns_pkt_cd(pkt) ? " cd" : "", ldns_pkt_id(pkt));
    free(text);
    print_section(out, "qd", ldns_pkt_question(pkt));
    print_section(out, "an", ldns_pkt_answer(pkt));
    print_section(out, "au", ldns_pkt_authority(pkt));
    print_section(out, "ad", ldns_pkt_additional(pkt));
    print_edns(out, pkt);
    ldns_pkt_free(pkt);
}

static size_t
ask_it(struct golden *golden, const struct ask *ask, uint8_t *out)
{
    static const size_t size = ANSWER_TCP_MAX;
    if (golden->udp || golden->tcp)
        return exchange(golden, ask, out, size);
    struct answer_note note;
    struct request request = {
        .packet = ask->packet, .len = ask->len, .client = ask->client, .gate = golden->gate};
    snapshot_renew(golden->snapshot);
    unsigned long before = allocations;
    size_t n = answer(golden->views, golden->snapshot, &request, ask->now_s, out, size, &note);
    golden->allocated += allocations - before;
    snapshot_release(golden->snapshot);
    return n;
}

static void
run_case(struct golden *golden, char *spec, const char *expected)
{
    static uint8_t bytes[ANSWER_TCP_MAX];
    static char got[TEXT_MAX];
    struct ask ask = {.now_s = FIXTURE_NOW_S, .client = ip_from_v4(0x7f000001)};
    char shown[2048];
    (void)snprintf(shown, sizeof shown, "%s", spec);
    build_query(&ask, spec);
    if ((ask.only_in_process && golden->udp) ||
        (golden->tcp && (ask.only_in_process || ask.only_udp))) {
        golden->skipped++;
        return;
    }
    golden->cases++;
    size_t n = ask_it(golden, &ask, bytes);
    /* Dumped from memory, so that a case costs no file. */
    FILE *out = fmemopen(got, sizeof got, "w");
    print_answer(out, bytes, n);
    (void)fclose(out);
    if (golden->update)
        printf("> %s%s\n", shown, got);
    else if (golden->tcp && strstr(expected, " tc") != NULL)
        golden->failed += strstr(got, " tc") != NULL;
    else if (strcmp(got, expected) != 0) {
        golden->failed++;
        printf("FAIL %sexpected:\n%sgot:\n%s\n", shown, expected, got);
    }
}

static void
run_file(struct golden *golden, const char *path)
{
    static char expected[TEXT_MAX];
    char line[8192], spec[2048] = "";
    size_t used = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        die(path, strerror(errno));
    while (fgets(line, sizeof line, file) != NULL) {
        bool text = line[0] != '>' && line[0] != '#' && line[0] != '\n';
        if (text && used + strlen(line) < sizeof expected) {
            strcpy(expected + used, line);
            used += strlen(line);
        }
        if (text)
            continue;
        if (spec[0] != '\0')
            run_case(golden, spec, expected);
        spec[0] = expected[0] = '\0';
        used = 0;
        if (line[0] == '#' && golden->update)
            fputs(line, stdout);
        if (line[0] == '>')
            (void)snprintf(spec, sizeof spec, "%.2000s", line + 2);
    }
    if (spec[0] != '\0')
        run_case(golden, spec, expected);
    (void)fclose(file);
}

static void
open_store(struct golden *golden, const char *dir)
{
    struct errmsg msg;
    if (asprintf(&golden->conf->answers_path, "%s/answers.mdb", dir) < 0 ||
        fixture_publish(golden->conf, &msg) < 0)
        die("store", msg.text);
}

int
main(int argc, char **argv)
{
    struct golden golden = {0};
    struct errmsg msg;
    char dir[] = "/tmp/repdns-golden-XXXXXX";
    if (argc < 3 || conf_load(argv[1], &golden.conf, &msg) < 0)
        die("configuration", argc < 3 ? "name it and the cases" : msg.text);
    if (argc == 4 && strcmp(argv[2], "--write-store") == 0) {
        open_store(&golden, argv[3]);
        free(golden.conf->answers_path);
        conf_free(&golden.conf);
        return 0;
    }
    golden.udp = argc == 6 && strcmp(argv[3], "--udp") == 0;
    golden.tcp = argc == 6 && strcmp(argv[3], "--tcp") == 0;
    golden.update = argc == 4 && strcmp(argv[3], "--update") == 0;
    if (golden.udp || golden.tcp) {
        golden.server.port = (uint16_t)strtoul(argv[5], NULL, PORT_BASE);
        if (ip_parse(argv[4], strlen(argv[4]), &golden.server.ip) < 0)
            die("address", argv[4]);
    } else {
        if (mkdtemp(dir) == NULL)
            die(dir, strerror(errno));
        open_store(&golden, dir);
        if (view_table_new(golden.conf, &golden.views) < 0 ||
            snapshot_open(golden.views, golden.conf->answers_path, &golden.snapshot, &msg) < 0)
            die("snapshot", "out of memory");
        if (gate_common_init(&golden.common, golden.conf, FIXTURE_NOW_S, &msg) < 0 ||
            gate_new(golden.conf, &golden.common, &golden.gate, &msg) < 0)
            die("gate", msg.text);
    }
    run_file(&golden, argv[2]);
    if (golden.snapshot != NULL) {
        char lock[128];
        snapshot_close(&golden.snapshot);
        (void)snprintf(lock, sizeof lock, "%s-lock", golden.conf->answers_path);
        (void)unlink(lock);
        (void)unlink(golden.conf->answers_path);
        (void)rmdir(dir);
        free(golden.conf->answers_path);
    }
    view_table_free(&golden.views);
    gate_free(&golden.gate);
    gate_common_free(&golden.common);
    conf_free(&golden.conf);
    if (golden.update)
        return 0;
    printf("golden: %u cases, %u failed, %u only in process, allocations on the answer path: ",
        golden.cases, golden.failed, golden.skipped);
    if (COUNTS_ALLOCATIONS && !golden.udp && !golden.tcp)
        printf("%lu\n", golden.allocated);
    else
        printf("not counted here\n");
    return golden.failed != 0 || golden.allocated != 0 || golden.cases == 0;
}
