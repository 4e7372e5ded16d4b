/* repdnsd: an authoritative server for DNS-based reputation lists. See repdnsd(8). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/supervisor.h"
#include "zones/log.h"

enum { EXIT_USAGE = 2 };

static const char usage[] = "usage: repdnsd [-nvVh] [-c FILE]\n"
                            "  -c FILE  configuration (/etc/repdns/repdns.conf)\n"
                            "  -n       check the configuration and exit\n"
                            "  -v       log more\n"
                            "  -V       print the version and exit\n"
                            "  -h       print this and exit\n";

static void
log_warnings(const struct conf *conf)
{
    for (const char *line = conf->warnings; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        log_line(LOG_LEVEL_WARNING, "%.*s", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

int
main(int argc, char **argv)
{
    const char *path = "/etc/repdns/repdns.conf";
    enum log_level level = LOG_LEVEL_INFO;
    bool check = false;
    for (int option; (option = getopt(argc, argv, "c:nvVh")) != -1;) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'n':
            check = true;
            break;
        case 'v':
            level = LOG_LEVEL_DEBUG;
            break;
        case 'V':
            printf("repdnsd %s\n", REPDNS_VERSION);
            return 0;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind != argc) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    struct conf *conf;
    struct errmsg msg;
    log_open("repdnsd", level);
    if (conf_load(path, &conf, &msg) < 0) {
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
        return EXIT_USAGE;
    }
    log_warnings(conf);
    if (check) {
        printf("%s: good: %u zones, %u lists\n", path, conf->zone_count, conf->list_count);
        conf_free(&conf);
        return 0;
    }
    enum err err = supervisor_run(&conf, &msg);
    if (err < 0)
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    conf_free(&conf);
    return err < 0 ? EXIT_FAILURE : 0;
}
