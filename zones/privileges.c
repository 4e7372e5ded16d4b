/* Becoming another user; see privileges.h. */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Digits alone; the highest number means "none" to setuid(2). */
static bool
number(const char *text, uint32_t *out)
{
    uint64_t n = 0;
    if (*text == '\0')
        return false;
    for (; *text >= '0' && *text <= '9'; text++) {
        n = n * 10 + (uint64_t)(*text - '0');
        if (n >= UINT32_MAX)
            return false;
    }
    *out = (uint32_t)n;
    return *text == '\0';
}

enum err
privileges_user(const char *name, uid_t *uid, gid_t *gid)
{
    uint32_t n;
    if (number(name, &n)) {
        *uid = n;
        *gid = n;
        return ERR_OK;
    }
    const struct passwd *user = getpwnam(name);
    if (user == NULL)
        return ERR_NOTFOUND;
    *uid = user->pw_uid;
    *gid = user->pw_gid;
    return ERR_OK;
}

enum err
privileges_group(const char *name, gid_t *gid)
{
    uint32_t n;
    if (number(name, &n)) {
        *gid = n;
        return ERR_OK;
    }
    const struct group *group = getgrnam(name);
    if (group == NULL)
        return ERR_NOTFOUND;
    *gid = group->gr_gid;
    return ERR_OK;
}

/* So that no program could give back what is dropped here; only who may set capabilities can do it,
 * and without new privileges it matters to nobody else. */
static void
drop_bounds(void)
{
    for (cap_value_t cap = 0; cap_get_bound(cap) >= 0; cap++)
        (void)cap_drop_bound(cap);
}

enum err
privileges_renounce(struct errmsg *msg)
{
    const struct rlimit none = {0, 0};
    drop_bounds();
    cap_t empty = cap_init();
    bool good = empty != NULL && cap_set_proc(empty) == 0;
    int why = errno;
    (void)cap_free(empty);
    if (!good)
        return errmsg_set(msg, ERR_REFUSED, "could not drop capabilities: %s", strerror(why));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return errmsg_set(msg, ERR_REFUSED, "prctl: %s", strerror(errno));
    /* A core file has keys and clients in it. */
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return errmsg_set(msg, ERR_REFUSED, "setrlimit: %s", strerror(errno));
    return ERR_OK;
}

enum err
privileges_drop(uid_t uid, gid_t gid, struct errmsg *msg)
{
    if (uid == 0)
        return errmsg_set(msg, ERR_REFUSED, "the user to run as is root; choose another");
    drop_bounds();
    if (setgroups(1, &gid) != 0 || setgid(gid) != 0 || setuid(uid) != 0 || setuid(0) == 0)
        return errmsg_set(
            msg, ERR_REFUSED, "could not become user %u, group %u: %s", uid, gid, strerror(errno));
    return privileges_renounce(msg);
}
