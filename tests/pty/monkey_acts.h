/*
 * monkey_acts.h - what the monkey does: an action follows from the seed and its number alone, whatever the program did meanwhile,
 * so that a seed replays the same actions.
 */
#ifndef LMSCOPE_TESTS_PTY_MONKEY_ACTS_H
#define LMSCOPE_TESTS_PTY_MONKEY_ACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum act_kind {
	ACT_START, /* the program is started; `argument` are its words */
	ACT_KEYS,  /* the keys in turn, one every `gap` milliseconds */
	ACT_BYTES, /* `text` in pieces that end at `cut`, with `gap` between them */
	ACT_RESIZE,
	ACT_SUSPEND, /* Ctrl-Z, and fg after a while */
	ACT_STALL,   /* the terminal takes nothing for `gap` milliseconds, while the keys are pressed */
	ACT_END,     /* … by keys, or a signal, or the line is lost (signal 0); `stalled`: while the terminal takes nothing */
};
enum { ACT_KEYS_MOST = 24, ACT_CUTS = 6, ACT_TEXT = 6000, ACT_ARGUMENTS = 12 };

struct act {
	enum act_kind kind;
	const char *key[ACT_KEYS_MOST];
	const char *argument[ACT_ARGUMENTS];
	int keys, arguments, gap, w, h, signal;
	bool amid;	      /* the keys are under way when the signal comes, after `gap` */
	bool stalled, frozen; /* frozen: not a byte more goes out, as after Ctrl-S; otherwise what the kernel holds is filled */
	char text[ACT_TEXT];
	size_t n, cut[ACT_CUTS];
	int cuts;
	int pause;	  /* afterwards */
	bool probe, rest; /* afterwards: is a key answered? wait until nothing is computed any more, for a while */
};

void act_make(uint64_t seed, int number, struct act *out);
/* In a line: "keys Left x 5, 20 ms". */
void act_print(const struct act *a, char *out, size_t n);

#endif
