/*
 * What somebody says of one mail: spam, ham, or that it came to a trap. It weighs for or against
 * the client of the border hop, once for a mail, and a reporter's word so often a day.
 *
 * A mail that came in by the border is the one that is reported, whatever is attached to it, as
 * that was written by strangers. One that was made inside is a wrapper: the mails attached to it
 * are reported. Of mail and reporter a hash is kept, no longer than the history's retention.
 */
#ifndef LOADER_REPORT_H
#define LOADER_REPORT_H

#include "loader/history.h"
#include "loader/src_text.h"
#include "zones/zoneconf.h"

struct report {
    enum obs_label label;
    const char *reporter;
    int64_t now_s;
};

/* Mails: what became of each. */
struct report_counts {
    unsigned counted;
    unsigned known;    /* reported so before, or as ham */
    unsigned inside;   /* no border hop, or one that cannot be read */
    unsigned too_old;  /* or from the future */
    unsigned too_many; /* the reporter's bound of a day is reached */
};

/* In one transaction. *out is set. */
enum err report_mail(struct history *history, const struct conf *conf, const struct report *report,
    struct text mail, struct report_counts *out, struct errmsg *msg) MUST_CHECK;

#endif
