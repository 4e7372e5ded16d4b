/* repdns-load: from mail logs, mail stores, lists and DNS to a published store. See repdns-load(8).
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "loader/asof.h"
#include "loader/backup.h"
#include "loader/classify.h"
#include "loader/clock.h"
#include "loader/learncmd.h"
#include "loader/listcmd.h"
#include "loader/ownnets.h"
#include "loader/reportcmd.h"
#include "loader/runlock.h"
#include "loader/spfcmd.h"
#include "loader/stages.h"
#include "loader/status.h"
#include "loader/watch.h"
#include "loader/wordcmd.h"
#include "zones/confvalue.h"
#include "zones/log.h"

static const char usage[] =
    "usage: repdns-load [-c FILE] [--as-of TIME] [--force] STAGE\n"
    "       repdns-load [-c FILE] [--force] [--wait 5m] list add NAME ENTRY...\n"
    "           [--for 30d] [--value :127.0.0.2:text] [--note TEXT]\n"
    "       repdns-load [-c FILE] list del|undo NAME ENTRY..., list show NAME\n"
    "       repdns-load [-c FILE] backup DIR\n"
    "       repdns-load [-c FILE] [--wait 5m] restore DIR\n"
    "       repdns-load [-c FILE] [--force] allow|unlist|block WHAT... [--for 30d]\n"
    "           --note TEXT\n"
    "       repdns-load [-c FILE] word, word log, word undo WHAT... --note TEXT\n"
    "       repdns-load [-c FILE] forget [--keep-word] WHAT...\n"
    "  -c FILE       configuration (/etc/repdns/repdns.conf)\n"
    "  --as-of TIME  judge by this time: seconds since 1970, or 2026-06-01[T12:00:00]\n"
    "  --force       publish however many would be newly listed, whatever a list does\n"
    "  --dry-run     judge: print what a publish would change, and why\n"
    "  --wait TIME   how long to wait for a run that is active (5m)\n"
    "  -q            no summary line      -V  version      -h, --help  this\n"
    "stages: run (all of them), observe [-], import, resolve, judge, publish,\n"
    "    status\n"
    "also, with options of their own: repdns-load spf ..., repdns-load classify ...,\n"
    "    repdns-load watch ..., repdns-load learn ..., repdns-load report ...;\n"
    "    see repdns-load(8)\n";

static enum exit_code
stage_status(struct run *run, struct errmsg *msg)
{
    return exit_of(status_print(stdout, run->conf, run->now_s, msg));
}

static const struct {
    const char *name;
    stage_fn stage;
    bool locks;
} stages[] = {
    {"run", stage_run, true},
    {"observe", stage_observe, true},
    {"import", stage_import, true},
    {"resolve", stage_resolve, true},
    {"judge", stage_judge, true},
    {"publish", stage_publish, true},
    {"status", stage_status, false},
};

/* The descriptor is kept until the process ends. */
static enum exit_code
lock_state(const struct conf *conf, uint32_t wait_s, struct errmsg *msg)
{
    int fd;
    return runlock_get(conf, wait_s, &fd, msg);
}

static void
print_summary(const struct run *run, const char *stage, double seconds)
{
    printf(
        "repdns-load %s: %llu lines, %llu observed, %llu skipped; %llu list entries; %llu asked, "
        "%llu failed; %llu judged, %llu listed, %llu new; %llu records put, %llu deleted; serial "
        "%u; %.1f s\n",
        stage, (unsigned long long)run->observed.lines,
        (unsigned long long)(run->observed.observed + run->imported.observed),
        (unsigned long long)(run->observed.skipped + run->imported.skipped),
        (unsigned long long)run->lists.entries, (unsigned long long)run->resolved.asked,
        (unsigned long long)run->resolved.failed, (unsigned long long)run->verdicts.subjects,
        (unsigned long long)run->verdicts.listed, (unsigned long long)run->verdicts.newly_listed,
        (unsigned long long)run->published.records_put,
        (unsigned long long)run->published.records_deleted, run->published.serial, seconds);
}

struct options {
    const char *path, *stage;
    int64_t now_s;
    bool force, quiet, dry_run, is_list, is_word, has_list_options, from_stdin;
    uint32_t wait_s;
    struct list_request list;
    enum copying { COPY_NOTHING, COPY_OUT, COPY_IN } copying;
    const char *dir; /* of backup and restore */
    struct word_request word;
};

enum { WAIT_S = 300 };

/* One option; false if it is wrong. */
static bool
take_option(int option, struct options *out)
{
    switch (option) {
    case 'c':
        out->path = optarg;
        return true;
    case 'a':
        return asof_parse(optarg, &out->now_s) == ERR_OK;
    case 'f':
        out->force = true;
        return true;
    case 'q':
        out->quiet = true;
        return true;
    case 'y':
        out->dry_run = true;
        return true;
    default:
        break;
    }
    out->has_list_options = true;
    if (option == 'd')
        out->list.duration = out->word.duration = optarg;
    else if (option == 'v')
        out->list.value = optarg;
    else if (option == 'n')
        out->list.note = out->word.note = optarg;
    else if (option == 'k')
        out->word.keep_word = true;
    else
        return option == 'w' && confvalue_duration(optarg, &out->wait_s) == ERR_OK;
    return true;
}

static int
usage_error(void)
{
    fputs(usage, stderr);
    return EXIT_USAGE;
}

/* What follows the options. Negative to go on, else the exit code. */
static int
parse_words(int argc, char **argv, struct options *out)
{
    struct errmsg msg;
    if (optind == argc)
        return usage_error();
    out->stage = argv[optind++];
    out->is_list = strcmp(out->stage, "list") == 0;
    if (strcmp(out->stage, "backup") == 0 || strcmp(out->stage, "restore") == 0) {
        out->copying = out->stage[0] == 'b' ? COPY_OUT : COPY_IN;
        out->dir = argv[optind];
        return optind + 1 == argc ? -1 : usage_error();
    }
    out->is_word = word_is_command(out->stage);
    if (out->dry_run && strcmp(out->stage, "judge") != 0)
        return usage_error();
    if (optind + 1 == argc && strcmp(out->stage, "observe") == 0 &&
        strcmp(argv[optind], "-") == 0) {
        out->from_stdin = true;
        optind++;
    }
    if (!out->is_list && !out->is_word)
        return optind == argc && !out->has_list_options ? -1 : usage_error();
    if (out->list.value != NULL && out->is_word)
        return usage_error();
    enum err err = out->is_word
                       ? word_request_parse(argc - optind + 1, argv + optind - 1, &out->word, &msg)
                       : list_request_parse(argc - optind, argv + optind, &out->list, &msg);
    if (err == ERR_OK && !(out->is_list && out->word.keep_word))
        return -1;
    if (err == ERR_OK)
        return usage_error();
    log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    return EXIT_USAGE;
}

/* Negative to go on, else the exit code. */
static int
parse_options(int argc, char **argv, struct options *out)
{
    static const struct option longs[] = {{"as-of", required_argument, NULL, 'a'},
        {"force", no_argument, NULL, 'f'}, {"for", required_argument, NULL, 'd'},
        {"value", required_argument, NULL, 'v'}, {"note", required_argument, NULL, 'n'},
        {"wait", required_argument, NULL, 'w'}, {"keep-word", no_argument, NULL, 'k'},
        {"dry-run", no_argument, NULL, 'y'}, {"help", no_argument, NULL, 'h'}, {0}};
    *out = (struct options){
        .path = "/etc/repdns/repdns.conf", .now_s = (int64_t)time(NULL), .wait_s = WAIT_S};
    for (int option; (option = getopt_long(argc, argv, "c:qVh", longs, NULL)) != -1;) {
        if (option == 'V' || option == 'h') {
            fputs(option == 'h' ? usage : "repdns-load " REPDNS_VERSION "\n", stdout);
            return EXIT_DONE;
        }
        if (!take_option(option, out))
            return usage_error();
    }
    return parse_words(argc, argv, out);
}

static int32_t
utc_offset(int64_t now_s)
{
    time_t when = (time_t)now_s;
    struct tm local;
    return localtime_r(&when, &local) != NULL ? (int32_t)local.tm_gmtoff : 0;
}

static struct run
make_run(struct conf *conf, const struct options *options, struct prefix own[OWNNETS_MAX])
{
    if (!conf->own_networks_set) {
        conf->own_network_count = ownnets_ask(own);
        conf->own_networks = own;
    }
    return (struct run){.conf = conf,
        .now_s = options->now_s,
        .utc_offset_s = utc_offset(options->now_s),
        .force = options->force,
        .dry_run = options->dry_run,
        .from_stdin = options->from_stdin,
        .progress = isatty(STDERR_FILENO) != 0};
}

static enum exit_code
run_stage(struct conf *conf, const struct options *options, size_t number, struct errmsg *msg)
{
    struct prefix own[OWNNETS_MAX];
    double start = clock_seconds(CLOCK_MONOTONIC);
    if (stages[number].locks) {
        enum exit_code locked = lock_state(conf, 0, msg);
        if (locked != EXIT_DONE)
            return locked;
    }
    struct run run = make_run(conf, options, own);
    enum exit_code code = stages[number].stage(&run, msg);
    run_close(&run);
    if (stages[number].locks && !options->quiet)
        print_summary(&run, stages[number].name, clock_seconds(CLOCK_MONOTONIC) - start);
    return code;
}

/* A change by hand waits for a run that is active, since it shall not be lost in a script. */
static enum exit_code
run_by_hand(struct conf *conf, const struct options *options, struct errmsg *msg)
{
    const struct list_request *list = &options->list;
    struct prefix own[OWNNETS_MAX];
    double start = clock_seconds(CLOCK_MONOTONIC);
    bool writes =
        options->is_word ? word_request_writes(&options->word) : list_request_writes(list);
    enum exit_code code = writes ? lock_state(conf, options->wait_s, msg) : EXIT_DONE;
    if (code != EXIT_DONE)
        return code;
    struct run run = make_run(conf, options, own);
    code = options->is_word ? word_command(&run, &options->word, stdout, msg)
                            : list_command(&run, list, stdout, msg);
    run_close(&run);
    if (code != EXIT_DONE || !writes || options->quiet)
        return code;
    printf("repdns-load %s", options->stage);
    if (options->is_list)
        printf(" %s: %u %s;", list->name, list->count, list->count == 1 ? "entry" : "entries");
    printf("%s %llu records put, %llu deleted; serial %u; %.3f s\n", options->is_list ? "" : ":",
        (unsigned long long)run.published.records_put,
        (unsigned long long)run.published.records_deleted, run.published.serial,
        clock_seconds(CLOCK_MONOTONIC) - start);
    return code;
}

/* A restored store must not be written by a run meanwhile. */
static enum exit_code
run_copy(const struct conf *conf, const struct options *options, struct errmsg *msg)
{
    if (options->copying == COPY_OUT)
        return backup_write(conf, options->dir, stdout, msg);
    enum exit_code code = lock_state(conf, options->has_list_options ? options->wait_s : 0, msg);
    return code == EXIT_DONE ? backup_restore(conf, options->dir, stdout, msg) : code;
}

int
main(int argc, char **argv)
{
    struct options options;
    struct conf *conf;
    struct errmsg msg;
    size_t number = 0;
    log_open(program_invocation_short_name, LOG_LEVEL_INFO);
    if (argc > 1 && strcmp(argv[1], "spf") == 0)
        return spf_command(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "classify") == 0)
        return classify_command(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "watch") == 0)
        return watch_command(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "learn") == 0)
        return learn_command(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "report") == 0)
        return report_command(argc - 1, argv + 1);
    int done = parse_options(argc, argv, &options);
    if (done >= 0)
        return done;
    while (
        number < sizeof stages / sizeof *stages && strcmp(stages[number].name, options.stage) != 0)
        number++;
    if (number == sizeof stages / sizeof *stages && !options.is_list && !options.is_word &&
        options.copying == COPY_NOTHING) {
        fprintf(stderr, "repdns-load: no stage \"%s\"\n%s", options.stage, usage);
        return EXIT_USAGE;
    }
    if (conf_load(options.path, &conf, &msg) < 0) {
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
        return EXIT_USAGE;
    }
    /* The server reads what is made here by its group alone. */
    (void)umask(027);
    enum exit_code code = options.is_list || options.is_word ? run_by_hand(conf, &options, &msg)
                          : options.copying != COPY_NOTHING
                              ? run_copy(conf, &options, &msg)
                              : run_stage(conf, &options, number, &msg);
    if (code != EXIT_DONE)
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    conf_free(&conf);
    return (int)code;
}
