/*
 * The sub-commands of repdns. Each reads alone: stores are opened read-only, nothing is resolved
 * but by "query", which asks the configured server.
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
    bool beat;          /* dump: the heartbeat too */
    const char *as;     /* dump: the form for a list; NULL for a store */
    const char *server; /* query: ADDR[@PORT], or NULL for the configured one */
    int arg_count;      /* what follows the sub-command */
    char *const *args;
};

/* The result is an exit code; msg is set unless it is EXIT_DONE, and may be "" where everything was
 * said on tool->out. */
typedef enum exit_code (*tool_fn)(const struct tool *tool, struct errmsg *msg);

enum exit_code tool_explain(const struct tool *tool, struct errmsg *msg);
enum exit_code tool_query(const struct tool *tool, struct errmsg *msg);
enum exit_code tool_dump(const struct tool *tool, struct errmsg *msg);
enum exit_code tool_check(const struct tool *tool, struct errmsg *msg);
enum exit_code tool_status(const struct tool *tool, struct errmsg *msg);

/* The exit code that fits an error of a store or file. */
enum exit_code tool_exit(enum err err);

/* dump.c, dump_history.c: what "dump" prints of one store. */
enum err dump_answers(FILE *out, const struct conf *conf, bool beat, struct errmsg *msg) MUST_CHECK;
enum err dump_history(FILE *out, const struct conf *conf, struct errmsg *msg) MUST_CHECK;
enum err dump_lists(FILE *out, const struct conf *conf, struct errmsg *msg) MUST_CHECK;

/* dump_list.c: a list as other programs read it. */
enum exit_code dump_list_as(const struct tool *tool, const char *name, struct errmsg *msg);

/* A list on its way out: flattened, its entries in the syntax of its type. */
struct list_set;
struct list_dump {
    FILE *out;
    const struct conf *conf;
    const struct list_source *source;
    const struct list_set *set;
};
/* One form each. ERR_RANGE: something that the form can't say. */
typedef enum err (*list_dump_fn)(const struct list_dump *dump);
enum err dump_rbldnsd(const struct list_dump *dump) MUST_CHECK;
enum err dump_bind(const struct list_dump *dump) MUST_CHECK;
enum err dump_json(const struct list_dump *dump) MUST_CHECK;

/* text.c. In quotes; all but printable ASCII as \xHH, so that a terminal is safe and a line is one
 * record. */
void text_quoted(FILE *out, struct slice text);
/* As master files write it; no byte of a name can reach the terminal raw. */
void text_name(FILE *out, const struct dname *name);
void text_ip(FILE *out, const struct ip *ip);
/* "a" or "a-b". */
void text_range(FILE *out, const struct range *range);
void text_time(FILE *out, int64_t when_s);
/* "127.0.0.3" of an address in host byte order. */
void text_a(FILE *out, uint32_t a);
/* A stored value: "score,rdns-none" or 127.0.0.2 "text", elements joined by "; ". */
void text_value(FILE *out, struct slice value);
/* As a master file has them (RFC 1035 5.1): a name below the origin, and a TXT record's strings of
 * at most 255 bytes. */
void text_zone_name(FILE *out, const struct dname *name);
void text_zone_strings(FILE *out, struct slice text);
/* A line for each reason: name, A, sentence; indent blanks before it. */
void text_reasons(FILE *out, unsigned indent, struct reason_set reasons, const char *subject);

#endif
