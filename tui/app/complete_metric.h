/*
 * complete_metric.h - what may come next in a metric: kinds, tokens, files, sites and places where the cursor is, a part's
 * whole.
 */
#ifndef LMSCOPE_TUI_APP_COMPLETE_METRIC_H
#define LMSCOPE_TUI_APP_COMPLETE_METRIC_H

#include "tui/app/complete.h"

void complete_metric(const struct app *app, const char *argument, struct completion *c);

#endif
