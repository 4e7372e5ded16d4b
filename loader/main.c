/* repdns-load: from mail logs, mail stores, lists and DNS to a published store. See repdns-load(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "loader/asof.h"
#include "loader/ownnets.h"
#include "loader/spfcmd.h"
#include "loader/stages.h"
#include "loader/status.h"
#include "zones/log.h"

static const char usage[] =
    "usage: repdns-load [-c FILE] [--as-of TIME] [--force] STAGE\n"
    "  -c FILE       configuration (/etc/repdns/repdns.conf)\n"
    "  --as-of TIME  the time to judge by: seconds since 1970, or 2026-06-01[T12:00:00] in UTC\n"
    "  --force       publish however many would be newly listed\n"
    "  -q            no summary line      -V  version      -h  help\n"
    "stages: run (all of them), observe, import, resolve, judge, publish, status\n"
    "also: repdns-load spf ..., see repdns-load(8)\n";

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

/* One run at a time. The descriptor is kept until the process ends. */
static enum exit_code
lock_state(const struct conf *conf, struct errmsg *msg)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/lock", conf->state_dir);
    int fd =
        n < 0 || (size_t)n >= sizeof path ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        (void)errmsg_set(
            msg, ERR_IO, "%s: %s; create state_dir and make it writable", path, strerror(errno));
        return EXIT_FAILED;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return EXIT_DONE;
    (void)errmsg_set(msg, ERR_BUSY, "%s: another run is active; let it end", path);
    return EXIT_LOCKED;
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
    bool force, quiet;
};

/* Negative to go on, else the exit code. */
static int
parse_options(int argc, char **argv, struct options *out)
{
    static const struct option longs[] = {
        {"as-of", required_argument, NULL, 'a'}, {"force", no_argument, NULL, 'f'}, {0}};
    *out = (struct options){.path = "/etc/repdns/repdns.conf", .now_s = (int64_t)time(NULL)};
    for (int option; (option = getopt_long(argc, argv, "c:qVh", longs, NULL)) != -1;) {
        if (option == 'c')
            out->path = optarg;
        else if (option == 'f')
            out->force = true;
        else if (option == 'q')
            out->quiet = true;
        else if (option == 'V' || option == 'h') {
            fputs(option == 'h' ? usage : "repdns-load " REPDNS_VERSION "\n", stdout);
            return EXIT_DONE;
        } else if (option != 'a' || asof_parse(optarg, &out->now_s) < 0) {
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    out->stage = argv[optind];
    return -1;
}

static int32_t
utc_offset(int64_t now_s)
{
    time_t when = (time_t)now_s;
    struct tm local;
    return localtime_r(&when, &local) != NULL ? (int32_t)local.tm_gmtoff : 0;
}

static double
monotonic(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static enum exit_code
run_stage(struct conf *conf, const struct options *options, size_t number, struct errmsg *msg)
{
    struct prefix own[OWNNETS_MAX];
    struct run run = {.conf = conf,
        .now_s = options->now_s,
        .utc_offset_s = utc_offset(options->now_s),
        .force = options->force,
        .progress = isatty(STDERR_FILENO) != 0};
    double start = monotonic();
    if (stages[number].locks) {
        enum exit_code locked = lock_state(conf, msg);
        if (locked != EXIT_DONE)
            return locked;
    }
    if (!conf->own_networks_set) {
        conf->own_network_count = ownnets_ask(own);
        conf->own_networks = own;
    }
    enum exit_code code = stages[number].stage(&run, msg);
    run_close(&run);
    if (stages[number].locks && !options->quiet)
        print_summary(&run, stages[number].name, monotonic() - start);
    return code;
}

int
main(int argc, char **argv)
{
    struct options options;
    struct conf *conf;
    struct errmsg msg;
    size_t number = 0;
    log_open("repdns-load", LOG_LEVEL_INFO);
    if (argc > 1 && strcmp(argv[1], "spf") == 0)
        return spf_command(argc - 1, argv + 1);
    int done = parse_options(argc, argv, &options);
    if (done >= 0)
        return done;
    while (
        number < sizeof stages / sizeof *stages && strcmp(stages[number].name, options.stage) != 0)
        number++;
    if (number == sizeof stages / sizeof *stages) {
        fprintf(stderr, "repdns-load: no stage \"%s\"\n%s", options.stage, usage);
        return EXIT_USAGE;
    }
    if (conf_load(options.path, &conf, &msg) < 0) {
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
        return EXIT_USAGE;
    }
    /* The server reads what is made here by its group alone. */
    (void)umask(027);
    enum exit_code code = run_stage(conf, &options, number, &msg);
    if (code != EXIT_DONE)
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    conf_free(&conf);
    return (int)code;
}
