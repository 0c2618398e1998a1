/*
 * lists.h - lists over the panes: techniques, arguments, edits, presets, themes, models, help, the cell's details, messages.
 *
 * A popup is a row: it fills a list from what the app knows, again for every frame and key, so that it is never out of date;
 * drawing, moving and choosing are the same for all (lists.c).
 */
#ifndef LMSCOPE_TUI_PANES_LISTS_H
#define LMSCOPE_TUI_PANES_LISTS_H

#include "engine/base/arena.h"
#include "tui/app/app.h"

struct list_item {
	const char *text, *detail; /* left; right of it, dim */
	enum style style;	   /* of the text */
	bool heading;		   /* cannot be chosen */
	int id;			   /* the popup's own */
};

struct list {
	struct arena *arena;	/* of the strings */
	struct list_item *item; /* [n] heap */
	int n, room;
	int indent;	   /* columns, of what is under headings */
	int text_w;	   /* columns of the left texts; does not change with the filter */
	const char *title; /* of this moment; NULL: the popup's */
};

void list_init(struct list *list);
void list_done(struct list *list);
/* Adds a line; both strings are copied (detail may be NULL). Returns it, to fill in the rest. */
struct list_item *list_add(struct list *list, const char *text, const char *detail);
struct list_item *list_addf(struct list *list, const char *detail, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A line over those that follow; a list that has one has them all along. */
void list_heading(struct list *list, const char *text);

struct popup {
	const char *title;
	unsigned where; /* beside W_LIST */
	void (*fill)(const struct app *app, struct list *list);
	void (*choose)(struct app *app, const struct list_item *item); /* NULL: a page to read, which any choice closes */
	const char *empty;					       /* shown when it has no lines */
	bool keep_order;					       /* its order means something: a filter does not sort it */
};

extern const struct popup popup_menu, popup_form, popup_presets, popup_help, popup_inspect, popup_models, popup_cell;

void popup_open(struct app *app, const struct popup *popup);
void popup_close(struct app *app);
unsigned popup_where(const struct popup *popup);
/* The marked line; false: there is none. The list is the caller's, in either case. */
bool popup_marked(const struct app *app, struct list *list, struct list_item *item);
/* The dimensions of the cell under the cursor, as bits. */
unsigned cell_dims(const struct app *app);
/* The list of models is on the screen, and some of them have not been looked at yet. */
bool models_unseen(const struct app *app);
/* Marks the line with this id, if it is there. */
void popup_mark(struct app *app, int id);
/* What is typed or pasted while it is open: only lines that match stay in it (filter.c). */
void popup_type(struct app *app, const struct key *key);
/* As if that was typed in it; false: no line matches. */
bool popup_filter(struct app *app, const char *text);
/* To its first line, after the filter changed. */
void popup_restart(struct app *app);
/* Leaves the lines that match the query, best first. */
void list_filter(struct list *list, const char *query, bool keep_order);
/* A name or a description of a line; the letters that the filter found in it take the ink of a match. */
void draw_found(struct app *app, struct canvas *c, struct rect r, struct ink ink, const char *text, bool name);
/* "type to filter", or what was typed and how many lines match. */
void draw_filter(struct app *app, struct canvas *c, struct rect r, int found, int whole);
/* The next of the strongest cells of the pane, from the cursor on. */
void strongest_walk(struct app *app, int by);
/* A click or the wheel on it. */
void popup_mouse(struct app *app, const struct key *key);

/* ---- Parts of the screen ---- */
void draw_header(struct app *app, struct canvas *c, struct rect r);
void draw_prompt(struct app *app, struct canvas *c); /* and the foil, when the panes are drawn: what is typed wraps over them */
void draw_way(struct app *app, struct canvas *c, struct rect r); /* how one came to the metric */
/* "→ ·Paris .710": in the header where the prompt needs all of its line. */
bool guess_is_above(const struct app *app);
int guess_columns(const struct snapshot_guess *g);
void draw_guess(struct app *app, struct canvas *c, int x, int y, int w, const struct snapshot_guess *g);
int card_lines(const struct app *app, int w, int h); /* how many rows the note wants; 0: there is none, or it was dismissed */
void draw_card(struct app *app, struct canvas *c, struct rect r);
/* The names of the keys of line i of "start here"; false: there is no such line. */
bool card_key(int i, const char **keys);
/* "14 tokens each, 1 differs" */
void pair_note(const struct app *app, struct str *out, enum style *style);
void draw_pane(struct app *app, struct canvas *c, int pane);
void draw_text(struct app *app, struct canvas *c, struct rect r); /* generated */
void draw_cell(struct app *app, struct canvas *c, struct rect r);
void draw_status(struct app *app, struct canvas *c, struct rect r);
void draw_footer(struct app *app, struct canvas *c, struct rect r);
/* The newest message, in as many rows as it needs up from that line; false: nothing was. */
bool draw_message(struct app *app, struct canvas *c, struct rect r);
/* The keys available here, in one line. */
void draw_hints(struct app *app, struct canvas *c, struct rect r);
void draw_popup(struct app *app, struct canvas *c);
void draw_completion(struct app *app, struct canvas *c);
/* A line being typed, in exactly w columns, with the terminal's cursor in it. */
void draw_input(struct app *app, struct canvas *c, int x, int y, int w, enum style style);

#endif
