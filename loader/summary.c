/* What a run has done; see summary.h. */
#include "loader/summary.h"

#include "loader/jsonline.h"
#include "loader/status.h"

static enum err
print_json(FILE *out, const struct run *run, const char *stage, double seconds)
{
    const struct jsonline_member members[] = {{"stage", json_string(stage)},
        {"lines", jsonline_count(run->observed.lines)},
        {"observed", jsonline_count(run->observed.observed + run->imported.observed)},
        {"skipped", jsonline_count(run->observed.skipped + run->imported.skipped)},
        {"list_entries", jsonline_count(run->lists.entries)},
        {"asked", jsonline_count(run->resolved.asked)},
        {"failed", jsonline_count(run->resolved.failed)},
        {"judged", jsonline_count(run->verdicts.subjects)},
        {"listed", jsonline_count(run->verdicts.listed)},
        {"new", jsonline_count(run->verdicts.newly_listed)},
        {"records_put", jsonline_count(run->published.records_put)},
        {"records_deleted", jsonline_count(run->published.records_deleted)},
        {"serial", jsonline_count(run->published.serial)}, {"seconds", jsonline_number(seconds)}};
    return jsonline_print_members(out, members, sizeof members / sizeof *members);
}

enum err
summary_print(FILE *out, const struct run *run, const char *stage, double seconds)
{
    if (run->json)
        return print_json(out, run, stage, seconds);
    fprintf(out,
        "repdns-load %s: %llu lines, %llu observed, %llu skipped; %llu list entries; %llu asked, "
        "%llu failed; %llu judged, %llu listed, %llu new; %llu records put, %llu deleted; serial "
        "%u; %.1f s\n",
        stage, (unsigned long long)run->observed.lines,
        (unsigned long long)(run->observed.observed + run->imported.observed),
        (unsigned long long)(run->observed.skipped + run->imported.skipped),
        (unsigned long long)run->lists.entries, (unsigned long long)run->resolved.asked,
        (unsigned long long)run->resolved.failed, (unsigned long long)run->verdicts.subjects,
        (unsigned long long)run->verdicts.listed, (unsigned long long)run->verdicts.newly_listed,
        (unsigned long long)run->published.records_put,
        (unsigned long long)run->published.records_deleted, run->published.serial, seconds);
    return ERR_OK;
}

enum err
summary_print_by_hand(FILE *out, const struct run *run, const char *command, const char *list,
    unsigned entries, double seconds)
{
    const struct publish_result *published = &run->published;
    if (run->json) {
        const struct jsonline_member members[] = {{"command", json_string(command)},
            {"list", list != NULL ? jsonline_string(list) : json_null()},
            {"entries", json_integer(entries)}, {"until", jsonline_time(run->until_s)},
            {"records_put", jsonline_count(published->records_put)},
            {"records_deleted", jsonline_count(published->records_deleted)},
            {"serial", jsonline_count(published->serial)}, {"seconds", jsonline_number(seconds)}};
        return jsonline_print_members(out, members, sizeof members / sizeof *members);
    }
    fprintf(out, "repdns-load %s", command);
    if (list != NULL)
        fprintf(out, " %s: %u %s;", list, entries, entries == 1 ? "entry" : "entries");
    if (run->until_s != 0) {
        char until[STATUS_TIME_SIZE];
        status_time(run->until_s, until);
        fprintf(out, "%s until %s;", list != NULL ? "" : ":", until);
    }
    fprintf(out, "%s %llu records put, %llu deleted; serial %u; %.3f s\n",
        list != NULL || run->until_s != 0 ? "" : ":", (unsigned long long)published->records_put,
        (unsigned long long)published->records_deleted, published->serial, seconds);
    return ERR_OK;
}
