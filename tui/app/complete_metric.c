/* complete_metric.c - see complete_metric.h: a row of steps for each way in which a kind of metric continues. */
#include "tui/app/complete_metric.h"

#include <stdio.h>
#include <string.h>

#include "tui/app/binding.h"
#include "tui/app/complete_path.h"

/* ---- one word ---- */

/* A target in quotes. */
static void offer_target(struct completion *c, const char *typed, const char *token, const char *what)
{
	char text[120];

	if (!token || !*token || strchr(token, '"') || strchr(token, '\\') || strlen(token) > 100 || strchr(token, '\n'))
		return;
	snprintf(text, sizeof text, "\"%s\"", token);
	for (int i = 0; i < c->list.n; i++)
		if (!strcmp(c->list.item[i].text, text))
			return;
	completion_offer(c, typed, text, what);
}

/* What the model finds likely, then the prompt's own tokens. */
static void step_token(const struct app *app, const struct metric_info *info, const char *word, struct completion *c)
{
	const struct snapshot *shot = app->shot;

	(void)info;
	for (int p = 0; shot && p < shot->panes; p++) {
		const struct table *t = shot->pane[p].table;

		for (int i = 0; t && t->word && t->look == LOOK_RANKING && i < t->rows.n; i++)
			offer_target(c, word, t->word[table_cell(t, i, 0)], "likely here");
	}
	for (int i = 0; shot && i < shot->tokens; i++)
		if (!shot->token[i].special)
			offer_target(c, word, shot->token[i].text, "of the prompt");
}

static void step_file(const struct app *app, const struct metric_info *info, const char *word, struct completion *c)
{
	(void)app, (void)info;
	complete_path(word, asset_vectors.endings, &c->list);
}

/* Of a stream there are its own sites and what is written to it; a part may be a head, a neuron, a source or the embedding, too. */
static bool is_of_stream(const struct place_word *w)
{
	return !w->also_mlp && w->site != SITE_EMBED && w->site != SITE_LN_FINAL && site_table[w->site].width == 'D' &&
	       site_table[w->site].unit == DIM_NONE;
}

static bool is_part(const struct place_word *w)
{
	return is_of_stream(w) || w->site == SITE_RESULT || w->site == SITE_MLP_POST || w->site == SITE_PATTERN ||
	       w->site == SITE_EMBED;
}

static void step_site(const struct app *app, const struct metric_info *info, const char *word, struct completion *c)
{
	(void)app;
	for (int i = 0; place_words[i].word; i++)
		if (info->takes == TAKES_PART ? is_part(&place_words[i]) : is_of_stream(&place_words[i]))
			completion_offer(c, word, place_words[i].word, place_words[i].help);
}

/* Where the cursor is: a layer, and the unit of a site that has units. */
static void offer_layer(const struct app *app, enum site site, const char *word, struct completion *c)
{
	const enum dim unit = site == SITE_NONE ? DIM_NONE : site_table[site].unit;
	const int layers = extent_of(app, DIM_LAYER), units = unit == DIM_NONE ? 0 : extent_of(app, unit);
	char text[60];

	if (!layers)
		return;
	snprintf(text, sizeof text, units ? "%d.%d" : "%d", cursor_get(app, DIM_LAYER, layers),
		 units ? cursor_get(app, unit, units) : 0);
	completion_offer(c, word, text, "where the cursor is");
}

static void step_unit(const struct app *app, const struct metric_info *info, const char *word, struct completion *c)
{
	offer_layer(app, info->site, word, c);
}

static void step_layer(const struct app *app, const struct metric_info *info, const char *word, struct completion *c)
{
	(void)info;
	offer_layer(app, SITE_NONE, word, c);
}

static void step_position(const struct app *app, const struct metric_info *info, const char *word, struct completion *c)
{
	const int T = extent_of(app, DIM_POSITION);
	char text[40];

	(void)info;
	snprintf(text, sizeof text, "@%d", cursor_get(app, DIM_POSITION, T));
	if (T)
		completion_offer(c, word, text, "at the cursor's position");
}

static void step_weight(const struct app *app, const struct metric_info *info, const char *word, struct completion *c)
{
	const int T = extent_of(app, DIM_POSITION);
	char text[60];

	(void)info;
	snprintf(text, sizeof text, "@%d<%d", cursor_get(app, DIM_POSITION, T), cursor_get(app, DIM_KEY, T));
	if (T)
		completion_offer(c, word, text, "the cursor's query and key");
}

/* ---- the words of a kind ---- */

typedef void step(const struct app *app, const struct metric_info *info, const char *word, struct completion *c);

static step *const steps[][5] = {
	[TAKES_NOTHING] = { step_position },
	[TAKES_TOKEN] = { step_token, step_position },
	[TAKES_TOKENS] = { step_token, step_token, step_position },
	[TAKES_UNIT] = { step_unit, step_position },
	[TAKES_WEIGHT] = { step_unit, step_weight },
	[TAKES_STREAM] = { step_site, step_layer, step_position },
	[TAKES_FILE_STREAM] = { step_file, step_site, step_layer, step_position },
	[TAKES_TOKEN_STREAM] = { step_token, step_site, step_layer, step_position },
	[TAKES_PART] = { step_site }, /* then: after_place() */
};

/* The word that is being typed, and how many are before it; a space within quotes ends none. */
static const char *last_word(const char *argument, int *before)
{
	const char *word = argument;
	bool quoted = false;

	*before = 0;
	for (const char *s = argument; *s; s++) {
		quoted ^= *s == '"';
		if (*s != ' ' || quoted)
			continue;
		*before += s > argument && s[-1] != ' ';
		word = s + 1;
	}
	return word;
}

/* Of a part: its place's layer, where, and `of`. */
static void after_place(const struct app *app, const char *place, int before, const char *word, struct completion *c)
{
	const struct place_word *of = place_word_find(place, strcspn(place, " "));

	if (before == 2) {
		offer_layer(app, of ? of->site : SITE_NONE, word, c);
		return;
	}
	if (of && of->site == SITE_PATTERN && before == 3)
		step_weight(app, NULL, word, c);
	else if (before == 3)
		step_position(app, NULL, word, c);
	completion_offer(c, word, "of", "of which metric it is a part");
}

static const struct metric_info *find_kind(const char *argument)
{
	const size_t n = strcspn(argument, " ");

	for (int k = 0; k < METRIC_KINDS; k++)
		if (strlen(metric_table[k]->word) == n && !strncmp(metric_table[k]->word, argument, n))
			return metric_table[k];
	return NULL;
}

static void offer_kinds(const char *argument, struct completion *c)
{
	for (int i = 0; i < METRIC_KINDS; i++)
		completion_offer(c, argument, metric_table[i]->word, metric_table[i]->help);
}

void complete_metric(const struct app *app, const char *argument, struct completion *c)
{
	const struct metric_info *info = find_kind(argument);
	const size_t own = metric_own_bytes(argument);
	const char *word;
	int before;

	c->more = true;
	if (argument[own]) { /* the metric that it is a part of */
		c->from += own + strlen(" of ");
		complete_metric(app, argument + own + strlen(" of "), c);
		return;
	}
	word = last_word(argument, &before);
	c->from += (size_t)(word - argument);
	if (!before)
		offer_kinds(word, c);
	else if (info && info->takes == TAKES_PART && before > 1)
		after_place(app, argument + strlen(info->word) + 1, before, word, c);
	else if (info && before <= (int)(sizeof *steps / sizeof **steps) && steps[info->takes][before - 1])
		steps[info->takes][before - 1](app, info, word, c);
}
