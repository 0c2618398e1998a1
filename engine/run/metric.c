/* metric.c - see metric.h. */
#include "engine/run/metric.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/utf8.h"
#include "engine/model/tokenizer.h"
#include "engine/numbers/kernels.h"
#include "engine/run/run.h"

const struct metric_info metric_table[METRIC_KINDS] = {
	[METRIC_LOGIT] = { "logit", 1, "logit", "the logit of a token: logit \" Paris\"" },
	[METRIC_LOGPROB] = { "logprob", 1, "nats", "the log probability of a token: logprob \" Paris\"" },
	[METRIC_LOGIT_DIFF] = { "logit_diff", 2, "logit", "the logit of one token minus another's: logit_diff \" Mary\" \" John\"" },
	[METRIC_KL] = { "kl", 0, "nats", "divergence of the edited from the unedited prediction: KL(unedited || edited)" },
	[METRIC_ENTROPY] = { "entropy", 0, "nats", "entropy of the prediction" },
	[METRIC_LOSS] = { "loss", 0, "nats", "mean negative log-likelihood of the prompt's own tokens" },
};

/* A spec taken apart: the words still as text. */
struct parsed {
	enum metric_kind kind;
	char *target[2];
	bool has_position;
	int position;
};

/* The next word, quotes and backslashes undone; NULL at the end or (with an error) where a quote is not closed. */
static char *next_word(const char **s, bool *quoted, struct arena *arena, const char *spec, struct err *err)
{
	char *out, *w;

	while (**s == ' ' || **s == '\t')
		(*s)++;
	*quoted = false;
	if (!**s)
		return NULL;
	w = out = arena_alloc(arena, strlen(*s) + 1);
	if (**s != '"') {
		while (**s && **s != ' ' && **s != '\t')
			*w++ = *(*s)++;
		return out;
	}
	*quoted = true;
	for ((*s)++; **s && **s != '"'; (*s)++) {
		if (**s == '\\' && (*s)[1]) {
			(*s)++;
			*w++ = (char)(**s == 'n' ? '\n' : **s == 't' ? '\t' : **s);
		} else {
			*w++ = **s;
		}
	}
	if (!**s) {
		err_set(err, ERR_USAGE, "metric '%s': a quote is not closed", spec);
		return NULL;
	}
	(*s)++;
	return out;
}

static bool parse(const char *spec, struct parsed *p, struct arena *arena, struct err *err)
{
	const char *s = spec;
	bool quoted;
	struct err before = { 0 };
	char *word = next_word(&s, &quoted, arena, spec, &before);
	int kind = 0, targets = 0;

	*p = (struct parsed){ 0 };
	while (kind < METRIC_KINDS && (!word || strcmp(word, metric_table[kind].word)))
		kind++;
	if (kind == METRIC_KINDS)
		return err_set(err, ERR_USAGE, "metric '%s': expected logit, logprob, logit_diff, kl, entropy or loss first", spec);
	p->kind = (enum metric_kind)kind;
	while ((word = next_word(&s, &quoted, arena, spec, &before))) {
		if (*word == '@' && !quoted) {
			char *end;

			p->position = (int)strtol(word + 1, &end, 10);
			p->has_position = end != word + 1 && !*end;
			if (!p->has_position)
				return err_set(err, ERR_USAGE, "metric '%s': expected a position such as @-1 instead of %s", spec, word);
		} else if (targets == metric_table[kind].targets) {
			return err_set(err, ERR_USAGE, "metric '%s': unexpected \"%s\"; %s takes %d token%s", spec, word, metric_table[kind].word,
				       targets, targets == 1 ? "" : "s");
		} else {
			p->target[targets++] = word;
		}
	}
	if (before.kind) {
		*err = before;
		return false;
	}
	if (targets < metric_table[kind].targets)
		return err_set(err, ERR_USAGE, "metric '%s': %s needs %d token%s in quotes after it", spec, metric_table[kind].word,
			       metric_table[kind].targets, metric_table[kind].targets == 1 ? "" : "s");
	return true;
}

/* "#17": a token by its number. */
static bool is_number(const char *text, long *number)
{
	char *end;

	*number = *text == '#' ? strtol(text + 1, &end, 10) : -1;
	return *text == '#' && end != text + 1 && !*end;
}

static bool check_target(const char *text, int V, struct err *err)
{
	long number;

	if (!*text)
		return err_set(err, ERR_ARGUMENT, "metric: \"\" is not a token");
	return !is_number(text, &number) || !V || (number >= 0 && number < V) ||
	       err_set(err, ERR_ARGUMENT, "metric: the vocabulary has the tokens #0 … #%d, not %s", V - 1, text);
}

static bool check(const struct parsed *p, int V, int T, struct err *err)
{
	if (p->has_position && T && (p->position < -T || p->position >= T))
		return err_set(err, ERR_ARGUMENT, "metric: position %d is outside the prompt, which has %d tokens", p->position, T);
	if (p->kind == METRIC_LOSS && T == 1)
		return err_set(err, ERR_ARGUMENT, "metric: the loss needs a prompt of at least two tokens");
	for (int i = 0; i < metric_table[p->kind].targets; i++)
		if (!check_target(p->target[i], V, err))
			return false;
	return true;
}

bool metric_check(const char *spec, int V, int T, struct err *err)
{
	struct arena *arena = arena_new();
	struct parsed p;
	bool ok = !spec || !*spec || (parse(spec, &p, arena, err) && check(&p, V, T, err));

	arena_free(arena);
	return ok;
}

/* A target's token: by number, by its exact bytes, or the first piece of the text. */
static bool find_target(const struct model *m, const char *text, int32_t *id, struct notes *notes, struct err *err)
{
	const struct tokenizer *t = m->tokenizer;
	int32_t *ids = NULL;
	size_t n = 0;
	long number;
	bool ok;

	if (is_number(text, &number)) {
		*id = (int32_t)number;
		return true;
	}
	if ((*id = tokenizer_find(t, text, strlen(text))) >= 0 && *id < m->config.V)
		return true;
	ok = tokenizer_encode_raw(t, text, strlen(text), &ids, &n, err);
	if (ok && n == 0)
		ok = err_set(err, ERR_ARGUMENT, "metric: \"%s\" is not a token", text);
	if (ok) {
		struct str first;

		*id = ids[0];
		str_init(&first);
		tokenizer_show(t, *id, &first);
		notes_add(notes, "\"%s\" is %zu tokens; the metric looks at the first, %s", text, n, first.s);
		str_done(&first);
	}
	free(ids);
	return ok;
}

/* A token in quotes, as it can be typed again; by number where its bytes do not name it. */
static void write_target(const struct model *m, int32_t id, struct str *out)
{
	size_t n;
	const char *bytes = tokenizer_bytes(m->tokenizer, id, &n);
	bool plain = n > 0 && tokenizer_find(m->tokenizer, bytes, n) == id;

	for (size_t i = 0; i < n; i++)
		plain = plain && ((unsigned char)bytes[i] >= 0x20 || bytes[i] == '\n' || bytes[i] == '\t') && bytes[i] != 0x7F;
	if (!plain || !utf8_valid(bytes, n)) {
		str_addf(out, " #%d", id);
		return;
	}
	str_add(out, " \"");
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '"' || bytes[i] == '\\')
			str_add_char(out, '\\');
		if (bytes[i] == '\n' || bytes[i] == '\t')
			str_add(out, bytes[i] == '\n' ? "\\n" : "\\t");
		else
			str_add_char(out, bytes[i]);
	}
	str_add_char(out, '"');
}

static void write_spec(struct metric *metric, const struct model *m, bool position)
{
	struct str s;

	str_init(&s);
	str_add(&s, metric_table[metric->kind].word);
	for (int i = 0; i < metric_table[metric->kind].targets; i++)
		write_target(m, metric->target[i], &s);
	if (position)
		str_addf(&s, " @%d", metric->position);
	snprintf(metric->spec, sizeof metric->spec, "%s", s.s);
	str_done(&s);
}

static bool resolve(const struct parsed *p, const struct run *run, struct metric *metric, struct notes *notes, struct err *err)
{
	*metric = (struct metric){ .kind = p->kind, .target = { -1, -1 }, .position = run->T - 1 };
	if (!check(p, run->model->config.V, run->T, err))
		return false;
	if (p->has_position)
		metric->position = p->position < 0 ? p->position + run->T : p->position;
	for (int i = 0; i < metric_table[p->kind].targets; i++)
		if (!find_target(run->model, p->target[i], &metric->target[i], notes, err))
			return false;
	write_spec(metric, run->model, p->has_position);
	return true;
}

bool metric_resolve(const char *spec, const struct run *unedited, struct metric *metric, struct notes *notes, struct err *err)
{
	struct arena *arena;
	struct parsed p;
	bool ok;

	if (!spec || !*spec) {
		*metric = (struct metric){ .kind = METRIC_LOGIT, .position = unedited->T - 1,
					   .target = { kernel_best(unedited->last_logits, unedited->model->config.V), -1 } };
		write_spec(metric, unedited->model, false);
		return true;
	}
	arena = arena_new();
	ok = parse(spec, &p, arena, err) && resolve(&p, unedited, metric, notes, err);
	arena_free(arena);
	return ok;
}

static double log_sum_exp(const float *x, int n)
{
	double sum = 0;
	float best = x[0];

	for (int i = 1; i < n; i++)
		best = fmaxf(best, x[i]);
	for (int i = 0; i < n; i++)
		sum += exp((double)(x[i] - best));
	return (double)best + log(sum);
}

double metric_of_logits(const struct metric *metric, const float *x, const float *unedited, int V)
{
	double lse, lse_unedited, sum = 0;

	switch (metric->kind) {
	case METRIC_LOGIT:
		return (double)x[metric->target[0]];
	case METRIC_LOGIT_DIFF:
		return (double)x[metric->target[0]] - (double)x[metric->target[1]];
	case METRIC_LOGPROB:
		return (double)x[metric->target[0]] - log_sum_exp(x, V);
	case METRIC_ENTROPY:
		lse = log_sum_exp(x, V);
		for (int i = 0; i < V; i++)
			sum += exp((double)x[i] - lse) * (lse - (double)x[i]);
		return sum;
	case METRIC_KL:
		lse = log_sum_exp(x, V);
		lse_unedited = log_sum_exp(unedited, V);
		for (int i = 0; i < V; i++) {
			double log_p = (double)unedited[i] - lse_unedited;

			sum += exp(log_p) * (log_p - ((double)x[i] - lse));
		}
		return sum;
	default:
		return NAN;
	}
}

void metric_slope_of_logits(const struct metric *metric, const float *x, const float *unedited, int V, float *d)
{
	double lse, lse_unedited, entropy;

	memset(d, 0, (size_t)V * sizeof *d);
	switch (metric->kind) {
	case METRIC_LOGIT_DIFF:
		d[metric->target[1]] -= 1;
		d[metric->target[0]] += 1;
		break;
	case METRIC_LOGIT:
		d[metric->target[0]] = 1;
		break;
	case METRIC_LOGPROB:
		lse = log_sum_exp(x, V);
		for (int i = 0; i < V; i++)
			d[i] = (float)-exp((double)x[i] - lse);
		d[metric->target[0]] += 1;
		break;
	case METRIC_ENTROPY:
		lse = log_sum_exp(x, V);
		entropy = metric_of_logits(metric, x, NULL, V);
		for (int i = 0; i < V; i++)
			d[i] = (float)(exp((double)x[i] - lse) * (lse - (double)x[i] - entropy));
		break;
	case METRIC_KL:
		lse = log_sum_exp(x, V);
		lse_unedited = log_sum_exp(unedited, V);
		for (int i = 0; i < V; i++)
			d[i] = (float)(exp((double)x[i] - lse) - exp((double)unedited[i] - lse_unedited));
		break;
	default:
		break;
	}
}

bool metric_value(const struct metric *metric, const struct run *run, const struct run *unedited, double *value, struct task *task,
		  struct err *err)
{
	int V = run->model->config.V;
	float *logits;
	bool ok;

	if (metric->kind == METRIC_LOSS) {	/* mean over tokens 1 … T-1 */
		ok = run_loss(run, 1, value, task, err);
		*value /= run->T - 1;
		return ok;
	}
	if (metric->position == run->T - 1) {
		*value = metric_of_logits(metric, run->last_logits, unedited->last_logits, V);
		return true;
	}
	logits = xmalloc(2 * (size_t)V * sizeof *logits);
	ok = run_logits(run, metric->position, 1, logits, task, err) && run_logits(unedited, metric->position, 1, logits + V, task, err);
	if (ok)
		*value = metric_of_logits(metric, logits, logits + V, V);
	free(logits);
	return ok;
}
