/*
 * Received headers: one value, and a whole block. What comes out must be fit to be kept: a client
 * that is public and none of ours, and names and texts without anything that could identify a user.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/src_maildir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static void
check_name(const struct dname *name)
{
    struct dname again;
    char text[DNAME_TEXT_SIZE];

    if (name->len == 0)
        return;
    must(dname_is_hostname(name));
    must(
        dname_parse(text, dname_format(name, text), &again) == ERR_OK && dname_equal(name, &again));
    must(strchr(text, '@') == NULL);
}

static void
check_hop(const struct received *hop)
{
    check_name(&hop->ptr);
    check_name(&hop->sender_domain);
    must(hop->ptr_seen != OBS_PTR_VERIFIED || hop->ptr.len > 0);
    must(hop->sender != OBS_SENDER_DOMAIN || hop->sender_domain.len > 0);
    must(!hop->local || (hop->helo.len == 0 && hop->ptr.len == 0));
    must(!hop->has_time || (hop->when_s > -86400 && hop->when_s < INT64_C(253402387200)));
    for (unsigned i = 0; i < hop->helo.len; i++)
        must(hop->helo.text[i] >= 32 && hop->helo.text[i] < 127);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct prefix own = {ip_from_v4(0xc0000200), 24}, relay = {ip_from_v4(0xc63364c8), 32};
    const struct conf conf = {.own_networks = &own,
        .own_network_count = 1,
        .trusted_relays = &relay,
        .trusted_relay_count = 1};
    struct mailstore_count count = {0};
    struct received hop;
    struct received_mail mail;
    bool found;
    enum obs_label label;
    const char *text = (const char *)data;

    if (received_parse(text, size, &hop) == ERR_OK)
        check_hop(&hop);
    must(mail_observe(text, size, &conf, OBS_SPAM, &count, &mail, &found) == ERR_OK);
    must(count.mails == 1 && count.inside + count.unreadable + found == 1);
    if (found) {
        must(!ip_is_special(&mail.observation.client));
        must(!prefix_contains(&own, &mail.observation.client));
        must(!prefix_contains(&relay, &mail.observation.client));
        check_name(&mail.observation.sender_domain);
        check_name(&mail.observation.ptr);
        check_name(&mail.from_domain);
    }
    (void)mail_folder_label(text, size, &label);
    return 0;
}
