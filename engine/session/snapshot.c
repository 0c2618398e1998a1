/* snapshot.c - see snapshot.h. */
#include "engine/session/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "engine/model/tokenizer/tokenizer.h"
#include "engine/run/metric.h"
#include "engine/run/run.h"
#include "engine/session/session.h"

static struct snapshot_token *copy_tokens(const struct snapshot_token *from, int n)
{
	struct snapshot_token *to = xcalloc((size_t)n, sizeof *to);

	for (int i = 0; i < n; i++) {
		to[i] = from[i];
		to[i].text = xmalloc(from[i].bytes + 1);
		memcpy(to[i].text, from[i].text, from[i].bytes + 1);
		to[i].show = xstrdup(from[i].show);
	}
	return to;
}

void snapshot_free_tokens(struct snapshot_token *t, int n)
{
	for (int i = 0; i < n; i++) {
		free(t[i].text);
		free(t[i].show);
	}
	free(t);
}

static char *copy_text(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

struct snapshot *snapshot_copy(const struct snapshot *from)
{
	struct snapshot *to = xmalloc(sizeof *to);

	*to = *from;
	to->token = copy_tokens(from->token, from->tokens);
	to->foil = copy_tokens(from->foil, from->foil_tokens);
	to->generated = copy_tokens(from->generated, from->generated_tokens);
	to->plain = copy_tokens(from->plain, from->plain_tokens);
	to->next.show = copy_text(from->next.show);
	to->next_unedited.show = copy_text(from->next_unedited.show);
	to->next_foil.show = copy_text(from->next_foil.show);
	to->error = copy_text(from->error);
	to->note = xcalloc((size_t)from->notes, sizeof *to->note);
	for (int i = 0; i < from->notes; i++)
		to->note[i] = xstrdup(from->note[i]);
	for (int i = 0; i < from->panes; i++) {
		to->pane[i].error = copy_text(from->pane[i].error);
		if (to->pane[i].table)
			table_ref(to->pane[i].table);
		if (to->pane[i].before)
			table_ref(to->pane[i].before);
		if (to->pane[i].older)
			table_ref(to->pane[i].older);
	}
	return to;
}

void snapshot_free_notes(struct snapshot *s)
{
	for (int i = 0; i < s->notes; i++)
		free(s->note[i]);
	free(s->note);
	s->note = NULL;
	s->notes = 0;
}

void snapshot_free_guesses(struct snapshot *s)
{
	free(s->next.show);
	free(s->next_unedited.show);
	free(s->next_foil.show);
	s->next = s->next_unedited = s->next_foil = (struct snapshot_guess){ 0 };
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	snapshot_free_tokens(s->token, s->tokens);
	snapshot_free_tokens(s->foil, s->foil_tokens);
	snapshot_free_tokens(s->generated, s->generated_tokens);
	snapshot_free_tokens(s->plain, s->plain_tokens);
	snapshot_free_guesses(s);
	free(s->error);
	snapshot_free_notes(s);
	for (int i = 0; i < s->panes; i++) {
		free(s->pane[i].error);
		table_unref(s->pane[i].table);
		table_unref(s->pane[i].before);
		table_unref(s->pane[i].older);
	}
	free(s);
}

struct snapshot_token snapshot_make_token(const struct tokenizer *t, int32_t id)
{
	struct snapshot_token token = { .id = id, .special = tokenizer_is_special(t, id) };
	struct str show;
	size_t n;
	const char *bytes = tokenizer_bytes(t, id, &n);

	token.text = xcalloc(n + 1, 1);
	token.bytes = n;
	if (n)
		memcpy(token.text, bytes, n);
	str_init(&show);
	tokenizer_show(t, id, &show);
	token.show = str_take(&show);
	return token;
}

/* Sets the list of tokens to a run's (NULL: none); frees what was there. */
static void set_tokens(struct snapshot_token **to, int *n, const struct tokenizer *t, const struct run *run)
{
	snapshot_free_tokens(*to, *n);
	*n = run ? run->T : 0;
	*to = xcalloc((size_t)*n, sizeof **to);
	for (int i = 0; i < *n; i++)
		(*to)[i] = snapshot_make_token(t, run->tokens[i]);
}

void snapshot_describe(struct snapshot *s, const struct session *session)
{
	const struct model *m = session_model(session);
	const struct metric *metric = session_metric(session);

	s->has_model = true;
	model_facts_of(m, &s->model);
	s->config = m->config;
	s->config.no_rotary = NULL;
	s->config.alibi = s->config.attention_scale = NULL;
	s->config.window = NULL;
	s->config.curve = NULL;
	set_tokens(&s->token, &s->tokens, m->tokenizer, session_run(session));
	set_tokens(&s->foil, &s->foil_tokens, m->tokenizer, session_foil(session));
	memcpy(s->metric_spec, metric->spec, sizeof s->metric_spec);
	s->metric_unit = metric_unit(metric);
	s->metric_position = metric->position;
}
