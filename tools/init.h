/*
 * repdns init: a first configuration and a page for those who are listed, from five answers and
 * what Postfix knows. init.c asks, init_write.c writes; nothing is overwritten unless forced.
 */
#ifndef TOOLS_INIT_H
#define TOOLS_INIT_H

#include <stdbool.h>
#include <stdio.h>

#include "loader/exitcode.h"
#include "loader/ownnets.h"
#include "zones/zoneconf.h"

#define INIT_TEXT_SIZE 256

/* What the configuration will say. Texts are without quotes, backslashes and dollar signs, so that
 * they can stand between double quotes in it. */
struct init {
    struct dname domain, base, host;
    struct endpoint listen;
    char log[INIT_TEXT_SIZE]; /* a pattern; "" for none */
    enum log_format log_format;
    char contact[INIT_TEXT_SIZE];
    char url[INIT_TEXT_SIZE]; /* where the page will be, without "?" */
    unsigned own_count, relay_count;
    struct prefix own[OWNNETS_MAX], relays[OWNNETS_MAX];

    const char *conf_path, *state_dir;
    char page_path[4096];
    bool force;
};

/* "init ...": the command line's words from "init" on. */
enum exit_code init_command(int argc, char **argv);

/* init_ask.c: what is asked, in this order; each has an option of the same name. */
struct init_question {
    const char *name, *text;
    /* A good guess, or "". */
    void (*suggest)(const struct init *init, char out[INIT_TEXT_SIZE]);
    /* Keeps the answer, or says what is wrong with it. */
    enum err (*take)(struct init *init, const char *answer, struct errmsg *msg);
};
#define INIT_QUESTIONS 5
extern const struct init_question init_questions[INIT_QUESTIONS];

/* Networks and host of Postfix; nothing where there is none. */
void init_from_postfix(struct init *init);

/* init_write.c. The configuration is read back before it gets its name; *conf is then what it
 * says. ERR_REFUSED: a file is there. */
enum err init_write_conf(
    const struct init *init, struct conf **conf, struct errmsg *msg) MUST_CHECK;
enum err init_write_page(const struct init *init, struct errmsg *msg) MUST_CHECK;

#endif
