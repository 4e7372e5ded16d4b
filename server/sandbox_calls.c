/* The seccomp profiles; see sandbox.def. This file alone includes seccomp.h. */
#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/sandbox_internal.h"

/* A signal's handler gets no context; set once, before the profile. */
static _Atomic int *trespass_sink;

/* The supervisor has nobody to tell. Only what may be called in a handler. */
static void
tell_trespass(int call)
{
    char line[] = "repdnsd: the supervisor's profile does not have system call       \n";
    for (size_t at = sizeof line - 3; call > 0; call /= 10)
        line[at--] = (char)('0' + call % 10);
    (void)!write(STDERR_FILENO, line, sizeof line - 1);
}

/* The call was not made. The profile lets nobody change this handler, a second SIGSYS has none, and
 * one that is blocked kills. */
static void
on_sigsys(int signal, siginfo_t *info, void *context)
{
    (void)context;
    if (trespass_sink != NULL)
        atomic_store(trespass_sink, info->si_syscall);
    else
        tell_trespass(info->si_syscall);
    (void)raise(signal);
    _exit(1);
}

struct rule {
    int call;
    unsigned roles;
    uint32_t action;
    unsigned conditions; /* 0 or 1 */
    struct scmp_arg_cmp condition;
};

static int
add_rules(scmp_filter_ctx filter, enum sandbox_role role)
{
    const struct rule rules[] = {
#define SANDBOX_CALL(name, roles)   {SCMP_SYS(name), roles, SCMP_ACT_ALLOW, 0, {0}},
#define SANDBOX_REFUSE(name, roles) {SCMP_SYS(name), roles, SCMP_ACT_ERRNO(EACCES), 0, {0}},
#define SANDBOX_CALL_IF(name, roles, argument, comparison, ...)                                    \
    {SCMP_SYS(name), roles, SCMP_ACT_ALLOW, 1, SCMP_CMP(argument, comparison, __VA_ARGS__)},
#include "server/sandbox.def"
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof rules / sizeof *rules && rc == 0; i++) {
        const struct rule *rule = &rules[i];
        bool inherited = role == SANDBOX_SUPERVISOR && rule->action == SCMP_ACT_ALLOW;
        if (!inherited && (rule->roles & 1U << role) == 0)
            continue;
        rc = seccomp_rule_add_array(
            filter, rule->action, rule->call, rule->conditions, &rule->condition);
    }
    return rc;
}

static int
load_filter(enum sandbox_role role, uint32_t otherwise)
{
    scmp_filter_ctx filter = seccomp_init(otherwise);
    if (filter == NULL)
        return -ENOMEM;
    /* Calls of another architecture (32 bits on a 64 bit kernel) have no place here at all. */
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0)
        rc = add_rules(filter, role);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc;
}

void
sandbox_catch(enum sandbox_role role, _Atomic int *trespass)
{
    struct sigaction handler = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO | SA_NODEFER};
    handler.sa_flags |= (int)SA_RESETHAND;
    trespass_sink = trespass;
    /* A child of the supervisor has the handler already, and may not set it. */
    if (role == SANDBOX_SUPERVISOR)
        (void)sigaction(SIGSYS, &handler, NULL);
}

enum err
sandbox_limit_calls(enum sandbox_role role, enum conf_seccomp action, struct errmsg *msg)
{
    if (action == CONF_SECCOMP_OFF)
        return ERR_OK;
    int rc = load_filter(role, action == CONF_SECCOMP_LOG ? SCMP_ACT_LOG : SCMP_ACT_TRAP);
    if (rc != 0)
        return errmsg_set(msg, ERR_REFUSED,
            "%s: seccomp: %s; if the kernel has none, set seccomp = off", sandbox_role_name(role),
            strerror(-rc));
    return ERR_OK;
}

void
sandbox_call_name(int call, char out[SANDBOX_CALL_SIZE])
{
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);
    (void)snprintf(out, SANDBOX_CALL_SIZE, "%d (%s)", call, name != NULL ? name : "unknown");
    free(name);
}
