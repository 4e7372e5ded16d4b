/* Copies of the stores that can't be made anew; see backup.h. */
#include "loader/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/history.h"
#include "loader/jsonline.h"
#include "loader/stages.h"

enum { STORES = 2, PATH_SIZE = 4096 };

struct copy {
    const char *store; /* where it is used */
    bool needed;
    bool there; /* what is copied exists */
    char copied[PATH_SIZE], made[PATH_SIZE], target[PATH_SIZE];
};

static const char *
last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static enum err
path_of(
    const char *dir, const char *name, const char *more, char out[PATH_SIZE], struct errmsg *msg)
{
    int n = snprintf(out, PATH_SIZE, "%s%s%s%s", dir, dir[0] != '\0' ? "/" : "", name, more);
    return n < 0 || n >= PATH_SIZE ? errmsg_set(msg, ERR_RANGE, "%s: the path is too long", dir)
                                   : ERR_OK;
}

/* On disk, name and bytes, before the next step counts on it. */
static enum err
sync_path(const char *path, struct errmsg *msg)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    return rc == 0 ? ERR_OK : errmsg_set(msg, ERR_IO, "%s: %s", path, strerror(why));
}

/* Whether it is a store of this version. */
static enum err
check_store(const struct copy *copy, bool is_history, struct errmsg *msg)
{
    struct history *history = NULL;
    if (!is_history)
        return ERR_OK; /* opening says whether it is whole */
    enum err err = history_open(copy->copied, true, &history, msg);
    history_close(&history);
    return err;
}

/* Beside its place, under a name that nobody opens. */
static enum err
make_copy(struct copy *copy, bool is_history, struct errmsg *msg)
{
    struct kv *kv = NULL;
    struct stat st;
    copy->there = stat(copy->copied, &st) == 0;
    if (!copy->there && !copy->needed)
        return ERR_OK;
    enum err err = check_store(copy, is_history, msg);
    if (err == ERR_OK)
        err = kv_open(copy->copied, &(struct kv_options){.read_only = true}, &kv, msg);
    if (err == ERR_OK) {
        (void)unlink(copy->made);
        err = kv_copy(kv, copy->made, msg);
    }
    kv_close(&kv);
    return err == ERR_OK ? sync_path(copy->made, msg) : err;
}

static enum err
print_copy(const struct copy *copy, uint64_t bytes, bool json, FILE *out, struct errmsg *msg)
{
    if (!json) {
        fprintf(out, "%s: %llu bytes, a copy of %s\n", copy->target, (unsigned long long)bytes,
            copy->copied);
        return ERR_OK;
    }
    const struct jsonline_member members[] = {{"path", jsonline_string(copy->target)},
        {"bytes", jsonline_count(bytes)}, {"copy_of", jsonline_string(copy->copied)}};
    enum err err = jsonline_print_members(out, members, sizeof members / sizeof *members);
    return err < 0 ? errmsg_set(msg, err, "out of memory") : ERR_OK;
}

/* Whoever has the old file open goes on with it and its lock file; the new one gets its own, since
 * a lock file tells which transaction of its file is the newest. */
static enum err
give_place(const struct copy *copy, bool json, FILE *out, struct errmsg *msg)
{
    char lock[PATH_SIZE];
    struct stat st;
    enum err err = path_of("", copy->target, "-lock", lock, msg);
    if (err < 0)
        return err;
    if (rename(copy->made, copy->target) != 0)
        return errmsg_set(msg, ERR_IO, "%s: %s", copy->target, strerror(errno));
    if (unlink(lock) != 0 && errno != ENOENT)
        return errmsg_set(msg, ERR_IO, "%s: %s; remove it", lock, strerror(errno));
    uint64_t bytes = stat(copy->target, &st) == 0 ? (uint64_t)st.st_size : 0;
    return print_copy(copy, bytes, json, out, msg);
}

/* First all copies are made, then all are renamed. */
static enum exit_code
copy_all(struct copy copies[STORES], const char *dir, bool json, FILE *out, struct errmsg *msg)
{
    enum err err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < STORES; i++)
        err = make_copy(&copies[i], i == 0, msg);
    for (unsigned i = 0; err == ERR_OK && i < STORES; i++)
        if (copies[i].there)
            err = give_place(&copies[i], json, out, msg);
    for (unsigned i = 0; i < STORES; i++)
        (void)unlink(copies[i].made);
    if (err == ERR_OK)
        err = sync_path(dir, msg);
    return exit_of(err);
}

enum exit_code
backup_write(const struct conf *conf, const char *dir, bool json, FILE *out, struct errmsg *msg)
{
    struct copy copies[STORES] = {
        {.store = conf->history_path, .needed = true}, {.store = conf->lists_path}};
    for (unsigned i = 0; i < STORES; i++) {
        const char *name = last_part(copies[i].store);
        if (path_of("", copies[i].store, "", copies[i].copied, msg) < 0 ||
            path_of(dir, name, ".new", copies[i].made, msg) < 0 ||
            path_of(dir, name, "", copies[i].target, msg) < 0)
            return EXIT_FAILED;
    }
    return copy_all(copies, dir, json, out, msg);
}

/* Its new lock file must be the loader's: a tool that root runs would make one that the loader may
 * not write. */
static enum err
make_lock(const struct copy *copy, struct errmsg *msg)
{
    struct kv *kv = NULL;
    if (!copy->there)
        return ERR_OK;
    enum err err = kv_open(copy->target, &(struct kv_options){.create = false}, &kv, msg);
    kv_close(&kv);
    return err;
}

enum exit_code
backup_restore(const struct conf *conf, const char *dir, bool json, FILE *out, struct errmsg *msg)
{
    struct copy copies[STORES] = {
        {.store = conf->history_path, .needed = true}, {.store = conf->lists_path}};
    for (unsigned i = 0; i < STORES; i++) {
        const char *name = last_part(copies[i].store);
        if (path_of(dir, name, "", copies[i].copied, msg) < 0 ||
            path_of("", copies[i].store, ".restored", copies[i].made, msg) < 0 ||
            path_of("", copies[i].store, "", copies[i].target, msg) < 0)
            return EXIT_FAILED;
    }
    enum exit_code code = copy_all(copies, conf->state_dir, json, out, msg);
    for (unsigned i = 0; code == EXIT_DONE && i < STORES; i++)
        code = exit_of(make_lock(&copies[i], msg));
    return code;
}
