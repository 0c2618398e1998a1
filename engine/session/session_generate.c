/* session_generate.c - what a run predicts, and the text that this makes, token by token. */
#include "engine/session/session_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/kernels.h"

int32_t session_predict(const struct run *r, int known, double *probability)
{
	int V = r->model->config.V, best = kernel_best(r->last_logits, known);
	double sum = 0;

	for (int i = 0; probability && i < V; i++)
		sum += exp((double)r->last_logits[i] - (double)r->last_logits[best]);
	if (probability)
		*probability = 1 / sum;
	return best;
}

static bool generate(struct session *s, const struct prepared *p, bool edited, int n, session_token *token, void *context,
		     struct task *task, struct err *err)
{
	const struct tokenizer *t = s->model->tokenizer;
	const struct config *c = &s->model->config;
	const struct run *from = edited ? p->run : p->unedited;
	int known = tokenizer_size(t) < c->V ? tokenizer_size(t) : c->V, T = from->T;
	int32_t *tokens = xmalloc((size_t)(T + n) * sizeof *tokens);
	const char **line = xcalloc((size_t)p->job.edits, sizeof *line);
	struct run_order order = { .model = s->model,
				   .tokens = tokens,
				   .prompt_T = T,
				   .edits = line,
				   .unedited = p->unedited,
				   .foil = p->foil,
				   .assets = s->assets,
				   .keeps = from->keeps };
	struct run *r = run_ref(from);
	bool ok = true;

	order.edit_count = session_edit_lines(edited ? &p->job : NULL, line);
	memcpy(tokens, from->tokens, (size_t)T * sizeof *tokens);
	for (int i = 0; ok && i < n; i++) {
		struct run *longer;
		double probability;
		int32_t id = session_predict(r, known, &probability);

		if (id == tokenizer_eos(t) || !token(context, id, probability))
			break;
		if (i + 1 == n)
			break;
		tokens[T + i] = id;
		order.T = T + i + 1;
		order.prefix = r;
		if (c->context_is_hard && order.T > c->context)
			break;
		longer = session_has_room(s, NULL, order.T, order.keeps, err) ? run_new(&order, task, err) : NULL;
		ok = longer != NULL;
		if (ok) {
			run_unref(r);
			r = longer;
		}
	}
	run_unref(r);
	free(line);
	free(tokens);
	return ok;
}

bool session_generate(struct session *s, bool edited, int n, session_token *token, void *context, struct task *task,
		      struct err *err)
{
	struct prepared held = session_hold(s);
	bool ok = generate(s, &held, edited, n, token, context, task, err);

	prepared_done(&held);
	return ok;
}
