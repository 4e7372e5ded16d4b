/* repdns init: options, the questions' dialogue, and what is said at the end; see init.h. */
#include "tools/init.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/snippet.h"
#include "zones/log.h"

static const char usage[] =
    "usage: repdns init [-c FILE] [--domain NAME] [--base NAME]\n"
    "           [--listen ADDR[@PORT]] [--log [FORMAT:]PATH|none] [--contact MAILBOX]\n"
    "           [--own NETWORKS] [--relays NETWORKS] [--host NAME] [--url URL]\n"
    "           [--page FILE] [--state DIR] [--force]\n"
    "       repdns init -h, --help\n"
    "  Writes a configuration and a page for who is listed. Asks on a terminal what\n"
    "  no option says; elsewhere takes what it would have suggested. See repdns(1).\n";

struct words {
    const char *answers[INIT_QUESTIONS]; /* NULL: to be asked */
    const char *own, *relays, *host, *url, *page;
};

/* Negative to go on, else the exit code. */
static int
parse_options(int argc, char **argv, struct init *init, struct words *words)
{
    /* Values below INIT_QUESTIONS are the questions. */
    static const struct option longs[] = {{"domain", required_argument, NULL, 0},
        {"base", required_argument, NULL, 1}, {"listen", required_argument, NULL, 2},
        {"log", required_argument, NULL, 3}, {"contact", required_argument, NULL, 4},
        {"own", required_argument, NULL, 'o'}, {"relays", required_argument, NULL, 'r'},
        {"host", required_argument, NULL, 'n'}, {"url", required_argument, NULL, 'u'},
        {"page", required_argument, NULL, 'p'}, {"state", required_argument, NULL, 's'},
        {"force", no_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'}, {0}};
    const struct {
        int option;
        const char **word;
    } places[] = {{'c', &init->conf_path}, {'o', &words->own}, {'r', &words->relays},
        {'n', &words->host}, {'u', &words->url}, {'p', &words->page}, {'s', &init->state_dir}};
    for (int option; (option = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;) {
        bool known = option == 'f' || (option >= 0 && option < INIT_QUESTIONS);
        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
            if (places[i].option == option) {
                *places[i].word = optarg;
                known = true;
            }
        if (option == 'f')
            init->force = true;
        else if (known && option < INIT_QUESTIONS)
            words->answers[option] = optarg;
        if (!known) {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_DONE : EXIT_USAGE;
        }
    }
    if (optind == argc)
        return -1;
    fputs(usage, stderr);
    return EXIT_USAGE;
}

/* A line without its end. One that does not fit is read to its end and left out. ERR_NOTFOUND:
 * there is no more, ERR_RANGE. */
static enum err
read_line(char line[INIT_TEXT_SIZE], struct errmsg *msg)
{
    if (fgets(line, INIT_TEXT_SIZE, stdin) == NULL)
        return ERR_NOTFOUND;
    size_t n = strcspn(line, "\r\n");
    if (line[n] == '\0' && n + 1 == INIT_TEXT_SIZE) {
        for (int c = getchar(); c != '\n' && c != EOF;)
            c = getchar();
        return errmsg_set(msg, ERR_RANGE, "at most %d bytes, please", INIT_TEXT_SIZE - 1);
    }
    line[n] = '\0';
    return ERR_OK;
}

/* The answer to one question from the terminal. ERR_NOTFOUND: it was closed. */
static enum err
ask_person(struct init *init, const struct init_question *question, const char *suggested)
{
    char line[INIT_TEXT_SIZE];
    struct errmsg msg;
    for (;;) {
        if (suggested[0] != '\0')
            printf("%s [%s]: ", question->text, suggested);
        else
            printf("%s: ", question->text);
        (void)fflush(stdout);
        enum err err = read_line(line, &msg);
        if (err == ERR_OK)
            err = question->take(init, line[0] != '\0' ? line : suggested, &msg);
        if (err == ERR_OK || err == ERR_NOTFOUND)
            return err;
        printf("%s\n", msg.text);
    }
}

static enum err
ask_all(struct init *init, const struct words *words, struct errmsg *msg)
{
    bool terminal = isatty(STDIN_FILENO) != 0;
    for (size_t i = 0; i < INIT_QUESTIONS; i++) {
        const struct init_question *question = &init_questions[i];
        const char *answer = words->answers[i];
        char suggested[INIT_TEXT_SIZE];
        enum err err;
        question->suggest(init, suggested);
        if (answer == NULL && terminal) {
            err = ask_person(init, question, suggested);
            if (err < 0)
                return errmsg_set(msg, err, "no answer; nothing was written");
            continue;
        }
        if (answer == NULL && suggested[0] == '\0')
            return errmsg_set(
                msg, ERR_NOTFOUND, "--%s is needed: nobody is here to be asked", question->name);
        struct errmsg why;
        err = question->take(init, answer != NULL ? answer : suggested, &why);
        if (err < 0)
            return errmsg_set(msg, err, "--%s: %s", question->name, why.text);
    }
    return ERR_OK;
}

/* What is not asked, but may be said. */
static enum err
take_words(struct init *init, const struct words *words, struct errmsg *msg)
{
    char domain[DNAME_TEXT_SIZE];
    if (words->own != NULL && (init->own_count = ownnets_parse(words->own, init->own)) == 0)
        return errmsg_set(msg, ERR_SYNTAX, "--own: \"%s\" has no network", words->own);
    if (words->relays != NULL &&
        (init->relay_count = ownnets_parse(words->relays, init->relays)) == 0)
        return errmsg_set(msg, ERR_SYNTAX, "--relays: \"%s\" has no network", words->relays);
    if (words->host != NULL && (dname_parse(words->host, strlen(words->host), &init->host) < 0 ||
                                   !dname_is_hostname(&init->host)))
        return errmsg_set(msg, ERR_SYNTAX, "--host: \"%s\" is no host name", words->host);
    (void)dname_format(&init->domain, domain);
    int n = words->url != NULL
                ? snprintf(init->url, sizeof init->url, "%s", words->url)
                : snprintf(init->url, sizeof init->url, "https://%s/repdns.html", domain);
    if (n < 0 || (size_t)n >= sizeof init->url || strpbrk(init->url, "\"\\$ \t") != NULL)
        return errmsg_set(msg, ERR_SYNTAX, "--url: \"%s\" can't be one", words->url);
    /* It will stand between quotes, where libconfuse reads $, \ and ". */
    if (init->state_dir[0] != '/' || strpbrk(init->state_dir, "\"\\$\r\n") != NULL)
        return errmsg_set(msg, ERR_SYNTAX,
            "--state: \"%.200s\" is no whole path without quotes, backslashes and dollar signs",
            init->state_dir);
    const char *slash = strrchr(init->conf_path, '/');
    int dir = slash != NULL ? (int)(slash - init->conf_path) : 1;
    n = words->page != NULL ? snprintf(init->page_path, sizeof init->page_path, "%s", words->page)
                            : snprintf(init->page_path, sizeof init->page_path, "%.*s/repdns.html",
                                  dir, slash != NULL ? init->conf_path : ".");
    if (n < 0 || (size_t)n >= sizeof init->page_path)
        return errmsg_set(msg, ERR_RANGE, "--page: the path is too long");
    return ERR_OK;
}

static void
say_next(const struct init *init, const struct conf *conf)
{
    printf("%s: written\n%s: written; copy it to your web server, so that it is at\n    %s\n",
        init->conf_path, init->page_path, init->url);
    if (init->own_count == 0)
        printf("Nobody's networks are own ones: name yours in own_networks, or your own users'\n"
               "mail is judged.\n");
    if (init->log[0] != '\0' && access(init->log, F_OK) != 0 && strpbrk(init->log, "*?[") == NULL)
        printf("There is no %s yet: correct the section log if it does not come.\n", init->log);
    printf("\nNext: repdns-load run as the loader's user, start repdnsd or have it read this by "
           "SIGHUP,\nand let cron run repdns-load; then repdns doctor.\n");
    snippet_all(stdout, conf);
}

static enum exit_code
run(struct init *init, const struct words *words, struct errmsg *msg)
{
    struct conf *conf = NULL;
    init_from_postfix(init);
    if (ask_all(init, words, msg) < 0 || take_words(init, words, msg) < 0)
        return EXIT_USAGE;
    enum err err = init_write_conf(init, &conf, msg);
    if (err == ERR_OK)
        err = init_write_page(init, msg);
    if (err == ERR_OK)
        say_next(init, conf);
    conf_free(&conf);
    return err < 0 ? EXIT_FAILED : EXIT_DONE;
}

enum exit_code
init_command(int argc, char **argv)
{
    struct words words = {.own = NULL};
    struct errmsg msg = {""};
    struct init *init = calloc(1, sizeof *init);
    if (init == NULL) {
        log_line(LOG_LEVEL_ERROR, "init: out of memory");
        return EXIT_FAILED;
    }
    init->conf_path = "/etc/repdns/repdns.conf";
    init->state_dir = "/var/lib/repdns";
    int done = parse_options(argc, argv, init, &words);
    enum exit_code code = done >= 0 ? (enum exit_code)done : run(init, &words, &msg);
    free(init);
    if (code != EXIT_DONE && msg.text[0] != '\0')
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    return code;
}
