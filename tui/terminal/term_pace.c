/* term_pace.c - see term_pace.h. */
#include "tui/terminal/term_pace.h"

#include <stddef.h>
#include <string.h>

#include "engine/base/clock.h"
#include "tui/terminal/term_keys.h"

/* How many frames may be under way, small and large ones (of many changed cells). */
enum { SMALL_AHEAD = 3, LARGE_AHEAD = 1, LARGE_CELLS = 300, ANSWER_MS = 1500, SLOW_MS = 60, QUESTIONS = 8 };

static struct {
	const char *question;
	unsigned asked, heard;	  /* how often, and the answers that hear() has seen */
	long asked_at[QUESTIONS]; /* milliseconds; of question n: n % QUESTIONS */
	long trip;		  /* milliseconds of the quickest answer: the way there and back; 0: none came yet */
	bool slow;		  /* a frame took much longer than that */
	int cells;		  /* that the last frame changed */
} pace;

/*
 * What a terminal answers: the younger ones whether they can hold a frame back until it is whole (DECRQM of mode 2026), those after
 * the VT100 how they are (DSR). Others are left alone.
 */
void pace_start(const char *name)
{
	static const char hold[] = "\033[?2026$p", how[] = "\033[5n";
	static const struct {
		const char *name, *question;
	} kinds[] = {
		{ "xterm", hold },   { "tmux", hold },	  { "foot", hold },    { "alacritty", hold }, { "kitty", hold },
		{ "wezterm", hold }, { "contour", hold }, { "ghostty", hold }, { "screen", how },     { "rxvt", how },
		{ "st-", how },	     { "konsole", how },  { "putty", how },    { "vte", how },	      { "linux", how },
		{ "vt1", how },	     { "vt2", how },
	};

	pace.question = NULL;
	for (size_t i = 0; name && i < sizeof kinds / sizeof *kinds && !pace.question; i++)
		if (!strncmp(name, kinds[i].name, strlen(kinds[i].name)))
			pace.question = kinds[i].question;
}

const char *pace_question(void)
{
	return pace.question;
}

void pace_asked(int cells)
{
	pace.asked_at[pace.asked++ % QUESTIONS] = clock_ms();
	pace.cells = cells;
}

static unsigned unanswered(void)
{
	unsigned answers = term_keys_answers();

	if ((int)(pace.asked - answers) < 0) /* one that was given up came after all */
		pace.asked = answers;
	return pace.asked - answers;
}

/* How long the answers took that came since. */
static void hear(void)
{
	for (; pace.heard != term_keys_answers(); pace.heard++) {
		long took = clock_ms() - pace.asked_at[pace.heard % QUESTIONS];

		if (!pace.trip || took < pace.trip)
			pace.trip = took > 0 ? took : 1;
		if (took > pace.trip + SLOW_MS)
			pace.slow = true;
		else if (pace.cells >= LARGE_CELLS)
			pace.slow = false;
	}
}

bool pace_slow(void)
{
	hear();
	return pace.slow;
}

int pace_behind(void)
{
	long left = pace.asked_at[(pace.asked - 1) % QUESTIONS] + ANSWER_MS - clock_ms();

	hear();
	if (unanswered() < (pace.cells < LARGE_CELLS ? SMALL_AHEAD : LARGE_AHEAD))
		return 0;
	if (left > 0)
		return (int)left;
	pace.asked = term_keys_answers(); /* somewhere on the way they are lost */
	return 0;
}

/* Of a terminal that has long not answered its first question none are. */
bool pace_to_come(unsigned read)
{
	unsigned heard = term_keys_answers() + read;
	bool answers = heard || clock_ms() - pace.asked_at[0] < ANSWER_MS;

	return pace.asked && answers && (int)(pace.asked - heard) > 0;
}
