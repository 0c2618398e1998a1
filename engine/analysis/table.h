/*
 * table.h - the one noun between techniques and views: values [rows, columns] with two typed, labelled axes.
 *
 * An analysis fills a table and never chooses a glyph; a view draws it and never computes. A third axis is an argument; a
 * ranking is one column; a tree is rows that have parents, a graph rows that have edges. A finished table never changes; it is
 * counted, so that the worker, the screen and a cache may hold the same one. It copies its labels: it outlives the run.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_TABLE_H
#define LMSCOPE_ENGINE_ANALYSIS_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/run/dim.h"
#include "engine/run/edit.h"
#include "engine/run/metric.h"

enum look { LOOK_HEAT, LOOK_ATTENTION, LOOK_TOKENS, LOOK_BARS, LOOK_RANKING, LOOK_LINES, LOOK_TREE, LOOK_GRAPH, LOOK_TILES };
/* Away from the neutral value, to one side; to both sides; 0 … 1; ranks, of which 1 is the strongest. See span.h. */
enum scale { SCALE_SEQUENTIAL, SCALE_DIVERGING, SCALE_PROBABILITY, SCALE_RANK };

struct axis {
	enum dim dim;
	const char *name; /* "layer"; "query" and "key" for the two sides of attention */
	int n;
	int each;	     /* so many of the dimension's units are at one index, such as a block of neurons; 0: one */
	const char **label;  /* [n] raw bytes for tokens ("·" is drawn by the view, a space is a space in JSON) */
	size_t *label_bytes; /* [n] raw labels may hold NULs */
	const char **show;   /* [n] the same for people: "·Paris"; equal to label where nothing has to be made readable */
	int32_t *id;	     /* [n] token ids where the labels are tokens; or NULL */
	/*
	 * [n] where the rows are, of those that are no index along `dim`: "3.attn" is attn_out 3. PLACE_NONE: nowhere. NULL: all
	 * are indices.
	 */
	struct place *place;
	const char **token; /* [n] of such a row, the token at its position, for people; NULL: not known */
};

/* A part of a table: rows and columns from there on; negative ones count from the end. rows 0: none. */
struct window {
	int row, rows, col, cols;
};

/*
 * A title in its parts, without units, and without the metric, which the screen and the exports say once for all. What has no room
 * for all of it leaves out the last ones.
 */
struct title {
	const char *technique; /* "activation patching" */
	const char *object;    /* what it is of: "resid_pre", "layer 2 head 2"; NULL */
	const char *quantity;  /* "noising: foil into prompt"; NULL: the unit says it */
	const char *whose;     /* "edited − unedited", "of the foil", "mean of 24 prompts"; NULL: of the prompt, as it is */
};

/* Books that balance: an identity that the numbers must satisfy. */
struct check {
	const char *name;		    /* NULL: this technique has none. "rows sum to the metric" */
	double expected, actual, tolerance; /* |actual - expected| <= tolerance * max(1, |expected|) */
	const char *of;			    /* of this table alone: "L0 ·John", the cell that was tried; NULL: of all of it */
};

/* What a table is the mean of: the prompts of a file. */
struct over {
	const char *file;
	int n;			/* how many of them, so far */
	const char *metric;	/* as shown: the job's, or "logit_diff of answer and wrong" */
	double value, unedited; /* the metric's means */
};

/* Columns of LOOK_RANKING: what is ranked, one of the same order beside it, and what was ranked before the edits; -1: none. */
struct ranking {
	int main, beside, before;
};

struct table {
	struct arena *arena;
	atomic_int refs;
	const char *analysis; /* "logit-lens" */
	struct title parts;
	const char *title; /* the parts together: "logit lens · top token, probability" */
	struct axis rows, cols;
	float *value;		 /* [rows.n, cols.n] NaN: cannot be (the upper triangle) */
	float *error;		 /* [rows.n, cols.n] the standard error where cells are means; NULL: they are not */
	const char *error_over;	 /* over what: "24 prompts", "3 seeds" */
	const struct over *over; /* NULL: it is of one prompt */
	/* [rows.n, cols.n, tile_rows, tile_cols] a small picture for each cell, as LOOK_TILES has; NULL: none */
	float *tile;
	int tile_rows, tile_cols;
	const char **word;	/* [rows.n, cols.n] raw bytes of a token, or NULL when there are no words */
	const char **word_show; /* the same for people */
	int32_t *id;		/* [rows.n, cols.n] of the words; -1: none */
	size_t *word_bytes;	/* [rows.n, cols.n]: raw words may hold NULs */
	int units;		/* 1, or cols.n */
	const char **unit;	/* [units] "probability" */
	enum look look;
	enum scale scale;
	/* where nothing happens: it looks like the background. NaN: nowhere (logits), the range begins at the least */
	float neutral;
	const char *meaning; /* what its values mean, where the unit does not say it: "1 = prompt, 0 = foil"; NULL */
	bool skip_first;     /* the first token is a sink here: leave it out of the colour range */
	struct ranking ranking;
	int range_cols; /* so many columns, the first ones, make the colour range: the others are no like quantities; 0: all */
	/* what all cells have in common: the site (attn_out for a lens on it), the layer and head that an argument names */
	struct place place;
	enum metric_kind explain; /* of what kind its cells are as metrics (explain.h); METRIC_NONE: of none */
	int explain_col;	  /* where columns have units of their own, the one whose cells they are; 0 */
	const char *part_of;	  /* the metric that parts are of; NULL: the one that is explained now */
	bool paths;		  /* a cell is a path: the row's part of the column's part; its place is the row's */
	/*
	 * why that metric is another number than the cell: "an effect of an edit is no number of the run". NULL: it is the
	 * cell's
	 */
	const char *explain_other;
	struct check check;
	bool unfinished; /* more is to come: NaN may also be a cell that is not known yet */
	/*
	 * [rows.n, cols.n] the intervention that a cell is the effect of, as edits that a person can make, as edit_print()
	 * writes them, a line each; NULL: none. Or NULL: of all.
	 */
	const char **edits;
	enum edit_op *edit_op; /* [rows.n, cols.n] what the first of them does, where there are some */
	/* why no cell is the effect of something that could be made in the prompt's run: a sentence. NULL: not so */
	const char *no_edit;
	/* A tree: rows depth first, each after its parent. NULL: the rows are not related. */
	int *parent;  /* [rows.n] -1: a root */
	bool *closed; /* [rows.n] it has children that are not among the rows */
	/* A graph, whose nodes are the rows: a node's own value is its cell, as in any table. Sorted by nothing; no edge twice. */
	struct edge {
		int from, to; /* rows */
		float weight;
		struct place place; /* what carries it: "head 3.1", "mlp_out 3"; PLACE_NONE: nothing that can be edited */
	} * edge;		    /* [edges] */
	int edges;
	bool *mark;	      /* [rows.n, cols.n] cells to be wary of, as `footnote` says; NULL: none */
	const char *footnote; /* a sentence below the table ("not heads: +3.1"), or NULL */
};

/* A table of that shape, all cells NaN. Axes are filled in by axis_… and by the analysis. NULL: ERR_MEMORY. */
struct table *table_new(int rows, int cols, struct err *err);
struct table *table_ref(struct table *t);
void table_unref(struct table *t); /* NULL is fine */

static inline size_t table_cell(const struct table *t, int row, int col)
{
	return (size_t)row * (size_t)t->cols.n + (size_t)col;
}

/*
 * Where a cell is: what all have in common, and what its row and column add; row or column -1: without them. False: it is nowhere,
 * as a row of biases is, which no edit reaches.
 */
bool table_place(const struct table *t, int row, int col, struct place *place);

/* t when ok; otherwise it is let go: NULL, as a technique returns it on errors. */
struct table *table_if(bool ok, struct table *t);

void axis_of(struct axis *axis, enum dim dim); /* along that dimension, by its own name */
/* Labels; everything is copied. */
void axis_numbers(struct table *t, struct axis *axis, enum dim dim);	       /* "0" … n-1 */
void axis_label(struct table *t, struct axis *axis, int i, const char *label); /* both label and show */
/* raw bytes, such as a token's */
void axis_text(struct table *t, struct axis *axis, int i, const char *bytes, size_t n, const char *show);
void axis_token(struct table *t, struct axis *axis, int i, int32_t id, const char *bytes, size_t n, const char *show);
void axis_place(struct table *t, struct axis *axis, int i, struct place place);
/* The token at the position of row i's place, as people see it. */
void axis_place_token(struct table *t, struct axis *axis, int i, const char *show);
void table_set_words(struct table *t); /* makes the word arrays */
void table_set_word(struct table *t, size_t cell, int32_t id, const char *bytes, size_t n, const char *show);
void table_set_errors(struct table *t, const char *over);      /* makes `error`, all NaN */
void table_set_over(struct table *t, const struct over *over); /* copied */
void table_set_tiles(struct table *t, int rows, int cols);     /* makes `tile`, all NaN */
/* makes `parent` and `closed`: all roots, all open */
void table_set_tree(struct table *t);
/* makes `edge`: n of weight 0 between row 0 and itself */
void table_set_edges(struct table *t, int n);
void table_set_mark(struct table *t, size_t cell);				    /* makes `mark`, and sets one */
void table_add_edit(struct table *t, size_t cell, const struct edit *edit);	    /* makes `edits`; one more of the cell's */
void table_set_edits(struct table *t, size_t cell, const struct edit *edit, int n); /* all of the cell's at once */
void table_set_unit(struct table *t, const char *unit);
/* One unit per column. */
void table_set_units(struct table *t, const char *const *unit);
/* Unit, scale, look and what the cells are of, as those of another table of the same question. */
void table_set_like(struct table *t, const struct table *from);
/* Parents and edges, as those of another table with the same rows. */
void table_set_relations(struct table *t, const struct table *from);
/* Copied; object and quantity may be NULL or "". */
void table_set_title(struct table *t, const char *technique, const char *object, const char *quantity);
void table_set_whose(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As it is now, sharing nothing. NULL: ERR_MEMORY. */
struct table *table_copy(const struct table *from, struct err *err);

bool check_holds(const struct check *check);

/* Whether the row is open: rows of which it consists come after it. The others are the leaves of what a tree shows. */
bool table_has_rows_of(const struct table *t, int row);
/*
 * How the named rows of two tables of one technique correspond: match[a->rows.n] receives each one's row of b, -1: it has none. In
 * a tree a row is found under its own parent, by its place (whatever position of the prompt that names), otherwise by its name.
 */
void table_match(const struct table *a, const struct table *b, int *match);

/*
 * a - b, cell by cell, as a new diverging table: for --diff. The axes must be of equal length; NaN where either is. Words are a's.
 * Rows that are ranks hold other tokens in b: they are matched by their token, NaN where b does not list it. Components are matched
 * by their name or place (table_match), and one that b lacks counts as 0: a tree says so in its footnote. `what` says what was
 * subtracted, for the title: "edited − unedited".
 */
struct table *table_minus(const struct table *a, const struct table *b, const char *what, struct err *err);

/*
 * The range of the colours has this cell in it: one of its columns, and not the first token (of attention, on both sides) when
 * skip_first.
 */
bool table_in_range(const struct table *t, bool skip_first, int row, int col);
/* Least and greatest finite value, the first column (and row, for attention) left out when skip_first. false: none. */
bool table_range(const struct table *t, bool skip_first, float *lo, float *hi);

#endif
