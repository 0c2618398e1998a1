/*
 * presets.c - every preset that ships, answered whole on the model that it names: no error, nothing to remark, books that balance.
 * Those of models that this machine has not are left out, with a note.
 */
#include <stdlib.h>

#include "engine/base/paths.h"
#include "engine/model/files/find.h"
#include "engine/preset/preset.h"
#include "engine/session/session.h"
#include "tests/scratch.h"
#include "tests/tap.h"

static void answer_panes(struct session *session, const struct preset *p, const char *name)
{
	for (int i = 0; i < p->job.panes; i++) {
		const char *analysis = p->job.pane[i].analysis->name;
		struct err err = { 0 };
		struct table *t = session_answer(session, i, NULL, NULL, &err);

		CHECK_THAT(t && check_holds(&t->check), "%s: %s %s", name, analysis, err.text);
		table_unref(t);
	}
}

/* The cursor must be on something that the model has. */
static void check_cursor(const struct session *session, const struct preset *p, const char *name)
{
	for (int d = 0; d < DIM_COUNT; d++) {
		int n = dim_extent(&session_model(session)->config, session_run(session)->T, (enum dim)d);

		if (n && p->cursor[d] != CURSOR_UNSET) /* of rows and columns of a table alone the model knows nothing */
			CHECK_THAT(p->cursor[d] >= -n && p->cursor[d] < n, "%s: the cursor's %s is %d", name, dim_word((enum dim)d),
				   p->cursor[d]);
	}
}

static void check(struct session *session, const char *path, const char *name)
{
	struct notes notes = { 0 };
	struct err err = { 0 }, missing = { 0 };
	struct preset p;
	char *model = NULL;

	if (!CHECK_THAT(preset_open(path, &p, &notes, &err), "%s %s", name, err.text))
		return;
	if (!(model = find_model(p.job.model, &missing)))
		tap_skip("%s: %s", name, missing.text);
	else if (CHECK_THAT(session_prepare(session, &p.job, NULL, &notes, &err), "%s: prepares %s", name, err.text)) {
		answer_panes(session, &p, name);
		check_cursor(session, &p, name);
	}
	CHECK_THAT(notes.n == 0, "%s: %s", name, notes.n ? notes.line[0] : "nothing to remark");
	free(model);
	notes_done(&notes);
	preset_done(&p);
}

int main(void)
{
	struct session *session = session_new();
	struct preset_entry *list;
	char *demo;
	int n;

	setenv("LMSCOPE_SHARE", ".", 1);
	setenv("XDG_DATA_HOME", scratch_folder(), 1); /* for what a preset trains */
	demo = paths_data("models/demo/model.safetensors");
	if (!demo) {
		tap_skip("the demo model is not there");
		scratch_done();
		return tap_done();
	}
	n = preset_list(&list);
	for (int i = 0; i < n; i++)
		if (list[i].shipped)
			check(session, list[i].path, list[i].name);
	preset_list_free(list, n);
	session_free(session);
	free(demo);
	return tap_done();
}
