/* svg.c - see svg.h. */
#include "tui/figure/svg.h"

#include <math.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "tui/draw/canvas.h"
#include "tui/draw/color.h"

#define SANS "Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif"
#define MONO "'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace"

static const int32_t BLACK = 0x000000;

/* XML has no way to write these two, not even as a number. */
static bool is_forbidden(int32_t c)
{
	return (c & 0xFFFE) == 0xFFFE;
}

static void add_character(struct str *out, const char *bytes, size_t n)
{
	static const struct {
		char c;
		const char *name;
	} marks[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" }, { '\'', "&#39;" } };
	int32_t c;

	for (size_t i = 0; n == 1 && i < sizeof marks / sizeof *marks; i++)
		if (*bytes == marks[i].c) {
			str_add(out, marks[i].name);
			return;
		}
	(void)utf8_decode(bytes, n, &c);
	if (is_forbidden(c))
		str_addf(out, "\\u{%X}", (unsigned)c);
	else
		str_add_n(out, bytes, n);
}

void svg_characters(struct str *out, const char *bytes, size_t n)
{
	struct str safe;

	str_init(&safe);
	utf8_safe(&safe, bytes, n, false);
	for (size_t i = 0, step; i < safe.n; i += step) {
		int32_t c;

		step = utf8_decode(safe.s + i, safe.n - i, &c);
		add_character(out, safe.s + i, step);
	}
	str_done(&safe);
}

void svg_color(struct str *out, int32_t ink, int32_t usual)
{
	int32_t rgb = ink == INK_DEFAULT ? usual : ink & INK_PALETTE ? color_of_index(ink & 255) : ink;

	str_addf(out, "#%06x", (unsigned)rgb);
}

void svg_number(struct str *out, double x)
{
	long hundredths = lround(fabs(x) * 100);

	str_addf(out, "%s%ld", x < 0 && hundredths ? "-" : "", hundredths / 100);
	if (hundredths % 100)
		str_addf(out, hundredths % 10 ? ".%02ld" : ".%ld", hundredths % 10 ? hundredths % 100 : hundredths % 100 / 10);
}

static void attribute(struct str *out, const char *name, double x)
{
	str_addf(out, " %s=\"", name);
	svg_number(out, x);
	str_add_char(out, '"');
}

static void color_attribute(struct str *out, const char *name, int32_t ink)
{
	str_addf(out, " %s=\"", name);
	svg_color(out, ink, BLACK);
	str_add_char(out, '"');
}

static void text_element(struct str *out, const char *name, const char *text)
{
	if (!text)
		return;
	str_addf(out, "<%s>", name);
	svg_characters(out, text, strlen(text));
	str_addf(out, "</%s>\n", name);
}

void svg_begin(struct str *out, double w, double h, const char *title, const char *about)
{
	str_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ");
	svg_number(out, w);
	str_add_char(out, ' ');
	svg_number(out, h);
	str_add(out, "\" width=\"");
	svg_number(out, w);
	str_add(out, "pt\" height=\"");
	svg_number(out, h);
	str_add(out, "pt\" xml:space=\"preserve\" role=\"img\">\n");
	text_element(out, "title", title);
	text_element(out, "desc", about);
	/* Thin gaps between neighbouring cells come from smoothing their edges. */
	str_add(out, "<style>text{font-family:" SANS "}.m{font-family:" MONO "}.b{font-weight:bold}"
		     ".i{font-style:italic}rect{shape-rendering:crispEdges}.r{shape-rendering:auto}</style>\n");
}

void svg_end(struct str *out)
{
	str_add(out, "</svg>\n");
}

static void open_rect(struct str *out, double x, double y, double w, double h)
{
	str_add(out, "<rect");
	attribute(out, "x", x);
	attribute(out, "y", y);
	attribute(out, "width", w > 0 ? w : 0);
	attribute(out, "height", h > 0 ? h : 0);
}

void svg_rect(struct str *out, double x, double y, double w, double h, int32_t fill)
{
	open_rect(out, x, y, w, h);
	color_attribute(out, "fill", fill);
	str_add(out, "/>\n");
}

void svg_box(struct str *out, double x, double y, double w, double h, int32_t fill, int32_t line)
{
	open_rect(out, x, y, w, h);
	color_attribute(out, "fill", fill);
	color_attribute(out, "stroke", line);
	str_add(out, " class=\"r\" rx=\"1.5\" stroke-width=\".5\"/>\n");
}

void svg_line(struct str *out, double x1, double y1, double x2, double y2, int32_t color, double width)
{
	str_add(out, "<line");
	attribute(out, "x1", x1);
	attribute(out, "y1", y1);
	attribute(out, "x2", x2);
	attribute(out, "y2", y2);
	color_attribute(out, "stroke", color);
	attribute(out, "stroke-width", width);
	str_add(out, "/>\n");
}

static void turn(struct str *out, double angle, double x, double y)
{
	str_add(out, " transform=\"rotate(");
	svg_number(out, angle);
	str_add_char(out, ' ');
	svg_number(out, x);
	str_add_char(out, ' ');
	svg_number(out, y);
	str_add(out, ")\"");
}

void svg_curve(struct str *out, double x1, double y1, double x2, double y2, int32_t color, double width)
{
	const double at[] = { x1, y1, x1, (y1 + y2) / 2, x2, (y1 + y2) / 2, x2, y2 };

	str_add(out, "<path fill=\"none\" d=\"");
	for (int i = 0; i < 8; i++) {
		str_add(out, i == 0 ? "M" : i == 2 ? "C" : " ");
		svg_number(out, at[i]);
	}
	str_add(out, "\"");
	color_attribute(out, "stroke", color);
	attribute(out, "stroke-width", width);
	str_add(out, "/>\n");
}

void svg_text(struct str *out, double x, double y, struct svg_type type, const char *text)
{
	static const char *const anchors[] = { "", " text-anchor=\"middle\"", " text-anchor=\"end\"" };
	char class[8] = "", *c = class;

	for (int i = 0; i < 3; i++)
		if ((i == 0 && type.mono) || (i == 1 && type.bold) || (i == 2 && type.italic)) {
			if (c > class)
				*c++ = ' ';
			*c++ = "mbi"[i];
			*c = '\0';
		}
	str_add(out, "<text");
	attribute(out, "x", x);
	attribute(out, "y", y);
	if (*class)
		str_addf(out, " class=\"%s\"", class);
	attribute(out, "font-size", type.size);
	color_attribute(out, "fill", type.color);
	str_add(out, anchors[type.anchor]);
	if (type.angle != 0)
		turn(out, type.angle, x, y);
	str_add_char(out, '>');
	svg_characters(out, text, strlen(text));
	str_add(out, "</text>\n");
}

void svg_group(struct str *out, const char *hint)
{
	str_add(out, "<g>");
	text_element(out, "title", hint);
}

void svg_group_turned(struct str *out, double angle, double x, double y)
{
	str_add(out, "<g");
	turn(out, angle, x, y);
	str_add(out, ">\n");
}

void svg_group_end(struct str *out)
{
	str_add(out, "</g>\n");
}

void svg_gradient(struct str *out, const char *id, double x, double y, double w, double h, const int32_t *color, int n,
		  int32_t line)
{
	str_addf(out, "<linearGradient id=\"%s\">", id);
	for (int i = 0; i < n; i++) {
		str_add(out, "<stop");
		attribute(out, "offset", (double)i / (n - 1));
		color_attribute(out, "stop-color", color[i]);
		str_add(out, "/>");
	}
	str_add(out, "</linearGradient>\n");
	open_rect(out, x, y, w, h);
	str_addf(out, " fill=\"url(#%s)\"", id);
	color_attribute(out, "stroke", line);
	str_add(out, " stroke-width=\".5\"/>\n");
}

double svg_width(const char *text, double size, bool mono)
{
	return canvas_columns(text, strlen(text)) * size * (mono ? 0.602 : 0.52);
}
