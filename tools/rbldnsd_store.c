/*
 * The folder of an instance: its configuration and stores; see rbldnsd.h.
 *
 * Root works here in folders that belong to the user it will become, so it follows no links and
 * changes the owner of nothing but its own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/rbldnsd.h"
#include "zones/fnv.h"
#include "zones/kvread.h"
#include "zones/log.h"

#define LOCK_NAME "rbldnsd.lock"
enum { TRIES = 50, TRY_NS = 20000000, MODE = 0750 };

/* What is kept there. The first ones are forgotten by front_store_clear. */
static const char *const names[] = {"lists.stamp", "answers.mdb", "answers.mdb-lock", "history.mdb",
    "history.mdb-lock", "lists.mdb", "lists.mdb-lock", "lists.stamp.new", "lock", "rbldnsd.conf",
    "rbldnsd.conf.new", LOCK_NAME};
enum { FORGOTTEN = 8 };

static bool
put_name(char out[PATH_MAX], const char *dir, const char *name)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
    return n >= 0 && n < PATH_MAX;
}

static bool
in_root(const struct front *front, const char *path)
{
    size_t n = strlen(front->root);
    return strncmp(path, front->root, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* Waits a moment for one that is about to end. */
static bool
get_lock(int fd)
{
    static const struct timespec pause = {.tv_nsec = TRY_NS};
    for (unsigned i = 0; i < TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

/* Gives the folder and what of ours lies in it to the user. */
static bool
give_away(const struct front *front, int dir)
{
    if (!front->drops)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat st;
        if (fstatat(dir, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
            st.st_nlink == 1)
            (void)!fchownat(dir, names[i], front->uid, front->gid, AT_SYMLINK_NOFOLLOW);
    }
    return fchown(dir, front->uid, front->gid) == 0;
}

/* Takes a folder that is there; ERR_BUSY: another instance has it, ERR_IO: it can't be used. */
static enum err
take(struct front *front, const char *path, struct errmsg *msg)
{
    struct stat st;
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* A stranger could exchange what root is about to use. */
    if (dir < 0 || fstat(dir, &st) != 0 || access(path, W_OK | X_OK) != 0 ||
        (front->drops && st.st_uid != 0 && st.st_uid != front->uid)) {
        enum err err = errmsg_set(msg, ERR_IO, "unable to use the store %.200s: %s", path,
            strerror(dir < 0 ? errno : EACCES));
        if (dir >= 0)
            (void)close(dir);
        return err;
    }
    /* Not closed by exec: server and loader hold it too. */
    int lock = openat(dir, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    enum err err = ERR_OK;
    if (lock < 0)
        err = errmsg_set(msg, ERR_IO, "%.200s/" LOCK_NAME ": %s", path, strerror(errno));
    else if (!get_lock(lock))
        err = errmsg_set(msg, ERR_BUSY,
            "the store %.200s is used by another instance; give each its own (--store)", path);
    else if (!give_away(front, dir))
        err = errmsg_set(msg, ERR_IO, "%.200s: %s", path, strerror(errno));
    (void)close(dir);
    if (err < 0 && lock >= 0)
        (void)close(lock);
    if (err == ERR_OK) {
        front->lock = lock;
        (void)snprintf(front->store, sizeof front->store, "%s", path);
    }
    return err;
}

/* Instances listen on different addresses. */
static void
private_name(const struct front *front, const char *prefix, char out[NAME_MAX])
{
    uint64_t hash = fnv_add(FNV_START, &front->options.family, sizeof front->options.family);
    for (unsigned i = 0; i < front->options.bind_count; i++)
        hash = fnv_add(hash, front->options.binds[i], strlen(front->options.binds[i]) + 1);
    (void)snprintf(out, NAME_MAX, "%srepdns-rbldnsd-%08x", prefix, (unsigned)(hash & UINT32_MAX));
}

static enum err
take_below(struct front *front, const char *dir, const char *prefix, struct errmsg *msg)
{
    char path[PATH_MAX], name[NAME_MAX];
    private_name(front, prefix, name);
    if (!put_name(path, dir, name))
        return errmsg_set(msg, ERR_RANGE, "%.200s: %s", dir, strerror(ENAMETOOLONG));
    if (mkdir(path, MODE) != 0 && errno != EEXIST)
        return errmsg_set(msg, ERR_IO, "%.200s: %s", path, strerror(errno));
    return take(front, path, msg);
}

static enum err
take_given(struct front *front, struct errmsg *msg)
{
    const char *given = front->options.store;
    char path[PATH_MAX];
    if (mkdir(given, MODE) != 0 && errno != EEXIST)
        return errmsg_set(
            msg, ERR_IO, "unable to make the store %.200s: %s", given, strerror(errno));
    if (realpath(given, path) == NULL)
        return errmsg_set(
            msg, ERR_IO, "unable to use the store %.200s: %s", given, strerror(errno));
    if (!in_root(front, path))
        return errmsg_set(msg, ERR_REFUSED,
            "the store %.200s does not lie in %.200s (-r), where it must be", path, front->root);
    return take(front, path, msg);
}

/* Nothing but files of ours. */
static bool
is_ours(const char *path)
{
    DIR *dir = opendir(path);
    bool ours = dir != NULL;
    for (const struct dirent *entry; ours && (entry = readdir(dir)) != NULL;) {
        bool found = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++)
            found = strcmp(entry->d_name, names[i]) == 0;
        ours = found;
    }
    if (dir != NULL)
        (void)closedir(dir);
    return ours;
}

/* systemd's folder for us, which several instances may share, with data files even. */
static enum err
take_state(struct front *front, const char *state, struct errmsg *msg)
{
    char first[PATH_MAX], path[PATH_MAX];
    int n = snprintf(first, sizeof first, "%.*s", (int)strcspn(state, ":"), state);
    if (n <= 0 || (size_t)n >= sizeof first || realpath(first, path) == NULL)
        return errmsg_set(msg, ERR_IO, "STATE_DIRECTORY %.200s: %s", state, strerror(errno));
    if (!in_root(front, path))
        return errmsg_set(
            msg, ERR_REFUSED, "STATE_DIRECTORY %.200s does not lie in %.200s", path, front->root);
    enum err err = is_ours(path) ? take(front, path, msg) : ERR_BUSY;
    return err == ERR_OK ? ERR_OK : take_below(front, path, "", msg);
}

static enum err
take_work(struct front *front, struct errmsg *msg)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s%s", front->root, front->work);
    if (n < 0 || (size_t)n >= sizeof path)
        return errmsg_set(msg, ERR_RANGE, "%.200s: %s", front->work, strerror(ENAMETOOLONG));
    if (n > 1 && path[n - 1] == '/')
        path[n - 1] = '\0';
    return take_below(front, path, ".", msg);
}

static enum err
take_temporary(struct front *front, struct errmsg *msg)
{
    const char *tmp = getenv("TMPDIR");
    char path[PATH_MAX];
    const char *root = front->options.dump ? "" : front->root;
    if (root[0] != '\0' || tmp == NULL || tmp[0] != '/')
        tmp = "/tmp";
    int n = snprintf(path, sizeof path, "%s%s/repdns-rbldnsd.XXXXXX", root, tmp);
    if (n < 0 || (size_t)n >= sizeof path || mkdtemp(path) == NULL)
        return errmsg_set(msg, ERR_IO, "no folder for the store (%.200s: %s); name one: --store",
            path, strerror(errno));
    front->temporary = true;
    enum err err = take(front, path, msg);
    if (err < 0)
        (void)rmdir(path);
    return err;
}

enum err
front_store_open(struct front *front, struct errmsg *msg)
{
    const char *state = getenv("STATE_DIRECTORY");
    struct errmsg why;
    front->lock = -1;
    if (front->options.dump)
        return take_temporary(front, msg);
    if (front->options.store != NULL)
        return take_given(front, msg);
    if (state != NULL && state[0] != '\0') {
        if (take_state(front, state, &why) == ERR_OK)
            return ERR_OK;
        log_line(LOG_LEVEL_WARNING, "%s; it is not used", why.text);
    }
    if (front->options.work != NULL || front->root[0] != '\0') {
        enum err err = take_work(front, msg);
        if (err != ERR_IO)
            return err;
    }
    enum err err = take_temporary(front, msg);
    if (err == ERR_OK)
        log_line(LOG_LEVEL_INFO,
            "the store is temporary (%s): the next start reads all files again; --store DIR keeps "
            "it",
            front->store);
    return err;
}

bool
front_store_fresh(const struct front *front)
{
    struct list_stamp now = {0}, published = {0};
    char path[PATH_MAX];
    struct kvread *reader;
    bool fresh = liststamp_now(front->loaded, front->root, &now, NULL) == ERR_OK &&
                 liststamp_load(front->loaded, front->root, &published, NULL) == ERR_OK &&
                 liststamp_equal(&now, &published);
    liststamp_free(&now);
    liststamp_free(&published);
    /* Opening makes the lock file, which must be the user's. */
    fresh = fresh && put_name(path, front->store, "answers.mdb-lock") && access(path, F_OK) == 0 &&
            put_name(path, front->store, "answers.mdb") &&
            kvread_open(path, &reader, NULL) == ERR_OK;
    if (fresh)
        kvread_close(&reader);
    return fresh;
}

static void
unlink_names(const struct front *front, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char path[PATH_MAX];
        if (put_name(path, front->store, names[i]))
            (void)unlink(path);
    }
}

void
front_store_clear(const struct front *front)
{
    unlink_names(front, FORGOTTEN);
}

void
front_store_remove(const struct front *front)
{
    if (!front->temporary)
        return;
    unlink_names(front, sizeof names / sizeof *names);
    (void)rmdir(front->store);
}
