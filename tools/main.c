/* repdns: looking into a repdns installation. See repdns(1). */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loader/asof.h"
#include "loader/output.h"
#include "loader/ownnets.h"
#include "loader/usage.h"
#include "tools/doctor.h"
#include "tools/init.h"
#include "tools/snippet.h"
#include "tools/tools.h"
#include "zones/log.h"

static const struct usage_option options_told[] = {
    {'c', "-c FILE", "configuration (/etc/repdns/repdns.conf)"},
    {'a', "--as-of TIME",
        "judge by this time: seconds since 1970, or 2026-06-01[T12:00:00] in UTC"},
    {'s', "-s ADDR[@PORT]", "ask this server instead of the configured one"},
    {'b', "--beat", "the heartbeat too"},
    {'f', "--as FORM", "a list as rbldnsd's files, bind's zone file, or json: lines of JSON"},
    {'l', "--last TIME", "sessions of this time (7d)"},
    {'z', "--zone ZONE", "this zone alone, enabled or not"},
    {'o', "--once", "averages since the server's start, once"},
    {'j', "--json", "print lines of JSON"},
    {'V', "-V", "print the version"},
    {'h', "-h, --help", "print this and exit"},
};
static const struct usage_command commands_told[] = {
    {"explain", "cajh", "IP [DOMAIN|<>|- [HELO]]", "why an address is listed or not"},
    {"whatif", "calzjh", "", "what would have been rejected lately"},
    {"query", "csjh", "NAME|IP [DOMAIN] [TYPE]", "ask the server"},
    {"dump", "cbfjh", "[answers|history|lists|LIST]", "all records of a store, or a list"},
    {"check", "cjh", "", "whether configuration and stores are good"},
    {"status", "cajh", "", "what the stores hold, what the server does"},
    {"stats", "cojh", "[SECONDS]", "what the server does, live"},
    {"policy", "ch", "[-]", "Postfix's policy service"},
    {"doctor", "cajh", "", "whether the whole installation works"},
    {"snippet", "ch", "[NAME]", "lines for mail servers and resolvers"},
    {"init", NULL, "...", "write a configuration"},
};
static const struct usage usage = {.program = "repdns",
    .options = options_told,
    .option_count = sizeof options_told / sizeof *options_told,
    .commands = commands_told,
    .command_count = sizeof commands_told / sizeof *commands_told};

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

/* Negative to go on, else the exit code. */
static int
find_command(int argc, char **argv, struct options *out)
{
    if (optind >= argc)
        return print_usage(NULL, stderr);
    const char *name = argv[optind++];
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            out->command = &commands[i];
    out->tool.arg_count = argc - optind;
    out->tool.args = argv + optind;
    if (out->command == NULL)
        fprintf(stderr, "repdns: no command \"%s\"\n", name);
    else if (out->tool.arg_count < out->command->least)
        fprintf(stderr, "repdns %s: a word is missing\n", name);
    else if (out->tool.arg_count > out->command->most)
        fprintf(stderr, "repdns %s: there is a word too many\n", name);
    if (out->command == NULL || out->tool.arg_count < out->command->least ||
        out->tool.arg_count > out->command->most)
        return print_usage(name, stderr);
    if (out->tool.json && strchr(usage_find(&usage, name)->options, 'j') == NULL) {
        fprintf(stderr, "repdns: %s has no --json\n", name);
        return print_usage(name, stderr);
    }
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
    bool help = false;
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
        else if (option == 'h')
            help = true;
        else if (option == 'V') {
            puts("repdns " REPDNS_VERSION);
            return EXIT_DONE;
        } else if (option != 'a')
            return print_usage(NULL, stderr);
        else if (asof_parse(optarg, &out->tool.now_s) < 0) {
            fprintf(
                stderr, "repdns: --as-of: \"%s\" is no time; write 2026-06-01T12:00:00\n", optarg);
            return print_usage(NULL, stderr);
        }
    }
    if (help)
        return print_usage(argv[optind], stdout);
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
    text_terminal(stdout, &options.tool.screen, &options.tool.colours);
    enum exit_code code = options.command->run(&options.tool, &msg);
    if (code == EXIT_DONE && output_end(ERR_OK, &msg) < 0)
        code = EXIT_FAILED;
    if (code != EXIT_DONE && msg.text[0] != '\0')
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    conf_free(&conf);
    return (int)code;
}
