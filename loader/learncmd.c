/* The learn command; see learncmd.h. */
#include "loader/learncmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "loader/exitcode.h"
#include "loader/jsonline.h"
#include "loader/labelled.h"
#include "loader/learn.h"
#include "loader/output.h"
#include "zones/log.h"

/* The weights choose which of several looks speaks for a client, so they are fitted again to that
 * choice; it settles at once as few clients have several. */
enum { ROUNDS = 3 };

/* On the mail that the shipped weights are learnt from, cross-validation inside of the folds asks
 * for still less, which lists more of both kinds. */
#define PENALTY 1.25

static const char usage[] =
    "usage: repdns-load learn [--json] [--weights FILE] [--penalty N] LABELLED\n"
    "       repdns-load learn [--json] --score [--weights FILE] LABELLED\n"
    "       repdns-load learn [--json] --features\n"
    "  prints weights, scores, or features with their origins and shipped weights\n"
    "  LABELLED        lines of ham or spam, address, none|forged|name, reverse name,\n"
    "                  HELO, sender domain, separated by tabs; - is standard input\n"
    "  --weights FILE  where to begin, or what to score with (the shipped weights)\n"
    "  --penalty N     how hard weights are pulled back to where they began (1.25)\n"
    "  --json          print lines of JSON\n"
    "  -h, --help      print this and exit\n";

struct learning {
    const char *weights_path, *path;
    double penalty;
    bool score, features, json;
    struct weights weights;
    struct labelled labelled;
    struct labelled_tools tools;
    struct learn_row *rows;
    size_t count;
};

static enum err
print_features(bool json)
{
    enum err err = ERR_OK;
    for (enum feature i = 0; i < FEATURE_COUNT && err == ERR_OK; i++) {
        const struct feature_info *info = feature_info(i);
        const char *origin = info->origin == ORIGIN_SET ? "set" : "learnt";
        if (!json) {
            printf("%s\t%s\t%.3f\n", info->name, origin, info->weight);
            continue;
        }
        const struct jsonline_member members[] = {{"feature", json_string(info->name)},
            {"origin", json_string(origin)}, {"weight", jsonline_number(info->weight)}};
        err = jsonline_print_members(stdout, members, sizeof members / sizeof *members);
    }
    return err;
}

/* Those that were learnt, from so many clients. */
static enum err
print_weights(const struct learning *learning)
{
    const struct jsonline_member clients = {"clients", jsonline_count(learning->count)};
    enum err err = jsonline_print_members(stdout, &clients, 1);
    for (enum feature i = 0; i < FEATURE_COUNT && err == ERR_OK; i++) {
        const struct jsonline_member members[] = {{"feature", json_string(feature_info(i)->name)},
            {"weight", jsonline_number(learning->weights.of[i])},
            {"meaning", json_string(feature_info(i)->meaning)}};
        err = jsonline_print_members(stdout, members, sizeof members / sizeof *members);
    }
    return err;
}

static int
parse_options(int argc, char **argv, struct learning *out)
{
    static const struct option longs[] = {{"weights", required_argument, NULL, 'w'},
        {"penalty", required_argument, NULL, 'p'}, {"score", no_argument, NULL, 's'},
        {"features", no_argument, NULL, 'f'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'}, {0}};
    char *end = NULL;

    *out = (struct learning){.penalty = PENALTY};
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return EXIT_DONE;
        }
        if (option == 'f')
            out->features = true;
        else if (option == 'j')
            out->json = true;
        else if (option == 'w')
            out->weights_path = optarg;
        else if (option == 's')
            out->score = true;
        else if (option == 'p')
            out->penalty = strtod(optarg, &end);
        if (option == '?' || (end != NULL && *end != '\0') || !(out->penalty > 0)) {
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind + (out->features ? 0 : 1) == argc) {
        out->path = argv[optind];
        return -1;
    }
    fputs(usage, stderr);
    return EXIT_USAGE;
}

/* The policy's numbers that features need: habits do not show in labelled mail. */
static const struct policy policy = {
    .half_life_days = 7, .churn_names = UINT32_MAX, .fail_habit_domains = UINT32_MAX};

static enum err
make_rows(struct learning *learning, struct labelled_client *client, struct errmsg *msg)
{
    learning->count = 0;
    for (size_t at = 0; at < learning->labelled.count;) {
        struct features features;
        enum err err = labelled_next(&learning->labelled, &learning->tools, &at, client, msg);
        if (err < 0)
            return err;
        features_of(&client->facts, &policy, &learning->weights, &features);
        struct learn_row *row = &learning->rows[learning->count++];
        row->spam = client->spam;
        memcpy(row->of, features.of, sizeof row->of);
    }
    return ERR_OK;
}

static enum err
learn(struct learning *learning, struct labelled_client *client, struct errmsg *msg)
{
    const struct weights begin = learning->weights;
    enum err err = ERR_OK;

    for (unsigned i = 0; i < ROUNDS && err == ERR_OK; i++) {
        err = make_rows(learning, client, msg);
        if (err < 0)
            return err;
        learning->weights = begin;
        err = learn_fit(learning->rows, learning->count, learning->penalty, &learning->weights);
    }
    if (err < 0)
        return errmsg_set(msg, err, "%s: there must be ham and spam to learn from", learning->path);
    if (learning->json)
        return print_weights(learning) < 0 ? errmsg_set(msg, ERR_NOMEM, "out of memory") : ERR_OK;
    printf("# learnt by repdns-load learn from %zu clients\n", learning->count);
    weights_write(stdout, &learning->weights);
    return ERR_OK;
}

/* What features the client has, bias aside. */
static enum err
print_score(
    const struct labelled_client *client, const struct features *features, double score, bool json)
{
    char ip[IP_TEXT_SIZE];
    const char *label = client->spam ? "spam" : "ham";
    json_t *names = json ? json_array() : NULL;
    ip_format(&client->client.ip, ip);
    if (!json)
        printf("%s\t%s\t%.1f", ip, label, score);
    for (enum feature i = FEATURE_BIAS + 1; i < FEATURE_COUNT; i++) {
        if (features->of[i] <= 0)
            continue;
        if (json)
            jsonline_append(&names, json_string(feature_info(i)->name));
        else
            printf("\t%s", feature_info(i)->name);
    }
    if (!json) {
        putchar('\n');
        return ERR_OK;
    }
    const struct jsonline_member members[] = {{"address", json_string(ip)},
        {"label", json_string(label)}, {"score", jsonline_number(score)}, {"features", names}};
    return jsonline_print_members(stdout, members, sizeof members / sizeof *members);
}

/* Of a client that is active and has no record, as in labelled mail. */
static enum err
print_scores(const struct learning *learning, struct labelled_client *client, struct errmsg *msg)
{
    for (size_t at = 0; at < learning->labelled.count;) {
        struct features features;
        double badness = 0;
        enum err err = labelled_next(&learning->labelled, &learning->tools, &at, client, msg);
        if (err < 0)
            return err;
        features_of(&client->facts, &policy, &learning->weights, &features);
        for (unsigned i = 0; i < FEATURE_COUNT; i++)
            badness += features.of[i] * learning->weights.of[i];
        if (print_score(client, &features, 50 - 10 * badness, learning->json) < 0)
            return errmsg_set(msg, ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

static enum err
read_labelled(struct learning *learning, struct errmsg *msg)
{
    bool standard = strcmp(learning->path, "-") == 0;
    FILE *in = standard ? stdin : fopen(learning->path, "r");

    if (in == NULL)
        return errmsg_set(msg, ERR_IO, "%s: %s", learning->path, strerror(errno));
    enum err err = labelled_read(in, learning->path, &learning->labelled, msg);
    if (!standard)
        (void)fclose(in);
    return err;
}

static enum err
run(struct learning *learning, struct errmsg *msg)
{
    struct labelled_client *client = calloc(1, sizeof *client);
    enum err err = client == NULL ? errmsg_set(msg, ERR_NOMEM, "out of memory") : ERR_OK;

    if (err == ERR_OK)
        err = publicname_open(&learning->tools.names, msg);
    if (err == ERR_OK)
        err = rdns_open(learning->tools.names, &learning->tools.rdns, msg);
    if (err == ERR_OK)
        err = read_labelled(learning, msg);
    if (err == ERR_OK) {
        learning->rows = calloc(learning->labelled.count + 1, sizeof *learning->rows);
        if (learning->rows == NULL)
            err = errmsg_set(msg, ERR_NOMEM, "out of memory");
    }
    if (err == ERR_OK && learning->score)
        err = print_scores(learning, client, msg);
    else if (err == ERR_OK)
        err = learn(learning, client, msg);
    free(client);
    free(learning->rows);
    labelled_free(&learning->labelled);
    rdns_close(&learning->tools.rdns);
    publicname_close(&learning->tools.names);
    return err;
}

int
learn_command(int argc, char **argv)
{
    struct learning learning;
    struct errmsg msg;
    int done = parse_options(argc, argv, &learning);

    if (done >= 0)
        return done;
    weights_shipped(&learning.weights);
    enum err err = learning.weights_path == NULL
                       ? ERR_OK
                       : weights_open(learning.weights_path, &learning.weights, &msg);
    if (err == ERR_OK && learning.features)
        err = print_features(learning.json) < 0 ? errmsg_set(&msg, ERR_NOMEM, "out of memory")
                                                : ERR_OK;
    else if (err == ERR_OK)
        err = run(&learning, &msg);
    err = output_end(err, &msg);
    if (err < 0)
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    return err < 0 ? EXIT_FAILED : EXIT_DONE;
}
