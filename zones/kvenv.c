/* Opening an LMDB environment; see kvenv.h. */
#include "kvenv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "kv.h"
#include "ownfile.h"

/* Readers at once: workers, tools and the loader; a slot is 64 bytes of the lock file. */
enum { READERS_MAX = 1022 };

/* What is in history.mdb and lists.mdb can't be made anew. */
#define RESTORE                                                                                    \
    "restore it by repdns-load restore; answers.mdb may be deleted instead: the next run writes "  \
    "it anew"

static const struct {
    int rc;
    enum err err;
    const char *what, *advice;
} failures[] = {
    {MDB_NOTFOUND, ERR_NOTFOUND, "no such key", "this is a bug, please report it"},
    {MDB_KEYEXIST, ERR_RANGE, "the key exists", "this is a bug, please report it"},
    {MDB_MAP_FULL, ERR_FULL, "the store's map is full",
        "copy it with mdb_copy, or delete it and let the loader write it anew"},
    {MDB_VERSION_MISMATCH, ERR_FORMAT, "written by another version of LMDB", RESTORE},
    {MDB_INVALID, ERR_FORMAT, "this is no LMDB file", RESTORE},
    {MDB_CORRUPTED, ERR_FORMAT, "the file is damaged", RESTORE},
    {MDB_PAGE_NOTFOUND, ERR_FORMAT, "the file is damaged: a page is missing", RESTORE},
    {MDB_READERS_FULL, ERR_BUSY, "all reader slots are taken",
        "stop some readers, or remove the -lock file while nothing uses the store"},
    {MDB_BAD_VALSIZE, ERR_RANGE, "a key or value has an impossible size",
        "this is a bug, please report it"},
    {ENOENT, ERR_NOTFOUND, "no such file", "run repdns-load to create it"},
    {ENOMEM, ERR_NOMEM, "out of memory", "the map needs address space: see ulimit -v"},
    {ENOSPC, ERR_FULL, "the disk is full", "free some space and run again; nothing was written"},
    {EDQUOT, ERR_FULL, "the disk quota is used up",
        "free some space and run again; nothing was written"},
    {EACCES, ERR_IO, "permission denied",
        "the store must be readable and its -lock file writable: put the user in the common group"},
    {EPERM, ERR_IO, "not permitted", "check who owns the file"},
    {EROFS, ERR_IO, "the file system is read-only", "mount it writable or move state_dir"},
    {EISDIR, ERR_IO, "this is a folder, not a file", "give the path of the file"},
    {ENOTDIR, ERR_IO, "a part of the path is no folder", "check state_dir"},
    {EAGAIN, ERR_BUSY, "another process holds the lock", "wait for it to end"},
};

enum err
kvenv_code(int rc)
{
    if (rc == 0)
        return ERR_OK;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i].rc == rc)
            return failures[i].err;
    return ERR_IO;
}

/* LMDB calls a write that came to the end of the disk an I/O error. */
static int
cause_of(const char *path, int rc)
{
    enum { ROOM_LEAST = 1 << 20 };
    struct statvfs fs;
    bool full = rc == EIO && statvfs(path, &fs) == 0 && fs.f_bavail * fs.f_frsize < ROOM_LEAST;
    return full ? ENOSPC : rc;
}

enum err
kvenv_fail(const char *path, const char *doing, int rc, struct errmsg *msg)
{
    rc = cause_of(path, rc);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i].rc == rc)
            return errmsg_set(msg, failures[i].err, "%s: %s: %s; %s", path, doing, failures[i].what,
                failures[i].advice);
    return errmsg_set(msg, ERR_IO, "%s: %s: %s; check the disk and its file system", path, doing,
        mdb_strerror(rc));
}

int
kvenv_begin(MDB_env *env, unsigned flags, MDB_txn **txn)
{
    int rc = mdb_txn_begin(env, NULL, flags, txn);
    if (rc != MDB_MAP_RESIZED)
        return rc;
    rc = mdb_env_set_mapsize(env, 0);
    return rc != 0 ? rc : mdb_txn_begin(env, NULL, flags, txn);
}

uint64_t
kvenv_least_size(MDB_env *env)
{
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(env, &info) != 0 || mdb_env_stat(env, &stat) != 0)
        return 0;
    return ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

/* LMDB maps a file that was cut short and dies of SIGBUS at the first missing page. */
static enum err
check_size(const char *path, MDB_env *env, struct errmsg *msg)
{
    mdb_filehandle_t fd;
    struct stat st;
    if (mdb_env_get_fd(env, &fd) != 0 || fstat(fd, &st) != 0)
        return kvenv_fail(path, "open", errno, msg);
    uint64_t least = kvenv_least_size(env);
    if ((uint64_t)st.st_size >= least)
        return ERR_OK;
    return errmsg_set(msg, ERR_FORMAT,
        "%s: open: the file is cut short: %llu bytes of at least %llu; " RESTORE, path,
        (unsigned long long)st.st_size, (unsigned long long)least);
}

/* What LMDB would take for a new file, or not name well. *existed is false for a file to create. */
static enum err
check_path(const char *path, const struct kvenv_options *options, bool *existed, struct errmsg *msg)
{
    struct stat st;
    *existed = stat(path, &st) == 0;
    if (!*existed)
        return errno == ENOENT && options->create ? ERR_OK : kvenv_fail(path, "open", errno, msg);
    if (S_ISDIR(st.st_mode))
        return kvenv_fail(path, "open", EISDIR, msg);
    if (st.st_size == 0)
        return errmsg_set(msg, ERR_FORMAT, "%s: open: the file is empty; " RESTORE, path);
    return ERR_OK;
}

/* Every reader writes its slot in the lock file: group-writable, whatever the umask. */
static void
share(const char *path)
{
    char lock[4096];
    struct stat st;
    int n = snprintf(lock, sizeof lock, "%s-lock", path);
    if (n < 0 || (size_t)n >= sizeof lock || stat(lock, &st) != 0)
        return;
    if (st.st_uid == geteuid() && (st.st_mode & 0777) != 0660)
        (void)!chmod(lock, 0660);
    ownfile_give(lock);
    ownfile_give(path);
}

static int
open_env(
    const char *path, const struct kvenv_options *options, bool existed, MDB_env *env, MDB_dbi *dbi)
{
    unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | (options->read_only ? MDB_RDONLY : 0);
    int rc = mdb_env_set_maxreaders(env, READERS_MAX);
    if (rc == 0 && !existed)
        rc = mdb_env_set_mapsize(env, options->map_size);
    if (rc == 0)
        rc = mdb_env_open(env, path, flags, options->mode != 0 ? options->mode : 0640);
    if (rc != 0)
        return rc;
    MDB_txn *txn;
    rc = kvenv_begin(env, MDB_RDONLY, &txn);
    if (rc != 0)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, dbi);
    mdb_txn_abort(txn);
    return rc;
}

/* A new file's map: where the address space is limited (ulimit -v, a checking tool), a smaller one
 * than usual, down to a gigabyte. */
static int
create_env(const char *path, const struct kvenv_options *options, MDB_env **env, MDB_dbi *dbi)
{
    struct kvenv_options how = *options;
    uint64_t size = options->map_size != 0 ? options->map_size : KV_MAP_SIZE;
    int rc;
    do {
        how.map_size = size;
        rc = mdb_env_create(env);
        if (rc != 0)
            return rc;
        rc = open_env(path, &how, false, *env, dbi);
        if (rc == 0 || (rc != ENOMEM && rc != EINVAL) || options->map_size != 0)
            return rc;
        mdb_env_close(*env);
        *env = NULL;
        (void)unlink(path);
        size /= 4;
    } while (size >= UINT64_C(1) << 30);
    return rc;
}

enum err
kvenv_open(const char *path, const struct kvenv_options *options, MDB_env **env, MDB_dbi *dbi,
    struct errmsg *msg)
{
    bool existed;
    *env = NULL;
    enum err err = check_path(path, options, &existed, msg);
    if (err < 0)
        return err;
    int rc = 0;
    if (!existed)
        rc = create_env(path, options, env, dbi);
    else if ((rc = mdb_env_create(env)) == 0)
        rc = open_env(path, options, true, *env, dbi);
    if (rc != 0)
        err = kvenv_fail(path, existed ? "open" : "create", rc, msg);
    else
        err = check_size(path, *env, msg);
    if (err == ERR_OK) {
        if (!options->read_only)
            share(path);
        int dead;
        (void)mdb_reader_check(*env, &dead);
        return ERR_OK;
    }
    if (*env != NULL)
        mdb_env_close(*env);
    *env = NULL;
    /* A file that could not be made whole must not look like a store to the next run. */
    if (!existed)
        (void)unlink(path);
    return err;
}
