/*
 * export_json.c - see export.h: one line of JSON per table, its members always in this order.
 *
 *   analysis model prompt foil (prompts) edits metric args (diff, on) rows cols units values (stderr)
 *   (words ids) (edges edge_places) (check) (footnote)
 */
#include "engine/export/export.h"

#include <math.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/utf8.h"
#include "engine/session/args.h"

static void key(struct str *out, const char *name)
{
	if (out->s[out->n - 1] != '{')
		str_add_char(out, ',');
	json_write_string(out, name, strlen(name));
	str_add_char(out, ':');
}

static void text_member(struct str *out, const char *name, const char *text)
{
	key(out, name);
	json_write_string(out, text, strlen(text));
}

static void null_member(struct str *out, const char *name)
{
	key(out, name);
	str_add(out, "null");
}

static void int_member(struct str *out, const char *name, int value)
{
	key(out, name);
	str_addf(out, "%d", value);
}

static void number_member(struct str *out, const char *name, double value)
{
	key(out, name);
	json_write_double(out, value);
}

static void write_model(struct str *out, const struct model_facts *m)
{
	key(out, "model");
	str_add_char(out, '{');
	text_member(out, "name", m->name);
	text_member(out, "family", m->family);
	int_member(out, "layers", m->L);
	int_member(out, "heads", m->H);
	int_member(out, "kv_heads", m->G);
	int_member(out, "d_model", m->D);
	int_member(out, "d_head", m->K);
	int_member(out, "d_mlp", m->neurons ? m->neurons : m->expert_neurons);
	int_member(out, "vocab", m->V);
	str_add_char(out, '}');
}

/* {"id":…,"text":…}, with "bytes" where the text had to be repaired. */
static void write_token(struct str *out, const struct snapshot_token *token)
{
	str_add_char(out, '{');
	int_member(out, "id", token->id);
	key(out, "text");
	json_write_string(out, token->text, token->bytes);
	if (!utf8_valid(token->text, token->bytes)) {
		key(out, "bytes");
		str_add_char(out, '"');
		for (size_t i = 0; i < token->bytes; i++)
			str_addf(out, "%02x", (unsigned char)token->text[i]);
		str_add_char(out, '"');
	}
	str_add_char(out, '}');
}

static void write_prompt(struct str *out, const char *name, const char *text, const struct snapshot_token *token, int n)
{
	key(out, name);
	if (!text || !n) {
		str_add(out, "null");
		return;
	}
	str_add_char(out, '{');
	text_member(out, "text", text);
	key(out, "tokens");
	for (int i = 0; i < n; i++) {
		str_add_char(out, i ? ',' : '[');
		write_token(out, &token[i]);
	}
	str_add(out, "]}");
}

static void write_edits(struct str *out, const struct job *job)
{
	int written = 0;

	key(out, "edits");
	str_add_char(out, '[');
	for (int i = 0; i < job->edits; i++) {
		if (!job->edit[i].on)
			continue;
		if (written++)
			str_add_char(out, ',');
		json_write_string(out, job->edit[i].line, strlen(job->edit[i].line));
	}
	str_add_char(out, ']');
}

static void write_metric(struct str *out, const struct answer *a)
{
	key(out, "metric");
	if (!*answer_metric(a)) { /* nothing was asked of a prompt */
		str_add(out, "null");
		return;
	}
	str_add_char(out, '{');
	text_member(out, "spec", answer_metric(a));
	number_member(out, "value", answer_value(a));
	number_member(out, "unedited", answer_unedited(a));
	str_add_char(out, '}');
}

static void write_args(struct str *out, const struct answer *a)
{
	const struct job_pane *pane = a->pane;
	const struct param *params = pane->analysis->params;
	struct value args[PARAM_MAX];

	if (a->table->over) /* a place of the metric's own is each prompt's */
		args_of_run(pane, -1, 0, args);
	else
		args_of_run(pane, a->of->metric_position, a->of->tokens, args);
	key(out, "args");
	str_add_char(out, '{');
	for (int i = 0; i < param_count(params); i++) {
		const struct param *p = &params[i];
		struct str text;

		str_init(&text);
		if (param_is_text(p) || args[i].text || p->kind == PARAM_CHOICE || p->kind == PARAM_WORDS)
			param_print(p, args[i], &text);
		if (text.n)
			text_member(out, p->name, text.s);
		else if (!param_is_text(p))
			number_member(out, p->name, args[i].number);
		else
			null_member(out, p->name);
		str_done(&text);
	}
	str_add_char(out, '}');
	if (pane->shown == SHOWN_FOIL)
		text_member(out, "on", "foil");
	else if (pane->shown != SHOWN_RUN)
		text_member(out, "diff", shown_words[pane->shown].word);
}

/* A place as it is typed, "@13" where the other axis says of what; null: nowhere. */
static void write_place(struct str *out, const struct place *place)
{
	struct str s;

	str_init(&s);
	if (place->site != SITE_NONE)
		place_print(place, &s);
	else
		place_print_positions(place, &s);
	if (s.n)
		json_write_string(out, s.s, s.n);
	else
		str_add(out, "null");
	str_done(&s);
}

/* Inside the axis of the rows: where each is, and how they relate. */
static void write_tree(struct str *out, const struct table *t)
{
	key(out, "parent");
	for (int i = 0; i < t->rows.n; i++)
		str_addf(out, "%c%d", i ? ',' : '[', t->parent[i]);
	str_add_char(out, ']');
	key(out, "closed");
	for (int i = 0; i < t->rows.n; i++)
		str_addf(out, "%c%s", i ? ',' : '[', t->closed[i] ? "true" : "false");
	str_add_char(out, ']');
}

/* "edges":[[from,to,weight],…],"edge_places":["head 3.1",null,…] */
static void write_edges(struct str *out, const struct table *t)
{
	key(out, "edges");
	str_add_char(out, '[');
	for (int i = 0; i < t->edges; i++) {
		str_addf(out, "%s[%d,%d,", i ? "," : "", t->edge[i].from, t->edge[i].to);
		json_write_float(out, t->edge[i].weight);
		str_add_char(out, ']');
	}
	str_add_char(out, ']');
	key(out, "edge_places");
	str_add_char(out, '[');
	for (int i = 0; i < t->edges; i++) {
		if (i)
			str_add_char(out, ',');
		write_place(out, &t->edge[i].place);
	}
	str_add_char(out, ']');
}

static void write_axis(struct str *out, const char *name, const struct axis *axis, const struct table *t)
{
	key(out, name);
	str_add_char(out, '{');
	text_member(out, "dim", axis->name);
	key(out, "labels");
	str_add_char(out, '[');
	for (int i = 0; i < axis->n; i++) {
		if (i)
			str_add_char(out, ',');
		json_write_string(out, axis->label[i], axis->label_bytes[i]);
	}
	str_add_char(out, ']');
	if (axis->place)
		key(out, "places");
	for (int i = 0; axis->place && i < axis->n; i++) {
		str_add_char(out, i ? ',' : '[');
		write_place(out, &axis->place[i]);
	}
	if (axis->place)
		str_add_char(out, ']');
	if (axis == &t->rows && t->parent)
		write_tree(out, t);
	str_add_char(out, '}');
}

static void write_error(struct str *out, const struct table *t, size_t cell)
{
	json_write_float(out, t->error[cell]);
}

static void write_value(struct str *out, const struct table *t, size_t cell)
{
	json_write_float(out, t->value[cell]);
}

static void write_mark(struct str *out, const struct table *t, size_t cell)
{
	str_add(out, t->mark[cell] ? "true" : "false");
}

static void write_word(struct str *out, const struct table *t, size_t cell)
{
	if (t->id[cell] < 0 && !t->word_bytes[cell]) /* a word without an id is no token */
		str_add(out, "null");
	else
		json_write_string(out, t->word[cell], t->word_bytes[cell]);
}

static void write_id(struct str *out, const struct table *t, size_t cell)
{
	if (t->id[cell] < 0)
		str_add(out, "null");
	else
		str_addf(out, "%d", (int)t->id[cell]);
}

/* [[…],…] of one thing per cell. */
static void write_cells(struct str *out, const char *name, const struct table *t,
			void (*write)(struct str *out, const struct table *t, size_t cell))
{
	key(out, name);
	str_add_char(out, '[');
	for (int r = 0; r < t->rows.n; r++) {
		str_add(out, r ? ",[" : "[");
		for (int c = 0; c < t->cols.n; c++) {
			if (c)
				str_add_char(out, ',');
			write(out, t, table_cell(t, r, c));
		}
		str_add_char(out, ']');
	}
	str_add_char(out, ']');
}

/* "tiles":{"rows":8,"columns":8,"values":[…]}: for each row and column of the table, the picture's numbers row by row. */
static void write_tiles(struct str *out, const struct table *t)
{
	int n = t->tile_rows * t->tile_cols;

	str_addf(out, ",\"tiles\":{\"rows\":%d,\"columns\":%d,\"values\":[", t->tile_rows, t->tile_cols);
	for (int i = 0; i < t->rows.n * t->cols.n; i++) {
		str_add(out, i % t->cols.n ? "," : i ? "],[" : "[");
		for (int k = 0; k < n; k++) {
			str_add(out, k ? "," : "[");
			json_write_float(out, t->tile[(size_t)i * (size_t)n + (size_t)k]);
		}
		str_add_char(out, ']');
	}
	str_add(out, "]]}");
}

static void write_check(struct str *out, const struct check *check)
{
	key(out, "check");
	str_add_char(out, '{');
	text_member(out, "name", check->name);
	number_member(out, "expected", check->expected);
	number_member(out, "actual", check->actual);
	number_member(out, "gap", fabs(check->actual - check->expected));
	number_member(out, "tolerance", check->tolerance);
	str_add_char(out, '}');
}

void export_json(const struct answer *a, struct str *out)
{
	const struct table *t = a->table;

	str_add_char(out, '{');
	text_member(out, "analysis", t->analysis);
	write_model(out, &a->of->model);
	write_prompt(out, "prompt", a->table->over ? NULL : a->job->prompt, a->of->token, a->of->tokens);
	write_prompt(out, "foil", a->table->over ? NULL : a->job->foil, a->of->foil, a->of->foil_tokens);
	if (a->table->over) {
		key(out, "prompts");
		str_add_char(out, '{');
		text_member(out, "file", a->table->over->file);
		int_member(out, "n", a->table->over->n);
		str_add_char(out, '}');
	}
	write_edits(out, a->job);
	write_metric(out, a);
	write_args(out, a);
	write_axis(out, "rows", &t->rows, t);
	write_axis(out, "cols", &t->cols, t);
	key(out, "units");
	for (int i = 0; i < t->units; i++) {
		str_add_char(out, i ? ',' : '[');
		json_write_string(out, t->unit[i], strlen(t->unit[i]));
	}
	str_add_char(out, ']');
	write_cells(out, "values", t, write_value);
	if (t->error)
		write_cells(out, "stderr", t, write_error);
	if (t->tile)
		write_tiles(out, t);
	if (t->mark)
		write_cells(out, "marks", t, write_mark);
	if (t->word) {
		write_cells(out, "words", t, write_word);
		write_cells(out, "ids", t, write_id);
	}
	if (t->edge)
		write_edges(out, t);
	if (t->check.name)
		write_check(out, &t->check);
	if (t->footnote)
		text_member(out, "footnote", t->footnote);
	str_add(out, "}\n");
}
