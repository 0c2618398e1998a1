/*
 * packed.h - keys and values of one layer's rows, put in order for the products of attention; kept beside the rows, so that a run
 * that continues where another ends puts in order only what is new.
 *
 * The rows themselves are elsewhere (layer.h). Whoever brings in rows does so alone; reading is for any thread.
 */
#ifndef LMSCOPE_ENGINE_RUN_PACKED_H
#define LMSCOPE_ENGINE_RUN_PACKED_H

#include "engine/model/config.h"
#include "engine/numbers/dense.h"

struct packed {
	int groups, rows; /* KV heads; rows that are in, of all of them */
	struct packed_head {
		struct dense keys, values; /* [K, room] and [room, K] */
	} head[];			   /* [groups] */
};

struct packed *packed_new(const struct config *c, int room);
void packed_free(struct packed *p); /* NULL is fine */
/* Brings in rows `from` … to-1 of one head of k and v[rows, G, K]. p->rows is the caller's to raise when all heads are done. */
void packed_fill(struct packed *p, const struct config *c, int group, const float *k, const float *v, int from, int to);
/* Brings in k and v[n, G, K] as the rows at … at+n-1 of one head. */
void packed_put(struct packed *p, const struct config *c, int group, const float *k, const float *v, int at, int n);

#endif
