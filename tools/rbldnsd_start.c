/*
 * The processes of an instance; see rbldnsd.h.
 *
 *     front --fork--> loader     lives on beside the server, does its own chroot and setuid
 *       |
 *       +-----exec--> server     keeps the pid that was started
 *
 * As a daemon the front is itself a child: what was started waits until the server serves.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/exitcode.h"
#include "tools/rbldnsd.h"
#include "zones/log.h"

enum { WORDS_MAX = 24, NUMBER_SIZE = 24 };

/* A command line in the making. */
struct words {
    unsigned count;
    const char *word[WORDS_MAX];
};

static void
add_word(struct words *words, const char *word)
{
    if (words->count < WORDS_MAX - 1)
        words->word[words->count++] = word;
}

static void
add_option(struct words *words, const char *option, const char *value)
{
    add_word(words, option);
    add_word(words, value);
}

void
front_exec(const struct front *front, const char *program, char *const argv[])
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", front->programs, program);
    if (front->programs[0] != '\0' && n > 0 && (size_t)n < sizeof path)
        (void)execv(path, argv);
    (void)execvp(program, argv);
    log_line(LOG_LEVEL_ERROR, "unable to run %s: %s", program, strerror(errno));
}

static void
exec_words(const struct front *front, const char *program, const struct words *words)
{
    char *argv[WORDS_MAX] = {NULL};
    for (unsigned i = 0; i < words->count; i++)
        argv[i] = strdup(words->word[i]);
    front_exec(front, program, argv);
}

static void
keep_open(int fd)
{
    (void)fcntl(fd, F_SETFD, 0);
}

static const char *
log_target(const struct front *front)
{
    if (front->options.foreground)
        return "stdout";
    return front->options.facility != NULL ? front->options.facility : "daemon";
}

/* Does not return. ready: where to tell that the first load is done, -1 if nobody waits for it. */
static void
become_loader(const struct front *front, int ready)
{
    char every[NUMBER_SIZE], fd[NUMBER_SIZE], user[2 * NUMBER_SIZE];
    struct words words = {.count = 0};
    (void)snprintf(every, sizeof every, "%u", front->options.check_s);
    (void)snprintf(fd, sizeof fd, "%d", ready);
    (void)snprintf(user, sizeof user, "%u:%u", front->uid, front->gid);
    add_word(&words, "rbldnsd");
    add_word(&words, "watch");
    add_option(&words, "-c", front_strip(front, front->conf));
    add_option(&words, "--every", every);
    add_word(&words, "--force");
    add_option(&words, "--log", log_target(front));
    if (ready >= 0) {
        add_option(&words, "--ready", fd);
        keep_open(ready);
    }
    if (front->drops)
        add_option(&words, "--user", user);
    if (front->root[0] != '\0')
        add_option(&words, "--chroot", front->root);
    if (front->temporary)
        add_word(&words, "--temporary");
    if (front->options.strict)
        add_word(&words, "--withdraw");
    exec_words(front, "repdns-load", &words);
    _exit(EXIT_FAILED);
}

/* Until the first load is done, if ready is not NULL; then negative or the loader's exit code. */
static int
wait_for_loader(pid_t loader, int ready)
{
    char byte;
    int status;
    ssize_t n;
    do
        n = read(ready, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n == 1)
        return -1;
    if (waitpid(loader, &status, 0) != loader)
        return EXIT_FAILED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

/* Starts the loader, and waits for its first load unless that is not wanted. *code: negative, or
 * how the loader ended. */
static enum err
start_loader(const struct front *front, bool wait, pid_t *loader, int *code, struct errmsg *msg)
{
    int ready[2] = {-1, -1};
    pid_t parent = getpid();
    *code = -1;
    if (wait && pipe2(ready, O_CLOEXEC) != 0)
        return errmsg_set(msg, ERR_IO, "pipe: %s", strerror(errno));
    *loader = fork();
    if (*loader < 0)
        return errmsg_set(msg, ERR_IO, "fork: %s", strerror(errno));
    if (*loader == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
            _exit(EXIT_FAILED);
        become_loader(front, ready[1]);
    }
    if (!wait)
        return ERR_OK;
    (void)close(ready[1]);
    *code = wait_for_loader(*loader, ready[0]);
    (void)close(ready[0]);
    return ERR_OK;
}

static enum err
load(const struct front *front, pid_t *loader, struct errmsg *msg)
{
    bool wait = !front->options.quick && !front_store_fresh(front);
    int code;
    enum err err = start_loader(front, wait, loader, &code, msg);
    if (err == ERR_OK && code == EXIT_STORE) {
        log_line(LOG_LEVEL_WARNING, "the store %s can't be used; making another one", front->store);
        front_store_clear(front);
        err = start_loader(front, wait, loader, &code, msg);
    }
    return err == ERR_OK && code >= 0 ? errmsg_set(msg, ERR_IO, "zone loading errors, aborting")
                                      : err;
}

/* Does not return, unless the program can't be run. */
static void
become_server(const struct front *front, pid_t loader, int ready)
{
    char pid[NUMBER_SIZE], fd[NUMBER_SIZE];
    struct words words = {.count = 0};
    (void)snprintf(pid, sizeof pid, "%ld", (long)loader);
    (void)snprintf(fd, sizeof fd, "%d", ready);
    add_word(&words, "rbldnsd");
    add_option(&words, "-c", front_strip(front, front->conf));
    add_option(&words, "--companion", pid);
    add_option(&words, "--log", log_target(front));
    if (ready >= 0) {
        add_option(&words, "--ready", fd);
        keep_open(ready);
    }
    if (front->root[0] != '\0')
        add_option(&words, "--chroot", front->root);
    exec_words(front, "repdnsd", &words);
}

static enum err
write_pid(const struct front *front, struct errmsg *msg)
{
    const char *path = front->options.pidfile;
    FILE *out;
    if (path == NULL)
        return ERR_OK;
    if ((out = fopen(path, "we")) == NULL)
        return errmsg_set(msg, ERR_IO, "unable to write pidfile: %s", strerror(errno));
    bool good = fprintf(out, "%ld\n", (long)getpid()) > 0;
    if (fclose(out) != 0 || !good)
        return errmsg_set(msg, ERR_IO, "unable to write pidfile: %s", strerror(errno));
    return ERR_OK;
}

/* In the process that was started: until the daemon serves, or has ended. */
static void
wait_for_server(int ready)
{
    char byte;
    ssize_t n;
    do
        n = read(ready, &byte, 1);
    while (n < 0 && errno == EINTR);
    _exit(n == 1 ? 0 : 1);
}

static enum err
become_daemon(int *ready, struct errmsg *msg)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return errmsg_set(msg, ERR_IO, "pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0)
        return errmsg_set(msg, ERR_IO, "fork: %s", strerror(errno));
    if (pid > 0) {
        (void)close(fds[1]);
        wait_for_server(fds[0]);
    }
    (void)close(fds[0]);
    (void)setsid();
    *ready = fds[1];
    return ERR_OK;
}

/* A reload that is asked for meanwhile waits for the server. */
static void
block_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigaddset(&set, SIGUSR2);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
}

enum err
front_start(struct front *front, struct errmsg *msg)
{
    int ready = -1;
    pid_t loader = -1;
    block_signals();
    enum err err = front->options.foreground ? ERR_OK : become_daemon(&ready, msg);
    if (err == ERR_OK)
        err = write_pid(front, msg);
    if (err == ERR_OK)
        err = load(front, &loader, msg);
    if (err < 0)
        return err;
    become_server(front, loader, ready);
    (void)kill(loader, SIGTERM);
    (void)waitpid(loader, NULL, 0);
    return errmsg_set(msg, ERR_IO, "no server, aborting");
}
