/*
 * undo_doc.h - a document as undo has it: taken to pieces (the prompt, the edits, each pane, …), which are counted and shared with
 * the document before it where they are the same. A thousand steps take little more than what changed in them.
 */
#ifndef LMSCOPE_TUI_APP_UNDO_DOC_H
#define LMSCOPE_TUI_APP_UNDO_DOC_H

#include <stddef.h>

#include "engine/preset/preset.h"

/* Which parts of the document: bits. */
enum undo_part { UNDO_QUESTION = 1, UNDO_LOOKS = 2, UNDO_REST = 4, UNDO_ALL = 7 };

struct undo_doc;

/* `like` (NULL: none) is the document before it. */
struct undo_doc *undo_doc_new(const struct preset *doc, unsigned parts, const struct undo_doc *like);
void undo_doc_free(struct undo_doc *d);
/* The document again; parts that were not taken are as after preset_init. */
void undo_doc_open(const struct undo_doc *d, struct preset *doc);
/* What it takes beside what it shares with another one (NULL: none). */
size_t undo_doc_bytes(const struct undo_doc *d, const struct undo_doc *beside);

#endif
