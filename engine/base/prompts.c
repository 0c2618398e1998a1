/* prompts.c - see prompts.h. */
#include "engine/base/prompts.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/lines.h"
#include "engine/base/plain_text.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"

enum { LIMIT = 256 << 20 };

/* A member that must be a text if it is there. */
static bool member(const struct json_value *root, const char *key, const char *where, struct arena *arena, const char **out,
		   struct err *err)
{
	const struct json_value *v = json_get(root, key);
	size_t n;
	const char *text = json_text_n(v, &n);

	if (!v || json_is(v, JSON_NULL))
		return true;
	if (!text || memchr(text, 0, n))
		return err_set(err, ERR_FILE, "%s: \"%s\" should be a text without NUL bytes", where, key);
	*out = arena_strdup(arena, text);
	return true;
}

static bool take_object(const struct json_value *v, const char *where, struct arena *arena, struct prompt *p, struct err *err)
{
	const char *text = NULL;

	if (!member(v, "prompt", where, arena, &p->text, err) || !member(v, "text", where, arena, &text, err) ||
	    !member(v, "foil", where, arena, &p->foil, err) || !member(v, "answer", where, arena, &p->answer, err) ||
	    !member(v, "wrong", where, arena, &p->wrong, err) || !member(v, "split", where, arena, &p->split, err))
		return false;
	p->text = p->text ? p->text : text;
	if (!json_is(v, JSON_OBJECT) || !p->text)
		return err_set(err, ERR_FILE, "%s: expected an object with a \"prompt\" or a \"text\"", where);
	return !p->wrong || p->answer || err_set(err, ERR_FILE, "%s: there is a \"wrong\" answer without an \"answer\"", where);
}

static bool read_object(const char *line, size_t n, const char *where, struct arena *arena, struct prompt *p, struct err *err)
{
	struct json *doc = json_parse(line, n, where, err);
	bool ok = doc && take_object(json_root(doc), where, arena, p, err);

	json_free(doc);
	return ok;
}

static bool read_line(const char *line, size_t n, bool json, const char *where, struct arena *arena, struct prompt *p,
		      struct err *err)
{
	if (json)
		return read_object(line, n, where, arena, p, err);
	if (memchr(line, 0, n) || !utf8_valid(line, n))
		return err_set(err, ERR_FILE, "%s: this is not UTF-8 text", where);
	p->text = arena_strndup(arena, line, n);
	return true;
}

static bool is_blank(const char *line, size_t n)
{
	return strspn(line, " \t\r\n") >= n;
}

/* ---- one JSON list ---- */

static bool read_entry(const char *path, const struct json_value *v, size_t i, struct arena *arena, struct prompt *p,
		       struct err *err)
{
	struct str where;
	size_t n;
	const char *text = json_text_n(v, &n);
	bool ok = true;

	str_init(&where);
	str_addf(&where, "%s: entry %zu", path, i + 1);
	if (!text && !json_is(v, JSON_OBJECT))
		ok = err_set(err, ERR_FILE, "%s: expected a text or an object with a \"prompt\"", where.s);
	else if (!text)
		ok = take_object(v, where.s, arena, p, err);
	else if (memchr(text, 0, n))
		ok = err_set(err, ERR_FILE, "%s: expected a text without NUL bytes", where.s);
	else
		p->text = arena_strdup(arena, text);
	str_done(&where);
	return ok;
}

/*
 * A text may begin with a bracket too ("[INST] …"): what is no JSON as a whole is a list only where its first entry looks like
 * one.
 */
static bool parse_list(const char *path, char *text, size_t bytes, struct json **doc, struct err *err)
{
	size_t at = strspn(text, " \t\r\n");
	struct err why = { 0 };

	at += 1 + strspn(text + at + 1, " \t\r\n");
	if ((*doc = json_parse(text, bytes, path, &why)))
		return true;
	if (text[at] == '{' || text[at] == '"')
		*err = why;
	return err->kind == ERR_NONE;
}

/* *doc stays NULL where it is no list. */
static bool read_list(const char *path, struct json **doc, struct err *err)
{
	size_t bytes;
	char *text = file_read(path, LIMIT, &bytes, err);
	bool ok = text && plain_text_check(text, bytes, path, err);

	if (ok) {
		bytes = plain_text_tidy(text, bytes);
		ok = parse_list(path, text, bytes, doc, err);
	}
	free(text);
	return ok;
}

/* ---- one after the other ---- */

struct prompts {
	char *path;
	struct lines *lines;
	bool json;	   /* each line is an object */
	struct json *list; /* NULL: it is lines */
	size_t next;	   /* entry of the list */
};

/* What the first line that is not empty begins with says what the file is. */
static bool find_form(struct prompts *p, struct err *err)
{
	struct line line;

	do {
		if (!lines_next(p->lines, &line, err))
			return false;
	} while (line.text && is_blank(line.text, line.n));
	if (line.text) {
		const char first = line.text[strspn(line.text, " \t\r")];

		p->json = first == '{';
		if (first == '[' && !read_list(p->path, &p->list, err))
			return false;
	}
	return lines_go(p->lines, 0, 1, err);
}

struct prompts *prompts_open(const char *path, struct err *err)
{
	struct prompts *p = xcalloc(1, sizeof *p);

	p->path = xstrdup(path);
	if ((p->lines = lines_open(path, err)) && find_form(p, err))
		return p;
	prompts_close(p);
	return NULL;
}

void prompts_close(struct prompts *p)
{
	if (!p)
		return;
	lines_close(p->lines);
	json_free(p->list);
	free(p->path);
	free(p);
}

static bool next_entry(struct prompts *p, struct arena *arena, struct prompt *prompt, struct err *err)
{
	if (p->next == json_count(json_root(p->list)))
		return true;
	prompt->counted = "entry";
	prompt->line = (int)p->next + 1;
	prompt->place = p->next++;
	return read_entry(p->path, json_at(json_root(p->list), p->next - 1), p->next - 1, arena, prompt, err);
}

static bool next_line(struct prompts *p, struct arena *arena, struct prompt *prompt, struct err *err)
{
	struct line line;
	struct str where;
	bool ok;

	do {
		if (!lines_next(p->lines, &line, err))
			return false;
	} while (line.text && is_blank(line.text, line.n));
	if (!line.text)
		return true;
	prompt->counted = "line";
	prompt->line = line.number;
	prompt->place = line.at;
	if (p->json && memchr(line.text, '\r', line.n))
		return err_set(err, ERR_FILE, "%s: line %d: lines end in CR alone, as on old Macs; expected LF or CR LF", p->path,
			       line.number);
	str_init(&where);
	str_addf(&where, "%s: line %d", p->path, line.number);
	ok = read_line(line.text, line.n, p->json, where.s, arena, prompt, err);
	str_done(&where);
	return ok;
}

bool prompts_next(struct prompts *p, struct arena *arena, struct prompt *prompt, struct err *err)
{
	*prompt = (struct prompt){ 0 };
	return p->list ? next_entry(p, arena, prompt, err) : next_line(p, arena, prompt, err);
}

bool prompts_go(struct prompts *p, uint64_t place, int line, struct err *err)
{
	p->next = (size_t)place;
	return p->list || lines_go(p->lines, place, line, err);
}

struct prompt *prompts_read(const char *path, struct arena *arena, int *n, struct err *err)
{
	struct prompts *p = prompts_open(path, err);
	struct prompt *list = NULL, *all = NULL;
	size_t room = 0;
	bool ok = p != NULL;

	*n = 0;
	for (;;) {
		if ((size_t)*n == room)
			list = xrealloc(list, (room = room ? 2 * room : 64) * sizeof *list);
		if (!ok || !(ok = prompts_next(p, arena, &list[*n], err)) || !list[*n].text)
			break;
		++*n;
	}
	prompts_close(p);
	if (ok && !*n)
		ok = err_set(err, ERR_FILE, "%s: there is no prompt in it", path);
	if (ok) {
		all = arena_alloc(arena, (size_t)*n * sizeof *all);
		memcpy(all, list, (size_t)*n * sizeof *all);
	}
	free(list);
	return all;
}
