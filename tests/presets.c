/* presets.c - every preset that ships, answered whole on the model that it names: no error, nothing to remark, books that balance. */
#include <stdlib.h>

#include "engine/base/paths.h"
#include "engine/preset.h"
#include "engine/session.h"
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

/* The cursor must stand on something that the model has. */
static void check_cursor(const struct session *session, const struct preset *p, const char *name)
{
	for (int d = 0; d < DIM_COUNT; d++) {
		int n = analysis_extent(session_model(session), session_run(session)->T, (enum dim)d);

		if (p->cursor[d] != CURSOR_UNSET)
			CHECK_THAT(p->cursor[d] >= -n && p->cursor[d] < n, "%s: the cursor's %s is %d", name, dim_word((enum dim)d), p->cursor[d]);
	}
}

int main(void)
{
	struct session *session = session_new();
	struct preset_entry *list;
	char *demo;
	int n;

	setenv("LMSCOPE_SHARE", ".", 1);
	demo = paths_data("models/demo/model.safetensors");
	if (!demo) {
		tap_skip("the demo model is not there");
		return tap_done();
	}
	n = preset_list(&list);
	for (int i = 0; i < n; i++) {
		struct notes notes = { 0 };
		struct err err = { 0 };
		struct preset p;

		if (!list[i].shipped || !CHECK_THAT(preset_open(list[i].path, &p, &notes, &err), "%s %s", list[i].name, err.text))
			continue;
		if (CHECK_THAT(session_prepare(session, &p.job, NULL, &notes, &err), "%s: prepares %s", list[i].name, err.text)) {
			answer_panes(session, &p, list[i].name);
			check_cursor(session, &p, list[i].name);
		}
		CHECK_THAT(notes.n == 0, "%s: %s", list[i].name, notes.n ? notes.line[0] : "nothing to remark");
		notes_done(&notes);
		preset_done(&p);
	}
	preset_list_free(list, n);
	session_free(session);
	free(demo);
	return tap_done();
}
