/*
 * bind.h - which tensor of a checkpoint is which weight of a model: names become a list of things to load.
 *
 * Nothing is read yet: the plan serves both the estimate of memory before loading and the loading itself.
 */
#ifndef LMSCOPE_ENGINE_MODEL_BIND_H
#define LMSCOPE_ENGINE_MODEL_BIND_H

#include "engine/model/family.h"
#include "engine/model/model.h"

/* A matrix to pack, and where its pointer goes. */
struct plan_matrix {
	struct matrix_source source;
	struct matrix **to;
	int layer;		    /* -1: none */
	const struct tensor *whole; /* of which source.tensor is a part; NULL: it is all of it */
};

/* A vector to expand: `count` numbers, `add` added to each, picked from `first` on or by `pick`. */
struct plan_vector {
	const struct tensor *tensor;
	int first, count;
	const int32_t *pick;
	float add;
	bool whole;  /* the tensor has no more numbers than these */
	float **to;  /* receives a new array, unless it goes … */
	float *into; /* … into one that is there */
	int layer;
};

/*
 * A table of embeddings times the matrix between it and the stream, made when the model is loaded: into[V, D] = table[V, E] P. P is
 * the projection [D, E] of embeddings (transposed), or `out` the one [E, D] before the unembedding.
 */
struct plan_product {
	const struct tensor *table, *projection;
	bool out;
	struct tensor *into; /* its data come then */
};

struct bind_plan {
	struct arena *arena; /* the model's */
	struct plan_matrix *matrix;
	struct plan_vector *vector;
	const struct tensor *own_head;	/* an unembedding in the file although the settings tie it to the embedding; or NULL */
	struct plan_product product[2]; /* embedding, unembedding */
	int products;
	const char *ignored; /* a sentence about settings that are not obeyed; NULL: there are none */
	const char *bare;    /* a sentence about biases that the settings have and the file has not; NULL: there are none */
	const char *unused;  /* a sentence about tensors that are no weight's; NULL: there are none */
	const char *other;   /* the same about parts for images and sound */
	int matrices, vectors, matrix_capacity, vector_capacity;
};

/*
 * Fills in m->config (with V), m->layers, m->W_E, m->W_pos and the plan, all from m's arena. Every missing tensor is named in one
 * sentence, with those that are there for nothing and the nearest name.
 */
bool bind_model(const struct checkpoint *c, struct model *m, struct bind_plan *plan, struct err *err);

#endif
