/* wrap.c - see wrap.h. */
#include "tui/draw/wrap.h"

#include "engine/base/utf8.h"

/* A cluster on its way through the rows. */
struct line_break {
	const struct input *in;
	int columns;
	size_t at, n; /* its first byte; how many */
	int row, col, width;
	struct str shown;
};

static void measure(struct line_break *w)
{
	int ignored;

	str_clear(&w->shown);
	w->n = 0;
	w->width = 0;
	if (w->at < w->in->text.n) {
		w->n = utf8_cluster(w->in->text.s + w->at, w->in->text.n - w->at, &ignored);
		utf8_safe(&w->shown, w->in->text.s + w->at, w->n, false);
		w->width = utf8_columns(w->shown.s, w->shown.n);
	}
	/* The end of the text takes a column, too: for the cursor. */
	if (w->col && w->col + (w->n ? w->width : 1) > w->columns) {
		w->row++;
		w->col = 0;
	}
}

static void begin(struct line_break *w, const struct input *in, int columns)
{
	*w = (struct line_break){ .in = in, .columns = columns > 1 ? columns : 1 };
	str_init(&w->shown);
	measure(w);
}

/* To the next cluster; false when this was the end of the text. */
static bool step(struct line_break *w)
{
	if (!w->n)
		return false;
	w->at += w->n;
	w->col += w->width;
	measure(w);
	return true;
}

struct wrapped wrap_cursor(const struct input *in, int columns)
{
	struct wrapped out = { 0 };
	struct line_break w;

	begin(&w, in, columns);
	do {
		if (w.at <= in->at) {
			out.row = w.row;
			out.col = w.col;
		}
	} while (step(&w));
	out.rows = w.row + 1;
	str_done(&w.shown);
	return out;
}

void wrap_row(const struct input *in, int columns, int row, struct str *out)
{
	struct line_break w;

	begin(&w, in, columns);
	do {
		if (w.row == row)
			str_add_n(out, w.shown.s, w.shown.n);
	} while (step(&w) && w.row <= row);
	str_done(&w.shown);
}

size_t wrap_hit(const struct input *in, int columns, int row, int col)
{
	struct line_break w;
	size_t hit = 0;

	begin(&w, in, columns);
	do {
		if (w.row > row || (w.row == row && w.col > col))
			break;
		hit = w.at;
	} while (step(&w));
	str_done(&w.shown);
	return hit;
}
