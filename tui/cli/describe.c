/* describe.c - the commands that say what there is: analyses, info, tokens; and generate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/utf8.h"
#include "engine/model/files/caches.h"
#include "engine/model/model.h"
#include "engine/model/models.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/session/session.h"
#include "tui/cli/command.h"
#include "tui/cli/say.h"

/* ---- analyses ---- */

static void list_one(const struct analysis *a, struct str *out)
{
	struct str range;

	str_addf(out, "%s: %s\n\n%s\n", a->name, a->blurb, a->help ? a->help : "");
	str_addf(out, "\n%s", a->picture);
	if (cost_sentences[a->cost])
		str_addf(out, "\n  cost    %s", cost_sentences[a->cost]);
	str_addf(out, "\n  table   %s\n  unit    %s\n", a->shape, a->unit);
	if (a->paper)
		str_addf(out, "  paper   %s\n", a->paper);
	str_init(&range);
	for (const struct param *p = a->params; p && p->name; p++) {
		str_clear(&range);
		param_range_text(p, 0, &range);
		str_addf(out, "%s%-10s %s (%s; default ", p == a->params ? "\n  arguments (-s NAME=VALUE)\n    " : "    ", p->name,
			 p->help, range.s);
		if (param_is_text(p) && !p->start_text)
			str_add(out, "none");
		param_print(p, param_default(p), out);
		str_add(out, ")\n");
		for (const struct choice *c = p->choices; c && c->word; c++)
			str_addf(out, "      %-18s %s\n", c->word, c->help);
	}
	str_done(&range);
}

/* By topic, each with its sentence. */
static void list_all(struct str *out)
{
	const struct analysis *a;

	for (int topic = 0; topic < TOPIC_COUNT; topic++) {
		bool first = true;

		for (int i = 0; (a = analysis_list[i]); i++) {
			if (a->topic != (enum topic)topic)
				continue;
			if (first)
				str_addf(out, "%s%s\n", out->n ? "\n" : "", topic_words[topic]);
			first = false;
			str_addf(out, "  %-20s %s\n", a->name, a->blurb);
		}
	}
}

static bool no_such_technique(const char *name, struct err *err)
{
	struct str near;

	str_init(&near);
	analysis_suggest(name, &near);
	err_set(err, ERR_USAGE, "there is no technique \"%s\"%s%s", name, near.n ? "; did you mean " : "", near.s);
	str_done(&near);
	return false;
}

bool command_analyses(struct options *o, struct err *err)
{
	const struct analysis *only = o->words ? analysis_find(o->word[0]) : NULL;
	struct str out;

	if (o->words > 1)
		return err_set(err, ERR_USAGE, "analyses: unexpected argument \"%s\"", o->word[1]);
	if (o->words && !only)
		return no_such_technique(o->word[0], err);
	str_init(&out);
	for (int i = 0; o->json && analysis_list[i]; i++)
		if (!only || only == analysis_list[i])
			export_registry(analysis_list[i], &out);
	if (!o->json && only)
		list_one(only, &out);
	else if (!o->json)
		list_all(&out);
	(o->json ? say_json : say_text)(&out);
	str_done(&out);
	return true;
}

/* ---- info ---- */

static bool take_model(struct options *o, const char *command, struct err *err)
{
	if (o->words > 1)
		return err_set(err, ERR_USAGE, "%s: unexpected argument \"%s\"", command, o->word[1]);
	if (o->words)
		job_set(&o->preset.job.model, o->word[0]);
	return true;
}

static void add_text(struct str *out, const char *key, const char *value)
{
	str_addf(out, ",\"%s\":", key);
	json_write_string(out, value, strlen(value));
}

static void experts_json(const struct model_facts *f, struct str *out)
{
	if (!f->experts)
		return;
	str_addf(out, ",\"experts\":{\"count\":%d,\"chosen\":%d,\"d_mlp\":%d,\"shared_d_mlp\":%d,\"router\":\"%s\"", f->experts,
		 f->chosen, f->expert_neurons, f->shared_neurons, f->router);
	add_text(out, "layers", *f->mixtures ? f->mixtures : "all");
	str_add(out, "}");
}

static void info_json(const struct model_facts *f, struct str *out)
{
	str_add(out, "{\"name\":");
	json_write_string(out, f->name, strlen(f->name));
	add_text(out, "family", f->family);
	add_text(out, "source", f->source);
	str_addf(
		out,
		",\"layers\":%d,\"heads\":%d,\"kv_heads\":%d,\"d_model\":%d,\"d_head\":%d,\"d_mlp\":%d,\"vocab\":%d,\"context\":%d",
		f->L, f->H, f->G, f->D, f->K, f->neurons ? f->neurons : f->expert_neurons, f->V, f->context);
	experts_json(f, out);
	if (f->conv_taps) {
		str_addf(out, ",\"convolutions\":{\"taps\":%d", f->conv_taps);
		add_text(out, "layers", f->convolutions);
		str_add(out, "}");
	}
	str_addf(out, ",\"tied\":%s,\"gated\":%s,\"parameters\":%zu", f->tied ? "true" : "false", f->gated ? "true" : "false",
		 f->parameters);
	add_text(out, "dtypes", f->dtypes);
	str_addf(out,
		 ",\"memory\":{\"mapped\":%zu,\"private_weights\":%zu,\"tokenizer\":%zu,"
		 "\"run_per_token\":%zu,\"run_per_pair\":%zu,\"stream_per_token\":%zu}",
		 f->file_bytes, f->private_bytes, f->tokenizer_bytes, f->run_bytes_per_token, f->run_bytes_per_pair,
		 f->stream_bytes_per_token);
	if (f->llama_tanh)
		add_text(out, "activation", "gelu, exact; llama.cpp computes its tanh form");
	if (*f->unused)
		add_text(out, "unused", f->unused);
	add_text(out, "tokenizer", f->tokenizer);
	add_text(out, "bos", f->bos);
	str_add(out, "}\n");
}

static void mlp_text(const struct model_facts *f, struct str *out)
{
	str_addf(out, "width       %d", f->D);
	if (f->neurons)
		str_addf(out, ", MLP %d%s", f->neurons, f->gated ? " (gated)" : "");
	str_add(out, "\n");
	if (f->conv_taps)
		str_addf(out, "mixers      short convolutions over %d positions in layers %s; the others attend\n", f->conv_taps,
			 f->convolutions);
	if (!f->experts)
		return;
	str_addf(out, "experts     %d of %d neurons each, %d for each token, in %s%s\n", f->experts, f->expert_neurons, f->chosen,
		 *f->mixtures ? "layers " : "every layer", f->mixtures);
	if (f->shared_neurons)
		str_addf(out, "            beside them one of %d neurons, which every token passes through\n", f->shared_neurons);
	if (!strcmp(f->router, "sparsemixer"))
		str_add(out, "            chosen and weighed by sparsemixer, as in Hugging Face; llama.cpp takes a softmax and RMS "
			     "norms for this family, and gets other numbers\n");
}

static void info_text(const struct model_facts *f, struct str *out)
{
	str_addf(out, "name        %s\nfamily      %s\nfound at    ", f->name, f->family);
	utf8_safe(out, f->source, strlen(f->source), false);
	str_addf(out, "\nlayers      %d\nheads       %d query, %d key/value, %d channels each\n", f->L, f->H, f->G, f->K);
	mlp_text(f, out);
	str_addf(out, "vocabulary  %d%s\ncontext     %d\n", f->V, f->tied ? ", unembedding tied to the embedding" : "", f->context);
	str_addf(out, "weights     %.1f million, %s\n", (double)f->parameters / 1e6, f->dtypes);
	str_addf(out,
		 "memory      %.1f MB mapped, %.1f MB private for weights, %.1f MB for the tokenizer\n"
		 "            a run: %.1f kB for each token, and %.2f kB for each query and key\n"
		 "            where that does not fit: %.1f kB for each token, enough for lenses and predictions\n"
		 "            with edits: as much again, for the layers from the first edit on\n",
		 (double)f->file_bytes / 1e6, (double)f->private_bytes / 1e6, (double)f->tokenizer_bytes / 1e6,
		 (double)f->run_bytes_per_token / 1e3, (double)f->run_bytes_per_pair / 1e3,
		 (double)f->stream_bytes_per_token / 1e3);
	if (f->in_place_of)
		str_addf(out,
			 "            the weights are read from the file at each use: packed they would take %.1f MB, more "
			 "than half of what is free\n",
			 (double)f->in_place_of / 1e6);
	if (f->llama_tanh)
		str_add(out, "activation  GELU in its exact form, as Hugging Face computes it; llama.cpp takes the tanh form, and "
			     "differs by about 0.001\n");
	if (*f->unused) {
		str_add(out, "left out    ");
		utf8_safe(out, f->unused, strlen(f->unused), false);
		str_add(out, "\n");
	}
	str_add(out, "tokenizer   ");
	utf8_safe(out, f->tokenizer, strlen(f->tokenizer), false);
	str_add(out, "\nBOS         ");
	utf8_safe(out, f->bos, strlen(f->bos), false);
	str_add(out, "\n");
}

bool command_info(struct options *o, struct err *err)
{
	struct model_facts facts;
	struct model *m;
	struct str out;

	if (!take_model(o, "info", err) || !(m = model_peek(o->preset.job.model, err)))
		return false;
	model_facts_of(m, &facts);
	model_free(m);
	str_init(&out);
	(o->json ? info_json : info_text)(&facts, &out);
	(o->json ? say_json : say_text)(&out);
	str_done(&out);
	return true;
}

/* ---- models ---- */

static void model_json(const struct cached *c, const struct model_facts *f, const char *why_not, struct str *out)
{
	str_add(out, "{\"name\":");
	json_write_string(out, c->name, strlen(c->name));
	add_text(out, "place", c->place);
	add_text(out, "path", c->path);
	str_addf(out, ",\"opens\":%s", why_not ? "false" : "true");
	if (why_not) {
		add_text(out, "error", why_not);
	} else {
		add_text(out, "family", f->family);
		add_text(out, "dtypes", f->dtypes);
		str_addf(out, ",\"parameters\":%zu,\"bytes\":%zu", f->parameters, f->file_bytes);
	}
	str_add(out, "}\n");
}

static void model_line(const struct cached *c, const struct model_facts *f, const char *why_not, struct str *out)
{
	char size[32] = "";

	str_addf(out, "%-40s %-13s ", c->name, c->place);
	if (!why_not) {
		snprintf(size, sizeof size, f->parameters >= 1000000000 ? "%.1fB" : "%.0fM",
			 (double)f->parameters / (f->parameters >= 1000000000 ? 1e9 : 1e6));
		str_addf(out, "%-10s %7s  %8.0f MB  %s\n", f->family, size, (double)f->file_bytes / 1e6, f->dtypes);
	} else {
		str_addf(out, "no: %s\n", models_why(why_not, c->path));
	}
}

bool command_models(struct options *o, struct err *err)
{
	struct cached *list;
	int n;

	if (o->words)
		return err_set(err, ERR_USAGE, "models: unexpected argument \"%s\"", o->word[0]);
	n = caches_list(&list);
	for (int i = 0; i < n; i++) {
		struct model_facts facts;
		struct err why = { 0 };
		struct str out;
		bool opens = model_glance(list[i].path, &facts, &why);

		str_init(&out);
		(o->json ? model_json : model_line)(&list[i], &facts, opens ? NULL : why.text, &out);
		(o->json ? say_json : say_text)(&out);
		str_done(&out);
	}
	caches_free(list, n);
	if (!n)
		say_sentence("there are no models in the caches of Hugging Face, llama.cpp, Ollama, LM Studio or lmscope");
	return true;
}

/* ---- tokens ---- */

static void token_json(const struct tokenizer *t, int32_t id, struct str *out)
{
	size_t n;
	const char *bytes = tokenizer_bytes(t, id, &n);

	str_addf(out, "{\"id\":%d,\"text\":", id);
	json_write_string(out, bytes, n);
	if (!utf8_valid(bytes, n)) {
		str_add(out, ",\"bytes\":\"");
		for (size_t i = 0; i < n; i++)
			str_addf(out, "%02x", (unsigned char)bytes[i]);
		str_add(out, "\"");
	}
	str_add(out, tokenizer_is_special(t, id) ? ",\"special\":true}" : "}");
}

bool command_tokens(struct options *o, struct err *err)
{
	struct job *job = &o->preset.job;
	const struct tokenizer *t;
	struct model *m;
	int32_t *ids;
	size_t n;
	struct str out;
	bool ok;

	if (!take_model(o, "tokens", err) || !(m = model_peek(job->model, err)))
		return false;
	t = m->tokenizer;
	str_init(&out);
	ok = tokenizer_encode(t, job->prompt, strlen(job->prompt), job->bos, &ids, &n, err);
	if (ok) {
		if (o->json) {
			str_add(&out, "{\"tokens\":[");
			for (size_t i = 0; i < n; i++) {
				str_add(&out, i ? "," : "");
				token_json(t, ids[i], &out);
			}
			str_addf(&out, "],\"bos\":%s,\"bos_reason\":", n && ids[0] == tokenizer_bos(t) ? "true" : "false");
			json_write_string(&out, tokenizer_bos_reason(t), strlen(tokenizer_bos_reason(t)));
			str_add(&out, "}\n");
		} else {
			for (size_t i = 0; i < n; i++) {
				str_addf(&out, "%5zu %8d  ", i, ids[i]);
				tokenizer_show(t, ids[i], &out);
				str_add(&out, "\n");
			}
		}
		(o->json ? say_json : say_text)(&out);
		if (!o->json)
			say_sentence(tokenizer_bos_reason(t));
		free(ids);
	}
	str_done(&out);
	model_free(m);
	return ok;
}

/* ---- generate ---- */

struct printer {
	const struct tokenizer *t;
	struct str text;
};

/* Characters that are whole by now; the rest waits for the next token. */
static bool print_token(void *context, int32_t id, double probability)
{
	(void)probability;
	struct printer *p = context;
	size_t whole, n;
	const char *bytes = tokenizer_bytes(p->t, id, &n);

	if (tokenizer_is_special(p->t, id))
		return true;
	str_add_n(&p->text, bytes, n);
	for (whole = p->text.n; whole > 0 && p->text.n - whole < 4 && !utf8_valid(p->text.s, whole); whole--)
		;
	if (!utf8_valid(p->text.s, whole))
		whole = p->text.n;
	if (whole) {
		struct str ready;

		str_init(&ready);
		str_add_n(&ready, p->text.s, whole);
		say_text(&ready);
		str_done(&ready);
		memmove(p->text.s, p->text.s + whole, p->text.n - whole + 1);
		p->text.n -= whole;
	}
	return true;
}

/* The prompt and what follows, as it comes. */
static bool continue_prompt(struct session *s, bool edited, const struct options *o, const char *label, struct err *err)
{
	struct printer p = { session_model(s)->tokenizer, { 0 } };
	struct str begin;
	bool ok;

	str_init(&p.text);
	str_init(&begin);
	str_addf(&begin, "%s%s", label, o->preset.job.prompt);
	say_text(&begin);
	str_done(&begin);
	ok = session_generate(s, edited, o->count, print_token, &p, NULL, err);
	str_add_char(&p.text, '\n');
	say_text(&p.text);
	str_done(&p.text);
	return ok;
}

bool command_generate(struct options *o, struct err *err)
{
	struct session *s;
	struct notes notes = { 0 };
	bool ok;

	if (!take_model(o, "generate", err))
		return false;
	s = session_new();
	ok = session_prepare(s, &o->preset.job, NULL, &notes, err);
	command_say_notes(&notes);
	if (ok && o->compare) {
		ok = continue_prompt(s, true, o, "edited:   ", err) && continue_prompt(s, false, o, "unedited: ", err);
	} else if (ok) {
		ok = continue_prompt(s, true, o, "", err);
	}
	notes_done(&notes);
	session_free(s);
	return ok;
}
