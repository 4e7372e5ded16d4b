/* repdns-rbldnsd: rbldnsd's command line for repdns. See repdns-rbldnsd(8). */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/rbldnsd.h"
#include "zones/log.h"

static const char usage[] =
    "rbldnsd: repdns-rbldnsd version " REPDNS_VERSION " in the place of rbldnsd\n"
    "Usage is: repdns-rbldnsd options zonespec...\n"
    "where options are:\n"
    " -u user[:group] - run as this (rbldns); -r rootdir - chroot to this directory\n"
    " -w workdir - directory of zone files; -p pidfile - write pid to this file\n"
    " -b address[/port] - listen on this address (required); -4, -6 - socket type\n"
    " -t ttl[:min[:max]] - default TTL of answers (35m), bounds of what files say\n"
    " -c check - interval to check for data file updates (1m); 0: only at SIGHUP\n"
    " -l [+]logfile - log queries and answers there (- for standard output)\n"
    " -s [+]statsfile - a line of statistics every check interval (+: differences)\n"
    " -F facility - log facility for syslog (daemon); -n - do not become a daemon\n"
    " -q - quickstart, load zones after the start\n"
    " -e - accept CIDR ranges where the prefix is not on the range boundary\n"
    " -a, -A - omit AUTH section from regular replies, put it in every reply\n"
    " -v - hide version in replies to version.bind CH TXT; twice: refuse them\n"
    " -d - dump all zones in BIND format to standard output and exit\n"
    " -f, -C - accepted, without effect; -h, --help - print this and exit\n"
    " --store DIR - where the loaded data lies between starts\n"
    " --strict-rbldnsd - answer as rbldnsd does even where we do better\n"
    "each zone specified using `name:type:file,file...'\n"
    "syntax, repeated names constitute the same zone.\n"
    "Available dataset types: ip4set, ip4tset, ip4trie, ip6tset, ip6trie, dnset,\n"
    " combined (several of them), generic (records), acl (access control)\n";

/* The folder that this program lies in, where the others are too. */
static void
find_programs(struct front *front)
{
    ssize_t n = readlink("/proc/self/exe", front->programs, sizeof front->programs - 1);
    front->programs[n < 0 ? 0 : n] = '\0';
    char *slash = strrchr(front->programs, '/');
    if (slash != NULL)
        *slash = '\0';
}

/* So that nothing else that is opened becomes standard output, which a daemon gives up. */
static void
hold_standard_files(void)
{
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = dup(fd);
    if (fd >= 0)
        (void)close(fd);
}

static void
tell_ignored(const struct front_options *options)
{
    if (options->forks)
        log_line(LOG_LEVEL_INFO, "-f has no effect: a reload never holds up answers");
    if (options->plain)
        log_line(LOG_LEVEL_INFO, "-C has no effect: compressed files are always read");
}

static enum err
set_log(const struct front_options *options, struct errmsg *msg)
{
    const char *where = options->foreground ? "stdout" : "daemon";
    if (!options->foreground && options->facility != NULL)
        where = options->facility;
    if (options->dump || log_to(where) == ERR_OK)
        return ERR_OK;
    return errmsg_set(msg, ERR_SYNTAX, "log facility %.50s is not valid", where);
}

/* Returns only when done, or failed. */
static enum err
run(struct front *front, struct errmsg *msg)
{
    const struct front_options *options = &front->options;
    enum err err = set_log(options, msg);
    if (err < 0)
        return err;
    tell_ignored(options);
    if (!options->dump)
        err = front_listen(front, msg);
    if (err == ERR_OK && !options->dump)
        err = front_user(front, msg);
    if (err == ERR_OK)
        err = front_folders(front, msg);
    if (err == ERR_OK)
        err = front_zones_parse(options->spec_count, options->specs, &front->zones, msg);
    if (err == ERR_OK)
        err = front_store_open(front, msg);
    if (err < 0)
        return err;
    err = front_conf_write(front, msg);
    if (err == ERR_OK)
        err = options->dump ? front_dump(front, msg) : front_start(front, msg);
    front_store_remove(front);
    return err;
}

int
main(int argc, char **argv)
{
    static char name[] = "rbldnsd";
    static struct front front = {.lock = -1};
    struct errmsg msg = {""};
    hold_standard_files();
    log_open(name, LOG_LEVEL_INFO);
    if (argc > 0)
        argv[0] = name; /* for getopt */
    enum front_end end = front_options_parse(argc, argv, &front.options, &msg);
    if (end == FRONT_HELP || end == FRONT_USAGE) {
        fputs(usage, stdout);
        return end == FRONT_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    find_programs(&front);
    enum err err = end == FRONT_FAILED ? ERR_SYNTAX : run(&front, &msg);
    if (err < 0)
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    front_zones_free(&front.zones);
    conf_free(&front.loaded);
    return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
