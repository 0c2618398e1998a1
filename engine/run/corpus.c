/* corpus.c - see corpus.h. */
#include "engine/run/corpus.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/prompts.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/run/asset.h"

struct corpus {
	struct prompts *prompts;
	const struct tokenizer *tokenizer;
	int length;
	struct arena *arena; /* of the document */
	struct prompt document;
	int32_t *ids; /* [n] its tokens, without BOS */
	size_t n;
	int32_t *window; /* [length] */
	int next;	 /* which of its windows comes next */
	bool open;	 /* a document is */
};

/* An asset is its name: who reads it opens a corpus of its own. A file that is none is refused by its first document. */
static void *corpus_asset_open(const char *path, struct err *err)
{
	struct arena *arena = arena_new();
	struct prompts *prompts = prompts_open(path, err);
	struct prompt first;
	char *name = prompts && prompts_next(prompts, arena, &first, err) ? xstrdup(path) : NULL;

	prompts_close(prompts);
	arena_free(arena);
	return name;
}

/* clang-format off */
const struct asset_kind asset_corpus = {
	.name = "corpus",
	.help = "texts to run: a document a line, or JSON lines with \"text\" or \"prompt\"",
	.open = corpus_asset_open,
	.free = free,
};
/* clang-format on */

struct corpus *corpus_open(const char *path, const struct model *m, int length, struct err *err)
{
	struct corpus *c = xcalloc(1, sizeof *c);

	*c = (struct corpus){ .tokenizer = m->tokenizer,
			      .length = length,
			      .arena = arena_new(),
			      .window = xmalloc((size_t)length * sizeof *c->window) };
	if ((c->prompts = prompts_open(path, err)))
		return c;
	corpus_close(c);
	return NULL;
}

void corpus_close(struct corpus *c)
{
	if (!c)
		return;
	prompts_close(c->prompts);
	arena_free(c->arena);
	free(c->ids);
	free(c->window);
	free(c);
}

/* Tokens of a window that are the document's own. */
static size_t own_tokens(const struct corpus *c)
{
	return (size_t)c->length - (tokenizer_adds_bos(c->tokenizer) ? 1 : 0);
}

static bool next_document(struct corpus *c, struct err *err)
{
	arena_free(c->arena);
	c->arena = arena_new();
	free(c->ids);
	c->ids = NULL;
	c->next = 0;
	c->open = prompts_next(c->prompts, c->arena, &c->document, err);
	if (!c->open || !c->document.text)
		return c->open;
	return tokenizer_encode(c->tokenizer, c->document.text, strlen(c->document.text), BOS_NEVER, &c->ids, &c->n, err);
}

/* False: the document has no more. A single token that is left over predicts nothing. */
static bool cut_window(struct corpus *c, struct corpus_window *w)
{
	const size_t own = own_tokens(c), from = (size_t)c->next * own, bos = (size_t)c->length - own;
	size_t n = from < c->n ? c->n - from : 0;

	n = n < own ? n : own;
	if (n + bos < 2 || !n)
		return false;
	if (bos)
		c->window[0] = tokenizer_bos(c->tokenizer);
	memcpy(c->window + bos, c->ids + from, n * sizeof *c->window);
	*w = (struct corpus_window){ c->window, (int)(n + bos), c->document.line, c->document.split };
	c->next++;
	return true;
}

bool corpus_next(struct corpus *c, struct corpus_window *w, struct err *err)
{
	*w = (struct corpus_window){ 0 };
	while (!c->open || (c->document.text && !cut_window(c, w)))
		if (!next_document(c, err))
			return false;
	if (!c->document.text)
		c->open = false; /* after the end comes another end */
	return true;
}

struct corpus_place corpus_at(const struct corpus *c)
{
	return (struct corpus_place){ c->document.place, c->document.line, c->next };
}

bool corpus_go(struct corpus *c, struct corpus_place place, struct err *err)
{
	if (!prompts_go(c->prompts, place.at, place.line ? place.line : 1, err) || !next_document(c, err))
		return false;
	c->next = place.window;
	return true;
}
