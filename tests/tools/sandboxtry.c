/*
 * sandboxtry CONF ROLE: binds a process to a role of repdnsd's as repdnsd does, and tries in turn
 * what no role may, each in a process of its own. Prints a line for each: what, and "allowed",
 * "refused", or "killed" and the call that was noted. ROLE is a name of server/sandbox.def.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/sandbox.h"

enum { REFUSED = 3 };

/* Each returns negative when it was refused. */
static int
try_write(const struct conf *conf)
{
    (void)conf;
    return open("/etc/passwd", O_WRONLY);
}

static int
try_read(const struct conf *conf)
{
    (void)conf;
    return open("/etc/passwd", O_RDONLY);
}

static int
try_read_store(const struct conf *conf)
{
    return open(conf->answers_path, O_RDONLY);
}

static int
try_write_store(const struct conf *conf)
{
    return open(conf->answers_path, O_RDWR);
}

static int
try_exec(const struct conf *conf)
{
    char *const argv[] = {NULL};
    (void)conf;
    return execve("/bin/true", argv, argv);
}

static int
try_connect(const struct conf *conf)
{
    const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    (void)conf;
    return connect(STDIN_FILENO, (const struct sockaddr *)&to, sizeof to);
}

static int
try_socket(const struct conf *conf)
{
    (void)conf;
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int
try_raw_socket(const struct conf *conf)
{
    (void)conf;
    return socket(AF_PACKET, SOCK_RAW, 0);
}

static int
try_ptrace(const struct conf *conf)
{
    (void)conf;
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int
try_fork(const struct conf *conf)
{
    (void)conf;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid;
}

static int
try_kill(const struct conf *conf)
{
    (void)conf;
    return kill(1, 0);
}

static int
try_code(const struct conf *conf)
{
    (void)conf;
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? -1 : 0;
}

static int
try_handler(const struct conf *conf)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)conf;
    return sigaction(SIGSYS, &ignore, NULL);
}

static int
try_unshare(const struct conf *conf)
{
    (void)conf;
    return (int)syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */);
}

static const struct attempt {
    const char *what;
    int (*attempt)(const struct conf *conf);
} attempts[] = {{"write /etc/passwd", try_write}, {"read /etc/passwd", try_read},
    {"read the store", try_read_store}, {"write the store", try_write_store}, {"execve", try_exec},
    {"connect", try_connect}, {"socket", try_socket}, {"raw socket", try_raw_socket},
    {"ptrace", try_ptrace}, {"fork", try_fork}, {"kill", try_kill}, {"new code", try_code},
    {"SIGSYS handler", try_handler}, {"user namespace", try_unshare}};

static bool
enter(enum sandbox_role role, const struct conf *conf, _Atomic int *trespass)
{
    struct errmsg msg;
    if (sandbox_enter(role, conf, trespass, &msg) == ERR_OK)
        return true;
    fprintf(stderr, "sandboxtry: %s\n", msg.text);
    return false;
}

/* In a child of the supervisor, as workers are. */
static int
run(const struct attempt *attempt, enum sandbox_role role, const struct conf *conf,
    _Atomic int *trespass)
{
    if (!enter(SANDBOX_SUPERVISOR, conf, trespass))
        return 1;
    if (role != SANDBOX_SUPERVISOR && !enter(role, conf, trespass))
        return 1;
    return attempt->attempt(conf) < 0 ? REFUSED : 0;
}

static bool
tell(const struct attempt *attempt, pid_t pid, _Atomic int *trespass)
{
    int status;
    char call[SANDBOX_CALL_SIZE];
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return false;
    printf("%s: ", attempt->what);
    sandbox_call_name(atomic_exchange(trespass, 0), call);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        printf("killed %s\n", call);
    else if (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED)
        printf("refused\n");
    else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        printf("allowed\n");
    else
        printf("status %d\n", status);
    return true;
}

static enum sandbox_role
find_role(const char *name)
{
    unsigned role = 0;
    while (role < SANDBOX_ROLES && strcmp(sandbox_role_name(role), name) != 0)
        role++;
    return role;
}

int
main(int argc, char **argv)
{
    struct errmsg msg;
    struct conf *conf;
    enum sandbox_role role = argc == 3 ? find_role(argv[2]) : SANDBOX_ROLES;
    _Atomic int *trespass =
        mmap(NULL, sizeof *trespass, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (role == SANDBOX_ROLES || trespass == MAP_FAILED) {
        fputs("usage: sandboxtry CONF ROLE\n", stderr);
        return 2;
    }
    if (conf_load(argv[1], &conf, &msg) < 0 || sandbox_drop(conf, &msg) < 0) {
        fprintf(stderr, "sandboxtry: %s\n", msg.text);
        return 1;
    }
    bool good = true;
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts && good; i++) {
        (void)fflush(stdout);
        pid_t pid = fork();
        if (pid == 0)
            _exit(run(&attempts[i], role, conf, trespass));
        good = tell(&attempts[i], pid, trespass);
    }
    conf_free(&conf);
    return good ? 0 : 1;
}
