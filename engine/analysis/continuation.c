/* continuation.c - see continuation.h. */
#include "engine/analysis/continuation.h"

#include <math.h>
#include <string.h>

#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/kernels.h"

int32_t continuation_best(const struct model *m, const float *logits, float *probability)
{
	const int known = tokenizer_size(m->tokenizer);
	const int32_t best = kernel_best(logits, known && known < m->config.V ? known : m->config.V);

	*probability = expf(logits[best] - kernel_log_sum_exp(logits, (size_t)m->config.V));
	return best;
}

/* The last token is not read again. */
static int possible(const struct run *r, int most)
{
	const struct config *c = &r->model->config;
	const int room = c->context - r->T + 1;

	return c->context_is_hard && most > room ? room : most;
}

bool continuation_make(struct continuation *c, const struct run *from, const struct run *unedited, const struct edit *const *edit,
		       int edits, int most, struct arena *arena, struct task *task, struct err *err)
{
	const struct model *m = from->model;
	const int T = from->T, all = possible(from, most);
	int32_t *tokens = arena_alloc(arena, (size_t)(T + most) * sizeof *tokens);
	struct run_order order = { .model = m,
				   .tokens = tokens,
				   .T = T,
				   .prompt_T = T,
				   .base = from,
				   .unedited = unedited,
				   .more = edit,
				   .more_count = edits,
				   .keeps = RUN_STREAM };
	struct run *r;

	*c = (struct continuation){ 0, tokens + T, arena_alloc(arena, (size_t)most * sizeof(float)) };
	memcpy(tokens, from->tokens, (size_t)T * sizeof *tokens);
	r = edits ? run_new(&order, task, err) : run_ref(from);
	while (r) {
		struct run *next;

		c->token[c->n] = continuation_best(m, r->last_logits, &c->probability[c->n]);
		if (++c->n == all || c->token[c->n - 1] == tokenizer_eos(m->tokenizer))
			break;
		order.T = T + c->n;
		order.prefix = r;
		next = run_new(&order, task, err);
		run_unref(r);
		r = next;
	}
	run_unref(r);
	return r != NULL;
}
