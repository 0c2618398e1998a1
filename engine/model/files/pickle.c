/* pickle.c - see pickle.h. A row of the table per instruction. */
#include "engine/model/files/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/model/files/pickle_machine.h"

enum {
	BYTES_LIMIT = 16 << 20,
	TEXT_LIMIT = 64 << 10,
};

/* ---- instructions: each does one, after its code ---- */

static bool do_proto(struct pickle_machine *m)
{
	const unsigned char *version = cursor_take(&m->c, 1);

	if (!version)
		return pickle_cut_short(m);
	return *version == 2 || pickle_fail(m, *version > 2 ? "it is of a protocol later than 2, the one that torch.save writes"
							    : "it is of a protocol before 2, the one that torch.save writes");
}

static bool do_stop(struct pickle_machine *m)
{
	if (m->marks || m->n != 1)
		return pickle_fail(m, "it ends with other than one value");
	m->stopped = true;
	return true;
}

static bool do_mark(struct pickle_machine *m)
{
	pickle_push_mark(m);
	return true;
}

static bool do_none(struct pickle_machine *m)
{
	return pickle_push(m, m->none);
}
static bool do_true(struct pickle_machine *m)
{
	return pickle_push(m, m->yes);
}
static bool do_false(struct pickle_machine *m)
{
	return pickle_push(m, m->no);
}
static bool do_empty_tuple(struct pickle_machine *m)
{
	return pickle_push_new(m, PICKLE_TUPLE) != NULL;
}
static bool do_empty_list(struct pickle_machine *m)
{
	return pickle_push_new(m, PICKLE_LIST) != NULL;
}
static bool do_empty_dict(struct pickle_machine *m)
{
	return pickle_push_new(m, PICKLE_DICT) != NULL;
}
static bool do_empty_set(struct pickle_machine *m)
{
	return pickle_push_new(m, PICKLE_SET) != NULL;
}

/* A whole number of so many bytes, the lowest first, at most 8. */
static bool push_number(struct pickle_machine *m, size_t bytes, bool has_sign)
{
	const unsigned char *p = cursor_take(&m->c, bytes);
	struct pickle_value *v;
	uint64_t x = 0;

	if (!p)
		return pickle_cut_short(m);
	if (!(v = pickle_push_new(m, PICKLE_INT)))
		return false;
	for (size_t i = 0; i < bytes; i++)
		x |= (uint64_t)p[i] << 8 * i;
	if (has_sign && bytes && bytes < 8 && p[bytes - 1] >> 7)
		x |= UINT64_MAX << 8 * bytes;
	v->number = (int64_t)x;
	return true;
}

static bool do_binint(struct pickle_machine *m)
{
	return push_number(m, 4, true);
}
static bool do_binint1(struct pickle_machine *m)
{
	return push_number(m, 1, false);
}
static bool do_binint2(struct pickle_machine *m)
{
	return push_number(m, 2, false);
}

static bool do_long1(struct pickle_machine *m)
{
	const unsigned char *n = cursor_take(&m->c, 1);

	if (!n)
		return pickle_cut_short(m);
	return *n <= 8 ? push_number(m, *n, true) : pickle_fail(m, "a whole number has more than 64 bits");
}

/* The highest byte first, against the custom of the rest. */
static bool do_binfloat(struct pickle_machine *m)
{
	const unsigned char *p = cursor_take(&m->c, 8);
	struct pickle_value *v;
	uint64_t x = 0;

	if (!p)
		return pickle_cut_short(m);
	if (!(v = pickle_push_new(m, PICKLE_FLOAT)))
		return false;
	for (int i = 0; i < 8; i++)
		x = x << 8 | p[i];
	memcpy(&v->real, &x, sizeof x);
	return true;
}

static bool push_text(struct pickle_machine *m, size_t n)
{
	const unsigned char *p = cursor_take(&m->c, n);
	struct pickle_value *v;

	if (!p)
		return pickle_cut_short(m);
	if (n > TEXT_LIMIT)
		return pickle_fail(m, "a text is longer than 65536 bytes");
	if (!(v = pickle_push_new(m, PICKLE_TEXT)))
		return false;
	v->text.s = arena_strndup(m->arena, (const char *)p, n);
	v->text.n = n;
	return true;
}

static bool do_binunicode(struct pickle_machine *m)
{
	uint32_t n;

	return cursor_u32(&m->c, &n) ? push_text(m, n) : pickle_cut_short(m);
}

static bool do_short_binstring(struct pickle_machine *m)
{
	const unsigned char *n = cursor_take(&m->c, 1);

	return n ? push_text(m, *n) : pickle_cut_short(m);
}

static bool do_binput(struct pickle_machine *m)
{
	const unsigned char *i = cursor_take(&m->c, 1);

	return i ? pickle_put(m, *i) : pickle_cut_short(m);
}

static bool do_long_binput(struct pickle_machine *m)
{
	uint32_t i;

	return cursor_u32(&m->c, &i) ? pickle_put(m, i) : pickle_cut_short(m);
}

static bool do_binget(struct pickle_machine *m)
{
	const unsigned char *i = cursor_take(&m->c, 1);

	return i ? pickle_get(m, *i) : pickle_cut_short(m);
}

static bool do_long_binget(struct pickle_machine *m)
{
	uint32_t i;

	return cursor_u32(&m->c, &i) ? pickle_get(m, i) : pickle_cut_short(m);
}

/* The values from `at` on become one tuple. */
static bool make_tuple(struct pickle_machine *m, size_t at)
{
	struct pickle_value *v;
	size_t count = m->n - at;

	if (!pickle_count(m))
		return false;
	v = pickle_new(m->arena, PICKLE_TUPLE);
	v->list.n = v->list.capacity = count;
	v->list.item = arena_alloc(m->arena, count * sizeof(void *));
	if (count)
		memcpy(v->list.item, m->stack + at, count * sizeof(void *));
	m->n = at;
	return pickle_push(m, v);
}

static bool do_tuple(struct pickle_machine *m)
{
	size_t at = 0;

	return pickle_pop_mark(m, &at) && make_tuple(m, at);
}

static bool do_tuple1(struct pickle_machine *m)
{
	return pickle_has(m, 1) && make_tuple(m, m->n - 1);
}
static bool do_tuple2(struct pickle_machine *m)
{
	return pickle_has(m, 2) && make_tuple(m, m->n - 2);
}
static bool do_tuple3(struct pickle_machine *m)
{
	return pickle_has(m, 3) && make_tuple(m, m->n - 3);
}

/* Adds the values from `at` on to the list or dictionary below them. */
static bool extend(struct pickle_machine *m, size_t at, enum pickle_kind kind)
{
	struct pickle_value *into = m->stack[at - 1];

	if (into->kind != kind)
		return pickle_fail(m, kind == PICKLE_LIST ? "values are appended to what is not a list"
							  : "keys are set in what is not a dictionary");
	if (kind == PICKLE_DICT && (m->n - at) % 2)
		return pickle_fail(m, "a key of a dictionary has no value");
	for (size_t i = at; i < m->n; i++)
		pickle_add(m, into, m->stack[i]);
	m->n = at;
	return true;
}

static bool extend_from_mark(struct pickle_machine *m, enum pickle_kind kind)
{
	size_t at = 0, above;

	if (!pickle_pop_mark(m, &at))
		return false;
	above = m->n - at;
	return pickle_has(m, above + 1) && extend(m, at, kind);
}

static bool do_append(struct pickle_machine *m)
{
	return pickle_has(m, 2) && extend(m, m->n - 1, PICKLE_LIST);
}
static bool do_setitem(struct pickle_machine *m)
{
	return pickle_has(m, 3) && extend(m, m->n - 2, PICKLE_DICT);
}
static bool do_appends(struct pickle_machine *m)
{
	return extend_from_mark(m, PICKLE_LIST);
}
static bool do_setitems(struct pickle_machine *m)
{
	return extend_from_mark(m, PICKLE_DICT);
}

/* ---- names, and what they make ---- */

static bool refuse_name(struct pickle_machine *m, const unsigned char *module, size_t module_n, const unsigned char *name,
			size_t name_n)
{
	struct str shown;

	str_init(&shown);
	utf8_safe(&shown, (const char *)module, module_n < 100 ? module_n : 100, false);
	str_add(&shown, ".");
	utf8_safe(&shown, (const char *)name, name_n < 100 ? name_n : 100, false);
	err_set(m->err, ERR_FILE,
		"%s: its pickle uses %s, which is not part of a tensor; lmscope reads files of tensors alone "
		"(torch.save of a state_dict, not of a model) and runs nothing",
		m->path, shown.s);
	str_done(&shown);
	return false;
}

/* A line of the pickle, without its end; NULL when there is none. */
static const unsigned char *take_line(struct pickle_machine *m, size_t *n)
{
	const unsigned char *p = m->c.p, *end = memchr(p, '\n', cursor_left(&m->c));

	if (!end)
		return NULL;
	*n = (size_t)(end - p);
	m->c.p = end + 1;
	return p;
}

static bool is(const unsigned char *s, size_t n, const char *word)
{
	return n == strlen(word) && !memcmp(s, word, n);
}

static bool do_global(struct pickle_machine *m)
{
	size_t module_n = 0, name_n = 0;
	const unsigned char *module = take_line(m, &module_n), *name = module ? take_line(m, &name_n) : NULL;
	struct pickle_value *v;

	if (!name)
		return pickle_cut_short(m);
	for (size_t i = 0; i < m->rules->names; i++) {
		const struct pickle_name *row = &m->rules->name[i];

		if (!is(module, module_n, row->module) || !is(name, name_n, row->name))
			continue;
		if (!(v = pickle_push_new(m, PICKLE_NAME)))
			return false;
		v->name = row;
		return true;
	}
	return refuse_name(m, module, module_n, name, name_n);
}

static bool do_reduce(struct pickle_machine *m)
{
	struct pickle_value *function, *args, *v;

	if (!pickle_has(m, 2) || !pickle_count(m))
		return false;
	args = m->stack[--m->n];
	function = m->stack[m->n - 1];
	if (function->kind != PICKLE_NAME || args->kind != PICKLE_TUPLE)
		return pickle_fail(m, "it calls what is not a function");
	if (!function->name->make)
		return err_set(m->err, ERR_FILE, "%s: its pickle calls %s.%s, which makes no tensor", m->path,
			       function->name->module, function->name->name);
	if (!(v = function->name->make(m->rules->context, function->name, args, m->err)))
		return err_in(m->err, "%s", m->path);
	m->stack[m->n - 1] = v;
	return true;
}

/* What a state dictionary has besides its tensors (_metadata: versions of modules) is dropped. */
static bool do_build(struct pickle_machine *m)
{
	struct pickle_value *of;

	if (!pickle_has(m, 2))
		return false;
	of = m->stack[m->n - 2];
	if (of->kind != PICKLE_DICT || !of->name || m->stack[m->n - 1]->kind != PICKLE_DICT)
		return pickle_fail(m, "it sets the attributes of what is not an OrderedDict");
	m->n--;
	return true;
}

static bool do_binpersid(struct pickle_machine *m)
{
	struct pickle_value *v;

	if (!pickle_has(m, 1) || !pickle_count(m))
		return false;
	if (!(v = m->rules->fetch(m->rules->context, m->stack[m->n - 1], m->err)))
		return err_in(m->err, "%s", m->path);
	m->stack[m->n - 1] = v;
	return true;
}

/* ---- the table: all instructions of pickle.py by name; those without a function are refused by it ---- */

static const struct {
	const char *name;
	bool (*run)(struct pickle_machine *m);
} instructions[256] = {
	['('] = { "MARK", do_mark },
	['.'] = { "STOP", do_stop },
	['0'] = { "POP" },
	['1'] = { "POP_MARK" },
	['2'] = { "DUP" },
	['F'] = { "FLOAT" },
	['I'] = { "INT" },
	['J'] = { "BININT", do_binint },
	['K'] = { "BININT1", do_binint1 },
	['L'] = { "LONG" },
	['M'] = { "BININT2", do_binint2 },
	['N'] = { "NONE", do_none },
	['P'] = { "PERSID" },
	['Q'] = { "BINPERSID", do_binpersid },
	['R'] = { "REDUCE", do_reduce },
	['S'] = { "STRING" },
	['T'] = { "BINSTRING" },
	['U'] = { "SHORT_BINSTRING", do_short_binstring },
	['V'] = { "UNICODE" },
	['X'] = { "BINUNICODE", do_binunicode },
	['a'] = { "APPEND", do_append },
	['b'] = { "BUILD", do_build },
	['c'] = { "GLOBAL", do_global },
	['d'] = { "DICT" },
	['}'] = { "EMPTY_DICT", do_empty_dict },
	['e'] = { "APPENDS", do_appends },
	['g'] = { "GET" },
	['h'] = { "BINGET", do_binget },
	['i'] = { "INST" },
	['j'] = { "LONG_BINGET", do_long_binget },
	['l'] = { "LIST" },
	[']'] = { "EMPTY_LIST", do_empty_list },
	['o'] = { "OBJ" },
	['p'] = { "PUT" },
	['q'] = { "BINPUT", do_binput },
	['r'] = { "LONG_BINPUT", do_long_binput },
	['s'] = { "SETITEM", do_setitem },
	['t'] = { "TUPLE", do_tuple },
	[')'] = { "EMPTY_TUPLE", do_empty_tuple },
	['u'] = { "SETITEMS", do_setitems },
	['G'] = { "BINFLOAT", do_binfloat },
	['B'] = { "BINBYTES" },
	['C'] = { "SHORT_BINBYTES" },
	[0x80] = { "PROTO", do_proto },
	[0x81] = { "NEWOBJ" },
	[0x82] = { "EXT1" },
	[0x83] = { "EXT2" },
	[0x84] = { "EXT4" },
	[0x85] = { "TUPLE1", do_tuple1 },
	[0x86] = { "TUPLE2", do_tuple2 },
	[0x87] = { "TUPLE3", do_tuple3 },
	[0x88] = { "NEWTRUE", do_true },
	[0x89] = { "NEWFALSE", do_false },
	[0x8a] = { "LONG1", do_long1 },
	[0x8b] = { "LONG4" },
	[0x8c] = { "SHORT_BINUNICODE" },
	[0x8d] = { "BINUNICODE8" },
	[0x8e] = { "BINBYTES8" },
	[0x8f] = { "EMPTY_SET", do_empty_set },
	[0x90] = { "ADDITEMS" },
	[0x91] = { "FROZENSET" },
	[0x92] = { "NEWOBJ_EX" },
	[0x93] = { "STACK_GLOBAL" },
	[0x94] = { "MEMOIZE" },
	[0x95] = { "FRAME" },
	[0x96] = { "BYTEARRAY8" },
	[0x97] = { "NEXT_BUFFER" },
	[0x98] = { "READONLY_BUFFER" },
};

static bool refuse_instruction(struct pickle_machine *m, unsigned char code)
{
	if (!instructions[code].name)
		return err_set(m->err, ERR_FILE, "%s: byte %zu of its pickle (0x%02x) is no instruction; the file is damaged",
			       m->path, (size_t)(m->c.p - m->start), code);
	return err_set(m->err, ERR_FILE,
		       "%s: its pickle uses the instruction %s, which no tensor needs; lmscope reads files of "
		       "tensors alone and runs nothing",
		       m->path, instructions[code].name);
}

static bool run(struct pickle_machine *m)
{
	while (!m->stopped) {
		const unsigned char *code = cursor_take(&m->c, 1);

		if (!code)
			return pickle_cut_short(m);
		if (!instructions[*code].run)
			return refuse_instruction(m, *code);
		if (!instructions[*code].run(m))
			return false;
	}
	return !cursor_left(&m->c) || pickle_fail(m, "there are bytes after the end");
}

struct pickle_value *pickle_read(const char *path, const unsigned char *bytes, size_t n, const struct pickle_rules *rules,
				 struct arena *arena, struct err *err)
{
	struct pickle_machine m = { .path = path,
				    .start = bytes,
				    .c = cursor_over(bytes, n),
				    .rules = rules,
				    .arena = arena,
				    .err = err,
				    .none = pickle_new(arena, PICKLE_NONE),
				    .yes = pickle_new(arena, PICKLE_BOOL),
				    .no = pickle_new(arena, PICKLE_BOOL) };
	struct pickle_value *v = NULL;

	m.yes->number = 1;
	if (n > BYTES_LIMIT)
		err_set(err, ERR_FILE, "%s: its pickle has more than 16 MiB", path);
	else if (run(&m))
		v = m.stack[0];
	free(m.stack);
	free(m.mark);
	free(m.memo);
	return v;
}
