/*
 * config.c - config.json as it should not be: each is refused with one sentence that names the file and the key; and the forms in
 * which the same settings may be, old and new, read alike. Then the tensors: missing ones, misspelt ones, ones too many.
 */
#include <stdlib.h>

#include "engine/base/str.h"
#include "engine/model/model.h"
#include "tests/scratch.h"
#include "tests/tap.h"

static void copy_file(const char *from, const char *to)
{
	static char bytes[1 << 20];
	FILE *f = fopen(from, "rb");
	size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;

	if (f)
		fclose(f);
	free(scratch_file(to, bytes, n));
}

/* A folder with a fixture's weights and tokenizer, and this config.json. */
static struct model *open_with(const char *fixture, const char *config, struct notes *notes, struct err *err)
{
	char from[300];
	char *folder = scratch_path("m");
	struct model *m;

	snprintf(from, sizeof from, "tests/fixtures/%s/model.safetensors", fixture);
	copy_file(from, "m/model.safetensors");
	snprintf(from, sizeof from, "tests/fixtures/%s/tokenizer.json", fixture);
	copy_file(from, "m/tokenizer.json");
	free(scratch_file("m/config.json", config, strlen(config)));
	m = model_open(folder, NULL, notes, err);
	free(folder);
	return m;
}

static const char base[] =
	"{\"model_type\": \"llama\", \"hidden_size\": 28, \"intermediate_size\": 31, \"num_hidden_layers\": 2, "
	"\"num_attention_heads\": 4, \"num_key_value_heads\": 1, \"head_dim\": 10, \"vocab_size\": 64, "
	"\"max_position_embeddings\": 256, \"rms_norm_eps\": 1e-05, \"rope_theta\": 500.0, \"hidden_act\": \"silu\", "
	"\"tie_word_embeddings\": false, \"rope_scaling\": null}";

/* The base with one part in place of another. */
static char *changed(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	struct str s;

	str_init(&s);
	if (at)
		str_addf(&s, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return str_take(&s);
}

static void test_hostile(void)
{
	static const struct {
		const char *from, *to, *says;
	} rows[] = {
		{ "\"model_type\": \"llama\"", "\"model_type\": \"llama\\u0000x\"", "\"model_type\" is missing" },
		{ "\"hidden_size\": 28", "\"hidden_size\": \"28\"", "config.json: hidden_size is not a whole number" },
		{ "\"hidden_size\": 28", "\"hidden_size\": -28", "hidden_size is not a whole number" },
		{ "\"hidden_size\": 28", "\"hidden_size\": 28.5", "hidden_size is not a whole number" },
		{ "\"hidden_size\": 28", "\"hidden_size\": 1e30", "hidden_size is not a whole number" },
		{ "\"hidden_size\": 28", "\"hidden_size\": 9223372036854775807", "hidden_size is not a whole number" },
		{ "\"hidden_size\": 28", "\"hidden_size\": NaN", "hidden_size is not a whole number" },
		{ "\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": Infinity", "rms_norm_eps is not a number" },
		{ "\"hidden_size\": 28", "\"hidden_size\": true", "hidden_size is not a whole number" },
		{ "\"hidden_size\": 28", "\"hidden_size\": [28]", "hidden_size is not a whole number" },
		{ "\"hidden_size\": 28", "\"hidden_size\": null", "config.json: hidden_size is missing" },
		{ "\"hidden_size\": 28", "\"hidden_size\": 32", "should be [vocabulary, 32]" },
		{ "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 0", "num_hidden_layers is not a whole number from 1" },
		{ "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3",
		  "tensors that a llama model needs are missing: model.layers.2" },
		{ "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1000000000", "num_hidden_layers is not a whole number" },
		{ "\"num_hidden_layers\": 2, ", "", "config.json: num_hidden_layers is missing" },
		{ "\"num_attention_heads\": 4", "\"num_attention_heads\": 0", "num_attention_heads is not a whole number from 1" },
		{ "\"num_attention_heads\": 4", "\"num_attention_heads\": {}", "num_attention_heads is not a whole number" },
		{ "\"num_attention_heads\": 4, ", "", "config.json: num_attention_heads is missing" },
		{ "\"num_key_value_heads\": 1", "\"num_key_value_heads\": 3",
		  "config.json: num_key_value_heads: 4 heads cannot share 3" },
		{ "\"num_key_value_heads\": 1", "\"num_key_value_heads\": 8",
		  "num_key_value_heads is not a whole number from 1 to 4" },
		{ "\"num_key_value_heads\": 1", "\"num_key_value_heads\": 0",
		  "num_key_value_heads is not a whole number from 1 to 4" },
		{ "\"head_dim\": 10", "\"head_dim\": 0", "head_dim is not a whole number from 1" },
		{ "\"head_dim\": 10", "\"head_dim\": 9", "rotary positions over 9 of 9 channels" },
		{ "\"head_dim\": 10", "\"head_dim\": 16777216", "head_dim is not a whole number" },
		{ "\"intermediate_size\": 31", "\"intermediate_size\": -1", "intermediate_size is not a whole number" },
		{ "\"intermediate_size\": 31, ", "", "config.json: intermediate_size is missing" },
		{ "\"max_position_embeddings\": 256", "\"max_position_embeddings\": \"many\"",
		  "max_position_embeddings is not a whole number" },
		{ "\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": \"small\"", "rms_norm_eps is not a number" },
		{ "\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": -1", "config.json: rms_norm_eps is not between 0 and 1" },
		{ "\"rope_theta\": 500.0", "\"rope_theta\": 0", "base 0 make no sense" },
		{ "\"rope_theta\": 500.0", "\"rope_theta\": [1]", "rope_theta is not a number" },
		{ "\"rope_scaling\": null", "\"rope_scaling\": {\"rope_type\": \"axial\", \"factor\": 2}",
		  "the rotary scaling \"axial\" is not supported" },
		{ "\"rope_scaling\": null", "\"rope_scaling\": {\"rope_type\": \"linear\"}",
		  "the rotary scaling \"linear\" is not supported, or lacks a number" },
		{ "\"rope_scaling\": null", "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 0}",
		  "the rotary scaling \"yarn\"" },
		{ "\"rope_scaling\": null", "\"rope_scaling\": {\"rope_type\": \"dynamic\"}", "the rotary scaling \"dynamic\"" },
		{ "\"rope_scaling\": null", "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": \"8\"}",
		  "the rotary scaling \"llama3\"" },
		{ "\"hidden_act\": \"silu\"", "\"hidden_act\": \"mish\"",
		  "config.json: hidden_act: the activation \"mish\" is not supported" },
		{ "\"hidden_act\": \"silu\"", "\"hidden_act\": 3", "hidden_act is not a short text" },
		{ "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": \"no\"", "tie_word_embeddings is not true or false" },
		{ "\"model_type\": \"llama\"", "\"model_type\": \"llama9\"",
		  "config.json: the model_type \"llama9\" is not supported; lmscope knows gpt2" },
		{ "\"model_type\": \"llama\"", "\"model_type\": 7", "config.json: \"model_type\" is missing" },
		{ "\"model_type\": \"llama\", ", "", "config.json: \"model_type\" is missing" },
		{ "\"model_type\": \"llama\"", "\"model_type\": \"gpt2\"", "of the tensors that a gpt2 model needs are missing" },
		{ "\"vocab_size\": 64", "\"vocab_size\": 65",
		  "config.json: vocab_size is 65, but model.embed_tokens.weight has 64 rows" },
		{ "\"vocab_size\": 64", "\"vocab_size\": \"64\"", "vocab_size is not a whole number" },
		{ "\"model_type\": \"llama\"", "\"model_type\": \"qwen2\", \"use_sliding_window\": \"yes\"",
		  "config.json: use_sliding_window is not true or false" },
		{ "\"model_type\": \"llama\"", "\"model_type\": \"gemma2\", \"query_pre_attn_scalar\": -4",
		  "query_pre_attn_scalar is not a number above 0" },
		{ "\"model_type\": \"llama\"", "\"model_type\": \"smollm3\", \"no_rope_layers\": 4",
		  "no_rope_layers is not a list" },
		{ "\"model_type\": \"llama\"",
		  "\"model_type\": \"qwen2\", \"sliding_window\": 4, \"layer_types\": "
		  "[\"full_attention\"]",
		  "layer_types lists 1 layers of 2" },
		{ "\"model_type\": \"llama\"",
		  "\"model_type\": \"qwen2\", \"sliding_window\": 4, \"layer_types\": "
		  "[\"linear_attention\", \"full_attention\"]",
		  "layer_types: \"linear_attention\" is not supported" },
		{ "\"rope_scaling\": null", "\"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4}",
		  "quantization_config: the method \"gptq\" is not supported" },
		{ base, "[]", "config.json: \"model_type\" is missing" },
		{ base, "{\"model_type\": ", "config.json" },
		{ base, "", "config.json" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *config = changed(base, rows[i].from, rows[i].to);
		struct err err = { 0 };
		struct model *m = open_with("tiny/llama3", config, NULL, &err);

		CHECK_THAT(!m && err.kind == ERR_FILE && strstr(err.text, rows[i].says) && strstr(err.text, "/m") &&
				   !strchr(err.text, '\n'),
			   "%s: %s", rows[i].to, m ? "it opens" : err.text);
		model_free(m);
		free(config);
	}
}

static bool same_rotary(const struct rotary *a, const struct rotary *b)
{
	return a->pairs == b->pairs && a->factor == b->factor &&
	       !memcmp(a->frequency, b->frequency, (size_t)a->pairs * sizeof(float));
}

static bool same_config(const struct config *a, const struct config *b)
{
	bool windows = !a->window == !b->window;

	for (int l = 0; windows && a->window && l < a->L; l++)
		windows = a->window[l] == b->window[l];
	return a->L == b->L && a->K == b->K && a->tied == b->tied && a->norm_eps == b->norm_eps && windows &&
	       same_rotary(&a->rotary, &b->rotary) && a->rotary_local.pairs == b->rotary_local.pairs &&
	       (!a->rotary_local.pairs || same_rotary(&a->rotary_local, &b->rotary_local));
}

/* What transformers 4 wrote and what 5 writes. */
/* What routers in groups are told, and what cannot be meant. */
static void test_routers(void)
{
	static const struct {
		const char *family, *from, *to, *says; /* says NULL: it opens */
	} rows[] = {
		{ "glm4_moe", "\"n_group\": 4", "\"n_group\": 4", NULL },
		{ "glm4_moe", "\"n_group\": 4", "\"n_group\": 3", "n_group is 3, and 8 experts are not so many groups" },
		{ "glm4_moe", "\"n_group\": 4", "\"n_group\": 8", "n_group is 8, and 8 experts are not so many groups of two" },
		{ "glm4_moe", "\"n_group\": 4", "\"n_group\": 0", "n_group is 0, which is not between 1 and 8" },
		{ "glm4_moe", "\"n_group\": 4", "\"n_group\": \"4\"", "config.json: n_group is not a number" },
		{ "glm4_moe", "\"n_group\": 4", "\"n_group\": 2.5", "n_group is 2.5, which is no whole number" },
		{ "glm4_moe", "\"topk_group\": 2", "\"topk_group\": 5", "topk_group is 5, which is not between 1 and 4" },
		{ "glm4_moe", "\"topk_group\": 2", "\"topk_group\": 1",
		  "num_experts_per_tok is 3, but only 1 groups of 2 experts are open" },
		{ "glm4_moe", "\"num_experts_per_tok\": 3", "\"num_experts_per_tok\": 9", "there are only 8 experts" },
		{ "glm4_moe", "\"first_k_dense_replace\": 1", "\"first_k_dense_replace\": -1",
		  "first_k_dense_replace is -1, which is not between 0 and 2" },
		{ "glm4_moe", "\"n_shared_experts\": 1", "\"n_shared_experts\": 1e30",
		  "n_shared_experts is 1000000000000000019884624838656, which is not between" },
		{ "glm4_moe", "\"n_shared_experts\": 1", "\"n_shared_experts\": 2", "shared_experts" },
		{ "glm4_moe", "\"routed_scaling_factor\": 1.7", "\"routed_scaling_factor\": 1e300",
		  "a routed_scaling_factor that is not a moderate number is not supported" },
		{ "ernie4_5_moe", "\"moe_k\": 3", "\"moe_k\": 3, \"moe_norm_min\": 1",
		  "a moe_norm_min above 1e-6 is not supported" },
		{ "ernie4_5_moe", "\"moe_k\": 3", "\"moe_k\": 3, \"use_bias\": true",
		  "use_bias in a mixture of experts is not supported" },
		{ "ernie4_5_moe", "\"moe_k\": 3", "\"moe_k\": 3, \"moe_layer_interval\": 0",
		  "moe_layer_interval is 0, which is not between 1" },
		{ "ernie4_5_moe", "\"moe_k\": 3", "\"moe_k\": 3, \"moe_layer_end_index\": 0",
		  "tensors that a ernie4_5_moe model needs are missing" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char fixture[100], path[200], text[4096] = "";
		struct err err = { 0 };
		struct model *m;
		char *config;
		FILE *f;

		snprintf(fixture, sizeof fixture, "families/%s", rows[i].family);
		snprintf(path, sizeof path, "tests/fixtures/%s/config.json", fixture);
		f = fopen(path, "rb");
		text[f ? fread(text, 1, sizeof text - 1, f) : 0] = 0;
		if (f)
			fclose(f);
		config = changed(text, rows[i].from, rows[i].to);
		m = open_with(fixture, config, NULL, &err);
		CHECK_THAT(!m == (rows[i].says != NULL) && (m || strstr(err.text, rows[i].says)), "%s with %s: %s", rows[i].family,
			   rows[i].to, err.text);
		model_free(m);
		free(config);
	}
}

static void test_forms(void)
{
	static const struct {
		const char *what, *fixture, *fixed, *old, *new;
	} rows[] = {
		{ "base", "tiny/llama3", base, "\"rope_theta\": 500.0",
		  "\"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 500.0}" },
		{ "linear scaling", "tiny/llama3", base,
		  "\"rope_theta\": 500.0, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0}",
		  "\"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 2.0, \"rope_theta\": 500.0}" },
		{ "llama3 scaling", "tiny/llama3", base,
		  "\"rope_theta\": 500.0, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0, "
		  "\"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 60}",
		  "\"rope_parameters\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0, "
		  "\"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 60, \"rope_theta\": 500.0}" },
		{ "part of the channels", "families/gpt_neox",
		  "{\"model_type\": \"gpt_neox\", \"hidden_size\": 20, \"intermediate_size\": 33, \"num_hidden_layers\": 2, "
		  "\"num_attention_heads\": 2, \"vocab_size\": 61, \"max_position_embeddings\": 64, \"rope_theta\": 500.0}",
		  "\"rotary_pct\": 0.4, \"rotary_emb_base\": 70",
		  "\"rope_parameters\": {\"rope_type\": \"default\", \"partial_rotary_factor\": 0.4, \"rope_theta\": 70}" },
		{ "two kinds of layers", "families/gemma3",
		  "{\"model_type\": \"gemma3_text\", \"hidden_size\": 20, \"intermediate_size\": 27, \"num_hidden_layers\": 2, "
		  "\"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 8, \"vocab_size\": 61, "
		  "\"max_position_embeddings\": 64, \"sliding_window\": 4, \"query_pre_attn_scalar\": 11, \"rope_theta\": 500.0}",
		  "\"rope_theta\": 500.0, \"rope_local_base_freq\": 30.0, \"rope_scaling\": {\"rope_type\": \"linear\", "
		  "\"factor\": 2.0}, \"sliding_window_pattern\": 2",
		  "\"layer_types\": [\"sliding_attention\", \"full_attention\"], \"rope_parameters\": {\"full_attention\": "
		  "{\"rope_type\": \"linear\", \"factor\": 2.0, \"rope_theta\": 500.0}, \"sliding_attention\": {\"rope_type\": "
		  "\"default\", \"rope_theta\": 30.0}}" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *plain = changed(rows[i].fixed, ", \"rope_scaling\": null", ""),
		     *text = *plain ? plain : strdup(rows[i].fixed);
		char *old = changed(text, "\"rope_theta\": 500.0", rows[i].old),
		     *new = changed(text, "\"rope_theta\": 500.0", rows[i].new);
		struct err err = { 0 };
		struct model *a = open_with(rows[i].fixture, old, NULL, &err), *b = open_with(rows[i].fixture, new, NULL, &err);

		CHECK_THAT(a && b && same_config(&a->config, &b->config), "%s: old and new form read alike %s", rows[i].what,
			   err.text);
		CHECK_THAT(a && a->config.rotary.frequency[1] != 1 && a->config.rotary.frequency[1] < powf(69, -0.2f),
			   "%s: and the base was read", rows[i].what);
		model_free(a);
		model_free(b);
		if (text != plain)
			free(text);
		free(plain);
		free(old);
		free(new);
	}
}

/* A fixture with a piece of its config.json changed, where it is there. */
static struct model *open_changed(const char *fixture, const char *from, const char *to, struct err *err)
{
	static char bytes[1 << 16];
	char path[200], *config;
	struct model *m;
	FILE *f;

	snprintf(path, sizeof path, "tests/fixtures/%s/config.json", fixture);
	f = fopen(path, "rb");
	bytes[f ? fread(bytes, 1, sizeof bytes - 1, f) : 0] = '\0';
	if (f)
		fclose(f);
	config = changed(bytes, from, to);
	m = open_with(fixture, *config ? config : bytes, NULL, err);
	free(config);
	return m;
}

/* Keys that the family does not have in transformers are not obeyed, and a note names those that would have mattered. */
static void test_other_keys(void)
{
	static const struct {
		const char *more, *says; /* NULL: no note */
	} rows[] = {
		{ "\"sliding_window\": 4", "not obeyed: sliding_window" },
		{ "\"final_logit_softcapping\": 3.0", "not obeyed: final_logit_softcapping" },
		{ "\"logit_scale\": 2, \"embedding_multiplier\": 3", "not obeyed: logit_scale, embedding_multiplier" },
		{ "\"clip_qkv\": 0.1", "not obeyed: clip_qkv" },
		{ "\"partial_rotary_factor\": 0.5", "not obeyed: partial_rotary_factor" },
		{ "\"layer_types\": [\"sliding_attention\"]", "not obeyed: layer_types" },
		{ "\"use_qk_norm\": true", "not obeyed: use_qk_norm" },
		{ "\"sliding_window\": null, \"use_sliding_window\": false, \"qk_layernorm\": false, \"scale_attn_weights\": true",
		  NULL },
		{ "\"layer_norm_eps\": 0.5, \"n_embd\": 28", NULL }, /* its own spellings are there */
	};
	struct err err = { 0 };
	struct model *plain = open_with("tiny/llama3", base, NULL, &err);

	for (size_t i = 0; plain && i < sizeof rows / sizeof *rows; i++) {
		struct notes notes = { 0 };
		struct str more;
		char *config;
		struct model *m;

		str_init(&more);
		str_addf(&more, "\"rope_scaling\": null, %s", rows[i].more);
		config = changed(base, "\"rope_scaling\": null", more.s);
		m = open_with("tiny/llama3", config, &notes, &err);
		CHECK_THAT(m && m->config.logit_scale == 1 && m->config.embed_scale == 1 && m->config.logit_cap == 0 &&
				   m->config.qkv_clip == 0 && !m->config.window && same_config(&m->config, &plain->config),
			   "%s changes nothing %s", rows[i].more, err.text);
		CHECK_THAT(rows[i].says ? notes.n == 1 && strstr(notes.line[0], rows[i].says) : !notes.n, "%s: %s", rows[i].more,
			   notes.n ? notes.line[0] : "no note");
		model_free(m);
		notes_done(&notes);
		str_done(&more);
		free(config);
	}
	model_free(plain);
}

/* Biases that the settings deny are left out, with a note; the same file with the settings that have them uses them. */
static void test_denied_biases(void)
{
	static const struct {
		const char *fixture, *from, *to;
		bool q, o, out, used;
	} rows[] = { { "qwen3-bias", "\"attention_bias\": true", "\"attention_bias\": true", true, true, false, true },
		     { "qwen3-bias", "\"attention_bias\": true", "\"attention_bias\": false", false, false, false, false },
		     { "granite-bias", "\"mlp_bias\": true", "\"mlp_bias\": true", true, true, true, true },
		     { "granite-bias", "\"mlp_bias\": true", "\"mlp_bias\": false", true, true, false, false },
		     /* a family that has some biases has no others */
		     { "granite-bias", "\"model_type\": \"granite\"", "\"model_type\": \"qwen2\"", true, false, false, false } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char path[200], *text, *config;
		struct notes notes = { 0 };
		struct err err = { 0 };
		struct model *m;

		snprintf(path, sizeof path, "tests/fixtures/families/%s/config.json", rows[i].fixture);
		text = file_read(path, 1 << 16, &(size_t){ 0 }, &(struct err){ 0 });
		config = text ? changed(text, rows[i].from, rows[i].to) : NULL;
		snprintf(path, sizeof path, "families/%s", rows[i].fixture);
		m = config ? open_with(path, config, &notes, &err) : NULL;

		CHECK_THAT(m && !m->layers[0].b_Q == !rows[i].q && !m->layers[0].b_O == !rows[i].o &&
				   !m->layers[0].b_out == !rows[i].out,
			   "%s %s", rows[i].to, err.text);
		CHECK_THAT(m && (rows[i].used ? !notes.n
					      : notes.n && strstr(notes.line[notes.n - 1],
								  "left out, as its settings have no biases there")),
			   "%s: %s", rows[i].to, notes.n ? notes.line[notes.n - 1] : "no note");
		model_free(m);
		notes_done(&notes);
		free(config);
		free(text);
	}
}

/* Those that the settings have and the file has not are told of. */
static void test_bare_biases(void)
{
	char *config = changed(base, "\"rope_scaling\": null", "\"attention_bias\": true");
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct model *m = open_with("tiny/llama3", config, &notes, &err);

	CHECK_THAT(m && !m->layers[0].b_Q && notes.n == 1 &&
			   strstr(notes.line[0],
				  "has biases that the file has not; they are 0: model.layers.0.self_attn.q_proj.bias, "),
		   "%s%s", err.text, notes.n ? notes.line[0] : "no note");
	model_free(m);
	notes_done(&notes);
	free(config);
}

/* What Windows' editors and Python's json module write into the file is no reason to refuse it. */
static void test_marks(void)
{
	static const char mark[] = "\xEF\xBB\xBF{\"initializer_range\": NaN, \"router\": [-Infinity, Infinity],\r\n \"model_type\"";
	char *config = changed(base, "{\"model_type\"", mark);
	struct err err = { 0 };
	struct model *m = open_with("tiny/llama3", config, NULL, &err);

	CHECK_THAT(m != NULL, "a byte order mark, NaN and Infinity: %s", err.text);
	model_free(m);
	free(config);
}

/* Whether the unembedding is the embedding, when no key says so. */
static void test_tied(void)
{
	static const struct {
		const char *fixture;
		bool tied;
	} rows[] = { { "tiny/llama3", false },	      { "families/gpt_neox", false }, { "families/gemma", true },
		     { "families/starcoder2", true }, { "families/phi", false },      { "families/bloom", true } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		struct model *m = open_changed(rows[i].fixture, "\"tie_word_embeddings\"", "\"something_else\"", &err);

		CHECK_THAT(m && m->config.tied == rows[i].tied, "%s is %s %s", rows[i].fixture, rows[i].tied ? "tied" : "not tied",
			   err.text);
		model_free(m);
	}
}

/* What transformers takes for keys that are not there, or say something that they do not mean. */
static void test_defaults(void)
{
	static const struct {
		const char *fixture, *from, *to;
		int kv_heads;
		enum activation activation;
		float base;
	} rows[] = {
		{ "families/starcoder2", "\"num_key_value_heads\"", "\"something_else\"", 2, ACTIVATION_GELU_TANH, 70 },
		{ "families/starcoder2", "\"rope_theta\"", "\"something_else\"", 2, ACTIVATION_GELU_TANH, 1e4f },
		{ "families/opt", "\"num_key_value_heads\"", "\"something_else\"", 4, ACTIVATION_RELU, 0 },
		{ "families/gemma", "\"gelu\"", "\"gelu_python\"", 1, ACTIVATION_GELU, 70 },
		{ "families/gemma", "\"gelu\"", "\"gelu\"", 1, ACTIVATION_GELU_TANH, 70 },
		{ "families/gemma3", "\"rope_theta\"", "\"something_else\"", 2, ACTIVATION_GELU_TANH, 1e6f },
		{ "families/smollm3", "\"rope_theta\"", "\"something_else\"", 2, ACTIVATION_SILU, 2e6f },
		/* null says nothing */
		{ "families/gemma3-types", "\"layer_types\":", "\"layer_types\": null, \"something_else\":", 1,
		  ACTIVATION_GELU_TANH, 900 },
		/* both: the older name is all that counts, as in transformers */
		{ "families/qwen2", "\"vocab_size\"",
		  "\"rope_parameters\": {\"rope_theta\": 900}, \"rope_scaling\": {\"rope_type\": \"default\"}, \"vocab_size\"", 2,
		  ACTIVATION_SILU, 70 },
		{ "families/qwen2", "\"vocab_size\"",
		  "\"rope_scaling\": {\"rope_type\": \"default\", \"rope_theta\": 800}, \"vocab_size\"", 2, ACTIVATION_SILU, 800 },
		/* an object for each type of layer, or one for all: a family has the one or the other */
		{ "families/gemma3-types", "\"full_attention\": {", "\"rope_theta\": 20, \"something_else\": {", 1,
		  ACTIVATION_GELU_TANH, 1e6f },
		{ "families/phi3-long", "\"pad_token_id\"",
		  "\"rope_parameters\": {\"full_attention\": {\"rope_theta\": 900}}, \"pad_token_id\"", 1, ACTIVATION_SILU, 70 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		struct model *m = open_changed(rows[i].fixture, rows[i].from, rows[i].to, &err);

		CHECK_THAT(m && m->config.G == rows[i].kv_heads && m->config.activation == rows[i].activation &&
				   (rows[i].base == 0 || m->config.rotary.base == rows[i].base),
			   "%s with %s: %d key/value heads, base %g %s", rows[i].fixture, rows[i].to, m ? m->config.G : 0,
			   m ? (double)m->config.rotary.base : 0, err.text);
		model_free(m);
	}
	/* Phi-3 was first trained for 4096 tokens, whatever its scaling says by itself */
	struct err err = { 0 };
	struct model *m = open_changed("families/phi3-long", "\"original_max_position_embeddings\"", "\"something_else\"", &err);

	CHECK_THAT(m && m->config.rotary.first_length == 4096, "Phi-3: %s", err.text);
	model_free(m);
	/* Gemma 3's folders with images leave out what is as in its smallest: 8 heads of 256 */
	m = open_changed("families/gemma3", "\"num_attention_heads\"", "\"something_else\"", &err);

	CHECK_THAT(!m && strstr(err.text, "the model needs number 32"), "8 heads: %s", err.text);
	m = open_changed("families/gemma3", "\"head_dim\"", "\"something_else\"", &err);
	CHECK_THAT(!m && strstr(err.text, "has 8 numbers, expected 256"), "of 256: %s", err.text);
}

/* The fixture with a name in its header changed for another as long; what opening it says, notes included. */
/*
 * The longest prompt of each family where the settings do not say: transformers' own (tests/reference/make_defaults.py). Where
 * positions are rows of a table, its rows are what is asked for.
 */
static void test_contexts(void)
{
	static const char *const keys[] = { "\"max_position_embeddings\"", "\"n_positions\"", "\"max_seq_len\"" };
	FILE *f = fopen("tests/fixtures/defaults/contexts.txt", "r");
	char folder[60], fixture[80];
	int context, n = 0;

	for (; f && fscanf(f, "%59s %d", folder, &context) == 2; n++) {
		struct err err = { 0 };
		struct model *m = NULL;

		snprintf(fixture, sizeof fixture, "families/%s", folder);
		for (size_t k = 0; !m && !*err.text && k < sizeof keys / sizeof *keys; k++) {
			m = open_changed(fixture, keys[k], "\"something_else\"", &err);
			if (m && m->config.context != context) { /* the key is not there */
				model_free(m);
				m = NULL;
			}
		}
		CHECK_THAT(m || strstr(err.text, "a row for every position"), "%s without a longest prompt takes %d %s", folder,
			   context, err.text);
		model_free(m);
	}
	if (f)
		fclose(f);
	CHECK_THAT(n >= 70, "%d folders", n);
}

/* A window that Mistral's settings do not mention is 4096 wide, and none where they say null. */
static void test_mistral_window(void)
{
	static const struct {
		const char *from, *to;
		int window;
	} rows[] = { { "\"sliding_window\": 4", "\"sliding_window\": 4", 4 },
		     { "\"sliding_window\"", "\"something_else\"", 4096 },
		     { "\"sliding_window\": 4", "\"sliding_window\": null", 0 } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		struct model *m = open_changed("tiny/mistral-window", rows[i].from, rows[i].to, &err);
		int window = m && m->config.window ? m->config.window[0] : 0;

		CHECK_THAT(m && window == rows[i].window, "%s: a window of %d %s", rows[i].to, window, err.text);
		model_free(m);
	}
}

static const char *rename_tensor(const char *from, const char *to, struct err *err, struct notes *notes)
{
	static char bytes[1 << 20];
	FILE *f = fopen("tests/fixtures/tiny/llama3/model.safetensors", "rb");
	size_t n = fread(bytes, 1, sizeof bytes, f);
	char *at = memmem(bytes, n, from, strlen(from)), *folder = scratch_path("m");
	struct model *m = NULL;

	fclose(f);
	if (at)
		memcpy(at, to, strlen(to));
	free(scratch_file("m/model.safetensors", bytes, n));
	free(scratch_file("m/config.json", base, strlen(base)));
	if (at && (m = model_open(folder, NULL, notes, err)))
		err_set(err, ERR_ARGUMENT, "%s", notes->n ? notes->line[0] : "it opens");
	model_free(m);
	free(folder);
	return err->text;
}

/* What single families refuse. */
static void test_refused(void)
{
	static const struct {
		const char *fixture, *from, *to, *says;
	} rows[] = {
		{ "families/ministral3", "\"llama_4_scaling_beta\"", "\"something_else\"",
		  "rope_parameters lacks llama_4_scaling_beta" },
		{ "families/mpt", "\"alibi\": true", "\"alibi\": false", "attn_config: alibi other than true is not supported" },
		{ "families/mpt", "\"alibi\": true", "\"qk_ln\": true", "attn_config: qk_ln other than false is not supported" },
		{ "families/mpt", "\"alibi\": true", "\"attn_type\": \"multiquery_attention\"",
		  "the attn_type \"multiquery_attention\" is not supported" },
		{ "families/mpt", "\"n_layers\": 2", "\"n_layers\": 2, \"expansion_ratio\": 2", "expansion_ratio other than 4" },
		{ "families/opt", "\"word_embed_proj_dim\": 20", "\"word_embed_proj_dim\": 12", "should be [vocabulary, 12]" },
		{ "families/opt", "\"word_embed_proj_dim\": 20", "\"word_embed_proj_dim\": 12.5", "not a whole number" },
		{ "families/opt-project", "\"word_embed_proj_dim\": 8", "\"word_embed_proj_dim\": 20",
		  "should be [vocabulary, 20]" },
		{ "families/codegen-eight", "\"n_head\": 8", "\"n_head\": 7",
		  "n_head: 14 channels of all heads are not four equal blocks" },
		{ "families/glm4", "\"hidden_act\": \"silu\"", "\"hidden_act\": \"xielu\"", "the activation \"xielu\"" },
		{ "families/exaone4", "\"LLLG\"", "[4]", "sliding_window_pattern is not a number or letters" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		struct model *m = open_changed(rows[i].fixture, rows[i].from, rows[i].to, &err);

		CHECK_THAT(!m && strstr(err.text, rows[i].says), "%s with %s: %s", rows[i].fixture, rows[i].to,
			   m ? "it opens" : err.text);
		model_free(m);
	}
}

/* Which layers have a window and which turn, where the settings say so in one way or another. */
static void test_layers(void)
{
	static const struct {
		const char *fixture, *from, *to;
		int window[2];
		bool turns[2];
	} rows[] = {
		{ "families/exaone4", "\"layer_types\"", "\"layer_types\"", { 0, 4 }, { false, true } },
		{ "families/exaone4", "\"layer_types\"", "\"something_else\"", { 4, 4 }, { true, true } },
		{ "families/cohere2",
		  "\"layer_types\"",
		  "\"sliding_window_pattern\": \"GL\", \"something_else\"",
		  { 0, 4 },
		  { false, true } },
		{ "families/exaone4", "\"sliding_window\": 4", "\"sliding_window\": null", { 0, 0 }, { true, true } },
		{ "families/cohere2",
		  "\"layer_types\"",
		  "\"sliding_window_pattern\": 2, \"something_else\"",
		  { 4, 0 },
		  { true, false } },
		{ "families/cohere2", "\"layer_types\"", "\"something_else\"", { 4, 4 }, { true, true } },
		{ "families/olmo3", "\"layer_types\"", "\"something_else\"", { 4, 4 }, { true, true } },
		{ "families/olmo3", "\"sliding_window\"", "\"something_else\"", { 4096, 0 }, { true, true } },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct err err = { 0 };
		struct model *m = open_changed(rows[i].fixture, rows[i].from, rows[i].to, &err);

		for (int l = 0; m && l < 2; l++) {
			const int window = m->config.window ? m->config.window[l] : 0;
			const bool turns = !m->config.no_rotary || !m->config.no_rotary[l];

			CHECK_THAT(window == rows[i].window[l] && turns == rows[i].turns[l],
				   "%s with %s: layer %d has a window of %d, %s", rows[i].fixture, rows[i].to, l, window,
				   turns ? "turns" : "does not turn");
		}
		CHECK_THAT(m, "%s with %s %s", rows[i].fixture, rows[i].to, err.text);
		model_free(m);
	}
}

/* Of a model of text and images the text part is read, and what is left out is named. */
static void test_other_parts(void)
{
	static const struct {
		const char *fixture, *says;
	} rows[] = {
		{ "mistral3", "all but the text part: multi_modal_projector (4 tensors), vision_tower (11 tensors)" },
		{ "smolvlm", "all but the text part: model.connector (1 tensor), model.vision_model (21 tensors)" },
		{ "ministral3", "" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct model_facts facts = { 0 };
		struct err err = { 0 };
		char path[200];

		snprintf(path, sizeof path, "tests/fixtures/families/%s", rows[i].fixture);
		CHECK_THAT(model_glance(path, &facts, &err), "%s %s", path, err.text);
		CHECK_TEXT(facts.unused, rows[i].says);
	}
}

static void test_tensors(void)
{
	struct err err = { 0 };
	struct notes notes = { 0 };
	char *config;
	struct model *m;
	const char *says = rename_tensor("layers.1.self_attn.q_proj.weight", "layers.1.self_attn.q_prox.weight", &err, &notes);

	CHECK_THAT(strstr(says, "1 of the tensors that a llama model needs is missing: model.layers.1.self_attn.q_proj.weight") &&
			   strstr(says, "1 that is there is not used: model.layers.1.self_attn.q_prox.weight") &&
			   strstr(says, "the nearest name that is there is model.layers.1.self_attn.q_prox.weight"),
		   "%s", says);
	CHECK(!notes.n);
	err = (struct err){ 0 };
	CHECK_TEXT(rename_tensor("layers.1.self_attn.q_proj.weight", "layers.1.self_attn.q_proj.weight", &err, &notes), "it opens");

	/* one layer fewer: the tensors of the other are there for nothing */
	err = (struct err){ 0 };
	config = changed(base, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
	m = open_with("tiny/llama3", config, &notes, &err);
	CHECK_THAT(m && notes.n == 1 &&
			   strstr(notes.line[0], "9 tensors of the file belong to no part of a llama model and are left out: "
						 "model.layers.1."),
		   "%s%s", err.text, notes.n ? notes.line[0] : "no note");
	model_free(m);
	notes_done(&notes);
	free(config);

	/* the unembedding of its own that a tied model has counts, and is told of; masks are no surprise */
	notes = (struct notes){ 0 };
	config = changed(base, "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true");
	m = open_with("tiny/llama3", config, &notes, &err);
	CHECK_THAT(m && !m->config.tied && notes.n == 1 &&
			   strstr(notes.line[0], "the file has its own lm_head.weight, which is used"),
		   "%s", notes.n ? notes.line[0] : "");
	model_free(m);
	notes_done(&notes);
	free(config);
	m = model_open("tests/fixtures/tiny/gpt2-tied", NULL, &notes, &err);
	CHECK_THAT(m && !notes.n, "neither are masks %s", notes.n ? notes.line[0] : "");
	model_free(m);
	notes_done(&notes);
}

/* Weights alone are enough for those who bring numbers of tokens, and for nobody else. */
static void test_no_tokenizer(void)
{
	char *folder = scratch_path("bare");
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct model *m;

	copy_file("tests/fixtures/tiny/llama3/model.safetensors", "bare/model.safetensors");
	free(scratch_file("bare/config.json", base, strlen(base)));
	CHECK(!model_open(folder, NULL, NULL, &err) && strstr(err.text, "there is no tokenizer"));
	m = model_open_for_ids(folder, NULL, &notes, &err);
	CHECK(m && !m->tokenizer && m->W_U);
	CHECK(notes.n == 1 && strstr(notes.line[0], "there is no tokenizer") && strstr(notes.line[0], "by their numbers"));
	model_free(m);
	notes_done(&notes);
	free(folder);
}

int main(void)
{
	test_hostile();
	test_routers();
	test_forms();
	test_other_keys();
	test_denied_biases();
	test_bare_biases();
	test_marks();
	test_tied();
	test_defaults();
	test_contexts();
	test_mistral_window();
	test_refused();
	test_layers();
	test_other_parts();
	test_tensors();
	test_no_tokenizer();
	scratch_done();
	return tap_done();
}
