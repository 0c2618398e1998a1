/* input.c - see input.h. */
#include "tui/app/input.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "engine/base/arena.h"
#include "engine/base/utf8.h"

void input_init(struct input *in)
{
	memset(in, 0, sizeof *in);
	str_init(&in->text);
}

static void forget_pasts(struct input *in)
{
	for (int i = 0; i < in->pasts; i++)
		free(in->past[i].text);
	in->pasts = 0;
	in->past_bytes = 0;
}

void input_done(struct input *in)
{
	str_done(&in->text);
	forget_pasts(in);
	free(in->past);
	for (int i = 0; i < KILLS; i++)
		free(in->killed[i]);
	free(in->typed);
	in->typed = NULL;
}

static void set_text(struct input *in, const char *text)
{
	str_clear(&in->text);
	str_add(&in->text, text);
	in->at = in->text.n;
}

void input_start(struct input *in, const char *text, struct input_history *history)
{
	set_text(in, text ? text : "");
	forget_pasts(in);
	in->did = DID_OTHER;
	in->history = history;
	in->recalled = history ? history->n : 0;
	free(in->typed);
	in->typed = NULL;
}

/* ------------------------------------------------------------------------------------------------ the cursor */

static size_t next_edge(const struct input *in, size_t at)
{
	int width;

	if (at >= in->text.n)
		return in->text.n;
	return at + utf8_cluster(in->text.s + at, in->text.n - at, &width);
}

/* Clusters can only be found from the left. */
static size_t previous_edge(const struct input *in, size_t at)
{
	size_t edge = 0, next;

	while ((next = next_edge(in, edge)) < at)
		edge = next;
	return at ? edge : 0;
}

static bool is_space(const struct input *in, size_t at)
{
	return isspace((unsigned char)in->text.s[at]) != 0;
}

static size_t word_before(const struct input *in)
{
	size_t at = in->at, before;

	while (at && (before = previous_edge(in, at), is_space(in, before)))
		at = before;
	while (at && (before = previous_edge(in, at), !is_space(in, before)))
		at = before;
	return at;
}

static size_t word_after(const struct input *in)
{
	size_t at = in->at;

	while (at < in->text.n && is_space(in, at))
		at = next_edge(in, at);
	while (at < in->text.n && !is_space(in, at))
		at = next_edge(in, at);
	return at;
}

static bool move_to(struct input *in, size_t at)
{
	bool moved = at != in->at;

	in->at = at;
	in->did = DID_OTHER;
	return moved;
}

bool input_left(struct input *in)
{
	return move_to(in, previous_edge(in, in->at));
}

bool input_right(struct input *in)
{
	return move_to(in, next_edge(in, in->at));
}

bool input_word_left(struct input *in)
{
	return move_to(in, word_before(in));
}

bool input_word_right(struct input *in)
{
	return move_to(in, word_after(in));
}

bool input_home(struct input *in)
{
	return move_to(in, 0);
}

bool input_end(struct input *in)
{
	return move_to(in, in->text.n);
}

/* ------------------------------------------------------------------------------------------------ changing */

/* The line as it is, for input_undo(). What is typed in one go is one change. */
static void remember(struct input *in)
{
	while (in->pasts == PASTS_MOST || (in->pasts && in->past_bytes + in->text.n > PAST_BYTES)) {
		in->past_bytes -= strlen(in->past[0].text);
		free(in->past[0].text);
		memmove(in->past, in->past + 1, (size_t)--in->pasts * sizeof *in->past);
	}
	in->past = xrealloc(in->past, (size_t)(in->pasts + 1) * sizeof *in->past);
	in->past[in->pasts++] = (struct input_past){ xstrdup(in->text.s), in->at };
	in->past_bytes += strlen(in->past[in->pasts - 1].text);
}

/* Puts n bytes in place of [from, to); the cursor goes after them. */
static void splice(struct input *in, size_t from, size_t to, const char *bytes, size_t n)
{
	struct str text;

	str_init(&text);
	str_add_n(&text, in->text.s, from);
	str_add_n(&text, bytes, n);
	str_add_n(&text, in->text.s + to, in->text.n - to);
	str_done(&in->text);
	in->text = text;
	in->at = from + n;
	/* A combining character joins the cluster before it: the cursor must not be within one. */
	for (size_t edge = 0; edge < in->text.n && edge < in->at;) {
		edge = next_edge(in, edge);
		if (edge >= in->at)
			in->at = edge;
	}
}

void input_insert(struct input *in, const char *bytes, size_t n)
{
	bool letter = n <= 4 && !isspace((unsigned char)*bytes);

	if (!letter || in->did != DID_TYPE)
		remember(in);
	splice(in, in->at, in->at, bytes, n);
	in->did = letter ? DID_TYPE : DID_OTHER;
}

void input_replace(struct input *in, size_t from, const char *text)
{
	remember(in);
	splice(in, from, in->at, text, strlen(text));
	in->did = DID_OTHER;
}

static bool erase(struct input *in, size_t from, size_t to)
{
	if (from == to)
		return false;
	remember(in);
	splice(in, from, to, "", 0);
	in->did = DID_OTHER;
	return true;
}

/*
 * ------------------------------------------------------------------------------------------------ kill and yank, as readline
 * has them
 */

/* Kills in a row are one text: what was before the cursor goes before it, what was after it after. */
static void keep_killed(struct input *in, size_t from, size_t to)
{
	struct str text;
	bool joins = in->did == DID_KILL && in->killed[0], before = to == in->at && from < in->at;

	str_init(&text);
	if (joins && !before)
		str_add(&text, in->killed[0]);
	str_add_n(&text, in->text.s + from, to - from);
	if (joins && before)
		str_add(&text, in->killed[0]);
	if (joins) {
		free(in->killed[0]);
	} else {
		free(in->killed[KILLS - 1]);
		memmove(in->killed + 1, in->killed, (KILLS - 1) * sizeof *in->killed);
	}
	in->killed[0] = str_take(&text);
}

static bool kill_text(struct input *in, size_t from, size_t to)
{
	if (from == to)
		return false;
	keep_killed(in, from, to);
	erase(in, from, to);
	in->did = DID_KILL;
	return true;
}

bool input_yank(struct input *in)
{
	if (!in->killed[0])
		return false;
	remember(in);
	in->yanked = 0;
	in->yank_from = in->at;
	splice(in, in->at, in->at, in->killed[0], strlen(in->killed[0]));
	in->did = DID_YANK;
	return true;
}

bool input_yank_older(struct input *in)
{
	const char *text;

	if (in->did != DID_YANK)
		return false;
	in->yanked = in->yanked + 1 < KILLS && in->killed[in->yanked + 1] ? in->yanked + 1 : 0;
	text = in->killed[in->yanked];
	splice(in, in->yank_from, in->at, text, strlen(text));
	return true;
}

bool input_undo(struct input *in)
{
	struct input_past *past;

	in->did = DID_OTHER;
	if (!in->pasts)
		return false;
	past = &in->past[--in->pasts];
	in->past_bytes -= strlen(past->text);
	set_text(in, past->text);
	in->at = past->at;
	free(past->text);
	return true;
}

bool input_swap(struct input *in)
{
	size_t middle = in->at == in->text.n ? previous_edge(in, in->at) : in->at, from = previous_edge(in, middle),
	       to = next_edge(in, middle);
	struct str swapped;

	if (from == middle || middle == to)
		return false;
	str_init(&swapped);
	str_add_n(&swapped, in->text.s + middle, to - middle);
	str_add_n(&swapped, in->text.s + from, middle - from);
	remember(in);
	splice(in, from, to, swapped.s, swapped.n);
	in->did = DID_OTHER;
	str_done(&swapped);
	return true;
}

static bool change_case(struct input *in, wint_t (*first)(wint_t), wint_t (*others)(wint_t))
{
	size_t to = word_after(in), step;
	struct str changed;
	bool begun = false;

	if (to == in->at)
		return false;
	str_init(&changed);
	for (size_t i = in->at; i < to; i += step) {
		char bytes[4];
		int32_t c;

		step = utf8_decode(in->text.s + i, to - i, &c);
		if (c < 0)
			str_add_n(&changed, in->text.s + i, step);
		else
			str_add_n(&changed, bytes, utf8_encode((int32_t)(begun ? others : first)((wint_t)c), bytes));
		begun |= c >= 0 && iswalnum((wint_t)c);
	}
	remember(in);
	splice(in, in->at, to, changed.s, changed.n);
	in->did = DID_OTHER;
	str_done(&changed);
	return true;
}

bool input_upper(struct input *in)
{
	return change_case(in, towupper, towupper);
}

bool input_lower(struct input *in)
{
	return change_case(in, towlower, towlower);
}

bool input_capital(struct input *in)
{
	return change_case(in, towupper, towlower);
}

bool input_backspace(struct input *in)
{
	return erase(in, previous_edge(in, in->at), in->at);
}

bool input_delete(struct input *in)
{
	return erase(in, in->at, next_edge(in, in->at));
}

bool input_kill_word(struct input *in)
{
	return kill_text(in, word_before(in), in->at);
}

bool input_kill_word_right(struct input *in)
{
	return kill_text(in, in->at, word_after(in));
}

bool input_kill_left(struct input *in)
{
	return kill_text(in, 0, in->at);
}

bool input_kill_right(struct input *in)
{
	return kill_text(in, in->at, in->text.n);
}

/* ------------------------------------------------------------------------------------------------ history */

bool input_older(struct input *in)
{
	if (!in->history || in->recalled == 0)
		return false;
	if (in->recalled >= in->history->n) {
		free(in->typed);
		in->typed = xstrdup(in->text.s);
		in->recalled = in->history->n;
	}
	set_text(in, in->history->line[--in->recalled]);
	return true;
}

bool input_find_older(struct input *in)
{
	int from = in->recalled;

	if (!in->history)
		return false;
	if (in->did != DID_SEARCH) {
		free(in->typed);
		in->typed = xstrdup(in->text.s);
		from = in->history->n;
	}
	while (from > 0 && !strstr(in->history->line[from - 1], in->typed))
		from--;
	in->did = DID_SEARCH;
	if (!from)
		return false;
	remember(in);
	in->recalled = from - 1;
	set_text(in, in->history->line[in->recalled]);
	return true;
}

bool input_newer(struct input *in)
{
	if (!in->history || in->recalled >= in->history->n)
		return false;
	in->recalled++;
	set_text(in, in->recalled < in->history->n ? in->history->line[in->recalled] : in->typed ? in->typed : "");
	return true;
}

static void remove_line(struct input_history *h, int i)
{
	h->bytes -= strlen(h->line[i]);
	free(h->line[i]);
	memmove(h->line + i, h->line + i + 1, (size_t)(--h->n - i) * sizeof *h->line);
}

void history_cut(struct input_history *h, int most)
{
	while (h->n > most)
		remove_line(h, 0);
}

void history_add(struct input_history *h, const char *line)
{
	char *own;
	int same = 0;

	if (!*line)
		return;
	own = xstrdup(line);
	while (same < h->n && strcmp(h->line[same], line))
		same++;
	if (same < h->n)
		remove_line(h, same);
	h->bytes += strlen(own);
	history_cut(h, HISTORY_MOST - 1);
	while (h->n && h->bytes > HISTORY_BYTES)
		remove_line(h, 0);
	h->line = xrealloc(h->line, (size_t)(h->n + 1) * sizeof *h->line);
	h->line[h->n++] = own;
}

void history_done(struct input_history *h)
{
	for (int i = 0; i < h->n; i++)
		free(h->line[i]);
	free(h->line);
	memset(h, 0, sizeof *h);
}

void history_print(const struct input_history *h, struct str *out)
{
	for (int i = 0; i < h->n; i++) {
		for (const char *s = h->line[i]; *s; s++) {
			if (*s == '\\' || *s == '\n')
				str_add_char(out, '\\');
			str_add_char(out, *s == '\n' ? 'n' : *s);
		}
		str_add_char(out, '\n');
	}
}

void history_read(struct input_history *h, const char *bytes, size_t n)
{
	struct str line;

	str_init(&line);
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n') {
			history_add(h, line.s);
			str_clear(&line);
		} else if (bytes[i] == '\\' && i + 1 < n) {
			i++;
			str_add_char(&line, bytes[i] == 'n' ? '\n' : bytes[i]);
		} else if (bytes[i]) {
			str_add_char(&line, bytes[i]);
		}
	}
	str_done(&line);
}

/* ------------------------------------------------------------------------------------------------ showing */

/* One cluster as it is drawn; returns its columns. */
static int show_cluster(const char *s, size_t n, struct str *out)
{
	size_t before = out->n;

	utf8_safe(out, s, n, false);
	return utf8_columns(out->s + before, out->n - before);
}

/* Columns of the text from an edge to another; what is past `enough` is not looked at. */
static int columns_between(const struct input *in, size_t from, size_t to, int enough)
{
	struct str scratch;
	int columns = 0;

	str_init(&scratch);
	for (size_t next; from < to && columns < enough; from = next) {
		next = next_edge(in, from);
		str_clear(&scratch);
		columns += show_cluster(in->text.s + from, next - from, &scratch);
	}
	str_done(&scratch);
	return columns;
}

/* From where a line is shown so that the cursor is in its first `columns`. Each cluster is measured once: a line may be a book. */
static size_t window_start(const struct input *in, int columns)
{
	size_t from = 0;

	for (int before = columns_between(in, 0, in->at, INT_MAX); from < in->at && before > columns;) {
		size_t next = next_edge(in, from);

		before -= columns_between(in, from, next, INT_MAX);
		from = next;
	}
	return from;
}

void input_window(const struct input *in, int columns, struct str *out, int *caret, bool *left, bool *right)
{
	size_t from = 0;
	int used = 0;

	/* The cursor takes a column too, and is two thirds into a line that does not fit. */
	if (columns_between(in, 0, in->text.n, columns) >= columns)
		from = window_start(in, columns * 2 / 3);
	*left = from > 0;
	*caret = 0;
	while (from < in->text.n) {
		size_t next = next_edge(in, from), kept = out->n;
		int width;

		if (from == in->at)
			*caret = used;
		width = show_cluster(in->text.s + from, next - from, out);
		if (used + width > columns) {
			out->n = kept;
			out->s[kept] = '\0';
			break;
		}
		used += width;
		from = next;
	}
	*right = from < in->text.n;
	if (in->at == in->text.n)
		*caret = used;
}

int text_window(const char *text, size_t n, int columns, struct str *out)
{
	size_t from = 0, last = out->n; /* up to `last` there is room for the "…" as well */
	int used = 0, last_used = 0;

	while (from < n) {
		int width, ignored;
		size_t bytes = utf8_cluster(text + from, n - from, &ignored);

		width = show_cluster(text + from, bytes, out);
		if (used + width > columns) {
			out->n = last;
			out->s[last] = '\0';
			if (columns > 0)
				str_add(out, "…");
			return columns > 0 ? last_used + 1 : 0;
		}
		used += width;
		from += bytes;
		if (used < columns) {
			last = out->n;
			last_used = used;
		}
	}
	return used;
}
