/* What else has to be set so that a configuration is of use: lines for resolvers, for the zone
 * above and for Postfix, made of the configuration. */
#ifndef TOOLS_SNIPPET_H
#define TOOLS_SNIPPET_H

#include "tools/tools.h"

/* No public name, so nobody can delegate it and DNSSEC proves that it does not exist: the last
 * label is set aside for private use (RFC 6762 appendix G, RFC 8375) or has no meaning outside. */
bool snippet_private(const struct dname *base);

/* All snippets with a heading each, in the order in which they are needed. */
void snippet_all(FILE *out, const struct conf *conf);

/* "snippet NAME" prints one without a heading, so that it can go into a file; without a name, all.
 */
enum exit_code tool_snippet(const struct tool *tool, struct errmsg *msg);

#endif
