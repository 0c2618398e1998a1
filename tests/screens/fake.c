/* fake.c - see fake.h. */
#include "tests/screens/fake.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "tests/screens/samples.h"
#include "tui/app/start.h"

/* 0 … 1, the same for the same arguments. */
static float number(int a, int b, int c)
{
	unsigned x = (unsigned)(a * 7919 + b * 104729 + c * 1299709 + 17);

	x ^= x >> 7;
	x *= 2654435761u;
	return (float)(x >> 8 & 0xffff) / 65536.0f;
}

/* ------------------------------------------------------------------------------------------------ tokens */

static int number_of(const char *text, size_t bytes)
{
	unsigned id = 0;

	for (size_t i = 0; i < bytes; i++)
		id = id * 31 + (unsigned char)text[i];
	return (int)(100 + id % 100000);
}

static void add_token(struct snapshot_token **list, int *n, const char *text, size_t bytes, bool special)
{
	struct snapshot_token *t;
	struct str show;

	*list = xrealloc(*list, (size_t)(*n + 1) * sizeof **list);
	t = &(*list)[*n];
	str_init(&show);
	if (special)
		str_add(&show, "‹bos›");
	else if (*text == ' ')
		str_add(&show, "·");
	if (!special)
		utf8_safe(&show, text + (*text == ' '), bytes - (*text == ' '), false);
	*t = (struct snapshot_token){ .id = special ? 1 : number_of(text, bytes), .show = str_take(&show), .special = special };
	t->text = xcalloc(bytes + 1, 1);
	memcpy(t->text, text, bytes);
	++*n;
}

/* Words with the space before them, after a ‹bos›. */
static void tokenise(const char *text, struct snapshot_token **list, int *n)
{
	add_token(list, n, "<s>", 3, true);
	while (*text) {
		size_t bytes = 1 + strcspn(text + 1, " ");

		add_token(list, n, text, bytes, false);
		text += bytes;
	}
}

static void free_tokens(struct snapshot_token **list, int *n)
{
	for (int i = 0; i < *n; i++) {
		free((*list)[i].text);
		free((*list)[i].show);
	}
	free(*list);
	*list = NULL;
	*n = 0;
}

/* ------------------------------------------------------------------------------------------------ tables */

static void token_axis(struct table *t, struct axis *axis, const struct snapshot *shot, enum dim dim, const char *name)
{
	axis_numbers(t, axis, dim);
	axis->name = name;
	axis->id = arena_alloc(t->arena, (size_t)axis->n * sizeof *axis->id);
	axis->show = arena_alloc(t->arena, (size_t)axis->n * sizeof *axis->show);
	for (int i = 0; i < axis->n; i++) {
		axis->label[i] = arena_strdup(t->arena, shot->token[i].text);
		axis->show[i] = arena_strdup(t->arena, shot->token[i].show);
		axis->id[i] = shot->token[i].id;
	}
}

static const char *const words[] = { "Paris", "the", "Question", "a", "same", "Rome", "city", "of", "…and so on", "見る" };

static void set_word(struct table *t, size_t cell, int which)
{
	char raw[40], show[40];

	which %= (int)(sizeof words / sizeof *words);
	snprintf(raw, sizeof raw, " %s", words[which]);
	snprintf(show, sizeof show, "·%s", words[which]);
	table_set_word(t, cell, 500 + which, raw, strlen(raw), show);
}

static struct table *lens(const struct snapshot *shot, int edits)
{
	struct err err;
	struct table *t = table_new(FAKE_LAYERS, shot->tokens, &err);

	axis_numbers(t, &t->rows, DIM_LAYER);
	token_axis(t, &t->cols, shot, DIM_POSITION, "position");
	table_set_words(t);
	table_set_unit(t, "probability");
	table_set_title(t, "logit lens", NULL, "top token, probability");
	t->scale = SCALE_PROBABILITY;
	t->place.site = SITE_RESID_POST;
	for (int l = 0; l < FAKE_LAYERS; l++)
		for (int p = 0; p < shot->tokens; p++) {
			t->value[table_cell(t, l, p)] = number(l, p, edits);
			set_word(t, table_cell(t, l, p), l * 3 + p);
		}
	return t;
}

static struct table *attention(const struct snapshot *shot, const int *args, int edits)
{
	struct err err;
	struct table *t = table_new(shot->tokens, shot->tokens, &err);
	char title[100];

	token_axis(t, &t->rows, shot, DIM_POSITION, "query");
	token_axis(t, &t->cols, shot, DIM_KEY, "key");
	table_set_unit(t, "weight");
	snprintf(title, sizeof title, "layer %d head %d", args[0], args[1]);
	table_set_title(t, "attention", title, NULL);
	t->look = LOOK_ATTENTION;
	t->scale = SCALE_PROBABILITY;
	t->place.site = SITE_PATTERN;
	t->explain = METRIC_PATTERN;
	t->place.layer = args[0];
	t->place.unit = t->place.unit_to = args[1];
	t->skip_first = true;
	for (int q = 0; q < shot->tokens; q++)
		for (int k = 0; k <= q; k++)
			t->value[table_cell(t, q, k)] = number(q, k, args[0] * 10 + args[1] + edits) / (float)(q + 1);
	return t;
}

static struct table *heads(int edits)
{
	struct err err;
	struct table *t = table_new(FAKE_LAYERS, FAKE_HEADS, &err);
	double sum = 0;

	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_numbers(t, &t->cols, DIM_HEAD);
	table_set_unit(t, "logit");
	table_set_title(t, "direct attribution", "heads", NULL);
	t->scale = SCALE_DIVERGING;
	t->place.site = SITE_RESULT;
	t->explain = METRIC_PART;
	for (int l = 0; l < FAKE_LAYERS; l++)
		for (int h = 0; h < FAKE_HEADS; h++)
			sum += (double)(t->value[table_cell(t, l, h)] = 4 * number(l, h, 99 + edits) - 2);
	t->check = (struct check){ "heads and the rest sum to the logit", sum, sum, 1e-4 };
	t->footnote = "not heads: +3.1";
	return t;
}

/* A part is made of the layers before its own. */
static int layers_below(const char *metric)
{
	int layer;

	return sscanf(metric, "part %*s %d", &layer) == 1 && layer < FAKE_LAYERS ? layer : FAKE_LAYERS;
}

static struct table *components(const struct snapshot *shot, int edits, const char *open)
{
	const int layers = layers_below(shot->metric_spec);
	struct err err;
	struct place place[(1 + 2 * FAKE_LAYERS) * (1 + FAKE_HEADS)] = { PLACE_NONE };
	int parent[sizeof place / sizeof *place] = { -1 }, n = 1;
	struct table *t;
	char label[20];

	for (int i = 1; i < 1 + 2 * layers; i++) {
		const int layer = (i - 1) / 2, row = n++;

		place[row] = place_at(i % 2 ? SITE_ATTN_OUT : SITE_MLP_OUT, layer, -1, -1);
		parent[row] = -1;
		snprintf(label, sizeof label, "attn_out %d", layer);
		for (int h = 0; i % 2 && open && strstr(open, label) && h < FAKE_HEADS; h++, n++) {
			place[n] = place_at(SITE_RESULT, layer, h, -1);
			parent[n] = row;
		}
	}
	t = table_new(n, 1, &err);
	t->rows.dim = DIM_COMPONENT;
	t->rows.name = "component";
	axis_numbers(t, &t->rows, DIM_COMPONENT);
	axis_numbers(t, &t->cols, DIM_QUANTITY);
	axis_label(t, &t->cols, 0, "logit");
	table_set_tree(t);
	for (int i = 0; i < n; i++) {
		const struct place *p = &place[i];

		snprintf(label, sizeof label,
			 p->site == SITE_RESULT	    ? "head %d.%d"
			 : p->site == SITE_ATTN_OUT ? "%d.attn"
						    : "%d.mlp",
			 p->layer, p->unit);
		axis_label(t, &t->rows, i, i ? label : "embed");
		axis_place(t, &t->rows, i, *p);
		t->parent[i] = parent[i];
		t->closed[i] = p->site == SITE_ATTN_OUT && !(i + 1 < n && parent[i + 1] == i);
		t->value[i] = p->site == SITE_RESULT
				      ? number(p->layer, p->unit, edits)
				      : 6 * number(i ? 1 + 2 * p->layer + (p->site == SITE_MLP_OUT) : 0, 3, edits) - 3;
	}
	table_set_unit(t, "logit");
	table_set_title(t, "direct attribution", "all parts", NULL);
	t->explain = METRIC_PART;
	t->look = LOOK_BARS;
	t->scale = SCALE_DIVERGING;
	return t;
}

static struct table *next_token(int position, int edits)
{
	static const char *const quantity[] = { "logit", "probability", "logit_unedited", "probability_unedited" };
	static const char *const unit[] = { "logit", "probability", "logit", "probability" };
	struct err err;
	struct table *t = table_new(6, 4, &err);

	axis_numbers(t, &t->rows, DIM_RANK);
	axis_numbers(t, &t->cols, DIM_QUANTITY);
	table_set_words(t);
	t->units = 4;
	t->unit = arena_alloc(t->arena, 4 * sizeof *t->unit);
	for (int k = 0; k < 4; k++) {
		axis_label(t, &t->cols, k, quantity[k]);
		t->unit[k] = unit[k];
	}
	table_set_title(t, "next token", NULL, NULL);
	t->look = LOOK_RANKING;
	t->ranking = (struct ranking){ 1, 0, 3 };
	for (int i = 0; i < t->rows.n; i++) {
		float was = 0.6f / (float)((i + 1) * (i + 1)), now = edits ? was * 0.8f : was;
		const float row[] = { 14 + logf(now), now, 14 + logf(was), was };

		for (int k = 0; k < 4; k++) {
			t->value[table_cell(t, i, k)] = row[k];
			set_word(t, table_cell(t, i, k), i + (position < 0 ? 0 : position));
		}
	}
	return t;
}

/* What each cell is the effect of: a patch, or a window of layers that do not see a token. */
static void tell_edits(struct table *t, bool window)
{
	struct arena *scratch = arena_new();

	for (int l = 0; l < t->rows.n; l++)
		for (int p = 0; p < t->cols.n; p++)
			for (int w = l; w < (window ? l + 2 : l + 1) && w < t->rows.n; w++) {
				struct place place =
					place_at(window ? SITE_SCORES : SITE_RESID_PRE, w, -1, window ? t->cols.n - 1 : p);
				struct edit edit;

				if (window)
					place_set(&place, DIM_KEY, p, p);
				edit = edit_at(&place, window ? EDIT_MASK : EDIT_PATCH, scratch);
				table_add_edit(t, table_cell(t, l, p), &edit);
			}
	arena_free(scratch);
}

/* What no node hands on to itself is the look of one head. */
static struct table *graph(const struct snapshot *shot)
{
	struct table *t = sample_graph(FAKE_LAYERS, shot->tokens, 2);

	for (int i = 0; i < t->edges; i++) {
		struct place *place = &t->edge[i].place;

		if (place->site != SITE_PATTERN)
			continue;
		place_set(place, DIM_HEAD, 1, 1);
		place_set(place, DIM_KEY, t->edge[i].from % shot->tokens, t->edge[i].from % shot->tokens);
	}
	return t;
}

static struct table *answer(const struct snapshot *shot, const struct job_pane *pane, int edits)
{
	const char *name = pane->analysis->name;
	const int where[] = { ((int)pane->args[0].number + FAKE_LAYERS) % FAKE_LAYERS,
			      ((int)pane->args[1].number + FAKE_HEADS) % FAKE_HEADS };
	struct table *t =
		!strcmp(name, "attention")	    ? attention(shot, where, edits)
		: !strcmp(name, "information-flow") ? graph(shot)
		: !strcmp(name, "next-token")	    ? next_token((int)pane->args[1].number, edits)
		: !strcmp(name, "direct-attribution")
			? components(shot, edits, pane->args[param_find(pane->analysis->params, "open")].text)
		: !strcmp(name, "head-attribution") || !strcmp(name, "ablation-sweep") || !strcmp(name, "attention-overview")
			? heads(edits)
			: lens(shot, edits);

	t->analysis = name;
	if (!strcmp(name, "path-patching") && pane->args[param_find(pane->analysis->params, "direction")].number != 0)
		t->no_edit = "edits are made in the prompt's run";
	else if (!strcmp(name, "activation-patching") || !strcmp(name, "attention-knockout"))
		tell_edits(t, *name == 'a' && name[1] == 't');
	return t;
}

/* Other numbers, on the foil's tokens. Takes the table. */
static struct table *of_the_foil(const struct snapshot *shot, const struct job_pane *pane, struct table *t)
{
	struct snapshot other = { .token = shot->foil, .tokens = shot->foil_tokens };
	struct table *on = answer(&other, pane, 7);

	table_set_whose(on, "of the foil");
	table_unref(t);
	return on;
}

static void as_mean(struct table *t)
{
	table_set_whose(t, "mean of 3 prompts");
	table_set_errors(t, "3 prompts");
	table_set_over(t, &(struct over){ "three.txt", 3, "logit of answer", 1, 1 });
	for (int i = 0; i < t->rows.n * t->cols.n; i++)
		t->error[i] = 0.25f;
}

/* Of the foil, or without the edits: other numbers. Takes the table. */
static struct table *less_the_other(const struct snapshot *shot, const struct job_pane *pane, struct table *t)
{
	struct err err;
	struct table *other = answer(shot, pane, 7), *difference;

	difference = table_minus(t, other, pane->shown == SHOWN_MINUS_FOIL ? "prompt − foil" : "edited − unedited", &err);
	difference->analysis = t->analysis;
	table_unref(t);
	table_unref(other);
	return difference;
}

/* ------------------------------------------------------------------------------------------------ the worker */

static void forget(struct snapshot *shot)
{
	for (int i = 0; i < shot->panes; i++)
		table_unref(shot->pane[i].table);
	free_tokens(&shot->token, &shot->tokens);
	free_tokens(&shot->foil, &shot->foil_tokens);
	free_tokens(&shot->generated, &shot->generated_tokens);
	free_tokens(&shot->plain, &shot->plain_tokens);
	free(shot->error);
	memset(shot, 0, sizeof *shot);
}

static void answer_all(struct fake *f, const struct job *job)
{
	static char paris[] = "·Paris", rome[] = "·Rome";
	struct snapshot *shot = &f->shot;
	int edits = 0;

	forget(shot);
	for (int i = 0; i < job->edits; i++)
		edits += job->edit[i].on;
	shot->serial = ++f->serial;
	shot->milliseconds = 12;
	shot->answering = -1;
	shot->has_model = true;
	shot->model = (struct model_facts){ .name = "tiny",
					    .family = "llama",
					    .dtypes = "F16",
					    .L = FAKE_LAYERS,
					    .D = 48,
					    .H = FAKE_HEADS,
					    .G = 1,
					    .K = 16,
					    .neurons = 96,
					    .V = 512,
					    .context = 256 };
	shot->config = (struct config){
		.L = FAKE_LAYERS, .D = 48, .H = FAKE_HEADS, .G = 1, .K = 16, .F = 96, .dense = 96, .V = 512, .context = 256
	};
	tokenise(job->prompt, &shot->token, &shot->tokens);
	if (job->foil)
		tokenise(job->foil, &shot->foil, &shot->foil_tokens);
	shot->next = shot->next_unedited = (struct snapshot_guess){ 500, paris, 0.71 };
	if (job->foil)
		shot->next_foil = (struct snapshot_guess){ 505, rome, 0.64 };
	shot->has_metric = true;
	snprintf(shot->metric_spec, sizeof shot->metric_spec, "%s", job->metric ? job->metric : "logit \" Paris\"");
	shot->metric_unedited = 14.2;
	shot->metric = 14.2 - 1.31 * edits;
	for (int i = 0; i < job->generate; i++)
		add_token(&shot->generated, &shot->generated_tokens, i % 4 ? " and" : " then", i % 4 ? 4 : 5, false);
	for (int i = 0; i < shot->generated_tokens; i++)
		shot->generated[i].probability = 0.5;
	for (int i = 0; edits && i < job->generate; i++)
		add_token(&shot->plain, &shot->plain_tokens, i % 3 ? " or" : " so", 3, false);
	shot->panes = job->panes;
	for (int i = 0; i < job->panes; i++) {
		shot->pane[i].question = job->pane[i];
		shot->pane[i].table = answer(shot, &job->pane[i], edits);
		if (job->pane[i].over)
			as_mean(shot->pane[i].table);
		if (job->pane[i].shown == SHOWN_FOIL)
			shot->pane[i].table = of_the_foil(shot, &job->pane[i], shot->pane[i].table);
		else if (job->pane[i].shown != SHOWN_RUN)
			shot->pane[i].table = less_the_other(shot, &job->pane[i], shot->pane[i].table);
	}
}

/* The answers so far are to an earlier question. */
static void begin_answers(struct fake *f, const struct job *job)
{
	f->shot.serial = ++f->serial;
	f->shot.state = WORK_ANSWERING;
	snprintf(f->shot.what, sizeof f->shot.what, "%s", job->pane[0].analysis->name);
	f->shot.answering = 0;
	f->shot.done = 12;
	f->shot.total = 30;
	f->shot.pane[0].done = 12;
	f->shot.pane[0].total = 30;
	for (int i = 0; i < job->panes && i < f->shot.panes; i++) {
		f->shot.pane[i].question = job->pane[i];
		f->shot.pane[i].stale = true;
	}
}

/* As the worker does: the answers stay those to the question before. */
static bool refuse(struct fake *f, const struct job *job)
{
	struct snapshot *shot = &f->shot;
	const char *why = f->refuses ? f->refuses(job, &shot->fault) : NULL;

	free(shot->error);
	shot->error = why ? strdup(why) : NULL;
	shot->error_kind = why ? ERR_ARGUMENT : ERR_NONE;
	if (!why)
		return false;
	shot->serial = ++f->serial;
	for (int i = 0; i < shot->panes; i++)
		shot->pane[i].stale = true;
	return true;
}

bool fake_serve(struct fake *f, struct app *app)
{
	struct request r;
	bool leave = false;

	while (app_take(app, &r)) {
		if (r.kind == REQUEST_ASK) {
			f->asked++;
			app_asked(app, f->serial + 1);
			if (f->slow)
				begin_answers(f, &app->asked);
			else if (!refuse(f, &app->asked))
				answer_all(f, &app->asked);
			app_snapshot(app, &f->shot);
		}
		for (int i = 0; r.kind == REQUEST_LOG && i < app->log.n; i++) /* one a minute */
			app->log.entry[i].at = app->log.entry[i].at ? app->log.entry[i].at : FAKE_NOW + 60 * f->serial;
		if (r.kind == REQUEST_COPY)
			snprintf(f->copied, sizeof f->copied, "%s", r.text);
		if (r.kind == REQUEST_EXPORT)
			snprintf(f->exported, sizeof f->exported, "%s", r.text);
		leave = leave || r.kind == REQUEST_QUIT;
		free(r.text);
	}
	return leave;
}

void fake_done(struct fake *f)
{
	forget(&f->shot);
}

bool fake_parse(const char *name, struct key *key)
{
	char word[20];
	int x, y;

	if (sscanf(name, "%19[A-Za-z]@%d,%d", word, &x, &y) != 3)
		return key_parse(name, key);
	if (!key_parse(word, key))
		return false;
	key->button = 1;
	key->x = x;
	key->y = y;
	return true;
}

bool fake_key(struct fake *f, struct app *app, const char *name)
{
	struct key key;

	if (!strcmp(name, "Slow")) {
		f->slow = true;
		return true;
	}
	if (!strcmp(name, "Answer")) {
		f->slow = false;
		f->serial--;
		answer_all(f, &app->asked);
		app_snapshot(app, &f->shot);
		fake_serve(f, app);
		return true;
	}
	if (*name == '\'') {
		for (name++; *name; name++) {
			key = (struct key){ .kind = K_CHAR, .c = *name == '_' ? ' ' : *name };
			app_event(app, &key);
			fake_serve(f, app);
		}
		return true;
	}
	if (!fake_parse(name, &key))
		return false;
	app_event(app, &key);
	fake_serve(f, app);
	return true;
}

bool fake_keys(struct fake *f, struct app *app, const char *names)
{
	char name[200];

	while (*names) {
		size_t n = strcspn(names, " ");

		snprintf(name, sizeof name, "%.*s", (int)n, names);
		if (n && !fake_key(f, app, name))
			return false;
		names += n + (names[n] == ' ');
	}
	return true;
}

void fake_document(struct preset *doc)
{
	preset_init(doc);
	job_set(&doc->job.prompt, "The capital of France is");
	start_document(doc);
}
