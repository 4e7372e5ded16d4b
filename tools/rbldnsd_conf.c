/* The command line as a configuration; see rbldnsd.h. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/rbldnsd.h"
#include "zones/zones_shipped.h"

enum { WORKERS_MAX = 8 };

/* In double quotes libconfuse expands ${...}, so that only harmless bytes stand for themselves. */
static void
print_text(FILE *out, const char *text)
{
    static const char plain[] = "-_.,/:@+=%~";
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter || strchr(plain, c) != NULL)
            fputc(c, out);
        else
            fprintf(out, "\\x%02x", c);
    }
    fputc('"', out);
}

static void
print_setting(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s = ", name);
    print_text(out, text);
    fputc('\n', out);
}

/* A file of a setting; false if its path is too long. */
static bool
print_path(const struct front *front, FILE *out, const char *given)
{
    char path[PATH_MAX];
    bool good = front_inside(front, given, path);
    print_text(out, good ? path : "");
    return good;
}

static void
print_listen(const struct front *front, FILE *out)
{
    /* A dump listens nowhere, but a configuration does somewhere. */
    if (front->listen_count == 0)
        return;
    fputs("listen = {", out);
    for (unsigned i = 0; i < front->listen_count; i++) {
        char text[IP_TEXT_SIZE];
        ip_format(&front->listen[i].ip, text);
        fprintf(out, "%s\"%s@%u\"", i > 0 ? ", " : "", text, front->listen[i].port);
    }
    fputs("}\n", out);
}

static void
print_service(const struct front *front, FILE *out)
{
    cpu_set_t set; /* a worker for each processor that we may use */
    int processors = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    fputs("# Written by repdns-rbldnsd at its start; changes are lost.\n", out);
    fputs("base = \"rbldnsd.invalid\"\n", out);
    print_setting(out, "state_dir", front_strip(front, front->store));
    fprintf(out, "user = \"%u\"\ngroup = \"%u\"\n", front->uid, front->gid);
    fputs("public = yes\n", out);
    print_listen(front, out);
    fprintf(out, "udp_workers = %d\n",
        processors < 1             ? 1
        : processors > WORKERS_MAX ? WORKERS_MAX
                                   : processors);
    /* So that nobody is asked for them. */
    fputs("own_networks = {\"127.0.0.0/8\"}\n", out);
    if (front->options.strict)
        fputs("strict_rbldnsd = yes\n", out);
    fputs("rate_limit { responses = 0 }\n", out); /* rbldnsd limits nobody */
    print_setting(out, "version",
        front->options.hide_version == 0   ? "rbldnsd (repdns " REPDNS_VERSION ")"
        : front->options.hide_version == 1 ? "rbldnsd"
                                           : "");
    if (front->zones.acl >= 0)
        fprintf(out, "acl = {\"%s\"}\n", front->zones.datasets[front->zones.acl].name);
}

/* "+" in front: unbuffered, which our log is always, or differences. */
static bool
print_logs(const struct front *front, FILE *out)
{
    const char *log = front->options.log, *stats = front->options.stats;
    bool good = true;
    if (log != NULL) {
        log += *log == '+';
        fputs("query_log {\n    path = ", out);
        if (strcmp(log, "-") == 0)
            fputs("\"-\"", out);
        else
            good = print_path(front, out, log);
        fputs("\n    format = rbldnsd\n    addresses = full\n}\n", out);
    }
    if (stats != NULL) {
        bool deltas = *stats == '+';
        fputs("statistics {\n    path = ", out);
        good = print_path(front, out, stats + deltas) && good;
        fprintf(out, "\n    format = rbldnsd\n    every = \"%us\"\n    deltas = %s\n}\n",
            front->options.check_s, deltas ? "yes" : "no");
    }
    return good;
}

static bool
print_list(const struct front *front, const struct front_dataset *dataset, FILE *out)
{
    const struct front_options *options = &front->options;
    bool good = true;
    fprintf(out, "list \"%s\" {\n    type = %s\n    files = {", dataset->name, dataset->type);
    for (unsigned i = 0; i < dataset->file_count; i++) {
        fputs(i > 0 ? ", " : "", out);
        good = print_path(front, out, dataset->files[i]) && good;
    }
    fputs("}\n", out);
    if (options->host_bits)
        fputs("    host_bits = yes\n", out);
    if (options->ttl_min_s > 0)
        fprintf(out, "    min_ttl = \"%us\"\n", options->ttl_min_s);
    if (options->ttl_max_s > 0)
        fprintf(out, "    max_ttl = \"%us\"\n", options->ttl_max_s);
    fputs("}\n", out);
    return good;
}

/* The dot at the end makes any name a whole one. */
static void
print_zone(const struct front *front, const struct front_zone *zone, FILE *out)
{
    char name[DNAME_TEXT_SIZE + 1];
    size_t n = dname_format(&zone->apex, name);
    memcpy(name + n, ".", 2);
    fputs("zone ", out);
    print_text(out, name);
    fputs(" {\n    kind = list\n    datasets = {", out);
    for (unsigned i = 0; i < zone->dataset_count; i++)
        fprintf(out, "%s\"%s\"", i > 0 ? ", " : "", front->zones.datasets[zone->datasets[i]].name);
    fprintf(out,
        "}\n    authority = data\n    sixtofour = yes\n    ns_in_answers = %s\n    ttl = \"%us\"\n",
        front->options.minimal ? "no" : "yes", front->options.ttl_s);
    if (zone->acl >= 0)
        fprintf(out, "    acl = {\"%s\"}\n", front->zones.datasets[zone->acl].name);
    fputs("}\n", out);
}

bool
front_conf_print(const struct front *front, FILE *out)
{
    unsigned shipped_count;
    const struct shipped_zone *shipped = zones_shipped(&shipped_count);
    print_service(front, out);
    bool good = print_logs(front, out);
    for (unsigned i = 0; i < shipped_count; i++)
        if (shipped[i].enabled)
            fprintf(out, "zone \"%s\" { enabled = no }\n",
                shipped[i].label[0] == '\0' ? "base" : shipped[i].label);
    for (unsigned i = 0; i < front->zones.dataset_count; i++)
        good = print_list(front, &front->zones.datasets[i], out) && good;
    for (unsigned i = 0; i < front->zones.zone_count; i++)
        print_zone(front, &front->zones.zones[i], out);
    return good;
}

/* A new file each time: the folder may belong to a user whom root must not trust. */
static bool
write_file(const struct front *front)
{
    char path[PATH_MAX + sizeof ".new"];
    (void)snprintf(path, sizeof path, "%s.new", front->conf);
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    bool good = front_conf_print(front, out) && fflush(out) == 0 &&
                (!front->drops || fchown(fd, front->uid, front->gid) == 0);
    good = fclose(out) == 0 && good;
    return good && rename(path, front->conf) == 0;
}

enum err
front_conf_write(struct front *front, struct errmsg *msg)
{
    int n = snprintf(front->conf, sizeof front->conf, "%s/rbldnsd.conf", front->store);
    errno = ENAMETOOLONG;
    if (n < 0 || (size_t)n >= sizeof front->conf || !write_file(front))
        return errmsg_set(msg, ERR_IO, "%.200s/rbldnsd.conf: %s", front->store, strerror(errno));
    return conf_load(front->conf, &front->loaded, msg);
}
