/* The operator's word from the command line; see wordcmd.h. */
#include "loader/wordcmd.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/forget.h"
#include "loader/history_forget.h"
#include "loader/jsonline.h"
#include "loader/listbrake.h"
#include "loader/network.h"
#include "loader/output.h"
#include "loader/status.h"
#include "zones/confvalue.h"
#include "zones/log.h"

/* A wider block is a slip of the hand. An UNLIST of a name has no evidence to discount: its end is
 * so far away. */
enum { BLOCK_BITS_V4 = 8, BLOCK_BITS_V6 = 16, UNLIST_NAME_S = 30 * 86400 };

bool
word_is_command(const char *name)
{
    enum word_verb unused;
    return word_verb_parse(name, &unused) == ERR_OK || strcmp(name, "word") == 0 ||
           strcmp(name, "forget") == 0;
}

/* What follows "word". */
static enum err
parse_word(int count, char *const *words, struct word_request *out, struct errmsg *msg)
{
    const char *act = count > 1 ? words[1] : "show";
    out->act = strcmp(act, "undo") == 0   ? WORD_TAKE_BACK
               : strcmp(act, "log") == 0  ? WORD_SHOW_JOURNAL
               : strcmp(act, "show") == 0 ? WORD_SHOW
                                          : WORD_ERASE;
    bool undo = out->act == WORD_TAKE_BACK;
    if (out->act == WORD_ERASE || (!undo && count > 2))
        return errmsg_set(msg, ERR_SYNTAX, "word: write word, word log or word undo WHAT...");
    out->subjects = words + 2;
    out->count = undo && count > 2 ? (unsigned)count - 2 : 0;
    return ERR_OK;
}

enum err
word_request_parse(int count, char *const *words, struct word_request *out, struct errmsg *msg)
{
    enum err err = ERR_OK;
    out->subjects = words + 1;
    out->count = (unsigned)count - 1;
    if (strcmp(words[0], "word") == 0)
        err = parse_word(count, words, out, msg);
    else
        out->act = word_verb_parse(words[0], &out->verb) == ERR_OK ? WORD_SAY : WORD_ERASE;
    if (err < 0)
        return err;
    bool says = out->act == WORD_SAY || out->act == WORD_TAKE_BACK;
    if (word_request_writes(out) && out->count == 0)
        return errmsg_set(msg, ERR_SYNTAX, "%s: name an address, a prefix or a name", words[0]);
    if (says && (out->note == NULL || out->note[0] == '\0'))
        return errmsg_set(
            msg, ERR_SYNTAX, "%s: say why with --note: the journal keeps it", words[0]);
    if ((!says && out->note != NULL) || (out->act != WORD_SAY && out->duration != NULL))
        return errmsg_set(
            msg, ERR_SYNTAX, "--for and --note are for allow, unlist and block; leave them out");
    if (out->keep_word && out->act != WORD_ERASE)
        return errmsg_set(msg, ERR_SYNTAX, "--keep-word is for forget alone; leave it out");
    return ERR_OK;
}

/* One call at work. */
struct saying {
    struct run *run;
    const struct word_request *request;
    struct errmsg *msg;
    struct word *words; /* what is said, one for each subject */
    FILE *out;
};

/* Who it is: the user of the process, and whom sudo says that he was. */
static void
name_user(char out[WORD_BY_MAX + 1])
{
    const struct passwd *user = getpwuid(getuid());
    const char *sudo = getenv("SUDO_USER");
    size_t size = WORD_BY_MAX + 1;
    if (sudo != NULL && sudo[0] != '\0')
        (void)snprintf(out, size, "%s as ", sudo);
    else
        out[0] = '\0';
    size_t n = strlen(out);
    if (user != NULL)
        (void)snprintf(out + n, size - n, "%s", user->pw_name);
    else
        (void)snprintf(out + n, size - n, "uid %u", (unsigned)getuid());
}

static enum err
check_note(const struct saying *saying)
{
    const char *note = saying->request->note;
    for (const char *p = note; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            return errmsg_set(
                saying->msg, ERR_SYNTAX, "--note: the text has a control character; leave it out");
    if (strlen(note) > WORD_NOTE_MAX)
        return errmsg_set(saying->msg, ERR_SYNTAX,
            "--note: the text is longer than %d bytes; shorten it", WORD_NOTE_MAX);
    return ERR_OK;
}

/* never_list and the like hold over the operator's word too. */
static enum err
check_block(const struct saying *saying, const char *text, const struct word_subject *subject)
{
    const struct conf *conf = saying->run->conf;
    struct range forbidden, range = prefix_range(&subject->prefix);
    char what[LISTBRAKE_TEXT_SIZE];
    if (subject->is_name && verdicts_never_name(conf, NULL, 0, &subject->name))
        return errmsg_set(saying->msg, ERR_REFUSED,
            "\"%.200s\" is one of own_names, which are never listed; nothing was changed", text);
    if (subject->is_name || saying->run->force)
        return ERR_OK;
    bool wide =
        subject->prefix.len < (ip_is4(&subject->prefix.addr) ? BLOCK_BITS_V4 : BLOCK_BITS_V6);
    const char *label = listbrake_forbids(conf, &range, &forbidden);
    if (label == NULL && !wide)
        return ERR_OK;
    if (label == NULL)
        return errmsg_set(saying->msg, ERR_REFUSED,
            "\"%.200s\" is very wide; nothing was changed: block less, or use --force", text);
    listbrake_format(label, &forbidden, what);
    return errmsg_set(saying->msg, ERR_REFUSED,
        "\"%.200s\" would list %s; nothing was changed: block other addresses, or use --force, "
        "which lists the rest",
        text, what);
}

static enum err
read_request(struct saying *saying)
{
    const struct word_request *request = saying->request;
    struct word word = {.verb = request->act == WORD_TAKE_BACK ? WORD_UNDO : request->verb,
        .since_s = saying->run->now_s};
    uint32_t seconds = 0;
    enum err err = check_note(saying);
    if (err == ERR_OK && request->duration != NULL &&
        (confvalue_duration(request->duration, &seconds) < 0 || seconds == 0))
        err = errmsg_set(saying->msg, ERR_SYNTAX,
            "--for: \"%.100s\" is no duration; write 30d, 2h or 1w", request->duration);
    if (err < 0)
        return err;
    name_user(word.by);
    strcpy(word.note, request->note);
    saying->words = calloc(request->count, sizeof *saying->words);
    if (saying->words == NULL)
        return errmsg_set(saying->msg, ERR_NOMEM, "out of memory");
    for (unsigned i = 0; i < request->count && err == ERR_OK; i++) {
        const char *text = request->subjects[i];
        if (word_subject_parse(text, &word.subject) < 0)
            return errmsg_set(saying->msg, ERR_SYNTAX,
                "\"%.200s\" is no address, no prefix without host bits and no name", text);
        if (word.verb == WORD_BLOCK)
            err = check_block(saying, text, &word.subject);
        uint32_t end = seconds;
        if (end == 0 && word.verb == WORD_UNLIST && word.subject.is_name)
            end = UNLIST_NAME_S;
        word.expires_s = end == 0 ? 0 : word.since_s + end;
        saying->run->until_s = word.expires_s;
        saying->words[i] = word;
    }
    return err;
}

static enum err
print_count(const struct saying *saying, const char *key, uint64_t count)
{
    const struct jsonline_member member = {key, jsonline_count(count)};
    enum err err = jsonline_print_members(saying->out, &member, 1);
    return err < 0 ? errmsg_set(saying->msg, err, "out of memory") : ERR_OK;
}

/* Before the word is stored: who breaks off here and tries again loses nothing. */
static enum err
discount(struct saying *saying)
{
    uint64_t clients = 0;
    enum err err = ERR_OK;
    if (saying->request->act != WORD_SAY || saying->request->verb != WORD_UNLIST)
        return ERR_OK;
    for (unsigned i = 0; i < saying->request->count && err == ERR_OK; i++) {
        struct prefix prefix = saying->words[i].subject.prefix;
        if (saying->words[i].subject.is_name)
            continue;
        /* What its neighbours did would list an address of a /64 that is judged as one. */
        if (!ip_is4(&prefix.addr) && prefix.len > NETWORK_BITS)
            prefix = network_of(&prefix.addr);
        err = history_discount(saying->run->conf, &prefix, &clients, saying->msg);
    }
    if (err < 0 || clients == 0)
        return err;
    if (saying->run->json)
        return print_count(saying, "discounted", clients);
    fprintf(saying->out, "what was known of %llu %s no longer counts against it\n",
        (unsigned long long)clients, clients == 1 ? "address" : "addresses");
    return ERR_OK;
}

/* A word of the other sort that is said of all of the subject. */
static void
tell_other(const struct word *said, const struct word *other)
{
    char text[WORD_SUBJECT_SIZE], over[WORD_SUBJECT_SIZE];
    enum word_verb against = said->verb == WORD_BLOCK ? WORD_ALLOW : WORD_BLOCK;
    if (other->verb != against || said->verb == WORD_ALLOW ||
        !word_subject_covers(&other->subject, &said->subject))
        return;
    word_subject_format(&said->subject, text);
    word_subject_format(&other->subject, over);
    log_line(LOG_LEVEL_WARNING, "%s: %s %s holds for it too; see repdns-load word", text,
        word_verb_name(against), over);
}

/* What else is said of a subject may decide. */
static void
tell_others(const struct saying *saying)
{
    struct words words;
    struct errmsg msg;
    enum err err = words_read(saying->run->conf, saying->run->now_s, &words, &msg);
    if (err < 0)
        log_line(LOG_LEVEL_WARNING, "%s", msg.text);
    for (unsigned i = 0; i < saying->request->count; i++)
        for (size_t k = 0; k < words.count; k++)
            tell_other(&saying->words[i], &words.items[k]);
    words_free(&words);
}

static enum exit_code
say(struct saying *saying)
{
    unsigned taken = 0;
    enum err err = read_request(saying);
    if (err == ERR_SYNTAX || err == ERR_REFUSED)
        return EXIT_USAGE;
    if (err == ERR_OK)
        err = discount(saying);
    if (err == ERR_OK)
        err = words_write(
            saying->run->conf, saying->words, saying->request->count, &taken, saying->msg);
    if (err < 0)
        return exit_of(err);
    enum exit_code code = stage_publish_words(saying->run, saying->msg);
    if (code != EXIT_DONE)
        return code;
    bool back = saying->request->act == WORD_TAKE_BACK;
    if (back && saying->run->json)
        err = print_count(saying, "taken_back", taken);
    else if (back)
        fprintf(saying->out, "%u %s taken back\n", taken, taken == 1 ? "word" : "words");
    tell_others(saying);
    return exit_of(err);
}

static enum err
print_json(FILE *out, const struct word *word)
{
    char subject[WORD_SUBJECT_SIZE];
    word_subject_format(&word->subject, subject);
    const struct jsonline_member members[] = {{"word", json_string(word_verb_name(word->verb))},
        {"subject", jsonline_string(subject)}, {"since", jsonline_time(word->since_s)},
        {"until", jsonline_time(word->expires_s)}, {"by", jsonline_string(word->by)},
        {"note", jsonline_string(word->note)}};
    return jsonline_print_members(out, members, sizeof members / sizeof *members);
}

static enum err
show(struct saying *saying)
{
    struct words words;
    const struct conf *conf = saying->run->conf;
    bool journal = saying->request->act == WORD_SHOW_JOURNAL;
    enum err err = journal ? words_read_journal(conf, &words, saying->msg)
                           : words_read(conf, saying->run->now_s, &words, saying->msg);
    for (size_t i = 0; err == ERR_OK && i < words.count; i++)
        if (!saying->run->json)
            word_print(saying->out, &words.items[i]);
        else if (print_json(saying->out, &words.items[i]) < 0)
            err = errmsg_set(saying->msg, ERR_NOMEM, "out of memory");
    words_free(&words);
    return err;
}

void
word_print(FILE *out, const struct word *word)
{
    char subject[WORD_SUBJECT_SIZE], since[STATUS_TIME_SIZE], expires[STATUS_TIME_SIZE];
    word_subject_format(&word->subject, subject);
    status_time(word->since_s, since);
    status_time(word->expires_s, expires);
    fprintf(out, "%s %s since %s until %s by ", word_verb_name(word->verb), subject, since,
        word->expires_s == 0 ? "-" : expires);
    output_quoted(out, slice_of(word->by, strlen(word->by)));
    fputs(" note ", out);
    output_quoted(out, slice_of(word->note, strlen(word->note)));
    fputc('\n', out);
}

enum exit_code
word_command(struct run *run, const struct word_request *request, FILE *out, struct errmsg *msg)
{
    struct saying saying = {.run = run, .request = request, .msg = msg, .out = out};
    if (request->act == WORD_ERASE)
        return forget_command(run, request, out, msg);
    if (!word_request_writes(request))
        return exit_of(show(&saying));
    enum exit_code code = say(&saying);
    free(saying.words);
    return code;
}
