/* Whom the spf command is about; see spfcmd.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/spfcmd_internal.h"

enum { LINE_ROOM = 4096 };

static bool
parse_name(const char *text, struct dname *out)
{
    return dname_parse(text, strlen(text), out) == ERR_OK && out->len > 1;
}

/* RFC 7208 2.4: a null sender's identity is the postmaster of the HELO name. */
static void
set_identity(struct spfsender *sender)
{
    char *at = strrchr(sender->from, '@');
    if (sender->from[0] == '\0' || strcmp(sender->from, "<>") == 0) {
        sender->valid = parse_name(sender->helo, &sender->domain);
        return;
    }
    sender->valid = parse_name(at != NULL ? at + 1 : sender->from, &sender->domain);
    if (at == NULL || at == sender->from)
        return;
    *at = '\0';
    sender->local = sender->from;
}

/* A zeroed one at the end; NULL: out of memory. */
static struct spfsender *
new_sender(struct spfcommand *command)
{
    if (command->count == command->room) {
        size_t room = command->room == 0 ? 64 : command->room * 2;
        struct spfsender *grown = reallocarray(command->senders, room, sizeof *grown);
        if (grown == NULL)
            return NULL;
        command->senders = grown;
        command->room = room;
    }
    command->senders[command->count] = (struct spfsender){.result = {.status = SPF_PENDING}};
    return &command->senders[command->count++];
}

enum err
spfcmd_add_pair(struct spfcommand *command, const struct ip *ip, const struct dname *domain)
{
    struct spfsender *sender = new_sender(command);
    if (sender == NULL)
        return ERR_NOMEM;
    sender->ip = *ip;
    sender->domain = *domain;
    sender->valid = true;
    return ERR_OK;
}

static enum err
add_sender(struct spfcommand *command, const char *ip, const char *helo, const char *from)
{
    struct spfsender *sender = new_sender(command);
    if (sender == NULL)
        return ERR_NOMEM;
    sender->helo = strdup(helo);
    sender->from = strdup(from);
    if (sender->helo == NULL || sender->from == NULL)
        return ERR_NOMEM;
    if (ip_parse(ip, strlen(ip), &sender->ip) < 0)
        return ERR_SYNTAX;
    set_identity(sender);
    return ERR_OK;
}

static enum err
read_line(struct spfcommand *command, char *line, unsigned number, struct errmsg *msg)
{
    line[strcspn(line, "\r\n")] = '\0';
    char *helo = strchr(line, '\t'), *from = helo != NULL ? strchr(helo + 1, '\t') : NULL;
    if (from == NULL)
        return errmsg_set(msg, ERR_SYNTAX,
            "%s:%u: not three fields; write address, HELO and MAIL FROM with tabs between",
            command->batch, number);
    *helo++ = *from++ = '\0';
    from[strcspn(from, "\t")] = '\0';
    enum err err = add_sender(command, line, helo, from);
    return err == ERR_OK ? ERR_OK
                         : errmsg_set(msg, err, "%s:%u: %s", command->batch, number,
                               err == ERR_SYNTAX ? "no address in the first field" : err_text(err));
}

static enum err
read_batch(struct spfcommand *command, struct errmsg *msg)
{
    char line[LINE_ROOM];
    bool standard = strcmp(command->batch, "-") == 0;
    FILE *file = standard ? stdin : fopen(command->batch, "re");
    enum err err = ERR_OK;
    if (file == NULL)
        return errmsg_set(msg, ERR_IO, "%s: %s", command->batch, strerror(errno));
    for (unsigned number = 1; err == ERR_OK && fgets(line, sizeof line, file) != NULL; number++)
        err = read_line(command, line, number, msg);
    if (!standard)
        (void)fclose(file);
    return err;
}

enum err
spfcmd_read_senders(struct spfcommand *command, struct errmsg *msg)
{
    if (command->batch != NULL)
        return read_batch(command, msg);
    enum err err = add_sender(command, command->ip, command->helo, command->from);
    if (err == ERR_SYNTAX)
        return errmsg_set(msg, err, "--ip: \"%s\" is no address", command->ip);
    return err < 0 ? errmsg_set(msg, err, "out of memory") : ERR_OK;
}

void
spfcmd_free_senders(struct spfcommand *command)
{
    for (size_t i = 0; i < command->count; i++) {
        free(command->senders[i].helo);
        free(command->senders[i].from);
    }
    free(command->senders);
}
