/*
 * Requests to the policy service: what comes of them is the same however they are cut, and every
 * reply is one line of action and an empty line.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/policy_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz policy: %s\n", what);
    abort();
}

/* Printable, "action=WORD...", and "\n\n" at the end alone. */
static void
check_reply(const char *reply, size_t n)
{
    must(n > 9 && n < POLICY_REPLY_MAX && memcmp(reply, "action=", 7) == 0, "no action");
    must(reply[n - 1] == '\n' && reply[n - 2] == '\n', "no empty line");
    for (size_t i = 0; i + 2 < n; i++)
        must(reply[i] >= ' ' && reply[i] <= '~', "a byte that no reply has");
}

static void
reply_to(const struct policy_request *request, const char *txt)
{
    static const struct zone_def zone = {.apex = {6, "\004test"}};
    struct policy_rule rules[POLICY_ASK_PAIR + 1 + POLICY_CHECK_COUNT] = {0};
    struct policy_service_conf service = {.header = true, .rules = rules};
    struct policy_findings findings = {0};
    for (unsigned i = 0; i <= POLICY_ASK_PAIR; i++) {
        struct dname name;
        rules[i] = (struct policy_rule){.zone = &zone, .ask = (enum policy_ask)i};
        findings.found[i] = policy_question(&rules[i], request, &name);
        must(!findings.found[i] || dname_under(&name, &zone.apex), "a name outside the zone");
    }
    for (unsigned i = 0; i < POLICY_CHECK_COUNT; i++) {
        rules[POLICY_ASK_PAIR + 1 + i] = (struct policy_rule){.check = (enum policy_check)i};
        findings.found[POLICY_ASK_PAIR + 1 + i] = policy_check_finds((enum policy_check)i, request);
    }
    service.rule_count = sizeof rules / sizeof *rules;
    for (unsigned action = POLICY_DUNNO; action <= POLICY_REJECT; action++) {
        char reply[POLICY_REPLY_MAX];
        for (unsigned i = 0; i < service.rule_count; i++)
            rules[i].action = (enum policy_action)action;
        size_t n = policy_reply(
            &service, request, &findings, policy_strongest(&service, &findings), txt, true, reply);
        check_reply(reply, n);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_request request, again;
    size_t used = 0, same = 0;
    char txt[256] = "";
    enum policy_parse whole = policy_request_parse(slice_of(data, size), &request, &used);
    if (whole == POLICY_PARSE_BAD)
        return 0;
    if (whole == POLICY_PARSE_MORE) {
        must(size < POLICY_REQUEST_MAX, "waits for more than there may be");
        return 0;
    }
    must(used > 0 && used <= size, "the length of a request");
    must(policy_request_parse(slice_of(data, used), &again, &same) == POLICY_PARSE_DONE &&
             same == used && memcmp(&request, &again, sizeof request) == 0,
        "the rest changes a request");
    must(policy_request_parse(slice_of(data, used - 1), &again, &same) == POLICY_PARSE_MORE,
        "a request without its end");
    /* What stands behind it is a zone's text. */
    memcpy(txt, data + used, size - used < sizeof txt ? size - used : sizeof txt - 1);
    reply_to(&request, txt);
    return 0;
}
