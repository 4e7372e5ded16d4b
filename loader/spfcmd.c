/* The spf command; see spfcmd.h. */
#include "loader/spfcmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loader/exitcode.h"
#include "loader/jsonline.h"
#include "loader/output.h"
#include "loader/spfcmd_internal.h"
#include "zones/log.h"

enum { ROUNDS_MAX = 400 };

static const char usage[] =
    "usage: repdns-load spf [-c FILE] [--resolver ADDR:PORT] [--lookups N]\n"
    "           [--voids N] [--via pair] [--stats] [--json]\n"
    "           --ip ADDRESS --helo NAME --from MAILBOX | --batch FILE\n"
    "       repdns-load spf --verify [--json] -c FILE\n"
    "       repdns-load spf --verify [--json] [--resolver ADDR:PORT] --batch FILE\n"
    "  --batch FILE  lines of address, HELO and MAIL FROM, separated by tabs; - is\n"
    "                standard input\n"
    "  --via pair    answers as the pair zone does: with -c from the published store,\n"
    "                else from one made of the senders' domains for this call\n"
    "  --verify      evaluates each pair both ways, and prints where they differ\n"
    "  --json        prints lines of JSON\n"
    "  -h, --help    print this and exit\n";

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
parse_option(struct spfcommand *command, int option)
{
    switch (option) {
    case 'r':
        return command->has_resolver = parse_resolver(optarg, &command->resolver_at);
    case 'l':
        return command->has_lookups = parse_limit(optarg, &command->limits.lookups);
    case 'v':
        return command->has_voids = parse_limit(optarg, &command->limits.voids);
    case 'p':
        return command->via_pair = strcmp(optarg, "pair") == 0;
    case 'y':
        return command->verify = true;
    case 's':
        return command->stats = true;
    case 'j':
        return command->json = true;
    default:
        return false;
    }
}

static bool
parse_options(int argc, char **argv, struct spfcommand *command)
{
    static const struct option longs[] = {{"resolver", required_argument, NULL, 'r'},
        {"ip", required_argument, NULL, 'i'}, {"helo", required_argument, NULL, 'e'},
        {"from", required_argument, NULL, 'f'}, {"batch", required_argument, NULL, 'b'},
        {"lookups", required_argument, NULL, 'l'}, {"voids", required_argument, NULL, 'v'},
        {"via", required_argument, NULL, 'p'}, {"verify", no_argument, NULL, 'y'},
        {"stats", no_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'}, {0}};
    const struct {
        int option;
        const char **out;
    } texts[] = {{'i', &command->ip}, {'e', &command->helo}, {'f', &command->from},
        {'b', &command->batch}, {'c', &command->config}};
    for (int option; (option = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;) {
        bool good = false;
        if (option == 'h')
            return command->help = true;
        for (size_t i = 0; i < sizeof texts / sizeof *texts && !good; i++)
            if (texts[i].option == option) {
                *texts[i].out = optarg;
                good = true;
            }
        if (!good && !parse_option(command, option))
            return false;
    }
    bool one = command->ip != NULL && command->helo != NULL && command->from != NULL;
    bool senders = one != (command->batch != NULL);
    bool history = command->verify && command->config != NULL && !one && command->batch == NULL;
    bool makes_store = command->via_pair && command->config == NULL;
    return optind == argc && (senders || history) && !(command->verify && command->via_pair) &&
           (makes_store || !command->stats);
}

void
spfcmd_ask(void *ctx, enum dns_type type, const struct dname *name, struct dns_answer *out)
{
    const struct spfcommand *command = ctx;
    dnscache_lookup(command->cache, type, name, out);
    if (out->status == DNS_PENDING && command->resolver == NULL)
        out->status = DNS_FAIL;
}

void
spfcmd_evaluate(struct spfcommand *command, struct spfsender *sender)
{
    struct spf_query query = {.ip = sender->ip,
        .domain = sender->domain,
        .local = sender->local,
        .helo = sender->helo,
        .dns = {.lookup = spfcmd_ask, .ctx = command},
        .limits = command->limits,
        .now_s = command->now_s};
    if (sender->valid) {
        spf_check(command->spf, &query, &sender->result);
        return;
    }
    sender->result = (struct spf_result){.status = SPF_DONE, .reason = REASON_SPF_NONE};
    (void)snprintf(sender->result.why, sizeof sender->result.why, "no domain name to ask about");
}

enum err
spfcmd_rounds(struct spfcommand *command, spfcmd_round_fn round, void *ctx, struct errmsg *msg)
{
    for (command->rounds = 1; command->rounds <= ROUNDS_MAX; command->rounds++) {
        enum err err = round(ctx, command);
        if (err < 0)
            return errmsg_set(msg, err, "evaluating SPF: %s", err_text(err));
        if (command->resolver == NULL || dnscache_wanted(command->cache) == 0)
            return ERR_OK;
        err = resolve_wanted(command->resolver, command->cache, NULL, NULL, msg);
        if (err < 0)
            return err;
    }
    return errmsg_set(msg, ERR_RANGE, "no result after %d rounds of look-ups", ROUNDS_MAX);
}

static enum err
evaluate_pending(void *ctx, struct spfcommand *command)
{
    (void)ctx;
    for (size_t i = 0; i < command->count; i++)
        if (command->senders[i].result.status == SPF_PENDING)
            spfcmd_evaluate(command, &command->senders[i]);
    return ERR_OK;
}

enum err
spfcmd_print(const struct spfcommand *command, const struct spfsender *sender, const char *result,
    const char *text)
{
    if (!command->json) {
        printf("%s%s%s\n", result, text[0] != '\0' ? "\t" : "", text);
        return ERR_OK;
    }
    const struct jsonline_member members[] = {{"address", jsonline_ip(&sender->ip)},
        {"domain", sender->valid ? jsonline_name(&sender->domain) : json_null()},
        {"result", json_string(result)},
        {"text", text[0] != '\0' ? jsonline_string(text) : json_null()}};
    return jsonline_print_members(stdout, members, sizeof members / sizeof *members);
}

static enum err
evaluate_all(struct spfcommand *command, struct errmsg *msg)
{
    enum err err = spfcmd_rounds(command, evaluate_pending, NULL, msg);
    for (size_t i = 0; i < command->count && err == ERR_OK; i++) {
        const struct spf_result *result = &command->senders[i].result;
        bool known = result->status == SPF_DONE && !result->temperror;
        err = spfcmd_print(command, &command->senders[i],
            known ? reason_info(result->reason)->name + strlen("spf-") : "temperror",
            result->explanation[0] != '\0' ? result->explanation : result->why);
    }
    return err == ERR_NOMEM ? errmsg_set(msg, err, "out of memory") : err;
}

/* Verifying the history, and answering from the store, ask nobody. */
static enum err
open_all(struct spfcommand *command, struct errmsg *msg)
{
    bool history = command->verify && command->batch == NULL && command->ip == NULL;
    bool store = command->via_pair && command->config != NULL;
    enum err err = spf_open(&command->spf);
    if (err < 0)
        return errmsg_set(msg, err, "out of memory");
    if (history || store)
        return ERR_OK;
    err = dnscache_new(NULL, command->now_s, &command->cache);
    return err < 0 ? errmsg_set(msg, err, "out of memory")
                   : resolver_open(command->conf, &command->resolver, msg);
}

static enum err
run(struct spfcommand *command, size_t *differences, struct errmsg *msg)
{
    struct conf small = {.resolver_timeout_ms = 2000,
        .resolver_tries = 3,
        .resolver_window = 256,
        .max_ttl_s = 86400};
    enum err err = ERR_OK;
    if (command->loaded != NULL) {
        small = *command->loaded;
        if (!command->has_lookups)
            command->limits.lookups = small.spf.lookup_limit;
        if (!command->has_voids)
            command->limits.voids = small.spf.void_limit;
    }
    if (command->has_resolver) {
        small.has_resolver = true;
        small.resolver = command->resolver_at;
    }
    command->conf = &small;
    err = open_all(command, msg);
    if (err == ERR_OK && (command->batch != NULL || command->ip != NULL))
        err = spfcmd_read_senders(command, msg);
    if (err < 0)
        return err;
    if (command->verify)
        return spfcmd_verify(command, differences, msg);
    return command->via_pair ? spfcmd_pair(command, msg) : evaluate_all(command, msg);
}

int
spf_command(int argc, char **argv)
{
    struct errmsg msg;
    size_t differences = 0;
    /* RFC 7208 4.6.4: 10 look-ups, 2 of them void. */
    struct spfcommand command = {
        .limits = {.lookups = 10, .voids = 2}, .now_s = (int64_t)time(NULL)};
    if (!parse_options(argc, argv, &command)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (command.help) {
        fputs(usage, stdout);
        return EXIT_DONE;
    }
    if (command.config != NULL && conf_load(command.config, &command.loaded, &msg) < 0) {
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
        return EXIT_USAGE;
    }
    enum err err = output_end(run(&command, &differences, &msg), &msg);
    if (err < 0)
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    spfcmd_free_senders(&command);
    resolver_close(&command.resolver);
    dnscache_free(&command.cache);
    spf_close(&command.spf);
    conf_free(&command.loaded);
    return err < 0 || differences > 0 ? EXIT_FAILED : EXIT_DONE;
}
