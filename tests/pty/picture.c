/* picture.c - see picture.h: the terminal's cells become a canvas, and that is drawn as the program draws its own. */
#include "tests/pty/picture.h"

#include <stdio.h>

#include "engine/base/file.h"
#include "tui/figure/cells.h"

static void copy_cells(struct pty *p, struct canvas *c)
{
	for (int y = 0; y < c->h; y++)
		for (int x = 0; x < c->w; x++) {
			struct pty_cell from = pty_cell_at(p, x, y);
			struct cell *to = &c->cell[(size_t)y * (size_t)c->w + (size_t)x];

			snprintf(to->text, sizeof to->text, "%.19s", from.text);
			to->width = from.text[0] != '\0';
			to->ink = (struct ink){ INK_RGB(from.ink), INK_RGB(from.paper), 0, 0 };
			to->ink.attr = (uint8_t)((from.bold ? INK_BOLD : 0) | (from.underline ? INK_UNDERLINE : 0));
		}
}

bool picture_write(struct pty *p, const char *path)
{
	struct canvas c;
	struct str svg;
	struct err err;
	bool ok;

	canvas_init(&c, pty_width(p), pty_height(p));
	copy_cells(p, &c);
	str_init(&svg);
	cells_svg(&c, &svg);
	ok = file_write(path, svg.s, svg.n, &err);
	str_done(&svg);
	canvas_done(&c);
	return ok;
}
