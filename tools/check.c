/*
 * repdns check: the configuration, and what it names: stores, folders, list files, logs. See
 * tools.h.
 *
 * An error is what keeps a part from working; a warning is what may be meant so, and does not
 * change the exit code. A store that is not there yet is neither.
 */
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/history.h"
#include "loader/jsonline.h"
#include "tools/tools.h"
#include "zones/kv.h"
#include "zones/store.h"

enum { FINDING_SIZE = 8192 };
enum grade { GRADE_GOOD, GRADE_WARNING, GRADE_ERROR, GRADES };
/* A good finding has no word before it. */
static const struct {
    const char *name, *before;
} grades[] = {[GRADE_GOOD] = {"good", ""},
    [GRADE_WARNING] = {"warning", "warning: "},
    [GRADE_ERROR] = {"error", "error: "}};

struct checking {
    FILE *out;
    bool json;
    bool lost; /* a finding could not be told for want of memory */
    const struct conf *conf;
    unsigned found[GRADES];
};

static void PRINTF_LIKE(3, 4)
    say(struct checking *checking, enum grade grade, const char *format, ...)
{
    char what[FINDING_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    checking->found[grade]++;
    if (!checking->json) {
        fprintf(checking->out, "%s%s\n", grades[grade].before, what);
        return;
    }
    const struct jsonline_member members[] = {
        {"grade", json_string(grades[grade].name)}, {"what", jsonline_string(what)}};
    if (jsonline_print_members(checking->out, members, sizeof members / sizeof *members) < 0)
        checking->lost = true;
}

static void
check_conf(struct checking *checking)
{
    const struct conf *conf = checking->conf;
    say(checking, GRADE_GOOD,
        "%s: %u zones, %u of them enabled; %u addresses to listen on, %u logs, %u mail stores, "
        "%u lists",
        conf->path, conf->zone_count, conf_enabled_zones(conf), conf->listen_count, conf->log_count,
        conf->mailstore_count, conf->list_count);
    const char *at = conf->warnings;
    for (struct slice line; (line = conf_next_warning(&at)).n > 0;)
        say(checking, GRADE_WARNING, "%.*s", (int)line.n, (const char *)line.p);
    if (conf->own_network_count == 0)
        say(checking, GRADE_WARNING,
            "%s: own_networks is not set and postconf tells none: your own users' mail "
            "would be judged; name your networks",
            conf->path);
    if (conf->own_name_count == 0)
        say(checking, GRADE_WARNING,
            "%s: own_names is empty: nobody is caught who greets with your name; name "
            "your domains",
            conf->path);
    if (conf->log_count == 0 && conf->mailstore_count == 0)
        say(checking, GRADE_WARNING, "%s: neither log nor mailstore: only lists will be served",
            conf->path);
}

/* Everybody who may write into the folder may replace what is served. */
static void
check_state_dir(struct checking *checking)
{
    const struct conf *conf = checking->conf;
    const char *dir = conf->state_dir;
    const struct group *group = getgrnam(conf->group);
    struct stat st;
    if (getpwnam(conf->user) == NULL)
        say(checking, GRADE_WARNING, "user \"%s\" is not known here; create it or set user",
            conf->user);
    if (group == NULL)
        say(checking, GRADE_WARNING, "group \"%s\" is not known here; create it or set group",
            conf->group);
    if (stat(dir, &st) != 0) {
        say(checking, GRADE_ERROR, "%s: %s; create it, owned by the loader's user", dir,
            strerror(errno));
        return;
    }
    if (!S_ISDIR(st.st_mode)) {
        say(checking, GRADE_ERROR, "%s: this is no folder; name one with state_dir", dir);
        return;
    }
    if ((st.st_mode & S_IWOTH) != 0)
        say(checking, GRADE_ERROR, "%s: everybody may write there; run chmod o-w", dir);
    if (access(dir, R_OK | X_OK) != 0)
        say(checking, GRADE_ERROR, "%s: %s; run this as the loader's user", dir, strerror(errno));
    else if (group != NULL && st.st_gid != group->gr_gid && (st.st_mode & S_IXOTH) == 0)
        say(checking, GRADE_WARNING,
            "%s: belongs to another group than \"%s\", so repdnsd may not reach it", dir,
            conf->group);
}

/* The server writes its reader slot into the lock file, and needs nothing else to write. */
static void
check_lock(struct checking *checking, const char *path)
{
    char lock[4096];
    struct stat st;
    int n = snprintf(lock, sizeof lock, "%s-lock", path);
    if (n < 0 || (size_t)n >= sizeof lock || stat(lock, &st) != 0)
        return;
    if ((st.st_mode & (S_IRGRP | S_IWGRP)) != (S_IRGRP | S_IWGRP))
        say(checking, GRADE_WARNING,
            "%s: the group can't write it, which repdnsd needs; run chmod 660", lock);
}

static enum err
answers_format(struct kv_txn *txn)
{
    struct store_key key;
    struct slice value;
    struct store_meta meta;
    store_key_meta(&key);
    enum err err = kv_get(txn, store_key_slice(&key), &value);
    if (err == ERR_OK)
        err = store_meta_decode(value, &meta);
    return err == ERR_OK && !store_format_known(meta.format) ? ERR_FORMAT : err;
}

static enum err
open_answers(const struct conf *conf, struct errmsg *msg)
{
    struct kv *kv = NULL;
    struct kv_txn *txn = NULL;
    enum err err = kv_open(conf->answers_path, &(struct kv_options){.read_only = true}, &kv, msg);
    if (err < 0)
        return err;
    err = kv_begin(kv, false, &txn, msg);
    if (err == ERR_OK && answers_format(txn) < 0)
        err = errmsg_set(msg, ERR_FORMAT,
            "%s: damaged, or not a store of this version; delete it and run repdns-load",
            conf->answers_path);
    kv_abort(&txn);
    kv_close(&kv);
    return err;
}

static enum err
open_history(const struct conf *conf, struct errmsg *msg)
{
    struct history *history = NULL;
    enum err err = history_open(conf->history_path, true, &history, msg);
    history_close(&history);
    return err;
}

static enum err
open_lists(const struct conf *conf, struct errmsg *msg)
{
    struct kv *kv = NULL;
    enum err err = kv_open(conf->lists_path, &(struct kv_options){.read_only = true}, &kv, msg);
    kv_close(&kv);
    return err;
}

void
check_each_store(const struct conf *conf, store_checked_fn each, void *ctx)
{
    const struct {
        const char *path;
        enum err (*open)(const struct conf *conf, struct errmsg *msg);
        bool used;
    } stores[] = {{conf->answers_path, open_answers, true},
        {conf->history_path, open_history, true},
        {conf->lists_path, open_lists, conf->list_count > 0}};
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        struct errmsg msg = {""};
        if (stores[i].used) {
            enum err err = stores[i].open(conf, &msg);
            each(ctx, stores[i].path, err, msg.text);
        }
    }
}

static void
on_store(void *ctx, const char *path, enum err err, const char *why)
{
    struct checking *checking = ctx;
    if (err == ERR_NOTFOUND)
        say(checking, GRADE_GOOD, "%s: not there yet; repdns-load creates it", path);
    else if (err < 0)
        say(checking, GRADE_ERROR, "%s", why);
    else
        say(checking, GRADE_GOOD, "%s: good", path);
}

static void
check_list_files(struct checking *checking)
{
    const struct conf *conf = checking->conf;
    for (unsigned i = 0; i < conf->list_count; i++)
        for (unsigned k = 0; k < conf->lists[i].file_count; k++) {
            const char *path = conf->lists[i].files[k];
            struct stat st;
            int failed = stat(path, &st) != 0 || access(path, R_OK) != 0 ? errno : 0;
            if (failed != 0)
                say(checking, GRADE_ERROR,
                    "%s:%u: list \"%s\": %s: %s; correct the path or its permissions", conf->path,
                    conf->lists[i].line, conf->lists[i].name, path, strerror(failed));
            else if (!S_ISREG(st.st_mode))
                say(checking, GRADE_ERROR, "%s:%u: list \"%s\": %s is no file; name a file",
                    conf->path, conf->lists[i].line, conf->lists[i].name, path);
        }
}

/* Without them the server does not start, or a run of the loader fails. */
static void
check_named_file(struct checking *checking, const char *setting, const char *path)
{
    if (path != NULL && access(path, R_OK) != 0)
        say(checking, GRADE_ERROR, "%s: %s: %s: %s; correct the path or its permissions",
            checking->conf->path, setting, path, strerror(errno));
}

static void
check_named_files(struct checking *checking)
{
    const struct conf *conf = checking->conf;
    check_named_file(checking, "keys: file", conf->keys.path);
    check_named_file(checking, "cookies: secrets", conf->cookies.path);
    check_named_file(checking, "policy: weights", conf->policy.weights);
    for (unsigned i = 0; i < conf->spf.file_count; i++)
        check_named_file(checking, "spf: domains", conf->spf.files[i]);
}

static void
check_sources(struct checking *checking)
{
    const struct conf *conf = checking->conf;
    for (unsigned i = 0; i < conf->log_count; i++) {
        glob_t found;
        bool readable = false;
        int rc = glob(conf->logs[i].path, GLOB_NOSORT, NULL, &found);
        for (size_t k = 0; rc == 0 && k < found.gl_pathc; k++)
            readable = readable || access(found.gl_pathv[k], R_OK) == 0;
        if (!readable)
            say(checking, GRADE_WARNING,
                "%s:%u: log: %s at %s; correct the path, or let the loader's user read it",
                conf->path, conf->logs[i].line,
                rc == 0 ? "nothing that can be read" : "there is nothing", conf->logs[i].path);
        if (rc == 0)
            globfree(&found);
    }
    for (unsigned i = 0; i < conf->mailstore_count; i++)
        if (access(conf->mailstores[i].path, R_OK) != 0)
            say(checking, GRADE_WARNING, "%s:%u: mailstore: %s: %s", conf->path,
                conf->mailstores[i].line, conf->mailstores[i].path, strerror(errno));
}

static void
print_counts(struct checking *checking)
{
    unsigned errors = checking->found[GRADE_ERROR], warnings = checking->found[GRADE_WARNING];
    if (!checking->json) {
        fprintf(checking->out, "%u errors, %u warnings\n", errors, warnings);
        return;
    }
    const struct jsonline_member members[] = {
        {"errors", json_integer(errors)}, {"warnings", json_integer(warnings)}};
    if (jsonline_print_members(checking->out, members, sizeof members / sizeof *members) < 0)
        checking->lost = true;
}

enum exit_code
tool_check(const struct tool *tool, struct errmsg *msg)
{
    struct checking checking = {.out = tool->out, .json = tool->json, .conf = tool->conf};
    msg->text[0] = '\0';
    check_conf(&checking);
    check_state_dir(&checking);
    check_each_store(checking.conf, on_store, &checking);
    check_lock(&checking, checking.conf->answers_path);
    check_list_files(&checking);
    check_named_files(&checking);
    check_sources(&checking);
    print_counts(&checking);
    if (checking.lost)
        return tool_exit(errmsg_set(msg, ERR_NOMEM, "out of memory"));
    return checking.found[GRADE_ERROR] > 0 ? EXIT_FAILED : EXIT_DONE;
}
