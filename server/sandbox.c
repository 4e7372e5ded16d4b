/* Dropping privileges; see sandbox.h. */
#include "server/sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/sandbox_internal.h"
#include "zones/log.h"
#include "zones/privileges.h"

/* The sanitizers make calls of their own, and read files of /proc. */
#ifdef __SANITIZE_ADDRESS__
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

const char *
sandbox_role_name(enum sandbox_role role)
{
    static const char *const names[] = {
#define SANDBOX_ROLE(id, name) name,
#include "server/sandbox.def"
    };
    return names[role];
}

static enum err
become(const struct conf *conf, struct errmsg *msg)
{
    uid_t uid;
    gid_t gid, own_gid;
    if (privileges_user(conf->user, &uid, &own_gid) < 0)
        return errmsg_set(msg, ERR_NOTFOUND,
            "%s: there is no user \"%s\" to run as; create it (adduser --system) or set user",
            conf->path, conf->user);
    if (privileges_group(conf->group, &gid) < 0)
        return errmsg_set(msg, ERR_NOTFOUND,
            "%s: there is no group \"%s\" to run as; create it (addgroup --system) or set group",
            conf->path, conf->group);
    if (uid == 0)
        return errmsg_set(msg, ERR_REFUSED, "%s: user is root; choose another", conf->path);
    return privileges_drop(uid, gid, msg);
}

enum err
sandbox_drop(const struct conf *conf, struct errmsg *msg)
{
    return geteuid() == 0 ? become(conf, msg) : privileges_renounce(msg);
}

/* No process of a worker's own. Not RLIMIT_FSIZE, which would strike at a standard error that is a
 * long file. */
static enum err
limit_resources(struct errmsg *msg)
{
    const struct rlimit none = {0, 0};
    /* Another process of the same user, the loader say, may not look into its memory. */
    if (prctl(PR_SET_DUMPABLE, 0) == 0 && setrlimit(RLIMIT_NPROC, &none) == 0)
        return ERR_OK;
    return errmsg_set(msg, ERR_REFUSED, "setrlimit: %s", strerror(errno));
}

enum err
sandbox_enter(
    enum sandbox_role role, const struct conf *conf, _Atomic int *trespass, struct errmsg *msg)
{
    enum err err = ERR_OK;
    if (SANITIZED)
        return ERR_OK;
    sandbox_catch(role, trespass);
    if (role != SANDBOX_SUPERVISOR)
        err = limit_resources(msg);
    if (err == ERR_OK)
        err = sandbox_limit_files(role, conf, msg);
    return err < 0 ? err : sandbox_limit_calls(role, conf->process.seccomp, msg);
}

void
sandbox_tell(const struct conf *conf)
{
    static const char *const calls[] = {[CONF_SECCOMP_KILL] = "kills",
        [CONF_SECCOMP_LOG] = "logs only",
        [CONF_SECCOMP_OFF] = "off"};
    int landlock = sandbox_landlock();
    enum conf_seccomp action = conf->process.seccomp;
    if (SANITIZED)
        log_line(LOG_LEVEL_WARNING, "built with sanitizers: no seccomp, no Landlock");
    else if (action == CONF_SECCOMP_KILL && landlock > 0)
        log_line(LOG_LEVEL_DEBUG,
            "user %u, no capabilities, Landlock version %d, seccomp kills what leaves its profile",
            geteuid(), landlock);
    else
        log_line(LOG_LEVEL_WARNING, "protections: seccomp: %s; Landlock: %s", calls[action],
            landlock > 0 ? "on"
                         : "this kernel has none, files are fenced by the user's rights and "
                           "--chroot alone");
}
