/*
 * The sub-commands of repdns. Each reads alone: stores are opened read-only, nothing is resolved
 * but by "query", which asks the configured server, and "policy", which asks the resolver.
 */
#ifndef TOOLS_TOOLS_H
#define TOOLS_TOOLS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "loader/exitcode.h"
#include "zones/slice.h"
#include "zones/zoneconf.h"

struct tool {
    const struct conf *conf;
    int64_t now_s;
    FILE *out;
    bool beat;               /* dump: the heartbeat too */
    const char *as;          /* dump: the form for a list; NULL for a store */
    bool once;               /* stats: one reading */
    bool json;               /* lines of JSON, where there is such a form */
    bool screen;             /* out is a terminal that can be cleared */
    bool colours;            /* and colours are wanted there */
    const char *server;      /* query: ADDR[@PORT], or NULL for the configured one */
    const char *last, *zone; /* whatif: the window and the zone; NULL: not given */
    int arg_count;           /* what follows the sub-command */
    char *const *args;
};

/* The result is an exit code; msg is set unless it is EXIT_DONE, and may be "" where everything was
 * said on tool->out. */
typedef enum exit_code (*tool_fn)(const struct tool *tool, struct errmsg *msg);

enum exit_code tool_explain(const struct tool *tool, struct errmsg *msg);
enum exit_code tool_whatif(const struct tool *tool, struct errmsg *msg);
enum exit_code tool_query(const struct tool *tool, struct errmsg *msg);
enum exit_code tool_dump(const struct tool *tool, struct errmsg *msg);
enum exit_code tool_check(const struct tool *tool, struct errmsg *msg);
enum exit_code tool_stats(const struct tool *tool, struct errmsg *msg);
enum exit_code tool_status(const struct tool *tool, struct errmsg *msg);
enum exit_code tool_policy(const struct tool *tool, struct errmsg *msg);

/* The exit code that fits an error of a store or file. */
enum exit_code tool_exit(enum err err);

/* check.c: whether each store that is used can be opened and is of this version; ERR_NOTFOUND where
 * it is not there yet. why is a message. */
typedef void (*store_checked_fn)(void *ctx, const char *path, enum err err, const char *why);
void check_each_store(const struct conf *conf, store_checked_fn each, void *ctx);

/* dump.c, dump_history.c: what "dump" prints of one store. The line's error is apart. */
struct dumpline;
enum err dump_answers(
    struct dumpline *line, const struct conf *conf, bool beat, struct errmsg *msg) MUST_CHECK;
enum err dump_history(
    struct dumpline *line, const struct conf *conf, struct errmsg *msg) MUST_CHECK;
enum err dump_lists(struct dumpline *line, const struct conf *conf, struct errmsg *msg) MUST_CHECK;
/* dump_pairs.c: what records of pairs come to, lines of one dataset. ERR_FORMAT: damaged. */
struct nameset_entry;
enum err dump_policy_of(
    struct dumpline *line, const char *dataset, const struct nameset_entry *entry) MUST_CHECK;
enum err dump_table_of(
    struct dumpline *line, const char *dataset, struct slice key, struct slice value) MUST_CHECK;
enum err dump_pairs_of(
    struct dumpline *line, const char *dataset, struct slice key, struct slice value) MUST_CHECK;
/* dump_records.c: lines of one dataset. */
struct authority;
struct recordset_entry;
void dump_record(struct dumpline *line, const char *dataset, const struct recordset_entry *entry);
void dump_authority(struct dumpline *line, const char *dataset, const struct authority *authority);
/* What a record of the store comes to. ERR_FORMAT: damaged. */
enum err dump_record_of(
    struct dumpline *line, const char *dataset, struct slice key, struct slice value) MUST_CHECK;
enum err dump_authority_of(
    struct dumpline *line, const char *dataset, struct slice value) MUST_CHECK;
enum err dump_combined_of(
    struct dumpline *line, const char *dataset, struct slice value) MUST_CHECK;

/* dump_list.c: a list as other programs read it. */
enum exit_code dump_list_as(const struct tool *tool, const char *name, struct errmsg *msg);

/* A list on its way out: flattened, its entries in the syntax of its type. */
struct list_set;
struct list_dump {
    FILE *out;
    const struct conf *conf;
    const struct list_source *source;
    const struct list_set *set;
    /* What is at work of it: the set itself, or of a combined list a section. */
    const struct publish_set *entries;
    enum list_type type;
};
/* Calls each for the list, or for its sections in their order; part is 0 or counts them from 1. */
typedef enum err (*list_part_fn)(struct list_dump *dump, unsigned part, void *ctx);
enum err dump_parts(struct list_dump *dump, list_part_fn each, void *ctx) MUST_CHECK;
/* The sub-zones of a section, a blank before each; "@" is the zone itself. */
void dump_part_zones(const struct list_dump *dump, unsigned part);
/* One form each. ERR_RANGE: something that the form can't say. */
typedef enum err (*list_dump_fn)(struct list_dump *dump);
enum err dump_rbldnsd(struct list_dump *dump) MUST_CHECK;
enum err dump_bind(struct list_dump *dump) MUST_CHECK;
enum err dump_json(struct list_dump *dump) MUST_CHECK;

/* text.c. As master files write it; no byte of a name can reach the terminal raw. */
void text_name(FILE *out, const struct dname *name);
void text_ip(FILE *out, const struct ip *ip);
/* "a" or "a-b". */
void text_range(FILE *out, const struct range *range);
void text_time(FILE *out, int64_t when_s);
/* "127.0.0.3" of an address in host byte order. */
void text_a(FILE *out, uint32_t a);
/* A stored value: "score,rdns-none" or 127.0.0.2 "text", elements joined by "; ". */
void text_value(FILE *out, struct slice value);
/* What the environment and the stream allow: *screen for a terminal that is not dumb, *colours if
 * besides NO_COLOR is not set (https://no-color.org). */
void text_terminal(FILE *out, bool *screen, bool *colours);
enum text_colour { TEXT_PLAIN, TEXT_BOLD, TEXT_RED, TEXT_YELLOW, TEXT_GREEN };
/* What begins a colour, or with TEXT_PLAIN ends it; "" without colours. Static storage. */
const char *text_colour(bool colours, enum text_colour colour);
/* As a master file has them (RFC 1035 5.1): a name below the origin, and a TXT record's strings of
 * at most 255 bytes. */
void text_zone_name(FILE *out, const struct dname *name);
void text_zone_strings(FILE *out, struct slice text);
/* A record's type and data as a master file has them; names are absolute. */
struct recordset_rr;
void text_record(FILE *out, const struct recordset_rr *rr);
/* "A", "TXT", "MX" */
const char *text_type(uint16_t type);
/* "refuse" of an access list's literal; NULL: it is no action. */
const char *text_action(uint32_t a);
/* A line for each reason: name, A, sentence; indent blanks before it. */
void text_reasons(FILE *out, unsigned indent, struct reason_set reasons, const char *subject);

#endif
