/*
 * conf.c - see conf.h. libyaml's events become the tree; the tree becomes events for its emitter.
 *
 * Whatever a file holds, the work is bounded: its size, its depth, the entries of one list, and no aliases.
 */
#include "engine/base/conf.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "engine/base/file.h"
#include "engine/base/utf8.h"

enum { DEPTH = 256, ENTRIES = 10000, FILE_LIMIT = 1 << 20 };

/* --- reading --- */

struct yaml_reader {
	yaml_parser_t yaml;
	struct arena *arena;
	const char *file;
	struct err *err;
};

/* A file that is not YAML: libyaml's words, with our place. */
static bool broken(struct yaml_reader *r)
{
	const yaml_parser_t *y = &r->yaml;

	if (y->error == YAML_READER_ERROR)
		return err_set(r->err, ERR_FILE, "%s: byte %zu: %s; expected UTF-8", r->file, y->problem_offset, y->problem);
	return err_set(r->err, ERR_FILE, "%s:%zu: not YAML: %s%s%s", r->file, y->problem_mark.line + 1,
		       y->problem ? y->problem : "unreadable", y->context ? ", " : "", y->context ? y->context : "");
}

static bool next_event(struct yaml_reader *r, yaml_event_t *event)
{
	return yaml_parser_parse(&r->yaml, event) || broken(r);
}

static struct conf *new_node(struct yaml_reader *r, enum conf_kind kind, const yaml_event_t *event)
{
	struct conf *v = arena_alloc(r->arena, sizeof *v);

	v->kind = kind;
	v->file = r->file;
	v->line = (int)event->start_mark.line + 1;
	return v;
}

static struct conf *read_scalar(struct yaml_reader *r, const yaml_event_t *event)
{
	struct conf *v = new_node(r, CONF_SCALAR, event);
	const char *text = (const char *)event->data.scalar.value;
	size_t n = event->data.scalar.length;

	v->text = arena_strndup(r->arena, text, n);
	v->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.tag;
	if (strlen(v->text) == n)
		return v;
	conf_err(v, r->err, "a text with a NUL byte; expected none");
	return NULL;
}

static struct conf *read_node(struct yaml_reader *r, yaml_event_t *event, int depth);

/* The key of the next entry of a map, or NULL at its end; *failed says which NULL it is. */
static const char *read_key(struct yaml_reader *r, struct conf *map, yaml_event_t *event, bool *failed)
{
	struct conf *key;

	*failed = true;
	if (event->type == YAML_MAPPING_END_EVENT) {
		*failed = false;
		return NULL;
	}
	if (event->type != YAML_SCALAR_EVENT) {
		conf_err(new_node(r, CONF_SCALAR, event), r->err, "a list or map as a key; expected a word");
		return NULL;
	}
	if (!(key = read_scalar(r, event)))
		return NULL;
	for (const struct conf *c = map->child; c; c = c->next) {
		if (!strcmp(c->key, key->text)) {
			conf_err(key, r->err, "%s is there twice (first in line %d); expected once", key->text, c->line);
			return NULL;
		}
	}
	*failed = false;
	return key->text;
}

/* The entries of a list or a map, up to its end event. */
static bool read_entries(struct yaml_reader *r, struct conf *parent, int depth)
{
	bool map = parent->kind == CONF_MAP, failed = false;
	struct conf **tail = &parent->child;
	yaml_event_t event;

	for (;;) {
		const char *key = NULL;
		struct conf *child;

		if (!next_event(r, &event))
			return false;
		if (map ? !(key = read_key(r, parent, &event, &failed)) : event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return !failed;
		}
		if (map) {
			yaml_event_delete(&event);
			if (!next_event(r, &event))
				return false;
		}
		child = read_node(r, &event, depth);
		yaml_event_delete(&event);
		if (!child)
			return false;
		if (++parent->count > ENTRIES)
			return conf_err(child, r->err, "more than %d entries; expected fewer", ENTRIES);
		child->key = key;
		*tail = child;
		tail = &child->next;
	}
}

static struct conf *read_node(struct yaml_reader *r, yaml_event_t *event, int depth)
{
	struct conf *v;

	if (event->type == YAML_SCALAR_EVENT)
		return read_scalar(r, event);
	v = new_node(r, event->type == YAML_MAPPING_START_EVENT ? CONF_MAP : CONF_LIST, event);
	if (event->type == YAML_ALIAS_EVENT)
		conf_err(v, r->err, "*%s is an alias; expected the value itself", event->data.alias.anchor);
	else if (depth == DEPTH)
		conf_err(v, r->err, "nested more than %d deep; expected less", DEPTH);
	else if (read_entries(r, v, depth + 1))
		return v;
	return NULL;
}

/* Stream start, document start, root, document end, stream end: one document, or none. */
static struct conf *read_stream(struct yaml_reader *r)
{
	struct conf *root = NULL;
	bool ok = true, done = false;
	yaml_event_t event;

	while (ok && !done) {
		if (!next_event(r, &event))
			return NULL;
		done = event.type == YAML_STREAM_END_EVENT;
		if (event.type == YAML_SCALAR_EVENT || event.type == YAML_MAPPING_START_EVENT ||
		    event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_ALIAS_EVENT) {
			if (root)
				ok = conf_err(new_node(r, CONF_SCALAR, &event), r->err, "a second document; expected one");
			else
				ok = (root = read_node(r, &event, 0)) != NULL;
		}
		yaml_event_delete(&event);
	}
	if (ok && conf_is_null(root)) {
		root = conf_new_map(r->arena);
		root->file = r->file;
		root->line = 1;
	}
	return ok ? root : NULL;
}

struct conf *conf_parse(const char *bytes, size_t n, const char *file, struct arena *arena, struct err *err)
{
	struct yaml_reader r = { .arena = arena, .file = arena_strdup(arena, file), .err = err };
	struct conf *root;

	if (!yaml_parser_initialize(&r.yaml)) {
		err_set(err, ERR_MEMORY, "%s: no memory to read it", file);
		return NULL;
	}
	yaml_parser_set_input_string(&r.yaml, (const unsigned char *)bytes, n);
	root = read_stream(&r);
	yaml_parser_delete(&r.yaml);
	return root;
}

struct conf *conf_open(const char *path, struct arena *arena, struct err *err)
{
	size_t n;
	char *bytes = file_read(path, FILE_LIMIT, &n, err);
	struct conf *root = bytes ? conf_parse(bytes, n, path, arena, err) : NULL;

	free(bytes);
	return root;
}

/* --- looking --- */

const struct conf *conf_get(const struct conf *map, const char *key)
{
	if (!map || map->kind != CONF_MAP)
		return NULL;
	for (const struct conf *c = map->child; c; c = c->next)
		if (!strcmp(c->key, key))
			return c;
	return NULL;
}

const struct conf *conf_at(const struct conf *list, int i)
{
	const struct conf *c = list && list->kind != CONF_SCALAR ? list->child : NULL;

	while (c && i-- > 0)
		c = c->next;
	return c;
}

bool conf_err(const struct conf *v, struct err *err, const char *format, ...)
{
	char text[sizeof err->text];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	return err_set(err, ERR_FILE, "%s:%d: %s", v->file ? v->file : "", v->line, text);
}

/* "rank is "abc"; expected a whole number" */
static bool unexpected(const struct conf *v, struct err *err, const char *expected)
{
	const char *name = v->key ? v->key : "this";

	if (v->kind != CONF_SCALAR)
		return conf_err(v, err, "%s is a %s; expected %s", name, v->kind == CONF_LIST ? "list" : "map", expected);
	return conf_err(v, err, "%s is \"%.100s\"; expected %s", name, v->text, expected);
}

bool conf_text(const struct conf *v, const char **out, struct err *err)
{
	if (v->kind != CONF_SCALAR || conf_is_null(v))
		return unexpected(v, err, "a text");
	*out = v->text;
	return true;
}

bool conf_int(const struct conf *v, int lo, int hi, int *out, struct err *err)
{
	char expected[80], *end = NULL;
	long x = 0;

	if (v->kind == CONF_SCALAR && v->plain) {
		errno = 0;
		x = strtol(v->text, &end, 10);
	}
	if (!end || end == v->text || *end || errno || x < lo || x > hi) {
		snprintf(expected, sizeof expected, "a whole number, %d … %d", lo, hi);
		return unexpected(v, err, lo > INT_MIN / 2 || hi < INT_MAX / 2 ? expected : "a whole number");
	}
	*out = (int)x;
	return true;
}

bool conf_float(const struct conf *v, double *out, struct err *err)
{
	char *end = NULL;
	double x = 0;

	if (v->kind == CONF_SCALAR && v->plain)
		x = strtod(v->text, &end);
	if (!end || end == v->text || *end || !isfinite(x))
		return unexpected(v, err, "a number");
	*out = x;
	return true;
}

/* YAML's core schema, and nothing of its older yes and no. */
static bool is_one_of(const struct conf *v, const char *const *words)
{
	for (; *words; words++)
		if (v->kind == CONF_SCALAR && v->plain && !strcmp(v->text, *words))
			return true;
	return false;
}

static const char *const words_true[] = { "true", "True", "TRUE", NULL };
static const char *const words_false[] = { "false", "False", "FALSE", NULL };
static const char *const words_null[] = { "null", "Null", "NULL", "~", "", NULL };

bool conf_bool(const struct conf *v, bool *out, struct err *err)
{
	bool yes = is_one_of(v, words_true);

	if (!yes && !is_one_of(v, words_false))
		return unexpected(v, err, "true or false");
	*out = yes;
	return true;
}

bool conf_is_null(const struct conf *v)
{
	return !v || is_one_of(v, words_null);
}

/* --- writing --- */

static struct conf *new_tree(struct arena *arena, enum conf_kind kind)
{
	struct conf *v = arena_alloc(arena, sizeof *v);

	v->kind = kind;
	return v;
}

struct conf *conf_new_map(struct arena *arena)
{
	return new_tree(arena, CONF_MAP);
}

struct conf *conf_new_list(struct arena *arena)
{
	return new_tree(arena, CONF_LIST);
}

void conf_add(struct arena *arena, struct conf *parent, const char *key, struct conf *child)
{
	struct conf **tail = &parent->child;

	while (*tail)
		tail = &(*tail)->next;
	child->key = arena_strdup(arena, key);
	*tail = child;
	parent->count++;
}

static void add_scalar(struct arena *arena, struct conf *parent, const char *key, const char *text, bool plain)
{
	struct conf *v = new_tree(arena, CONF_SCALAR);

	v->text = arena_strdup(arena, text);
	v->plain = plain;
	conf_add(arena, parent, key, v);
}

void conf_add_text(struct arena *arena, struct conf *parent, const char *key, const char *text)
{
	add_scalar(arena, parent, key, text ? text : "null", !text);
}

void conf_add_int(struct arena *arena, struct conf *parent, const char *key, int value)
{
	char number[16];

	snprintf(number, sizeof number, "%d", value);
	add_scalar(arena, parent, key, number, true);
}

void conf_add_plain(struct arena *arena, struct conf *parent, const char *key, const char *text)
{
	add_scalar(arena, parent, key, text, true);
}

void conf_add_bool(struct arena *arena, struct conf *parent, const char *key, bool value)
{
	add_scalar(arena, parent, key, value ? "true" : "false", true);
}

static int append(void *out, unsigned char *bytes, size_t n)
{
	str_add_n(out, (const char *)bytes, n);
	return 1;
}

/* Whether a text without quotes would be read as something else than text. */
static bool looks_like_a_value(const char *text)
{
	struct conf v = { .kind = CONF_SCALAR, .text = text, .plain = true };
	char *end;

	strtod(text, &end);
	return conf_is_null(&v) || is_one_of(&v, words_true) || is_one_of(&v, words_false) || !*end;
}

static yaml_scalar_style_t style_of(const struct conf *v, const char *text)
{
	if (v->plain)
		return YAML_PLAIN_SCALAR_STYLE;
	for (const char *s = text; *s; s++)
		if ((unsigned char)*s < 0x20)
			return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	return looks_like_a_value(text) ? YAML_SINGLE_QUOTED_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE;
}

static bool emit_scalar(yaml_emitter_t *e, const struct conf *v, const char *text)
{
	yaml_event_t event;
	struct str valid;
	bool ok;

	str_init(&valid);
	utf8_replace_invalid(&valid, text, strlen(text));
	ok = yaml_scalar_event_initialize(&event, NULL, NULL, (unsigned char *)valid.s, (int)valid.n, 1, 1, style_of(v, valid.s)) &&
	     yaml_emitter_emit(e, &event);
	str_done(&valid);
	return ok;
}

static bool emit_node(yaml_emitter_t *e, const struct conf *v)
{
	static const struct conf word = { .kind = CONF_SCALAR };
	bool map = v->kind == CONF_MAP;
	yaml_event_t event;

	if (v->kind == CONF_SCALAR)
		return emit_scalar(e, v, v->text);
	if (map)
		yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
						    v->flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE);
	else
		yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
						     v->flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);
	if (!yaml_emitter_emit(e, &event))
		return false;
	for (const struct conf *c = v->child; c; c = c->next)
		if ((map && !emit_scalar(e, &word, c->key)) || !emit_node(e, c))
			return false;
	if (map)
		yaml_mapping_end_event_initialize(&event);
	else
		yaml_sequence_end_event_initialize(&event);
	return yaml_emitter_emit(e, &event);
}

void conf_print(const struct conf *tree, struct str *out)
{
	yaml_emitter_t e;
	yaml_event_t event;

	yaml_emitter_initialize(&e);
	yaml_emitter_set_output(&e, append, out);
	yaml_emitter_set_unicode(&e, 1);
	yaml_emitter_set_width(&e, -1);
	yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
	yaml_emitter_emit(&e, &event);
	yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
	yaml_emitter_emit(&e, &event);
	emit_node(&e, tree);
	yaml_document_end_event_initialize(&event, 1);
	yaml_emitter_emit(&e, &event);
	yaml_stream_end_event_initialize(&event);
	yaml_emitter_emit(&e, &event);
	yaml_emitter_delete(&e);
}
