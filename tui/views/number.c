/* number.c - numbers and values: how they are written, and their ink. See views.h. */
#include "tui/views/views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/base/utf8.h"

/* Enough decimals that the largest has about three digits. */
static int decimals_for(double largest)
{
	return largest >= 1000 ? 0 : largest >= 10 ? 1 : largest >= 0.1 ? 2 : largest >= 0.01 ? 3 : 4;
}

struct number_form number_form(const struct table *t, int col)
{
	const char *unit = t->unit ? t->unit[col < 0 || t->units == 1 ? 0 : col] : NULL;
	struct number_form form = { 0 };
	int from = col < 0 ? 0 : col, to = col < 0 ? t->cols.n : col + 1;
	bool whole = true;
	double largest, least = 0, greatest = 0;

	for (int r = 0; r < t->rows.n; r++)
		for (int i = from; i < to; i++) {
			double x = (double)t->value[table_cell(t, r, i)];

			if (!isfinite(x))
				continue;
			least = fmin(least, x);
			greatest = fmax(greatest, x);
			whole = whole && x == nearbyint(x);
		}
	largest = fmax(-least, greatest);
	form.bare = unit && !strcmp(unit, "probability") && largest <= 1;
	form.exponent = largest >= 1e6 || (largest > 0 && largest < 1e-3 && !form.bare);
	form.decimals = form.bare ? 2 : form.exponent ? 1 : whole ? 0 : decimals_for(largest);
	form.width = form.exponent ? (int)strlen("-1.2e-10") : 0; /* in columns */
	for (int end = 0; end < 2; end++) {			  /* with decimals fixed, the widest is the least or the greatest */
		char text[NUMBER_BYTES];
		const char *number = number_print(&form, end ? (float)greatest : (float)least, text);
		int n = utf8_columns(number, strlen(number));

		form.width = n > form.width ? n : form.width;
	}
	return form;
}

/* Without a sign. */
static void print_size(const struct number_form *form, double size, char out[NUMBER_BYTES])
{
	char *power;

	snprintf(out, NUMBER_BYTES, form->exponent && size != 0 ? "%.*e" : "%.*f", form->exponent && size == 0 ? 0 : form->decimals,
		 size);
	if ((power = strchr(out, 'e'))) { /* e+09 says no more than e9 */
		power++;
		snprintf(power, (size_t)(out + NUMBER_BYTES - power), "%d", atoi(power));
	}
}

const char *number_print(const struct number_form *form, float x, char out[NUMBER_BYTES])
{
	static const char minus[] = "−";
	char size[NUMBER_BYTES];
	bool nothing;

	if (isnan(x))
		return "";
	if (isinf(x))
		return x > 0 ? "∞" : "−∞";
	print_size(form, fabs((double)x), size);
	nothing = strspn(size, "0.") == strlen(size); /* has no sign */
	snprintf(out, NUMBER_BYTES, "%s%.*s", x < 0 && !nothing ? minus : "", NUMBER_BYTES - (int)sizeof minus,
		 size + (form->bare && !strncmp(size, "0.", 2)));
	return out;
}

void number_sentence(const char *text, struct str *out)
{
	for (const char *c = text; *c; c++) {
		const bool begins = c == text || strchr(" (=", c[-1]), number = c[1] == '.' || (c[1] >= '0' && c[1] <= '9');

		if (*c == '-' && begins && number)
			str_add(out, "−");
		else
			str_add_char(out, *c);
	}
}

void span_half_print(const struct span *span, struct number_form form, char half[2][NUMBER_BYTES])
{
	const bool both = span->scale == SCALE_DIVERGING;
	char number[NUMBER_BYTES];

	half[0][0] = half[1][0] = '\0';
	if (span->knee <= 0.5f)
		return;
	if (span->scale == SCALE_PROBABILITY)
		form.decimals = 2; /* the ends have none */
	snprintf(half[0], NUMBER_BYTES, "%s", number_print(&form, span_value(span, both ? 0.25f : 0.5f), number));
	if (both)
		snprintf(half[1], NUMBER_BYTES, "%s", number_print(&form, span_value(span, 0.75f), number));
}

enum ramp ramp_of(enum scale scale)
{
	static const enum ramp ramps[] = {
		[SCALE_SEQUENTIAL] = RAMP_SEQUENTIAL,
		[SCALE_DIVERGING] = RAMP_DIVERGING,
		[SCALE_PROBABILITY] = RAMP_PROBABILITY,
		[SCALE_RANK] = RAMP_SEQUENTIAL,
	};

	return ramps[scale];
}

struct ink value_ink(const struct theme *theme, const struct span *span, float x)
{
	return theme_ramp(theme, ramp_of(span->scale), span_is_quiet(span, x) ? span_at(span, span->neutral) : span_at(span, x));
}

float older_value(const struct view *v, int row, int col)
{
	const struct table *t = v->table;
	size_t cell = table_cell(t, row, col);

	return t->unfinished && v->older && isnan(t->value[cell]) ? v->older->value[cell] : NAN;
}

struct ink older_ink(const struct view *v)
{
	return theme_ink(v->theme, STYLE_STALE);
}
