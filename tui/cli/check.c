/* check.c - see check.h. */
#include "tui/cli/check.h"

#include <string.h>

#include "engine/base/json.h"
#include "tui/cli/say.h"

struct checking {
	const struct options *o;
	int held, drifted;
};

static void text_member(struct str *out, const char *name, const char *text)
{
	str_addf(out, ",\"%s\":", name);
	json_write_string(out, text, strlen(text));
}

/* {"ok":true,"pane":1,"analysis":"logit-lens","expected":"…","actual":"…"}; pane 0 is the whole preset. */
static void add_json(struct str *out, bool ok, int pane, const char *analysis, const char *expected, const char *actual)
{
	str_addf(out, "{\"ok\":%s,\"pane\":%d", ok ? "true" : "false", pane + 1);
	if (analysis)
		text_member(out, "analysis", analysis);
	text_member(out, "expected", expected);
	text_member(out, "actual", actual);
	str_add(out, "}\n");
}

static void add_text(struct str *out, bool ok, int pane, const char *analysis, const char *expected, const char *actual)
{
	str_add(out, ok ? "ok     " : "DRIFT  ");
	if (analysis)
		str_addf(out, "pane %d %s: ", pane + 1, analysis);
	str_addf(out, "expected %s, actual %s\n", expected, actual);
}

static void say_one(void *context, int pane, bool ok, const char *expected, const char *actual)
{
	struct checking *c = context;
	const char *analysis = pane < 0 ? NULL : c->o->preset.job.pane[pane].analysis->name;
	struct str line;

	c->held++;
	c->drifted += !ok;
	str_init(&line);
	(c->o->json ? add_json : add_text)(&line, ok, pane, analysis, expected, actual);
	(c->o->json ? say_json : say_text)(&line);
	str_done(&line);
}

static void check_own(struct checking *c, int pane, const struct check *check)
{
	struct str expected, actual;

	if (!check->name)
		return;
	str_init(&expected);
	str_init(&actual);
	str_addf(&expected, "%s: %.6g", check->name, check->expected);
	str_addf(&actual, "%.6g", check->actual);
	say_one(c, pane, check_holds(check), expected.s, actual.s);
	str_done(&expected);
	str_done(&actual);
}

bool check_print(struct session *session, const struct options *o, double metric, struct notes *notes, struct err *err)
{
	struct checking c = { .o = o };

	preset_hold(&o->preset, -1, NULL, metric, say_one, &c);
	for (int i = 0; i < o->preset.job.panes; i++) {
		struct table *t = session_answer(session, i, NULL, notes, err);

		if (!t)
			return preset_place_pane(&o->preset, i, err);
		preset_hold(&o->preset, i, t, metric, say_one, &c);
		check_own(&c, i, &t->check);
		table_unref(t);
	}
	if (!c.held)
		return err_set(err, ERR_USAGE,
			       "--check: nothing is expected here; a preset says what it expects in lines of "
			       "expect:");
	return !c.drifted || err_set(err, ERR_ARGUMENT, "%d of %d expectations drifted", c.drifted, c.held);
}
