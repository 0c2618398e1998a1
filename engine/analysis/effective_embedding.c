/* effective_embedding.c - see effective_embedding.h. */
#include "engine/analysis/effective_embedding.h"

#include <string.h>

#include "engine/run/forward.h"

enum { TOKENS = 128 }; /* that go through the layer together */

static bool embed_block(const struct variant *variant, struct layer_sites *sites, const struct model *m, const int32_t *tokens,
			int n, float *x, struct arena *scratch, struct task *task, struct err *err)
{
	const size_t D = (size_t)m->config.D;
	struct arena_mark mark = arena_mark(scratch);
	struct pass p = { .model = m, .T = n, .variants = 1, .variant = variant, .arena = scratch, .task = task };
	bool ok = pass_begin(&p, err);

	for (int i = 0; ok && i < n; i++)
		model_embed(m, tokens[i], -1, sites->resid_pre + (size_t)i * D);
	ok = ok && forward_layer(&p, 0, sites, 0, 0, err);
	if (ok)
		memcpy(x, sites->resid_post, (size_t)n * D * sizeof *x);
	arena_rewind(scratch, mark);
	return ok;
}

bool effective_embedding(const struct model *m, const int32_t *tokens, int n, float *x, struct arena *scratch, struct task *task,
			 struct err *err)
{
	const size_t D = (size_t)m->config.D;
	const int most = n < TOKENS ? n : TOKENS;
	const float *nothing = arena_floats(scratch, (size_t)most * D, err);
	struct edit silent = edit_put(place_at(SITE_ATTN_OUT, 0, -1, -1), nothing, 0, most);
	const struct edit *edit[] = { &silent };
	const struct variant variant = { edit, 1 };
	struct layer_sites *sites = nothing ? layer_sites_new(m, most, false, err) : NULL;
	bool ok = sites != NULL;

	for (int from = 0; ok && from < n; from += most)
		ok = embed_block(&variant, sites, m, tokens + from, n - from < most ? n - from : most, x + (size_t)from * D,
				 scratch, task, err);
	layer_sites_unref(sites);
	return ok;
}
