/* helo.c: each kind by a table of texts, as sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "loader/helo.h"

struct form_case {
    const char *text;
    enum helo_kind kind;
    bool local;
    const char *subject; /* the name or address that comes out, NULL for none */
};

static const struct form_case forms[] = {
    {"", HELO_KIND_ABSENT, false, NULL},
    /* Names. */
    {"mail.example.com", HELO_KIND_NAME, false, "mail.example.com"},
    {"MAIL.Example.COM", HELO_KIND_NAME, false, "mail.example.com"},
    {"mail.example.com.", HELO_KIND_NAME, false, "mail.example.com"},
    {"a_b.example.com", HELO_KIND_NAME, false, "a_b.example.com"},
    {"xn--bcher-kva.example", HELO_KIND_NAME, false, "xn--bcher-kva.example"},
    {"192-0-2-1.dyn.example.net", HELO_KIND_NAME, false, "192-0-2-1.dyn.example.net"},
    {"1.2.3.4.example", HELO_KIND_NAME, false, "1.2.3.4.example"},
    {"mynotlocal.example", HELO_KIND_NAME, false, "mynotlocal.example"},
    {"local.example.com", HELO_KIND_NAME, false, "local.example.com"},
    /* Names for inside use. */
    {"localhost.localdomain", HELO_KIND_NAME, true, "localhost.localdomain"},
    {"mx.office.local", HELO_KIND_NAME, true, "mx.office.local"},
    {"pc.lan", HELO_KIND_NAME, true, "pc.lan"},
    {"pc.home.arpa", HELO_KIND_NAME, true, "pc.home.arpa"},
    {"home.example", HELO_KIND_NAME, false, "home.example"},
    {"exchange.corp", HELO_KIND_NAME, true, "exchange.corp"},
    {"db.internal.", HELO_KIND_NAME, true, "db.internal"},
    /* One label. */
    {"localhost", HELO_KIND_SINGLE, true, "localhost"},
    {"LOCALHOST", HELO_KIND_SINGLE, true, "localhost"},
    {"friend", HELO_KIND_SINGLE, false, "friend"},
    {"win-a1b2c3", HELO_KIND_SINGLE, false, "win-a1b2c3"},
    {"friend.", HELO_KIND_SINGLE, false, "friend"},
    /* Literals, RFC 5321 4.1.3. */
    {"[192.0.2.1]", HELO_KIND_LITERAL, false, "192.0.2.1"},
    {"[IPv6:2001:db8::1]", HELO_KIND_LITERAL, false, "2001:db8::1"},
    {"[IPV6:2001:DB8::1]", HELO_KIND_LITERAL, false, "2001:db8::1"},
    {"[2001:db8::1]", HELO_KIND_LITERAL, false, "2001:db8::1"},
    {"[IPv6:::ffff:192.0.2.1]", HELO_KIND_LITERAL, false, "192.0.2.1"},
    {"[IPv6:192.0.2.1]", HELO_KIND_INVALID, false, NULL},
    {"[IPv6:]", HELO_KIND_INVALID, false, NULL},
    {"[192.0.2.1", HELO_KIND_INVALID, false, NULL},
    {"192.0.2.1]", HELO_KIND_INVALID, false, NULL},
    {"[192.0.2.256]", HELO_KIND_INVALID, false, NULL},
    {"[192.0.2]", HELO_KIND_INVALID, false, NULL},
    {"[mail.example.com]", HELO_KIND_INVALID, false, NULL},
    {"[]", HELO_KIND_INVALID, false, NULL},
    {"[", HELO_KIND_INVALID, false, NULL},
    /* Addresses without brackets. */
    {"192.0.2.1", HELO_KIND_BARE_IP, false, "192.0.2.1"},
    {"2001:db8::1", HELO_KIND_BARE_IP, false, "2001:db8::1"},
    {"::ffff:192.0.2.1", HELO_KIND_BARE_IP, false, "192.0.2.1"},
    /* Neither. */
    {"192.0.2.1.", HELO_KIND_INVALID, false, NULL},
    {"192.0.2.256", HELO_KIND_INVALID, false, NULL},
    {"192.0.2", HELO_KIND_INVALID, false, NULL},
    {"12345", HELO_KIND_INVALID, false, NULL},
    {"mail.example.123", HELO_KIND_INVALID, false, NULL},
    {"mail..example.com", HELO_KIND_INVALID, false, NULL},
    {".example.com", HELO_KIND_INVALID, false, NULL},
    {"mail.example.com..", HELO_KIND_INVALID, false, NULL},
    {".", HELO_KIND_INVALID, false, NULL},
    {"-mail.example.com", HELO_KIND_INVALID, false, NULL},
    {"mail-.example.com", HELO_KIND_INVALID, false, NULL},
    {"my pc", HELO_KIND_INVALID, false, NULL},
    {" mail.example.com", HELO_KIND_INVALID, false, NULL},
    {"mail.example.com ", HELO_KIND_INVALID, false, NULL},
    {"user@example.com", HELO_KIND_INVALID, false, NULL},
    {"mail\\.example.com", HELO_KIND_INVALID, false, NULL},
    {"m\\097il.example.com", HELO_KIND_INVALID, false, NULL},
    {"m\xc3\xa4il.example.com", HELO_KIND_INVALID, false, NULL},
    {"<mail.example.com>", HELO_KIND_INVALID, false, NULL},
    {"mail.example.com:25", HELO_KIND_INVALID, false, NULL},
    {"*.example.com", HELO_KIND_INVALID, false, NULL},
};

static void
classify_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const struct form_case *c = &forms[i];
        struct helo helo;
        struct helo_form form;
        char subject[DNAME_TEXT_SIZE] = "";

        helo_set(&helo, c->text, strlen(c->text));
        helo_classify(&helo, &form);
        if (form.kind == HELO_KIND_NAME || form.kind == HELO_KIND_SINGLE)
            dname_format(&form.name, subject);
        if (form.kind == HELO_KIND_LITERAL || form.kind == HELO_KIND_BARE_IP)
            ip_format(&form.ip, subject);
        if (form.kind != c->kind || form.local != c->local)
            print_message("\"%s\": %s\n", c->text, helo_kind_text(form.kind));
        assert_int_equal(form.kind, c->kind);
        assert_int_equal(form.local, c->local);
        assert_string_equal(subject, c->subject == NULL ? "" : c->subject);
    }
}

static void
set_cleans_and_cuts(void **state)
{
    static const char raw[] = "AbC\0\t\r\n\x7f\x80\xff ~z";
    struct helo helo;
    struct helo_form form;
    char text[2 * HELO_MAX];

    (void)state;
    helo_set(&helo, raw, sizeof raw - 1);
    assert_int_equal(helo.len, 13);
    assert_memory_equal(helo.text, "abc??????? ~z", 13);
    helo_set(&helo, NULL, 0);
    assert_int_equal(helo.len, 0);
    memset(text, 'X', sizeof text);
    for (size_t n = HELO_MAX - 1; n <= HELO_MAX + 2U; n++) {
        helo_set(&helo, text, n);
        assert_int_equal(helo.len, n < HELO_MAX ? n : HELO_MAX);
        assert_int_equal(helo.text[helo.len - 1], 'x');
    }
    /* What was cut is never taken for a shorter, well-formed name. */
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 10 == 9 ? '.' : 'a';
    helo_set(&helo, text, sizeof text);
    helo_classify(&helo, &form);
    assert_int_equal(form.kind, HELO_KIND_INVALID);
    assert_int_equal(form.fault, HELO_FAULT_LENGTH);
}

static void
longest_name(void **state)
{
    char text[253];
    struct helo helo;
    struct helo_form form;

    (void)state;
    memset(text, 'a', sizeof text);
    text[63] = text[127] = text[191] = '.';
    helo_set(&helo, text, sizeof text);
    helo_classify(&helo, &form);
    assert_int_equal(form.kind, HELO_KIND_NAME);
    assert_int_equal(form.name.len, DNAME_MAX);
}

struct fault_case {
    const char *text;
    enum helo_fault fault;
};

static const struct fault_case faults[] = {
    {"mail.example.com", HELO_FAULT_NONE},
    {"localhost.localdomain", HELO_FAULT_NONE},
    {"[192.0.2.1]", HELO_FAULT_NONE},
    {"", HELO_FAULT_ABSENT},
    {"localhost", HELO_FAULT_SINGLE},
    {"my_pc", HELO_FAULT_SINGLE},
    {"my_pc.example.com", HELO_FAULT_UNDERSCORE},
    {"192.0.2.1", HELO_FAULT_BARE},
    {"2001:db8::1", HELO_FAULT_BARE},
    {"[192.0.2]", HELO_FAULT_LITERAL},
    {"[mail.example.com]", HELO_FAULT_LITERAL},
    {"192.0.2.256", HELO_FAULT_NUMERIC},
    {"mail.example.123", HELO_FAULT_NUMERIC},
    {"my pc.example.com", HELO_FAULT_CHARACTERS},
    {"<mail.example.com>", HELO_FAULT_CHARACTERS},
    {"m\xc3\xa4il.example.com", HELO_FAULT_CHARACTERS},
    {"mail\\.example.com", HELO_FAULT_CHARACTERS},
    {"mail..example.com", HELO_FAULT_LABELS},
    {".example.com", HELO_FAULT_LABELS},
    {"-mail.example.com", HELO_FAULT_LABELS},
    {".", HELO_FAULT_LABELS},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com",
        HELO_FAULT_LENGTH},
};

static void
fault_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct helo helo;
        struct helo_form form;

        helo_set(&helo, faults[i].text, strlen(faults[i].text));
        helo_classify(&helo, &form);
        if (form.fault != faults[i].fault)
            fail_msg("\"%s\": %s", faults[i].text, helo_fault_text(form.fault));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classify_table),
        cmocka_unit_test(fault_table),
        cmocka_unit_test(set_cleans_and_cuts),
        cmocka_unit_test(longest_name),
    };

    for (int kind = HELO_KIND_ABSENT; kind <= HELO_KIND_INVALID; kind++)
        if (helo_kind_text((enum helo_kind)kind) == NULL)
            return 1;
    return cmocka_run_group_tests_name("helo", tests, NULL, NULL);
}
