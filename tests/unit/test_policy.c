/* The policy service: what it reads, what it asks, what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include "tools/policy_session.h"
#include "zones/confpolicy.h"

#define HEAD "request=smtpd_access_policy\n"
#define FROM "client_address=203.0.113.7\nhelo_name=Mail.ISP.example\nsender=a@Good.example\n"

static struct policy_request
parse(const char *text)
{
    struct policy_request request;
    size_t used = 0;
    assert_int_equal(
        policy_request_parse(slice_of(text, strlen(text)), &request, &used), POLICY_PARSE_DONE);
    assert_int_equal(used, strlen(text));
    return request;
}

static void
requests_may_come_in_pieces(void **state)
{
    static const char text[] = HEAD FROM "color=blue\nsize=\ninstance=1f.2\n\nrequest=next";
    const size_t end = sizeof text - 1 - strlen("request=next");
    (void)state;
    for (size_t n = 0; n < sizeof text; n++) {
        struct policy_request request;
        size_t used = 0;
        enum policy_parse parsed = policy_request_parse(slice_of(text, n), &request, &used);
        assert_int_equal(parsed, n < end ? POLICY_PARSE_MORE : POLICY_PARSE_DONE);
        if (parsed != POLICY_PARSE_DONE)
            continue;
        assert_int_equal(used, end);
        assert_true(request.is_access && request.has_client && !request.authenticated);
        assert_string_equal(request.instance, "1f.2");
        assert_int_equal(request.helo.len, strlen("mail.isp.example"));
        assert_memory_equal(request.helo.text, "mail.isp.example", request.helo.len);
    }
}

static void
what_is_no_request_is_known(void **state)
{
    static const char *const bad[] = {"GET / HTTP/1.1\n", "a=b\nno equals sign\n\n", "\r\n"};
    static char longest[POLICY_REQUEST_MAX + 1] = "sender=";
    struct policy_request request;
    size_t used;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(policy_request_parse(slice_of(bad[i], strlen(bad[i])), &request, &used),
            POLICY_PARSE_BAD);
    memset(longest + 7, 'a', sizeof longest - 8);
    assert_int_equal(
        policy_request_parse(slice_of(longest, POLICY_REQUEST_MAX - 1), &request, &used),
        POLICY_PARSE_MORE);
    assert_int_equal(policy_request_parse(slice_of(longest, POLICY_REQUEST_MAX), &request, &used),
        POLICY_PARSE_BAD);
    /* Whole or not makes no difference. */
    memcpy(longest + POLICY_REQUEST_MAX - 2, "\n\n", 2);
    assert_int_equal(policy_request_parse(slice_of(longest, POLICY_REQUEST_MAX), &request, &used),
        POLICY_PARSE_DONE);
    memcpy(longest + POLICY_REQUEST_MAX - 2, "a\n\n", 3);
    assert_int_equal(
        policy_request_parse(slice_of(longest, POLICY_REQUEST_MAX + 1), &request, &used),
        POLICY_PARSE_BAD);
    /* An instance that is too long is none: no other message is taken for it. */
    char text[200];
    (void)snprintf(text, sizeof text, HEAD "instance=%080d\n\n", 1);
    assert_string_equal(parse(text).instance, "");
    assert_false(parse("request=junk\n\n").is_access);
    assert_false(parse(HEAD "client_address=unknown\n\n").has_client);
    assert_true(parse(HEAD "sasl_username=anna\n\n").authenticated);
}

static void
commands_know_so_much(void **state)
{
    static const struct {
        const char *state;
        bool helo, sender, header;
    } cases[] = {{"CONNECT", false, false, false}, {"HELO", true, false, false},
        {"EHLO", true, false, false}, {"VRFY", true, false, false}, {"ETRN", true, false, false},
        {"MAIL", true, true, false}, {"RCPT", true, true, true}, {"DATA", true, true, true},
        {"END-OF-MESSAGE", true, true, false}, {"", true, true, true}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        (void)snprintf(
            text, sizeof text, HEAD "sender=\nprotocol_state=%s\nhelo_name=\n\n", cases[i].state);
        struct policy_request request = parse(text);
        assert_int_equal(policy_check_finds(POLICY_CHECK_HELO_ABSENT, &request), cases[i].helo);
        assert_int_equal(request.sender, cases[i].sender ? OBS_SENDER_NULL : OBS_SENDER_UNKNOWN);
        assert_int_equal(request.takes_header, cases[i].header);
    }
    struct policy_request request =
        parse(HEAD "protocol_state=CONNECT\nhelo_name=1.2.3.4\nsender=a@[192.0.2.1]\n\n");
    for (unsigned i = 0; i < POLICY_CHECK_COUNT; i++)
        assert_false(policy_check_finds((enum policy_check)i, &request));
}

static struct zone_def
zone_of(const char *apex)
{
    struct zone_def zone = {.ttl_s = 1};
    assert_int_equal(dname_parse(apex, strlen(apex), &zone.apex), ERR_OK);
    return zone;
}

#define LABEL60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NINE_V6 "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"

static void
rules_ask_names(void **state)
{
    static const struct {
        const char *request;
        enum policy_ask ask;
        const char *name; /* NULL: nothing to ask */
    } cases[] = {
        {FROM, POLICY_ASK_CLIENT, "7.113.0.203.z.test"},
        {FROM, POLICY_ASK_SENDER, "good.example.z.test"},
        {FROM, POLICY_ASK_HELO, "mail.isp.example.z.test"},
        {FROM, POLICY_ASK_PAIR, "7.113.0.203.good.example.z.test"},
        {"client_address=2001:db8::9\n", POLICY_ASK_CLIENT, NINE_V6 ".z.test"},
        {"client_address=::ffff:203.0.113.7\n", POLICY_ASK_CLIENT, "7.113.0.203.z.test"},
        {"client_address=2001:db8::9\nsender=\nhelo_name=mx.bank.example\n", POLICY_ASK_PAIR,
            NINE_V6 ".mx.bank.example.z.test"},
        {"client_address=203.0.113.7\nsender=\nhelo_name=[203.0.113.7]\n", POLICY_ASK_PAIR, NULL},
        {"client_address=203.0.113.7\nsender=\nhelo_name=localhost\n", POLICY_ASK_HELO, NULL},
        {"client_address=203.0.113.7\nhelo_name=mx.bank.example\n", POLICY_ASK_PAIR, NULL},
        {"sender=\n", POLICY_ASK_SENDER, NULL},
        {"sender=\"a@b\"@c.example\n", POLICY_ASK_SENDER, "c.example.z.test"},
        {"sender=a@[203.0.113.7]\n", POLICY_ASK_SENDER, NULL},
        {"sender=root\n", POLICY_ASK_SENDER, NULL},
        {"sender=a@b\xc3\xbc"
         "cher.example\n",
            POLICY_ASK_SENDER, "xn--bcher-kva.example.z.test"},
        {"sender=a@\xff\xfe.example\n", POLICY_ASK_SENDER, NULL},
        {"client_address=2001:db8::9\nsender=a@" LABEL60 "." LABEL60 "." LABEL60 ".example\n",
            POLICY_ASK_SENDER, LABEL60 "." LABEL60 "." LABEL60 ".example.z.test"},
        {"client_address=2001:db8::9\nsender=a@" LABEL60 "." LABEL60 "." LABEL60 ".example\n",
            POLICY_ASK_PAIR, NULL},
    };
    const struct zone_def zone = zone_of("z.test");
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct policy_rule rule = {.zone = &zone, .ask = cases[i].ask};
        char text[600], name[DNAME_TEXT_SIZE];
        struct dname got;
        (void)snprintf(text, sizeof text, HEAD "%s\n", cases[i].request);
        struct policy_request request = parse(text);
        if (!policy_question(&rule, &request, &got)) {
            assert_null(cases[i].name);
            continue;
        }
        (void)dname_format(&got, name);
        assert_non_null(cases[i].name);
        assert_string_equal(name, cases[i].name);
    }
}

static void
checks_find(void **state)
{
    static const struct {
        const char *request;
        int check; /* the one that finds something; -1: none */
    } cases[] = {
        {FROM, -1},
        {"client_address=203.0.113.7\nsender=\nhelo_name=[203.0.113.7]\n", -1},
        {"client_address=2001:db8::9\nsender=\nhelo_name=[IPv6:2001:DB8::9]\n", -1},
        {"client_address=203.0.113.7\nsender=\nhelo_name=localhost\n", -1},
        {"sender=\nhelo_name=\n", POLICY_CHECK_HELO_ABSENT},
        {"sender=\nhelo_name=203.0.113.7\n", POLICY_CHECK_HELO_INVALID},
        {"sender=\nhelo_name=a b\n", POLICY_CHECK_HELO_INVALID},
        {"client_address=203.0.113.7\nsender=\nhelo_name=[203.0.113.8]\n",
            POLICY_CHECK_HELO_LITERAL},
        {"helo_name=a.example\nsender=a@[203.0.113.7]\n", POLICY_CHECK_SENDER_LITERAL},
        {"helo_name=a.example\nsender=root\n", POLICY_CHECK_SENDER_INVALID},
        {"helo_name=a.example\nsender=a@b..example\n", POLICY_CHECK_SENDER_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        (void)snprintf(text, sizeof text, HEAD "%s\n", cases[i].request);
        struct policy_request request = parse(text);
        for (int check = 0; check < POLICY_CHECK_COUNT; check++)
            assert_int_equal(
                policy_check_finds((enum policy_check)check, &request), check == cases[i].check);
    }
}

static void
codes_count(void **state)
{
    static const struct {
        uint32_t a;
        bool wide, narrow;
    } cases[] = {{0x7f000002, true, true}, {0x7f000003, true, false}, {0x7f00ffff, true, false},
        {0x7f010002, false, false}, {0x7fffff02, false, false}, {0xcb007107, false, false}};
    const struct ip loopback = ip_from_v4(0x7f000000), two = ip_from_v4(0x7f000002),
                    all = ip_from_v4(0);
    struct prefix wide = prefix_of(&loopback, 16), narrow = prefix_of(&two, 32),
                  whole = prefix_of(&all, 0);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy_rule rule = {.code_count = 1, .codes = &wide};
        assert_int_equal(policy_rule_counts(&rule, cases[i].a), cases[i].wide);
        rule.codes = &narrow;
        assert_int_equal(policy_rule_counts(&rule, cases[i].a), cases[i].narrow);
        /* Errors of a list are no listings, whatever a rule says. */
        rule.codes = &whole;
        assert_int_equal(policy_rule_counts(&rule, cases[i].a), cases[i].a >> 8 != 0x7fffff);
    }
}

static void
the_strongest_action_wins(void **state)
{
    struct policy_rule rules[] = {{.action = POLICY_PREPEND}, {.action = POLICY_DEFER},
        {.action = POLICY_REJECT}, {.action = POLICY_REJECT}, {.action = POLICY_DUNNO}};
    struct policy_service_conf service = {.rule_count = 5, .rules = rules};
    static const struct {
        bool found[5];
        int rule;
    } cases[] = {{{false}, -1}, {{[4] = true}, -1}, {{[0] = true, [4] = true}, 0},
        {{[0] = true, [1] = true}, 1}, {{true, true, true, true, true}, 2}, {{[3] = true}, 3}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy_findings findings = {0};
        memcpy(findings.found, cases[i].found, sizeof cases[i].found);
        const struct policy_rule *rule = policy_strongest(&service, &findings);
        assert_int_equal(rule == NULL ? -1 : rule - rules, cases[i].rule);
    }
}

static void
texts_cannot_break_out(void **state)
{
    const struct zone_def zone = zone_of("ip.rep.example");
    struct policy_rule rules[] = {{.zone = &zone, .action = POLICY_REJECT},
        {.check = POLICY_CHECK_HELO_INVALID, .action = POLICY_PREPEND}};
    struct policy_service_conf service = {.header = true, .rule_count = 2, .rules = rules};
    struct policy_findings findings = {.found = {true, true}, .a = {0x7f000002}};
    const struct policy_request request = parse(HEAD FROM "\n");
    char reply[POLICY_REPLY_MAX];
    (void)state;
    size_t n = policy_reply(
        &service, &request, &findings, &rules[0], "bad\r\n\naction=OK\x07\xff", true, reply);
    assert_string_equal(reply, "action=REJECT blocked using ip.rep.example; bad???action=OK?? "
                               "(client 203.0.113.7)\n\n");
    assert_int_equal(n, strlen(reply));
    rules[0].action = POLICY_DEFER;
    (void)policy_reply(&service, &request, &findings, &rules[0], "", true, reply);
    assert_string_equal(
        reply, "action=DEFER_IF_PERMIT blocked using ip.rep.example (client 203.0.113.7)\n\n");
    (void)policy_reply(&service, &request, &findings, &rules[1], "", true, reply);
    assert_string_equal(
        reply, "action=PREPEND X-Repdns: ip.rep.example=127.0.0.2 helo-invalid\n\n");
    (void)policy_reply(&service, &request, &findings, &rules[1], "", false, reply);
    assert_string_equal(reply, "action=DUNNO\n\n");
    service.header = false;
    (void)policy_reply(&service, &request, &findings, &rules[1], "", true, reply);
    assert_string_equal(reply, "action=DUNNO\n\n");
}

/* A service of its own, and the client's end of a connection to it. */
struct served {
    struct conf conf;
    struct zone_def zone;
    struct prefix own, relay;
    struct policy_rule rule;
    struct policy_service service;
    int fd;
};

static int
setup(void **state)
{
    struct served *s = calloc(1, sizeof *s);
    int pair[2];
    assert_non_null(s);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    s->rule = (struct policy_rule){.check = POLICY_CHECK_HELO_INVALID, .action = POLICY_PREPEND};
    s->conf.policy_service =
        (struct policy_service_conf){.header = true, .rule_count = 1, .rules = &s->rule};
    s->service.conf = &s->conf;
    s->service.idle_s = 60;
    s->service.loop = ev_loop_new(EVFLAG_AUTO);
    s->fd = pair[0];
    assert_true(policy_session_begin(&s->service, pair[1], pair[1]));
    *state = s;
    return 0;
}

static int
teardown(void **state)
{
    struct served *s = *state;
    (void)close(s->fd);
    for (unsigned i = 0; s->service.open > 0 && i < 100; i++)
        ev_run(s->service.loop, EVRUN_ONCE);
    assert_int_equal(s->service.open, 0);
    policy_dns_close(&s->service.dns);
    ev_loop_destroy(s->service.loop);
    free(s);
    return 0;
}

static void
put(struct served *s, const char *text)
{
    assert_int_equal(write(s->fd, text, strlen(text)), (ssize_t)strlen(text));
    for (unsigned i = 0; i < 5; i++)
        ev_run(s->service.loop, EVRUN_NOWAIT);
}

static void
expect(struct served *s, const char *reply)
{
    char got[2000];
    ssize_t n = read(s->fd, got, sizeof got - 1);
    got[n < 0 ? 0 : n] = '\0';
    assert_string_equal(got, reply);
}

#define BAD_HELO "client_address=203.0.113.7\nsender=\nhelo_name=192.0.2.7\n"
#define HEADER   "action=PREPEND X-Repdns: helo-invalid\n\n"
#define DUNNO    "action=DUNNO\n\n"

static void
a_message_has_its_header_once(void **state)
{
    struct served *s = *state;
    put(s, HEAD BAD_HELO "instance=1.1\nrecipient=a@test.example\n\n");
    expect(s, HEADER);
    put(s, HEAD BAD_HELO "instance=1.1\nrecipient=b@test.example\n\n");
    expect(s, DUNNO);
    put(s, HEAD BAD_HELO "instance=1.2\n\n");
    expect(s, HEADER);
    put(s, HEAD BAD_HELO "instance=1.3\nprotocol_state=END-OF-MESSAGE\n\n");
    expect(s, DUNNO);
    assert_int_equal(s->service.counts[POLICY_PREPENDED], 2);
    assert_int_equal(s->service.counts[POLICY_PASSED], 2);
}

static void
some_are_not_judged(void **state)
{
    static const char *const whose[] = {"client_address=198.51.100.9\n", /* own */
        "client_address=198.51.100.129\n",                               /* a relay */
        "client_address=127.0.0.1\n", "client_address=203.0.113.7\nsasl_username=anna\n",
        "client_address=unknown\n"};
    const struct ip own = ip_from_v4(0xc6336400), relay = ip_from_v4(0xc6336480);
    struct served *s = *state;
    s->own = prefix_of(&own, 25);
    s->relay = prefix_of(&relay, 25);
    s->conf.own_network_count = s->conf.trusted_relay_count = 1;
    s->conf.own_networks = &s->own;
    s->conf.trusted_relays = &s->relay;
    for (size_t i = 0; i < sizeof whose / sizeof *whose; i++) {
        char text[300];
        (void)snprintf(text, sizeof text, HEAD "sender=\nhelo_name=192.0.2.7\n%s\n", whose[i]);
        put(s, text);
        expect(s, DUNNO);
        assert_int_equal(s->service.counts[POLICY_EXEMPT], i + 1);
    }
}

static void
requests_in_a_row_have_replies_in_a_row(void **state)
{
    struct served *s = *state;
    put(s, HEAD BAD_HELO "\n" HEAD FROM "\n" HEAD "client_addr");
    expect(s, HEADER DUNNO);
    put(s, "ess=203.0.113.7\nhelo_name=192.0.2.7\n");
    put(s, "\n");
    expect(s, HEADER);
    put(s, "EHLO there\n");
    assert_int_equal(read(s->fd, &(char){0}, 1), 0);
    assert_int_equal(s->service.counts[POLICY_MALFORMED], 1);
}

/* Half a request is none: whoever sends a byte now and then goes too. */
static void
idle_connections_end(void **state)
{
    struct served *s = *state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    s->service.idle_s = 0.2;
    assert_true(policy_session_begin(&s->service, pair[1], pair[1]));
    assert_int_equal(write(pair[0], HEAD, strlen(HEAD)), strlen(HEAD));
    while (s->service.open > 1)
        ev_run(s->service.loop, EVRUN_ONCE);
    assert_int_equal(read(pair[0], &(char){0}, 1), 0);
    (void)close(pair[0]);
    assert_int_equal(s->service.counts[POLICY_IDLE], 1);
}

/* A resolver that keeps silent: the mail passes, and it is counted. */
static void
without_a_resolver_mail_passes(void **state)
{
    struct served *s = *state;
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct resolve_peer peer = {.len = sizeof in4};
    struct errmsg msg;
    char got[100];
    int silent = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t n = sizeof in4;
    assert_int_equal(bind(silent, (struct sockaddr *)&in4, sizeof in4), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&in4, &n), 0);
    memcpy(&peer.addr, &in4, sizeof in4);
    s->zone = zone_of("ip.rep.example");
    s->rule = (struct policy_rule){.zone = &s->zone, .action = POLICY_REJECT};
    assert_int_equal(policy_dns_open(s->service.loop, &peer, 1, &s->service.dns, &msg), ERR_OK);
    put(s, HEAD FROM "\n" HEAD FROM "\n");
    expect(s, "");
    while (s->service.counts[POLICY_REQUESTS] < 1)
        ev_run(s->service.loop, EVRUN_ONCE);
    expect(s, DUNNO);
    assert_int_equal(s->service.counts[POLICY_UNANSWERED], 1);
    /* It was asked twice, with the same id; then the next request is asked for. */
    assert_true(recv(silent, got, sizeof got, 0) > 12);
    char id[2] = {got[0], got[1]};
    assert_true(recv(silent, got, sizeof got, 0) > 12);
    assert_memory_equal(got, id, 2);
    (void)close(silent);
}

int
main(void)
{
    /* As the service does: a client may be gone when its reply comes. */
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_may_come_in_pieces),
        cmocka_unit_test(what_is_no_request_is_known),
        cmocka_unit_test(commands_know_so_much),
        cmocka_unit_test(rules_ask_names),
        cmocka_unit_test(checks_find),
        cmocka_unit_test(codes_count),
        cmocka_unit_test(the_strongest_action_wins),
        cmocka_unit_test(texts_cannot_break_out),
        cmocka_unit_test_setup_teardown(a_message_has_its_header_once, setup, teardown),
        cmocka_unit_test_setup_teardown(some_are_not_judged, setup, teardown),
        cmocka_unit_test_setup_teardown(requests_in_a_row_have_replies_in_a_row, setup, teardown),
        cmocka_unit_test_setup_teardown(idle_connections_end, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_resolver_mail_passes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
