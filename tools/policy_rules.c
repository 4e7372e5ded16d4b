/* The policy service's rules; see policy_rules.h. */
#include "tools/policy_rules.h"

#include <stdio.h>

#include "loader/helo.h"
#include "zones/confpolicy.h"

enum { ERRORS_A = 0x7fffff /* 127.255.255.0/24, without the last byte */, TEXT_MAX = 300 };

static bool
helo_name(const struct policy_request *request, struct dname *out)
{
    struct helo_form form;
    helo_classify(&request->helo, &form);
    *out = form.name;
    return request->knows_helo && form.kind == HELO_KIND_NAME;
}

static bool
reversed(const struct policy_request *request, struct dname *out)
{
    char text[IP_REVERSE_SIZE];
    size_t n = ip_reverse(&request->client, text);
    return request->has_client && dname_parse(text, n, out) == ERR_OK;
}

static bool
sender_name(const struct policy_request *request, struct dname *out)
{
    *out = request->sender_domain;
    return request->sender == OBS_SENDER_DOMAIN;
}

static bool
pair_name(const struct policy_request *request, struct dname *out)
{
    struct dname left, domain;
    bool named = request->sender == OBS_SENDER_NULL ? helo_name(request, &domain)
                                                    : sender_name(request, &domain);
    return named && reversed(request, &left) && dname_join(&left, &domain, out) == ERR_OK;
}

bool
policy_question(
    const struct policy_rule *rule, const struct policy_request *request, struct dname *out)
{
    static bool (*const makers[])(const struct policy_request *, struct dname *) = {
        [POLICY_ASK_CLIENT] = reversed,
        [POLICY_ASK_SENDER] = sender_name,
        [POLICY_ASK_HELO] = helo_name,
        [POLICY_ASK_PAIR] = pair_name,
    };
    struct dname left;
    return rule->zone != NULL && makers[rule->ask](request, &left) &&
           dname_join(&left, &rule->zone->apex, out) == ERR_OK;
}

bool
policy_check_finds(enum policy_check check, const struct policy_request *request)
{
    struct helo_form form;
    helo_classify(&request->helo, &form);
    if (!request->knows_helo)
        form.kind = HELO_KIND_ABSENT;
    const bool finds[] = {
        [POLICY_CHECK_HELO_ABSENT] = request->knows_helo && request->helo.len == 0,
        [POLICY_CHECK_HELO_INVALID] =
            form.kind == HELO_KIND_BARE_IP || form.kind == HELO_KIND_INVALID,
        [POLICY_CHECK_HELO_LITERAL] = form.kind == HELO_KIND_LITERAL && request->has_client &&
                                      ip_cmp(&form.ip, &request->client) != 0,
        [POLICY_CHECK_SENDER_LITERAL] = request->sender_literal,
        [POLICY_CHECK_SENDER_INVALID] =
            request->sender == OBS_SENDER_BAD && !request->sender_literal,
    };
    return finds[check];
}

bool
policy_rule_counts(const struct policy_rule *rule, uint32_t a)
{
    const struct ip ip = ip_from_v4(a);
    return a >> 8 != ERRORS_A && prefixes_contain(rule->codes, rule->code_count, &ip);
}

const struct policy_rule *
policy_strongest(const struct policy_service_conf *service, const struct policy_findings *findings)
{
    const struct policy_rule *found = NULL;
    enum policy_action most = POLICY_DUNNO;
    for (unsigned i = 0; i < service->rule_count; i++)
        if (findings->found[i] && service->rules[i].action > most) {
            found = &service->rules[i];
            most = found->action;
        }
    return found;
}

/* Bytes that a reply or a header must not have become '?'. */
static void
clean(const char *in, char out[TEXT_MAX])
{
    size_t n = 0;
    for (; in[n] != '\0' && n < TEXT_MAX - 1; n++)
        out[n] = in[n] >= ' ' && in[n] < 0x7f ? in[n] : '?';
    out[n] = '\0';
}

static size_t
put_refusal(const struct policy_rule *rule, const struct policy_request *request, const char *txt,
    char out[POLICY_REPLY_MAX])
{
    char text[TEXT_MAX], zone[DNAME_TEXT_SIZE], client[IP_TEXT_SIZE];
    const char *action = rule->action == POLICY_REJECT ? "REJECT" : "DEFER_IF_PERMIT";
    int n;
    clean(rule->zone == NULL ? policy_check_text(rule->check) : txt, text);
    if (rule->zone == NULL) {
        n = snprintf(out, POLICY_REPLY_MAX, "action=%s %s\n\n", action, text);
    } else {
        (void)dname_format(&rule->zone->apex, zone);
        ip_format(&request->client, client);
        n = snprintf(out, POLICY_REPLY_MAX, "action=%s blocked using %.253s%s%s (client %s)\n\n",
            action, zone, text[0] != '\0' ? "; " : "", text, client);
    }
    return (size_t)n;
}

/* "X-Repdns: pair.rep.example=127.0.2.4 helo-invalid" */
static size_t
put_header(const struct policy_service_conf *service, const struct policy_findings *findings,
    char out[POLICY_REPLY_MAX])
{
    char zone[DNAME_TEXT_SIZE];
    size_t n = (size_t)snprintf(out, POLICY_REPLY_MAX, "action=PREPEND X-Repdns:");
    for (unsigned i = 0; i < service->rule_count; i++) {
        const struct policy_rule *rule = &service->rules[i];
        size_t room = POLICY_REPLY_MAX - n - 2;
        char a[IP_TEXT_SIZE];
        const struct ip ip = ip_from_v4(findings->a[i]);
        int more = 0;
        if (!findings->found[i])
            continue;
        ip_format(&ip, a);
        if (rule->zone == NULL) {
            more = snprintf(out + n, room, " %s", policy_check_name(rule->check));
        } else {
            (void)dname_format(&rule->zone->apex, zone);
            more = snprintf(out + n, room, " %s=%s", zone, a);
        }
        if (more < 0 || (size_t)more >= room)
            break;
        n += (size_t)more;
    }
    return n + (size_t)snprintf(out + n, POLICY_REPLY_MAX - n, "\n\n");
}

size_t
policy_reply(const struct policy_service_conf *service, const struct policy_request *request,
    const struct policy_findings *findings, const struct policy_rule *rule, const char *txt,
    bool first, char out[POLICY_REPLY_MAX])
{
    enum policy_action action = rule == NULL ? POLICY_DUNNO : rule->action;
    if (action == POLICY_REJECT || action == POLICY_DEFER)
        return put_refusal(rule, request, txt, out);
    if (action == POLICY_PREPEND && service->header && first)
        return put_header(service, findings, out);
    return (size_t)snprintf(out, POLICY_REPLY_MAX, "action=DUNNO\n\n");
}
