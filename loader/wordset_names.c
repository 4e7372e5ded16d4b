/* The operator's word of names as a dataset; see wordset.h. */
#include <stdlib.h>
#include <string.h>

#include "loader/wordset_internal.h"

/* A name that somebody speaks of. */
struct said {
    struct nameset_entry entry;
    uint8_t key[DNAME_KEY_MAX];
    size_t key_n;
    const struct word *word; /* NULL: it is never listed */
};

struct sayings {
    struct said *items;
    size_t count, room;
};

static enum err
add(struct sayings *sayings, const struct nameset_entry *entry, const struct word *word)
{
    if (sayings->count == sayings->room) {
        size_t room = sayings->room * 2 + 64;
        struct said *grown = reallocarray(sayings->items, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        sayings->items = grown;
        sayings->room = room;
    }
    struct said *said = &sayings->items[sayings->count++];
    said->entry = *entry;
    said->word = word;
    said->key_n = dname_key(&entry->name, said->key);
    return ERR_OK;
}

/* The name and all below it. */
static struct nameset_entry
entry_of(const struct dname *name, struct slice value)
{
    struct nameset_slot slot = {
        .kind = value.n > 0 ? NAMESET_SLOT_VALUE : NAMESET_SLOT_EXCLUDED, .value = value};
    return (struct nameset_entry){.name = *name, .exact = slot, .wild = slot};
}

static enum err
add_words(const struct words *words, bool judged, struct slice value, struct sayings *out)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < words->count && err == ERR_OK; i++) {
        const struct word *word = &words->items[i];
        bool allows = wordset_allows(word, judged);
        if (!word->subject.is_name || (!allows && word->verb != WORD_BLOCK))
            continue;
        struct nameset_entry entry =
            entry_of(&word->subject.name, allows ? slice_of(NULL, 0) : value);
        err = add(out, &entry, word);
    }
    return err;
}

/* Own names, and what allow lists list, are left out of blocks. */
static enum err
add_never(const struct conf *conf, const struct list_set *const *allow, size_t allow_count,
    struct sayings *out)
{
    const struct nameset_slot excluded = {.kind = NAMESET_SLOT_EXCLUDED};
    enum err err = ERR_OK;
    for (unsigned i = 0; i < conf->own_name_count && err == ERR_OK; i++) {
        struct nameset_entry entry = entry_of(&conf->own_names[i], slice_of(NULL, 0));
        err = add(out, &entry, NULL);
    }
    for (size_t i = 0; i < allow_count; i++) {
        const struct publish_set *set = lists_set(allow[i]);
        for (size_t k = 0; set->names != NULL && k < set->count && err == ERR_OK; k++) {
            struct nameset_entry entry = {.name = set->names[k].name};
            if (set->names[k].exact.kind == NAMESET_SLOT_VALUE)
                entry.exact = excluded;
            if (set->names[k].wild.kind == NAMESET_SLOT_VALUE)
                entry.wild = excluded;
            err = add(out, &entry, NULL);
        }
    }
    return err;
}

static int
by_key(const void *a, const void *b)
{
    const struct said *x = a, *y = b;
    return slice_cmp(slice_of(x->key, x->key_n), slice_of(y->key, y->key_n));
}

static void
exclude(struct nameset_slot *slot, const struct nameset_slot *other)
{
    if (slot->kind == NAMESET_SLOT_EMPTY || other->kind == NAMESET_SLOT_EXCLUDED)
        *slot = *other;
}

/* One for each name, where an exclusion wins; its word is that of an allow, or else of the block.
 */
static void
unite(struct sayings *sayings)
{
    size_t kept = 0;
    if (sayings->count > 1)
        qsort(sayings->items, sayings->count, sizeof *sayings->items, by_key);
    for (size_t i = 1; i < sayings->count; i++) {
        struct said *last = &sayings->items[kept], *next = &sayings->items[i];
        if (by_key(last, next) != 0) {
            sayings->items[++kept] = *next;
            continue;
        }
        exclude(&last->entry.exact, &next->entry.exact);
        exclude(&last->entry.wild, &next->entry.wild);
        if (last->word == NULL || (next->word != NULL && next->word->verb != WORD_BLOCK))
            last->word = next->word;
    }
    sayings->count = sayings->count > 0 ? kept + 1 : 0;
}

static bool
is_under(const struct said *said, const struct said *cover)
{
    return cover != NULL && said->key_n >= cover->key_n &&
           memcmp(said->key, cover->key, cover->key_n) == 0;
}

/* Names below a name follow it. Under an exclusion nothing is blocked; what is never listed has to
 * be said under a block alone, and what is allowed always, since lists may list it. */
static enum err
collect(struct sayings *sayings, struct wordset *out)
{
    const struct said *never = NULL, *blocked = NULL;
    enum err err = ERR_OK;
    for (size_t i = 0; i < sayings->count && err == ERR_OK; i++) {
        const struct said *said = &sayings->items[i];
        bool decided = is_under(said, never), under_block = is_under(said, blocked);
        if (!decided && said->entry.wild.kind == NAMESET_SLOT_EXCLUDED)
            never = said;
        if (!under_block && said->entry.wild.kind == NAMESET_SLOT_VALUE)
            blocked = said;
        bool allowed = said->word != NULL && said->word->verb != WORD_BLOCK;
        if (!allowed && (decided || (said->word == NULL && !under_block)))
            continue;
        out->names[out->name_count++] = said->entry;
        if (said->word != NULL && said->word->verb == WORD_BLOCK)
            err = wordset_add_evidence(out, WORDSET_NAME, said->word);
    }
    return err;
}

enum err
wordset_make_names(const struct conf *conf, const struct words *words, bool judged,
    const struct list_set *const *allow, size_t allow_count, struct wordset *out)
{
    struct sayings sayings = {0};
    struct reason_set operator= {0};
    reasons_add(&operator, REASON_NAME_OPERATOR);
    value_of_reasons(operator, out->name_value);
    enum err err =
        add_words(words, judged, slice_of(out->name_value, sizeof out->name_value), &sayings);
    if (err == ERR_OK)
        err = add_never(conf, allow, allow_count, &sayings);
    if (err == ERR_OK) {
        unite(&sayings);
        out->names = calloc(sayings.count + 1, sizeof *out->names);
        err = out->names == NULL ? ERR_NOMEM : collect(&sayings, out);
    }
    free(sayings.items);
    struct publish_set *set = &out->sets[WORDSET_NAME];
    set->info.kind = DATASET_NAME;
    set->names = out->names;
    set->count = out->name_count;
    return err;
}
