/*
 * The configuration: one file for repdnsd, repdns-load and repdns, read by libconfuse (confschema.h
 * alone includes it), checked whole, then held as plain data. Errors are "file:line: what; what to
 * do". The shipped zone definitions are a table in zones_shipped.c.
 *
 * Owned by struct conf: everything below lives until conf_free. Nothing here is written after load.
 */
#ifndef ZONES_ZONECONF_H
#define ZONES_ZONECONF_H

#include <stdbool.h>
#include <stdint.h>

#include "authority.h"
#include "dname.h"
#include "err.h"
#include "ip.h"
#include "listtype.h"
#include "logformat.h"
#include "store.h"
#include "verdict.h"

struct endpoint {
    struct ip ip;
    uint16_t port;
};

/* What the labels left of an apex mean. Never guessed from the name. */
enum zone_kind {
    ZONE_BASE, /* apex only; the other zones may lie below */
    ZONE_ADDR, /* reversed address */
    ZONE_NAME, /* domain or HELO name */
    ZONE_PAIR, /* reversed address, then a domain */
    ZONE_LIST  /* an rbldnsd list: address sets and name sets, each asked by its own kind */
};

/* What a zone answers whom it does not serve, or to what it can't. */
enum zone_errors {
    ZONE_REFUSES, /* REFUSED, with an extended error */
    ZONE_CODES,   /* 127.255.255.252, .254 and .255, and a name of another kind gets one too */
    ZONE_DROPS    /* nothing */
};

/* A view over datasets. */
struct zone_def {
    struct dname apex; /* absolute */
    enum zone_kind kind;
    bool enabled;       /* else REFUSED: informational zones are off as shipped */
    bool informational; /* TXT begins "NOT A BLOCK LIST" */
    bool private;       /* TXT may carry evidence detail: HELO names, counts */
    struct reason_set show;
    struct reason_set beside_score; /* shown too where the score is among the reasons */
    unsigned dataset_count;
    char (*datasets)[DATASET_NAME_SIZE]; /* asked in order, answers ORed */
    uint32_t ttl_s;                      /* of positive answers */
    struct soa soa;
    unsigned ns_count;
    struct dname *ns;
    char url[128];               /* appended to TXT; $ is the subject; "" for none */
    bool authority_data;         /* SOA and NS are those of the datasets, not soa and ns above */
    bool ns_in_answers;          /* the NS set is in the authority section of positive answers */
    bool sixtofour;              /* 2002::/16 is asked as its embedded IPv4 address too */
    char acl[DATASET_NAME_SIZE]; /* clients' addresses and what is done with them; "" for none */
    bool keyed;                  /* the label left of the apex is a client's key */
    enum zone_errors errors;
    unsigned line; /* of the configuration file, 0 if shipped */
};

struct log_source {
    char *path; /* glob pattern, plain or .gz */
    enum log_format format;
    unsigned line;
};

enum mailstore_format { MAILSTORE_MAILDIR, MAILSTORE_MBOX };
struct mailstore {
    char *path;
    enum mailstore_format format;
    unsigned line;
};

#define ZONE_DATASETS_MAX 16

/* What a list says of its entries. ALLOW takes them out of every judged dataset. */
enum list_role { LIST_BLOCK, LIST_ALLOW };
struct list_source {
    char name[DATASET_NAME_SIZE]; /* also its dataset's */
    enum list_type type;
    enum list_role role;
    unsigned file_count;
    char **files;
    uint32_t max_change;       /* a publish that grows or shrinks it by more per cent is refused */
    uint32_t max_change_floor; /* but not below so many entries */
    bool host_bits;            /* bits past a prefix's length are cleared, not an error */
    uint32_t min_ttl_s, max_ttl_s; /* bounds of the TTLs that files give; 0: none */
    bool keep_cr;                  /* strict_rbldnsd: a carriage return is as any other byte */
    unsigned line;
};

/* Thresholds of judging; meanings in repdns.conf(5). */
struct policy {
    uint32_t retention_days;     /* observations older than this are dropped */
    uint32_t learn_sessions;     /* first days: history blocks nobody before so many sessions */
    uint32_t learn_days;         /* and so many days were seen */
    uint32_t half_life_days;     /* evidence weighs half as much after so many */
    uint32_t max_addresses;      /* that the history keeps */
    uint32_t score_threshold;    /* an address with this score or a worse one is listed */
    uint32_t list_sessions;      /* accepted sessions of an address before a score lists it */
    uint32_t list_days;          /* and days with them */
    uint32_t reports_per_day;    /* of one reporter; of filters, on one client */
    uint32_t complaints;         /* reports of spam, faded, that are "trap" by themselves */
    uint32_t churn_names;        /* unrelated HELO names of one address */
    uint32_t shared_clients;     /* clients of one HELO name that it does not resolve to */
    uint32_t fail_habit_domains; /* domains with SPF fail before it is a habit */
    uint32_t min_sessions;       /* accepted ones of an address before its habits count */
    uint32_t max_new_percent;    /* a run that newly lists more than this share stops */
    uint32_t max_new_floor;      /* but never below so many new listings */
    char *weights;               /* a file of weights; NULL: the shipped ones */
    uint32_t max_age_s;          /* judged data is not served longer after the last run */
};

/* Sender policies; meanings in repdns.conf(5). */
struct spf_conf {
    uint32_t lookup_limit, void_limit; /* RFC 7208 4.6.4 */
    uint32_t
        keep_s; /* how long a domain's table is served after it could last be made; 0: no limit */
    unsigned file_count;
    char **files; /* names of domains that are known though no mail of theirs was seen */
};

/* What repdnsd writes of its work; meanings in repdns.conf(5). */
struct query_log_conf {
    char *path;      /* NULL: none; "-": standard output */
    char *facility;  /* of syslog, which path names; NULL: path is a file */
    bool text;       /* else as rbldnsd writes it */
    bool full;       /* client addresses are not cut to /24 and /56 */
    bool keys;       /* clients' keys are there in clear, not their ids */
    uint32_t sample; /* one of so many answers is logged */
};
struct dnstap_conf {
    char *path;      /* of a socket or file; NULL: none */
    char *identity;  /* of this server; "" for none */
    bool full;       /* client addresses are not cut to /24 and /56 */
    uint32_t sample; /* one of so many answers is told */
};
/* Where Prometheus and repdns stats ask. */
struct metrics_conf {
    char *path;      /* of a unix socket; NULL: none */
    bool has_listen; /* over TCP */
    struct endpoint listen;
    bool kernel_latency; /* answers are timed from when the kernel received the query */
};
struct statistics_conf {
    char *path;       /* NULL: none */
    bool prometheus;  /* else as rbldnsd writes it */
    bool deltas;      /* counts since the line before, not since the start */
    uint32_t every_s; /* 0: at start, end and signals alone */
};

/* How repdnsd's processes run; meanings in repdns.conf(5). */
enum conf_seccomp { CONF_SECCOMP_KILL, CONF_SECCOMP_LOG, CONF_SECCOMP_OFF };
struct process_conf {
    enum conf_seccomp seccomp;
    bool freebind;       /* listen on addresses that are not there yet */
    bool pin;            /* UDP workers stay on one processor each */
    unsigned core_count; /* 0: on those that the process may use */
    uint16_t *cores;
};

/* What repdnsd answers how often; meanings in repdns.conf(5). Rates are by second, 0: no limit. */
#define RATE_MOST        100000
#define RATE_WINDOW_MOST 20
#define RATE_SLIP_MOST   10
struct rate_conf {
    uint32_t responses, nodata, nxdomains, errors, all;
    uint32_t window_s, slip;
    uint32_t prefix4, prefix6; /* bits of a client's address that are its network */
    uint32_t table;            /* accounts */
    bool log_only;
    unsigned exempt_count; /* 0: private networks are exempt */
    struct prefix *exempt;
};

struct cookie_conf {
    bool enabled, badcookie;
    char *path; /* of the secrets; NULL: a random one */
};

struct keys_conf {
    char *path;       /* NULL: there are no keys */
    char *state_path; /* what was used of the day's quotas */
};

/* How repdnsd speaks DNS; meanings in repdns.conf(5). */
struct protocol_conf {
    char *identity;    /* of this server, for NSID and id.server; "" for none */
    uint16_t udp_size; /* bytes that are advertised, and the most that are sent over UDP */
    bool any_small;    /* ANY over UDP gets records of one type (RFC 8482 4.1) */
};
struct tcp_conf {
    uint32_t connections; /* at once */
    uint32_t per_client;  /* of them, of one /24 or /56 */
    uint32_t idle_s;      /* without a whole query, or an answer that was taken */
};

/* What repdns policy answers; the stronger ones last. */
enum policy_action { POLICY_DUNNO, POLICY_PREPEND, POLICY_DEFER, POLICY_REJECT };
/* What of a session a zone is asked for. */
enum policy_ask { POLICY_ASK_CLIENT, POLICY_ASK_SENDER, POLICY_ASK_HELO, POLICY_ASK_PAIR };
enum policy_check {
#define POLICY_CHECK(id, name, text) POLICY_CHECK_##id,
#include "policychecks.def"
#undef POLICY_CHECK
    POLICY_CHECK_COUNT
};
#define POLICY_RULES_MAX 32
/* A line of the rule table: a zone that lists, or a check that finds something. */
struct policy_rule {
    const struct zone_def *zone; /* NULL: a check */
    enum policy_ask ask;         /* of a zone */
    enum policy_check check;
    enum policy_action action;
    unsigned code_count; /* of a zone: the A records that count */
    struct prefix *codes;
};
struct policy_service_conf {
    unsigned listen_count;
    char **listen; /* ADDR@PORT, or the path of a socket */
    uint32_t timeout_s;
    bool header; /* PREPEND may be answered */
    unsigned rule_count;
    struct policy_rule *rules;
};

struct conf {
    char *path; /* of the file */
    struct dname base;
    char *state_dir;
    char *answers_path; /* state_dir/answers.mdb */
    char *history_path;
    char *lists_path;
    char *user; /* to become when started as root */
    char *group;
    bool public;
    bool retired; /* nothing is listed any more, the test entries neither (RFC 6471 3.4) */
    uint16_t udp_workers;
    unsigned listen_count;
    struct endpoint *listen;
    unsigned zone_count; /* shipped ones first, then the file's */
    struct zone_def *zones;
    char acl[DATASET_NAME_SIZE]; /* of all zones; "" for none */
    char *version;               /* for version.bind; NULL or "": refused */
    bool strict_rbldnsd;         /* server/strict.def */

    bool own_networks_set; /* else the loader takes the MTA's own (postconf mynetworks) */
    unsigned own_network_count;
    struct prefix *own_networks;
    unsigned own_name_count;
    struct dname *own_names;
    unsigned trap_count;
    char **traps; /* "user@domain", or "@domain" for all of it */
    unsigned trusted_relay_count;
    struct prefix *trusted_relays;
    unsigned never_count;
    struct prefix *never_list;

    unsigned log_count;
    struct log_source *logs;
    unsigned mailstore_count;
    struct mailstore *mailstores;
    unsigned list_count;
    struct list_source *lists;

    bool has_resolver; /* else the system's */
    struct endpoint resolver;
    uint32_t resolver_timeout_ms, resolver_tries, resolver_window;
    struct dname canary; /* a name that has an A record; its "nx" label must not exist */
    bool has_canary;
    uint32_t min_ttl_s, max_ttl_s; /* bounds of what the DNS cache keeps */
    struct policy policy;
    struct spf_conf spf;
    struct query_log_conf query_log;
    struct statistics_conf statistics;
    struct process_conf process;
    struct metrics_conf metrics;
    struct dnstap_conf dnstap;
    struct rate_conf rate;
    struct cookie_conf cookies;
    struct keys_conf keys;
    struct protocol_conf protocol;
    struct tcp_conf tcp;
    struct policy_service_conf policy_service;

    char warnings[1024]; /* lines of what is allowed, but hardly meant: conf_next_warning */
    struct conf_block *blocks;
};

/* Reads and checks the whole file. On failure *out is NULL and msg says file:line, what, and what
 * to do. */
enum err conf_load(const char *path, struct conf **out, struct errmsg *msg) MUST_CHECK;
void conf_free(struct conf **conf);

/* The next line of conf->warnings, with which *at begins; empty at the end. */
struct slice conf_next_warning(const char **at);
unsigned conf_enabled_zones(const struct conf *conf);

/* A digest of everything that shapes a zone's answers: a change of it raises the serial. */
uint64_t zone_digest(const struct zone_def *zone);

/* The dataset names that judging publishes. */
#define DATASET_JUDGED_IP   "judged.ip"
#define DATASET_JUDGED_DOM  "judged.dom"
#define DATASET_JUDGED_HELO "judged.helo"
#define DATASET_JUDGED_PAIR "judged.pair"
/* Of addresses: 127.0.4.N, N the score, and 127.0.x.y, y the trust (as DNSWL's). */
#define DATASET_JUDGED_SCORE "judged.score"
#define DATASET_JUDGED_TRUST "judged.trust"
/* Not judged: addresses that a blocking pair zone leaves out. */
#define DATASET_NEVER "judged.never"
/* The operator's word, which stands above judging: of addresses, OPERATOR where he blocks and no
 * reason where he allows; of names, NAME_OPERATOR, or an exclusion where he allows. */
#define DATASET_WORD_IP   "judged.word.ip"
#define DATASET_WORD_NAME "judged.word.name"

#endif
