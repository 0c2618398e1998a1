/*
 * check.h - `print --check`: what is expected of the panes, held against their tables, instead of the tables themselves.
 */
#ifndef LMSCOPE_TUI_CLI_CHECK_H
#define LMSCOPE_TUI_CLI_CHECK_H

#include "engine/session/session.h"
#include "tui/cli/options.h"

/*
 * Of the prepared session: the preset's expectations, and each table's own check. A line each (of JSON with -f json): ok or
 * DRIFT, what was expected, what is there. False, with how many, when any drifted.
 */
bool check_print(struct session *session, const struct options *o, double metric, struct notes *notes, struct err *err);

#endif
