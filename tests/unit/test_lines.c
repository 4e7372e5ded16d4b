/*
 * Collected log lines of the MTAs that are read (LINES_TSV, or ../shared/data/mtalogs/lines.tsv,
 * where it is found): each gives the fields that its column names, or is of a sort listed here with
 * the reason why not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/src_exim.h"
#include "loader/src_opensmtpd.h"
#include "loader/src_postfix.h"
#include "loader/src_sendmail.h"

#define NOW INT64_C(1795521600)

/* A sort of lines: those that hold the one text and lack the other. */
struct sort {
    const char *in, *why;
    const char *lacks;
    const char *but; /* a field that they do not hold, though the column names it; NULL: any */
};

/* Messages that say nothing about a mail transaction at our border. */
static const struct sort unused_postfix[] = {
    {"SASL ", "a failed log-in: no mail, and often a user's own mistake", NULL, NULL},
    {"SSL_accept", "a failed TLS handshake: no mail", NULL, NULL},
    {" TLS connection established", "the connection's other lines say who it is", NULL, NULL},
    {"certificate verification", "TLS of outgoing mail", NULL, NULL},
    {"setting up TLS", "the connection's other lines say who it is", NULL, NULL},
    {"lost connection", "no mail", NULL, NULL},
    {"timeout after", "no mail", NULL, NULL},
    {"too many errors", "no mail", NULL, NULL},
    {"improper command pipelining", "no mail", NULL, NULL},
    {"COMMAND ", "postscreen: no mail", NULL, NULL},
    {"BARE NEWLINE", "postscreen: no mail", NULL, NULL},
    {"NON-SMTP COMMAND", "postscreen: no mail", NULL, NULL},
    {"HANGUP ", "postscreen: no mail", NULL, NULL},
    {"PASS OLD", "postscreen: the session goes on in smtpd", NULL, NULL},
    {"PASS NEW", "postscreen: the session goes on in smtpd", NULL, NULL},
    {"DNSBL rank", "a list's opinion is never evidence", NULL, NULL},
    {"DENYLISTED", "a list's opinion is never evidence", NULL, NULL},
    {"BLACKLISTED", "a list's opinion is never evidence", NULL, NULL},
    {"ALLOWLISTED", "a list's opinion is never evidence", NULL, NULL},
    {"WHITELISTED", "a list's opinion is never evidence", NULL, NULL},
    {"WHITELIST VETO", "a list's opinion is never evidence", NULL, NULL},
    {"ALLOWLIST VETO", "a list's opinion is never evidence", NULL, NULL},
    {" listed by domain ", "a list's opinion is never evidence", NULL, NULL},
    {"relay=", "outgoing delivery: the host is not a client", NULL, NULL},
    {" said: ", "outgoing delivery: the host is not a client", NULL, NULL},
    {"connect to ", "outgoing delivery: the host is not a client", NULL, NULL},
    {"host ", "outgoing delivery: the host is not a client", NULL, NULL},
    {"enabling PIX workarounds", "outgoing delivery: the host is not a client", NULL, NULL},
    {"Untrusted TLS", "outgoing delivery: the host is not a client", NULL, NULL},
    {"statistics:", "of the anvil service: no mail", NULL, NULL},
    {"CONNECT from", "postscreen or smtpd: no mail yet", NULL, NULL},
    {"limit exceeded", "of the anvil service: no mail", NULL, NULL},
    {"rate limit", "of the anvil service: no mail", NULL, NULL},
    {"header ", "of cleanup, about a mail's text", NULL, NULL},
    {"non-SMTP command", "no mail", NULL, NULL},
    {"Illegal address syntax", "the client's other lines say who it is", NULL, NULL},
    {"milter", "of a filter's connection", NULL, NULL},
    {"uid=", "pickup: mail made on this machine", NULL, NULL},
    {"disconnect", "known by its start only where a session is open", NULL, NULL},
    {"expired", "outgoing delivery: the mail has been judged", NULL, NULL},
    {"bounce", "outgoing delivery: the mail has been judged", NULL, NULL},
    {"conversation with ", "outgoing delivery: the host is not a client", NULL, NULL},
    {"SSL_connect", "outgoing delivery: the host is not a client", NULL, NULL},
    {"warning: ", "a warning for the operator", NULL, NULL},
};

/* Single lines, by their number in the file. */
static const struct {
    unsigned line;
    const char *why;
} single[] = {
    {1, "the HELO's text was stripped from the sample"},
    {186, "of cleanup, on mail from local, which has no client"},
    {191, "the counters of a disconnect line without its head"},
    {267, "the sample has no client"},
    {268, "the sample has no client"},
    {272, "the column says reject, but filter is no reject: the mail goes on"},
    {291, "about the address verification cache, no mail"},
    {2184, "the column says reject, of a recipient's name: it was accepted"},
    {2187, "the column says reject, of a recipient's name: it was accepted"},
    {2191, "the column says reject, of a recipient's name: it was accepted"},
    {4526, "the column says reject, but filter is no reject: the mail goes on"},
    {4531, "256.256.256.256 is no address"},
    {4540, "names neither client nor sender; Postfix's own line of the reject does"},
};

struct found {
    bool client, helo, sender, reject, spf;
};

static struct found
parse(const char *program, const char *message)
{
    struct postfix_program known;
    struct postfix_event event;
    struct found found = {0};
    postfix_program((struct text){program, strlen(program)}, &known);
    postfix_parse(&known, (struct text){message, strlen(message)}, &event);
    if (event.kind == POSTFIX_OTHER)
        return found;
    found.client = event.client.has_ip;
    found.helo = event.helo.n > 0;
    found.sender = event.sender != OBS_SENDER_UNKNOWN;
    found.reject = event.reject;
    found.spf = event.kind == POSTFIX_SPF;
    return found;
}

/* Every field that the column names is there. */
static bool
complete(const char *fields, const struct found *found)
{
    const struct {
        const char *name;
        bool have;
    } table[] = {{"client", found->client}, {"helo", found->helo}, {"sender", found->sender},
        {"reject", found->reject}, {"spf", found->spf}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strstr(fields, table[i].name) != NULL && !table[i].have)
            return false;
    return true;
}

static bool
postfix_gives(const char *fields, const char *line)
{
    static const char *const programs[] = {"postfix/smtpd", "postfix/postscreen", "postfix/qmgr",
        "postfix/cleanup", "policyd-spf", "postfix/policy-spf"};
    struct logline head;
    if (logline_parse(line, strlen(line), NOW, 0, &head) == ERR_OK) {
        char program[128], text[8192];
        (void)snprintf(program, sizeof program, "%.*s", (int)head.program.n, head.program.p);
        (void)snprintf(text, sizeof text, "%.*s", (int)head.text.n, head.text.p);
        struct found found = parse(program, text);
        return complete(fields, &found);
    }
    /* The bare message: its program was not kept. */
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        struct found found = parse(programs[i], line);
        if (complete(fields, &found))
            return true;
    }
    return false;
}

/* What the address placeholders of Exim's test suite stand for. */
static void
fill_in(const char *line, char out[16384])
{
    static const struct {
        const char *name, *address;
    } placeholders[] = {{"ip6:ip6:ip6:ip6:ip6:ip6:ip6:ip6", "2001:db8::6"},
        {"ip4.ip4.ip4.ip4", "192.0.2.4"}, {"V4NET", "10"}, {"PORT_D", "25"}};
    size_t n = 0;

    while (*line != '\0' && n < 16000) {
        size_t i = 0, all = sizeof placeholders / sizeof *placeholders;
        while (i < all && strncmp(line, placeholders[i].name, strlen(placeholders[i].name)) != 0)
            i++;
        if (i == all) {
            out[n++] = *line++;
            continue;
        }
        line += strlen(placeholders[i].name);
        n += (size_t)snprintf(out + n, 16384 - n, "%s", placeholders[i].address);
    }
    out[n] = '\0';
}

static bool
event_gives(const char *fields, const struct log_event *event)
{
    const struct found found = {.client = event->client.has_ip,
        .helo = event->helo.n > 0,
        .sender = event->sender != OBS_SENDER_UNKNOWN,
        .reject = event->kind == LOG_EVENT_REJECT,
        .spf = event->spf != OBS_SPF_UNSEEN};
    return complete(fields, &found);
}

static bool
exim_gives(const char *fields, const char *line)
{
    static char filled[16384];
    struct logline head;
    struct log_event event;
    fill_in(line, filled);
    if (exim_head((struct text){filled, strlen(filled)}, NOW, 0, &head) < 0)
        return false;
    exim_parse(head.text, &event);
    return event_gives(fields, &event);
}

static bool
syslog_gives(const char *fields, const char *line, void (*read)(struct text, struct log_event *))
{
    struct logline head = {.text = {line, strlen(line)}};
    struct log_event event;
    /* Some are bare messages. */
    if (logline_parse(line, strlen(line), NOW, 0, &head) < 0)
        head.text = (struct text){line, strlen(line)};
    read(head.text, &event);
    return event_gives(fields, &event);
}

static bool
sendmail_gives(const char *fields, const char *line)
{
    return syslog_gives(fields, line, sendmail_parse);
}

static bool
opensmtpd_gives(const char *fields, const char *line)
{
    return syslog_gives(fields, line, opensmtpd_parse);
}

#define HERE     "made on this machine: no client"
#define OUTGOING "outgoing delivery: the host is not a client"
#define LOG_IN   "a failed log-in: no mail, and often a user's own mistake"

static const struct sort unused_exim[] = {
    {" U=", HERE, " H=", NULL},
    {" by non-SMTP ACL", HERE, " H=", NULL},
    {" from CALLER: ", HERE, " H=", NULL},
    {"no usable sender address", HERE, " H=", NULL},
    {" -> ", OUTGOING, " <= ", NULL},
    {" => ", OUTGOING, " <= ", NULL},
    {" >> ", OUTGOING, " <= ", NULL},
    {" *> ", OUTGOING, " <= ", NULL},
    {" == ", OUTGOING, " <= ", NULL},
    {" ** ", OUTGOING, " <= ", NULL},
    {"] Network Error", OUTGOING, " F=<", NULL},
    {" Connection refused", OUTGOING, " F=<", NULL},
    {"Netwk addr not available", OUTGOING, " F=<", NULL},
    {"SMTP error from remote mail server", OUTGOING, " F=<", NULL},
    {"SMTP timeout after", OUTGOING, " F=<", NULL},
    {"Malformed SMTP", OUTGOING, " F=<", NULL},
    {"Remote host closed", OUTGOING, " F=<", NULL},
    {"DANE error", OUTGOING, " F=<", NULL},
    {"TLS error on connection", OUTGOING, " F=<", NULL},
    {"TLS session", OUTGOING, " F=<", NULL},
    {"SSL verify error", OUTGOING, " F=<", NULL},
    {" authenticator failed H=", OUTGOING, " F=<", NULL},
    {" authenticator failed for ", LOG_IN, " F=<", NULL},
    {" Warning: ", "a warning of the operator's own rules: the mail goes on", " rejected ", NULL},
    {"SA: Action: ", "an add-on's, on a mail that has a line of its own", " H=", NULL},
    {"ignoring AUTH=", "the mail has a line of its own", " <= ", NULL},
    {"tmp-reject from cutthrough", OUTGOING, " <= ", NULL},
    {"SMTP call from ", "no mail", " H=", NULL},
    {"SMTP connection lost after final dot", "no mail", " <= ", NULL},
    {"rejected XCLIENT ", "a proxy's command: no mail", " F=<", NULL},
    {"SMTP protocol error in ", "no mail; the HELO holds a second client", "rejected", "helo"},
    {" rejected connection in ", "the name is DNS's: before HELO", " F=<", "helo"},
    {" P=smtp SPF S=", "the result is not named", " SPF=", "spf"},
    {"local_scan() function timed out", "names neither client nor sender", " H=", NULL},
};

static const struct sort unused_sendmail[] = {
    {"AUTH failure", LOG_IN, "ruleset=", NULL},
    {"ruleset=check_rcpt", "its argument is the recipient", " sender address ", "sender"},
};

#define SORTS(sorts) sorts, sizeof(sorts) / sizeof *(sorts)
static const struct family {
    const char *kinds; /* a blank before and after each */
    bool (*gives)(const char *fields, const char *line);
    const struct sort *unused;
    size_t unused_count;
    const char *always; /* a line with one of these has no excuse by its sort: separated by '|' */
} families[] = {
    {" postfix postfix-msg zimbra policyd-spf ", postfix_gives, SORTS(unused_postfix),
        "NOQUEUE: |client="},
    {" exim ", exim_gives, SORTS(unused_exim), ""},
    {" sendmail ", sendmail_gives, SORTS(unused_sendmail), ""},
    {" opensmtpd ", opensmtpd_gives, NULL, 0, ""},
};

/* Programs that are no source, and why. */
static const struct {
    const char *kinds, *why;
} not_read[] = {
    {" assp courier domino oracleims qmail ", "not a mail server whose logs are read"},
    {" mailscanner ", "its spam is often a list's opinion or the operator's own"},
    {" policyd-weight ", "a sum of lists' opinions"},
};

static bool
is_known_kind(const char *kind)
{
    for (size_t i = 0; i < sizeof not_read / sizeof *not_read; i++)
        if (strstr(not_read[i].kinds, kind) != NULL)
            return true;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (strstr(families[i].kinds, kind) != NULL)
            return true;
    return false;
}

static bool
holds_one(const char *line, const char *words)
{
    char word[64];
    for (size_t n; *words != '\0'; words += n + (words[n] == '|')) {
        n = strcspn(words, "|");
        (void)snprintf(word, sizeof word, "%.*s", (int)n, words);
        if (strstr(line, word) != NULL)
            return true;
    }
    return false;
}

/* The line gives all fields but one. */
static bool
gives_all_but(const struct family *family, const char *but, const char *fields, const char *line)
{
    char rest[256];
    (void)snprintf(rest, sizeof rest, "%s", fields);
    char *found = strstr(rest, but);
    if (found != NULL)
        memset(found, '-', strlen(but));
    return found != NULL && family->gives(rest, line);
}

static const char *
excuse(const struct family *family, unsigned number, const char *fields, const char *line)
{
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (single[i].line == number)
            return single[i].why;
    if (holds_one(line, family->always))
        return NULL;
    for (size_t i = 0; i < family->unused_count; i++) {
        const struct sort *sort = &family->unused[i];
        if (strstr(line, sort->in) != NULL &&
            (sort->lacks == NULL || strstr(line, sort->lacks) == NULL) &&
            (sort->but == NULL || gives_all_but(family, sort->but, fields, line)))
            return sort->why;
    }
    return NULL;
}

/* "origin licence mta split fields line", tabs between. */
static bool
split(char *row, char *field[6])
{
    unsigned n = 1;
    row[strcspn(row, "\n")] = '\0';
    field[0] = row;
    for (char *p = row; n < 6 && (p = strchr(p, '\t')) != NULL; n++) {
        *p++ = '\0';
        field[n] = p;
    }
    return n == 6;
}

static void
collected_lines(void **state)
{
    const char *path = getenv("LINES_TSV");
    FILE *file = fopen(path != NULL ? path : "../shared/data/mtalogs/lines.tsv", "re");
    enum { FAMILIES = sizeof families / sizeof *families };
    char row[16384], kind[64];
    unsigned number = 0, given[FAMILIES] = {0}, excused[FAMILIES] = {0}, failed = 0;
    (void)state;
    if (file == NULL) {
        print_message("the collected log lines are absent: not tried\n");
        return;
    }
    while (fgets(row, sizeof row, file) != NULL) {
        char *field[6];
        number++;
        if (!split(row, field))
            continue;
        (void)snprintf(kind, sizeof kind, " %s ", field[2]);
        if (!is_known_kind(kind))
            fail_msg("line %u: %s is neither read nor listed with a reason", number, field[2]);
        for (size_t i = 0; i < FAMILIES; i++) {
            /* Lines of other programs must not hurt, whatever comes out. */
            bool gives = families[i].gives(field[4], field[5]);
            if (strstr(families[i].kinds, kind) == NULL)
                continue;
            given[i] += gives;
            excused[i] += !gives && excuse(&families[i], number, field[4], field[5]) != NULL;
            if (!gives && excuse(&families[i], number, field[4], field[5]) == NULL) {
                failed++;
                print_message("line %u (%s): %s\n", number, field[4], field[5]);
            }
        }
    }
    (void)fclose(file);
    for (size_t i = 0; i < FAMILIES; i++) {
        print_message("%s: %u lines give their fields, %u are of a sort listed with its reason\n",
            families[i].kinds, given[i], excused[i]);
        assert_true(given[i] > 0);
    }
    assert_int_equal(failed, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(collected_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
