/* text.c - see text.h. */
#include "tui/draw/text.h"

#include <math.h>
#include <string.h>

#include "engine/session/forecast.h"

void text_number(double x, struct str *out)
{
	double size = fabs(x);

	if (isnan(x))
		str_add(out, "none");
	else if (isinf(x))
		str_add(out, x > 0 ? "∞" : "−∞");
	else if (size != 0 && (size < 1e-3 || size >= 1e6))
		str_addf(out, "%s%.2e", x < 0 ? "−" : "", size);
	else
		str_addf(out, "%s%.*f", x < 0 ? "−" : "", size < 1 ? 4 : size < 100 ? 2 : 1, size);
}

void text_bytes(size_t n, struct str *out)
{
	if (n < 1000)
		str_addf(out, "%zu byte%s", n, n == 1 ? "" : "s");
	else
		str_addf(out, n < 1000000 ? "%.0f kB" : "%.1f MB", (double)n / (n < 1000000 ? 1e3 : 1e6));
}

void text_change(double x, struct str *out)
{
	if (x >= 0)
		str_add_char(out, '+');
	text_number(x, out);
}

void text_duration(double seconds, struct str *out)
{
	long s = lround(fmax(seconds, 0));

	if (s < 60)
		str_addf(out, "%ld s", s < 1 ? 1 : s);
	else if (s < 600)
		str_addf(out, "%ld min %ld s", s / 60, s % 60);
	else if (s < 3600)
		str_addf(out, "%ld min", s / 60);
	else
		str_addf(out, "%ld h %ld min", s / 3600, s / 60 % 60);
}

/* As exact as a guess is: two digits of it, and no seconds beside minutes. */
static void add_guess(double seconds, struct str *out)
{
	const double step = seconds < 20 ? 1 : seconds < 60 ? 5 : seconds < 3600 ? 60 : 600;
	const long s = lround(ceil(seconds / step) * step);

	if (s >= 60 && s < 600)
		str_addf(out, "%ld min", s / 60);
	else
		text_duration((double)s, out);
}

void text_forecast(const struct forecast *f, struct str *out)
{
	const int n = f->steps ? f->steps : f->prompts ? f->prompts : f->runs;
	const char *what = f->steps ? "step" : f->prompts ? "prompt" : "run";

	if (n <= 0 || f->seconds < 1)
		return;
	if (f->usual < f->runs)
		str_addf(out, "usually %d runs, at most %d, about ", f->usual, f->runs);
	else
		str_addf(out, "%d %s%s, %s ", n, what, n == 1 ? "" : "s", f->measured ? "about" : "up to");
	add_guess(f->seconds, out);
}

static void add_axis(const struct axis *axis, int i, struct str *out)
{
	if (i < 0 || i >= axis->n)
		return;
	if (out->n)
		str_add(out, " · ");
	str_add(out, axis->name);
	if (axis->id)
		str_addf(out, " %d", i);
	if (axis->show)
		str_addf(out, " %s", axis->show[i]);
}

void text_place(const struct table *t, int row, int col, struct str *out)
{
	add_axis(&t->rows, row, out);
	add_axis(&t->cols, col, out);
}

void text_edges(const struct table *t, int row, struct str *out)
{
	enum { MOST = 2 };
	int told[MOST];

	for (int n = 0; n < MOST && t->edge; n++) {
		int best = -1;

		for (int i = 0; i < t->edges; i++)
			if (t->edge[i].to == row && !(n && told[0] == i) && (best < 0 || t->edge[i].weight > t->edge[best].weight))
				best = i;
		if (best < 0)
			return;
		told[n] = best;
		str_addf(out, "%s%s ", n ? " · " : "   ← ", t->rows.show[t->edge[best].from]);
		text_number((double)t->edge[best].weight, out);
	}
}

void text_value(const struct table *t, int row, int col, struct str *out)
{
	size_t cell = table_cell(t, row, col);
	const char *unit = t->unit ? t->unit[t->units > 1 ? col : 0] : NULL;

	if (t->word && t->word_show[cell])
		str_addf(out, "%s  ", t->word_show[cell]);
	if (isnan(t->value[cell])) {
		str_add(out, t->unfinished ? "not computed yet" : "no value here");
		return;
	}
	if (unit && !strcmp(unit, "rank"))
		str_addf(out, "rank %.0f", (double)t->value[cell]);
	else
		text_number((double)t->value[cell], out);
	if (t->error && !isnan(t->error[cell])) {
		str_add(out, " ± ");
		text_number((double)t->error[cell], out);
	}
	if (unit && !strcmp(unit, "normalised") && t->meaning)
		str_addf(out, " (%s)", t->meaning);
	else if (unit && *unit && strcmp(unit, "rank"))
		str_addf(out, " %s", unit);
	if (t->mark && t->mark[cell])
		str_add(out, " · marked !");
}
