/*
 * preset_place.c - see preset.h: where in its file is what the model turned down.
 *
 * Only a model can tell that it has no layer 99, and by then the file has long been read. It is read once more, for the line.
 */
#include "engine/preset/preset.h"

#include <string.h>

#include "engine/base/conf.h"

static bool says(const struct conf *v, const char *text)
{
	return v && text && v->kind == CONF_SCALAR && !strcmp(v->text, text);
}

/* The edit with that line; of several, they are the same. */
static const struct conf *find_edit(const struct conf *root, const char *wanted)
{
	for (int i = 0; conf_at(conf_get(root, "edits"), i); i++) {
		const struct conf *v = conf_at(conf_get(root, "edits"), i);
		const struct conf *line = v->kind == CONF_MAP ? conf_get(v, "edit") : v;

		if (says(line, wanted))
			return line;
	}
	return NULL;
}

/* What of the job is at fault, where it is still what the file says: the command line may have set it otherwise. */
static const struct conf *find_fault(const struct conf *root, const struct job *job, struct job_fault fault)
{
	const struct {
		const char *key, *text;
	} parts[] = {
		[JOB_MODEL] = { "model", job->model }, [JOB_PROMPT] = { "prompt", job->prompt },
		[JOB_FOIL] = { "foil", job->foil },    [JOB_METRIC] = { "metric", job->metric },
		[JOB_GENERATE] = { NULL, NULL },
	};
	const struct conf *v;

	if (fault.part == JOB_EDIT)
		return fault.edit < job->edits ? find_edit(root, job->edit[fault.edit].line) : NULL;
	v = parts[fault.part].key ? conf_get(root, parts[fault.part].key) : NULL;
	return says(v, parts[fault.part].text) ? v : NULL;
}

static bool is_pane(const struct conf *v)
{
	const struct conf *name = v->kind == CONF_MAP ? conf_get(v, "analysis") : v;

	return name && name->kind == CONF_SCALAR && analysis_find(name->text);
}

/* The pane that was read as number `wanted`: those that could not be read do not count. */
static const struct conf *find_pane(const struct conf *root, int wanted)
{
	const struct conf *rows = conf_get(root, "panes");
	int n = 0;

	for (int r = 0; conf_at(rows, r); r++) {
		const struct conf *row = conf_at(rows, r), *first = row->kind == CONF_LIST ? row->child : row;

		for (const struct conf *v = first; v; v = row->kind == CONF_LIST ? v->next : NULL)
			if (is_pane(v) && n++ == wanted)
				return v;
	}
	return NULL;
}

static bool place(const struct preset *p, int pane, struct job_fault fault, struct err *err)
{
	struct arena *arena = arena_new();
	struct err unread = { 0 };
	const struct conf *root = p->file ? conf_open(p->file, arena, &unread) : NULL;
	const struct conf *v = pane < 0 ? find_fault(root, &p->job, fault) : find_pane(root, pane);

	if (v)
		err_in(err, "%s:%d", p->file, v->line);
	arena_free(arena);
	return false;
}

bool preset_place_pane(const struct preset *p, int pane, struct err *err)
{
	return place(p, pane, (struct job_fault){ JOB_WHOLE, 0 }, err);
}

bool preset_place_fault(const struct preset *p, struct job_fault fault, struct err *err)
{
	return place(p, -1, fault, err);
}
