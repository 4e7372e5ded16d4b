/* HELO names of all clients. See helonames.h. */
#include "loader/helonames.h"

#include <stdlib.h>
#include <string.h>

#include "loader/network.h"
#include "loader/providers.h"

static enum err
number_of(struct helonames *names, const struct dname *name, size_t *number)
{
    enum err err = namemap_number(&names->names, name, number);
    if (err < 0 || names->names.room == names->room)
        return err;
    struct helonames_row *rows = reallocarray(names->rows, names->names.room, sizeof *rows);
    if (rows == NULL)
        return ERR_NOMEM;
    memset(rows + names->room, 0, (names->names.room - names->room) * sizeof *rows);
    names->rows = rows;
    names->room = names->names.room;
    return ERR_OK;
}

enum err
helonames_add(
    struct helonames *names, const struct dname *name, const struct ip *client, enum fact resolves)
{
    size_t number;
    enum err err = number_of(names, name, &number);
    if (err < 0)
        return err;
    struct helonames_row *row = &names->rows[number];
    struct prefix own = ip_is4(client) ? prefix_of(client, 32) : network_of(client);
    bool is_new = row->clients == 0 || ip_cmp(&row->last.addr, &own.addr) != 0;
    row->last = own;
    row->clients += is_new;
    row->unknown += is_new && resolves == FACT_UNKNOWN;
    row->resolving_to += resolves == FACT_YES;
    return ERR_OK;
}

enum err
helonames_judge(const struct helonames *names, const struct judging_env *env, bool mature,
    const struct judging_visitor *visitor)
{
    if (visitor->helo_name == NULL)
        return ERR_OK;
    for (size_t i = 0; i < names->names.count; i++) {
        const struct dname *name = &names->names.names[i];
        const struct helonames_row *row = &names->rows[i];
        struct dname organisation;
        publicname_registrable(env->names, name, &organisation);
        struct helo_name_facts facts = {
            .name = name,
            .clients = row->clients,
            .resolving_to = row->resolving_to,
            .unknown = row->unknown,
            .public_name = publicname_special(name) ? FACT_NO : FACT_YES,
            .owned = (dname_labels(name) > 1 && dname_equal(name, &organisation)) ||
                     provider_of_helo(name) != NULL || provider_of_sender(&organisation) != NULL,
            .inside = helo_is_inside(name),
            .mature = mature,
        };
        struct judgement judgement;
        judge_helo_name(&facts, &env->conf->policy, &judgement);
        enum err err = visitor->helo_name(visitor->ctx, &facts, &judgement);
        if (err < 0)
            return err;
    }
    return ERR_OK;
}

void
helonames_free(struct helonames *names)
{
    namemap_free(&names->names);
    free(names->rows);
}
