/* Dropping privileges; see sandbox.h. */
#include "server/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

static enum err
become(const struct conf *conf, struct errmsg *msg)
{
    const struct passwd *user = getpwnam(conf->user);
    if (user == NULL)
        return errmsg_set(msg, ERR_NOTFOUND,
            "%s: there is no user \"%s\" to run as; create it (adduser --system) or set user",
            conf->path, conf->user);
    uid_t uid = user->pw_uid;
    const struct group *group = getgrnam(conf->group);
    if (group == NULL)
        return errmsg_set(msg, ERR_NOTFOUND,
            "%s: there is no group \"%s\" to run as; create it (addgroup --system) or set group",
            conf->path, conf->group);
    if (uid == 0)
        return errmsg_set(msg, ERR_REFUSED, "%s: user is root; choose another", conf->path);
    if (setgroups(1, &group->gr_gid) != 0 || setgid(group->gr_gid) != 0 || setuid(uid) != 0 ||
        setuid(0) == 0)
        return errmsg_set(
            msg, ERR_REFUSED, "could not become user %s: %s", conf->user, strerror(errno));
    return ERR_OK;
}

enum err
sandbox_drop(const struct conf *conf, struct errmsg *msg)
{
    enum err err = geteuid() == 0 ? become(conf, msg) : ERR_OK;
    if (err < 0)
        return err;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return errmsg_set(msg, ERR_REFUSED, "prctl: %s", strerror(errno));
    return ERR_OK;
}
