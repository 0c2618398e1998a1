/*
 * view.h - a table becomes cells. The views are in views/views.def; each says which tables it fits. A view never
 * computes and never asks about terminals.
 *
 *     struct view v = { table, before, rect, theme, row, col, … };
 *     view_draw(canvas, &v, &state);		// scrolls so that the cursor shows, remembers where everything is
 *     view_hit(&v, &state, x, y, &row, &col);	// the mouse
 *     view_move(&v, &state, VIEW_UP, &row, &col);	// the keys, as the view means them
 *
 * Rows and columns are always the table's indices (row 0 is layer 0), also where the screen shows the last layer at the
 * top: views draw axes of DIM_LAYER upwards, and view_move and view_hit know it.
 */
#ifndef LMSCOPE_TUI_VIEWS_VIEW_H
#define LMSCOPE_TUI_VIEWS_VIEW_H

#include <stdbool.h>

#include "engine/analysis/span.h"
#include "engine/preset/preset.h"
#include "tui/draw/canvas.h"
#include "tui/draw/frame.h"
#include "tui/draw/theme.h"

/* How much of a cell is shown. AUTO takes the richest that lets the whole table fit in the space (words may be cut to 6
 * columns), and where none does the one that shows cells best. FIT never scrolls: it pools rows and columns, with half
 * blocks. */
enum zoom { ZOOM_AUTO, ZOOM_WORD, ZOOM_NUMBER, ZOOM_SHADE, ZOOM_HALF, ZOOM_FIT, ZOOM_COUNT };
extern const char *const zoom_words[ZOOM_COUNT]; /* "auto", "word", … */

/* VIEW_OWN: what the table's look says. */
enum view_id {
	VIEW_OWN,
#define VIEW(id, name, picture, title) VIEW_##id,
#include "tui/views/views.def"
#undef VIEW
	VIEW_COUNT,
};

struct view {
	const struct table *table; /* not NULL */
	enum view_id as;	   /* what it is drawn as, where that fits the table */
	enum zoom zoom;
	double threshold;	    /* edges of a graph from this weight on; 0: as many as fit */
	const struct table *before; /* the same without edits, or NULL: shown as "was", and what changed is marked */
	const struct table *older;  /* an unfinished table's cells that are not known yet show what they were in this
				       one, muted; NULL: none */
	bool sink_in;		    /* the first token counts in the colours' range, also where the table leaves it out */
	bool edited;		    /* edits are at work in it: */
	const struct table *ground; /* then the one without them, whose values give the colours' range; NULL: not known yet */
	struct rect rect;	    /* inside of the frame */
	bool edge;		    /* the row below it, the frame's edge, is free for the last line of the foot */
	const struct theme *theme;
	int row, col;	    /* the cursor, in the table; -1: none on that axis. Out of range is clamped */
	bool focus;	    /* has the keys: a full cursor, else the linked one */
	bool stale;	    /* drawn dimmed */
	const char *search; /* words and labels that hold it are marked; NULL or "": none */
};

/* A picture stays what it was while nothing but its values or the number of its tokens changes. */
struct view_kept {
	uint64_t kind; /* of which technique and axes: see view.c */
	int w, h;
	enum zoom zoom;	  /* what AUTO chose then; AUTO: nothing yet */
	uint64_t table;	  /* of which table without edits */
	struct span span; /* this is the range */
};

/* What a pane keeps between frames. Zeroed: at the start. */
struct view_state {
	int top, left; /* first row and column shown, counted on the screen */
	bool adrift;   /* the wheel has scrolled: the cursor need not show until it moves */
	struct view_kept kept;
	/* Of the last frame: */
	enum zoom shown;	  /* what AUTO chose */
	int page_rows, page_cols; /* how many fit */
	bool fits;		  /* nothing is hidden */
	struct window visible;	  /* what of the table is seen */
};

void view_draw(struct canvas *c, const struct view *v, struct view_state *state);

/* A sign on a cell that has a note, over what view_draw drew; where it has no room there is none. */
void view_mark(struct canvas *c, const struct view *v, const struct view_state *state, int row, int col);

/* The cell under x, y of the canvas; a label's row or column with -1 for the other. false: neither. */
bool view_hit(const struct view *v, const struct view_state *state, int x, int y, int *row, int *col);

enum view_move {
	VIEW_UP,
	VIEW_DOWN,
	VIEW_LEFT,
	VIEW_RIGHT,
	VIEW_PAGE_UP,
	VIEW_PAGE_DOWN,
	VIEW_PAGE_LEFT,
	VIEW_PAGE_RIGHT,
	VIEW_FIRST,
	VIEW_LAST,
	VIEW_TOP,
	VIEW_BOTTOM
}; /* first/last column; top/bottom row on the screen */
/* Steps the cursor as the eye sees it; false when it was at the edge already. */
bool view_move(const struct view *v, const struct view_state *state, enum view_move move, int *row, int *col);

/* The wheel: so many lines down. The cursor stays where it is, perhaps out of sight. */
void view_scroll(const struct view *v, struct view_state *state, int lines);

/*
 * How much room a table can use, of the inside of its frame: with less than `min` there is next to nothing to read,
 * with `want` all of it is there in its usual form, and what goes beyond `most` would stay blank. min <= want <= most.
 * `enough_rows`: with fewer rows than `want` it is the same picture, only shorter; so the others get theirs first, which
 * would be drawn in another way. 0: as many as are wanted.
 * `instead_rows`: with fewer rows than `want` it is another picture, of so many rows, and what goes beyond them would stay blank.
 * 0: it is the same picture.
 * Of v, the table counts and what it had before; its rectangle does not.
 */
struct view_size {
	int rows, cols;
};
struct view_need {
	struct view_size min, want, most;
	int enough_rows, instead_rows;
};
struct view_need view_need(const struct view *v);

/* The view that is drawn for `wanted`: it, or the table's own where it does not fit. */
enum view_id view_for(const struct table *t, enum view_id wanted);
/* All that v walks through: the table's own view first, then the others that fit, then the zooms of each. Returns how
 * many. */
struct view_way {
	enum view_id view;
	enum zoom zoom;
};
enum { VIEW_WAYS = VIEW_COUNT * ZOOM_COUNT };
int view_ways(const struct table *t, struct view_way ways[VIEW_WAYS]);

extern const char *const view_words[VIEW_COUNT], *const view_titles[VIEW_COUNT]; /* "own", "heat", … */
/* A pane's words; NULL, or one that there is not: VIEW_OWN, ZOOM_AUTO. */
void view_of_words(const struct job_view *words, struct view *v);
/* A sentence for each pane of a preset that names what there is not. */
void view_words_check(const struct preset *p, struct notes *notes);
/* By their words: VIEW_COUNT, ZOOM_COUNT where there is none. */
enum view_id view_find(const char *word);
enum zoom zoom_find(const char *word);

/* The threshold of a graph's edges, one step up or down from it (by 0: as it is); 0: it is not drawn as a graph. */
double view_threshold(const struct view *v, const struct view_state *state, int by);

/* The least space that this table can be drawn in; below it view_draw says so. */
enum { VIEW_MIN_W = 12, VIEW_MIN_H = 2 };

/* The number as the view prints it, with the decimals that its table needs: for inspectors and titles. NaN: "". */
void view_number(const struct table *t, int row, int col, struct str *out);

#endif
