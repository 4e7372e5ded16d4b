/* Who the processes are and where they work; see rbldnsd.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/rbldnsd.h"
#include "zones/privileges.h"

enum { NAME_SIZE = 256 };

enum err
front_user(struct front *front, struct errmsg *msg)
{
    const char *given = front->options.user;
    char user[NAME_SIZE];
    front->uid = geteuid();
    front->gid = getegid();
    if (given == NULL && front->uid != 0)
        return ERR_OK;
    (void)snprintf(user, sizeof user, "%s", given == NULL ? "rbldns" : given);
    char *group = strchr(user, ':');
    if (group != NULL)
        *group++ = '\0';
    uid_t uid;
    if (privileges_user(user, &uid, &front->gid) < 0)
        return errmsg_set(msg, ERR_NOTFOUND, "unknown user `%.60s'", user);
    if (uid == 0)
        return errmsg_set(msg, ERR_REFUSED, "daemon should not run as root, specify -u option");
    if (group != NULL && privileges_group(group, &front->gid) < 0)
        return errmsg_set(msg, ERR_NOTFOUND, "unknown group `%.60s'", group);
    if (front->uid != 0 && front->uid != uid)
        return errmsg_set(
            msg, ERR_REFUSED, "unable to setuid(%u:%u): %s", uid, front->gid, strerror(EPERM));
    front->drops = front->uid == 0;
    front->uid = uid;
    return ERR_OK;
}

/* Cut after what fits, which no file has. */
static bool
join(char out[PATH_MAX], const char *dir, const char *name)
{
    bool slash = dir[0] != '\0' && dir[strlen(dir) - 1] != '/';
    int n = snprintf(out, PATH_MAX, "%s%s%s", dir, slash ? "/" : "", name);
    return n >= 0 && n < PATH_MAX;
}

static enum err
set_root(struct front *front, struct errmsg *msg)
{
    const char *given = front->options.root;
    struct stat st;
    if (given == NULL)
        return ERR_OK;
    int why = realpath(given, front->root) == NULL || stat(front->root, &st) != 0 ? errno
              : !S_ISDIR(st.st_mode)                                              ? ENOTDIR
              : geteuid() != 0 && !front->options.dump                            ? EPERM
                                                                                  : 0;
    if (why != 0)
        return errmsg_set(msg, ERR_REFUSED, "unable to chroot to %.50s: %s", given, strerror(why));
    if (strcmp(front->root, "/") == 0)
        front->root[0] = '\0';
    return ERR_OK;
}

enum err
front_folders(struct front *front, struct errmsg *msg)
{
    const char *given = front->options.work != NULL ? front->options.work : "";
    char cwd[PATH_MAX] = "/", outside[PATH_MAX];
    struct stat st;
    enum err err = set_root(front, msg);
    if (err < 0)
        return err;
    if (front->root[0] == '\0' && given[0] != '/' && getcwd(cwd, sizeof cwd) == NULL)
        return errmsg_set(msg, ERR_IO, "the current folder: %s", strerror(errno));
    if (!(given[0] == '/' ? join(front->work, "", given) : join(front->work, cwd, given)) ||
        !join(outside, "", front->root) || strlen(outside) + strlen(front->work) >= sizeof outside)
        return errmsg_set(
            msg, ERR_RANGE, "unable to chdir to %.50s: %s", given, strerror(ENAMETOOLONG));
    strcat(outside, front->work);
    int why = stat(outside, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    return why == 0 ? ERR_OK
                    : errmsg_set(msg, ERR_IO, "unable to chdir to %.50s: %s", given, strerror(why));
}

bool
front_inside(const struct front *front, const char *given, char out[PATH_MAX])
{
    char path[PATH_MAX];
    if (!(given[0] == '/' ? join(path, "", given) : join(path, front->work, given)))
        return false;
    /* A dump is made outside. */
    int n = snprintf(out, PATH_MAX, "%s%s", front->options.dump ? front->root : "", path);
    return n >= 0 && n < PATH_MAX;
}

const char *
front_strip(const struct front *front, const char *outside)
{
    const char *inside = outside + (front->options.dump ? 0 : strlen(front->root));
    return *inside == '\0' ? "/" : inside;
}
