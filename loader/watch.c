/* A loader that stays; see watch.h. */
#include "loader/watch.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "zones/log.h"
#include "zones/privileges.h"

static const char usage[] =
    "usage: repdns-load watch [-c FILE] [--every SECONDS] [--force] [--ready FD]\n"
    "           [--user USER[:GROUP]] [--chroot DIR] [--log stdout|FACILITY]\n"
    "           [--temporary] [--withdraw]\n"
    "  -c FILE          configuration (/etc/repdns/repdns.conf), as the chroot has it\n"
    "  --every SECONDS  look for changed files so often (60); 0: only at SIGHUP\n"
    "  --force          publish whatever a list does\n"
    "  --ready FD       write a byte there after the first publish; end if that fails\n"
    "  --user           become this user\n"
    "  --chroot DIR     have this for root directory\n"
    "  --log stdout     what is no warning goes there; a facility: all goes to syslog\n"
    "  --temporary      remove state_dir in the end\n"
    "  --withdraw       do not serve a list that can't be read, until it can\n"
    "  -h, --help       print this and exit\n";

enum { RELOAD_NICE = 10, EVERY_S = 60, EVERY_MAX_S = 315360000 };

struct watch {
    const char *path, *root, *log;
    char *user; /* and group */
    long every_s;
    int ready; /* -1: nobody waits */
    bool force, temporary, withdraw;
    uid_t uid;
    gid_t gid;
    pid_t parent;
    struct conf *conf;
    sigset_t signals;
};

static bool
number(const char *text, long most, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *out >= 0 && *out <= most;
}

static bool
take_option(int option, struct watch *watch)
{
    long n;
    switch (option) {
    case 'c':
        watch->path = optarg;
        return true;
    case 'e':
        return number(optarg, EVERY_MAX_S, &watch->every_s);
    case 'r':
        if (!number(optarg, INT_MAX, &n))
            return false;
        watch->ready = (int)n;
        return true;
    case 'f':
        return watch->force = true;
    case 'u':
        watch->user = optarg;
        return true;
    case 'd':
        watch->root = optarg;
        return true;
    case 'l':
        watch->log = optarg;
        return strcmp(optarg, "stdout") == 0 || log_is_facility(optarg);
    case 't':
        return watch->temporary = true;
    case 'w':
        return watch->withdraw = true;
    default:
        return false;
    }
}

/* Negative to go on, else the exit code. */
static int
parse_options(int argc, char **argv, struct watch *watch)
{
    static const struct option longs[] = {{"every", required_argument, NULL, 'e'},
        {"ready", required_argument, NULL, 'r'}, {"force", no_argument, NULL, 'f'},
        {"user", required_argument, NULL, 'u'}, {"chroot", required_argument, NULL, 'd'},
        {"log", required_argument, NULL, 'l'}, {"temporary", no_argument, NULL, 't'},
        {"withdraw", no_argument, NULL, 'w'}, {"help", no_argument, NULL, 'h'}, {0}};
    *watch = (struct watch){
        .path = "/etc/repdns/repdns.conf", .every_s = EVERY_S, .ready = -1, .parent = getppid()};
    for (int option; (option = getopt_long(argc, argv, "c:h", longs, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return EXIT_DONE;
        }
        if (!take_option(option, watch)) {
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind == argc)
        return -1;
    fputs(usage, stderr);
    return EXIT_USAGE;
}

static enum err
find_user(struct watch *watch, struct errmsg *msg)
{
    char *group = strchr(watch->user, ':');
    if (group != NULL)
        *group++ = '\0';
    if (privileges_user(watch->user, &watch->uid, &watch->gid) < 0)
        return errmsg_set(msg, ERR_NOTFOUND, "--user: there is no user \"%.100s\"", watch->user);
    if (group != NULL && privileges_group(group, &watch->gid) < 0)
        return errmsg_set(msg, ERR_NOTFOUND, "--user: there is no group \"%.100s\"", group);
    return ERR_OK;
}

/* Whatever is not in the chroot is looked up before it. */
static enum err
settle(struct watch *watch, struct errmsg *msg)
{
    tzset();
    if (watch->log != NULL && log_to(watch->log) < 0)
        return errmsg_set(msg, ERR_SYNTAX, "--log: no facility");
    enum err err = watch->user != NULL ? find_user(watch, msg) : ERR_OK;
    if (err == ERR_OK && watch->root != NULL &&
        (chdir(watch->root) != 0 || chroot(".") != 0 || chdir("/") != 0))
        err = errmsg_set(msg, ERR_REFUSED, "--chroot %.500s: %s", watch->root, strerror(errno));
    if (err == ERR_OK)
        err = conf_load(watch->path, &watch->conf, msg);
    if (err == ERR_OK && watch->user != NULL)
        err = privileges_drop(watch->uid, watch->gid, msg);
    return err;
}

/* Now, since a change of the user forgets it. */
static bool
follow_parent(const struct watch *watch)
{
    return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == watch->parent;
}

/* In the child; does not return. */
static void
run_round(const struct watch *watch, pid_t parent)
{
    struct errmsg msg = {""};
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
        _exit(EXIT_FAILED);
    (void)sigprocmask(SIG_UNBLOCK, &watch->signals, NULL);
    (void)signal(SIGHUP, SIG_IGN);
    /* Who waits for answers goes before who waits for news of a list. */
    if (watch->ready < 0)
        (void)!nice(RELOAD_NICE);
    const struct watch_round round = {.conf = watch->conf,
        .force = watch->force,
        .whole = watch->ready >= 0,
        .withdraw = watch->withdraw};
    enum exit_code code = watch_round(&round, &msg);
    if (code != EXIT_DONE && msg.text[0] != '\0')
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    _exit((int)code);
}

/* What a round came to, from its status. */
static int
round_ended(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    log_line(LOG_LEVEL_ERROR, "a reload was ended by signal %d (%s); the old data stays",
        WTERMSIG(status), strsignal(WTERMSIG(status)));
    return EXIT_FAILED;
}

/* One round; negative if a signal says to end. *again: files may have changed since it began. */
static int
do_round(const struct watch *watch, bool *again)
{
    pid_t parent = getpid(), pid = fork();
    int status;
    *again = false;
    if (pid == 0)
        run_round(watch, parent);
    if (pid < 0) {
        log_line(LOG_LEVEL_ERROR, "fork: %s; trying again later", strerror(errno));
        return EXIT_FAILED;
    }
    for (;;) {
        int signal = sigwaitinfo(&watch->signals, NULL);
        if (signal == SIGTERM || signal == SIGINT)
            break;
        *again = *again || signal == SIGHUP;
        if (signal == SIGCHLD && waitpid(pid, &status, WNOHANG) == pid)
            return round_ended(status);
    }
    (void)kill(pid, SIGTERM);
    (void)waitpid(pid, &status, 0);
    return -1;
}

/* Until the next round is due; false if a signal says to end. */
static bool
wait_for_round(const struct watch *watch)
{
    const struct timespec every = {.tv_sec = watch->every_s};
    for (;;) {
        int signal = watch->every_s == 0 ? sigwaitinfo(&watch->signals, NULL)
                                         : sigtimedwait(&watch->signals, NULL, &every);
        if (signal == SIGTERM || signal == SIGINT)
            return false;
        if (signal == SIGHUP || (signal < 0 && errno == EAGAIN))
            return true;
    }
}

static enum exit_code
loop(struct watch *watch)
{
    bool again;
    if (watch->ready < 0)
        log_detach();
    for (;;) {
        int code = do_round(watch, &again);
        if (code < 0)
            return EXIT_DONE;
        if (watch->ready >= 0 && code != EXIT_DONE)
            return (enum exit_code)code;
        if (watch->ready >= 0) {
            log_detach();
            (void)!write(watch->ready, "", 1);
            (void)close(watch->ready);
            watch->ready = -1;
        }
        if (!again && !wait_for_round(watch))
            return EXIT_DONE;
    }
}

/* The files of ours; others, and then the folder, stay. */
static void
remove_state(const struct conf *conf)
{
    static const char *const names[] = {"answers.mdb", "answers.mdb-lock", "history.mdb",
        "history.mdb-lock", "lists.mdb", "lists.mdb-lock", "lists.stamp", "lists.stamp.new", "lock",
        "rbldnsd.conf", "rbldnsd.lock"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/%s", conf->state_dir, names[i]);
        if (n > 0 && (size_t)n < sizeof path)
            (void)unlink(path);
    }
    (void)rmdir(conf->state_dir);
}

int
watch_command(int argc, char **argv)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    struct watch watch;
    struct errmsg msg = {""};
    int done = parse_options(argc, argv, &watch);
    if (done >= 0)
        return done;
    (void)sigemptyset(&watch.signals);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        (void)sigaddset(&watch.signals, signals[i]);
    (void)sigprocmask(SIG_BLOCK, &watch.signals, NULL);
    /* The server reads what is made here by its group alone. */
    (void)umask(027);
    enum exit_code code = settle(&watch, &msg) < 0 ? EXIT_USAGE : EXIT_DONE;
    if (code != EXIT_DONE)
        log_line(LOG_LEVEL_ERROR, "%s", msg.text);
    else if (follow_parent(&watch))
        code = loop(&watch);
    if (watch.temporary && watch.conf != NULL)
        remove_state(watch.conf);
    conf_free(&watch.conf);
    return (int)code;
}
