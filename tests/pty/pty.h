/*
 * pty.h - a program in a terminal that is not there: a pseudo-terminal whose screen is a libvterm in memory.
 *
 *   harness --keys--> pty ==> program          harness <--bytes-- pty: screen, modes, count
 *                      '-- keeper: the session's leader, which does what a shell does (job control) and reports
 *
 * Nothing here sleeps: one waits for a screen, an end or a stop, and a limit of time ends the wait.
 */
#ifndef LMSCOPE_TESTS_PTY_PTY_H
#define LMSCOPE_TESTS_PTY_PTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

struct pty;

enum pty_state { PTY_RUNNING, PTY_STOPPED, PTY_EXITED, PTY_KILLED };

/* Starts argv[0] in a terminal of w x h. NULL when no pseudo-terminal is to be had. */
struct pty *pty_start(char *const *argv, int w, int h);
/*
 * What programs that are started from here on say on standard error is added to that file, not shown; NULL: it is shown, as at
 * the start.
 */
void pty_errors_to(const char *path);
void pty_free(struct pty *p); /* ends the program if it still runs; NULL is fine */

/* Reads what comes, at most until the deadline (pty_now() + ms) or until something came. False when the time is over. */
bool pty_read(struct pty *p, int64_t deadline);
/* The same without reading the screen, as a terminal that takes nothing: waits for a stop or an end. */
bool pty_wait(struct pty *p, int64_t deadline);
int pty_fd(const struct pty *p); /* readable when something came; -1 after pty_hang_up() */
pid_t pty_program(const struct pty *p);
int64_t pty_now(void); /* milliseconds of a steady clock */

/*
 * A slow line: so many bytes a second, and what it has not carried yet stays where it was written. 0: all at once, as at the
 * start.
 */
/* The terminal takes no output from here on, as after Ctrl-S; or takes it again. */
void pty_freeze(struct pty *p, bool frozen);
/* Nobody reads what the program writes from here on: what it does not fit into the kernel's buffer waits there. */
void pty_go_deaf(struct pty *p);
void pty_set_speed(struct pty *p, long speed);

/* What the program does not take within two seconds is lost. */
void pty_send(struct pty *p, const char *bytes, size_t n);
/* One key by its name: "x", "C-r", "M-x", "S-Tab", "Up", "PgDn", "F5", "Space". False: no such key. */
bool pty_key(struct pty *p, const char *name);
void pty_click(struct pty *p, int x, int y);
void pty_resize(struct pty *p, int w, int h);
void pty_signal(struct pty *p, int signal);
void pty_continue(struct pty *p); /* as `fg` does, after a stop */
void pty_hang_up(struct pty *p);  /* the connection is lost */

/* A row of the screen as UTF-8, without the blanks at its end; valid until the next call. */
const char *pty_row(struct pty *p, int y);
int pty_width(const struct pty *p);
int pty_height(const struct pty *p);

struct pty_cell {
	char text[32];	     /* UTF-8; empty in the second half of a wide character */
	unsigned ink, paper; /* 0xRRGGBB, reverse video taken into account */
	bool bold, underline;
};
struct pty_cell pty_cell_at(struct pty *p, int x, int y);

/* `*code` receives the exit status or the signal. */
enum pty_state pty_state(const struct pty *p, int *code);
size_t pty_bytes(struct pty *p);      /* that came since the last call */
long pty_memory(const struct pty *p); /* KB of the program's that lie in memory; 0 when it is gone */
bool pty_busy(const struct pty *p);   /* a thread of the program runs, or would if it had a processor */
/* What the program has left changed in the terminal, as a sentence; NULL when nothing. Valid until the next call. */
const char *pty_left_behind(struct pty *p);

#endif
