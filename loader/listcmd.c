/* Own edits of a list from the command line; see listcmd.h. */
#include "loader/listcmd.h"

#include <stdlib.h>

#include "loader/listbrake.h"
#include "loader/listedit.h"
#include "loader/listfast.h"
#include "loader/listkey.h"
#include "loader/listshow.h"
#include "loader/listtext.h"
#include "zones/confvalue.h"
#include "zones/log.h"

static const struct {
    const char *word;
    enum list_verb verb;
} verbs[] = {{"add", LIST_VERB_ADD}, {"del", LIST_VERB_DEL}, {"undo", LIST_VERB_UNDO},
    {"show", LIST_VERB_SHOW}};

/* One call at work. */
struct editing {
    struct run *run;
    const struct list_request *request;
    const struct list_source *source;
    struct errmsg *msg;
    struct list_layer layer;
    struct list_edit *edits; /* what the words come to, one each */
    uint8_t value[LISTFILE_VALUE_MAX];
    size_t value_n;
    struct list_set *set;
};

enum err
list_request_parse(int count, char *const *words, struct list_request *out, struct errmsg *msg)
{
    size_t i = 0;
    while (count > 0 && i < sizeof verbs / sizeof *verbs && strcmp(verbs[i].word, words[0]) != 0)
        i++;
    if (count < 2 || i == sizeof verbs / sizeof *verbs)
        return errmsg_set(msg, ERR_SYNTAX,
            "list: say what to do: list add|del|undo NAME ENTRY..., or list show NAME");
    out->verb = verbs[i].verb;
    out->name = words[1];
    out->entries = words + 2;
    out->count = (unsigned)count - 2;
    bool show = out->verb == LIST_VERB_SHOW, add = out->verb == LIST_VERB_ADD;
    if (show != (out->count == 0))
        return errmsg_set(msg, ERR_SYNTAX, "list %s: %s", words[0],
            show ? "nothing may follow the list's name" : "name the entries after the list");
    if (out->value != NULL && !add)
        return errmsg_set(msg, ERR_SYNTAX, "--value is for list add alone; leave it out");
    if ((out->note != NULL || out->duration != NULL) && (show || out->verb == LIST_VERB_UNDO))
        return errmsg_set(
            msg, ERR_SYNTAX, "--for and --note are for list add and list del; leave them out");
    return ERR_OK;
}

static enum err
find_list(struct editing *editing)
{
    const struct conf *conf = editing->run->conf;
    char names[512] = "";
    for (unsigned i = 0; i < conf->list_count; i++) {
        size_t used = strlen(names);
        if (strcmp(conf->lists[i].name, editing->request->name) == 0) {
            editing->source = &conf->lists[i];
            return ERR_OK;
        }
        (void)snprintf(names + used, sizeof names - used, " %s", conf->lists[i].name);
    }
    return errmsg_set(editing->msg, ERR_SYNTAX, "there is no list \"%.100s\"; %s lists:%s",
        editing->request->name, conf->path != NULL ? conf->path : "the configuration",
        names[0] != '\0' ? names : " none");
}

/* Edits are about addresses or names alone. */
static enum err
check_type(const struct editing *editing)
{
    const struct list_type_info *info = list_type_info(editing->source->type);
    const char *why = info->holds == LIST_HOLDS_RECORDS ? "its entries are records, not names"
                      : info->holds == LIST_HOLDS_PARTS ? "it consists of several lists"
                                                        : NULL;
    if (why == NULL)
        return ERR_OK;
    return errmsg_set(editing->msg, ERR_SYNTAX,
        "list %s: single entries of a list of the type %s can't be edited, since %s; change its "
        "files",
        editing->source->name, info->name, why);
}

/* Text that goes into a store and to terminals: no control characters. */
static enum err
check_text(struct editing *editing, const char *option, const char *text, size_t most)
{
    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            return errmsg_set(editing->msg, ERR_SYNTAX,
                "%s: the text has a control character; leave it out", option);
    if (strlen(text) > most)
        return errmsg_set(editing->msg, ERR_SYNTAX,
            "%s: the text is longer than %zu bytes; shorten it", option, most);
    return ERR_OK;
}

static enum err
read_value(struct editing *editing)
{
    struct listfile file;
    struct listfile_raw raw;
    const char *text = editing->request->value, *what;
    enum list_type type = editing->source->type;
    if (text == NULL)
        return ERR_OK;
    if (list_type_info(type)->values == LIST_VALUES_ONE)
        return errmsg_set(editing->msg, ERR_SYNTAX,
            "--value: all entries of an %s have one value, which its files say; leave it out",
            list_type_info(type)->name);
    enum err err = check_text(editing, "--value", text, LISTFILE_LINE_MAX);
    if (err < 0)
        return err;
    listfile_init(&file, type, editing->run->now_s);
    err = listfile_parse_value(&file, text, strlen(text), &raw, &what);
    if (err < 0 || what != NULL)
        return errmsg_set(editing->msg, ERR_SYNTAX, "--value: %s", what);
    editing->value_n = listfile_value(&file, &raw, editing->value);
    return ERR_OK;
}

/* As the list's files have it, without a value; an ip6tset's exclusions are of single addresses. */
static bool
parse_key(const struct editing *editing, const char *text, bool single,
    struct listfile_entry *entry, const char **what)
{
    struct listfile file;
    struct listfile_cursor at = {text, text + strlen(text)};
    listfile_init(&file, editing->source->type, editing->run->now_s);
    *entry = (struct listfile_entry){.excluded = single};
    *what = NULL;
    bool good = listkey_parse(&file, &at, entry, what);
    entry->excluded = false;
    if (good && *what == NULL && at.p != at.end)
        *what = "something follows the entry; give entries alone, and their value with --value";
    return good && *what == NULL;
}

static enum err
read_entry(struct editing *editing, const char *text, struct listfile_entry *entry)
{
    const char *what, *unused;
    bool add = editing->request->verb == LIST_VERB_ADD;
    if (parse_key(editing, text, false, entry, &what) ||
        (!add && parse_key(editing, text, true, entry, &unused)))
        return ERR_OK;
    if (text[0] == '!')
        what = add ? "an exclusion; use list del instead, without the exclamation mark"
                   : "leave the exclamation mark out";
    return errmsg_set(editing->msg, ERR_SYNTAX, "\"%.200s\": %s", text, what);
}

/* The words as edits, before anything is opened. */
static enum err
read_request(struct editing *editing)
{
    const struct list_request *request = editing->request;
    struct list_edit edit = {.type = editing->source->type,
        .kind = request->verb == LIST_VERB_DEL ? LIST_EDIT_DEL : LIST_EDIT_ADD,
        .added_s = editing->run->now_s};
    enum err err = check_type(editing);
    if (err == ERR_OK)
        err = read_value(editing);
    if (err == ERR_OK && request->note != NULL) {
        err = check_text(editing, "--note", request->note, LISTLAYER_NOTE_MAX);
        edit.note = slice_of(request->note, strlen(request->note));
    }
    uint32_t seconds = 0;
    if (err == ERR_OK && request->duration != NULL &&
        (confvalue_duration(request->duration, &seconds) < 0 || seconds == 0))
        err = errmsg_set(editing->msg, ERR_SYNTAX,
            "--for: \"%.100s\" is no duration; write 30d, 2h or 1w", request->duration);
    if (err < 0)
        return err;
    edit.expires_s = seconds == 0 ? 0 : edit.added_s + seconds;
    editing->run->until_s = edit.expires_s;
    edit.value = slice_of(editing->value, editing->value_n);
    editing->edits = calloc(request->count, sizeof *editing->edits);
    if (editing->edits == NULL)
        return errmsg_set(editing->msg, ERR_NOMEM, "out of memory");
    for (unsigned i = 0; i < request->count && err == ERR_OK; i++) {
        editing->edits[i] = edit;
        err = read_entry(editing, request->entries[i], &editing->edits[i].entry);
    }
    return err;
}

/* The layer as it shall be. */
static enum err
change_layer(struct editing *editing)
{
    const struct list_request *request = editing->request;
    for (unsigned i = 0; i < request->count; i++) {
        const struct list_edit *edit = &editing->edits[i];
        enum err err = ERR_OK;
        if (request->verb != LIST_VERB_UNDO)
            err = listlayer_put(&editing->layer, edit);
        else if (listlayer_undo(&editing->layer, edit->type, &edit->entry) == 0)
            return errmsg_set(editing->msg, ERR_NOTFOUND,
                "\"%.200s\" was neither added to list %s nor taken off it by hand; see repdns-load "
                "list show %s",
                request->entries[i], request->name, request->name);
        if (err < 0)
            return errmsg_set(editing->msg, err, "out of memory");
    }
    return ERR_OK;
}

/* Of what is added by hand not even one address may be private. */
static bool
forbidden(const struct editing *editing)
{
    const struct list_source *source = editing->source;
    bool adds = editing->request->verb == LIST_VERB_ADD && source->role == LIST_BLOCK &&
                list_type_info(source->type)->holds <= LIST_HOLDS_V6;
    for (unsigned i = 0; adds && i < editing->request->count; i++) {
        struct range range;
        char what[LISTBRAKE_TEXT_SIZE];
        const char *label =
            listbrake_forbids(editing->run->conf, &editing->edits[i].entry.range, &range);
        if (label == NULL)
            continue;
        listbrake_format(label, &range, what);
        (void)errmsg_set(editing->msg, ERR_REFUSED,
            "\"%.200s\" would list %s; nothing was changed: list other addresses, or use --force",
            editing->request->entries[i], what);
        return true;
    }
    return false;
}

static enum exit_code
check_change(struct editing *editing)
{
    struct run *run = editing->run;
    enum err err = lists_flatten_under(
        run->conf, editing->source, &editing->layer, &editing->set, editing->msg);
    if (err < 0)
        return exit_of(err);
    if (run->force)
        return EXIT_DONE;
    bool served = stages_serve_list(run->conf, editing->source);
    if (forbidden(editing) ||
        listbrake_stops(run->conf, editing->source, editing->set, served, editing->msg))
        return EXIT_TOO_MANY;
    return EXIT_DONE;
}

/* What is added and taken off as well stays off. */
static void
warn_of_dels(const struct editing *editing)
{
    for (unsigned i = 0; i < editing->request->count; i++) {
        char key[LISTTEXT_KEY_SIZE];
        const struct list_edit *edit = &editing->edits[i];
        const struct list_edit *del = listlayer_del_over(&editing->layer, edit->type, &edit->entry);
        if (editing->request->verb != LIST_VERB_ADD || del == NULL)
            continue;
        (void)listtext_key(&del->entry, del->type, key);
        log_line(LOG_LEVEL_WARNING,
            "%.200s stays off list %s, since %.200s was taken off it by hand; repdns-load list "
            "undo takes that back",
            editing->request->entries[i], editing->source->name, key);
    }
}

static enum exit_code
publish_change(struct editing *editing)
{
    struct run *run = editing->run;
    /* Whom an allow list has, the verdicts leave out. */
    enum exit_code code =
        editing->source->role == LIST_ALLOW
            ? stage_publish(run, editing->msg)
            : stage_publish_list(run, editing->source, editing->set, editing->msg);
    if (code == EXIT_DONE)
        warn_of_dels(editing);
    return code;
}

/* Only the blocks that the edits are in; false: nothing was done, the whole list is needed. */
static bool
publish_edits(struct editing *editing, const struct list_change *change, enum exit_code *code)
{
    struct run *run = editing->run;
    struct listfast fast;
    enum err err =
        listfast_open(run->conf, editing->source, &editing->layer, change, run->now_s, &fast);
    bool done = err == ERR_OK;
    if (done)
        err = listedit_write(run->conf, editing->source->name, &editing->layer, editing->msg);
    if (done && err == ERR_OK)
        err = listfast_write(&fast, &run->published, editing->msg);
    listfast_close(&fast);
    if (done)
        *code = exit_of(err);
    if (done && err == ERR_OK)
        warn_of_dels(editing);
    return done;
}

static size_t
apart(size_t a, size_t b)
{
    return a > b ? a - b : b - a;
}

static enum exit_code
edit_list(struct editing *editing)
{
    const struct conf *conf = editing->run->conf;
    enum err err = read_request(editing);
    if (err < 0)
        return err == ERR_SYNTAX ? EXIT_USAGE : exit_of(err);
    err = listedit_read(conf, editing->source->name, &editing->layer, editing->msg);
    if (err < 0)
        return exit_of(err);
    size_t stored = editing->layer.count;
    listlayer_expire(&editing->layer, editing->run->now_s);
    bool expired = editing->layer.count < stored;
    size_t adds = listlayer_count(&editing->layer, LIST_EDIT_ADD);
    size_t dels = listlayer_count(&editing->layer, LIST_EDIT_DEL);
    err = change_layer(editing);
    enum exit_code code = exit_of(err);
    const struct list_change change = {.edits = editing->edits,
        .count = editing->request->count,
        .undone = editing->request->verb == LIST_VERB_UNDO,
        .adds = apart(adds, listlayer_count(&editing->layer, LIST_EDIT_ADD)),
        .dels = apart(dels, listlayer_count(&editing->layer, LIST_EDIT_DEL))};
    if (err == ERR_OK && !expired && publish_edits(editing, &change, &code))
        return code;
    if (err == ERR_OK)
        code = check_change(editing);
    if (code != EXIT_DONE)
        return code;
    err = listedit_write(conf, editing->source->name, &editing->layer, editing->msg);
    return err < 0 ? exit_of(err) : publish_change(editing);
}

enum exit_code
list_command(struct run *run, const struct list_request *request, FILE *out, struct errmsg *msg)
{
    struct editing editing = {.run = run, .request = request, .msg = msg};
    if (find_list(&editing) < 0)
        return EXIT_USAGE;
    if (request->verb == LIST_VERB_SHOW)
        return exit_of(listshow(out, run->conf, editing.source, run->json, msg));
    enum exit_code code = edit_list(&editing);
    lists_free(&editing.set);
    listlayer_free(&editing.layer);
    free(editing.edits);
    return code;
}
