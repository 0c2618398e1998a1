/*
 * way.c - how one came to the metric, each step with its number as it was left; on a line of its own while there is a way.
 *
 *     explain logit_diff " Mary" " John" 6.12 › part head 3.0 2.86 › pattern 3.0 @13<4 .93     Backspace: a step back
 */
#include <string.h>

#include "tui/draw/text.h"
#include "tui/panes/lists.h"

enum { LABEL_W = 8, BACK_FROM = 100 };

/* Of a part, what it is a part of is the step before. */
static void add_spec(const char *spec, struct str *out)
{
	str_add_n(out, spec, metric_own_bytes(spec));
}

/* The steps from `from` on, and the metric itself. */
static void way_text(const struct app *app, int from, struct str *out)
{
	const struct job *job = &app->doc.job;
	const struct snapshot *shot = app->shot;
	const bool known = shot && shot->has_metric && !app_unprepared(app);

	str_add(out, from ? "… › " : "");
	for (int i = from; i < job->ways; i++) {
		add_spec(job->way[i].spec, out);
		str_add_char(out, ' ');
		text_number(job->way[i].value, out);
		str_add(out, " › ");
	}
	add_spec(known ? shot->metric_spec : job->metric ? job->metric : "", out);
	str_add(out, known ? " " : " …");
	if (known)
		text_number(shot->metric, out);
}

void draw_way(struct app *app, struct canvas *c, struct rect r)
{
	static const char back[] = "Backspace: a step back";
	const int x = r.x + 1 + LABEL_W, end = r.x + r.w - 1, back_w = r.w >= BACK_FROM ? (int)strlen(back) : 0;
	const int room = end - x - (back_w ? back_w + 2 : 0);
	struct str text;

	str_init(&text);
	for (int from = 0; from <= app->doc.job.ways; from++) {
		str_clear(&text);
		way_text(app, from, &text);
		if (canvas_columns(text.s, text.n) <= room)
			break;
	}
	canvas_fill(c, r, app_ink(app, STYLE_TEXT));
	canvas_text(c, r.x + 1, r.y, app_ink(app, STYLE_TITLE), "explain");
	canvas_field(c, x, r.y, room, ALIGN_LEFT, app_ink(app, STYLE_TEXT), text.s);
	if (back_w)
		canvas_text(c, end - back_w, r.y, app_ink(app, STYLE_DIM), back);
	str_done(&text);
}
