/* Mail stores: small Maildir trees and mbox files in a directory of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/src_mbox.h"

#define DATE "Sun, 22 Nov 2026 10:11:12 +0100"
#define MAIL(ip)                                                                                   \
    "Received: from x.example (h [" ip "])\n\tby mx with ESMTP; " DATE "\nSubject: s\n\nb\n"
#define INSIDE "Received: by mx (Postfix, from userid 0) id 1; " DATE "\n\nb\n"

enum { SEEN_MAX = 64 };

struct seen {
    unsigned count;
    enum err answer; /* what the callback returns */
    char line[SEEN_MAX][96];
};

struct fixture {
    char root[64];
    char path[256];
    struct conf conf;
    struct seen seen;
    struct mailstore_count count;
    struct errmsg msg;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (f == NULL)
        return -1;
    (void)snprintf(f->root, sizeof f->root, "/tmp/repdns-mailstore-XXXXXX");
    *state = f;
    return mkdtemp(f->root) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];

    (void)snprintf(command, sizeof command, "rm -rf -- '%s'", f->root);
    (void)!system(command);
    free(f);
    return 0;
}

static const char *
at(struct fixture *f, const char *name)
{
    (void)snprintf(f->path, sizeof f->path, "%s/%s", f->root, name);
    return f->path;
}

/* Makes the directories above too. */
static void
put_bytes(struct fixture *f, const char *name, const char *bytes, size_t n)
{
    char path[256];
    FILE *out;

    (void)snprintf(path, sizeof path, "%s/%s", f->root, name);
    for (char *p = path + strlen(f->root) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        (void)mkdir(path, 0700);
        *p = '/';
    }
    out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    assert_int_equal(fclose(out), 0);
}

static void
put(struct fixture *f, const char *name, const char *text)
{
    put_bytes(f, name, text, strlen(text));
}

static enum err
see(void *ctx, const char *id, const struct observation *observation)
{
    struct seen *seen = ctx;
    char ip[IP_TEXT_SIZE];

    assert_true(seen->count < SEEN_MAX);
    assert_int_equal(strlen(id), SOURCE_ID_SIZE - 1);
    ip_format(&observation->client, ip);
    (void)snprintf(seen->line[seen->count++], sizeof seen->line[0], "%s %s %s", ip,
        observation->label == OBS_SPAM  ? "spam"
        : observation->label == OBS_HAM ? "ham"
                                        : "?",
        id);
    return seen->answer;
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The id of line i, which must be of ip and label; lines are sorted. */
static const char *
expect(struct fixture *f, unsigned i, const char *wanted)
{
    size_t n = strlen(wanted);

    assert_true(i < f->seen.count);
    if (strncmp(f->seen.line[i], wanted, n) != 0 || f->seen.line[i][n] != ' ')
        fail_msg("line %u: %s, not %s", i, f->seen.line[i], wanted);
    return f->seen.line[i] + n + 1;
}

static void
read_tree(struct fixture *f, const char *name, unsigned wanted)
{
    enum err err = src_maildir(at(f, name), &f->conf, see, &f->seen, &f->count, &f->msg);

    if (err != ERR_OK)
        fail_msg("%s", f->msg.text);
    assert_int_equal(f->seen.count, wanted);
    qsort(f->seen.line, f->seen.count, sizeof f->seen.line[0], by_text);
}

static void
domain_user_maildir(void **state)
{
    struct fixture *f = *state;

    put(f, "t/a.example/u/Maildir/cur/1.M1.h:2,S", MAIL("203.0.113.1"));
    put(f, "t/a.example/u/Maildir/new/2.M1.h", MAIL("203.0.113.2"));
    put(f, "t/a.example/u/Maildir/tmp/3.M1.h", MAIL("203.0.113.3"));
    put(f, "t/a.example/u/Maildir/.Junk/cur/4.M1.h:2,", MAIL("203.0.113.4"));
    put(f, "t/a.example/u/Maildir/.Sent Items/cur/5.M1.h", MAIL("203.0.113.5"));
    put(f, "t/a.example/u/Maildir/.Lists.spamassassin-users/cur/6.M1.h", MAIL("203.0.113.6"));
    put(f, "t/a.example/v/Maildir/.INBOX.Spam.2024/new/7.M1.h", MAIL("203.0.113.7"));
    put(f, "t/a.example/v/Maildir/cur/8.M1.h", INSIDE);
    put(f, "t/a.example/v/Maildir/cur/9.M1.h", "Received: from x by y with SMTP; " DATE "\n\n");
    put(f, "t/a.example/v/Maildir/dovecot-uidlist", MAIL("203.0.113.10"));
    read_tree(f, "t", 5);
    expect(f, 0, "203.0.113.1 ham");
    expect(f, 1, "203.0.113.2 ham");
    expect(f, 2, "203.0.113.4 spam");
    expect(f, 3, "203.0.113.6 ham");
    expect(f, 4, "203.0.113.7 spam");
    assert_int_equal(f->count.maildirs, 2);
    assert_int_equal(f->count.mails, 7);
    assert_int_equal(f->count.ham, 3);
    assert_int_equal(f->count.spam, 2);
    assert_int_equal(f->count.inside, 1);
    assert_int_equal(f->count.unreadable, 1);
    assert_int_equal(f->count.denied, 0);
}

static void
other_layouts(void **state)
{
    struct fixture *f = *state;

    put(f, "t/a.example/u/cur/1.M1.h:2,S", MAIL("203.0.113.1"));
    put(f, "t/a.example/u/.spam/new/2.M1.h", MAIL("203.0.113.2"));
    put(f, "t/w/cur/3.M1.h", MAIL("203.0.113.3"));
    put(f, "t/x/Maildir/Junk E-mail/cur/4.M1.h", MAIL("203.0.113.4"));
    put(f, "t/x/Maildir/new/5.M1.h", MAIL("203.0.113.5"));
    put(f, "t/a/b/c/d/cur/6.M1.h", MAIL("203.0.113.6")); /* too deep to be a user's */
    put(f, "t/.hidden/cur/7.M1.h", MAIL("203.0.113.7"));
    read_tree(f, "t", 5);
    expect(f, 0, "203.0.113.1 ham");
    expect(f, 1, "203.0.113.2 spam");
    expect(f, 2, "203.0.113.3 ham");
    expect(f, 3, "203.0.113.4 spam");
    expect(f, 4, "203.0.113.5 ham");
}

static void
plain_maildir_and_ids(void **state)
{
    struct fixture *f = *state;
    const char *id;

    put(f, "m/new/1.M1P2.h", MAIL("203.0.113.1"));
    put(f, "m/.Junk/cur/1.M1P2.h:2,FS", MAIL("203.0.113.1"));
    put(f, "m/cur/1.M1P3.h:2,S", MAIL("203.0.113.2"));
    read_tree(f, "m", 3);
    /* Moved and flagged: the same mail. */
    id = expect(f, 0, "203.0.113.1 ham");
    assert_string_equal(id, expect(f, 1, "203.0.113.1 spam"));
    assert_string_not_equal(id, expect(f, 2, "203.0.113.2 ham"));
}

static void
links_and_odd_files(void **state)
{
    struct fixture *f = *state;
    char target[256];

    put(f, "t/a.example/u/cur/1.M1.h", MAIL("203.0.113.1"));
    put(f, "far/cur/2.M1.h", MAIL("203.0.113.2"));
    (void)snprintf(target, sizeof target, "%s/far", f->root);
    assert_int_equal(symlink(target, at(f, "t/a.example/v")), 0);
    assert_int_equal(symlink(target, at(f, "t/a.example/u/.Junk")), 0);
    assert_int_equal(symlink("..", at(f, "t/a.example/loop")), 0);
    (void)snprintf(target, sizeof target, "%s/far/cur", f->root);
    assert_int_equal(symlink(target, at(f, "t/a.example/u/new")), 0);
    (void)snprintf(target, sizeof target, "%s/far/cur/2.M1.h", f->root);
    assert_int_equal(symlink(target, at(f, "t/a.example/u/cur/3.M1.h")), 0);
    assert_int_equal(mkfifo(at(f, "t/a.example/u/cur/4.M1.h"), 0600), 0);
    assert_int_equal(mkdir(at(f, "t/a.example/u/cur/5.M1.h"), 0700), 0);
    put(f, "t/a.example/u/cur/6.M1.h", "");
    put(f, "t/a.example/u/cur/.7.M1.h", MAIL("203.0.113.7"));
    read_tree(f, "t", 1);
    expect(f, 0, "203.0.113.1 ham");
    assert_int_equal(f->count.denied, 3);
    assert_int_equal(f->count.inside, 1);
}

static void
head_only(void **state)
{
    struct fixture *f = *state;
    size_t n = 3 * MAIL_HEAD_MAX, at_end = n - sizeof MAIL("203.0.113.1");
    char *big = malloc(n);

    assert_non_null(big);
    memset(big, 'x', n);
    for (size_t i = 99; i < n; i += 100)
        big[i] = '\n';
    memcpy(big, MAIL("203.0.113.1"), sizeof MAIL("203.0.113.1") - 1);
    put_bytes(f, "m/cur/1.M1.h", big, n);
    /* A header behind the first 64 KiB is not read, and lines without a colon are no headers. */
    memset(big, 'x', 99);
    memcpy(big + at_end, MAIL("203.0.113.2"), sizeof MAIL("203.0.113.2") - 1);
    put_bytes(f, "m/cur/2.M1.h", big, n);
    free(big);
    read_tree(f, "m", 1);
    expect(f, 0, "203.0.113.1 ham");
}

static void
errors(void **state)
{
    struct fixture *f = *state;

    put(f, "m/cur/1.M1.h", MAIL("203.0.113.1"));
    put(f, "m/cur/2.M1.h", MAIL("203.0.113.2"));
    f->seen.answer = ERR_FULL;
    assert_int_equal(
        src_maildir(at(f, "m"), &f->conf, see, &f->seen, &f->count, &f->msg), ERR_FULL);
    assert_int_equal(f->seen.count, 1);
    assert_int_equal(
        src_maildir(at(f, "none"), &f->conf, see, &f->seen, &f->count, &f->msg), ERR_IO);
    assert_non_null(strstr(f->msg.text, "/none: No such file"));
    assert_int_equal(src_mbox(at(f, "none"), &f->conf, see, &f->seen, &f->count, &f->msg), ERR_IO);
    assert_int_equal(src_mbox(at(f, "m"), &f->conf, see, &f->seen, &f->count, &f->msg), ERR_IO);
    put(f, "text", "hello\nFrom x\n");
    assert_int_equal(
        src_mbox(at(f, "text"), &f->conf, see, &f->seen, &f->count, &f->msg), ERR_FORMAT);
    put(f, "box", "From x\n" MAIL("203.0.113.1") "\nFrom x\n" MAIL("203.0.113.2"));
    f->seen.count = 0;
    assert_int_equal(src_mbox(at(f, "box"), &f->conf, see, &f->seen, &f->count, &f->msg), ERR_FULL);
    assert_int_equal(f->seen.count, 1);
}

static void
read_box(struct fixture *f, const char *name, unsigned wanted)
{
    enum err err;

    f->seen.count = 0;
    err = src_mbox(at(f, name), &f->conf, see, &f->seen, &f->count, &f->msg);
    if (err != ERR_OK)
        fail_msg("%s", f->msg.text);
    assert_int_equal(f->seen.count, wanted);
    qsort(f->seen.line, f->seen.count, sizeof f->seen.line[0], by_text);
}

#define SEPARATOR "From u@a.example Sun Nov 22 10:11:12 2026\n"

static void
mbox_files(void **state)
{
    struct fixture *f = *state;
    static const char box[] = SEPARATOR MAIL("203.0.113.1") "From here no mail begins\n" MAIL(
        "203.0.113.9") ">From x\n\n" SEPARATOR MAIL("203.0.113.2") "\n" SEPARATOR
        INSIDE "\n" SEPARATOR "Received: from x (h [203.0.113.8]) by y; " DATE "\n";
    char first[SOURCE_ID_SIZE];

    put(f, "inbox", box);
    read_box(f, "inbox", 2);
    (void)snprintf(first, sizeof first, "%s", expect(f, 0, "203.0.113.1 ham"));
    expect(f, 1, "203.0.113.2 ham");
    assert_int_equal(f->count.inside, 1);
    put(f, "Junk", SEPARATOR "Status: RO\n" MAIL("203.0.113.1"));
    read_box(f, "Junk", 1);
    assert_string_equal(first, expect(f, 0, "203.0.113.1 spam"));
    put(f, "spam.mbox", SEPARATOR MAIL("203.0.113.1"));
    read_box(f, "spam.mbox", 1);
    expect(f, 0, "203.0.113.1 spam");
    put(f, "Sent", SEPARATOR MAIL("203.0.113.1"));
    read_box(f, "Sent", 0);
    put(f, "empty", "");
    read_box(f, "empty", 0);
    put(f, "crlf",
        "From u\r\nReceived: from x (h [203.0.113.3]) by y; " DATE "\r\n\r\nb\r\n\r\nFrom u\r\n"
        "Received: from x (h [203.0.113.4]) by y; " DATE "\r\n\r\n");
    read_box(f, "crlf", 2);
}

/* NULs, lines longer than any buffer, a header that does not end. */
static void
mbox_hostile(void **state)
{
    struct fixture *f = *state;
    static const char head[] = SEPARATOR MAIL("203.0.113.1"),
                      tail[] = "\n\n" SEPARATOR MAIL("203.0.113.2");
    size_t n = 0, size = 5 * MAIL_HEAD_MAX;
    char *big = calloc(1, size);

    assert_non_null(big);
    memcpy(big, head, sizeof head - 1);
    n = sizeof head - 1 + 20000; /* one line of NULs */
    memcpy(big + n, tail, sizeof tail - 1);
    n += sizeof tail - 1;
    put_bytes(f, "nul", big, n);
    read_box(f, "nul", 2);
    n = (size_t)snprintf(
        big, size, "%sReceived: from x (h [203.0.113.3]) by y; %s\nX: ", SEPARATOR, DATE);
    memset(big + n, 'x', 2 * MAIL_HEAD_MAX);
    n += 2 * MAIL_HEAD_MAX;
    memcpy(big + n, tail, sizeof tail - 1);
    n += sizeof tail - 1;
    put_bytes(f, "long", big, n);
    free(big);
    read_box(f, "long", 2);
    expect(f, 0, "203.0.113.2 ham");
    expect(f, 1, "203.0.113.3 ham");
}

struct folder_case {
    const char *name;
    bool used;
    enum obs_label label;
};

static const struct folder_case folders[] = {
    {".Junk", true, OBS_SPAM},
    {".junk-2024", true, OBS_SPAM},
    {".JunkMail", true, OBS_SPAM},
    {".Spam", true, OBS_SPAM},
    {".Spam 2024", true, OBS_SPAM},
    {".INBOX.spam", true, OBS_SPAM},
    {"Junk", true, OBS_SPAM},
    {".spamassassin", true, OBS_HAM},
    {".NotSpam", true, OBS_HAM},
    {".Archive.2024", true, OBS_HAM},
    {".Sentinel", true, OBS_HAM},
    {".", true, OBS_HAM},
    {"", true, OBS_HAM},
    {".Sent", false, OBS_HAM},
    {".Sent Messages", false, OBS_HAM},
    {".Drafts", false, OBS_HAM},
    {".TRASH", false, OBS_HAM},
    {".Deleted Items", false, OBS_HAM},
    {".Trash.Junk", false, OBS_HAM},
    {".Junk.Trash", false, OBS_HAM},
    {".Templates", false, OBS_HAM},
    {".INBOX.Outbox", false, OBS_HAM},
};

static void
folder_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        enum obs_label label;
        bool used = mail_folder_label(folders[i].name, strlen(folders[i].name), &label);

        if (used != folders[i].used || (used && label != folders[i].label))
            fail_msg("%s", folders[i].name);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folder_names),
        cmocka_unit_test_setup_teardown(domain_user_maildir, setup, teardown),
        cmocka_unit_test_setup_teardown(other_layouts, setup, teardown),
        cmocka_unit_test_setup_teardown(plain_maildir_and_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(links_and_odd_files, setup, teardown),
        cmocka_unit_test_setup_teardown(head_only, setup, teardown),
        cmocka_unit_test_setup_teardown(errors, setup, teardown),
        cmocka_unit_test_setup_teardown(mbox_files, setup, teardown),
        cmocka_unit_test_setup_teardown(mbox_hostile, setup, teardown),
    };

    return cmocka_run_group_tests_name("mailstore", tests, NULL, NULL);
}
