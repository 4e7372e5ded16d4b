/* repdns: looking into a repdns installation. See repdns(1). */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loader/asof.h"
#include "loader/ownnets.h"
#include "tools/doctor.h"
#include "tools/init.h"
#include "tools/snippet.h"
#include "tools/tools.h"
#include "zones/log.h"

static const char usage[] =
    "usage: repdns [-c FILE] [--as-of TIME] [--json] explain IP [DOMAIN|<>|- [HELO]]\n"
    "       repdns [-c FILE] [--as-of TIME] whatif [--last 7d] [--zone ZONE]\n"
    "       repdns [-c FILE] [-s ADDR[@PORT]] [--json] query NAME|IP [DOMAIN] [TYPE]\n"
    "       repdns [-c FILE] [--beat] dump [answers|history|lists]\n"
    "       repdns [-c FILE] dump --as rbldnsd|bind|json LIST\n"
    "       repdns [-c FILE] check\n"
    "       repdns [-c FILE] [--as-of TIME] [--json] status\n"
    "       repdns [-c FILE] [--once] [--json] stats [SECONDS]\n"
    "       repdns [-c FILE] policy [-]\n"
    "       repdns [-c FILE] [--as-of TIME] [--json] doctor\n"
    "       repdns [-c FILE] snippet [NAME]\n"
    "       repdns init ..., see repdns init -h\n"
    "  -c FILE       configuration (/etc/repdns/repdns.conf)\n"
    "  --as-of TIME  judge by this time: seconds since 1970, or 2026-06-01[T12:00:00]\n"
    "                in UTC\n"
    "  -s ADDR       ask this server instead of the configured one\n"
    "  --beat        dump the heartbeat too\n"
    "  --as FORM     dump a list as rbldnsd's files, a zone file or lines of JSON\n"
    "  --last TIME   whatif: sessions of this time (7d)\n"
    "  --zone ZONE   whatif: this zone alone, enabled or not\n"
    "  --once        stats: averages since the server's start, once\n"
    "  --json        explain, query, status, stats, doctor: lines of JSON\n"
    "  -V  version   -h, --help  this\n";

static const struct command {
    const char *name;
    tool_fn run;
    int least, most; /* arguments */
    /* What a bad configuration ends with: for "check" that is the finding. */
    enum exit_code bad_conf;
} commands[] = {
    {"explain", tool_explain, 1, 3, EXIT_USAGE},
    {"whatif", tool_whatif, 0, 0, EXIT_USAGE},
    {"query", tool_query, 1, 3, EXIT_USAGE},
    {"dump", tool_dump, 0, 1, EXIT_USAGE},
    {"check", tool_check, 0, 0, EXIT_FAILED},
    {"status", tool_status, 0, 0, EXIT_USAGE},
    {"stats", tool_stats, 0, 1, EXIT_USAGE},
    {"policy", tool_policy, 0, 1, EXIT_USAGE},
    {"doctor", tool_doctor, 0, 0, EXIT_FAILED},
    {"snippet", tool_snippet, 0, 1, EXIT_USAGE},
};

struct options {
    const char *path;
    const struct command *command;
    struct tool tool;
};

static int
usage_error(void)
{
    fputs(usage, stderr);
    return EXIT_USAGE;
}

/* Negative to go on, else the exit code. */
static int
find_command(int argc, char **argv, struct options *out)
{
    if (optind >= argc)
        return usage_error();
    const char *name = argv[optind++];
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            out->command = &commands[i];
    out->tool.arg_count = argc - optind;
    out->tool.args = argv + optind;
    if (out->command == NULL)
        fprintf(stderr, "repdns: no command \"%s\"\n", name);
    if (out->command == NULL || out->tool.arg_count < out->command->least ||
        out->tool.arg_count > out->command->most)
        return usage_error();
    return -1;
}

static int
parse_options(int argc, char **argv, struct options *out)
{
    static const struct option longs[] = {{"as-of", required_argument, NULL, 'a'},
        {"beat", no_argument, NULL, 'b'}, {"as", required_argument, NULL, 'f'},
        {"once", no_argument, NULL, 'o'}, {"json", no_argument, NULL, 'j'},
        {"last", required_argument, NULL, 'l'}, {"zone", required_argument, NULL, 'z'},
        {"help", no_argument, NULL, 'h'}, {0}};
    *out = (struct options){
        .path = "/etc/repdns/repdns.conf", .tool = {.out = stdout, .now_s = (int64_t)time(NULL)}};
    for (int option; (option = getopt_long(argc, argv, "c:s:Vh", longs, NULL)) != -1;) {
        if (option == 'c')
            out->path = optarg;
        else if (option == 's')
            out->tool.server = optarg;
        else if (option == 'b')
            out->tool.beat = true;
        else if (option == 'f')
            out->tool.as = optarg;
        else if (option == 'o')
            out->tool.once = true;
        else if (option == 'j')
            out->tool.json = true;
        else if (option == 'l')
            out->tool.last = optarg;
        else if (option == 'z')
            out->tool.zone = optarg;
        else if (option == 'V' || option == 'h') {
            fputs(option == 'h' ? usage : "repdns " REPDNS_VERSION "\n", stdout);
            return EXIT_DONE;
        } else if (option != 'a' || asof_parse(optarg, &out->tool.now_s) < 0)
            return usage_error();
    }
    return find_command(argc, argv, out);
}

int
main(int argc, char **argv)
{
    struct options options;
    struct conf *conf;
    struct errmsg msg = {""};
    struct prefix own[OWNNETS_MAX];
    log_open("repdns", LOG_LEVEL_INFO);
    if (argc > 1 && strcmp(argv[1], "init") == 0)
        return (int)init_command(argc - 1, argv + 1);
    int done = parse_options(argc, argv, &options);
    if (done >= 0)
        return done;
    if (conf_load(options.path, &conf, &msg) < 0) {
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
        return (int)options.command->bad_conf;
    }
    /* As the loader does, so that explain tells what the loader would do. */
    if (!conf->own_networks_set) {
        conf->own_network_count = ownnets_ask(own);
        conf->own_networks = own;
    }
    options.tool.conf = conf;
    enum exit_code code = options.command->run(&options.tool, &msg);
    /* A full disk or a closed pipe must not look like a whole dump. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_DONE) {
        code = EXIT_FAILED;
        (void)errmsg_set(&msg, ERR_IO, "writing the output failed");
    }
    if (code != EXIT_DONE && msg.text[0] != '\0')
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    conf_free(&conf);
    return (int)code;
}
