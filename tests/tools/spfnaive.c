/*
 * The naive peer of a measurement: libspf2 as a mail filter uses it, blocking, one look-up after
 * the other.
 *
 *   spfnaive --resolver ADDR:PORT [--cache] [--limit N] FILE
 *
 * FILE has lines of address, HELO and MAIL FROM with tabs between; N of them are taken. Prints a
 * result word a line, and at the end on stderr what it took. --cache puts libspf2's own cache above
 * the look-ups. Each look-up is one UDP query with EDNS (4096 bytes), tried three times for 2 s; no
 * TCP: a truncated answer is a failed look-up. Type 99 is never asked (RFC 7208 3.1), and a result
 * that libspf2 leaves invalid is told by its error code.
 *
 * For our generated data only. Fetched text reaches libspf2's compiler here, which
 * CVE-2023-42118 makes unsafe; loader/spf.c is how the product does it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "loader/resolve_wire.h"
#include "zones/wire.h"

/* Else spf_dns.h defines the ns_t_ names of <arpa/nameser.h> again. */
#define HAVE_NS_TYPE 1
#include <arpa/nameser.h>
#include <netdb.h>
#include <spf2/spf.h>
#include <spf2/spf_dns.h>
#include <spf2/spf_dns_cache.h>
#include <spf2/spf_log.h>

/* CACHE_BITS: the most that libspf2 takes. */
enum { TRIES = 3, TIMEOUT_MS = 2000, EDNS_SIZE = 4096, LINE_ROOM = 4096, CACHE_BITS = 16 };

struct naive {
    int fd; /* connected to the resolver */
    uint16_t id;
    unsigned long queries; /* packets sent */
    SPF_dns_server_t layer;
    SPF_dns_server_t *cache; /* above layer, or NULL */
    SPF_server_t *server;
};

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "spfnaive: %s: %s\n", what, why);
    exit(1);
}

/* libspf2's default is abort(). */
static void __attribute__((noreturn)) on_error(const char *file, int line, const char *text)
{
    fprintf(stderr, "spfnaive: libspf2: %s:%d: %s\n", file, line, text);
    exit(1);
}

/* What libspf2 says beside an error goes to stdout by default, between the results. */
static void
on_message(const char *file, int line, const char *text)
{
    (void)file;
    (void)line;
    (void)text;
}

static int64_t
now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static size_t
make_query(const struct resolve_question *question, uint8_t out[RESOLVE_QUERY_SIZE])
{
    struct wire_out w = wire_out_of(out, RESOLVE_QUERY_SIZE);
    wire_put_u16(&w, question->id);
    wire_put_u16(&w, 0x0100); /* RD */
    wire_put_u32(&w, 0x00010000);
    wire_put_u32(&w, 0x00000001);
    wire_put(&w, question->name.b, question->name.len);
    wire_put_u16(&w, (uint16_t)question->type);
    wire_put_u16(&w, 1);
    wire_put_u8(&w, 0);
    wire_put_u16(&w, 41); /* OPT */
    wire_put_u16(&w, EDNS_SIZE);
    wire_put_u32(&w, 0);
    wire_put_u16(&w, 0);
    return w.n;
}

/* Waits for the answer to the question. REPLY_STRANGER: none came in time. */
static enum resolve_reply_kind
await(
    const struct naive *naive, const struct resolve_question *question, struct resolve_reply *reply)
{
    static uint8_t packet[EDNS_SIZE];
    const int64_t end_ms = now_ms() + TIMEOUT_MS;
    *reply = (struct resolve_reply){.status = DNS_FAIL};
    for (int64_t left_ms; (left_ms = end_ms - now_ms()) > 0;) {
        struct pollfd ready = {.fd = naive->fd, .events = POLLIN};
        int n = poll(&ready, 1, (int)left_ms);
        if (n == 0 || (n < 0 && errno == EINTR))
            continue;
        ssize_t got = recv(naive->fd, packet, sizeof packet, 0);
        if (got < 0)
            die("resolver", strerror(errno));
        enum resolve_reply_kind kind = resolve_wire_reply(question, packet, (size_t)got, reply);
        if (kind != REPLY_STRANGER)
            return kind;
        free(reply->buffer);
        reply->buffer = NULL;
    }
    return REPLY_STRANGER;
}

/* Sets the status; DNS_FAIL when there is no conclusive answer. reply->buffer is to be freed. */
static void
ask(struct naive *naive, enum dns_type type, const char *domain, struct resolve_reply *reply)
{
    struct resolve_question question = {.type = type};
    uint8_t query[RESOLVE_QUERY_SIZE];
    enum resolve_reply_kind kind = REPLY_STRANGER;
    *reply = (struct resolve_reply){.status = DNS_NXDOMAIN};
    /* What is no name is asked nobody. */
    if (dname_parse(domain, strlen(domain), &question.name) < 0)
        return;
    for (unsigned i = 0; i < TRIES && kind == REPLY_STRANGER; i++) {
        question.id = ++naive->id;
        size_t n = make_query(&question, query);
        if (send(naive->fd, query, n, 0) != (ssize_t)n)
            die("resolver", strerror(errno));
        naive->queries++;
        kind = await(naive, &question, reply);
    }
    if (kind != REPLY_ANSWER)
        reply->status = DNS_FAIL;
}

/* One record in libspf2's form: addresses as bytes, MX without its preference, names and text as
 * strings. */
static void
fill(SPF_dns_rr_t *rr, int i, enum dns_type type, struct slice rdata)
{
    char text[DNAME_TEXT_SIZE];
    const uint8_t *from = rdata.p;
    size_t n = rdata.n;
    if (type == DNS_MX || type == DNS_PTR) {
        struct dname name;
        size_t skip = type == DNS_MX ? 2 : 0;
        if (n < skip || dname_from_wire(from + skip, n - skip, &name) < 0)
            die("resolver", "a record without a name");
        n = dname_format(&name, text);
        from = (const uint8_t *)text;
    }
    size_t room = n + 1 < sizeof(SPF_dns_rr_data_t) ? sizeof(SPF_dns_rr_data_t) : n + 1;
    if (SPF_dns_rr_buf_realloc(rr, i, room) != SPF_E_SUCCESS)
        die("libspf2", "out of memory");
    char *to = (char *)rr->rr[i];
    memcpy(to, from, n);
    if (type != DNS_A && type != DNS_AAAA)
        to[n] = '\0';
}

/* From the last record on, so that libspf2 grows its table once. */
static void
fill_all(SPF_dns_rr_t *rr, enum dns_type type, const struct resolve_reply *reply)
{
    struct dns_answer walk = {.records = reply->records};
    struct slice *list = calloc(reply->count, sizeof *list);
    unsigned n = 0;
    if (list == NULL)
        die("memory", strerror(errno));
    while (n < reply->count && dns_next(&walk, &list[n]) == ERR_OK)
        n++;
    for (unsigned i = n; i-- > 0;)
        fill(rr, (int)i, type, list[i]);
    rr->num_rr = (int)n;
    free(list);
}

/* The hook of the layer. Never returns NULL, which libspf2 takes badly. */
static SPF_dns_rr_t *
lookup(SPF_dns_server_t *layer, const char *domain, ns_type type, int should_cache)
{
    static const SPF_dns_stat_t stats[] = {[DNS_PENDING] = TRY_AGAIN,
        [DNS_OK] = NETDB_SUCCESS,
        [DNS_NODATA] = NO_DATA,
        [DNS_NXDOMAIN] = HOST_NOT_FOUND,
        [DNS_FAIL] = TRY_AGAIN};
    struct resolve_reply reply = {.status = DNS_NODATA};
    bool known = type == ns_t_a || type == ns_t_aaaa || type == ns_t_mx || type == ns_t_ptr ||
                 type == ns_t_txt;
    (void)should_cache;
    if (known)
        ask(layer->hook, (enum dns_type)type, domain, &reply);
    SPF_dns_rr_t *rr =
        SPF_dns_rr_new_init(layer, domain, type, (int)reply.ttl_s, stats[reply.status]);
    if (rr == NULL)
        die("libspf2", "out of memory");
    if (reply.status == DNS_OK)
        fill_all(rr, (enum dns_type)type, &reply);
    free(reply.buffer);
    return rr;
}

/* Debian's libspf2 leaves the result invalid after syntax errors and some failed look-ups. */
static const char *
result_word(SPF_response_t *response)
{
    static const char *const words[] = {[SPF_RESULT_NEUTRAL] = "neutral",
        [SPF_RESULT_PASS] = "pass",
        [SPF_RESULT_FAIL] = "fail",
        [SPF_RESULT_SOFTFAIL] = "softfail",
        [SPF_RESULT_NONE] = "none",
        [SPF_RESULT_TEMPERROR] = "temperror",
        [SPF_RESULT_PERMERROR] = "permerror"};
    if (response == NULL)
        die("libspf2", "no response");
    SPF_result_t result = SPF_response_result(response);
    if (result > SPF_RESULT_INVALID && result <= SPF_RESULT_PERMERROR)
        return words[result];
    SPF_errcode_t code = SPF_response_errcode(response);
    if (code == SPF_E_NO_MEMORY || code == SPF_E_INTERNAL_ERROR)
        die("libspf2", SPF_strerror(code));
    return code == SPF_E_DNS_ERROR ? "temperror" : "permerror";
}

static void
check(struct naive *naive, const char *ip, const char *helo, const char *from)
{
    SPF_response_t *response = NULL;
    SPF_request_t *request = SPF_request_new(naive->server);
    bool six = strchr(ip, ':') != NULL, null_sender = *from == '\0' || strcmp(from, "<>") == 0;
    if (request == NULL)
        die("libspf2", "out of memory");
    if ((six ? SPF_request_set_ipv6_str : SPF_request_set_ipv4_str)(request, ip) != SPF_E_SUCCESS)
        die(ip, "no address");
    /* Sets the sender too, to the postmaster of that name. */
    if (SPF_request_set_helo_dom(request, helo) != SPF_E_SUCCESS)
        die(helo, "libspf2 takes no such HELO name");
    if (!null_sender && SPF_request_set_env_from(request, from) != SPF_E_SUCCESS)
        die(from, "libspf2 takes no such sender");
    (void)SPF_request_query_mailfrom(request, &response);
    puts(result_word(response));
    SPF_response_free(response);
    SPF_request_free(request);
}

static unsigned long
check_file(struct naive *naive, const char *path, unsigned long limit)
{
    char line[LINE_ROOM];
    unsigned long count = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        die(path, strerror(errno));
    for (; count < limit && fgets(line, sizeof line, file) != NULL; count++) {
        line[strcspn(line, "\r\n")] = '\0';
        char *helo = strchr(line, '\t'), *from = helo != NULL ? strchr(helo + 1, '\t') : NULL;
        if (from == NULL)
            die(path, "a line without three fields");
        *helo++ = *from++ = '\0';
        from[strcspn(from, "\t")] = '\0';
        check(naive, line, helo, from);
    }
    (void)fclose(file);
    return count;
}

/* "192.0.2.1:53" or "[2001:db8::1]:53". */
static int
connect_to(const char *text)
{
    char host[INET6_ADDRSTRLEN + 2], *end;
    const char *colon = strrchr(text, ':');
    size_t n = colon != NULL ? (size_t)(colon - text) : 0;
    bool six = n > 1 && text[0] == '[' && text[n - 1] == ']';
    struct addrinfo *list, want = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST};
    if (n == 0 || n >= sizeof host || strtoul(colon + 1, &end, 10) == 0 || *end != '\0')
        die(text, "no resolver: write ADDR:PORT");
    (void)snprintf(host, sizeof host, "%.*s", (int)(six ? n - 2 : n), text + six);
    if (getaddrinfo(host, colon + 1, &want, &list) != 0)
        die(text, "no resolver: write ADDR:PORT");
    int fd = socket(list->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, list->ai_addr, list->ai_addrlen) < 0)
        die(text, strerror(errno));
    freeaddrinfo(list);
    return fd;
}

static void
naive_open(struct naive *naive, const char *resolver, bool cached)
{
    SPF_error_handler = on_error;
    SPF_warning_handler = on_message;
    SPF_info_handler = on_message;
    SPF_debug_handler = on_message;
    *naive = (struct naive){.fd = connect_to(resolver), .id = (uint16_t)getpid()};
    naive->layer = (SPF_dns_server_t){.lookup = lookup, .name = "naive", .hook = naive};
    if (cached) {
        naive->cache = SPF_dns_cache_new(&naive->layer, "cache", 0, CACHE_BITS);
        if (naive->cache == NULL)
            die("libspf2", "no cache");
    }
    naive->server = SPF_server_new_dns(cached ? naive->cache : &naive->layer, 0);
    if (naive->server == NULL)
        die("libspf2", "no server");
}

static void
naive_close(struct naive *naive)
{
    SPF_server_free(naive->server);
    if (naive->cache != NULL)
        SPF_dns_free(naive->cache); /* the layer below has no destroy: it stays ours */
    (void)close(naive->fd);
}

static double
cpu_s(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int
main(int argc, char **argv)
{
    static const struct option longs[] = {{"resolver", required_argument, NULL, 'r'},
        {"cache", no_argument, NULL, 'c'}, {"limit", required_argument, NULL, 'l'}, {0}};
    const char *resolver = NULL;
    bool cached = false, good = true;
    unsigned long limit = ULONG_MAX;
    struct naive naive;
    for (int option; (option = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        char *end = NULL;
        if (option == 'r')
            resolver = optarg;
        else if (option == 'c')
            cached = true;
        else if (option == 'l')
            limit = strtoul(optarg, &end, 10);
        good = good && option != '?' && (end == NULL || (end != optarg && *end == '\0'));
    }
    if (!good || resolver == NULL || optind + 1 != argc) {
        fputs("usage: spfnaive --resolver ADDR:PORT [--cache] [--limit N] FILE\n", stderr);
        return 2;
    }
    int64_t start_ms = now_ms();
    naive_open(&naive, resolver, cached);
    unsigned long count = check_file(&naive, argv[optind], limit);
    if (fflush(stdout) != 0)
        die("standard output", strerror(errno));
    fprintf(stderr, "spfnaive: %lu triples, %lu queries, %.3f s wall, %.3f s CPU\n", count,
        naive.queries, (double)(now_ms() - start_ms) / 1000, cpu_s());
    naive_close(&naive);
    return 0;
}
