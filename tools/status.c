/* repdns status: the same as repdns-load status; and errors as exit codes. */
#include "loader/status.h"

#include "tools/tools.h"

enum exit_code
tool_exit(enum err err)
{
    if (err == ERR_OK)
        return EXIT_DONE;
    return err == ERR_FORMAT || err == ERR_FULL ? EXIT_STORE : EXIT_FAILED;
}

enum exit_code
tool_status(const struct tool *tool, struct errmsg *msg)
{
    return tool_exit(status_print(tool->out, tool->conf, tool->now_s, msg));
}
