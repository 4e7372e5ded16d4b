/* rbldnsd's options; see rbldnsd.h. */
#include <getopt.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/rbldnsd.h"
#include "zones/log.h"

enum { STORE = 256, STRICT, HELP, TIME_MOST_S = 315360000 };

bool
front_time(const char *text, size_t n, uint32_t *seconds)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    uint64_t value = 0, unit_s = 1;
    size_t i = 0;
    for (; i < n && text[i] >= '0' && text[i] <= '9'; i++) {
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value > UINT32_MAX)
            return false;
    }
    if (i == 0 || i + 1 < n)
        return false;
    if (i < n) {
        size_t k = 0, count = sizeof units / sizeof *units;
        while (k < count && units[k].unit != (text[i] | 0x20))
            k++;
        if (k == count)
            return false;
        unit_s = units[k].seconds;
    }
    if (value * unit_s > UINT32_MAX)
        return false;
    *seconds = value * unit_s > TIME_MOST_S ? TIME_MOST_S : (uint32_t)(value * unit_s);
    return true;
}

/* "def:min:max"; the last parts may be missing, each may be empty. */
static enum err
parse_ttl(const char *text, struct front_options *out, struct errmsg *msg)
{
    uint32_t *const parts[] = {&out->ttl_s, &out->ttl_min_s, &out->ttl_max_s};
    const char *at = text;
    if (*text == '\0')
        return errmsg_set(msg, ERR_SYNTAX, "invalid ttl (-t) value `%.50s'", text);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t n = strcspn(at, ":");
        if (n > 0 && (!front_time(at, n, parts[i]) || (i == 0 && *parts[i] == 0)))
            return errmsg_set(msg, ERR_SYNTAX, "invalid ttl (-t) value `%.50s'", text);
        at += n;
        if (*at == '\0')
            break;
        at++;
    }
    if (*at != '\0')
        return errmsg_set(msg, ERR_SYNTAX, "invalid value for -t (ttl) option: `%.50s'", text);
    if ((out->ttl_min_s != 0 && out->ttl_s < out->ttl_min_s) ||
        (out->ttl_max_s != 0 && out->ttl_s > out->ttl_max_s))
        return errmsg_set(msg, ERR_RANGE, "inconsistent def:min:max ttl: %u:%u:%u", out->ttl_s,
            out->ttl_min_s, out->ttl_max_s);
    return ERR_OK;
}

static enum err
take_bind(const char *text, struct front_options *out, struct errmsg *msg)
{
    if (out->bind_count == FRONT_BINDS_MAX)
        return errmsg_set(
            msg, ERR_RANGE, "too many addresses to listen on (%d max)", FRONT_BINDS_MAX);
    out->binds[out->bind_count++] = text;
    return ERR_OK;
}

/* Those with a value. */
static enum err
take_value(int option, struct front_options *out, struct errmsg *msg)
{
    const struct {
        int option;
        const char **value;
    } plain[] = {{'u', &out->user}, {'r', &out->root}, {'w', &out->work}, {'p', &out->pidfile},
        {'l', &out->log}, {'s', &out->stats}, {'F', &out->facility}, {STORE, &out->store}};
    switch (option) {
    case 'b':
        return take_bind(optarg, out, msg);
    case 't':
        return parse_ttl(optarg, out, msg);
    case 'c':
        return front_time(optarg, strlen(optarg), &out->check_s)
                   ? ERR_OK
                   : errmsg_set(
                         msg, ERR_SYNTAX, "invalid check interval (-c) value `%.50s'", optarg);
    case 'x':
    case 'X':
        return errmsg_set(msg, ERR_REFUSED, "extension support is not compiled in");
    default:
        break;
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (plain[i].option == option)
            *plain[i].value = optarg;
    return option != 'F' || log_is_facility(optarg)
               ? ERR_OK
               : errmsg_set(msg, ERR_SYNTAX, "log facility %.50s is not valid", optarg);
}

/* Those without; false: it is none of them. */
static bool
take_flag(int option, struct front_options *out)
{
    const struct {
        int option;
        bool *flag;
        bool value;
    } flags[] = {{'n', &out->foreground, true}, {'q', &out->quick, true}, {'d', &out->dump, true},
        {'a', &out->minimal, true}, {'A', &out->minimal, false}, {'e', &out->host_bits, true},
        {'f', &out->forks, true}, {'C', &out->plain, true}, {STRICT, &out->strict, true}};
    if (option == 'v')
        out->hide_version++;
    else if (option == '4' || option == '6')
        out->family = option == '4' ? AF_INET : AF_INET6;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (flags[i].option != option)
            continue;
        *flags[i].flag = flags[i].value;
        return true;
    }
    return option == 'v' || option == '4' || option == '6';
}

enum front_end
front_options_parse(int argc, char **argv, struct front_options *out, struct errmsg *msg)
{
    static const char shorts[] = "u:r:b:w:t:c:p:nel:qs:h46dvaAfF:Cx:X:";
    static const struct option longs[] = {{"store", required_argument, NULL, STORE},
        {"strict-rbldnsd", no_argument, NULL, STRICT}, {"help", no_argument, NULL, 'h'}, {0}};
    *out =
        (struct front_options){.ttl_s = FRONT_TTL_S, .check_s = FRONT_CHECK_S, .family = AF_UNSPEC};
    if (argc <= 1)
        return FRONT_USAGE;
    for (int option; (option = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
        if (option == 'h')
            return FRONT_HELP;
        if (option == '?') {
            (void)errmsg_set(msg, ERR_SYNTAX, "type `%.50s -h' for help", argv[0]);
            return FRONT_FAILED;
        }
        if (!take_flag(option, out) && take_value(option, out, msg) < 0)
            return FRONT_FAILED;
    }
    out->spec_count = argc - optind;
    out->specs = argv + optind;
    if (out->spec_count > 0)
        return FRONT_GO_ON;
    (void)errmsg_set(msg, ERR_SYNTAX, "no zone(s) to service specified (-h for help)");
    return FRONT_FAILED;
}
