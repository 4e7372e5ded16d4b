/*
 * Collected Postfix and Zimbra log lines (LINES_TSV, or ../shared/data/mtalogs/lines.tsv, where it
 * is found): each gives the fields that its column names, or is of a sort listed here with the
 * reason why not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/logline.h"
#include "loader/src_postfix.h"

/* Messages that say nothing about a mail transaction at our border. */
static const struct {
    const char *in, *why;
} unused[] = {
    {"SASL ", "a failed log-in: no mail, and often a user's own mistake"},
    {"SSL_accept", "a failed TLS handshake: no mail"},
    {" TLS connection established", "the connection's other lines say who it is"},
    {"certificate verification", "TLS of outgoing mail"},
    {"setting up TLS", "the connection's other lines say who it is"},
    {"lost connection", "no mail"},
    {"timeout after", "no mail"},
    {"too many errors", "no mail"},
    {"improper command pipelining", "no mail"},
    {"COMMAND ", "postscreen: no mail"},
    {"BARE NEWLINE", "postscreen: no mail"},
    {"NON-SMTP COMMAND", "postscreen: no mail"},
    {"HANGUP ", "postscreen: no mail"},
    {"PASS OLD", "postscreen: the session goes on in smtpd"},
    {"PASS NEW", "postscreen: the session goes on in smtpd"},
    {"DNSBL rank", "a list's opinion is never evidence"},
    {"DENYLISTED", "a list's opinion is never evidence"},
    {"BLACKLISTED", "a list's opinion is never evidence"},
    {"ALLOWLISTED", "a list's opinion is never evidence"},
    {"WHITELISTED", "a list's opinion is never evidence"},
    {"WHITELIST VETO", "a list's opinion is never evidence"},
    {"ALLOWLIST VETO", "a list's opinion is never evidence"},
    {" listed by domain ", "a list's opinion is never evidence"},
    {"relay=", "outgoing delivery: the host is not a client"},
    {" said: ", "outgoing delivery: the host is not a client"},
    {"connect to ", "outgoing delivery: the host is not a client"},
    {"host ", "outgoing delivery: the host is not a client"},
    {"enabling PIX workarounds", "outgoing delivery: the host is not a client"},
    {"Untrusted TLS", "outgoing delivery: the host is not a client"},
    {"statistics:", "of the anvil service: no mail"},
    {"CONNECT from", "postscreen or smtpd: no mail yet"},
    {"limit exceeded", "of the anvil service: no mail"},
    {"rate limit", "of the anvil service: no mail"},
    {"header ", "of cleanup, about a mail's text"},
    {"non-SMTP command", "no mail"},
    {"Illegal address syntax", "the client's other lines say who it is"},
    {"milter", "of a filter's connection"},
    {"uid=", "pickup: mail made on this machine"},
    {"disconnect", "known by its start only where a session is open"},
    {"expired", "outgoing delivery: the mail has been judged"},
    {"bounce", "outgoing delivery: the mail has been judged"},
    {"conversation with ", "outgoing delivery: the host is not a client"},
    {"SSL_connect", "outgoing delivery: the host is not a client"},
    {"warning: ", "a warning for the operator"},
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
gives_its_fields(const char *fields, const char *line)
{
    static const char *const programs[] = {"postfix/smtpd", "postfix/postscreen", "postfix/qmgr",
        "postfix/cleanup", "policyd-spf", "postfix/policy-spf"};
    struct logline head;
    if (logline_parse(line, strlen(line), INT64_C(1795521600), 0, &head) == ERR_OK) {
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

static const char *
excuse(unsigned number, const char *line)
{
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (single[i].line == number)
            return single[i].why;
    /* Actions on a mail have no excuse. */
    if (strstr(line, "NOQUEUE: ") != NULL || strstr(line, "client=") != NULL)
        return NULL;
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++)
        if (strstr(line, unused[i].in) != NULL)
            return unused[i].why;
    return NULL;
}

static void
collected_lines(void **state)
{
    static const char *const kinds[] = {"postfix", "postfix-msg", "zimbra", "policyd-spf"};
    const char *path = getenv("LINES_TSV");
    FILE *file = fopen(path != NULL ? path : "../shared/data/mtalogs/lines.tsv", "re");
    char row[16384];
    unsigned number = 0, given = 0, excused = 0, failed = 0;
    (void)state;
    if (file == NULL) {
        print_message("the collected log lines are absent: not tried\n");
        return;
    }
    while (fgets(row, sizeof row, file) != NULL) {
        char *field[6] = {row}, *p = row;
        unsigned n = 1;
        number++;
        row[strcspn(row, "\n")] = '\0';
        while (n < 6 && (p = strchr(p, '\t')) != NULL) {
            *p++ = '\0';
            field[n++] = p;
        }
        bool ours = false;
        for (size_t i = 0; n == 6 && i < sizeof kinds / sizeof *kinds; i++)
            ours = ours || strcmp(field[2], kinds[i]) == 0;
        /* Lines of other programs must not hurt, whatever comes out. */
        bool gives = n == 6 && gives_its_fields(field[4], field[5]);
        if (!ours)
            continue;
        if (gives)
            given++;
        else if (excuse(number, field[5]) != NULL)
            excused++;
        else {
            failed++;
            print_message("line %u (%s): %s\n", number, field[4], field[5]);
        }
    }
    (void)fclose(file);
    print_message(
        "%u lines give their fields, %u are of a sort listed with its reason\n", given, excused);
    assert_int_equal(failed, 0);
    assert_true(given > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(collected_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
