/* mouse.c - what is clicked, dragged and rolled: hints, tabs, titles, borders; a wheel moves what is seen, not the cursor. */
#include "tests/screens/stage.h"
#include "tui/panes/lists.h"

/* Where a text is on the screen, in columns; false: nowhere. */
static bool find(const struct stage *s, const char *text, int *x, int *y)
{
	for (*y = 0; *y < s->canvas.h; ++*y) {
		char *line = line_of(s, *y), *at = strstr(line, text);

		*x = at ? canvas_columns(line, (size_t)(at - line)) : -1;
		free(line);
		if (*x >= 0)
			return true;
	}
	return false;
}

static void mouse(struct stage *s, const char *what, int x, int y)
{
	char key[40];

	snprintf(key, sizeof key, "%s@%d,%d", what, x, y);
	press(s, key);
}

static void click(struct stage *s, const char *text)
{
	int x, y;

	if (!CHECK_THAT(find(s, text, &x, &y), "\"%s\" is on the screen", text))
		return;
	mouse(s, "Click", x, y);
	mouse(s, "Release", x, y);
}

static void hints(void)
{
	struct stage s;
	int x, y;

	raise_curtain(&s);
	click(&s, "t technique");
	CHECK_THAT(s.app.popup == &popup_menu, "a click on a key's name is the key");
	press(&s, "Esc");
	if (CHECK(find(&s, "[ ] layer", &x, &y))) {
		mouse(&s, "Click", x, y);
		CHECK_THAT(s.app.doc.cursor[DIM_LAYER] == FAKE_LAYERS - 2, "[ is [: %d", s.app.doc.cursor[DIM_LAYER]);
		mouse(&s, "Click", x + 2, y);
		CHECK_THAT(s.app.doc.cursor[DIM_LAYER] == FAKE_LAYERS - 1 || s.app.doc.cursor[DIM_LAYER] < 0, "and ] is ]: %d",
			   s.app.doc.cursor[DIM_LAYER]);
	}
	press(&s, "m");
	click(&s, "Esc cancel");
	CHECK_THAT(!s.app.line, "also while a line is typed");
	drop_curtain(&s);
}

/* A click on what the last frame showed, when a key before it has changed what it will show next. */
static void late_click(void)
{
	struct stage s;
	int x, y;

	raise_curtain(&s);
	press(&s, "Space E");
	if (CHECK(find(&s, "C-o operation", &x, &y))) {
		fake_keys(&s.fake, &s.app, "Esc");
		mouse(&s, "Click", x, y);
		CHECK_THAT(!s.app.popup && s.app.doc.job.edits == 1, "a hint of a list that is closed does nothing");
	}
	drop_curtain(&s);
}

static void titles(void)
{
	struct stage s;

	raise_curtain(&s);
	click(&s, "direct attribution");
	CHECK_THAT(s.app.focus == 2 && s.app.popup == &popup_menu, "a title opens the list of techniques for its pane");
	drop_curtain(&s);
}

static void tabs(void)
{
	struct stage s;

	raise_curtain(&s);
	resize(&s, 46, 24);
	CHECK_THAT(s.app.layout.folded && screen_has(&s, "not shown: ") && screen_has(&s, "attention (2)"),
		   "what does not fit is named, with its key");
	click(&s, "attention (2)");
	CHECK_THAT(s.app.focus == 1 && s.app.layout.pane[1].w > 0, "a click brings it");
	CHECK_THAT(!screen_has(&s, "attention (2)"), "and its name is not there any longer");
	drop_curtain(&s);
	raise_curtain(&s);
	resize(&s, 80, 24);
	CHECK(!s.app.layout.folded);
	press(&s, ": 'split_residual-norms Enter");
	CHECK_THAT(s.app.layout.folded == 1 && strstr(s.app.message.s, "no room for attention (3)"),
		   "a new pane says what it hides: %s", s.app.message.s);
	press(&s, "3");
	CHECK_THAT(s.app.layout.pane[2].w && !s.app.message.n, "its number brings it back");
	drop_curtain(&s);
}

static void borders(void)
{
	struct rect left, below;
	struct stage s;

	raise_curtain(&s);
	left = s.app.layout.pane[1];
	mouse(&s, "Click", left.x, left.y + 4);
	mouse(&s, "Drag", left.x + 5, left.y + 4);
	mouse(&s, "Release", left.x + 5, left.y + 4);
	CHECK_THAT(s.app.layout.pane[1].x == left.x + 5 && s.app.layout.pane[0].w == left.x + 6, "the border follows: %d to %d",
		   left.x, s.app.layout.pane[1].x);
	below = s.app.layout.pane[2];
	mouse(&s, "Click", below.x + 4, below.y);
	for (int i = 1; i <= 4; i++)
		mouse(&s, "Drag", below.x + 4, below.y - i);
	mouse(&s, "Release", below.x + 4, below.y - 4);
	CHECK_THAT(s.app.layout.pane[2].y == below.y - 4 && !s.app.popup,
		   "also up, and the title on it is not clicked by that: %d to %d", below.y, s.app.layout.pane[2].y);
	mouse(&s, "Click", s.app.layout.pane[1].x, 6);
	mouse(&s, "Drag", 0, 6);
	CHECK_THAT(s.app.layout.pane[0].w >= PANE_LEAST_W, "a pane stays as wide as it must be: %d", s.app.layout.pane[0].w);
	drop_curtain(&s);
}

/* Sizes are the document's: whoever opens it sees the same screen, undo knows them, and they go with their panes. */
static void sizes_are_kept(void)
{
	struct stage s, other;
	struct str screen, same, yaml;
	struct err err = { 0 };
	struct preset doc;
	struct rect left;

	raise_curtain(&s);
	str_init(&screen);
	str_init(&same);
	str_init(&yaml);
	left = s.app.layout.pane[1];
	mouse(&s, "Click", left.x, left.y + 4);
	mouse(&s, "Drag", left.x + 5, left.y + 4);
	mouse(&s, "Drag", left.x + 7, left.y + 4);
	mouse(&s, "Release", left.x + 7, left.y + 4);
	press(&s, "3 + + +");
	CHECK_THAT(s.app.doc.size[0].wider == 7 && s.app.doc.size[2].taller == 3, "%d columns, %d rows", s.app.doc.size[0].wider,
		   s.app.doc.size[2].taller);
	preset_print(&s.app.doc, &yaml);
	CHECK_THAT(strstr(yaml.s, "wider: 7") && strstr(yaml.s, "taller: 3"), "a preset has them");
	if (CHECK_THAT(preset_parse(yaml.s, yaml.n, "x", &doc, NULL, &err), "and is read: %s", err.text)) {
		raise_curtain(&other);
		app_opened(&other.app, &doc);
		fake_serve(&other.fake, &other.app);
		press(&other, "3 F9 1");
		press(&s, "F9 1");
		press(&other, "3");
		press(&s, "3");
		canvas_dump(&s.canvas, &screen);
		canvas_dump(&other.canvas, &same);
		CHECK_THAT(!memcmp(s.app.layout.pane, other.app.layout.pane, sizeof s.app.layout.pane),
			   "whoever opens it has the same layout");
		CHECK_TEXT(same.s, screen.s);
		drop_curtain(&other);
		preset_done(&doc);
	}
	press(&s, "U U U");
	CHECK_THAT(s.app.doc.size[2].taller == 0 && s.app.doc.size[0].wider == 7, "U undoes a size");
	press(&s, "U");
	CHECK_THAT(s.app.layout.pane[1].x == left.x, "and all of a drag at once");
	press(&s, "C-r 1 : 'split_residual-norms Enter 1 X");
	CHECK_THAT(s.app.doc.size[0].wider == 0 && s.app.doc.size[1].wider == -7, "they go with their panes");
	str_done(&screen);
	str_done(&same);
	str_done(&yaml);
	drop_curtain(&s);
}

static void wheel(void)
{
	struct stage s;
	int layer, top;

	raise_curtain(&s);
	press(&s, "e C-u 'a_b_c_d_e_f_g_h_i_j_k_l_m_n_o_p_q_r_s_t_u_v_w_x_y_z Enter 2");
	resize(&s, 80, 24);
	layer = s.app.doc.cursor[DIM_POSITION];
	top = s.app.pane[1].view.top;
	mouse(&s, "WheelUp", s.app.layout.pane[1].x + 4, s.app.layout.pane[1].y + 4);
	CHECK_THAT(s.app.doc.cursor[DIM_POSITION] == layer && s.app.pane[1].view.top < top,
		   "the view moves, from %d to %d, and not the cursor", top, s.app.pane[1].view.top);
	press(&s, "1 2");
	CHECK_THAT(s.app.pane[1].view.top == top, "with the next key the cursor is seen again");
	drop_curtain(&s);
}

int main(void)
{
	hints();
	late_click();
	titles();
	tabs();
	borders();
	sizes_are_kept();
	wheel();
	return tap_done();
}
