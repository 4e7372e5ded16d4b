/* What the published lists were made of; see liststamp.h. */
#include "loader/liststamp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/listread.h"
#include "loader/liststore.h"
#include "zones/fnv.h"

enum { PATH_SIZE = 4352 };

void
liststamp_free(struct list_stamp *stamp)
{
    free(stamp->files);
    *stamp = (struct list_stamp){0};
}

bool
liststamp_equal(const struct list_stamp *a, const struct list_stamp *b)
{
    if (a->conf != b->conf || a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (a->files[i] == 0 || a->files[i] != b->files[i])
            return false;
    return true;
}

/* Whatever decides what is published of the same files. */
static uint64_t
conf_digest(const struct conf *conf)
{
    static const char version[] = REPDNS_VERSION;
    const uint32_t format = STORE_FORMAT;
    uint64_t hash = fnv_add(FNV_START, version, sizeof version);
    hash = fnv_add(hash, &format, sizeof format);
    for (unsigned i = 0; i < conf->list_count; i++) {
        const struct list_source *list = &conf->lists[i];
        const uint32_t numbers[] = {(uint32_t)list->type, (uint32_t)list->role, list->file_count};
        hash = fnv_add(hash, list->name, strlen(list->name) + 1);
        hash = fnv_add(hash, numbers, sizeof numbers);
        for (unsigned k = 0; k < list->file_count; k++)
            hash = fnv_add(hash, list->files[k], strlen(list->files[k]) + 1);
    }
    for (unsigned i = 0; i < conf->zone_count; i++) {
        const uint64_t zone = zone_digest(&conf->zones[i]);
        hash = fnv_add(hash, &zone, sizeof zone);
    }
    return hash;
}

static enum err
begin(const struct conf *conf, struct list_stamp *out, struct errmsg *msg)
{
    *out = (struct list_stamp){.conf = conf_digest(conf), .count = conf->list_count};
    out->files = calloc(conf->list_count + 1U, sizeof *out->files);
    return out->files == NULL ? errmsg_set(msg, ERR_NOMEM, "out of memory") : ERR_OK;
}

static bool
join(char out[PATH_SIZE], const char *root, const char *dir, const char *name)
{
    int n = snprintf(out, PATH_SIZE, "%s%s%s", root, dir, name);
    return n >= 0 && n < PATH_SIZE;
}

static uint64_t
files_digest(const struct list_source *list, const char *root)
{
    uint8_t options[LISTREAD_OPTIONS_SIZE];
    uint64_t hash = FNV_START;
    for (unsigned i = 0; i < list->file_count; i++) {
        char path[PATH_SIZE];
        struct stat st;
        if (!join(path, root, list->files[i], "") || stat(path, &st) != 0)
            return 0;
        hash = listread_digest(hash, list->files[i], &st);
    }
    return fnv_add(hash, options, listread_options(list, options));
}

enum err
liststamp_now(const struct conf *conf, const char *root, struct list_stamp *out, struct errmsg *msg)
{
    enum err err = begin(conf, out, msg);
    for (unsigned i = 0; err == ERR_OK && i < conf->list_count; i++)
        out->files[i] = files_digest(&conf->lists[i], root);
    return err;
}

static enum err
read_store(struct kv_txn *txn, const struct conf *conf, struct list_stamp *out, struct errmsg *msg)
{
    enum err err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < conf->list_count; i++) {
        struct liststore_source source;
        err = liststore_get(txn, conf->lists[i].name, &source);
        if (err == ERR_OK && source.type == conf->lists[i].type)
            out->files[i] = fnv_add(FNV_START, source.files.p, source.files.n);
        else if (err == ERR_NOTFOUND)
            err = ERR_OK;
    }
    return err < 0 ? errmsg_set(msg, err, "%s: %s; delete it and run repdns-load import",
                         conf->lists_path, err_text(err))
                   : ERR_OK;
}

enum err
liststamp_imported(const struct conf *conf, struct list_stamp *out, struct errmsg *msg)
{
    struct kv *kv;
    struct kv_txn *txn;
    enum err err = begin(conf, out, msg);
    if (err == ERR_OK)
        err = kv_open(conf->lists_path, &(struct kv_options){.read_only = true}, &kv, msg);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    err = kv_begin(kv, false, &txn, msg);
    if (err == ERR_OK) {
        err = read_store(txn, conf, out, msg);
        kv_abort(&txn);
    }
    kv_close(&kv);
    return err;
}

static const char head_form[] = "repdns lists 1 %016" PRIx64 "\n";
#define LINE_FORM "%s %016" PRIx64 "\n"
enum { LINE_SIZE = DATASET_NAME_SIZE + 32 };

/* Whether the file says what we would have written, but for the digests of files. */
static bool
read_lines(FILE *in, const struct conf *conf, struct list_stamp *out)
{
    char line[LINE_SIZE], want[LINE_SIZE];
    (void)snprintf(want, sizeof want, head_form, out->conf);
    if (fgets(line, sizeof line, in) == NULL || strcmp(line, want) != 0)
        return false;
    for (unsigned i = 0; i < conf->list_count; i++) {
        char *end;
        if (fgets(line, sizeof line, in) == NULL || strchr(line, ' ') == NULL)
            return false;
        out->files[i] = strtoull(strchr(line, ' ') + 1, &end, 16);
        (void)snprintf(want, sizeof want, LINE_FORM, conf->lists[i].name, out->files[i]);
        if (strcmp(line, want) != 0)
            return false;
    }
    return true;
}

enum err
liststamp_load(
    const struct conf *conf, const char *root, struct list_stamp *out, struct errmsg *msg)
{
    char path[PATH_SIZE];
    enum err err = begin(conf, out, msg);
    if (err < 0)
        return err;
    int fd = join(path, root, conf->state_dir, "/lists.stamp")
                 ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
                 : -1;
    FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
    bool good = in != NULL && read_lines(in, conf, out);
    if (in != NULL)
        (void)fclose(in);
    else if (fd >= 0)
        (void)close(fd);
    if (!good) {
        out->conf = 0;
        memset(out->files, 0, conf->list_count * sizeof *out->files);
    }
    return ERR_OK;
}

static bool
write_file(const char *path, const struct conf *conf, const struct list_stamp *stamp)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    bool good = fprintf(out, head_form, stamp->conf) > 0;
    for (unsigned i = 0; i < conf->list_count; i++)
        good = fprintf(out, LINE_FORM, conf->lists[i].name, stamp->files[i]) > 0 && good;
    good = fflush(out) == 0 && fsync(fd) == 0 && good;
    return fclose(out) == 0 && good;
}

enum err
liststamp_save(const struct conf *conf, const struct list_stamp *stamp, struct errmsg *msg)
{
    char path[PATH_SIZE], new[PATH_SIZE];
    if (!join(path, "", conf->state_dir, "/lists.stamp") ||
        !join(new, "", conf->state_dir, "/lists.stamp.new"))
        return errmsg_set(msg, ERR_RANGE, "%s: the name is too long", conf->state_dir);
    if (!write_file(new, conf, stamp) || rename(new, path) != 0)
        return errmsg_set(msg, ERR_IO, "%s: %s; make state_dir writable", new, strerror(errno));
    return ERR_OK;
}
