/*
 * direction.h - directions of the residual stream that stand for something, found from prompts that have it and prompts that do
 * not.
 *
 * Difference of means (Marks & Tegmark 2023, Rimsky et al. 2024): mean of resid_post over the last positions of the one set, minus
 * the other's. Its PCA variant (Zou et al. 2023): the first principal direction of the pairs' differences, whose mean is not taken
 * off before (uncentred), turned the way that mean points and as long as it reaches along it. Unembedding difference: W_U[:, a] −
 * W_U[:, b], the same in every layer.
 */
#ifndef LMSCOPE_ENGINE_RUN_DIRECTION_H
#define LMSCOPE_ENGINE_RUN_DIRECTION_H

#include "engine/base/prompts.h"
#include "engine/base/task.h"
#include "engine/model/model.h"
#include "engine/model/tokenizer/tokenizer.h"

struct directions {
	int L, D;
	float *vector; /* [L, D] to be added to resid_post */
	double *norm;  /* [L] their lengths */
	/* [L] how well the projection on it tells the sets apart: 1 wholly, 0.5 not at all; NULL without prompts */
	double *auc;
};

struct prompt_set {
	const int32_t **tokens; /* [n] */
	int *T, *line;		/* [n] how many, and where in the file */
	int n;
	const char *path; /* for sentences */
};

/* Prompts as tokens. Memory from `arena`. */
bool prompt_set_encode(struct prompt_set *out, const struct prompt *prompt, int n, const char *path, const struct model *m,
		       enum tokenizer_bos bos, struct arena *arena, struct err *err);
/* The prompts of a file, as tokens; foils and answers are not read. Memory from `arena`. */
bool prompt_set_read(const char *path, const struct model *m, enum tokenizer_bos bos, struct prompt_set *out, struct arena *arena,
		     struct err *err);

/* Memory from `arena`. pca needs as many prompts in the one set as in the other. */
bool directions_of_prompts(const struct model *m, const struct prompt_set *with, const struct prompt_set *without, bool pca,
			   struct directions *out, struct arena *arena, struct task *task, struct err *err);
bool directions_of_tokens(const struct model *m, int32_t a, int32_t b, struct directions *out, struct arena *arena,
			  struct err *err);

#endif
