/* Maildir trees. See src_maildir.h. */
#include "loader/src_maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* DOMAIN/USER/Maildir: how far below the root a Maildir may lie. */
#define DEPTH_MAX 3

struct walk {
    const struct conf *conf;
    source_fn fn;
    void *ctx;
    struct mailstore_count *count;
    char head[MAIL_HEAD_MAX];
};

/* Folder names by which IMAP clients agree (RFC 6154's uses under their common names). */
struct folder_word {
    const char *word;
    bool prefix; /* what follows does not matter */
    bool skip;
};

static const struct folder_word folder_words[] = {
    {"sent", false, true},      /* "Sent", "Sent Items" */
    {"drafts", false, true},    /* also Templates and Outbox: not received at all */
    {"draft", false, true},     /* */
    {"trash", false, true},     /* thrown away, for whatever reason */
    {"deleted", false, true},   /* "Deleted Items" */
    {"templates", false, true}, /* */
    {"outbox", false, true},    /* */
    {"junk", true, false},      /* "Junk", "Junk E-mail", "JunkMail" */
    {"spam", false, false},     /* but not "spamassassin-users" */
};

/* The word itself, or the word and then something that begins another. */
static bool
folder_is(const char *name, size_t len, const struct folder_word *word)
{
    size_t n = strlen(word->word);

    if (len < n || strncasecmp(name, word->word, n) != 0)
        return false;
    return word->prefix || len == n || name[n] == ' ' || name[n] == '_' ||
           (name[n] >= '0' && name[n] <= '9');
}

bool
mail_folder_label(const char *name, size_t len, enum obs_label *out)
{
    *out = OBS_HAM;
    for (size_t at = 0; at < len;) {
        const char *dot = memchr(name + at, '.', len - at);
        size_t n = dot == NULL ? len - at : (size_t)(dot - name) - at;

        for (size_t i = 0; i < sizeof folder_words / sizeof folder_words[0]; i++)
            if (folder_is(name + at, n, &folder_words[i])) {
                if (folder_words[i].skip)
                    return false;
                *out = OBS_SPAM;
            }
        at += n + 1;
    }
    return true;
}

enum err
mail_observe(const char *head, size_t len, const struct conf *conf, enum obs_label label,
    struct mailstore_count *count, struct received_mail *out, bool *found)
{
    enum err err = received_border(head, len, conf, out);

    count->mails++;
    *found = err == ERR_OK;
    if (err == ERR_NOTFOUND) {
        count->inside++;
        return ERR_OK;
    }
    if (err == ERR_SYNTAX) {
        count->unreadable++;
        return ERR_OK;
    }
    if (err != ERR_OK)
        return err;
    out->observation.label = label;
    count->ham += label == OBS_HAM;
    count->spam += label == OBS_SPAM;
    return ERR_OK;
}

/* At most size bytes of a regular file; -1 where there are none to be had. O_NONBLOCK: a FIFO must
 * not hold the run up. */
static ssize_t
read_head(int dir, const char *name, char *out, size_t size)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    size_t n = 0;
    ssize_t got = 1;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        errno = EINVAL;
        got = -1;
    }
    while (got > 0 && n < size) {
        got = read(fd, out + n, size - n);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            n += (size_t)got;
    }
    (void)close(fd);
    return got < 0 ? -1 : (ssize_t)n;
}

static enum err
visit_mail(struct walk *walk, int dir, const char *name, enum obs_label label)
{
    ssize_t n = read_head(dir, name, walk->head, sizeof walk->head);
    struct received_mail mail;
    char id[SOURCE_ID_SIZE];
    bool found;
    enum err err;

    if (n < 0) {
        /* Mail programs move files at any time. */
        walk->count->denied += errno != ENOENT;
        return ERR_OK;
    }
    err = mail_observe(walk->head, (size_t)n, walk->conf, label, walk->count, &mail, &found);
    if (err != ERR_OK || !found)
        return err;
    source_id(fnv_add(FNV_START, name, strcspn(name, ":")), id);
    return walk->fn(walk->ctx, id, &mail.observation);
}

/* A stream over a subdirectory; NULL where there is none. */
static DIR *
open_dir(struct walk *walk, int dir, const char *name)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);

    if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
        walk->count->denied++;
    if (fd >= 0 && stream == NULL)
        (void)close(fd);
    return stream;
}

/* cur or new. */
static enum err
visit_mails(struct walk *walk, int dir, const char *name, enum obs_label label)
{
    DIR *stream = open_dir(walk, dir, name);
    const struct dirent *entry;
    enum err err = ERR_OK;

    if (stream == NULL)
        return ERR_OK;
    while (err == ERR_OK && (entry = readdir(stream)) != NULL)
        if (entry->d_name[0] != '.')
            err = visit_mail(walk, dirfd(stream), entry->d_name, label);
    (void)closedir(stream);
    return err;
}

static enum err
visit_folder(struct walk *walk, int dir, enum obs_label label)
{
    enum err err = visit_mails(walk, dir, "cur", label);

    return err != ERR_OK ? err : visit_mails(walk, dir, "new", label);
}

static bool
has_dir(int dir, const char *name)
{
    struct stat st;

    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static bool
is_maildir(int dir)
{
    return has_dir(dir, "cur") || has_dir(dir, "new");
}

/* "." and "..", and what makes a Maildir. */
static bool
is_own_entry(const char *name)
{
    static const char *const own[] = {".", "..", "cur", "new", "tmp"};

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(name, own[i]) == 0)
            return true;
    return false;
}

/* The inbox and each folder; takes stream over. */
static enum err
visit_maildir(struct walk *walk, DIR *stream)
{
    const struct dirent *entry;
    enum err err = visit_folder(walk, dirfd(stream), OBS_HAM);

    walk->count->maildirs++;
    while (err == ERR_OK && (entry = readdir(stream)) != NULL) {
        const char *name = entry->d_name;
        enum obs_label label;
        DIR *folder;

        if (is_own_entry(name) || !mail_folder_label(name, strlen(name), &label) ||
            !has_dir(dirfd(stream), name))
            continue;
        folder = open_dir(walk, dirfd(stream), name);
        if (folder == NULL)
            continue;
        err = visit_folder(walk, dirfd(folder), label);
        (void)closedir(folder);
    }
    (void)closedir(stream);
    return err;
}

/* Takes stream over. Recursion ends at DEPTH_MAX. */
static enum err
visit_tree(struct walk *walk, DIR *stream, unsigned depth)
{
    const struct dirent *entry;
    enum err err = ERR_OK;

    if (is_maildir(dirfd(stream)))
        return visit_maildir(walk, stream);
    while (err == ERR_OK && depth < DEPTH_MAX && (entry = readdir(stream)) != NULL) {
        DIR *below;

        if (entry->d_name[0] == '.' || !has_dir(dirfd(stream), entry->d_name))
            continue;
        below = open_dir(walk, dirfd(stream), entry->d_name);
        if (below != NULL)
            err = visit_tree(walk, below, depth + 1);
    }
    (void)closedir(stream);
    return err;
}

enum err
src_maildir(const char *root, const struct conf *conf, source_fn fn, void *ctx,
    struct mailstore_count *count, struct errmsg *msg)
{
    DIR *stream = opendir(root);
    struct walk *walk;
    enum err err;

    if (stream == NULL)
        return errmsg_set(
            msg, ERR_IO, "%s: %s; check the path and its permissions", root, strerror(errno));
    walk = calloc(1, sizeof *walk);
    if (walk == NULL) {
        (void)closedir(stream);
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    }
    walk->conf = conf;
    walk->fn = fn;
    walk->ctx = ctx;
    walk->count = count;
    err = visit_tree(walk, stream, 0);
    free(walk);
    if (err != ERR_OK)
        return errmsg_set(msg, err, "%s: %s; the rest of it was not read", root, err_text(err));
    return ERR_OK;
}
