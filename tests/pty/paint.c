/*
 * paint.c - what is sent as a difference makes the screen that was meant: random screens, one after the other, on every kind of
 * terminal, read back from an emulator.
 */
#include "tests/tap.h"
#include "tui/draw/canvas.h"
#include "tui/draw/color.h"
#include "tui/terminal/term_paint.h"
#include "tui/terminal/term_pen.h"

#include <curses.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vterm.h>

#include <term.h> /* last: it has macros of common names */

enum { W = 60, H = 6, FRAMES = 400, SHOWN = 4 };

static uint32_t seed;

static int any(int n)
{
	seed = seed * 1664525u + 1013904223u;
	return (int)((seed >> 8) % (uint32_t)n);
}

/* Where underlining and colours exclude each other (terminfo's ncv) only colours are wanted. */
static struct ink any_ink(enum depth depth)
{
	bool underlines = depth == DEPTH_MONO || tigetnum("ncv") <= 0;
	static const int32_t rgb[] = { 0x141418, 0xD0A030, 0x0000FF };
	struct ink ink = { INK_DEFAULT, INK_DEFAULT, 0, 0 };

	if (any(3))
		ink.attr = (uint8_t)((any(4) ? 0 : INK_BOLD) | (any(5) || !underlines ? 0 : INK_UNDERLINE) |
				     (any(6) ? 0 : INK_REVERSE));
	if (depth == DEPTH_MONO)
		return ink;
	if (any(4))
		ink.fg = depth == DEPTH_TRUE ? INK_RGB(rgb[any(3)]) : INK_INDEX(any(depth == DEPTH_8 ? 8 : 200));
	if (any(4))
		ink.bg = depth == DEPTH_TRUE ? INK_RGB(rgb[any(3)]) : INK_INDEX(any(depth == DEPTH_8 ? 8 : 4));
	return ink;
}

/* Runs of one glyph, blanks, words, wide and combining characters, in a few inks. */
static void scribble(struct canvas *c, enum depth depth)
{
	static const char *const glyph[] = { " ", " ", "─", "│", "▀", "a", "x", "女", "e\u0301" };

	for (int i = 1 + any(6); i > 0; i--) {
		struct ink ink = any_ink(depth);
		int x = any(W + 4) - 2, y = any(H), n = any(4) ? any(12) : any(W), g = any(9);

		if (any(3) == 0)
			canvas_textf(c, x, y, ink, "word %d  ", any(1000));
		else if (g >= 7)
			/* at the edge libvterm puts the accent into the next row */
			canvas_text(c, g == 8 && x == W - 1 ? 0 : x, y, ink, glyph[g]);
		else
			canvas_repeat(c, x, y, n, ink, glyph[g]);
	}
	if (any(20) == 0)
		canvas_fill(c, (struct rect){ any(W), any(H), any(W), any(H) }, any_ink(depth));
}

static unsigned rgb_of(VTermScreen *screen, VTermColor color)
{
	vterm_screen_convert_color_to_rgb(screen, &color);
	return (unsigned)color.rgb.red << 16 | (unsigned)color.rgb.green << 8 | color.rgb.blue;
}

static unsigned wanted_color(VTermScreen *screen, VTerm *vt, int32_t color, bool back)
{
	VTermColor made, fg, bg;

	vterm_state_get_default_colors(vterm_obtain_state(vt), &fg, &bg);
	if (color == INK_DEFAULT)
		made = back ? bg : fg;
	else if (color < INK_PALETTE)
		vterm_color_rgb(&made, (uint8_t)(color >> 16), (uint8_t)(color >> 8), (uint8_t)color);
	else
		vterm_color_indexed(&made, (uint8_t)(color - INK_PALETTE));
	return rgb_of(screen, made);
}

/* Bold is left out where its bright form could not be read (tui/terminal/term_pen.c). */
static bool bold_is_meant(const struct ink *ink, enum depth depth)
{
	bool colored = ink->fg != INK_DEFAULT && ink->bg != INK_DEFAULT;

	return (ink->attr & INK_BOLD) &&
	       !(depth != DEPTH_MONO && depth <= DEPTH_16 && colored && !color_bold_reads(ink->fg & 255, ink->bg & 255));
}

static bool is_as_meant(VTerm *vt, const struct canvas *c, int x, int y, enum depth depth)
{
	VTermScreen *screen = vterm_obtain_screen(vt);
	const struct cell *cell = &c->cell[y * c->w + x];
	VTermScreenCell is;
	char text[40];
	bool blank = !strcmp(cell->text, " ") && !(cell->ink.attr & (INK_UNDERLINE | INK_REVERSE));
	size_t n;

	if (!cell->width || (pen_scrolls() && x >= W - 2 && y == H - 1))
		return true;
	vterm_screen_get_cell(screen, (VTermPos){ y, x }, &is);
	n = vterm_screen_get_text(screen, text, sizeof text - 1, (VTermRect){ y, y + 1, x, x + cell->width });
	text[n] = '\0';
	if (strcmp(n ? text : " ", cell->text) || is.width != cell->width ||
	    rgb_of(screen, is.bg) != wanted_color(screen, vt, cell->ink.bg, true))
		return false;
	return is.attrs.reverse == !!(cell->ink.attr & INK_REVERSE) &&
	       (is.attrs.underline != 0) == !!(cell->ink.attr & INK_UNDERLINE) &&
	       (blank || (rgb_of(screen, is.fg) == wanted_color(screen, vt, cell->ink.fg, false) &&
			  is.attrs.bold == bold_is_meant(&cell->ink, depth)));
}

static void tell(VTerm *vt, const struct canvas *c, int x, int y)
{
	const struct cell *cell = &c->cell[y * c->w + x];
	VTermScreenCell is;

	vterm_screen_get_cell(vterm_obtain_screen(vt), (VTermPos){ y, x }, &is);
	printf("# row %d, column %d: meant \"%s\" in %x on %x, attributes %u; is U+%04X, width %d, bold %d, underlined %d, "
	       "reversed %d\n",
	       y, x, cell->text, (unsigned)cell->ink.fg, (unsigned)cell->ink.bg, cell->ink.attr, is.chars[0], is.width,
	       is.attrs.bold, is.attrs.underline, is.attrs.reverse);
}

static int wrong_cells(VTerm *vt, const struct canvas *c, enum depth depth)
{
	int wrong = 0;

	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++)
			if (!is_as_meant(vt, c, x, y, depth) && wrong++ < SHOWN)
				tell(vt, c, x, y);
	return wrong;
}

static void paint_on(const char *name, enum depth depth)
{
	VTerm *vt = vterm_new(H, W);
	struct canvas shown, wanted;
	struct str out;
	int status, wrong = 0, frame;

	setupterm((char *)name, STDOUT_FILENO, &status);
	vterm_set_utf8(vt, 1);
	vterm_screen_reset(vterm_obtain_screen(vt), 1);
	canvas_init(&shown, W, H);
	canvas_init(&wanted, W, H);
	str_init(&out);
	pen_start(depth);
	pen_clear(&out);
	for (frame = 0; frame < FRAMES && !wrong; frame++) {
		scribble(&wanted, depth);
		paint_rows(&out, &shown, &wanted, 0, H);
		if (any(4) == 0)
			pen_go(&out, any(W), any(H)); /* the cursor */
		vterm_input_write(vt, out.s, out.n);
		wrong = wrong_cells(vt, &wanted, depth);
		if (!wrong)
			str_clear(&out);
	}
	CHECK_THAT(!wrong, "%s, depth %d: each difference makes the screen that was meant (frame %d, %d cells wrong)", name, depth,
		   frame, wrong);
	CHECK_THAT(paint_rows(&out, &shown, &wanted, 0, H) == 0 || wrong, "%s: and no difference takes nothing", name);
	str_done(&out);
	canvas_done(&shown);
	canvas_done(&wanted);
	vterm_free(vt);
	del_curterm(cur_term);
}

int main(void)
{
	static const struct {
		const char *name;
		enum depth depth;
	} terminals[] = {
		{ "xterm-256color", DEPTH_256 },
		{ "xterm-256color", DEPTH_TRUE },
		{ "xterm-256color", DEPTH_MONO },
		{ "xterm", DEPTH_8 },
		{ "screen-256color", DEPTH_256 },
		{ "tmux-256color", DEPTH_256 },
		{ "linux", DEPTH_8 },
		{ "vt100", DEPTH_MONO },
		{ "vt220", DEPTH_MONO },
		{ "rxvt-unicode-256color", DEPTH_256 },
		{ "ansi", DEPTH_8 },
	};

	setlocale(LC_ALL, "C.UTF-8");
	for (size_t i = 0; i < sizeof terminals / sizeof *terminals; i++)
		for (int round = 0; round < 3; round++) {
			seed = (uint32_t)(i * 3 + (size_t)round + 1);
			paint_on(terminals[i].name, terminals[i].depth);
		}
	return tap_done();
}
