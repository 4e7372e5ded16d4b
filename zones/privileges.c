/* Becoming another user; see privileges.h. */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
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

enum err
privileges_drop(uid_t uid, gid_t gid, struct errmsg *msg)
{
    if (uid == 0)
        return errmsg_set(msg, ERR_REFUSED, "the user to run as is root; choose another");
    if (setgroups(1, &gid) != 0 || setgid(gid) != 0 || setuid(uid) != 0 || setuid(0) == 0)
        return errmsg_set(
            msg, ERR_REFUSED, "could not become user %u, group %u: %s", uid, gid, strerror(errno));
    return ERR_OK;
}
