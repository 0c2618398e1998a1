/* tui.c - see tui.h. */
#include "tui/app/tui.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/session/worker.h"
#include "tui/app/app.h"
#include "tui/app/effects.h"
#include "tui/app/remember.h"
#include "tui/app/witness.h"
#include "tui/panes/lists.h"
#include "tui/terminal/term.h"

static int signal_pipe[2] = { -1, -1 };

struct loop {
	struct app app;
	struct worker *worker;
	struct own_session session;
	struct theme *theme;
	struct theme_for what;
	struct canvas canvas;
	bool quit;
	long typed_at; /* milliseconds: the last key */
	int signal;    /* that ends the program; 0: none */
};

/* ------------------------------------------------------------------------------------------------ signals */

/*
 * Every signal whose usual way ends the program gives the terminal back first. Left alone are those of crashes (crash.h), those
 * that do nothing or stop by default, and those that are ignored: a broken pipe and a file that may not grow are errors of the
 * write that met them.
 */
static bool is_caught(int signal)
{
	static const int left_alone[] = {
		SIGKILL, SIGSTOP, SIGTTIN, SIGTTOU, SIGCHLD, SIGURG,  SIGPIPE, SIGXFSZ,
		SIGSEGV, SIGBUS,  SIGABRT, SIGFPE,  SIGILL,  SIGTRAP, SIGSYS,
	};

	for (size_t i = 0; i < sizeof left_alone / sizeof *left_alone; i++)
		if (left_alone[i] == signal)
			return false;
	return true;
}

static void on_signal(int signal)
{
	int kept = errno;
	char byte = (char)signal;

	(void)!write(signal_pipe[1], &byte, 1);
	errno = kept;
}

/* For all that are caught; the numbers that the C library keeps for itself refuse. */
static void set_signals(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	sigemptyset(&action.sa_mask);
	for (int signal = 1; signal <= SIGRTMAX; signal++)
		if (is_caught(signal))
			sigaction(signal, &action, NULL);
}

/* The pipe stays open for good: a handler may be about to write to it in another thread when the usual ways are set again. */
static bool catch_signals(struct err *err)
{
	if (signal_pipe[0] < 0 && pipe2(signal_pipe, O_NONBLOCK | O_CLOEXEC))
		return err_set(err, ERR_MEMORY, "no pipe for signals: %s", strerror(errno));
	set_signals(on_signal);
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	return true;
}

static void release_signals(void)
{
	set_signals(SIG_DFL);
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
}

/* Where nobody could bring the program back (ssh -t HOST lmscope) it is not stopped. */
static void suspend(struct loop *l)
{
	if (!term_suspend())
		app_say(&l->app, STYLE_WARNING, "no shell here could resume the program: it was not stopped");
}

static void take_signals(struct loop *l)
{
	char byte;

	while (read(signal_pipe[0], &byte, 1) == 1) {
		if (byte == SIGTSTP) {
			suspend(l);
		} else if (byte == SIGCONT) {
			term_repaint();
		} else if (byte == SIGWINCH) {
			app_event(&l->app, &(struct key){ .kind = K_RESIZE });
		} else {
			l->signal = (unsigned char)byte;
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
	case REQUEST_EXPORT:
		outside_export(&l->app, l->canvas.w, l->canvas.h, r->text);
		break;
	case REQUEST_SKIP:
		worker_skip(l->worker);
		break;
	case REQUEST_COPY:
		outside_copy(&l->app, r->text);
		break;
	case REQUEST_CIRCUIT:
		outside_circuit(&l->app, r->text);
		break;
	case REQUEST_FOLLOW:
		outside_follow(&l->app, r->text);
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
		else if (r->text && !strcmp(r->text, "sessions"))
			outside_sessions(&l->app);
		else
			outside_lists(&l->app);
		break;
	case REQUEST_TOUR:
		outside_tour(&l->app, r->text);
		break;
	case REQUEST_KEEP:
		outside_keep(&l->app, &l->session);
		break;
	case REQUEST_LOG:
		outside_log(&l->app, &l->session);
		break;
	case REQUEST_OPENED:
		outside_opened(r->text);
		break;
	case REQUEST_RECOVER:
		outside_recover(&l->app, &l->session, r->text);
		break;
	case REQUEST_REDRAW:
		term_repaint();
		break;
	case REQUEST_SUSPEND:
		suspend(l);
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
		witness_key(&key);
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
	witness_frame(&l->app, &l->canvas, show == term_show);
	app_visible(&l->app, window);
	worker_look_at(l->worker, window);
}

enum { PAUSE_MS = 250 }; /* in typing: over a slow line the rest of the screen waits for it */

/*
 * Draws what the terminal can take now. Returns in how many milliseconds to come again in any case; -1: there is nothing to wait
 * for.
 */
static int show(struct loop *l)
{
	long now = clock_ms();
	int behind = term_behind(),
	    pause = l->app.line && term_slow() && l->typed_at + PAUSE_MS > now ? (int)(l->typed_at + PAUSE_MS - now) : 0;

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
		{ term_fd(), POLLIN, 0 },
		{ worker_fd(l->worker), POLLIN, 0 },
		{ signal_pipe[0], POLLIN, 0 },
		{ -1, POLLOUT, 0 },
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
		if (term_due() >= 0 && (wait < 0 || wait > term_due()))
			wait = term_due();
		fds[3].fd = term_out_fd();
		if (poll(fds, sizeof fds / sizeof *fds, wait) < 0 && errno != EINTR)
			break;
		app_tick(&l->app, clock_ms());
		take_signals(l);
		term_flush();
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
	if (what->bare)
		l->app.card = CARD_START;
	if (what->preset->theme)
		outside_theme(&l->app, &l->theme, l->what, what->preset->theme);
	if (term_instead())
		app_say(&l->app, STYLE_WARNING, "TERM '%s' is unknown on this machine; using %s",
			getenv("TERM") ? getenv("TERM") : "", term_instead());
	outside_lists(&l->app);
	outside_read_history(&l->app);
	for (int i = 0; what->notes && i < what->notes->n; i++)
		app_say(&l->app, STYLE_WARNING, "%s", what->notes->line[i]);
	outside_offer(&l->app);
}

/* Left as its user wanted, the session stays only if there was a change to it; ended by anything else, it is offered. */
static void end_session(struct loop *l)
{
	const struct undo *question = &l->app.undo, *looks = &l->app.looks_undo;
	bool untouched = !question->past.n && !question->future.n && !looks->past.n && !looks->future.n;

	if (remember_waits(&l->app) && !(untouched && !l->signal))
		outside_keep(&l->app, &l->session);
	if (!l->signal)
		session_end(&l->session, untouched);
}

bool explore(const struct explore *what, struct err *err)
{
	struct loop l = { 0 };

	l.worker = worker_new(err);
	if (!l.worker)
		return false;
	/* Before the terminal is taken: ncurses leaves alone what is caught already. */
	if (!catch_signals(err) || !term_start((struct term_wish){ .ascii = what->ascii }, &l.what, err)) {
		worker_free(l.worker);
		return false;
	}
	start_app(&l, what);
	canvas_init(&l.canvas, 1, 1);
	run(&l);
	witness_frame(&l.app, &l.canvas, false);
	end_session(&l);
	term_stop();
	outside_write_history(&l.app);
	release_signals();
	if (l.signal)
		raise(l.signal); /* whatever the worker is at: to wait for it may take a second */
	worker_free(l.worker);
	app_done(&l.app);
	theme_free(l.theme);
	canvas_done(&l.canvas);
	return true;
}
