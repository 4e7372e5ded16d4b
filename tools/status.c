/* repdns status: the same as repdns-load status, and the server; and errors as exit codes. */
#include "loader/status.h"

#include "loader/status_json.h"
#include "tools/metrics_read.h"
#include "tools/tools.h"

enum exit_code
tool_exit(enum err err)
{
    if (err == ERR_OK)
        return EXIT_DONE;
    return err == ERR_FORMAT || err == ERR_FULL ? EXIT_STORE : EXIT_FAILED;
}

/* null: it is not running, or can't be asked. */
static json_t *
server_json(const struct conf *conf)
{
    static const struct {
        const char *key, *metric;
    } counts[] = {{"serial", "repdnsd_store_serial"}, {"queries", "repdnsd_queries_total"},
        {"dropped", "repdnsd_dropped_total"}, {"stale", "repdnsd_stale_total"},
        {"unsent", "repdnsd_unsent_total"}, {"log_dropped", "repdnsd_log_dropped_total"}};
    struct metrics_reading now;
    struct errmsg msg;
    if (metrics_read(&conf->metrics, &now, &msg) < 0)
        return json_null();
    json_t *server = json_object();
    double start_s = metrics_value(&now, "repdnsd_start_time_seconds", "");
    jsonline_set(&server, "start", jsonline_time((int64_t)start_s));
    jsonline_set(
        &server, "usable", json_boolean(metrics_value(&now, "repdnsd_store_usable", "") > 0));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        jsonline_set(&server, counts[i].key,
            json_integer((json_int_t)metrics_value(&now, counts[i].metric, "")));
    metrics_reading_free(&now);
    return server;
}

static enum exit_code
print_json(const struct tool *tool, struct errmsg *msg)
{
    json_t *status;
    enum err err = status_json(tool->conf, tool->now_s, &status, msg);
    jsonline_set(&status, "repdnsd", server_json(tool->conf));
    if (jsonline_print(tool->out, status) < 0)
        err = errmsg_set(msg, ERR_NOMEM, "out of memory");
    return tool_exit(err);
}

/* Whether it runs, and what it has done and serves. No failure if it doesn't. */
static void
print_server(const struct tool *tool)
{
    static const struct {
        const char *metric, *text;
    } counts[] = {{"repdnsd_queries_total", "queries"}, {"repdnsd_dropped_total", "not answered"},
        {"repdnsd_stale_total", "failed since a list was too old"},
        {"repdnsd_unsent_total", "answers not sent"},
        {"repdnsd_log_dropped_total", "not in the query log"}};
    struct metrics_reading now;
    struct errmsg msg;
    if (metrics_read(&tool->conf->metrics, &now, &msg) < 0) {
        fprintf(tool->out, "repdnsd: not asked: %s\n", msg.text);
        return;
    }
    fputs("repdnsd: running since ", tool->out);
    text_time(tool->out, (int64_t)metrics_value(&now, "repdnsd_start_time_seconds", ""));
    if (metrics_value(&now, "repdnsd_store_usable", "") > 0)
        fprintf(
            tool->out, ", serves serial %.0f\n", metrics_value(&now, "repdnsd_store_serial", ""));
    else
        fputs(", HAS NO USABLE STORE\n", tool->out);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        fprintf(tool->out, "  %-32s %12.0f\n", counts[i].text,
            metrics_value(&now, counts[i].metric, ""));
    metrics_reading_free(&now);
}

enum exit_code
tool_status(const struct tool *tool, struct errmsg *msg)
{
    if (tool->json)
        return print_json(tool, msg);
    enum exit_code code = tool_exit(status_print(tool->out, tool->conf, tool->now_s, msg));
    print_server(tool);
    return code;
}
