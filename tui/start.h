/* start.h - what is on the screen when nothing was asked for: panes that show a model from four sides. */
#ifndef LMSCOPE_TUI_START_H
#define LMSCOPE_TUI_START_H

#include "engine/preset.h"

/* Fills in panes, and a prompt, where the document has none. */
void start_document(struct preset *doc);

#endif
