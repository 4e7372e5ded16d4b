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
#include "loader/output.h"
#include "loader/ownnets.h"
#include "loader/reportcmd.h"
#include "loader/runlock.h"
#include "loader/spfcmd.h"
#include "loader/stages.h"
#include "loader/status.h"
#include "loader/status_json.h"
#include "loader/summary.h"
#include "loader/usage.h"
#include "loader/watch.h"
#include "loader/wordcmd.h"
#include "zones/confvalue.h"
#include "zones/log.h"

static const struct usage_option options_told[] = {
    {'c', "-c FILE", "configuration (/etc/repdns/repdns.conf)"},
    {'a', "--as-of TIME",
        "judge by this time: seconds since 1970, or 2026-06-01[T12:00:00] in UTC"},
    {'f', "--force", "publish whatever the brakes say: however many are new, whatever a list does"},
    {'y', "--dry-run", "print what a publish would change, and why"},
    {'w', "--wait TIME", "how long to wait for a run that is active (5m)"},
    {'d', "--for TIME", "until when: after 30d, 2h or 1w"},
    {'v', "--value VALUE", "what the entries answer, as in the list's files: :127.0.0.2:text"},
    {'n', "--note TEXT", "why; it is kept"},
    {'k', "--keep-word", "leave what the operator said"},
    {'j', "--json", "print lines of JSON"},
    {'q', "-q", "print no summary line"},
    {'V', "-V", "print the version"},
    {'h', "-h, --help", "print this and exit"},
};
static const struct usage_command commands_told[] = {
    {"run", "cafjqh", "", "observe, import, resolve, judge, publish"},
    {"observe", "cajqh", "[-]", "read what is new in the logs, or standard input"},
    {"import", "cafjqh", "", "read list files and mail stores"},
    {"resolve", "cajqh", "", "ask DNS what the facts need"},
    {"judge", "cafyjqh", "", "judge, and only count"},
    {"publish", "cafjqh", "", "judge, and write what differs"},
    {"status", "cajh", "", "what the stores hold, and what was left out"},
    {"list", "cafwdvnjqh", "add|del|undo|show NAME [ENTRY...]", "a list's entries by hand"},
    {"backup", "cjh", "DIR", "copy history and lists there"},
    {"restore", "cwjh", "DIR", "put such copies in their place"},
    {"allow|unlist|block", "cafwd!njqh", "WHAT...", "the operator's word"},
    {"word", "cawnjqh", "[log|undo WHAT...]", "words in force, all words ever, or take back"},
    {"forget", "cawkjqh", "WHAT...", "erase all that is known of a subject"},
    {"spf", NULL, "...", "SPF results by hand"},
    {"classify", NULL, "...", "classes of reverse names"},
    {"learn", NULL, "...", "weights from labelled mail or the history"},
    {"report", NULL, "spam|ham|trap", "what is said of a mail"},
    {"watch", NULL, "...", "stay, and publish lists as they change"},
};
static const struct usage usage = {.program = "repdns-load",
    .options = options_told,
    .option_count = sizeof options_told / sizeof *options_told,
    .commands = commands_told,
    .command_count = sizeof commands_told / sizeof *commands_told};

static enum exit_code
stage_status(struct run *run, struct errmsg *msg)
{
    json_t *status;
    if (!run->json)
        return exit_of(status_print(stdout, run->conf, run->now_s, msg));
    enum err err = status_json(run->conf, run->now_s, &status, msg);
    if (jsonline_print(stdout, status) < 0)
        err = errmsg_set(msg, ERR_NOMEM, "out of memory");
    return exit_of(err);
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

/* With options of their own. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} programs[] = {{"spf", spf_command}, {"classify", classify_command}, {"watch", watch_command},
    {"learn", learn_command}, {"report", report_command}};

/* The descriptor is kept until the process ends. */
static enum exit_code
lock_state(const struct conf *conf, uint32_t wait_s, struct errmsg *msg)
{
    int fd;
    return runlock_get(conf, wait_s, &fd, msg);
}

struct options {
    const char *path, *stage;
    int64_t now_s;
    bool force, quiet, dry_run, json, help, is_list, is_word, has_list_options, from_stdin;
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
    case 'j':
        out->json = true;
        return true;
    case 'h':
        out->help = true;
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

/* Of the command that is called, if there is one. */
static int
print_usage(const char *name, FILE *out)
{
    const struct usage_command *command = name != NULL ? usage_find(&usage, name) : NULL;
    if (command != NULL)
        usage_print_command(out, &usage, command, name);
    else
        usage_print(out, &usage);
    return out == stdout ? EXIT_DONE : EXIT_USAGE;
}

/* What is wrong, before how it is right. */
static int
print_wrong(const char *name, const char *what)
{
    fprintf(stderr, "repdns-load %s: %s\n", name, what);
    return print_usage(name, stderr);
}

/* What follows the options. Negative to go on, else the exit code. */
static int
parse_words(int argc, char **argv, struct options *out)
{
    struct errmsg msg;
    if (optind == argc)
        return print_usage(NULL, stderr);
    out->stage = argv[optind++];
    if (usage_find(&usage, out->stage) == NULL) {
        fprintf(stderr, "repdns-load: no command \"%s\"\n", out->stage);
        return print_usage(NULL, stderr);
    }
    out->is_list = strcmp(out->stage, "list") == 0;
    if (strcmp(out->stage, "backup") == 0 || strcmp(out->stage, "restore") == 0) {
        out->copying = out->stage[0] == 'b' ? COPY_OUT : COPY_IN;
        out->dir = argv[optind];
        return optind + 1 == argc ? -1 : print_wrong(out->stage, "name one folder");
    }
    out->is_word = word_is_command(out->stage);
    if (out->dry_run && strcmp(out->stage, "judge") != 0)
        return print_wrong(out->stage, "--dry-run is for judge alone");
    if (optind + 1 == argc && strcmp(out->stage, "observe") == 0 &&
        strcmp(argv[optind], "-") == 0) {
        out->from_stdin = true;
        optind++;
    }
    if (!out->is_list && !out->is_word && optind < argc)
        return print_wrong(out->stage, "there is a word too many");
    if (!out->is_list && !out->is_word)
        return !out->has_list_options
                   ? -1
                   : print_wrong(out->stage, "it has no --for, --note, --value or --wait");
    if (out->list.value != NULL && out->is_word)
        return print_wrong(out->stage, "--value is for list alone");
    enum err err = out->is_word
                       ? word_request_parse(argc - optind + 1, argv + optind - 1, &out->word, &msg)
                       : list_request_parse(argc - optind, argv + optind, &out->list, &msg);
    if (err == ERR_OK && !(out->is_list && out->word.keep_word))
        return -1;
    if (err == ERR_OK)
        return print_wrong(out->stage, "--keep-word is for forget alone");
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
        {"dry-run", no_argument, NULL, 'y'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'}, {0}};
    *out = (struct options){
        .path = "/etc/repdns/repdns.conf", .now_s = (int64_t)time(NULL), .wait_s = WAIT_S};
    for (int option; (option = getopt_long(argc, argv, "c:qVh", longs, NULL)) != -1;) {
        if (option == 'V') {
            puts("repdns-load " REPDNS_VERSION);
            return EXIT_DONE;
        }
        if (take_option(option, out))
            continue;
        if (option == 'a')
            fprintf(stderr, "repdns-load: --as-of: \"%s\" is no time; write 2026-06-01T12:00:00\n",
                optarg);
        else if (option == 'w')
            fprintf(
                stderr, "repdns-load: --wait: \"%s\" is no duration; write 30s or 5m\n", optarg);
        return print_usage(NULL, stderr);
    }
    if (out->help)
        return print_usage(argv[optind], stdout);
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
        .json = options->json,
        .from_stdin = options->from_stdin,
        .progress = isatty(STDERR_FILENO) != 0};
}

static enum exit_code
run_stage(struct conf *conf, const struct options *options, size_t number, struct errmsg *msg)
{
    struct prefix own[OWNNETS_MAX];
    double start = clock_seconds(CLOCK_MONOTONIC);
    if (stages[number].locks) {
        /* What a pipe gives is not given again: whoever writes it has noted where he was. */
        enum exit_code locked = lock_state(conf, options->from_stdin ? options->wait_s : 0, msg);
        if (locked != EXIT_DONE)
            return locked;
    }
    struct run run = make_run(conf, options, own);
    enum exit_code code = stages[number].stage(&run, msg);
    run_close(&run);
    if (code == EXIT_DONE && (!stages[number].locks || options->dry_run))
        code = exit_of(output_end(ERR_OK, msg));
    double seconds = clock_seconds(CLOCK_MONOTONIC) - start;
    if (stages[number].locks && !options->quiet &&
        summary_print(stdout, &run, stages[number].name, seconds) < 0 && code == EXIT_DONE)
        code = exit_of(errmsg_set(msg, ERR_NOMEM, "out of memory"));
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
    if (code == EXIT_DONE && !writes)
        code = exit_of(output_end(ERR_OK, msg));
    if (code != EXIT_DONE || !writes || options->quiet)
        return code;
    enum err err = summary_print_by_hand(stdout, &run, options->stage,
        options->is_list ? list->name : NULL, options->is_list ? list->count : options->word.count,
        clock_seconds(CLOCK_MONOTONIC) - start);
    return err < 0 ? exit_of(errmsg_set(msg, err, "out of memory")) : EXIT_DONE;
}

/* A restored store must not be written by a run meanwhile. */
static enum exit_code
run_copy(const struct conf *conf, const struct options *options, struct errmsg *msg)
{
    if (options->copying == COPY_OUT)
        return backup_write(conf, options->dir, options->json, stdout, msg);
    enum exit_code code = lock_state(conf, options->has_list_options ? options->wait_s : 0, msg);
    return code == EXIT_DONE ? backup_restore(conf, options->dir, options->json, stdout, msg)
                             : code;
}

int
main(int argc, char **argv)
{
    struct options options;
    struct conf *conf;
    struct errmsg msg;
    size_t number = 0;
    log_open(program_invocation_short_name, LOG_LEVEL_INFO);
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (argc > 1 && strcmp(argv[1], programs[i].name) == 0)
            return programs[i].run(argc - 1, argv + 1);
    int done = parse_options(argc, argv, &options);
    if (done >= 0)
        return done;
    while (
        number < sizeof stages / sizeof *stages && strcmp(stages[number].name, options.stage) != 0)
        number++;
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
