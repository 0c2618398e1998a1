/* start.h - what is on the screen when nothing was asked for: panes that show a model from four sides. */
#ifndef LMSCOPE_TUI_APP_START_H
#define LMSCOPE_TUI_APP_START_H

#include "engine/preset/preset.h"

/* Nothing at all was asked for: the demo model doing what it does best, or else what start_document gives. */
void start_welcome(struct preset *doc, struct notes *notes);
/* Fills in panes, and a prompt, where the document has none. */
void start_document(struct preset *doc);

#endif
