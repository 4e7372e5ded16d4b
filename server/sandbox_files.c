/*
 * Which files a process may open: Landlock, where the kernel has it (Linux 5.13 and later). glibc
 * has no functions for it, and the headers of an older system know less than the kernel may: hence
 * raw calls, and constants of our own for what came later.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/sandbox_internal.h"

#define READ_FILE  LANDLOCK_ACCESS_FS_READ_FILE
#define READ_DIR   LANDLOCK_ACCESS_FS_READ_DIR
#define WRITE_FILE LANDLOCK_ACCESS_FS_WRITE_FILE
#define MAKE_REG   LANDLOCK_ACCESS_FS_MAKE_REG
#define TRUNCATE   (UINT64_C(1) << 14)

/* The kernel's struct as of version 6; older ones take its beginning. */
struct ruleset {
    uint64_t files, net, scope;
};

/* What each version can forbid; all of it is. */
static const struct {
    int since;
    struct ruleset can;
} versions[] = {
    {1, {.files = (UINT64_C(1) << 13) - 1}},   /* EXECUTE up to MAKE_SYM */
    {2, {.files = UINT64_C(1) << 13}},         /* REFER */
    {3, {.files = TRUNCATE}}, {4, {.net = 3}}, /* BIND_TCP, CONNECT_TCP */
    {5, {.files = UINT64_C(1) << 15}},         /* IOCTL_DEV */
    {6, {.scope = 3}},                         /* abstract sockets, signals to others */
};

int
sandbox_landlock(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? (int)version : 0;
}

static struct ruleset
all_of(int version)
{
    struct ruleset all = {0};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        if (version < versions[i].since)
            continue;
        all.files |= versions[i].can.files;
        all.net |= versions[i].can.net;
        all.scope |= versions[i].can.scope;
    }
    return all;
}

static int
create_ruleset(int version, const struct ruleset *all)
{
    size_t size = version >= 6   ? sizeof *all
                  : version >= 4 ? offsetof(struct ruleset, scope)
                                 : offsetof(struct ruleset, net);
    return (int)syscall(SYS_landlock_create_ruleset, all, size, 0);
}

/* What is not there needs no rule: nobody can open it, and the supervisor starts the workers anew
 * when a store appears. */
static bool
allow(int ruleset, const char *path, uint64_t access)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    const struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
    bool good = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    (void)close(fd);
    return good;
}

/* The folder that a log is made in, or will be: the nearest one that exists. */
static const char *
folder_of(const char *path, char out[PATH_MAX])
{
    char *folder = out;
    if (realpath(path, out) == NULL)
        (void)snprintf(out, PATH_MAX, "%s", path);
    do
        folder = dirname(folder);
    while (access(folder, F_OK) != 0 && strcmp(folder, "/") != 0);
    return folder;
}

enum err
sandbox_limit_files(enum sandbox_role role, const struct conf *conf, struct errmsg *msg)
{
    char lock[PATH_MAX], log_room[PATH_MAX], tap_room[PATH_MAX];
    int version = sandbox_landlock();
    if (version == 0 || role == SANDBOX_SUPERVISOR)
        return ERR_OK;
    (void)snprintf(lock, sizeof lock, "%s-lock", conf->answers_path);
    const char *log = conf->query_log.path, *tap = conf->dnstap.path;
    bool logs = log != NULL && strcmp(log, "-") != 0 && conf->query_log.facility == NULL;
    /* The store may be a link to a file elsewhere. */
    const struct {
        unsigned roles;
        const char *path;
        uint64_t access;
    } grants[] = {
        {WORKERS, conf->state_dir, READ_FILE | READ_DIR},
        {WORKERS, conf->answers_path, READ_FILE},
        {WORKERS, lock, READ_FILE | WRITE_FILE | TRUNCATE},
        {IN_LOGGER, logs ? folder_of(log, log_room) : NULL, WRITE_FILE | MAKE_REG},
        {IN_DNSTAP, tap != NULL ? folder_of(tap, tap_room) : NULL,
            WRITE_FILE | MAKE_REG | TRUNCATE},
    };
    const struct ruleset all = all_of(version);
    int ruleset = create_ruleset(version, &all);
    bool good = ruleset >= 0;
    for (size_t i = 0; i < sizeof grants / sizeof *grants && good; i++)
        if ((grants[i].roles & 1U << role) != 0 && grants[i].path != NULL)
            good = allow(ruleset, grants[i].path, grants[i].access & all.files);
    good = good && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    int why = errno;
    if (ruleset >= 0)
        (void)close(ruleset);
    return good ? ERR_OK
                : errmsg_set(
                      msg, ERR_REFUSED, "%s: Landlock: %s", sandbox_role_name(role), strerror(why));
}
