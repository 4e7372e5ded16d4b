/* Server cookies: the examples of RFC 9018, what is taken and for how long, and files of secrets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/cookie.h"

#define SECRET     "e5e973e5a6b2a43f48e7dc849e37bfcf"
#define DIGITS_64  "0123456789012345678901234567890123456789012345678901234567890123"
#define SECRET_OLD "dd3bdf9344b678b185a6f5cb60fca715"
#define SECRET_NEW "445536bcd2513298075a5d379663c962"

static size_t
bytes_of(const char *hex, uint8_t *out)
{
    size_t n = 0;
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        out[n++] = (uint8_t)byte;
    return n;
}

static enum err
secrets_of(const char *text, struct cookie_secrets *out, struct errmsg *msg)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    enum err err = cookie_parse(file, "f", out, msg);
    (void)fclose(file);
    return err;
}

struct asked {
    struct query query;
    uint8_t options[128];
};

/* A query with this cookie, and what comes of it. */
static enum rcode
ask(struct asked *asked, const char *secrets, const char *client, int64_t now_s, const char *hex)
{
    struct cookie_secrets made;
    struct errmsg msg;
    struct ip ip;
    assert_int_equal(secrets_of(secrets, &made, &msg), ERR_OK);
    assert_int_equal(ip_parse(client, strlen(client), &ip), ERR_OK);
    size_t n = bytes_of(hex, asked->options + 4);
    asked->options[0] = asked->options[2] = 0;
    asked->options[1] = 10;
    asked->options[3] = (uint8_t)n;
    asked->query.options = slice_of(asked->options, n + 4);
    asked->query.cookie.state = COOKIE_NONE;
    return cookie_take(&made, &ip, now_s, &asked->query);
}

static void
cases(void **state)
{
    static const char *const v6 = "2001:db8:220:1:59de:d0f4:8769:82b8";
    static const struct {
        const char *what, *secrets, *client;
        int64_t now_s;
        const char *cookie;
        enum cookie_state state;
        const char *returned; /* NULL: another one */
    } cases[] = {
        {"RFC 9018 A.1", SECRET, "198.51.100.100", 1559731985, "2464c4abcf10c957", COOKIE_CLIENT,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480"},
        {"A.2, renewed after 40 minutes", SECRET, "198.51.100.100", 1559734385,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480", COOKIE_GOOD,
            "2464c4abcf10c957010000005cf7a871d4a564a1442aca77"},
        {"A.3, too old, with reserved bytes", SECRET, "203.0.113.203", 1559734700,
            "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", COOKIE_BAD,
            "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"},
        {"the same when it was new: the hash is of the reserved bytes as they came", SECRET,
            "203.0.113.203", 1559728000, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
            COOKIE_GOOD, NULL},
        {"A.4, IPv6 and a new secret", SECRET_NEW "\n" SECRET_OLD, v6, 1559741961,
            "22681ab97d52c298010000005cf7c57926556bd0934c72f8", COOKIE_GOOD,
            "22681ab97d52c298010000005cf7c609a6bb79d16625507a"},
        {"its old secret dropped", SECRET_NEW, v6, 1559741961,
            "22681ab97d52c298010000005cf7c57926556bd0934c72f8", COOKIE_BAD,
            "22681ab97d52c298010000005cf7c609a6bb79d16625507a"},
        {"young: the same comes back", SECRET, "198.51.100.100", 1559731985 + 1799,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480", COOKIE_GOOD,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480"},
        {"half its time", SECRET, "198.51.100.100", 1559731985 + 1800,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480", COOKIE_GOOD, NULL},
        {"its last second", SECRET, "198.51.100.100", 1559731985 + 3600,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480", COOKIE_GOOD, NULL},
        {"one more", SECRET, "198.51.100.100", 1559731985 + 3601,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480", COOKIE_BAD, NULL},
        {"5 minutes in the future", SECRET, "198.51.100.100", 1559731985 - 300,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480", COOKIE_GOOD, NULL},
        {"one second more", SECRET, "198.51.100.100", 1559731985 - 301,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480", COOKIE_BAD, NULL},
        {"another client", SECRET, "198.51.100.101", 1559731985,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480", COOKIE_BAD, NULL},
        {"another client cookie", SECRET, "198.51.100.100", 1559731985,
            "2464c4abcf10c958010000005cf79f111f8130c3eee29480", COOKIE_BAD, NULL},
        {"another version", SECRET, "198.51.100.100", 1559731985,
            "2464c4abcf10c957020000005cf79f111f8130c3eee29480", COOKIE_BAD, NULL},
        {"a server cookie of 8 bytes", SECRET, "198.51.100.100", 1559731985,
            "2464c4abcf10c957010000005cf79f11", COOKIE_BAD, NULL},
        {"of 32 bytes", SECRET, "198.51.100.100", 1559731985,
            "2464c4abcf10c957010000005cf79f111f8130c3eee29480000102030405060708090a0b0c0d0e0f",
            COOKIE_BAD, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct asked asked;
        uint8_t wanted[64];
        enum rcode rcode =
            ask(&asked, cases[i].secrets, cases[i].client, cases[i].now_s, cases[i].cookie);
        if (rcode != RCODE_NOERROR || asked.query.cookie.state != cases[i].state)
            fail_msg(
                "%s: rcode %d, state %d", cases[i].what, (int)rcode, (int)asked.query.cookie.state);
        (void)bytes_of(cases[i].returned != NULL ? cases[i].returned : cases[i].cookie, wanted);
        if (cases[i].returned != NULL)
            assert_memory_equal(asked.query.cookie.bytes, wanted, COOKIE_SIZE);
        else
            assert_memory_equal(asked.query.cookie.bytes, wanted, 8); /* the client's part */
    }
}

/* RFC 7873 5.2.2: each length, and options that are cut off. */
static void
malformed(void **state)
{
    char hex[2 * 64 + 1];
    (void)state;
    memset(hex, '1', sizeof hex - 1);
    for (size_t n = 0; n <= 64; n++) {
        struct asked asked;
        hex[2 * n] = '\0';
        bool good = n == 8 || (n >= 16 && n <= 40);
        enum rcode rcode = ask(&asked, SECRET, "192.0.2.1", 1559731985, hex);
        assert_int_equal(rcode, good ? RCODE_NOERROR : RCODE_FORMERR);
        hex[2 * n] = '1';
        for (size_t cut = 1; good && cut < n + 4; cut++) {
            const struct cookie_secrets secrets = {.count = 1};
            const struct ip client = ip_from_v4(0xc0000201);
            asked.query.options.n = cut;
            asked.query.cookie.state = COOKIE_NONE;
            assert_int_equal(
                cookie_take(&secrets, &client, 1559731985, &asked.query), RCODE_FORMERR);
        }
    }
}

/* Across 2^32 seconds, by serial arithmetic. */
static void
far_future(void **state)
{
    struct asked first, second;
    char hex[2 * COOKIE_SIZE + 1];
    (void)state;
    assert_int_equal(ask(&first, SECRET, "192.0.2.1", INT64_C(0xffffff00), "0102030405060708"), 0);
    for (unsigned i = 0; i < COOKIE_SIZE; i++)
        (void)sprintf(hex + 2 * i, "%02x", first.query.cookie.bytes[i]);
    assert_int_equal(ask(&second, SECRET, "192.0.2.1", INT64_C(0x100000100), hex), 0);
    assert_int_equal(second.query.cookie.state, COOKIE_GOOD);
}

static void
files(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"# ours\n\n  " SECRET " # since May\n", NULL},
        {SECRET "\r\n" SECRET_OLD, NULL},
        {"", "f: has no secret"},
        {"# none\n", "f: has no secret"},
        {SECRET "\n" SECRET "\n" SECRET, "f:3: a third secret"},
        {"\ne5e973e5a6b2a43f48e7dc849e37bfc\n", "f:2: no secret; write 32"},
        {"e5e973e5a6b2a43f48e7dc849e37bfcff", "f:1: no secret"},
        {"x5e973e5a6b2a43f48e7dc849e37bfcf", "f:1: no secret"},
        /* What a long comment ends with is no secret. */
        {"#" DIGITS_64 DIGITS_64 DIGITS_64
         "01234567890123456789012345678901234567890123456789012345"
         "678901" SECRET "\n",
            "f:1: a line of more than 254 bytes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cookie_secrets secrets;
        struct errmsg msg = {""};
        /* fmemopen takes no empty text. */
        enum err err = secrets_of(cases[i].text[0] == '\0' ? "\n" : cases[i].text, &secrets, &msg);
        assert_int_equal(err == ERR_OK, cases[i].message == NULL);
        if (cases[i].message != NULL)
            assert_memory_equal(msg.text, cases[i].message, strlen(cases[i].message));
        assert_null(strstr(msg.text, "e5e973"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases),
        cmocka_unit_test(malformed),
        cmocka_unit_test(far_future),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
