/* explain.c - see explain.h. */
#include "engine/analysis/explain.h"

#include <math.h>
#include <string.h>

#include "engine/run/metric.h"

void explained_init(struct explained *e)
{
	str_init(&e->spec);
	str_init(&e->other);
}

void explained_done(struct explained *e)
{
	str_done(&e->spec);
	str_done(&e->other);
}

/* Of what has several units, one column is the main quantity. */
static bool has_kind(const struct table *t, int row, int col, struct err *err)
{
	const bool main = t->units == 1 || col == t->explain_col;

	if (!main || t->explain == METRIC_NONE)
		return err_set(err, ERR_ARGUMENT,
			       "this cell (%s) is no metric; logits, contributions, attention weights and norms "
			       "are",
			       *t->unit[t->units == 1 ? 0 : col] ? t->unit[t->units == 1 ? 0 : col] : t->title);
	return isfinite(t->value[table_cell(t, row, col)]) || err_set(err, ERR_ARGUMENT, "there is no number in this cell");
}

/* The place without the word of its site, which the kind's word says. */
static void add_unit(const struct place *place, struct str *out)
{
	struct str text;

	str_init(&text);
	place_print(place, &text);
	str_add(out, text.s + strcspn(text.s, " "));
	str_done(&text);
}

static void add_place(const struct place *place, struct str *out)
{
	str_add_char(out, ' ');
	place_print(place, out);
}

/* By number: two tokens may have the same text. The spec that is shown has the text where that names it. */
static bool add_word(const struct table *t, size_t cell, struct str *out, struct err *err)
{
	if (!t->id || t->id[cell] < 0)
		return err_set(err, ERR_ARGUMENT, "there is no token in this cell");
	str_addf(out, " #%d", t->id[cell]);
	return true;
}

/* ---- parts ---- */

static bool is_one_weight(const struct place *p)
{
	return (p->site == SITE_PATTERN || p->site == SITE_SCORES) && p->unit >= 0 && p->unit_to == p->unit && p->position >= 0 &&
	       p->position_to == p->position && p->key >= 0 && p->key_to == p->key;
}

static bool is_one_neuron(const struct place *p)
{
	return p->site == SITE_MLP_POST && p->unit >= 0 && p->unit_to == p->unit;
}

static bool is_one_expert(const struct place *p)
{
	return p->site == SITE_EXPERT && p->unit >= 0 && p->unit_to == p->unit;
}

/*
 * What decides how much a head reads of a token, or how active a neuron is: linear in the stream, which the part itself is not. Of
 * a neuron that is read at several positions there is none.
 */
static bool add_inside(const struct place *place, struct explained *out)
{
	if (is_one_weight(place)) {
		str_add(&out->spec, metric_table[METRIC_SCORES]->word);
		add_unit(place, &out->spec);
		str_addf(&out->other, "the score that decides how much head %d.%d reads there", place->layer, place->unit);
		return true;
	}
	if (is_one_expert(place) && place->position >= 0 && place->position_to == place->position) {
		str_add(&out->spec, metric_table[METRIC_ROUTER]->word);
		add_unit(place, &out->spec);
		str_addf(&out->other, "the logit that decides how much expert %d.%d is asked for", place->layer, place->unit);
		return true;
	}
	if (!is_one_neuron(place) || place->position < 0 || place->position_to != place->position)
		return false;
	str_add(&out->spec, metric_table[METRIC_NEURON_PRE]->word);
	add_unit(place, &out->spec);
	str_addf(&out->other, "the input that decides how active neuron %d.%d is", place->layer, place->unit);
	return true;
}

/* What is there as what a metric is the sum of: heads in place of their patterns and mixed values. */
static struct place part_place(const struct place *cell)
{
	struct place place = *cell;

	if (place.site == SITE_ATTN_OUT) /* what was read of all keys */
		place_set(&place, DIM_KEY, -1, -1);
	if (place.key < 0 && place.unit >= 0 && (place.site == SITE_PATTERN || place.site == SITE_Z))
		place.site = SITE_RESULT;
	if (place.position_to != place.position) /* all that are read */
		place_set(&place, DIM_POSITION, -1, -1);
	return place;
}

static bool add_part(const struct table *t, int col, const struct place *cell, const char *metric, struct explained *out,
		     struct err *err)
{
	const struct place place = part_place(cell);

	if (place.key >= 0 && !is_one_weight(cell))
		return err_set(err, ERR_ARGUMENT,
			       "this row is what several queries read of one key; x on its head explains what the head reads");
	if (add_inside(cell, out))
		return true;
	str_add(&out->spec, metric_table[METRIC_PART]->word);
	add_place(&place, &out->spec);
	str_add(&out->spec, " of ");
	if (t->paths) {
		str_add(&out->spec, metric_table[METRIC_PART]->word);
		add_place(&t->cols.place[col], &out->spec);
		str_add(&out->spec, " of ");
	}
	str_add(&out->spec, t->part_of ? t->part_of : metric);
	if (t->explain_other)
		str_add(&out->other, "what is given to the metric directly");
	return true;
}

bool explain_look_of(const struct place *place, struct explained *out)
{
	str_clear(&out->spec);
	str_clear(&out->other);
	return is_one_weight(place) && add_inside(place, out);
}

/* ---- all kinds ---- */

static bool add_kind(const struct table *t, int row, int col, const struct place *place, struct explained *out, struct err *err)
{
	const enum metric_kind kind = t->explain;
	struct str *spec = &out->spec;

	str_add(spec, metric_table[kind]->word);
	if ((kind == METRIC_LENS || kind == METRIC_LOGIT) && !add_word(t, table_cell(t, row, col), spec, err))
		return false;
	if (kind == METRIC_PATTERN || kind == METRIC_SCORES)
		add_unit(place, spec);
	else if (kind != METRIC_LOGIT)
		add_place(place, spec);
	else if (t->place.position >= 0)
		str_addf(spec, " @%d", t->place.position);
	if (kind == METRIC_SCORES && t->explain_other)
		str_add(&out->other, "the score that all of them sum to");
	if (kind == METRIC_NORM && t->explain_other)
		str_add(&out->other, "how long the stream is there");
	return true;
}

bool explain_cell(const struct table *t, int row, int col, const char *metric, struct explained *out, struct err *err)
{
	struct place place;
	bool ok;

	str_clear(&out->spec);
	str_clear(&out->other);
	if (!has_kind(t, row, col, err))
		return false;
	if (!table_place(t, row, col, &place) && t->explain != METRIC_LOGIT)
		return err_set(err, ERR_ARGUMENT, "this row has no place in the model of which a metric could be");
	ok = t->explain == METRIC_PART ? add_part(t, col, &place, metric, out, err) : add_kind(t, row, col, &place, out, err);
	if (t->explain_other && out->other.n)
		str_addf(&out->other, ": %s", t->explain_other);
	else if (out->other.n)
		str_add(&out->other, ": another number than the cell's");
	return ok && (out->spec.n < sizeof((struct metric *)0)->spec ||
		      err_set(err, ERR_ARGUMENT, "the way here is too long for a metric: Backspace goes back a step"));
}

bool explain_further(const char *metric, struct explained *out)
{
	static const enum metric_kind kinds[] = { METRIC_PATTERN, METRIC_NEURON };

	str_clear(&out->spec);
	str_clear(&out->other);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const struct metric_info *info = metric_table[kinds[i]];
		const size_t n = strlen(info->word);

		if (strncmp(metric, info->word, n) || metric[n] != ' ')
			continue;
		str_addf(&out->spec, "%s%s", info->instead, metric + n);
		str_addf(&out->other, "what decides the %s", info->unit);
		return true;
	}
	return false;
}
