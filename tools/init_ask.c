/* The questions of repdns init, their suggestions and checks; see init.h. */
#include <glob.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/init.h"
#include "tools/snippet.h"
#include "zones/confvalue.h"

/* Where distributions have the log, and whose it is. */
static const struct {
    const char *path; /* without the pattern for rotated files */
    enum log_format format;
} logs[] = {{"/var/log/zimbra.log", LOG_ZIMBRA}, {"/var/log/exim4/mainlog", LOG_EXIM},
    {"/var/log/exim/main.log", LOG_EXIM}, {"/var/log/mail.log", LOG_POSTFIX},
    {"/var/log/maillog", LOG_POSTFIX}};

/* A host name of at least two labels: fit for configurations and pages as it is. */
static enum err
take_name(const char *answer, struct dname *out, struct errmsg *msg)
{
    if (dname_parse(answer, strlen(answer), out) < 0 || !dname_is_hostname(out) ||
        dname_labels(out) < 2 || dname_last_label_numeric(out))
        return errmsg_set(
            msg, ERR_SYNTAX, "\"%s\" is no name of a domain; write it like example.org", answer);
    return ERR_OK;
}

/* libconfuse reads $, \ and " inside quotes. */
static enum err
take_text(const char *answer, char out[INIT_TEXT_SIZE], struct errmsg *msg)
{
    size_t n = strlen(answer);
    if (n >= INIT_TEXT_SIZE)
        return errmsg_set(msg, ERR_RANGE, "at most %d bytes, please", INIT_TEXT_SIZE - 1);
    for (size_t i = 0; i < n; i++)
        if (answer[i] <= ' ' || answer[i] > '~' || strchr("\"\\$", answer[i]) != NULL)
            return errmsg_set(msg, ERR_SYNTAX,
                "\"%s\": blanks, quotes, backslashes and dollar signs can't stand here", answer);
    memcpy(out, answer, n + 1);
    return ERR_OK;
}

static void
suggest_domain(const struct init *init, char out[INIT_TEXT_SIZE])
{
    (void)init;
    command_postconf("mydomain", out, INIT_TEXT_SIZE);
    if (strchr(out, '.') == NULL || strstr(out, "localdomain") != NULL)
        out[0] = '\0';
}

static enum err
take_domain(struct init *init, const char *answer, struct errmsg *msg)
{
    return take_name(answer, &init->domain, msg);
}

static void
suggest_base(const struct init *init, char out[INIT_TEXT_SIZE])
{
    char domain[DNAME_TEXT_SIZE];
    (void)dname_format(&init->domain, domain);
    (void)snprintf(out, INIT_TEXT_SIZE, "rep.%.250s", domain);
}

/* RFC 6762 3: names below .local are asked by multicast, so resolvers never ask a server for them.
 */
static enum err
take_base(struct init *init, const char *answer, struct errmsg *msg)
{
    static const struct dname local = {7, "\005local"};
    enum err err = take_name(answer, &init->base, msg);
    if (err < 0)
        return err;
    if (dname_under(&init->base, &local))
        return errmsg_set(msg, ERR_REFUSED,
            "\"%s\": names below .local are for multicast DNS and never reach a name server; take "
            "one below your domain, or below .internal",
            answer);
    if (dname_under(&init->domain, &init->base))
        return errmsg_set(msg, ERR_REFUSED,
            "\"%s\": the server would answer for your domain itself; take a name below it", answer);
    return ERR_OK;
}

static void
suggest_listen(const struct init *init, char out[INIT_TEXT_SIZE])
{
    (void)init;
    (void)strcpy(out, "127.0.0.1@5354");
}

static enum err
take_listen(struct init *init, const char *answer, struct errmsg *msg)
{
    if (confvalue_endpoint(answer, 53, &init->listen) == ERR_OK)
        return ERR_OK;
    return errmsg_set(msg, ERR_SYNTAX,
        "\"%s\" is no address; write 127.0.0.1@5354, or your public address to serve others",
        answer);
}

static void
suggest_log(const struct init *init, char out[INIT_TEXT_SIZE])
{
    (void)init;
    (void)strcpy(out, "none");
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++)
        if (access(logs[i].path, F_OK) == 0) {
            (void)snprintf(
                out, INIT_TEXT_SIZE, "%s:%s*", log_format_name(logs[i].format), logs[i].path);
            return;
        }
}

/* "none", "/var/log/mail.log*" or "exim:/var/log/exim4/mainlog*". */
static enum err
take_log(struct init *init, const char *answer, struct errmsg *msg)
{
    char format[INIT_TEXT_SIZE];
    size_t n = strcspn(answer, ":");
    init->log[0] = '\0';
    init->log_format = LOG_POSTFIX;
    if (strcmp(answer, "none") == 0)
        return ERR_OK;
    if (answer[n] == ':' && n < sizeof format) {
        memcpy(format, answer, n);
        format[n] = '\0';
        if (!log_format_find(format, &init->log_format))
            return errmsg_set(msg, ERR_SYNTAX, "\"%s\" is no format of a log; there are:%s", format,
                log_format_names);
        answer += n + 1;
    }
    if (*answer != '/')
        return errmsg_set(
            msg, ERR_SYNTAX, "\"%s\" is no whole path; write /var/log/mail.log* or none", answer);
    return take_text(answer, init->log, msg);
}

static void
suggest_contact(const struct init *init, char out[INIT_TEXT_SIZE])
{
    char domain[DNAME_TEXT_SIZE];
    (void)dname_format(&init->domain, domain);
    (void)snprintf(out, INIT_TEXT_SIZE, "postmaster@%.240s", domain);
}

static enum err
take_contact(struct init *init, const char *answer, struct errmsg *msg)
{
    struct dname mailbox;
    if (strchr(answer, '@') == NULL || confvalue_mailbox(answer, &mailbox) < 0)
        return errmsg_set(
            msg, ERR_SYNTAX, "\"%s\" is no mail address; write postmaster@example.org", answer);
    return take_text(answer, init->contact, msg);
}

const struct init_question init_questions[INIT_QUESTIONS] = {
    {"domain", "Your mail domain", suggest_domain, take_domain},
    {"base", "The name that the lists lie below", suggest_base, take_base},
    {"listen", "The address that answers queries", suggest_listen, take_listen},
    {"log", "The mail log, as format:path, or none", suggest_log, take_log},
    {"contact", "Mail address for who is listed", suggest_contact, take_contact},
};

void
init_from_postfix(struct init *init)
{
    /* Who may say for whom it hands on mail, or holds mail back for this server. */
    static const char *const relays[] = {"smtpd_authorized_xforward_hosts",
        "smtpd_authorized_xclient_hosts", "permit_mx_backup_networks"};
    char text[8192];
    command_postconf("mynetworks", text, sizeof text);
    init->own_count = ownnets_parse(text, init->own);
    for (size_t i = 0; i < sizeof relays / sizeof *relays; i++) {
        struct prefix found[OWNNETS_MAX];
        command_postconf(relays[i], text, sizeof text);
        unsigned count = ownnets_parse(text, found);
        for (unsigned k = 0; k < count && init->relay_count < OWNNETS_MAX; k++)
            if (!prefixes_contain(init->own, init->own_count, &found[k].addr))
                init->relays[init->relay_count++] = found[k];
    }
    command_postconf("myhostname", text, sizeof text);
    struct errmsg ignored;
    if (take_name(text, &init->host, &ignored) < 0)
        init->host = (struct dname){0};
}
