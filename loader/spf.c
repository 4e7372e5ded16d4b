/*
 * The flow of an SPF evaluation: libspf2 over token records. See spf.h.
 *
 * A fetched record is checked and taken apart by spfrecord.c, and what libspf2 compiles is written
 * anew: each mechanism becomes an exists: or include: of a token ("f0t3.tok": frame 0, term 3), and
 * our DNS layer and get_spf hook answer for the tokens. So libspf2 keeps the order of terms, the
 * qualifiers, the results of include and redirect, and nothing that came from outside:
 *
 *     v=spf1 ip4:192.0.2.0/24 a:%{o} include:b.example -all    as fetched; 192.0.2.7 asks
 *     v=spf1 +exists:f0t0.tok                                  ip4 decides, the rest is dropped
 *     v=spf1 +exists:f0t0.tok +include:f0t1.tok -exists:f0t2.tok    for another address
 *
 * all is a token too: the last token asked for in a frame is then the term that decided.
 *
 * Known faults of libspf2 1.2.10 that this keeps away from: CVE-2023-42118 (macro compiler),
 * mechanisms dropped past 511 compiled bytes, limits counted per include, no void limit, redirect
 * taken where it stands, a free pass for 127.0.0.0/8 in SPF_request_query_mailfrom.
 */
#include "loader/spf.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/spfdns.h"

/* Else spf_dns.h defines the ns_t_ names of <arpa/nameser.h> again. */
#define HAVE_NS_TYPE 1
#include <arpa/nameser.h>
#include <netdb.h>
#include <spf2/spf.h>
#include <spf2/spf_dns.h>
#include <spf2/spf_log.h>

/* A token mechanism compiles to at most 20 bytes: TERMS_MAX of them fit into the 511 that libspf2
 * keeps. */
#define LOOKUPS_MAX SPF_LOOKUPS_MAX
#define TERMS_MAX   (LOOKUPS_MAX + 2) /* one lookup too many, and all or redirect */
#define FRAMES_MAX  (LOOKUPS_MAX + 1) /* the first record, and one for each lookup */
#define TOKEN_SIZE  16
#define RECORD_SIZE (8 + TERMS_MAX * (11 + TOKEN_SIZE))

/* A record at work: the first one, or that of an include or redirect. */
struct frame {
    struct dname domain;
    struct spfterm terms[TERMS_MAX]; /* by token; slices are borrowed from the DNS answers */
    unsigned term_count;
    bool has_exp;
    struct spfterm exp;
    unsigned last;  /* the term that was asked for last */
    unsigned child; /* its frame, if it is an include or redirect */
};

struct spf {
    SPF_dns_server_t layer;
    SPF_server_t *server;
    jmp_buf on_error;
    struct spfdns dns;
    unsigned frame_count;
    struct frame frames[FRAMES_MAX];
    /* libspf2's objects of one evaluation; here and not in locals because of the longjmp. */
    SPF_request_t *request;
    SPF_response_t *response;
    SPF_record_t *record;
};

/* libspf2's error handler must not return and gets no context: this tells it where to jump. The one
 * variable of the module, per thread, NULL outside of calls into libspf2. */
static _Thread_local struct spf *working;

/* Memory has run out, or an assertion of libspf2 failed. Its default is abort(). */
static void __attribute__((noreturn)) on_error(const char *file, int line, const char *text)
{
    (void)file;
    (void)line;
    (void)text;
    if (working == NULL)
        abort();
    longjmp(working->on_error, 1);
}

/* Warnings are about tokens: nothing that a person could act upon. */
static void
on_message(const char *file, int line, const char *text)
{
    (void)file;
    (void)line;
    (void)text;
}

static void
token_name(unsigned frame, unsigned term, char out[TOKEN_SIZE])
{
    (void)snprintf(out, TOKEN_SIZE, "f%ut%u.tok", frame % 100, term % 100);
}

/* The frame and term of a token; false for a name that is none. */
static bool
find_token(struct spf *spf, const char *name, struct frame **frame, unsigned *term)
{
    unsigned f, t;

    if (sscanf(name, "f%ut%u.tok", &f, &t) != 2 || f >= spf->frame_count ||
        t >= spf->frames[f].term_count)
        return false;
    *frame = &spf->frames[f];
    *term = t;
    return true;
}

static void
append_token(struct spf *spf, struct frame *frame, const struct spfterm *term, char *out)
{
    char token[TOKEN_SIZE];
    size_t n = strlen(out);

    token_name((unsigned)(frame - spf->frames), frame->term_count, token);
    frame->terms[frame->term_count++] = *term;
    if (term->kind == SPFTERM_REDIRECT)
        (void)snprintf(out + n, RECORD_SIZE - n, " redirect=%s", token);
    else
        (void)snprintf(out + n, RECORD_SIZE - n, " %c%s:%s", term->qualifier,
            term->kind == SPFTERM_INCLUDE ? "include" : "exists", token);
}

/* Writes the token record. What cannot be reached is left out: terms behind one that decides, and
 * behind the term that breaks the lookup limit. */
static void
tokenize(struct spf *spf, struct frame *frame, struct slice record, char out[RECORD_SIZE])
{
    unsigned room = spf->dns.limits.lookups - spf->dns.lookups + 1;
    bool decided = false, has_redirect = false;
    struct spfrecord_walk walk;
    struct spfrecord_error error;
    struct spfterm term, redirect;

    (void)snprintf(out, RECORD_SIZE, "v=spf1");
    spfrecord_start(record, &walk);
    while (spfrecord_next(&walk, &term, &error) == ERR_OK) {
        bool ip = term.kind == SPFTERM_IP4 || term.kind == SPFTERM_IP6;

        if (term.kind == SPFTERM_EXP) {
            frame->exp = term;
            frame->has_exp = true;
        } else if (term.kind == SPFTERM_REDIRECT) {
            redirect = term;
            has_redirect = true;
        } else if (!decided && term.kind != SPFTERM_OTHER &&
                   (!ip || spfdns_ip_matches(&spf->dns.query->ip, &term))) {
            append_token(spf, frame, &term, out);
            decided = ip || term.kind == SPFTERM_ALL || --room == 0;
        }
    }
    /* RFC 7208 6.1: after all mechanisms wherever it stands, and never with an all. */
    if (has_redirect && !decided)
        append_token(spf, frame, &redirect, out);
}

/* Fetches the record of domain into a new frame. parent: the term that wants it, in the record of
 * parent_domain; NULL for the first record. false: no record (first one only), or stopped. */
static bool
load(struct spf *spf, const struct dname *domain, const struct spfterm *parent,
    const struct dname *parent_domain, struct slice *record)
{
    struct spfdns *dns = &spf->dns;
    struct spfrecord_error error = {0};
    struct dns_answer answer;
    unsigned count;

    enum dns_status status = spfdns_ask(dns, DNS_TXT, domain, &answer);
    if (status == DNS_FAIL && dns->stop == SPFDNS_GO) {
        (void)snprintf(dns->out->why, sizeof dns->out->why, "DNS failed for an SPF record");
        dns->stop = SPFDNS_TEMPERROR; /* RFC 7208 4.4 */
    }
    if (dns->stop != SPFDNS_GO)
        return false;
    enum err err = status == DNS_OK ? spfrecord_select(&answer, record, &count) : ERR_NOTFOUND;
    if (err == ERR_NOTFOUND && parent != NULL) {
        error = (struct spfrecord_error){.term = parent->text, .column = parent->column};
        /* RFC 7208 5.2 and 6.1: none turns into permerror. */
        spfdns_permerror(dns, parent_domain, &error, SPFDNS_NO_RECORD);
    } else if (err == ERR_REFUSED) {
        spfdns_permerror(dns, domain, NULL, SPFDNS_TWO_RECORDS);
    } else if (err == ERR_OK && spfrecord_check(*record, &error) != ERR_OK) {
        spfdns_permerror(dns, domain, &error, error.cause);
    }
    return err == ERR_OK && dns->stop == SPFDNS_GO;
}

/* A new frame with the record, compiled into *out. */
static SPF_errcode_t
compile(struct spf *spf, const struct dname *domain, struct slice record, SPF_response_t *response,
    SPF_record_t **out)
{
    char text[RECORD_SIZE];

    if (spf->frame_count == FRAMES_MAX)
        on_error(__FILE__, __LINE__, "more frames than lookups");
    struct frame *frame = &spf->frames[spf->frame_count++];
    frame->domain = *domain;
    frame->term_count = 0;
    frame->has_exp = false;
    frame->last = frame->child = 0;
    tokenize(spf, frame, record, text);
    SPF_errcode_t code = SPF_record_compile(spf->server, response, out, text);
    /* libspf2 drops silently what it has no room for. */
    if (code == SPF_E_SUCCESS && (*out)->num_mech != frame->term_count)
        on_error(__FILE__, __LINE__, "a token record was cut");
    return code;
}

/* The hook for an include's or redirect's record; cur_dom is its token. */
static SPF_errcode_t
get_spf(SPF_server_t *server, SPF_request_t *request, SPF_response_t *response,
    SPF_record_t **record_out)
{
    struct spf *spf = server->resolver->hook;
    struct frame *frame;
    struct dname target;
    struct slice record;
    unsigned t;

    *record_out = NULL;
    if (!find_token(spf, request->cur_dom, &frame, &t))
        on_error(__FILE__, __LINE__, "no token");
    const struct spfterm *term = &frame->terms[t];
    frame->last = t;
    frame->child = spf->frame_count;
    if (!spfdns_count(&spf->dns, &frame->domain, term))
        return SPF_E_DNS_ERROR; /* makes libspf2 end; the stop says what the result is */
    if (!spfdns_target(&spf->dns, &frame->domain, term, &target)) {
        struct spfrecord_error error = {.term = term->text, .column = term->column};

        /* RFC 7208 4.3 gives none for it, and 5.2 and 6.1 make that permerror. */
        spfdns_permerror(&spf->dns, &frame->domain, &error, SPFDNS_NO_TARGET);
        return SPF_E_DNS_ERROR;
    }
    if (!load(spf, &target, term, &frame->domain, &record))
        return SPF_E_DNS_ERROR;
    return compile(spf, &target, record, response, record_out);
}

/* Our own explanation is made at the end (RFC 7208 6.2): token records have no exp. */
static SPF_errcode_t
get_exp(SPF_server_t *server, const char *domain, char **buffer, size_t *size)
{
    (void)server;
    (void)domain;
    (void)buffer;
    (void)size;
    return SPF_E_NOT_SPF;
}

/* Whether the term of a token matches; ip4, ip6 and all are written only where they do. */
static bool
token_matches(struct spf *spf, struct frame *frame, unsigned t)
{
    const struct spfterm *term = &frame->terms[t];

    if (spf->dns.stop != SPFDNS_GO)
        return false;
    frame->last = t;
    if (term->kind == SPFTERM_ALL || term->kind == SPFTERM_IP4 || term->kind == SPFTERM_IP6)
        return true;
    return spfdns_matches(&spf->dns, &frame->domain, term);
}

/* The hook for exists: one A record for a match. Never returns NULL, which libspf2 takes badly. */
static SPF_dns_rr_t *
lookup(SPF_dns_server_t *layer, const char *name, ns_type type, int should_cache)
{
    struct spf *spf = layer->hook;
    struct frame *frame;
    unsigned t;

    (void)should_cache;
    bool match = find_token(spf, name, &frame, &t) && token_matches(spf, frame, t);
    SPF_dns_stat_t status = match ? NETDB_SUCCESS : HOST_NOT_FOUND;
    if (spf->dns.stop != SPFDNS_GO)
        status = TRY_AGAIN; /* makes libspf2 end; the stop says what the result is */
    SPF_dns_rr_t *rr = SPF_dns_rr_new_init(layer, name, type, 0, status);
    if (rr == NULL)
        on_error(__FILE__, __LINE__, "out of memory");
    if (status == NETDB_SUCCESS) {
        if (SPF_dns_rr_buf_realloc(rr, 0, sizeof(SPF_dns_rr_data_t)) != SPF_E_SUCCESS)
            on_error(__FILE__, __LINE__, "out of memory");
        rr->rr[0]->a.s_addr = htonl(INADDR_LOOPBACK);
        rr->num_rr = 1;
    }
    return rr;
}

/* A constant instead of libspf2's default explanation, which has macros and the host's name. */
static bool
set_constants(struct spf *spf)
{
    SPF_errcode_t code = SPF_server_set_explanation(spf->server, "-", &spf->response);

    if (spf->response != NULL)
        SPF_response_free(spf->response);
    spf->response = NULL;
    if (code != SPF_E_SUCCESS || SPF_server_set_rec_dom(spf->server, "r.tok") != SPF_E_SUCCESS)
        return false;
    /* All limits are ours, over the whole evaluation. */
    return SPF_server_set_max_dns_mech(spf->server, 10000) == SPF_E_SUCCESS;
}

enum err
spf_open(struct spf **out)
{
    struct spf *spf = calloc(1, sizeof *spf);

    *out = NULL;
    if (spf == NULL)
        return ERR_NOMEM;
    spf->layer = (SPF_dns_server_t){
        .lookup = lookup, .get_spf = get_spf, .get_exp = get_exp, .name = "repdns", .hook = spf};
    /* Four pointers of libspf2, set to the same values by everybody. */
    SPF_error_handler = on_error;
    SPF_warning_handler = on_message;
    SPF_info_handler = on_message;
    SPF_debug_handler = on_message;
    bool good = false;
    if (setjmp(spf->on_error) == 0) {
        working = spf;
        spf->server = SPF_server_new_dns(&spf->layer, 0);
        good = spf->server != NULL && set_constants(spf);
    } else {
        spf->server = NULL; /* it has left it half made */
        good = false;
    }
    working = NULL;
    if (!good) {
        spf_close(&spf);
        return ERR_NOMEM;
    }
    *out = spf;
    return ERR_OK;
}

void
spf_close(struct spf **spf)
{
    if (*spf == NULL)
        return;
    if ((*spf)->server != NULL)
        SPF_server_free((*spf)->server); /* the layer has no destroy: it stays ours */
    free(*spf);
    *spf = NULL;
}

/* The record that decided: the first one, or where its redirects led. */
static const struct frame *
last_frame(const struct spf *spf)
{
    const struct frame *frame = spf->frames;

    while (frame->term_count > 0 && frame->terms[frame->last].kind == SPFTERM_REDIRECT)
        frame = &spf->frames[frame->child];
    return frame;
}

/* "a:mail.example.com of example.com"; terms of a checked record are printable. */
static void
tell_why(const struct spf *spf, struct spf_result *out)
{
    const struct frame *frame = last_frame(spf);
    char domain[DNAME_TEXT_SIZE];

    (void)dname_format(&frame->domain, domain);
    if (spf->response->reason != SPF_REASON_MECH) {
        (void)snprintf(out->why, sizeof out->why, "no term of %.150s matches", domain);
        return;
    }
    struct slice text = frame->terms[frame->last].text;
    (void)snprintf(out->why, sizeof out->why, "%.*s%s of %.80s", text.n > 100 ? 100 : (int)text.n,
        (const char *)text.p, text.n > 100 ? "..." : "", domain);
}

/* What libspf2 came to, when nothing has stopped it. */
static void
take_result(struct spf *spf, struct spf_result *out)
{
    switch (spf->response->result) {
    case SPF_RESULT_PASS:
        out->reason = REASON_SPF_PASS;
        break;
    case SPF_RESULT_FAIL:
        out->reason = REASON_SPF_FAIL;
        break;
    case SPF_RESULT_SOFTFAIL:
        out->reason = REASON_SPF_SOFTFAIL;
        break;
    case SPF_RESULT_NEUTRAL:
        out->reason = REASON_SPF_NEUTRAL;
        break;
    default: /* it failed in itself: no memory */
        on_error(__FILE__, __LINE__, "no result");
    }
    tell_why(spf, out);
    const struct frame *frame = last_frame(spf);
    if (out->reason != REASON_SPF_FAIL || !frame->has_exp)
        return;
    /* The explanation may name the sender: that makes the result depend on nothing. */
    bool used_local = spf->dns.values.used_local, used_helo = spf->dns.values.used_helo;
    spfdns_explain(&spf->dns, &frame->domain, &frame->exp);
    spf->dns.values.used_local = used_local;
    spf->dns.values.used_helo = used_helo;
}

static bool
set_address(SPF_request_t *request, const struct ip *ip)
{
    struct in_addr four = {.s_addr = htonl(ip_is4(ip) ? ip_v4(ip) : 0)};
    struct in6_addr six;

    memcpy(&six, ip->b, sizeof six);
    if (ip_is4(ip))
        return SPF_request_set_ipv4(request, four) == SPF_E_SUCCESS;
    return SPF_request_set_ipv6(request, six) == SPF_E_SUCCESS;
}

/* Runs libspf2 over the first record. Everything that libspf2 is told of the sender is constant. */
static void
evaluate(struct spf *spf, struct slice record, struct spf_result *out)
{
    const struct spf_query *query = spf->dns.query;

    spf->request = SPF_request_new(spf->server);
    if (spf->request == NULL || !set_address(spf->request, &query->ip) ||
        SPF_request_set_env_from(spf->request, "l@s.tok") != SPF_E_SUCCESS)
        on_error(__FILE__, __LINE__, "out of memory");
    spf->request->cur_dom = "top.tok";
    spf->response = SPF_response_new(spf->request);
    if (spf->response == NULL ||
        compile(spf, &query->domain, record, spf->response, &spf->record) != SPF_E_SUCCESS)
        on_error(__FILE__, __LINE__, "out of memory");
    spf->response->spf_record_exp = spf->record;
    /* Not SPF_request_query_mailfrom: that lets 127.0.0.0/8 and ::1 pass. */
    (void)SPF_record_interpret(spf->record, spf->request, spf->response, 0);
    if (spf->dns.stop == SPFDNS_GO)
        take_result(spf, out);
    SPF_record_free(spf->record);
    SPF_response_free(spf->response);
    SPF_request_free(spf->request);
}

/* The names of all records that were there. */
static void
prefetch(struct spf *spf)
{
    for (unsigned f = 0; f < spf->frame_count; f++)
        for (unsigned t = 0; t < spf->frames[f].term_count; t++)
            spfdns_prefetch(&spf->dns, &spf->frames[f].domain, &spf->frames[f].terms[t]);
}

void
spf_check(struct spf *spf, const struct spf_query *query, struct spf_result *out)
{
    struct spf_limits limits = query->limits;
    struct slice record;

    *out =
        (struct spf_result){.status = SPF_DONE, .reason = REASON_SPF_NONE, .expires_s = INT64_MAX};
    if (limits.lookups > LOOKUPS_MAX)
        limits.lookups = LOOKUPS_MAX;
    spfdns_start(&spf->dns, query, limits, out);
    spf->frame_count = 0;
    spf->request = NULL;
    spf->response = NULL;
    spf->record = NULL;
    /* RFC 7208 4.3: a domain must have two labels. */
    if (query->domain.len == 0 || dname_labels(&query->domain) < 2) {
        (void)snprintf(out->why, sizeof out->why, "not a domain of two labels or more");
        return;
    }
    if (load(spf, &query->domain, NULL, NULL, &record)) {
        if (setjmp(spf->on_error) == 0) {
            working = spf;
            evaluate(spf, record, out);
        } else {
            /* What libspf2 held is left to leak: nothing says in what state it is. */
            (void)snprintf(out->why, sizeof out->why, "libspf2 failed, likely out of memory");
            spf->dns.stop = SPFDNS_TEMPERROR;
        }
        working = NULL;
    } else if (spf->dns.stop == SPFDNS_GO) {
        (void)snprintf(out->why, sizeof out->why, "no SPF record");
    }
    out->uses_local = spf->dns.values.used_local;
    out->uses_helo = spf->dns.values.used_helo;
    if (spf->dns.stop == SPFDNS_PENDING) {
        out->status = SPF_PENDING;
        prefetch(spf);
    }
    out->temperror = spf->dns.stop == SPFDNS_TEMPERROR;
    if (spf->dns.stop == SPFDNS_PERMERROR)
        out->reason = REASON_SPF_PERMERROR;
}
