/*
 * monkey.h - the monkey's program, and what is known of it: monkey.c lives lives and tells what was found, monkey_do.c performs an
 * action, monkey_told.c hears what the program tells and holds it to it, monkey_ends.c starts and judges its ends.
 */
#ifndef LMSCOPE_TESTS_PTY_MONKEY_H
#define LMSCOPE_TESTS_PTY_MONKEY_H

#include "tests/pty/monkey_acts.h"
#include "tests/pty/pty.h"
#include "tests/tap.h"

enum { DOCS = 64 };
enum { KEY_MS = 200, STALE_MS = 200, VIEWS_MS = 1000, END_MS = 6000, SHOWN = 12 };
enum { LEAVE_MS = INSTRUMENTED ? 20000 : 5000, PATIENCE_MS = 20000, REST_MS = 2500, MOST_SLOWNESS = 10 };

struct monkey_options {
	const char *program;
	long seed, until, seconds, actions, slow, patience;
	bool one, verbose;
};

/* What the program has told of its last frame: see tui/app/witness.h. */
struct told {
	char line[1 << 16];
	size_t n;
	int fd;
	unsigned frames, probes, keys; /* F9: those that a frame came after; those that were taken */
	long age, age_then;	       /* of the last frame; of the last whole one */
	bool idle;
	int64_t at;	     /* when the last whole frame came */
	double waited;	     /* and what waits_ms() was then */
	int64_t blind_until; /* the terminal took nothing until a moment ago */
	/* what would have been saved, the newest first; yaml NULL: none, or not known */
	struct {
		char *yaml;
		int64_t from;
	} doc[DOCS];
	bool wrong;	       /* it shows another question unmarked */
	bool unanswered_now;   /* the question cannot be answered, says what came after the last frame */
	int unanswered_frames; /* and so many frames before it */
	char what[8192];
};

struct monkey {
	struct monkey_options options;
	struct pty *pty;
	struct told told;
	char folder[64], home[96], fifo[96], errors[96];
	uint64_t seed;
	int number;
	struct act act;
	unsigned probes; /* sent to this program */
	long limit;	 /* milliseconds within which a key is answered */
	double slowness; /* how many times as long as expected this machine takes */
	double worst;
	long answered, actions, starts;
	bool killed; /* by SIGKILL, so that files may be left */
	char why[10000];
};
extern struct monkey monkey;

/* A time that is allowed, for this machine. */
long monkey_allowed(long ms);
/* What is wrong; the first counts. Always false. */
bool monkey_found(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- monkey_told.c ---- */

/* The newest state that would be saved; NULL: it is not known. */
void monkey_take_doc(const char *yaml);
/* Takes what the program has told, without waiting. */
void monkey_listen(void);
/* Takes what comes, from the terminal and from the witness, until the deadline or something came. */
void monkey_hear(int64_t deadline);
bool monkey_runs(void);
/* Hears for so long, and until the program rests. False: something was found. */
bool monkey_live(int ms);
bool monkey_rest(void);
/* Milliseconds that F9, which does nothing, takes to the frame after it; negative: the program is gone, or never answers. */
double monkey_probe(void);
bool monkey_key_is_answered(void);
/* What is saved was the state at some time in the last `ms`, 0: is the last; or a moment ago, as changes are saved together. */
bool monkey_session_is_state(int ms);
bool monkey_session_was_state(void);
/* There is a session's file of this program. */
bool monkey_session_is_kept(void);

/* How long the machine let the program wait since `before` of waits_ms(): threads that have ended since take theirs along. */
double monkey_waited_since(double before);

/* ---- monkey_ends.c ---- */

bool monkey_start(const struct act *a);
bool monkey_start_again(void);
/* After a start that comes after SIGKILL: it says that a session can be had again. */
bool monkey_session_is_offered(void);
/* Prints what sanitizers wrote, and what the program wrote to standard error; says whether sanitizers did. */
bool monkey_sanitizer_spoke(void);
/* The program is to have ended by that signal (0: by itself). `listened`: its terminal took what it wrote. */
bool monkey_ended_well(bool in_time, int by, bool listened);

/* ---- monkey_do.c ---- */

/* The next action of this life. False: something was found. */
bool monkey_do_action(void);

#endif
