/* The spf command; see spfcmd.h. */
#include "loader/spfcmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loader/exitcode.h"
#include "loader/resolve.h"
#include "loader/spf.h"
#include "zones/log.h"

enum { ROUNDS_MAX = 400, LINE_ROOM = 4096 };

static const char usage[] =
    "usage: repdns-load spf [--resolver ADDR:PORT] [--lookups N] [--voids N]\n"
    "           --ip ADDRESS --helo NAME --from MAILBOX | --batch FILE\n"
    "  --batch FILE  lines of address, HELO and MAIL FROM, separated by tabs; - is standard "
    "input\n";

/* One sender, and what came of it. */
struct sender {
    struct ip ip;
    char *helo, *from; /* from is cut at its @; owned */
    const char *local; /* within from, or NULL */
    struct dname domain;
    bool valid; /* there is a domain to ask about */
    struct spf_result result;
};

struct command {
    struct conf conf; /* what the resolver reads of it */
    struct spf_limits limits;
    const char *ip, *helo, *from, *batch;
    struct sender *senders;
    size_t count, room;
    struct dnscache *cache;
    int64_t now_s;
};

static bool
parse_name(const char *text, struct dname *out)
{
    return dname_parse(text, strlen(text), out) == ERR_OK && out->len > 1;
}

/* RFC 7208 2.4: a null sender's identity is the postmaster of the HELO name. */
static void
set_identity(struct sender *sender)
{
    char *at = strrchr(sender->from, '@');
    if (sender->from[0] == '\0' || strcmp(sender->from, "<>") == 0) {
        sender->valid = parse_name(sender->helo, &sender->domain);
        return;
    }
    sender->valid = parse_name(at != NULL ? at + 1 : sender->from, &sender->domain);
    if (at == NULL || at == sender->from)
        return;
    *at = '\0';
    sender->local = sender->from;
}

static enum err
add_sender(struct command *command, const char *ip, const char *helo, const char *from)
{
    if (command->count == command->room) {
        size_t room = command->room == 0 ? 64 : command->room * 2;
        struct sender *grown = reallocarray(command->senders, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        command->senders = grown;
        command->room = room;
    }
    struct sender *sender = &command->senders[command->count];
    *sender = (struct sender){.helo = strdup(helo), .from = strdup(from)};
    if (sender->helo == NULL || sender->from == NULL) {
        free(sender->helo);
        free(sender->from);
        return ERR_NOMEM;
    }
    command->count++;
    if (ip_parse(ip, strlen(ip), &sender->ip) < 0)
        return ERR_SYNTAX;
    set_identity(sender);
    return ERR_OK;
}

static enum err
read_batch(struct command *command, struct errmsg *msg)
{
    char line[LINE_ROOM];
    bool standard = strcmp(command->batch, "-") == 0;
    FILE *file = standard ? stdin : fopen(command->batch, "re");
    enum err err = ERR_OK;
    if (file == NULL)
        return errmsg_set(msg, ERR_IO, "%s: %s", command->batch, strerror(errno));
    for (unsigned number = 1; err == ERR_OK && fgets(line, sizeof line, file) != NULL; number++) {
        line[strcspn(line, "\r\n")] = '\0';
        char *helo = strchr(line, '\t'), *from = helo != NULL ? strchr(helo + 1, '\t') : NULL;
        if (from == NULL) {
            err = errmsg_set(msg, ERR_SYNTAX,
                "%s:%u: not three fields; write address, HELO and MAIL FROM with tabs between",
                command->batch, number);
            break;
        }
        *helo++ = *from++ = '\0';
        from[strcspn(from, "\t")] = '\0';
        err = add_sender(command, line, helo, from);
        if (err < 0)
            (void)errmsg_set(msg, err, "%s:%u: %s", command->batch, number,
                err == ERR_SYNTAX ? "no address in the first field" : err_text(err));
    }
    if (!standard)
        (void)fclose(file);
    return err;
}

/* "192.0.2.1:53" or "[2001:db8::1]:53". */
static bool
parse_resolver(const char *text, struct endpoint *out)
{
    const char *colon = strrchr(text, ':');
    size_t n = colon != NULL ? (size_t)(colon - text) : 0;
    char *end;
    if (n == 0)
        return false;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || port == 0 || port > UINT16_MAX)
        return false;
    out->port = (uint16_t)port;
    if (text[0] == '[' && text[n - 1] == ']')
        return ip_parse(text + 1, n - 2, &out->ip) == ERR_OK;
    return ip_parse(text, n, &out->ip) == ERR_OK;
}

static bool
parse_limit(const char *text, unsigned *out)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    *out = (unsigned)n;
    return *text != '\0' && *end == '\0' && n <= 1000;
}

static bool
parse_options(int argc, char **argv, struct command *command)
{
    static const struct option longs[] = {{"resolver", required_argument, NULL, 'r'},
        {"ip", required_argument, NULL, 'i'}, {"helo", required_argument, NULL, 'e'},
        {"from", required_argument, NULL, 'f'}, {"batch", required_argument, NULL, 'b'},
        {"lookups", required_argument, NULL, 'l'}, {"voids", required_argument, NULL, 'v'}, {0}};
    const struct {
        int option;
        const char **out;
    } texts[] = {
        {'i', &command->ip}, {'e', &command->helo}, {'f', &command->from}, {'b', &command->batch}};
    for (int option; (option = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        bool good = false;
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            if (texts[i].option == option) {
                *texts[i].out = optarg;
                good = true;
            }
        if (option == 'r')
            good = command->conf.has_resolver = parse_resolver(optarg, &command->conf.resolver);
        if (option == 'l')
            good = parse_limit(optarg, &command->limits.lookups);
        if (option == 'v')
            good = parse_limit(optarg, &command->limits.voids);
        if (!good)
            return false;
    }
    bool one = command->ip != NULL && command->helo != NULL && command->from != NULL;
    return optind == argc && one != (command->batch != NULL);
}

static void
ask_cache(void *ctx, enum dns_type type, const struct dname *name, struct dns_answer *out)
{
    dnscache_lookup(ctx, type, name, out);
}

static void
evaluate(struct command *command, struct spf *spf, struct sender *sender)
{
    struct spf_query query = {.ip = sender->ip,
        .domain = sender->domain,
        .local = sender->local,
        .helo = sender->helo,
        .dns = {.lookup = ask_cache, .ctx = command->cache},
        .limits = command->limits,
        .now_s = command->now_s};
    if (sender->valid) {
        spf_check(spf, &query, &sender->result);
        return;
    }
    sender->result = (struct spf_result){.status = SPF_DONE, .reason = REASON_SPF_NONE};
    (void)snprintf(sender->result.why, sizeof sender->result.why, "no domain name to ask about");
}

/* Evaluates all, asks what was missing, and again, until nothing is. */
static enum err
evaluate_all(
    struct command *command, struct spf *spf, struct resolver *resolver, struct errmsg *msg)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        for (size_t i = 0; i < command->count; i++)
            if (round == 0 || command->senders[i].result.status == SPF_PENDING)
                evaluate(command, spf, &command->senders[i]);
        if (dnscache_wanted(command->cache) == 0)
            return ERR_OK;
        enum err err = resolve_wanted(resolver, command->cache, NULL, NULL, msg);
        if (err < 0)
            return err;
    }
    return errmsg_set(msg, ERR_RANGE, "no result after %d rounds of look-ups", ROUNDS_MAX);
}

static void
print_all(const struct command *command)
{
    for (size_t i = 0; i < command->count; i++) {
        const struct spf_result *result = &command->senders[i].result;
        const char *name = result->temperror || result->status == SPF_PENDING
                               ? "temperror"
                               : reason_info(result->reason)->name + strlen("spf-");
        const char *text = result->explanation[0] != '\0' ? result->explanation : result->why;
        printf("%s%s%s\n", name, text[0] != '\0' ? "\t" : "", text);
    }
}

static enum err
run(struct command *command, struct errmsg *msg)
{
    struct spf *spf = NULL;
    struct resolver *resolver = NULL;
    enum err err = command->batch != NULL
                       ? read_batch(command, msg)
                       : add_sender(command, command->ip, command->helo, command->from);
    if (err == ERR_SYNTAX && command->batch == NULL)
        (void)errmsg_set(msg, err, "--ip: \"%s\" is no address", command->ip);
    if (err < 0)
        return err;
    err = spf_open(&spf);
    if (err == ERR_OK)
        err = dnscache_new(NULL, command->now_s, &command->cache);
    if (err < 0)
        (void)errmsg_set(msg, err, "out of memory");
    if (err == ERR_OK)
        err = resolver_open(&command->conf, &resolver, msg);
    if (err == ERR_OK)
        err = evaluate_all(command, spf, resolver, msg);
    if (err == ERR_OK)
        print_all(command);
    resolver_close(&resolver);
    dnscache_free(&command->cache);
    spf_close(&spf);
    return err;
}

int
spf_command(int argc, char **argv)
{
    struct errmsg msg;
    /* RFC 7208 4.6.4: 10 look-ups, 2 of them void. */
    struct command command = {.limits = {.lookups = 10, .voids = 2},
        .conf = {.resolver_timeout_ms = 2000,
            .resolver_tries = 3,
            .resolver_window = 256,
            .max_ttl_s = 86400},
        .now_s = (int64_t)time(NULL)};
    if (!parse_options(argc, argv, &command)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    enum err err = run(&command, &msg);
    if (err < 0)
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    for (size_t i = 0; i < command.count; i++) {
        free(command.senders[i].helo);
        free(command.senders[i].from);
    }
    free(command.senders);
    return err < 0 ? EXIT_FAILED : EXIT_DONE;
}
