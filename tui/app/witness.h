/*
 * witness.h - for tests: each frame tells, on a channel beside the terminal, whether its panes show what is asked. Part of
 * lmscope-inject alone (engine/base/inject.h), where LMSCOPE_WITNESS names a FIFO or a file. Lines:
 *
 *   frame N probes=P age=MS idle=0|1 whole=0|1     one was drawn; P: how often F9 was pressed; MS since the last question
 *   unanswered SENTENCE                             … it cannot be answered, and is the document's all the same; not while typed
 *   key P                                           F9 was pressed, whether or not a frame can be drawn now
 *   pane I asked=QUESTION answered=QUESTION         … and this pane shows numbers of another question, without a mark
 *   doc YAML                                        what would be saved is another now (told with frames, and before it is saved)
 *
 * Line breaks within a value are written as "%0a".
 */
#ifndef LMSCOPE_TUI_APP_WITNESS_H
#define LMSCOPE_TUI_APP_WITNESS_H

#include "tui/app/app.h"

#ifdef LMSCOPE_INJECT

void witness_key(const struct key *key);
/* `whole`: all of the canvas is shown, not only the line that is typed in. */
void witness_frame(struct app *app, const struct canvas *c, bool whole);
/* The document is saved now: since the last frame the model may have come, and with it what was not known before. */
void witness_doc(struct app *app);

#else

static inline void witness_key(const struct key *key)
{
	(void)key;
}
static inline void witness_frame(struct app *app, const struct canvas *c, bool whole)
{
	(void)app;
	(void)c;
	(void)whole;
}
static inline void witness_doc(struct app *app)
{
	(void)app;
}

#endif
#endif
