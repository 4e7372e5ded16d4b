/* Dropping privileges; see sandbox.h. */
#include "server/sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "zones/privileges.h"

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
    enum err err = geteuid() == 0 ? become(conf, msg) : ERR_OK;
    if (err < 0)
        return err;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return errmsg_set(msg, ERR_REFUSED, "prctl: %s", strerror(errno));
    return ERR_OK;
}
