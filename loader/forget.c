/* Erasing a subject; see forget.h. */
#include "loader/forget.h"

#include "loader/history_forget.h"
#include "loader/jsonline.h"

static enum err
print_counts(FILE *out, const struct word_subject *subject, const struct history_forgotten *history,
    unsigned words, unsigned journal, bool json)
{
    const struct {
        const char *what, *key;
        uint64_t count;
    } counts[] = {{"clients", "clients", history->clients},
        {"HELO names", "helo_names", history->helos},
        {"sender domains", "sender_domains", history->pairs + history->domains},
        {"reverse names", "reverse_names", history->reverse_names},
        {"DNS answers", "dns_answers", history->answers},
        {"policies", "policies", history->policies}, {"words", "words", words},
        {"journal entries", "journal_entries", journal}};
    char text[WORD_SUBJECT_SIZE];
    word_subject_format(subject, text);
    if (json) {
        json_t *object = json_object();
        jsonline_set(&object, "subject", jsonline_string(text));
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            jsonline_set(&object, counts[i].key, jsonline_count(counts[i].count));
        return jsonline_print(out, object);
    }
    fprintf(out, "%s: erased", text);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        fprintf(out, "%s %llu %s", i > 0 ? "," : "", (unsigned long long)counts[i].count,
            counts[i].what);
    fputc('\n', out);
    return ERR_OK;
}

static enum err
forget(const struct run *run, const struct word_request *request,
    const struct word_subject *subject, FILE *out, bool *any, struct errmsg *msg)
{
    struct history_forgotten history;
    unsigned words = 0, journal = 0;
    enum err err = history_forget(run->conf, subject, &history, msg);
    if (err == ERR_OK && !request->keep_word)
        err = words_forget(run->conf, subject, &words, &journal, msg);
    if (err < 0)
        return err;
    if (print_counts(out, subject, &history, words, journal, run->json) < 0)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    *any = *any || words > 0 ||
           history.clients + history.helos + history.pairs + history.domains +
                   history.reverse_names + history.answers + history.policies >
               0;
    return ERR_OK;
}

/* What is served is made of the stores again; DNS is not asked. */
enum exit_code
forget_command(struct run *run, const struct word_request *request, FILE *out, struct errmsg *msg)
{
    struct word_subject subject;
    bool any = false;
    enum err err = ERR_OK;
    for (unsigned i = 0; i < request->count; i++)
        if (word_subject_parse(request->subjects[i], &subject) < 0) {
            (void)errmsg_set(msg, ERR_SYNTAX,
                "\"%.200s\" is no address, no prefix without host bits and no name",
                request->subjects[i]);
            return EXIT_USAGE;
        }
    for (unsigned i = 0; i < request->count && err == ERR_OK; i++) {
        err = word_subject_parse(request->subjects[i], &subject);
        if (err == ERR_OK)
            err = forget(run, request, &subject, out, &any, msg);
    }
    if (err < 0 || !any)
        return exit_of(err);
    return stage_publish(run, msg);
}
