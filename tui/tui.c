/* tui.c - see tui.h. */
#include "tui/tui.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/worker.h"
#include "tui/app.h"
#include "tui/outside.h"
#include "tui/panes/lists.h"
#include "tui/term.h"

static int signal_pipe[2] = { -1, -1 };

struct loop {
	struct app app;
	struct worker *worker;
	struct theme *theme;
	struct theme_for what;
	struct canvas canvas;
	bool quit;
	long typed_at;		/* milliseconds: the last key */
	int signal;		/* that ends the program; 0: none */
};

/* ------------------------------------------------------------------------------------------------ signals */

static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT };
enum { CAUGHT = sizeof caught / sizeof *caught };

static void on_signal(int signal)
{
	int kept = errno;
	char byte = (char)signal;

	(void)!write(signal_pipe[1], &byte, 1);
	errno = kept;
}

static void (*note_resize)(int);

/* ncurses only notes it for its next look at the keys, and a poll() that is just begun would sleep over it. */
static void on_resize(int signal)
{
	note_resize(signal);
	on_signal(signal);
}

/* After ncurses has set its own handler. */
static void catch_resize(void)
{
	struct sigaction theirs, ours;

	sigaction(SIGWINCH, NULL, &theirs);
	if (theirs.sa_flags & SA_SIGINFO || theirs.sa_handler == SIG_DFL || theirs.sa_handler == SIG_IGN)
		return;
	note_resize = theirs.sa_handler;
	ours = theirs;
	ours.sa_handler = on_resize;
	sigaction(SIGWINCH, &ours, NULL);
}

static bool catch_signals(struct err *err)
{
	struct sigaction action = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };

	if (pipe2(signal_pipe, O_NONBLOCK | O_CLOEXEC))
		return err_set(err, ERR_MEMORY, "no pipe for signals: %s", strerror(errno));
	sigemptyset(&action.sa_mask);
	for (int i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &action, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	return true;
}

static void release_signals(void)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };

	for (int i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &usual, NULL);
	sigaction(SIGWINCH, &usual, NULL);
	sigaction(SIGPIPE, &usual, NULL);
	close(signal_pipe[0]);
	close(signal_pipe[1]);
}

static void take_signals(struct loop *l)
{
	char byte;

	while (read(signal_pipe[0], &byte, 1) == 1) {
		if (byte == SIGTSTP) {
			term_suspend();
		} else if (byte == SIGCONT) {
			term_repaint();
		} else if (byte != SIGWINCH) {	/* that one is a key */
			l->signal = byte;
			l->quit = true;
		}
	}
}

/* ------------------------------------------------------------------------------------------------ requests */

static void carry_out(struct loop *l, const struct request *r)
{
	switch (r->kind) {
	case REQUEST_ASK:
		app_asked(&l->app, worker_ask(l->worker, &l->app.asked));
		break;
	case REQUEST_CANCEL:
		worker_cancel(l->worker);
		break;
	case REQUEST_COPY:
		outside_copy(&l->app, r->text);
		break;
	case REQUEST_SAVE:
		outside_save(&l->app, r->text);
		break;
	case REQUEST_OPEN:
		outside_open(&l->app, r->text);
		break;
	case REQUEST_THEME:
		outside_theme(&l->app, &l->theme, l->what, r->text);
		break;
	case REQUEST_LISTS:
		if (r->text && !strcmp(r->text, "models"))
			outside_models(&l->app);
		else
			outside_lists(&l->app);
		break;
	case REQUEST_REDRAW:
		term_repaint();
		break;
	case REQUEST_SUSPEND:
		term_suspend();
		break;
	case REQUEST_QUIT:
		l->quit = true;
		break;
	}
}

static void carry_out_all(struct loop *l)
{
	struct request r;

	while (app_take(&l->app, &r)) {
		carry_out(l, &r);
		free(r.text);
	}
}

/* ------------------------------------------------------------------------------------------------ the loop */

static void take_keys(struct loop *l)
{
	struct key key;

	while (!l->quit && term_key(&key)) {
		if (key.kind == K_LOST) {
			l->signal = SIGHUP;
			l->quit = true;
		}
		app_event(&l->app, &key);
		l->typed_at = clock_ms();
		carry_out_all(l);
	}
}

static void draw(struct loop *l, void (*show)(const struct canvas *c))
{
	struct window window[JOB_PANES];
	int w, h;

	term_size(&w, &h);
	canvas_reset(&l->canvas, w, h, theme_ink(l->theme, STYLE_TEXT));
	app_draw(&l->app, &l->canvas);
	show(&l->canvas);
	app_visible(&l->app, window);
	worker_look_at(l->worker, window);
}

enum { PAUSE_MS = 250 };	/* in typing: over a slow line the rest of the screen waits for it */

/* Draws what the terminal can take now. Returns in how many milliseconds to come again in any case; -1: there is nothing to wait for. */
static int show(struct loop *l)
{
	long now = clock_ms();
	int behind = term_behind(), pause = l->app.line && term_slow() && l->typed_at + PAUSE_MS > now ? (int)(l->typed_at + PAUSE_MS - now) : 0;

	if (!behind && !pause) {
		draw(l, term_show);
		return -1;
	}
	if (l->app.line)
		draw(l, term_show_line);
	return behind > pause ? behind : pause;
}

static void run(struct loop *l)
{
	struct pollfd fds[] = {
		{ term_fd(), POLLIN, 0 }, { worker_fd(l->worker), POLLIN, 0 }, { signal_pipe[0], POLLIN, 0 },
	};

	/* The first frame is up before anything is computed. */
	app_tick(&l->app, clock_ms());
	draw(l, term_show);
	carry_out_all(l);
	while (!l->quit) {
		int wait = app_tick(&l->app, clock_ms()), again = show(l);

		if (again >= 0 && (wait < 0 || wait > again))
			wait = again;
		if (models_unseen(&l->app)) {
			outside_look(&l->app);
			wait = 0;
		}
		if (poll(fds, sizeof fds / sizeof *fds, wait) < 0 && errno != EINTR)
			break;
		app_tick(&l->app, clock_ms());
		take_signals(l);
		if ((fds[1].revents & POLLIN) || app_busy(&l->app))
			app_snapshot(&l->app, worker_look(l->worker));
		take_keys(l);
		carry_out_all(l);
	}
}

static void start_app(struct loop *l, const struct explore *what)
{
	l->theme = theme_builtin(l->what);
	app_init(&l->app, what->preset, l->theme);
	if (what->preset->theme)
		outside_theme(&l->app, &l->theme, l->what, what->preset->theme);
	outside_lists(&l->app);
	outside_read_history(&l->app);
	outside_offer(&l->app);
	for (int i = 0; what->notes && i < what->notes->n; i++)
		app_say(&l->app, STYLE_WARNING, "%s", what->notes->line[i]);
}

bool explore(const struct explore *what, struct err *err)
{
	struct loop l = { 0 };
	int signal;

	l.worker = worker_new(err);
	if (!l.worker)
		return false;
	/* Before the terminal is taken: ncurses leaves alone what is caught already. */
	if (!catch_signals(err) || !term_start((struct term_wish){ .ascii = what->ascii }, &l.what, err)) {
		worker_free(l.worker);
		return false;
	}
	catch_resize();
	start_app(&l, what);
	canvas_init(&l.canvas, 1, 1);
	run(&l);
	if (l.signal == SIGHUP)
		outside_keep(&l.app);
	term_stop();
	outside_write_history(&l.app);
	signal = l.signal;
	worker_free(l.worker);
	app_done(&l.app);
	theme_free(l.theme);
	canvas_done(&l.canvas);
	release_signals();
	if (signal)
		raise(signal);
	return true;
}
