/*
 * parts.h - between figure.c, which sets title, legend and caption, and the pictures in between: one for each look of a table.
 */
#ifndef LMSCOPE_TUI_FIGURE_PARTS_H
#define LMSCOPE_TUI_FIGURE_PARTS_H

#include "tui/figure/figure.h"
#include "tui/figure/svg.h"
#include "tui/views/views.h"

/* Sizes in points: SIZE_… are of type. */
#define SIZE_TITLE 9.5
#define SIZE_LABEL 7.0
#define SIZE_NUMBER 6.0
#define SIZE_CAPTION 7.0
#define ROOM 3.0 /* between things that belong together */

struct figure {
	const struct answer *a;
	const struct table *t;
	const struct theme *theme;
	struct str *out;
	double most_w; /* how wide the picture may be without being shrunk */
};

/* A picture says how large it is, then draws itself with its upper left corner at x, y. */
struct picture {
	bool has_legend;   /* data is painted with a ramp */
	bool shows_before; /* the values without the edits, too */
	void (*size)(const struct figure *f, double *w, double *h);
	void (*draw)(const struct figure *f, double x, double y);
};
extern const struct picture picture_grid, picture_bars, picture_ranking, picture_curves, picture_nodes;

int32_t figure_ink(const struct figure *f, enum style style);
struct svg_type figure_label(const struct figure *f, enum svg_anchor anchor); /* the monospaced type of labels and numbers */

/* A label that is a token is in a box. (x, y): the anchor, in the middle of its height. */
void figure_label_draw(const struct figure *f, const struct axis *axis, int i, double x, double y, enum svg_anchor anchor,
		       double angle);
double figure_label_width(const struct axis *axis, int i);
double figure_labels_width(const struct axis *axis); /* of the widest */
/* At most `columns` of a text, with "…" where it was longer. */
void figure_cut(const char *text, int columns, struct str *out);

#endif
