/* Weights of features. See weights.h. */
#include "loader/weights.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 512, WEIGHT_MAX = 20, POINTS = 10 };

static const struct feature_info infos[FEATURE_COUNT] = {
#define FEATURE(id, name, kind, side, origin, weight, meaning)                                     \
    [FEATURE_##id] = {name, KIND_##kind, SIDE_##side, ORIGIN_##origin, weight, meaning},
#include "loader/weights.def"
#undef FEATURE
};

const struct feature_info *
feature_info(enum feature feature)
{
    return &infos[feature];
}

void
weights_shipped(struct weights *out)
{
    for (unsigned i = 0; i < FEATURE_COUNT; i++)
        out->of[i] = infos[i].weight;
}

double
weights_badness(const struct weights *weights, const double of[FEATURE_COUNT])
{
    double sum = 0;

    for (unsigned i = 0; i < FEATURE_COUNT; i++)
        sum += of[i] * weights->of[i];
    return sum;
}

int
weights_score(double badness)
{
    double score = WEIGHTS_EVEN - POINTS * badness;

    return score <= 0 ? 0 : score >= WEIGHTS_BEST ? WEIGHTS_BEST : (int)lround(score);
}

bool
weights_allow(enum feature feature, double weight)
{
    enum feature_side side = infos[feature].side;

    return fabs(weight) <= WEIGHT_MAX && !(side == SIDE_BAD && weight < 0) &&
           !(side == SIDE_GOOD && weight > 0);
}

/* NULL or what is wrong with the line. */
static const char *
take_line(char *line, struct weights *out)
{
    char *save = NULL, *end;

    line[strcspn(line, "#\n")] = '\0';
    const char *name = strtok_r(line, " \t\r", &save);
    const char *number = name == NULL ? NULL : strtok_r(NULL, " \t\r", &save);
    if (name == NULL)
        return NULL;
    if (number == NULL || strtok_r(NULL, " \t\r", &save) != NULL)
        return "not \"name weight\"";
    double weight = strtod(number, &end);
    if (*end != '\0')
        return "the weight is no number";
    for (unsigned i = 0; i < FEATURE_COUNT; i++) {
        if (strcmp(infos[i].name, name) != 0)
            continue;
        if (!weights_allow(i, weight))
            return infos[i].side == SIDE_GOOD ? "the weight must lie between -20 and 0"
                                              : "the weight must lie between 0 and 20";
        out->of[i] = weight;
        return NULL;
    }
    return "there is no such feature; repdns-load(8) lists them";
}

enum err
weights_read(FILE *in, const char *name, struct weights *out, struct errmsg *msg)
{
    char line[LINE_MAX_BYTES];

    weights_shipped(out);
    for (unsigned number = 1; fgets(line, sizeof line, in) != NULL; number++) {
        const char *wrong = take_line(line, out);
        if (wrong != NULL)
            return errmsg_set(msg, ERR_SYNTAX, "%s:%u: %s", name, number, wrong);
    }
    return ferror(in) != 0 ? errmsg_set(msg, ERR_IO, "%s: it can't be read", name) : ERR_OK;
}

enum err
weights_open(const char *path, struct weights *out, struct errmsg *msg)
{
    FILE *in = fopen(path, "r");

    if (in == NULL)
        return errmsg_set(
            msg, ERR_IO, "%s: %s; make it with repdns-load learn", path, strerror(errno));
    enum err err = weights_read(in, path, out, msg);
    (void)fclose(in);
    return err;
}

enum err
weights_of(const struct policy *policy, struct weights *out, struct errmsg *msg)
{
    if (policy->weights != NULL)
        return weights_open(policy->weights, out, msg);
    weights_shipped(out);
    return ERR_OK;
}

void
weights_write(FILE *out, const struct weights *weights)
{
    for (unsigned i = 0; i < FEATURE_COUNT; i++)
        fprintf(out, "%-24s %7.3f # %s\n", infos[i].name, weights->of[i], infos[i].meaning);
}
