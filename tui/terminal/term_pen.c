/* term_pen.c - see term_pen.h. */
#include "tui/terminal/term_pen.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

#include "tui/draw/color.h"

enum { FIRST_RGB = 8 };

/* terminfo's names of what is sent often, looked up once. */
enum cap {
	BOLD,
	DIM,
	SITM,
	SMUL,
	REV,
	SGR0,
	OP,
	SETAF,
	SETAB,
	CUP,
	CUF,
	CUB,
	CUF1,
	CUB1,
	CUD,
	CUU,
	CUD1,
	CUU1,
	HPA,
	VPA,
	CR,
	EL,
	ECH,
	REP,
	CAPS
};
static const char *const names[CAPS] = {
	"bold", "dim",	"sitm", "smul", "rev",	"sgr0", "op",  "setaf", "setab", "cup", "cuf", "cub",
	"cuf1", "cub1", "cud",	"cuu",	"cud1", "cuu1", "hpa", "vpa",	"cr",	 "el",	"ech", "rep",
};

static const struct attribute {
	unsigned attr;
	enum cap on;
	const char *off; /* SGR's way to end it, where the terminal is of that kind */
	int no_color;	 /* terminfo's bit in ncv: not together with colours */
} attributes[] = {
	{ INK_BOLD, BOLD, "22", 1 << 5 },      { INK_DIM, DIM, "22", 1 << 4 },	   { INK_ITALIC, SITM, "23", 1 << 15 },
	{ INK_UNDERLINE, SMUL, "24", 1 << 1 }, { INK_REVERSE, REV, "27", 1 << 2 },
};
enum { ATTRIBUTES = sizeof attributes / sizeof *attributes };

/* A switch of ink: SGR parameters in one sequence, and what is no SGR after it. */
struct ink_switch {
	struct str list, rest;
};

static struct {
	const char *cap[CAPS]; /* "" where the terminal has none */
	enum depth depth;
	bool direct; /* the numbers of its colours are red, green, blue; the least eight are the palette's */
	bool sgr;    /* attributes are SGR parameters, and can be ended one by one */
	bool erases, erases_in_color, moves_in_ink, scrolls;
	bool repeats;	    /* the sequence that repeats is the glyph and then CSI n b, so that it goes for any glyph */
	int not_with_color; /* terminfo's bits */
	struct ink ink;
	bool known;			   /* `ink` is what the terminal has */
	int x, y;			   /* −1: not known */
	struct ink_switch all, difference; /* scratch */
	struct str way, step, best;
} pen;

/* ---- terminfo ---- */

static const char *capability(const char *name)
{
	const char *string = tigetstr(name);

	return string == (const char *)-1 || !string ? "" : string;
}

/* Without its padding notes "$<5>". */
static void add_unpadded(struct str *out, const char *string)
{
	for (; *string; string++) {
		const char *end = string[0] == '$' && string[1] == '<' ? strchr(string, '>') : NULL;

		if (end)
			string = end;
		else
			str_add_char(out, *string);
	}
}

static const char *expand(const char *string, int first, int second)
{
	const char *made = tparm(string, (long)first, (long)second, 0L, 0L, 0L, 0L, 0L, 0L, 0L);

	return made ? made : "";
}

void pen_add(struct str *out, const char *name)
{
	add_unpadded(out, capability(name));
}

/* The parameters of "\033[…m"; 0: it is something else. */
static size_t sgr_of(const char *string, const char **parameters)
{
	size_t n;

	if (strncmp(string, "\033[", 2))
		return 0;
	*parameters = string + 2;
	n = strspn(*parameters, "0123456789;:");
	return (*parameters)[n] == 'm' && ((*parameters)[n + 1] == '\0' || (*parameters)[n + 1] == '$') ? n : 0;
}

static bool all_sgr(void)
{
	const char *parameters;

	for (int i = 0; i < ATTRIBUTES; i++) {
		const char *string = pen.cap[attributes[i].on];

		if (*string && !sgr_of(string, &parameters))
			return false;
	}
	return !strcmp(pen.cap[OP], "\033[39;49m");
}

/* tmux erases in colour, and so many cells as it is told, though its entry in terminfo, made from screen's, says neither. */
static void know_tmux(void)
{
	if (strncmp(termname(), "tmux", 4))
		return;
	pen.erases_in_color = true;
	pen.cap[ECH] = "\033[%p1%dX";
}

bool pen_open(const char *terminal)
{
	int status;

	return setupterm((char *)terminal, STDOUT_FILENO, &status) == OK;
}

bool pen_can_go(void)
{
	return *capability("cup") && *capability("clear");
}

void pen_start(enum depth depth)
{
	int ncv = tigetnum("ncv");
	struct str *const scratch[] = { &pen.all.list, &pen.all.rest, &pen.difference.list, &pen.difference.rest, &pen.way,
					&pen.step,     &pen.best };

	for (size_t i = 0; i < sizeof scratch / sizeof *scratch; i++)
		if (!scratch[i]->s)
			str_init(scratch[i]);
	for (int i = 0; i < CAPS; i++)
		pen.cap[i] = capability(names[i]);
	pen.depth = depth;
	pen.direct = tigetnum("colors") > 1 << 16;
	pen.sgr = all_sgr();
	pen.erases = *pen.cap[EL] != '\0';
	pen.erases_in_color = tigetflag("bce") > 0;
	pen.moves_in_ink = tigetflag("msgr") > 0;
	pen.scrolls = tigetflag("am") > 0 && tigetflag("xenl") <= 0;
	pen.repeats = !strcmp(pen.cap[REP], "%p1%c\033[%p2%{1}%-%db");
	pen.not_with_color = ncv > 0 ? ncv : 0;
	know_tmux();
	pen_forget();
}

void pen_forget(void)
{
	pen.known = false;
	pen.x = pen.y = -1;
}

/* ---- ink ---- */

static void change_clear(struct ink_switch *c)
{
	str_clear(&c->list);
	str_clear(&c->rest);
}

static void add_parameter(struct ink_switch *c, const char *text, size_t n)
{
	if (c->list.n)
		str_add_char(&c->list, ';');
	str_add_n(&c->list, text, n);
}

static void add_string(struct ink_switch *c, const char *string)
{
	const char *parameters;
	size_t n = sgr_of(string, &parameters);

	if (n && pen.sgr)
		add_parameter(c, parameters, n);
	else
		add_unpadded(&c->rest, string);
}

static void add_rgb(struct ink_switch *c, int32_t rgb, bool back)
{
	char text[40];
	int n = snprintf(text, sizeof text, "%d;2;%d;%d;%d", back ? 48 : 38, rgb >> 16 & 255, rgb >> 8 & 255, rgb & 255);

	add_parameter(c, text, (size_t)n);
}

static void add_color(struct ink_switch *c, int32_t color, bool back)
{
	const char *set = pen.cap[back ? SETAB : SETAF];

	if (color == INK_DEFAULT)
		add_parameter(c, back ? "49" : "39", 2);
	else if (color < INK_PALETTE && pen.depth == DEPTH_TRUE && !pen.direct && pen.sgr)
		add_rgb(c, color, back);
	else if (*set)
		add_string(c, expand(set, pen.direct && color < FIRST_RGB ? FIRST_RGB : color & (INK_PALETTE - 1), 0));
}

static void add_attributes(struct ink_switch *c, unsigned attr)
{
	for (int i = 0; i < ATTRIBUTES; i++)
		if (attr & attributes[i].attr)
			add_string(c, pen.cap[attributes[i].on]);
}

/* From nothing. */
static void set_all(struct ink_switch *c, struct ink to)
{
	if (pen.sgr)
		add_parameter(c, "0", 1);
	else
		add_unpadded(&c->rest, pen.cap[SGR0]);
	add_attributes(c, to.attr);
	if (to.fg != INK_DEFAULT)
		add_color(c, to.fg, false);
	if (to.bg != INK_DEFAULT)
		add_color(c, to.bg, true);
}

/* From the ink that is there; false: that cannot be done. */
static bool set_difference(struct ink_switch *c, struct ink from, struct ink to)
{
	unsigned off = from.attr & ~to.attr, on = to.attr & ~from.attr;

	if (!pen.known || (!pen.sgr && (off || to.fg == INK_DEFAULT || to.bg == INK_DEFAULT)))
		return false;
	if (off & (INK_BOLD | INK_DIM)) /* one sequence ends both */
		on |= to.attr & (INK_BOLD | INK_DIM);
	for (int i = 0; i < ATTRIBUTES; i++)
		if (off & attributes[i].attr && !(attributes[i].attr == INK_DIM && off & INK_BOLD))
			add_parameter(c, attributes[i].off, 2);
	add_attributes(c, on);
	if (to.fg != from.fg)
		add_color(c, to.fg, false);
	if (to.bg != from.bg)
		add_color(c, to.bg, true);
	return true;
}

static void add_change(struct str *out, const struct ink_switch *c)
{
	if (c->list.n)
		str_addf(out, "\033[%sm", c->list.n == 1 && c->list.s[0] == '0' ? "" : c->list.s);
	str_add_n(out, c->rest.s, c->rest.n);
}

static struct ink showable(struct ink ink)
{
	bool colored = ink.fg != INK_DEFAULT || ink.bg != INK_DEFAULT;

	if (pen.depth == DEPTH_MONO)
		ink.fg = ink.bg = INK_DEFAULT;
	else if (pen.depth <= DEPTH_16 && ink.fg != INK_DEFAULT && ink.bg != INK_DEFAULT &&
		 !color_bold_reads(ink.fg & 255, ink.bg & 255))
		ink.attr &= (uint8_t)~INK_BOLD; /* black on yellow would be gray on yellow */
	for (int i = 0; i < ATTRIBUTES && colored; i++)
		if (pen.not_with_color & attributes[i].no_color)
			ink.attr &= (uint8_t)~attributes[i].attr;
	return ink;
}

static bool same(struct ink a, struct ink b)
{
	return a.fg == b.fg && a.bg == b.bg && a.attr == b.attr;
}

void pen_ink(struct str *out, struct ink ink)
{
	struct ink to = showable(ink);
	struct ink_switch *all = &pen.all, *difference = &pen.difference;

	if (pen.known && same(pen.ink, to))
		return;
	change_clear(all);
	change_clear(difference);
	set_all(all, to);
	if (set_difference(difference, pen.ink, to) && difference->list.n + difference->rest.n <= all->list.n + all->rest.n)
		add_change(out, difference);
	else
		add_change(out, all);
	pen.ink = to;
	pen.known = true;
}

bool pen_has(struct ink *ink)
{
	*ink = pen.ink;
	return pen.known;
}

/* ---- places ---- */

void pen_place(int *x, int *y)
{
	*x = pen.x;
	*y = pen.y;
}

void pen_clear(struct str *out)
{
	pen.known = false;
	pen_ink(out, (struct ink){ INK_DEFAULT, INK_DEFAULT, 0, 0 });
	pen_add(out, "clear");
	pen.x = pen.y = 0;
}

struct pen_motion {
	enum cap cap;
	bool goes;
	int first, second, times;
};

/* The shortest of these ways, of those that the terminal has; false: none. */
static bool find_shortest(const struct pen_motion *way, int n, struct str *best)
{
	bool found = false;

	for (int i = 0; i < n; i++) {
		const char *string = pen.cap[way[i].cap];

		if (!way[i].goes || !*string)
			continue;
		str_clear(&pen.way);
		for (int k = 0; k < way[i].times; k++)
			add_unpadded(&pen.way, expand(string, way[i].first, way[i].second));
		if (!found || pen.way.n < best->n) {
			str_clear(best);
			str_add_n(best, pen.way.s, pen.way.n);
		}
		found = true;
	}
	return found;
}

/* Up or down in the column, then along the row: in pen.step, pen.best. */
static bool find_steps(int x, int y)
{
	enum { FEW = 4 };
	int right = x - pen.x, down = y - pen.y;
	const struct pen_motion along[] = {
		{ CUF1, right > 0 && right < FEW, 0, 0, right }, { CUB1, right < 0 && -right < FEW, 0, 0, -right },
			{ CUF, right > 0, right, 0, 1 },
		{ CUB, right < 0, -right, 0, 1 }, { HPA, true, x, 0, 1 }, { CR, x == 0, 0, 0, 1 },
	}, across[] = {
		{ CUD1, down > 0 && down < FEW, 0, 0, down }, { CUU1, down < 0 && -down < FEW, 0, 0, -down },
			{ CUD, down > 0, down, 0, 1 },
		{ CUU, down < 0, -down, 0, 1 }, { VPA, true, y, 0, 1 },
	};

	str_clear(&pen.best);
	str_clear(&pen.step);
	return (!down || find_shortest(across, sizeof across / sizeof *across, &pen.step)) &&
	       (!right || find_shortest(along, sizeof along / sizeof *along, &pen.best));
}

/* The shortest way there: in pen.best. */
static void find_way(int x, int y)
{
	const struct pen_motion jump = { CUP, true, y, x, 1 };
	bool steps = pen.x >= 0 && find_steps(x, y);

	if (steps)
		str_add_n(&pen.step, pen.best.s, pen.best.n);
	find_shortest(&jump, 1, &pen.best);
	if (steps && pen.step.n < pen.best.n) {
		str_clear(&pen.best);
		str_add_n(&pen.best, pen.step.s, pen.step.n);
	}
}

int pen_distance(int x, int y, int *from)
{
	*from = pen.x;
	if (pen.x < 0 || pen.y != y)
		return PEN_FAR;
	find_way(x, y);
	return (int)pen.best.n;
}

void pen_go(struct str *out, int x, int y)
{
	if (pen.x == x && pen.y == y)
		return;
	if (!pen.moves_in_ink)
		pen_ink(out, (struct ink){ INK_DEFAULT, INK_DEFAULT, 0, 0 });
	find_way(x, y);
	str_add_n(out, pen.best.s, pen.best.n);
	pen.x = x;
	pen.y = y;
}

/* At the edge terminals disagree about where they are. */
void pen_moved(int cells, int width)
{
	pen.x += cells;
	if (pen.x >= width)
		pen.x = -1;
}

void pen_lost(void)
{
	pen.x = -1;
}

bool pen_scrolls(void)
{
	return pen.scrolls;
}

/* ---- many cells at once ---- */

bool pen_erases(struct ink ink)
{
	struct ink shown = showable(ink);

	return pen.erases && !(shown.attr & (INK_REVERSE | INK_UNDERLINE)) && (shown.bg == INK_DEFAULT || pen.erases_in_color);
}

void pen_erase_line(struct str *out)
{
	add_unpadded(out, pen.cap[EL]);
}

bool pen_erase(struct str *out, int n)
{
	enum { AND_BACK = 5 }; /* bytes until it continues */

	if (!*pen.cap[ECH])
		return false;
	str_clear(&pen.way);
	add_unpadded(&pen.way, expand(pen.cap[ECH], n, 0));
	if ((int)pen.way.n + AND_BACK >= n)
		return false;
	str_add_n(out, pen.way.s, pen.way.n);
	return true;
}

bool pen_repeat(struct str *out, int n, size_t bytes)
{
	char text[20];
	int length = snprintf(text, sizeof text, "\033[%db", n);

	if (!pen.repeats || n < 1 || (size_t)length >= (size_t)n * bytes)
		return false;
	str_add_n(out, text, (size_t)length);
	return true;
}
