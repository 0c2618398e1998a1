/*
 * app.h - what the screen remembers, and how it changes: keys and snapshots in, a canvas and requests out. No I/O, no clock,
 * no terminal: whatever reaches outside is a request that the loop (tui.c) carries out.
 *
 * The document is a preset (prompt, foil, edits, metric, panes, cursors, theme): undo keeps it, saving writes it, and
 * the question for the worker is made from it. Everything else here is about looking and is not worth keeping.
 *
 * The parts of the screen are files in panes/; what actions do is in ask.c, intervene.c, moves.c, arrange.c, keep.c, lines.c,
 * lists.c.
 */
#ifndef LMSCOPE_TUI_APP_APP_H
#define LMSCOPE_TUI_APP_APP_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "engine/model/models.h"
#include "engine/preset/preset.h"
#include "engine/session/worker.h"
#include "tui/app/action.h"
#include "tui/app/hot.h"
#include "tui/app/input.h"
#include "tui/app/log.h"
#include "tui/app/sessions.h"
#include "tui/app/tour.h"
#include "tui/draw/canvas.h"
#include "tui/draw/layout.h"
#include "tui/draw/theme.h"
#include "tui/terminal/key.h"
#include "tui/views/view.h"

enum request_kind {
	REQUEST_ASK, /* app_question() has changed: give it to the worker and tell app_asked() */
	REQUEST_CANCEL,
	REQUEST_SKIP,	 /* only what is being computed now */
	REQUEST_COPY,	 /* text to the clipboard */
	REQUEST_EXPORT,	 /* a pane or the screen to a file: `text` is what :export was given */
	REQUEST_CIRCUIT, /* the way to the file `text` */
	REQUEST_FOLLOW,	 /* the way of the file `text`: the metric and the steps to it */
	REQUEST_SAVE,	 /* app->doc as the preset `text` */
	REQUEST_OPEN,	 /* the preset `text`: app_opened() */
	REQUEST_THEME,	 /* the theme of the document is another: `text`, NULL for the default */
	/* presets, themes, sessions may be shown: refresh app->presets, app->themes, app->sessions; `text` "models": app->models */
	REQUEST_LISTS,
	REQUEST_TOUR,	 /* the tour's step number `text`: tour_step() */
	REQUEST_OPENED,	 /* the model at the path `text` was opened: it is remembered */
	REQUEST_RECOVER, /* the session whose file is `text`, or (NULL) that ended last: app_opened() */
	REQUEST_KEEP,	 /* app->doc is to be found again if the program ends now */
	REQUEST_LOG,	 /* app->log has entries that are not written yet */
	REQUEST_REDRAW,
	REQUEST_SUSPEND,
	REQUEST_QUIT,
};
struct request {
	enum request_kind kind;
	char *text; /* heap; the one who takes it frees it */
};

/* What is being typed; rows of a table in lines.c. */
enum line_kind {
	LINE_NONE,
	LINE_PROMPT,
	LINE_FOIL,
	LINE_METRIC,
	LINE_EDIT,
	LINE_SEARCH,
	LINE_SAVE,
	LINE_NOTE,
	LINE_COMMAND,
	LINE_KINDS
};

/* A list over the panes: see panes/lists.h. */
struct popup;

/* The note over the lines at the bottom. */
enum card {
	CARD_NONE,
	CARD_ABOUT, /* what the preset says about itself */
	CARD_START, /* that, and the keys to begin with: until the first of them asks something */
	CARD_TOUR,  /* the tour's step */
};

/*
 * What can be undone, one step after the other: of the question (u), and of how it is looked at (U). The oldest steps go when
 * there are too many, or when they take too much memory.
 */
struct undo {
	struct undo_stack {
		struct undo_step {
			struct undo_doc *doc; /* the part that changed; see undo_doc.h */
			bool zoomed;
			bool whole; /* a preset was opened: question and looks change together */
		} * step;	    /* [n]: the next to go back to is the last */
		int n;
		size_t bytes;
	} past, future;
};
enum { UNDO_MOST = 1000, UNDO_BYTES = 4 << 20 };

struct app_pane {
	struct view_state view;
	struct rect inside;    /* of the last frame; w 0: folded away */
	unsigned last_focus;   /* when it had the keys: greater is later */
	struct view_need need; /* of its last table; all 0: there was none */
	bool sink_in;	       /* the first token takes part in the colours' range */
};

/* Where a line that is being typed wraps, in the last frame: for the mouse. w 0: nowhere. */
struct typed {
	struct rect rect;
	int top; /* the first of its rows that is seen */
};

/* Whether the first answer to a preset that was opened is still to be held against what it expects. */
enum expecting { EXPECT_NOTHING, EXPECT_OPENED, EXPECT_ASKED, EXPECT_ANSWER };

struct app {
	struct preset doc;
	struct undo undo, looks_undo;
	bool undid_looks; /* what redo makes again: the looks that were undone last */

	const struct snapshot *shot; /* borrowed until the next app_snapshot; never NULL after the first */
	struct job asked;	     /* the question that the worker has */
	bool has_asked;
	enum expecting expecting; /* see expects.h */
	struct job good;	  /* the last question that could be answered: see refuse.h */
	unsigned good_serial;
	unsigned serial;
	unsigned again;	    /* how often what was stopped was asked for again */
	bool asking;	    /* REQUEST_ASK is on its way: `serial` is still the question's before */
	long now, asked_at; /* milliseconds of the loop's clock */
	double last_ms;	    /* what the last question took that was answered; 0: none was */

	int focus;
	struct app_pane pane[JOB_PANES];
	unsigned looks;
	bool zoomed;
	enum card card;
	struct tour tour;
	bool saved; /* as a preset, since the tour's step began */
	struct layout layout;
	struct hots hots;
	/* the border that the mouse holds: between panes, or rows by their panes; -1 */
	struct {
		int left, right, above, below;
		bool on, moved;
	} drag;
	bool added;	 /* a pane was added: the next frame says what it hides */
	unsigned hidden; /* the panes that the last frame did not show, as bits; by `added` */

	enum line_kind line;
	enum line_kind taken; /* until the next key: the line that Enter took; an error opens it again */
	struct input input;
	struct typed typed;
	struct input_history history[LINE_KINDS];
	bool line_changed; /* undo has the document from before this line */
	char *line_before; /* prompt or foil when their line began; NULL: there was no foil */
	int complete_at;   /* which completion is in the line; -1: what was typed */
	char *complete_typed;
	int editing; /* LINE_EDIT: which edit */
	struct {
		int edit, pasts;
	} stepped; /* whose (from 1) number was changed last, and how much could be undone then */

	const struct popup *popup; /* NULL: none */
	int list_at, list_top, list_page;
	struct str filter;	      /* what was typed in it: only the lines that match are in it */
	unsigned help_where;	      /* where `?` was pressed */
	int help_topic;		      /* which of its topics is shown; 0: all */
	bool menu_beside, menu_below; /* what the list of techniques is for */

	struct {
		bool waits;  /* x was pressed before the cell's number was there */
		double cell; /* what the metric's number is to be when it comes; NaN: none of this */
	} explaining;	     /* see explain.h */

	struct table *tree; /* that the cursor was in last; counted; NULL: none. See follow.h */
	bool tree_rests;    /* the cursor is where it is to be in the next answer */

	char *search;	      /* NULL: none */
	bool walks_strongest; /* n and N walk through the strongest cells, which were asked for after the search */

	int text_back;	    /* rows that the continuation is scrolled back from its end */
	struct str message; /* until the next key */
	enum style message_style;
	struct notes messages; /* all messages so far */

	struct preset_entry *presets; /* given by the loop; owned */
	int presets_n;
	char **themes;
	int themes_n;
	struct model_entry *models; /* the loop looks at them while they are on the screen */
	int models_n;
	char *opened;			/* the path of the model that was opened last; NULL: none was */
	struct session_entry *sessions; /* that have ended, newest first */
	int sessions_n;
	const struct theme *theme; /* borrowed */
	char *theme_shown;	   /* the name that the loop was last asked for */

	struct {
		struct preset seen;	   /* when it was looked at last */
		bool any, dirty;	   /* seen is there; it is not kept yet */
		long changed_at, dirty_at; /* the last change; the first that is not kept */
	} keep;				   /* see remember.h */
	struct question_log log;
	enum { AWAITS_NOTHING, AWAITS_BOOKMARK, AWAITS_PLACE } awaits; /* what the next key names: `b` and `'` take a letter */
	struct kept_place back;					       /* where `'` left from */
	bool has_back;
	bool asked_to_leave; /* C-c was pressed with nothing to stop: again, it leaves */

	struct request *request; /* [requests], oldest first */
	int requests;
};

void app_init(struct app *app, const struct preset *doc, const struct theme *theme);
void app_done(struct app *app);

void app_event(struct app *app, const struct key *key);
void app_snapshot(struct app *app, const struct snapshot *shot);
void app_draw(struct app *app, struct canvas *c);
/* What of each pane's table is on the screen, or will be as far as can be told before there is one: for worker_look_at(). */
void app_visible(const struct app *app, struct window window[JOB_PANES]);
/* The worker has not answered all yet: its progress changes by itself. */
bool app_busy(const struct app *app);
/* The clock. Returns in how many milliseconds the screen may look different by itself; -1: not before something happens. */
int app_tick(struct app *app, long now);

/* The oldest request; false: none. */
bool app_take(struct app *app, struct request *request);
void app_asked(struct app *app, unsigned serial);
void app_saved(struct app *app);			    /* the document, as a preset */
void app_opened(struct app *app, const struct preset *doc); /* in place of the document; can be undone */
void app_lists(struct app *app, struct preset_entry *presets, int presets_n, char **themes, int themes_n); /* takes them */
void app_sessions(struct app *app, struct session_entry *sessions, int n);				   /* takes them */
void app_models(struct app *app, struct model_entry *models, int models_n);

/* ---- For the parts of the screen ---- */

/*
 * Before a change of the question (prompt, foil, edits, metric, model); of the looks (panes, arguments, differences, zoom); of
 * all: undo has what is there.
 */
void app_change(struct app *app);
void app_change_looks(struct app *app);
void app_change_all(struct app *app);
/* The same for the sizes of panes, which are looks, too, but ask nothing: what the first screen says stays. */
void app_change_sizes(struct app *app);
/* What was changed last was put back: undo has nothing to do with it. */
void app_unchange(struct app *app);
/* Each says in `what` (may be NULL) what it undid: "edit head 5.1 zero". False: there is nothing. */
bool app_undo(struct app *app, struct str *what);
bool app_undo_looks(struct app *app, struct str *what);
bool app_redo(struct app *app, struct str *what);
void undo_done(struct undo *undo);

void app_ask_for(struct app *app, enum request_kind kind, const char *text);
/*
 * A sentence in the last line until the next key. An error about a line that was just typed opens that line again, for
 * correction.
 */
void app_say(struct app *app, enum style style, const char *format, ...) __attribute__((format(printf, 3, 4)));
void app_say_err(struct app *app, const struct err *err);

unsigned app_where(const struct app *app);
/* Runs an action as if its key was pressed, or its word typed with that argument. */
void app_run(struct app *app, const struct action *action, const char *argument);

/* What was asked last was asked long enough ago to say what is not answered yet. */
bool app_is_slow(const struct app *app);
/* Nothing of it is answered: what is drawn speaks of an earlier question. */
bool app_stale(const struct app *app);
bool app_unprepared(const struct app *app); /* so are the metric and the predictions, which may take a while longer */
bool app_edited(const struct app *app);	    /* some edit is on */
struct ink app_ink(const struct app *app, enum style style);

void app_focus_within(struct app *app);	    /* the focus is on a pane that there is */
void app_focus(struct app *app, int pane);  /* brings it to the front, too */
struct job_pane *app_pane(struct app *app); /* the one with the keys; NULL: there is none */

#endif
