/* witness.c - see witness.h. */
#include "tui/app/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/session/witness.h"
#include "tui/app/binding.h"

static struct {
	int fd; /* -1: nobody asked; 0: not looked yet */
	unsigned frames, probes;
	struct str doc; /* as it was told last */
} channel;

static bool is_open(void)
{
	const char *path = getenv("LMSCOPE_WITNESS");

	if (!channel.fd) {
		channel.fd = path ? open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC) : -1;
		str_init(&channel.doc);
	}
	return channel.fd > 0;
}

static void tell(const char *text, size_t n)
{
	enum { PATIENCE_MS = 1000 };
	struct pollfd room = { .fd = channel.fd, .events = POLLOUT };

	while (n) {
		ssize_t done = write(channel.fd, text, n);

		if (done < 0 && errno == EAGAIN && poll(&room, 1, PATIENCE_MS) > 0)
			continue;
		if (done < 0)
			return;
		text += done;
		n -= (size_t)done;
	}
}

static void add_escaped(struct str *out, const char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			str_add(out, "%0a");
		else
			str_add_char(out, *text);
}

void witness_key(const struct key *key)
{
	char line[40];

	if (key->kind != K_F9)
		return;
	snprintf(line, sizeof line, "key %u\n", ++channel.probes);
	if (is_open())
		tell(line, strlen(line));
}

/* ---- the panes ---- */

static void side_question(const struct app *app, enum witness_side side, const struct job_pane *pane, struct str *out)
{
	const struct snapshot *shot = app->shot;
	struct witness_view v = { .job = &app->doc.job, .side = side };

	v.metric = shot->serial == app->serial && !shot->unprepared && !shot->error ? shot->metric_spec : NULL;
	for (int dim = 0; dim < DIM_COUNT; dim++)
		v.extent[dim] = extent_of(app, (enum dim)dim);
	if (side == WITNESS_FOIL)
		v.extent[DIM_POSITION] = v.extent[DIM_KEY] = shot->foil_tokens;
	witness_question(&v, pane, out);
}

static void pane_question(const struct app *app, int pane, struct str *out)
{
	struct job_pane asked;

	question_pane(app, pane, &asked);
	side_question(app, asked.shown == SHOWN_FOIL ? WITNESS_FOIL : WITNESS_EDITED, &asked, out);
	if (asked.shown == SHOWN_MINUS_UNEDITED || asked.shown == SHOWN_MINUS_FOIL)
		side_question(app, asked.shown == SHOWN_MINUS_FOIL ? WITNESS_FOIL : WITNESS_UNEDITED, &asked, out);
}

/* The pane says itself that it shows something older; or its edge, where it would, is under the list that completes a command. */
static bool is_marked(const struct app *app, const struct canvas *c, struct rect r)
{
	static const char *const corners[] = { "┌", "├", "┬", "┼", "+", "┤", "┐" };
	struct str edge;
	bool marked, seen = false;

	if (app->typed.rect.h > 1 && r.y == app->layout.header.h + app->layout.prompt.h + app->layout.foil.h + app->layout.way.h)
		r.y += app->typed.rect.h - 1; /* edges are lower while what is typed takes more than its line */
	for (size_t i = 0; i < sizeof corners / sizeof *corners && r.y < c->h && r.x < c->w; i++)
		seen |= !strcmp(c->cell[(size_t)r.y * (size_t)c->w + (size_t)r.x].text, corners[i]);
	if (!seen)
		return app->line == LINE_COMMAND;
	str_init(&edge);
	for (int x = r.x; x < r.x + r.w && x < c->w && r.y < c->h; x++)
		str_add(&edge, c->cell[(size_t)r.y * (size_t)c->w + (size_t)x].text);
	marked = strstr(edge.s, "stale") != NULL;
	str_done(&edge);
	return marked;
}

static void tell_table(int pane, const char *word, const struct table *t, const char *asked, struct str *out)
{
	struct str answered;

	str_init(&answered);
	if (witness_find(t, &answered) && !witness_same(asked, answered.s)) {
		str_addf(out, "%s %d asked=", word, pane + 1);
		add_escaped(out, asked);
		str_add(out, " answered=");
		add_escaped(out, answered.s);
		str_add_char(out, '\n');
	}
	str_done(&answered);
}

static void tell_pane(struct app *app, const struct canvas *c, int pane, struct str *out)
{
	struct answer_shown answer;
	struct str asked;

	if (app->doc.job.pane[pane].over) /* its table is of no single question */
		return;
	question_answer(app, pane, &answer);
	if (!app->layout.pane[pane].w || answer.error || !answer.table || is_marked(app, c, app->layout.pane[pane]))
		return;
	str_init(&asked);
	pane_question(app, pane, &asked);
	tell_table(pane, "pane", answer.table, asked.s, out);
	if (answer.before && app->doc.job.pane[pane].shown == SHOWN_RUN) {
		struct job_pane question;

		question_pane(app, pane, &question);
		str_clear(&asked);
		side_question(app, WITNESS_UNEDITED, &question, &asked);
		tell_table(pane, "before", answer.before, asked.s, out);
	}
	str_done(&asked);
}

static void tell_doc(struct app *app, struct str *out)
{
	struct preset doc;
	struct str yaml;

	str_init(&yaml);
	question_save(app, &doc);
	preset_print(&doc, &yaml);
	preset_done(&doc);
	if (strcmp(yaml.s, channel.doc.s)) {
		str_add(out, "doc ");
		add_escaped(out, yaml.s);
		str_add_char(out, '\n');
		str_clear(&channel.doc);
		str_add(&channel.doc, yaml.s);
	}
	str_done(&yaml);
}

void witness_doc(struct app *app)
{
	struct str out;

	if (!is_open())
		return;
	str_init(&out);
	tell_doc(app, &out);
	tell(out.s, out.n);
	str_done(&out);
}

/* What is typed may be on its way to something that can be answered. */
static void tell_unanswered(const struct app *app, struct str *out)
{
	const struct snapshot *shot = app->shot;

	if (!shot || !shot->error || shot->serial != app->serial || app->line == LINE_PROMPT || app->line == LINE_FOIL)
		return;
	str_add(out, "unanswered ");
	add_escaped(out, shot->error);
	str_add_char(out, '\n');
}

void witness_frame(struct app *app, const struct canvas *c, bool whole)
{
	struct str out;

	if (!is_open())
		return;
	str_init(&out);
	tell_doc(app, &out);
	str_addf(&out, "frame %u probes=%u age=%ld idle=%d whole=%d\n", ++channel.frames, channel.probes, app->now - app->asked_at,
		 !app_busy(app), whole);
	tell_unanswered(app, &out);
	for (int i = 0; whole && app->shot && !app->popup && !app->layout.too_small && i < app->doc.job.panes; i++)
		tell_pane(app, c, i, &out);
	tell(out.s, out.n);
	str_done(&out);
}
