/* witness.c - see witness.h. */
#include "engine/session/witness.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { NOTES = 4096 }; /* the last so many tables: more than the cache and the screen hold */

static struct {
	atomic_flag lock;
	struct witness_note {
		const struct table *table;
		char *question;
	} note[NOTES];
	unsigned next;
} notes = { .lock = ATOMIC_FLAG_INIT };

static void add_text(struct str *out, const char *text)
{
	for (; text && *text; text++)
		if ((unsigned char)*text < ' ' || *text == '%')
			str_addf(out, "%%%02x", (unsigned)(unsigned char)*text);
		else
			str_add_char(out, *text);
}

static void add_line(struct str *out, const char *name, const char *text, bool counts)
{
	str_addf(out, "%s=", name);
	if (counts)
		add_text(out, text ? text : "(none)");
	else
		str_add_char(out, '*');
	str_add_char(out, '\n');
}

/* The edits that are on; returns how many. */
static int add_edits(struct str *out, const struct job *job, bool edited)
{
	int n = 0;

	str_add(out, "edits=");
	for (int i = 0; edited && i < job->edits; i++)
		if (job->edit[i].on) {
			str_add(out, n++ ? "; " : "");
			add_text(out, job->edit[i].line);
		}
	str_add_char(out, '\n');
	return n;
}

static void add_argument(struct str *out, const struct witness_view *v, const struct job_pane *pane, int k)
{
	const struct param *p = &pane->analysis->params[k];
	struct value value = pane->args[k], resolved;
	struct err unsaid;

	str_addf(out, "%s=", p->name);
	if (p->at_metric && !pane->given[k])
		str_add_char(out, '*');
	else
		param_print(p, param_resolve(p, value, v->extent[p->dim], &resolved, &unsaid) ? resolved : value, out);
	str_add_char(out, '\n');
}

void witness_question(const struct witness_view *v, const struct job_pane *pane, struct str *out)
{
	const struct job *job = v->job;
	const struct analysis *a = pane->analysis;
	const unsigned on = analysis_on(a, pane->args);
	bool of_foil = v->side == WITNESS_FOIL;
	int edits;

	add_line(out, "model", job->model ? job->model : "demo", true);
	/* a model that puts BOS first by itself has the same tokens, and tables, when it is told to */
	str_addf(out, "bos=%s\n", job->bos == BOS_NEVER ? "never" : "*");
	add_line(out, "prompt", of_foil ? job->foil : job->prompt, true);
	edits = add_edits(out, job, v->side == WITNESS_EDITED);
	add_line(out, "foil", of_foil ? job->prompt : job->foil, edits || (on & ON_FOIL));
	str_add(out, "metric=");
	if (on & ON_METRIC) {
		add_text(out, job->metric);
		str_add_char(out, '\t');
		add_text(out, v->metric);
	} else {
		str_add_char(out, '*');
	}
	str_addf(out, "\nanalysis=%s\n", a->name);
	for (int k = 0; k < param_count(a->params); k++)
		add_argument(out, v, pane, k);
}

/* ---- what was noted ---- */

static void lock(void)
{
	while (atomic_flag_test_and_set(&notes.lock))
		;
}

static void unlock(void)
{
	atomic_flag_clear(&notes.lock);
}

static void note(const struct table *t, const char *question)
{
	char *copy = xstrdup(question), *old;

	lock();
	old = notes.note[notes.next % NOTES].question;
	notes.note[notes.next++ % NOTES] = (struct witness_note){ t, copy };
	unlock();
	free(old);
}

bool witness_find(const struct table *t, struct str *out)
{
	bool found = false;

	lock();
	for (unsigned back = 1; back <= NOTES && back <= notes.next && !found; back++) {
		const struct witness_note *n = &notes.note[(notes.next - back) % NOTES];

		if ((found = n->table == t))
			str_add(out, n->question);
	}
	unlock();
	return found;
}

void witness_made(const struct table *t, const struct witness_view *v, const struct job_pane *pane)
{
	struct str question;

	if (!t)
		return;
	str_init(&question);
	witness_question(v, pane, &question);
	note(t, question.s);
	str_done(&question);
}

void witness_copied(const struct table *t, const struct table *a, const struct table *b)
{
	struct str both;

	if (!t)
		return;
	str_init(&both);
	if (witness_find(a, &both) && (!b || witness_find(b, &both)))
		note(t, both.s);
	str_done(&both);
}

/* ---- comparing ---- */

/* Two values after "=": equal, of no account, or, with a second form after a tab, the same in that. */
static bool same_value(const char *a, size_t na, const char *b, size_t nb)
{
	const char *tab_a = memchr(a, '\t', na), *tab_b = memchr(b, '\t', nb);

	if ((na == 1 && *a == '*') || (nb == 1 && *b == '*') || (na == nb && !memcmp(a, b, na)))
		return true;
	if (!tab_a || !tab_b)
		return false;
	if (tab_a - a == tab_b - b && !memcmp(a, b, (size_t)(tab_a - a)))
		return true;
	na -= (size_t)(++tab_a - a);
	nb -= (size_t)(++tab_b - b);
	return na && na == nb && !memcmp(tab_a, tab_b, na);
}

bool witness_same(const char *asked, const char *answered)
{
	while (*asked && *answered) {
		size_t n = strcspn(asked, "\n"), m = strcspn(answered, "\n"), name = strcspn(asked, "=") + 1;

		if (name > n || name > m || memcmp(asked, answered, name) ||
		    !same_value(asked + name, n - name, answered + name, m - name))
			return false;
		asked += n + (asked[n] == '\n');
		answered += m + (answered[m] == '\n');
	}
	return !*asked && !*answered;
}
