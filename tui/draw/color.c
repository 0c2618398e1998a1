/* color.c - see color.h. */
#include "tui/draw/color.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Ottosson 2020, "A perceptual color space for image processing": L lightness, a green-red, b blue-yellow. */
struct oklab {
	double L, a, b;
};

static const char *const names[16] = {
	"black", "red",	       "green",	       "yellow",	"blue",	       "magenta",	 "cyan",	"white",
	"gray",	 "bright-red", "bright-green", "bright-yellow", "bright-blue", "bright-magenta", "bright-cyan", "bright-white",
};

static const int32_t sixteen[16] = {
	0x000000, 0xCD0000, 0x00CD00, 0xCDCD00, 0x0000EE, 0xCD00CD, 0x00CDCD, 0xE5E5E5,
	0x7F7F7F, 0xFF0000, 0x00FF00, 0xFFFF00, 0x5C5CFF, 0xFF00FF, 0x00FFFF, 0xFFFFFF,
};

bool color_parse(const char *text, int32_t *rgb)
{
	size_t digits = strlen(text);
	unsigned value;

	if (digits < 1 || *text != '#' || strspn(text + 1, "0123456789abcdefABCDEF") != digits - 1 ||
	    sscanf(text + 1, "%x", &value) != 1)
		return false;
	if (digits == 4)
		value = (value >> 8 & 15) * 0x110000 + (value >> 4 & 15) * 0x1100 + (value & 15) * 0x11;
	else if (digits != 7)
		return false;
	*rgb = (int32_t)value;
	return true;
}

bool color_parse_name(const char *text, int *index)
{
	for (int i = 0; i < 16; i++)
		if (!strcmp(names[i], text)) {
			*index = i;
			return true;
		}
	return false;
}

static double to_linear(int byte)
{
	double x = byte / 255.0;

	return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
}

static int from_linear(double x)
{
	x = x <= 0.0031308 ? 12.92 * x : 1.055 * pow(x, 1 / 2.4) - 0.055;
	return x <= 0 ? 0 : x >= 1 ? 255 : (int)lround(x * 255);
}

static struct oklab oklab_of(int32_t rgb)
{
	double r = to_linear(rgb >> 16 & 255), g = to_linear(rgb >> 8 & 255), b = to_linear(rgb & 255);
	double l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
	double m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
	double s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);

	return (struct oklab){ 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
			       1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
			       0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s };
}

static int32_t rgb_of(struct oklab c)
{
	double l = pow(c.L + 0.3963377774 * c.a + 0.2158037573 * c.b, 3);
	double m = pow(c.L - 0.1055613458 * c.a - 0.0638541728 * c.b, 3);
	double s = pow(c.L - 0.0894841775 * c.a - 1.2914855480 * c.b, 3);

	return from_linear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s) << 16 |
	       from_linear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s) << 8 |
	       from_linear(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

int32_t color_mix(int32_t a, int32_t b, double t)
{
	struct oklab p = oklab_of(a), q = oklab_of(b);

	return rgb_of((struct oklab){ p.L + t * (q.L - p.L), p.a + t * (q.a - p.a), p.b + t * (q.b - p.b) });
}

static double luminance(int32_t rgb)
{
	return 0.2126 * to_linear(rgb >> 16 & 255) + 0.7152 * to_linear(rgb >> 8 & 255) + 0.0722 * to_linear(rgb & 255);
}

double color_contrast(int32_t a, int32_t b)
{
	double p = luminance(a) + 0.05, q = luminance(b) + 0.05;

	return p > q ? p / q : q / p;
}

int32_t color_of_index(int index)
{
	static const int step[6] = { 0, 95, 135, 175, 215, 255 };
	int gray;

	if (index < 16)
		return sixteen[index];
	if (index < 232)
		return step[(index - 16) / 36] << 16 | step[(index - 16) / 6 % 6] << 8 | step[(index - 16) % 6];
	gray = 8 + 10 * (index - 232);
	return gray << 16 | gray << 8 | gray;
}

static int nearest(int32_t rgb, int from, int to)
{
	struct oklab want = oklab_of(rgb);
	double best = INFINITY;
	int index = from;

	for (int i = from; i < to; i++) {
		struct oklab have = oklab_of(color_of_index(i));
		double gap = pow(want.L - have.L, 2) + pow(want.a - have.a, 2) + pow(want.b - have.b, 2);

		if (gap < best) {
			best = gap;
			index = i;
		}
	}
	return index;
}

int color_nearest_256(int32_t rgb)
{
	return nearest(rgb, 16, 256);
}

int color_nearest_16(int32_t rgb)
{
	return nearest(rgb, 0, 16);
}

bool color_bold_reads(int fg, int bg)
{
	enum { BRIGHT = 8, READABLE = 3 };

	return fg >= BRIGHT || color_contrast(color_of_index(fg + BRIGHT), color_of_index(bg)) >= READABLE;
}
