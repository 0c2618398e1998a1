/* explain.c - see explain.h. */
#include "engine/analysis/explain.h"

#include <math.h>
#include <string.h>

#include "engine/run/metric.h"

/* Of what has several units, the first column is the main quantity. */
static bool has_kind(const struct table *t, int row, int col, struct err *err)
{
	const bool main = t->units == 1 || col == 0;

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

bool explain_cell(const struct table *t, int row, int col, const char *metric, struct str *out, struct err *err)
{
	struct place place;
	bool somewhere;

	if (!has_kind(t, row, col, err))
		return false;
	somewhere = table_place(t, row, col, &place);
	if (!somewhere && t->explain != METRIC_LOGIT)
		return err_set(err, ERR_ARGUMENT, "this row has no place in the model of which a metric could be");
	str_add(out, metric_table[t->explain].word);
	if ((t->explain == METRIC_LENS || t->explain == METRIC_LOGIT) && !add_word(t, table_cell(t, row, col), out, err))
		return false;
	if (t->explain == METRIC_PATTERN)
		add_unit(&place, out);
	else if (t->explain != METRIC_LOGIT)
		add_place(&place, out);
	else if (t->place.position >= 0)
		str_addf(out, " @%d", t->place.position);
	if (t->explain == METRIC_PART)
		str_addf(out, " of %s", metric);
	return out->n < sizeof((struct metric *)0)->spec ||
	       err_set(err, ERR_ARGUMENT, "the way here is too long for a metric: Backspace goes back a step");
}
