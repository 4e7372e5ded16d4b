/* The classify command; see classify.h. */
#include "loader/classify.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/clock.h"
#include "loader/exitcode.h"
#include "loader/jsonline.h"
#include "loader/output.h"
#include "zones/log.h"

static const char usage[] =
    "usage: repdns-load classify [--json] [--stats] < FILE\n"
    "  reads lines of a reverse name and its address, with a tab between, and prints\n"
    "  for each its class and what decided it: generic-dynamic, generic-static,\n"
    "  server, esp or none\n"
    "  --json      print lines of JSON\n"
    "  --stats     counts and times to standard error\n"
    "  -h, --help  print this and exit\n";

enum { INPUT_ROOM = 1 << 16 };
_Static_assert(INPUT_ROOM > CLASSIFY_LINE_MAX, "a line fits");

/* What is read and not yet classified. */
struct input {
    char bytes[INPUT_ROOM];
    size_t start, end;
    bool ended;    /* no more to read */
    bool skipping; /* inside a line that is too long */
};

enum err
classify_line(
    struct rdns *rdns, const char *line, size_t len, struct rdns_verdict *out, struct errmsg *msg)
{
    struct dname name;
    struct ip ip;
    const char *tab;

    *out = (struct rdns_verdict){RDNS_CLASS_NONE, "line too long"};
    if (len > CLASSIFY_LINE_MAX)
        return ERR_OK;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    tab = memchr(line, '\t', len);
    if (dname_parse(line, tab != NULL ? (size_t)(tab - line) : len, &name) < 0) {
        out->why = "not a name";
        return ERR_OK;
    }
    if (tab == NULL || tab + 1 == line + len)
        return rdns_classify(rdns, &name, NULL, out, msg);
    if (ip_parse(tab + 1, (size_t)(line + len - tab - 1), &ip) < 0) {
        out->why = "not an address";
        return ERR_OK;
    }
    return rdns_classify(rdns, &name, &ip, out, msg);
}

/* The next line in *line and *len; of one that is too long just its beginning, longer than
 * CLASSIFY_LINE_MAX. ERR_NOTFOUND at the end, ERR_IO. */
static enum err
next_line(struct input *in, const char **line, size_t *len)
{
    for (;;) {
        char *begin = in->bytes + in->start, *feed = memchr(begin, '\n', in->end - in->start);
        size_t have = in->end - in->start;
        bool skipped = in->skipping;

        if (feed != NULL || (in->ended && have > 0)) {
            *line = begin;
            *len = feed != NULL ? (size_t)(feed - begin) : have;
            in->start += *len + (feed != NULL);
            in->skipping = false;
            if (!skipped)
                return ERR_OK;
            continue;
        }
        if (in->ended)
            return ERR_NOTFOUND;
        if (have > CLASSIFY_LINE_MAX) {
            *line = begin;
            *len = have;
            in->start = in->end = 0;
            in->skipping = true;
            if (!skipped)
                return ERR_OK;
            continue;
        }
        /* Who writes one line and waits gets its answer. A failure is sticky, and seen at the end.
         */
        (void)fflush(stdout);
        memmove(in->bytes, begin, have);
        ssize_t got = read(STDIN_FILENO, in->bytes + have, sizeof in->bytes - have);
        if (got < 0 && errno != EINTR)
            return ERR_IO;
        in->start = 0;
        in->end = have + (got > 0 ? (size_t)got : 0);
        in->ended = got == 0;
    }
}

static enum err
print_verdict(const struct rdns_verdict *verdict, bool json)
{
    const char *class = rdns_class_text(verdict->class);
    if (json) {
        const struct jsonline_member members[] = {
            {"class", json_string(class)}, {"why", jsonline_string(verdict->why)}};
        return jsonline_print_members(stdout, members, sizeof members / sizeof *members);
    }
    fputs_unlocked(class, stdout);
    putchar_unlocked('\t');
    fputs_unlocked(verdict->why, stdout);
    putchar_unlocked('\n');
    return ERR_OK;
}

static enum err
classify_input(struct rdns *rdns, struct input *in, bool json, uint64_t counts[RDNS_CLASS_COUNT],
    struct errmsg *msg)
{
    const char *line;
    size_t len;
    enum err err;

    while ((err = next_line(in, &line, &len)) == ERR_OK) {
        struct rdns_verdict verdict;

        err = classify_line(rdns, line, len, &verdict, msg);
        if (err < 0)
            return err;
        counts[verdict.class]++;
        if (print_verdict(&verdict, json) < 0)
            return errmsg_set(msg, ERR_NOMEM, "out of memory");
    }
    if (err != ERR_NOTFOUND)
        return errmsg_set(msg, err, "standard input: %s", strerror(errno));
    return output_end(ERR_OK, msg);
}

static void
print_stats(const struct rdns *rdns, const uint64_t counts[RDNS_CLASS_COUNT], double seconds)
{
    uint64_t all = 0;

    for (unsigned i = 0; i < RDNS_CLASS_COUNT; i++) {
        all += counts[i];
        if (counts[i] > 0)
            fprintf(stderr, "%s %llu, ", rdns_class_text((enum rdns_class)i),
                (unsigned long long)counts[i]);
    }
    seconds -= rdns_compile_ms(rdns) / 1000;
    fprintf(stderr, "names %llu, patterns compiled in %.0f ms, then %.3f s of CPU, %.0f names/s\n",
        (unsigned long long)all, rdns_compile_ms(rdns), seconds,
        seconds > 0 ? (double)all / seconds : 0);
}

static int
classify(bool json, bool stats)
{
    struct publicname *names = NULL;
    struct rdns *rdns = NULL;
    struct errmsg msg;
    uint64_t counts[RDNS_CLASS_COUNT] = {0};
    struct input *in = calloc(1, sizeof *in);
    enum err err =
        in != NULL ? publicname_open(&names, &msg) : errmsg_set(&msg, ERR_NOMEM, "out of memory");

    if (err == ERR_OK)
        err = rdns_open(names, &rdns, &msg);
    double start = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (err == ERR_OK)
        err = classify_input(rdns, in, json, counts, &msg);
    if (err == ERR_OK && stats)
        print_stats(rdns, counts, clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - start);
    rdns_close(&rdns);
    publicname_close(&names);
    free(in);
    if (err == ERR_OK)
        return EXIT_DONE;
    log_line(LOG_LEVEL_ERROR, "classify: %s", msg.text);
    return EXIT_FAILED;
}

int
classify_command(int argc, char **argv)
{
    static const struct option longs[] = {{"stats", no_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
    bool json = false, stats = false, wrong = false;

    for (int option; (option = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            return EXIT_DONE;
        }
        stats = stats || option == 's';
        json = json || option == 'j';
        wrong = wrong || option == '?';
    }
    if (wrong || optind != argc) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return classify(json, stats);
}
