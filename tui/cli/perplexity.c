/*
 * perplexity.c - `lmscope perplexity`: how well a model predicts a text.
 *
 * The text is cut into windows that advance by a stride; in each, only the tokens that no window before it has scored count, with
 * all before them in the window as context. exp of the mean negative log-likelihood, as Hugging Face documents it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/plain_text.h"
#include "engine/model/model.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/run/run.h"
#include "tui/cli/command.h"
#include "tui/cli/say.h"

enum { TEXT_LIMIT = 256 << 20, WINDOW = 512 };

/* Adds -log p of tokens first … n-1 of a window. */
static bool window_loss(const struct model *m, const int32_t *tokens, int n, int first, double *sum, struct err *err)
{
	struct run_order order = { .model = m, .tokens = tokens, .T = n, .keeps = RUN_STREAM, .without_logits = true };
	struct run *r = run_new(&order, NULL, err);
	double part = 0;
	bool ok = r && run_loss(r, first, &part, NULL, err);

	*sum += part;
	run_unref(r);
	return ok;
}

static bool measure(const struct model *m, const int32_t *tokens, int n, int window, int stride, bool json, struct err *err)
{
	double sum = 0;
	int scored = 0, windows = 0;
	struct str out;

	for (int from = 0, done = 1; done < n; from += stride, windows++) {
		int to = from + window < n ? from + window : n;
		int first = done > from ? done - from : 1; /* nothing is before the first token of a window */

		if (to - from > first && !window_loss(m, tokens + from, to - from, first, &sum, err))
			return false;
		scored += to - from - first;
		done = to;
		say_progress("%d of %d tokens, perplexity %.4f", done, n, exp(sum / scored));
	}
	say_progress_end();
	str_init(&out);
	str_addf(&out,
		 json ? "{\"perplexity\":%.9g,\"loss\":%.9g,\"tokens\":%d,\"window\":%d,\"stride\":%d,\"windows\":%d}\n"
		      : "perplexity  %.6f\nloss        %.6f nats for each of %d tokens\nwindows     %d tokens, %d apart, %d of "
			"them\n",
		 exp(sum / scored), sum / scored, scored, window, stride, windows);
	(json ? say_json : say_text)(&out);
	str_done(&out);
	return true;
}

bool command_perplexity(struct options *o, struct err *err)
{
	struct model *m;
	char *text = NULL;
	int32_t *tokens = NULL;
	size_t bytes, n = 0;
	int window;
	bool ok;

	if (o->words != 2)
		return err_set(err, ERR_USAGE, "perplexity: expected a model and a file with text");
	if (!(m = model_open(o->word[0], NULL, &o->notes, err)))
		return false;
	command_say_notes(&o->notes);
	window = o->window ? o->window : m->config.context < WINDOW ? m->config.context : WINDOW;
	ok = (text = file_read(o->word[1], TEXT_LIMIT, &bytes, err)) && plain_text_check(text, bytes, o->word[1], err);
	if (ok)
		bytes = plain_text_tidy(text, bytes);
	say_progress("%s: cutting it into tokens …", o->word[1]);
	ok = ok && tokenizer_encode(m->tokenizer, text, bytes, o->preset.job.bos, &tokens, &n, err);
	say_progress_end();
	if (ok && n < 2)
		ok = err_set(err, ERR_ARGUMENT, "%s: at least two tokens are needed, and there are %zu", o->word[1], n);
	if (ok && (window < 2 || (o->stride && o->stride > window)))
		ok = err_set(err, ERR_USAGE, "perplexity: the stride should not be larger than the window of %d tokens", window);
	ok = ok && measure(m, tokens, (int)n, window, o->stride ? o->stride : window / 2, o->json, err);
	free(text);
	free(tokens);
	model_free(m);
	return ok;
}
