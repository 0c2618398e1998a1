/* pickle_machine.c - see pickle_machine.h. */
#include "engine/model/files/pickle_machine.h"

#include <string.h>

enum { VALUES_LIMIT = 1 << 20, MEMO_LIMIT = 1 << 20 };

bool pickle_fail(struct pickle_machine *m, const char *what)
{
	return err_set(m->err, ERR_FILE, "%s: %s (byte %zu of its pickle)", m->path, what, (size_t)(m->c.p - m->start));
}

bool pickle_cut_short(struct pickle_machine *m)
{
	return pickle_fail(m, "it is cut short");
}

struct pickle_value *pickle_new(struct arena *arena, enum pickle_kind kind)
{
	struct pickle_value *v = arena_alloc(arena, sizeof *v);

	v->kind = kind;
	return v;
}

bool pickle_count(struct pickle_machine *m)
{
	return ++m->values <= VALUES_LIMIT ||
	       pickle_fail(m, "it makes more than a million values, which a file of tensors does not need");
}

bool pickle_push(struct pickle_machine *m, struct pickle_value *v)
{
	if (m->n == m->capacity) {
		m->capacity = m->capacity ? 2 * m->capacity : 64;
		m->stack = xrealloc(m->stack, m->capacity * sizeof *m->stack);
	}
	m->stack[m->n++] = v;
	return true;
}

struct pickle_value *pickle_push_new(struct pickle_machine *m, enum pickle_kind kind)
{
	struct pickle_value *v;

	if (!pickle_count(m))
		return NULL;
	v = pickle_new(m->arena, kind);
	pickle_push(m, v);
	return v;
}

bool pickle_has(struct pickle_machine *m, size_t count)
{
	size_t floor = m->marks ? m->mark[m->marks - 1] : 0;

	return m->n - floor >= count || pickle_fail(m, "an instruction needs more values than there are");
}

void pickle_push_mark(struct pickle_machine *m)
{
	if (m->marks == m->mark_capacity) {
		m->mark_capacity = m->mark_capacity ? 2 * m->mark_capacity : 64;
		m->mark = xrealloc(m->mark, m->mark_capacity * sizeof *m->mark);
	}
	m->mark[m->marks++] = m->n;
}

bool pickle_pop_mark(struct pickle_machine *m, size_t *at)
{
	if (!m->marks)
		return pickle_fail(m, "an instruction needs a mark, and there is none");
	*at = m->mark[--m->marks];
	return true;
}

void pickle_add(struct pickle_machine *m, struct pickle_value *list, struct pickle_value *v)
{
	if (list->list.n == list->list.capacity) {
		size_t capacity = list->list.capacity ? 2 * list->list.capacity : 8;
		struct pickle_value **item = arena_alloc(m->arena, capacity * sizeof(void *));

		if (list->list.n)
			memcpy(item, list->list.item, list->list.n * sizeof(void *));
		list->list.item = item;
		list->list.capacity = capacity;
	}
	list->list.item[list->list.n++] = v;
}

bool pickle_put(struct pickle_machine *m, size_t i)
{
	if (!pickle_has(m, 1))
		return false;
	if (i >= MEMO_LIMIT)
		return pickle_fail(m, "the memo has more than a million places");
	if (i >= m->memos) {
		size_t memos = i + 1 > 2 * m->memos ? i + 1 : 2 * m->memos;

		m->memo = xrealloc(m->memo, memos * sizeof *m->memo);
		memset(m->memo + m->memos, 0, (memos - m->memos) * sizeof *m->memo);
		m->memos = memos;
	}
	m->memo[i] = m->stack[m->n - 1];
	return true;
}

bool pickle_get(struct pickle_machine *m, size_t i)
{
	return i < m->memos && m->memo[i] ? pickle_push(m, m->memo[i])
					  : pickle_fail(m, "a place of the memo is read before it is written");
}
