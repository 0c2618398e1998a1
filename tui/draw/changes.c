/* changes.c - see changes.h. */
#include "tui/draw/changes.h"

#include <string.h>

#include "engine/base/text.h"

const struct job_edit *change_edit(const struct job *was, const struct job *now)
{
	const struct job *a = was->edits > now->edits ? was : now, *b = a == was ? now : was;

	for (int i = 0; i < a->edits; i++)
		if (i >= b->edits || strcmp(a->edit[i].line, b->edit[i].line) || a->edit[i].on != b->edit[i].on)
			return &a->edit[i];
	return NULL;
}

enum change change_between(const struct job *was, const struct job *now)
{
	if (!text_same(was->model, now->model))
		return CHANGE_MODEL;
	if (!text_same(was->prompt, now->prompt))
		return CHANGE_PROMPT;
	if (!text_same(was->foil, now->foil))
		return CHANGE_FOIL;
	if (!text_same(was->metric, now->metric))
		return CHANGE_METRIC;
	if (change_edit(was, now))
		return CHANGE_EDIT;
	return was->bos != now->bos ? CHANGE_BOS : CHANGE_NONE;
}
