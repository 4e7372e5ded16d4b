/* The report command; see reportcmd.h. */
#include "loader/reportcmd.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "loader/asof.h"
#include "loader/jsonline.h"
#include "loader/ownnets.h"
#include "loader/report.h"
#include "loader/stages.h"
#include "zones/log.h"

static const char usage[] =
    "usage: repdns-load report [-c FILE] [--as-of TIME] [--reporter NAME] [--json]\n"
    "           [-q] spam|ham|trap\n"
    "  reads a mail from standard input: as it was received, or attached to one made\n"
    "  here\n"
    "  -c FILE          configuration (/etc/repdns/repdns.conf)\n"
    "  --reporter NAME  whose word it is (the calling user)\n"
    "  --json           print a line of JSON\n"
    "  -q               print nothing\n"
    "  -h, --help       print this and exit\n";

/* Attached mails behind it are not looked at. */
enum { MAIL_MAX = 1 << 20, NAME_SIZE = 64 };

struct options {
    const char *path;
    bool quiet, json;
    struct report report;
};

static const char *
user_name(char room[NAME_SIZE])
{
    const struct passwd *user = getpwuid(getuid());

    if (user != NULL)
        return user->pw_name;
    (void)snprintf(room, NAME_SIZE, "%u", (unsigned)getuid());
    return room;
}

static bool
find_label(const char *word, enum obs_label *out)
{
    static const char *const words[OBS_LABEL_COUNT] = {
        [OBS_HAM] = "ham", [OBS_SPAM] = "spam", [OBS_TRAP] = "trap"};

    for (enum obs_label i = OBS_UNLABELLED + 1; i < OBS_LABEL_COUNT; i++)
        if (strcmp(word, words[i]) == 0) {
            *out = i;
            return true;
        }
    return false;
}

/* Negative to go on, else the exit code. */
static int
parse_options(int argc, char **argv, struct options *out)
{
    static const struct option longs[] = {{"as-of", required_argument, NULL, 'a'},
        {"reporter", required_argument, NULL, 'r'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'}, {0}};
    bool good = true;

    *out = (struct options){
        .path = "/etc/repdns/repdns.conf", .report = {.now_s = (int64_t)time(NULL)}};
    optind = 1;
    for (int option; good && (option = getopt_long(argc, argv, "c:qh", longs, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return EXIT_DONE;
        }
        if (option == 'c')
            out->path = optarg;
        else if (option == 'q')
            out->quiet = true;
        else if (option == 'j')
            out->json = true;
        else if (option == 'r')
            out->report.reporter = optarg;
        else
            good = option == 'a' && asof_parse(optarg, &out->report.now_s) == ERR_OK;
    }
    if (good && optind + 1 == argc && find_label(argv[optind], &out->report.label))
        return -1;
    fputs(usage, stderr);
    return EXIT_USAGE;
}

/* All is read, so that who writes it is not cut off, and kept up to MAIL_MAX. */
static enum err
read_mail(char *mail, size_t *len, struct errmsg *msg)
{
    static const char name[] = "standard input";
    char rest[8192];
    ssize_t got = 1;

    *len = 0;
    while (got != 0) {
        bool room = *len < MAIL_MAX;

        got = read(STDIN_FILENO, room ? mail + *len : rest, room ? MAIL_MAX - *len : sizeof rest);
        if (got < 0 && errno != EINTR)
            return errmsg_set(msg, ERR_IO, "%s: %s", name, strerror(errno));
        *len += room && got > 0 ? (size_t)got : 0;
    }
    return *len > 0 ? ERR_OK : errmsg_set(msg, ERR_IO, "%s: no mail; give one with <", name);
}

static enum err
report(struct conf *conf, const struct options *options, struct report_counts *counts,
    struct errmsg *msg)
{
    struct prefix own[OWNNETS_MAX];
    struct history *history = NULL;
    size_t len;
    char *mail = malloc(MAIL_MAX);

    if (mail == NULL)
        return errmsg_set(msg, ERR_NOMEM, "report: out of memory");
    if (!conf->own_networks_set) {
        conf->own_network_count = ownnets_ask(own);
        conf->own_networks = own;
    }
    enum err err = read_mail(mail, &len, msg);
    if (err == ERR_OK)
        err = history_open(conf->history_path, false, &history, msg);
    if (err == ERR_OK)
        err = history_set_half_life(history, conf->policy.half_life_days, msg);
    if (err == ERR_OK)
        err = report_mail(history, conf, &options->report, (struct text){mail, len}, counts, msg);
    history_close(&history);
    free(mail);
    return err;
}

static enum err
print_counts(const struct report_counts *counts, bool json)
{
    if (!json) {
        printf("repdns-load report: %u counted, %u known, %u without border hop, %u too old, "
               "%u over the reporter's bound\n",
            counts->counted, counts->known, counts->inside, counts->too_old, counts->too_many);
        return ERR_OK;
    }
    const struct jsonline_member members[] = {{"counted", json_integer(counts->counted)},
        {"known", json_integer(counts->known)}, {"no_border_hop", json_integer(counts->inside)},
        {"too_old", json_integer(counts->too_old)}, {"too_many", json_integer(counts->too_many)}};
    return jsonline_print_members(stdout, members, sizeof members / sizeof *members);
}

int
report_command(int argc, char **argv)
{
    struct options options;
    struct report_counts counts;
    struct conf *conf;
    struct errmsg msg;
    char room[NAME_SIZE];
    int done = parse_options(argc, argv, &options);

    if (done >= 0)
        return done;
    if (options.report.reporter == NULL)
        options.report.reporter = user_name(room);
    if (conf_load(options.path, &conf, &msg) < 0) {
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
        return EXIT_USAGE;
    }
    (void)umask(027);
    enum err err = report(conf, &options, &counts, &msg);
    conf_free(&conf);
    if (err == ERR_OK && !options.quiet && print_counts(&counts, options.json) < 0)
        err = errmsg_set(&msg, ERR_NOMEM, "out of memory");
    if (err < 0)
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    return (int)exit_of(err);
}
