/* The files that repdns init writes; see init.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/fill.h"
#include "tools/init.h"

static const char conf_text[] =
    "# repdns for @DOMAIN@, written by repdns init. repdns.conf(5) says what else can be set;\n"
    "# repdns check verifies this file.\n"
    "\n"
    "base = \"@BASE@\"\n"
    "state_dir = \"@STATE@\"\n"
    "listen = {\"@LISTEN@\"}\n"
    "# Whether others than private networks are answered.\n"
    "public = @PUBLIC@\n"
    "@NAMESERVERS@"
    "contact = \"@CONTACT@\"\n"
    "# In bounces and TXT records; $ is what was asked.\n"
    "url = \"@URL@?$\"\n"
    "\n"
    "# Mail of these is your own users': never observed, never listed.\n"
    "@OWN@"
    "# A stranger who greets with one of these forges it.\n"
    "own_names = {\"@DOMAIN@\"}\n"
    "# Backup exchanges, filters and proxies that hand on other people's mail.\n"
    "trusted_relays = {@RELAYS@}\n"
    "\n"
    "@LOG@"
    "\n"
    "# Your own list: addresses, networks and ranges, a line each. A first line such as\n"
    "#     :127.0.0.2:refused by hand\n"
    "# says why. repdns-load list add blocked ADDRESS adds without a file.\n"
    "# list \"blocked\" { type = ip4set  files = {\"/etc/repdns/blocked\"} }\n";

/* RFC 6471 2.1 and 2.2: what is listed and why, how it ends, how to ask, and that it is free. */
static const char page_text[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n"
    "<title>Why mail was refused: @BASE@</title>\n"
    "<style>body { max-width: 40em; margin: 2em auto; padding: 0 1em; "
    "font-family: sans-serif; line-height: 1.5 }</style>\n"
    "</head>\n"
    "<body>\n"
    "<h1>Why mail was refused</h1>\n"
    "<p>@DOMAIN@ keeps lists below <b>@BASE@</b> of senders whose mail it does not take. If a "
    "bounce has brought you here, its text names the reason and the address or name that is "
    "listed.</p>\n"
    "<h2>Who is listed</h2>\n"
    "<ul>\n"
    "<li><b>ip.@BASE@</b>: addresses that the postmaster has listed, and addresses with a bad "
    "record on several independent counts: no or no matching reverse name, HELO names that are "
    "not theirs, mail for domains whose SPF forbids it, mail that readers filed as junk. No "
    "single one of these lists anybody.</li>\n"
    "<li><b>dom.@BASE@</b>: sender domains that do not exist or cannot receive a reply.</li>\n"
    "<li><b>helo.@BASE@</b>: HELO names that many clients use though none of them has the "
    "name.</li>\n"
    "<li><b>pair.@BASE@</b>: an address that may not send for the domain, by that domain's own "
    "SPF record.</li>\n"
    "</ul>\n"
    "<p>Everything but the postmaster's own entries comes of mail that reached @DOMAIN@. A look-up "
    "that failed is never held against anybody.</p>\n"
    "<h2>How it ends</h2>\n"
    "<p>Correct what the reason names: the reverse name, the HELO name, the SPF record, the mail "
    "that is sent. The records are looked up again and old evidence is dropped, so the "
    "listing ends by itself.</p>\n"
    "<h2>Asking to be taken off</h2>\n"
    "<p>Write to <a href=\"mailto:@CONTACT@\">@CONTACT@</a> with the address or name and the text "
    "of the bounce. It costs nothing, and anybody may ask. Mail to this address is taken even "
    "from those who are listed.</p>\n"
    "<h2>For users of these lists</h2>\n"
    "<p>127.0.0.2 is listed in each zone of addresses and TEST in each zone of names, 127.0.0.1 "
    "and INVALID never (RFC 5782). If the first is missing or one of the latter listed, a list is "
    "not in operation: stop asking it.</p>\n"
    "</body>\n"
    "</html>\n";

/* "{"a", "b"}" without the braces. Cut where there is no room, which is looked for by the reader.
 */
static void
prefixes_text(const struct prefix *prefixes, unsigned count, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < count && used < size; i++) {
        char text[PREFIX_TEXT_SIZE];
        prefix_format(&prefixes[i], text);
        used += (size_t)snprintf(out + used, size - used, "%s\"%s\"", i > 0 ? ", " : "", text);
    }
}

static void
print_conf(FILE *out, const struct init *init)
{
    char domain[DNAME_TEXT_SIZE], base[DNAME_TEXT_SIZE], host[DNAME_TEXT_SIZE], ip[IP_TEXT_SIZE];
    char own[OWNNETS_MAX * (PREFIX_TEXT_SIZE + 4)], relays[sizeof own], own_line[sizeof own + 32];
    char listen[IP_TEXT_SIZE + 8], servers[DNAME_TEXT_SIZE + 64] = "";
    char log[INIT_TEXT_SIZE + 64] = "# No mail log: only lists are served.\n";
    (void)dname_format(&init->domain, domain);
    (void)dname_format(&init->base, base);
    ip_format(&init->listen.ip, ip);
    (void)snprintf(listen, sizeof listen, "%s@%u", ip, init->listen.port);
    /* The host has an address in the public DNS already, which a name below the base had not. */
    if (init->host.len > 1) {
        (void)dname_format(&init->host, host);
        (void)snprintf(servers, sizeof servers, "nameservers = {\"%s\"}\n", host);
    }
    prefixes_text(init->own, init->own_count, own, sizeof own);
    prefixes_text(init->relays, init->relay_count, relays, sizeof relays);
    (void)snprintf(own_line, sizeof own_line, "%sown_networks = {%s}\n",
        init->own_count == 0 ? "# " : "", own);
    if (init->log[0] != '\0')
        (void)snprintf(log, sizeof log, "log { path = \"%s\"  format = %s }\n", init->log,
            log_format_name(init->log_format));
    const struct fill fills[] = {{"DOMAIN", domain}, {"BASE", base}, {"STATE", init->state_dir},
        {"LISTEN", listen}, {"PUBLIC", ip_is_special(&init->listen.ip) ? "no" : "yes"},
        {"NAMESERVERS", servers}, {"CONTACT", init->contact}, {"URL", init->url}, {"OWN", own_line},
        {"RELAYS", relays}, {"LOG", log}, {0}};
    fill_print(out, conf_text, fills, false);
}

static void
print_page(FILE *out, const struct init *init)
{
    char domain[DNAME_TEXT_SIZE], base[DNAME_TEXT_SIZE];
    (void)dname_format(&init->domain, domain);
    (void)dname_format(&init->base, base);
    const struct fill fills[] = {
        {"DOMAIN", domain}, {"BASE", base}, {"CONTACT", init->contact}, {0}};
    fill_print(out, page_text, fills, true);
}

/* Under another name first; it is renamed when it is whole. */
static enum err
write_new(const struct init *init, const char *path, void (*print)(FILE *, const struct init *),
    char name[4096], struct errmsg *msg)
{
    struct stat st;
    if (!init->force && lstat(path, &st) == 0)
        return errmsg_set(msg, ERR_REFUSED,
            "%s: is there already, and nothing was written; move it away, name another, or say "
            "--force",
            path);
    int n = snprintf(name, 4096, "%s.new", path);
    if (n < 0 || n >= 4096)
        return errmsg_set(msg, ERR_RANGE, "%s: the path is too long", path);
    (void)unlink(name);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        int why = errno;
        if (fd >= 0)
            (void)close(fd);
        return errmsg_set(
            msg, ERR_IO, "%s: %s; create the folder, and run this as root", name, strerror(why));
    }
    print(file, init);
    bool whole = fflush(file) == 0 && ferror(file) == 0 && fsync(fd) == 0;
    if (fclose(file) == 0 && whole)
        return ERR_OK;
    (void)unlink(name);
    return errmsg_set(msg, ERR_IO, "%s: could not be written; is the disk full?", name);
}

/* Without force, a file that came meanwhile stays. */
static enum err
give_name(const struct init *init, const char *name, const char *path, struct errmsg *msg)
{
    if (renameat2(AT_FDCWD, name, AT_FDCWD, path, init->force ? 0 : RENAME_NOREPLACE) == 0)
        return ERR_OK;
    int why = errno;
    (void)unlink(name);
    return errmsg_set(msg, ERR_IO, "%s: %s; nothing was written", path, strerror(why));
}

enum err
init_write_conf(const struct init *init, struct conf **conf, struct errmsg *msg)
{
    char name[4096];
    struct stat st;
    if (!init->force && lstat(init->page_path, &st) == 0)
        return errmsg_set(msg, ERR_REFUSED,
            "%s: is there already, and nothing was written; move it away, name another with "
            "--page, or say --force",
            init->page_path);
    enum err err = write_new(init, init->conf_path, print_conf, name, msg);
    if (err < 0)
        return err;
    err = conf_load(name, conf, msg);
    if (err < 0) {
        (void)unlink(name);
        return err;
    }
    return give_name(init, name, init->conf_path, msg);
}

enum err
init_write_page(const struct init *init, struct errmsg *msg)
{
    char name[4096];
    enum err err = write_new(init, init->page_path, print_page, name, msg);
    return err < 0 ? err : give_name(init, name, init->page_path, msg);
}
