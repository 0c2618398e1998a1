/*
 * curves.c - values along an axis as curves, each named at its end: over layers, steps or positions. See views/lines.c.
 */
#include "tui/figure/parts.h"

#include <math.h>

#include "tui/views/lines_layout.h"

#define PLOT_W 420.0
#define PLOT_H 190.0
#define BASE 0.36
#define NAMES_MOST 16
#define TICK_APART 26.0

struct frame_of_curves {
	double left;
	struct lines_scale scale;
};

static struct frame_of_curves frame_for(const struct table *t)
{
	return (struct frame_of_curves){ number_form(t, ALL_COLUMNS).width * SIZE_NUMBER * 0.602 + 3 * ROOM, lines_scale(&t, 1) };
}

static void curves_size(const struct figure *f, double *w, double *h)
{
	*w = frame_for(f->t).left + PLOT_W + 2 * ROOM + figure_labels_width(lines_series(f->t));
	*h = PLOT_H + 3 * SIZE_LABEL + ROOM;
}

static double x_of(const struct figure *f, const struct frame_of_curves *k, double x, int i)
{
	return x + k->left + PLOT_W * i / fmax(1, lines_way(f->t)->n - 1);
}

static double y_of(const struct frame_of_curves *k, double y, double value)
{
	return y + PLOT_H * (1 - lines_part(&k->scale, value));
}

static void draw_frame(const struct figure *f, const struct frame_of_curves *k, double x, double y)
{
	const struct axis *way = lines_way(f->t);
	struct number_form form = number_form(f->t, ALL_COLUMNS);
	struct svg_type type = figure_label(f, SVG_END);
	int32_t line = figure_ink(f, STYLE_BORDER);
	double last = -INFINITY;
	char number[NUMBER_BYTES];

	svg_line(f->out, x + k->left, y, x + k->left, y + PLOT_H, line, 0.5);
	svg_line(f->out, x + k->left, y + PLOT_H, x + k->left + PLOT_W, y + PLOT_H, line, 0.5);
	if (!k->scale.ranks && k->scale.lo < 0 && k->scale.hi > 0)
		svg_line(f->out, x + k->left, y_of(k, y, 0), x + k->left + PLOT_W, y_of(k, y, 0), line, 0.5);
	type.size = SIZE_NUMBER;
	for (int i = 0; i < 3; i++)
		svg_text(f->out, x + k->left - ROOM, y + PLOT_H * (1 - i / 2.0) + SIZE_NUMBER * BASE, type,
			 number_print(&form, (float)lines_value_of_part(&k->scale, i / 2.0), number));
	for (int i = 0; i < way->n; i++)
		if (x_of(f, k, x, i) - last >= fmax(TICK_APART, figure_label_width(way, i) + ROOM)) {
			last = x_of(f, k, x, i);
			figure_label_draw(f, way, i, last, y + PLOT_H + SIZE_LABEL + ROOM, SVG_MIDDLE, 0);
		}
	type = figure_label(f, SVG_END);
	type.italic = true;
	svg_text(f->out, x + k->left + PLOT_W, y + PLOT_H + 3 * SIZE_LABEL, type, way->name ? way->name : dim_step(way->dim));
}

/* The end of a curve: its last value. */
static int last_of(const struct table *t, int series)
{
	int i = lines_way(t)->n - 1;

	while (i >= 0 && !isfinite(lines_value(t, series, i)))
		i--;
	return i;
}

static void draw_curve(const struct figure *f, const struct frame_of_curves *k, int series, double x, double y, int32_t ink)
{
	int last = -1;

	svg_group(f->out, lines_series(f->t)->show[series]);
	for (int i = 0; i < lines_way(f->t)->n; i++) {
		if (!isfinite(lines_value(f->t, series, i))) {
			last = -1;
			continue;
		}
		if (last >= 0)
			svg_line(f->out, x_of(f, k, x, last), y_of(k, y, (double)lines_value(f->t, series, last)), x_of(f, k, x, i),
				 y_of(k, y, (double)lines_value(f->t, series, i)), ink, 1);
		last = i;
	}
	svg_group_end(f->out);
}

/* Names that would touch are left out, but for the first ones. */
static void draw_name(const struct figure *f, const struct frame_of_curves *k, int series, double x, double y, double *taken,
		      int *n)
{
	int last = last_of(f->t, series);
	double at;

	if (last < 0 || *n == NAMES_MOST)
		return;
	at = y_of(k, y, (double)lines_value(f->t, series, last));
	for (int i = 0; i < *n; i++)
		if (fabs(taken[i] - at) < SIZE_LABEL * 1.3)
			return;
	taken[(*n)++] = at;
	figure_label_draw(f, lines_series(f->t), series, x + k->left + PLOT_W + 2 * ROOM, at, SVG_START, 0);
}

static void curves_draw(const struct figure *f, double x, double y)
{
	struct frame_of_curves k = frame_for(f->t);
	int n = lines_series(f->t)->n, names = 0;
	double taken[NAMES_MOST];

	draw_frame(f, &k, x, y);
	for (int i = 0; i < n; i++)
		draw_curve(f, &k, i, x, y,
			   theme_bar_ink(f->theme, RAMP_SEQUENTIAL,
					 n > 1 ? 0.35f + 0.65f * (float)(n - 1 - i) / (float)(n - 1) : 0.9f)
				   .fg);
	for (int i = 0; i < n; i++)
		draw_name(f, &k, i, x, y, taken, &names);
}

const struct picture picture_curves = { .size = curves_size, .draw = curves_draw };
