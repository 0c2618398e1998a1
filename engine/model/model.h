/*
 * model.h - an opened model: its sizes and options, its weights, its tokenizer. Immutable once open.
 *
 * Legend (used everywhere): L layers, T positions, D channels of the residual stream, H query heads, G key/value heads, K channels
 * of a head, F neurons of an MLP, X experts of a mixture, V vocabulary.
 *
 * Weights are raw, as Hugging Face runs them: nothing is folded or centred, but for OPT-350m's tables of embeddings, which are
 * narrower than the stream: they are multiplied once by the matrices that lead to the stream and back.
 */
#ifndef LMSCOPE_ENGINE_MODEL_MODEL_H
#define LMSCOPE_ENGINE_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/base/notes.h"
#include "engine/base/str.h"
#include "engine/base/task.h"
#include "engine/model/config.h"
#include "engine/numbers/matrix.h"

struct tokenizer;

struct norm {
	float *gain, *bias; /* [D] (or [K] for a head's norm); NULL: 1 and 0 */
	bool there;	    /* false: this norm does not exist in the family: identity */
};

/* One expert of a mixture: a gated MLP. Its weights stay in the file's mapping, and are read when a token chooses it. */
struct expert {
	struct matrix *W_gate, *W_in, *W_out; /* [D, F], [D, F], [F, D] with the F of struct experts */
};

struct layer {
	struct norm ln1, ln2;		/* before attention and MLP */
	struct norm ln1_post, ln2_post; /* on their outputs (sandwich norms) */
	struct norm q_norm, k_norm;
	struct matrix *W_Q, *W_K, *W_V; /* [D, H*K], [D, G*K], [D, G*K] */
	struct matrix *W_O;		/* [H*K, D] */
	float *b_Q, *b_K, *b_V, *b_O;	/* NULL where there is none */
	/*
	 * Of a short convolution, which has no queries, keys and values: z = C ⊙ (conv(B ⊙ X) + b_conv), each made of the
	 * stream.
	 */
	struct matrix *W_B, *W_C, *W_X; /* [D, H*K] */
	float *b_B, *b_C, *b_X, *b_conv;
	float *conv;			      /* [H*K, taps] the last tap is the position's own */
	struct matrix *W_gate, *W_in, *W_out; /* [D, F], [D, F], [F, D]; W_gate NULL: the MLP has no gate */
	float *b_gate, *b_in, *b_out;
	/* Of a mixture; W_gate, W_in and W_out are then those of the shared expert, or NULL. */
	struct matrix *W_router; /* [D, X] */
	float *b_choice;	 /* [X] added to the scores when experts are chosen, not in their weights; or NULL */
	struct expert *expert;	 /* [X] */
	struct matrix *W_share;	 /* [D, 1] the shared expert's write is times the sigmoid of this; NULL: times 1 */
};

struct model {
	struct config config;
	char *name; /* as people call it: "SmolLM2-135M", "demo" */
	char *path; /* where it was found */
	struct tokenizer *tokenizer;
	struct layer *layers;	    /* [L] */
	const struct tensor *W_E;   /* [V, D] token embedding, in the mapping */
	const struct tensor *W_pos; /* [context, D] learned positions, or NULL */
	struct norm embed_norm, ln_final;
	struct matrix *W_U; /* [D, V] */
	float *b_U;	    /* [V] or NULL */
	/* and what model_close() frees: see model.c */
	struct model_store *store;
};

/*
 * Opens a folder, a .gguf file, "demo", or a name found in a cache of this machine. With `task`, progress is in layers and it can
 * be cancelled. NULL on error. The sentence names the file and the place.
 */
struct model *model_open(const char *where, struct task *task, struct notes *notes, struct err *err);
/* The same for those who bring numbers of tokens: a tokenizer that is missing or broken is a note, and m->tokenizer NULL. */
struct model *model_open_for_ids(const char *where, struct task *task, struct notes *notes, struct err *err);
/* Everything but the weights: sizes, options, tokenizer. For what can be told before anything large is read. */
struct model *model_peek(const char *where, struct err *err);
void model_free(struct model *m);
/* A number that the bytes of its unembedding give: the same model, or one that shares them. */
uint64_t model_unembedding_hash(const struct model *m);

/* What is needed, before any weight is read: the folder's or file's header alone. */
struct model_facts {
	char name[128], family[32], source[512], dtypes[96], tokenizer[96], bos[256], unused[512];
	int L, D, H, G, K, V, context;
	int neurons; /* of an MLP that is no mixture; 0: all are mixtures */
	/* of a mixture; shared_neurons: of the MLP beside them, which every token passes through, or 0 */
	int experts, chosen, expert_neurons, shared_neurons;
	char mixtures[128];	/* the layers that are: "1, 3-5"; empty: none, or every one */
	char convolutions[128]; /* the layers that are short convolutions, of conv_taps positions; empty: none */
	int conv_taps;
	const char *router;	       /* how theirs score: "softmax", "sigmoid", "sparsemixer" */
	bool tied, gated, llama_tanh;  /* llama_tanh: llama.cpp's numbers differ a little: see family.h */
	size_t parameters, file_bytes; /* file_bytes: what is mapped */
	size_t private_bytes;	       /* weights in private memory */
	size_t tokenizer_bytes;	       /* 0 when only the weights were looked at */
	/* … instead of so many, since memory is short: weights are read from the file at each use; or 0 */
	size_t in_place_of;
	size_t run_bytes_per_token;    /* stored sites */
	size_t stream_bytes_per_token; /* … when only the stream is kept: layer.h in engine/run */
	size_t run_bytes_per_pair;     /* the pattern: for each token with each */
};
/*
 * Floats of a token in a layer: of the stream and of what later tokens look at; of what passes by between them, the pattern
 * aside.
 */
size_t model_stream_floats(const struct config *c);
size_t model_passing_floats(const struct config *c);
/* From the headers alone, tokenizer left out: fast enough for a list of hundreds. The sentence says why it cannot be opened. */
bool model_glance(const char *where, struct model_facts *facts, struct err *err);
void model_facts_of(const struct model *m, struct model_facts *facts);

/* A weight that is NaN or infinite: a file that broke, or a training that did. */
struct model_flaw {
	const struct tensor *tensor;
	size_t row, column;
	float value;
};
/* The first one among the tensors of a layer; layer -1: among embeddings, final norm and unembedding. false: there is none. */
bool model_find_flaw(const struct model *m, int layer, struct model_flaw *flaw);

/* x[D] = a token's embedding alone, as the family scales it: what "the input" is wherever a metric is attributed to it. */
void model_input(const struct model *m, int32_t token, float *x);
/* [D]: the mean input over the vocabulary. Found when it is first asked for, by any thread. */
const float *model_mean_input(const struct model *m);
/* In place, from the input to what enters layer 0: the learned position is added (-1: none), then what the family normalises. */
void model_enter(const struct model *m, int position, float *x);
/*
 * Back: d[D] at what enters layer 0 to g[D] (may be d) at the input, which was x[D]; frozen: a norm's scale is taken as
 * constant.
 */
void model_enter_back(const struct model *m, const float *x, int position, bool frozen, const float *d, float *g);
/* Both ways in one. */
void model_embed(const struct model *m, int32_t token, int position, float *x);
/* y[n, D] = final norm of x[n, D]; scale[n] receives 1/sqrt(…) of each row, may be NULL. x and y may be the same. */
void model_final_norm(const struct model *m, const float *x, int n, float *y, float *scale);
/* How many weights of the layers a token is multiplied with; the unembedding has D V more. */
double model_multiplications(const struct model *m);
/* logits[n, V] of normalised rows y[n, D]: W_U, b_U, the logit scale and cap applied. */
void model_unembed(const struct model *m, const float *y, int n, float *logits);
/* The same for the tokens from … from+count-1 alone, rows `ld` floats apart: the vocabulary in blocks. */
void model_unembed_some(const struct model *m, const float *y, int n, int from, int count, float *logits, size_t ld);
/* The same of rows that matrix_pack_rows(m->W_U) has seen, in this thread alone: may be called from a chunk of the pool. */
void model_unembed_here(const struct model *m, const struct matrix_rows *y, int from, int count, float *logits, size_t ld);
/*
 * How much a logit answers to its product with W_U, the cap and the scale of logits in one. chord: of the cap, value / argument in
 * the place of its slope.
 */
float model_unembed_slope(const struct model *m, float logit, bool chord);
/*
 * From d[n, V] at the logits, which are given, to g[n, D] at the normalised rows. d becomes the gradient at W_U's products and
 * b_U.
 */
void model_unembed_back(const struct model *m, const float *logits, int n, bool chord, float *d, float *g);

#endif
