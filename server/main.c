/* repdnsd: an authoritative server for DNS-based reputation lists. See repdnsd(8). */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/gate.h"
#include "server/supervisor.h"
#include "zones/log.h"

enum { EXIT_USAGE = 2 };

static const char usage[] =
    "usage: repdnsd [-nvVh] [-c FILE] [--log stdout|FACILITY] [--chroot DIR]\n"
    "           [--ready FD] [--companion PID]\n"
    "  -c FILE          configuration (/etc/repdns/repdns.conf), as the chroot has it\n"
    "  -n               check the configuration and exit\n"
    "  -v               log more\n"
    "  -V               print the version and exit\n"
    "  -h, --help       print this and exit\n"
    "  --log stdout     what is no warning goes there; a facility: all goes to syslog\n"
    "  --chroot DIR     have this for root directory\n"
    "  --ready FD       write a byte there when queries are answered\n"
    "  --companion PID  a child that gets SIGHUP and SIGTERM too\n";

struct options {
    const char *path, *root, *log;
    enum log_level level;
    bool check;
    struct ties ties;
};

static void
log_warnings(const struct conf *conf)
{
    const char *at = conf->warnings;
    for (struct slice line; (line = conf_next_warning(&at)).n > 0;)
        log_line(LOG_LEVEL_WARNING, "%.*s", (int)line.n, (const char *)line.p);
}

static bool
number(const char *text, int *out)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    *out = (int)n;
    return errno == 0 && end != text && *end == '\0' && n > 0 && n <= INT_MAX;
}

static bool
take_option(int option, struct options *out)
{
    switch (option) {
    case 'c':
        out->path = optarg;
        return true;
    case 'n':
        return out->check = true;
    case 'v':
        out->level = LOG_LEVEL_DEBUG;
        return true;
    case 'l':
        out->log = optarg;
        return strcmp(optarg, "stdout") == 0 || log_is_facility(optarg);
    case 'd':
        out->root = optarg;
        return true;
    case 'r':
        return number(optarg, &out->ties.ready);
    case 'p':
        return number(optarg, &out->ties.companion);
    default:
        return false;
    }
}

/* Negative to go on, else the exit code. */
static int
parse_options(int argc, char **argv, struct options *out)
{
    static const struct option longs[] = {{"log", required_argument, NULL, 'l'},
        {"chroot", required_argument, NULL, 'd'}, {"ready", required_argument, NULL, 'r'},
        {"companion", required_argument, NULL, 'p'}, {"help", no_argument, NULL, 'h'}, {0}};
    *out = (struct options){.path = "/etc/repdns/repdns.conf",
        .level = LOG_LEVEL_INFO,
        .ties = {.notify = -1, .ready = -1}};
    for (int option; (option = getopt_long(argc, argv, "c:nvVh", longs, NULL)) != -1;) {
        if (option == 'V' || option == 'h') {
            fputs(option == 'h' ? usage : "repdnsd " REPDNS_VERSION "\n", stdout);
            return 0;
        }
        if (!take_option(option, out)) {
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind == argc)
        return -1;
    fputs(usage, stderr);
    return EXIT_USAGE;
}

/* Whatever is not in the chroot is opened before it. */
static enum err
settle(struct options *options, struct errmsg *msg)
{
    tzset();
    ties_open(&options->ties);
    if (options->log != NULL && log_to(options->log) < 0)
        return errmsg_set(msg, ERR_SYNTAX, "--log: there is no facility \"%.50s\"", options->log);
    if (options->root != NULL && (chdir(options->root) != 0 || chroot(".") != 0 || chdir("/") != 0))
        return errmsg_set(msg, ERR_REFUSED, "--chroot %.500s: %s", options->root, strerror(errno));
    return ERR_OK;
}

static int
check(const struct options *options, struct conf **conf)
{
    struct errmsg msg;
    if (gate_check(*conf, &msg) < 0) {
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
        conf_free(conf);
        return EXIT_USAGE;
    }
    printf(
        "%s: good: %u zones, %u lists\n", options->path, (*conf)->zone_count, (*conf)->list_count);
    conf_free(conf);
    return 0;
}

int
main(int argc, char **argv)
{
    struct options options;
    struct conf *conf;
    struct errmsg msg;
    int done = parse_options(argc, argv, &options);
    if (done >= 0)
        return done;
    log_open(program_invocation_short_name, options.level);
    if (settle(&options, &msg) < 0 || conf_load(options.path, &conf, &msg) < 0) {
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
        return EXIT_USAGE;
    }
    log_warnings(conf);
    if (options.check)
        return check(&options, &conf);
    enum err err = supervisor_run(&conf, &options.ties, &msg);
    if (err < 0)
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    conf_free(&conf);
    return err < 0 ? EXIT_FAILURE : 0;
}
