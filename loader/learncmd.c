/* The learn command; see learncmd.h. */
#include "loader/learncmd.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loader/asof.h"
#include "loader/jsonline.h"
#include "loader/labelled.h"
#include "loader/learn.h"
#include "loader/learnhistory.h"
#include "loader/output.h"
#include "loader/ownnets.h"
#include "loader/stages.h"
#include "zones/log.h"

/* The weights choose which of several looks speaks for a client, so they are fitted again to that
 * choice; it settles at once as few clients have several. */
enum { ROUNDS = 3, PATH_SIZE = 1024, HEAD_SIZE = 512 };

/* On the mail that the shipped weights are learnt from, cross-validation inside of the folds asks
 * for still less, which lists more of both kinds. */
#define PENALTY 1.25

static const char usage[] =
    "usage: repdns-load learn [--json|-o FILE] [--weights FILE] [--penalty N]\n"
    "           LABELLED\n"
    "       repdns-load learn --history [--json|-o FILE] [-c FILE] [--as-of TIME]\n"
    "           [--weights FILE] [--penalty N]\n"
    "       repdns-load learn [--json] --score [--weights FILE] LABELLED\n"
    "       repdns-load learn [--json] --features\n"
    "  prints weights, scores, or features with their origins and shipped weights\n"
    "  LABELLED        lines of ham or spam, address, none|forged|name, reverse name,\n"
    "                  HELO, sender domain, separated by tabs; - is standard input\n"
    "  --history       from addresses of the history whose mail was kept or reported\n"
    "  -c FILE         configuration (/etc/repdns/repdns.conf)\n"
    "  --as-of TIME    by the history as of this time\n"
    "  --weights FILE  where to begin, or what to score with (the shipped weights)\n"
    "  --penalty N     how hard weights are pulled back to where they began (1.25; of\n"
    "                  the history 10, or more to spare addresses whose mail is kept)\n"
    "  -o FILE         write the weights there, if all is well\n"
    "  --json          print lines of JSON\n"
    "  -h, --help      print this and exit\n";

struct learning {
    const char *weights_path, *path, *conf_path, *out_path;
    double penalty; /* 0: the default of what is learnt from */
    bool score, history, features, json;
    int64_t now_s;
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

/* One option; false if it is wrong. */
static bool
take_option(int option, struct learning *out)
{
    char *end;

    switch (option) {
    case 'a':
        return asof_parse(optarg, &out->now_s) == ERR_OK;
    case 'p':
        out->penalty = strtod(optarg, &end);
        return *end == '\0' && isfinite(out->penalty) && out->penalty > 0;
    case 'H':
        out->history = true;
        return true;
    case 's':
        out->score = true;
        return true;
    case 'f':
        out->features = true;
        return true;
    case 'j':
        out->json = true;
        return true;
    default:
        break;
    }
    const char **path = option == 'c'   ? &out->conf_path
                        : option == 'o' ? &out->out_path
                        : option == 'w' ? &out->weights_path
                                        : NULL;
    if (path != NULL)
        *path = optarg;
    return path != NULL;
}

/* Negative to go on, else the exit code. */
static int
parse_options(int argc, char **argv, struct learning *out)
{
    static const struct option longs[] = {{"weights", required_argument, NULL, 'w'},
        {"penalty", required_argument, NULL, 'p'}, {"score", no_argument, NULL, 's'},
        {"history", no_argument, NULL, 'H'}, {"as-of", required_argument, NULL, 'a'},
        {"features", no_argument, NULL, 'f'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'}, {0}};
    bool good = true;

    *out = (struct learning){.conf_path = "/etc/repdns/repdns.conf", .now_s = (int64_t)time(NULL)};
    optind = 1;
    for (int option; good && (option = getopt_long(argc, argv, "c:o:h", longs, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return EXIT_DONE;
        }
        good = take_option(option, out);
    }
    bool prints = out->score || out->features || out->json;
    good = good && !(prints && out->out_path != NULL) && !(out->score && out->history);
    if (good && optind + !(out->history || out->features) == argc) {
        out->path = argv[optind];
        return -1;
    }
    fputs(usage, stderr);
    return EXIT_USAGE;
}

/* -- the weights that come out -- */

/* A file that is there stays whole until the new one is. */
static enum err
write_weights(const struct learning *learning, const char *head, struct errmsg *msg)
{
    char new[PATH_SIZE];
    const char *path = learning->out_path;

    if (learning->json)
        return print_weights(learning) < 0 ? errmsg_set(msg, ERR_NOMEM, "out of memory") : ERR_OK;
    if (path == NULL) {
        fputs(head, stdout);
        weights_write(stdout, &learning->weights);
        return ERR_OK;
    }
    if ((size_t)snprintf(new, sizeof new, "%s.new", path) >= sizeof new)
        return errmsg_set(msg, ERR_RANGE, "%s: the name is too long", path);
    FILE *out = fopen(new, "we");
    if (out == NULL)
        return errmsg_set(msg, ERR_IO, "%s: %s", new, strerror(errno));
    fputs(head, out);
    weights_write(out, &learning->weights);
    bool good = fflush(out) == 0 && fsync(fileno(out)) == 0 && ferror(out) == 0;
    good = fclose(out) == 0 && good;
    if (!good || rename(new, path) != 0)
        return errmsg_set(msg, ERR_IO, "%s: %s", new, strerror(errno));
    return ERR_OK;
}

/* -- from the history -- */

static enum err
fit_history(struct learning *learning, const struct conf *conf, struct learnhistory *learnt,
    struct errmsg *msg)
{
    struct run run = {.conf = conf, .now_s = learning->now_s};
    double penalty = learning->penalty > 0 ? learning->penalty : LEARNHISTORY_PENALTY;
    enum err err = stages_need_judging(&run, msg);

    if (err == ERR_OK) {
        struct judging_env env = *stages_env(&run, true);
        env.weights = &learning->weights;
        err = learnhistory_fit(&env, penalty, learnt, msg);
    }
    run_close(&run);
    return err;
}

static enum err
learn_history(struct learning *learning, struct conf *conf, struct errmsg *msg)
{
    struct prefix own[OWNNETS_MAX];
    struct learnhistory learnt;
    char head[HEAD_SIZE];

    if (!conf->own_networks_set) {
        conf->own_network_count = ownnets_ask(own);
        conf->own_networks = own;
    }
    enum err err = fit_history(learning, conf, &learnt, msg);
    if (err < 0)
        return err;
    learning->weights = learnt.weights;
    learning->count = learnt.ham + learnt.spam;
    (void)snprintf(head, sizeof head,
        "# learnt by repdns-load learn --history from %zu addresses of which mail was kept and "
        "%zu\n# of which it was reported; penalty %g. By weights learnt without them %zu and %zu\n"
        "# of these have a score of %u or less.\n",
        learnt.ham, learnt.spam, learnt.penalty, learnt.listed_ham, learnt.listed_spam,
        conf->policy.score_threshold);
    return write_weights(learning, head, msg);
}

/* -- from labelled mail -- */

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
    double penalty = learning->penalty > 0 ? learning->penalty : PENALTY;
    char head[HEAD_SIZE];
    enum err err = ERR_OK;

    for (unsigned i = 0; i < ROUNDS && err == ERR_OK; i++) {
        err = make_rows(learning, client, msg);
        if (err < 0)
            return err;
        learning->weights = begin;
        err = learn_fit(learning->rows, learning->count, penalty, &learning->weights);
    }
    if (err < 0)
        return errmsg_set(msg, err, "%s: there must be ham and spam to learn from", learning->path);
    (void)snprintf(
        head, sizeof head, "# learnt by repdns-load learn from %zu clients\n", learning->count);
    return write_weights(learning, head, msg);
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
        enum err err = labelled_next(&learning->labelled, &learning->tools, &at, client, msg);
        if (err < 0)
            return err;
        features_of(&client->facts, &policy, &learning->weights, &features);
        double badness = weights_badness(&learning->weights, features.of);
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

/* The exit code. */
static enum exit_code
from_history(struct learning *learning, struct errmsg *msg)
{
    struct conf *conf;

    if (conf_load(learning->conf_path, &conf, msg) < 0)
        return EXIT_USAGE;
    enum err err = learn_history(learning, conf, msg);
    conf_free(&conf);
    return exit_of(err);
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
    enum exit_code code = EXIT_DONE;
    if (learning.weights_path != NULL)
        code = exit_of(weights_open(learning.weights_path, &learning.weights, &msg));
    if (code == EXIT_DONE && learning.features)
        code =
            exit_of(print_features(learning.json) < 0 ? errmsg_set(&msg, ERR_NOMEM, "out of memory")
                                                      : ERR_OK);
    else if (code == EXIT_DONE)
        code = learning.history ? from_history(&learning, &msg) : exit_of(run(&learning, &msg));
    if (code == EXIT_DONE)
        code = exit_of(output_end(ERR_OK, &msg));
    if (code != EXIT_DONE)
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    return (int)code;
}
