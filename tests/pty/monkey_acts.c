/* monkey_acts.c - see monkey_acts.h. */
#include "tests/pty/monkey_acts.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct dice {
	uint64_t state;
};

static uint64_t roll(struct dice *d)
{
	uint64_t z = d->state += 0x9E3779B97F4A7C15u; /* splitmix64 */

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

static int below(struct dice *d, int n)
{
	return (int)(roll(d) % (uint64_t)n);
}

static bool chance(struct dice *d, int percent)
{
	return below(d, 100) < percent;
}

#define ONE_OF(d, list) (list)[below((d), (int)(sizeof(list) / sizeof *(list)))]

/* ---- words ---- */

/* What moves comes often: interrupting is the rule. */
static const char *const moves[] = { "Left", "Right", "Up",  "Down",  "h",    "j",    "k",    "l",   "[",      "]",	"{", "}",
				     "(",    ")",     "Tab", "S-Tab", "PgUp", "PgDn", "Home", "End", "C-Home", "C-End", "<", ">" };
static const char *const deeds[] = { "Space", ".", "u",		"C-r", "T", "d", "D",	  "g",	     "i",      "z", "v",   "0",
				     "a",     "x", "Backspace", "X",   "+", "-", "=",	  "M-Right", "M-Left", "y", "C-y", "Y",
				     "n",     "N", "1",		"2",   "3", "4", "Enter", "Esc",     "C-l",    "c", "b",   "'" };
static const char *const doors[] = { "e", "f", "m", "t", "s", "E", "o", "w", "M", "/", ":", "?", "Enter", "Esc", "Esc", "Esc" };
static const char *const typing[] = { "Left", "Right", "Home", "End", "Backspace", "Delete", "C-w",	"C-u", "C-k",  "C-y", "C-_",
				      "C-t",  "C-r",   "M-b",  "M-f", "M-d",	   "C-Left", "C-Right", "Up",  "Down", "C-p", "C-n",
				      "Tab",  "S-Tab", "C-g",  "C-c", "Enter",	   "Esc",    "a",	" ",   "x" };

static const char *const prompts[] = { "The capital of France is",
				       "When Mary and John went to the store, John gave a drink to",
				       "Once upon a time, there was a little girl named Lily. She",
				       "the cat sat on the mat . the cat sat on the",
				       "",
				       " ",
				       "a",
				       "\xC3\xA4\xC3\xB6\xC3\xBC \xE2\x82\xAC \xF0\x9F\x98\x80",
				       "The war lasted from the year 1732 to the year 17",
				       "a\xCC\x81 e\xCC\x82 \xEA\xB0\x80 \xE5\xA5\xBD" };

static const char *const edits[] = { "head 1.2 zero", "head 0.0 mean", "head 3.4 patch", "layer 1 zero", "layer 2 @1 zero",
				     "attn_out 1 zero", "mlp_out 3 @2 zero", "neuron 1.5 zero", "pattern 1.2 @3<1 zero",
				     "head 2.1 scale 2", "resid_pre 2 @1 patch", "q 1.1 zero", "resid_post 1 noise 0.5",
				     /* and such as cannot be */
				     "head 99.1 zero", "head 1.99 zero", "layer -7 zero", "add nofile.npy 3", "head", "nonsense",
				     "layer 1 @9999 zero", "pattern 1.2 @1<3 zero", "resid_pre 2 @500 patch" };
static const char *const metrics[] = { "logit \" the\"",
				       "logit_diff \" Mary\" \" John\"",
				       "logprob \" a\"",
				       "kl",
				       "entropy",
				       "loss",
				       "logit #5",
				       "logit \" the\" @1",
				       "",
				       "bogus",
				       "logit",
				       "logit \" the\" @999",
				       "logit #99999999" };
static const char *const techniques[] = { "logit-lens",		  "attention",	      "attention-overview",
					  "next-token",		  "residual-norms",   "direct-attribution",
					  "head-attribution",	  "ablation-sweep",   "activation-patching",
					  "attribution-patching", "path-patching",    "causal-tracing",
					  "attention-knockout",	  "gradient-x-input", "self-repair",
					  "subspace-interchange", "no-such-technique" };
static const char *const presets[] = { "induction",	   "indirect_object",	  "attention_sink",	"logit_lens",
				       "ablation_sweep",   "activation_patching", "attention_knockout", "steering",
				       "path_patching",	   "causal_tracing",	  "self_repair",	"subspace_interchange",
				       "gradient_x_input", "induction_ablated",	  "gpt2_fact",		"mine",
				       "no-such-preset" };
static const char *const settings[] = { "layer=1",	"head=2",     "layer=99",    "head=-1",	     "show=entropy", "show=rank",
					"show=value",	"position=0", "position=-1", "position=500", "k=3",	     "rank=2",
					"site=mlp_out", "op=mean",    "at=last",     "bogus=1",	     "layer" };
static const char *const others[] = { "toggle",
				      "clear",
				      "undo",
				      "redo",
				      "recover",
				      "messages",
				      "close",
				      "zoom",
				      "ablate",
				      "ablate-here",
				      "cancel",
				      "copy",
				      "copy-table",
				      "copy-command",
				      "diff edits",
				      "diff foil",
				      "diff on-foil",
				      "diff none",
				      "diff-all",
				      "generate 3",
				      "generate 40",
				      "generate 0",
				      "generate x",
				      "search the",
				      "search (",
				      "view half",
				      "view word",
				      "view number",
				      "view bogus",
				      "sink",
				      "bos always",
				      "bos never",
				      "bos default",
				      "bos x",
				      "theme dusk",
				      "theme paper",
				      "theme none-such",
				      "theme",
				      "model demo",
				      "model /nowhere",
				      "model",
				      "open",
				      "write",
				      "help",
				      "inspect",
				      "redraw",
				      "pane 2",
				      "pane 99",
				      "log",
				      "export",
				      "tour",
				      "samples /nowhere",
				      "basis /nowhere",
				      "layer 2",
				      "e",
				      "",
				      "  ",
				      "edits",
				      "nonsense of a command" };

/* ---- making ---- */

static void add(struct act *a, const char *text)
{
	for (; *text && a->n + 1 < ACT_TEXT; text++)
		a->text[a->n++] = *text;
	a->text[a->n] = '\0';
}

static void press(struct act *a, const char *key)
{
	if (a->keys < ACT_KEYS_MOST)
		a->key[a->keys++] = key;
}

static void make_start(struct dice *d, struct act *a)
{
	a->kind = ACT_START;
	a->w = 80;
	a->h = 24;
	a->gap = 300;
	switch (below(d, 5)) {
	case 0:
		break;
	case 1:
		a->argument[a->arguments++] = "--preset";
		a->argument[a->arguments++] = presets[below(d, 10)];
		break;
	default:
		a->argument[a->arguments++] = "demo";
		a->argument[a->arguments++] = "-p";
		a->argument[a->arguments++] = prompts[below(d, 4)];
		if (chance(d, 20)) {
			a->argument[a->arguments++] = "-e";
			a->argument[a->arguments++] = edits[below(d, 4)];
		}
	}
}

static void make_keys(struct dice *d, struct act *a)
{
	static const int gaps[] = { 0, 0, 2, 15, 30, 60, 100 };
	int n = chance(d, 30) ? 1 + below(d, ACT_KEYS_MOST) : 1 + below(d, 4);
	const char *held = ONE_OF(d, moves);
	bool hold = chance(d, 40);

	a->kind = ACT_KEYS;
	a->gap = ONE_OF(d, gaps);
	for (int i = 0; i < n; i++)
		press(a, hold ? held : chance(d, 55) ? ONE_OF(d, moves) : chance(d, 75) ? ONE_OF(d, deeds) : ONE_OF(d, doors));
}

static void make_line_keys(struct dice *d, struct act *a)
{
	int n = 1 + below(d, 10);

	a->kind = ACT_KEYS;
	a->gap = chance(d, 50) ? 0 : 20;
	if (chance(d, 50))
		press(a, ONE_OF(d, doors));
	for (int i = 0; i < n; i++)
		press(a, ONE_OF(d, typing));
}

static void make_list_keys(struct dice *d, struct act *a)
{
	static const char *const lists[] = { "t", "s", "E", "o", "M", "?", "Enter", "a" };
	static const char *const in_list[] = { "Down",	"Up",	 "PgDn", "End", "Home", "Space", "Enter",
					       "Enter", "Right", "Left", "x",	"K",	"J",	 "o",
					       "-",	"+",	 "d",	 "Esc", "a",	"r",	 "Backspace" };
	int n = 1 + below(d, 8);

	a->kind = ACT_KEYS;
	a->gap = chance(d, 50) ? 0 : 25;
	press(a, ONE_OF(d, lists));
	for (int i = 0; i < n; i++)
		press(a, ONE_OF(d, in_list));
}

/* Esc first, mostly, so that it is typed where a line opens. */
static void make_line(struct dice *d, struct act *a)
{
	static const char *const openers[] = { "e", "e", "f", "m", "/" };
	const char *open = ONE_OF(d, openers);

	a->kind = ACT_BYTES;
	a->gap = chance(d, 50) ? 0 : 40;
	add(a, open);
	if (chance(d, 40))
		add(a, "\x15");
	add(a, *open == 'm' ? ONE_OF(d, metrics) : ONE_OF(d, prompts));
	add(a, chance(d, 75) ? "\r" : "");
	a->cuts = below(d, ACT_CUTS); /* typed, with pauses */
	for (int i = 0; i < a->cuts; i++)
		a->cut[i] = a->n * (size_t)(i + 1) / (size_t)(a->cuts + 1);
}

static void make_command(struct dice *d, struct act *a)
{
	a->kind = ACT_BYTES;
	add(a, ":");
	switch (below(d, 9)) {
	case 0:
	case 1:
		add(a, "edit ");
		add(a, ONE_OF(d, edits));
		break;
	case 2:
		add(a, "metric ");
		add(a, ONE_OF(d, metrics));
		break;
	case 3:
		add(a, chance(d, 50) ? "foil " : "prompt ");
		add(a, ONE_OF(d, prompts));
		break;
	case 4:
		add(a, chance(d, 33) ? "technique " : chance(d, 50) ? "split " : "below ");
		add(a, ONE_OF(d, techniques));
		break;
	case 5:
		add(a, "open ");
		add(a, ONE_OF(d, presets));
		break;
	case 6:
		add(a, "set ");
		add(a, ONE_OF(d, settings));
		break;
	case 7:
		add(a, chance(d, 50) ? "write mine" : "export mine.svg");
		break;
	default:
		add(a, ONE_OF(d, others));
	}
	add(a, chance(d, 85) ? "\r" : chance(d, 50) ? "\t\t" : "");
}

static void add_random_text(struct dice *d, struct act *a, int n)
{
	static const char *const pieces[] = {
		"the ",		"cat",		 " John", "\n",	  "\r\n",     "\t",   "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
		"\xC3\xA9",	"\xE5\xA5\xBD",	 "\x01",  "\x1B", "\x1B[31m", "\x7F", "\xC3",	      "\xFF",
		"\xE2\x80\xAE", "\xC2\x9B\x35n", "1732",  "\"",	  "'",	      " "
	};

	while (n-- > 0)
		add(a, ONE_OF(d, pieces));
}

/* Cut anywhere: within the markers, within a character. */
static void make_paste(struct dice *d, struct act *a)
{
	static const int lengths[] = { 1, 3, 10, 10, 40, 400 };

	a->kind = ACT_BYTES;
	if (chance(d, 50))
		add(a, chance(d, 50) ? "e" : ":");
	add(a, "\x1B[200~");
	add_random_text(d, a, ONE_OF(d, lengths));
	add(a, "\x1B[201~");
	a->cuts = below(d, ACT_CUTS);
	a->gap = chance(d, 50) ? 5 : 60;
	for (int i = 0; i < a->cuts; i++)
		a->cut[i] = (size_t)below(d, (int)a->n);
	for (int i = 1; i < a->cuts; i++)
		for (int k = i; k && a->cut[k] < a->cut[k - 1]; k--) {
			size_t swap = a->cut[k];

			a->cut[k] = a->cut[k - 1];
			a->cut[k - 1] = swap;
		}
}

static void make_mouse(struct dice *d, struct act *a)
{
	static const int buttons[] = { 0, 0, 0, 0, 1, 2, 64, 65, 66, 35, 255 };
	int x = 1 + below(d, chance(d, 10) ? 300 : 80), y = 1 + below(d, chance(d, 10) ? 100 : 24), n = 1 + below(d, 4);
	char report[64];

	a->kind = ACT_BYTES;
	for (int i = 0; i < n; i++) {
		int button = ONE_OF(d, buttons);

		snprintf(report, sizeof report, "\x1B[<%d;%d;%dM", button, x, y);
		add(a, report);
		if (chance(d, 30)) { /* dragged */
			x += below(d, 21) - 10;
			y += below(d, 9) - 4;
			x = x < 1 ? 1 : x;
			y = y < 1 ? 1 : y;
			snprintf(report, sizeof report, "\x1B[<%d;%d;%dM", 32 + button, x, y);
			add(a, report);
		}
		if (button < 64 && chance(d, 90)) {
			snprintf(report, sizeof report, "\x1B[<%d;%d;%dm", button, x, y);
			add(a, report);
		}
	}
}

/* Sequences that are none, or break off. (Not the beginning of a paste: what follows would be its text.) */
static void make_noise(struct dice *d, struct act *a)
{
	static const char *const noise[] = { "\x1B[",
					     "\x1BO",
					     "\x1B[1;",
					     "\x1B[<0;1",
					     "\x1B[999999999999~",
					     "\x1B[?1;2c",
					     "\x1B]0;title\x07",
					     "\x1BP1$r\x1B\\",
					     "\x1B[12;40R",
					     "\xFF\xFE",
					     "\xC3",
					     "\xE2\x82",
					     "\x1B[O",
					     "\x1B[I",
					     "\x1B[201~",
					     "\x1B\x1B\x1B",
					     "\x1B[M   ",
					     "\x1B[27;5;9~",
					     "\x1B[97;5u" };

	a->kind = ACT_BYTES;
	for (int n = 1 + below(d, 3); n > 0; n--)
		add(a, ONE_OF(d, noise));
}

static void make_size(struct dice *d, struct act *a)
{
	static const int sizes[][2] = { { 80, 24 }, { 80, 24 }, { 120, 40 }, { 200, 60 }, { 40, 12 },
					{ 24, 8 },  { 20, 5 },	{ 1, 1 },    { 3, 60 },	  { 300, 4 } };
	int i = below(d, (int)(sizeof sizes / sizeof *sizes));

	a->kind = ACT_RESIZE;
	a->w = chance(d, 70) ? sizes[i][0] : 20 + below(d, 160);
	a->h = chance(d, 70) ? sizes[i][1] : 6 + below(d, 60);
}

static void make_stall(struct dice *d, struct act *a)
{
	int n = 4 + below(d, ACT_KEYS_MOST - 4);

	a->kind = ACT_STALL;
	a->gap = 300 + below(d, 1500);
	a->frozen = chance(d, 60);
	for (int i = 0; i < n; i++)
		press(a, i % 2 ? "C-l" : ONE_OF(d, moves));
}

/* Keys that change what is saved, so that a kill comes in the middle of it. */
static void make_amid(struct dice *d, struct act *a)
{
	static const char *const changes[] = { "Space", ".", "u", "C-r", "T", "d", "g", "+", "v", "z" };
	int n = 2 + below(d, 10);

	a->amid = true;
	a->gap = below(d, 400);
	press(a, chance(d, 25) ? "e" : "Esc");
	for (int i = 0; i < n; i++)
		press(a, chance(d, 50) ? ONE_OF(d, moves) : ONE_OF(d, changes));
}

static void make_end(struct dice *d, struct act *a)
{
	static const int signals[] = { SIGTERM, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGKILL, 0 };

	a->kind = ACT_END;
	if (chance(d, 35)) {
		press(a, "Esc");
		press(a, "Esc");
		press(a, "Esc");
		press(a, chance(d, 60) ? "q" : "C-c");
		a->signal = SIGTERM; /* for what does not end by that */
		return;
	}
	a->stalled = chance(d, 40);
	a->frozen = a->stalled && chance(d, 60);
	a->signal = ONE_OF(d, signals);
	if (!a->stalled && a->signal == SIGKILL)
		make_amid(d, a);
	for (int i = 0; a->stalled && i < 20; i++)
		press(a, i % 2 ? "C-l" : ONE_OF(d, moves));
}

void act_make(uint64_t seed, int number, struct act *out)
{
	static const int pauses[] = { 0, 0, 0, 5, 20, 60, 150, 400 };
	struct dice d = { seed * 0xD1342543DE82EF95u + (uint64_t)number * 0x2545F4914F6CDD1Du };
	int which;

	roll(&d);
	memset(out, 0, sizeof *out);
	if (number == 0) {
		make_start(&d, out);
		return;
	}
	which = below(&d, 100);
	if (which < 36)
		make_keys(&d, out);
	else if (which < 42)
		make_line_keys(&d, out);
	else if (which < 50)
		make_list_keys(&d, out);
	else if (which < 57)
		make_line(&d, out);
	else if (which < 74)
		make_command(&d, out);
	else if (which < 79)
		make_paste(&d, out);
	else if (which < 86)
		make_mouse(&d, out);
	else if (which < 89)
		make_noise(&d, out);
	else if (which < 94)
		make_size(&d, out);
	else if (which < 96)
		out->kind = ACT_SUSPEND;
	else if (which < 98)
		make_stall(&d, out);
	else
		make_end(&d, out);
	out->pause = ONE_OF(&d, pauses);
	out->probe = out->kind != ACT_END && !(which >= 86 && which < 89) && chance(&d, 40);
	out->rest = chance(&d, 12);
}

/* ---- telling ---- */

static size_t print_text(const struct act *a, char *out, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < a->n && used + 8 < n; i++) {
		unsigned char c = (unsigned char)a->text[i];

		for (int k = 0; k < a->cuts; k++)
			if (a->cut[k] == i && i)
				used += (size_t)snprintf(out + used, n - used, "|");
		used += (size_t)snprintf(out + used, n - used, isprint(c) && c != '\\' && c != '|' ? "%c" : "\\x%02x", c);
	}
	return used;
}

void act_print(const struct act *a, char *out, size_t n)
{
	static const char *const kinds[] = { "start", "keys", "bytes", "resize", "suspend", "stall", "end" };
	size_t used = (size_t)snprintf(out, n, "%s", kinds[a->kind]);

	for (int i = 0; i < a->arguments && used < n; i++)
		used += (size_t)snprintf(out + used, n - used, " '%s'", a->argument[i]);
	for (int i = 0; i < a->keys && used < n; i++)
		used += (size_t)snprintf(out + used, n - used, " %s", a->key[i]);
	if (a->n && used + 16 < n) {
		out[used++] = ' ';
		used += print_text(a, out + used, n - used - 8);
	}
	if (used < n && (a->kind == ACT_RESIZE || a->kind == ACT_START))
		used += (size_t)snprintf(out + used, n - used, " %dx%d", a->w, a->h);
	if (used < n && a->kind == ACT_END)
		used += (size_t)snprintf(out + used, n - used, "%s %s",
					 a->frozen    ? " frozen"
					 : a->stalled ? " stalled"
						      : "",
					 a->signal ? sigabbrev_np(a->signal) : "hang-up");
	if (used < n && a->kind == ACT_STALL && a->frozen)
		used += (size_t)snprintf(out + used, n - used, " frozen");
	if (used < n && a->gap)
		used += (size_t)snprintf(out + used, n - used, ", %d ms", a->gap);
	if (used < n)
		snprintf(out + used, n - used, "; then %d ms%s%s", a->pause, a->probe ? ", probe" : "", a->rest ? ", rest" : "");
}
