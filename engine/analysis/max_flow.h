/*
 * max_flow.h - attention flow (Abnar & Zuidema 2020): how much can pass from a token at the top to one at the bottom, where each
 * layer's edge from i to k carries at most share[i, k].
 *
 *   nodes (level 0 … layers, position); edges (l+1, i) → (l, k), k <= i
 *
 * Dinic's algorithm: shortest ways first, all of one length at once, flow may be sent back. Of the tokens only those between the
 * two take part. Where the flow reaches what can leave the top or enter the bottom, it is the greatest.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_MAX_FLOW_H
#define LMSCOPE_ENGINE_ANALYSIS_MAX_FLOW_H

/* share[layers, T, T], rows sum to at most 1. Within 1e-8 of the greatest flow. May be called from a chunk. */
double max_flow(const float *share, int layers, int T, int query, int source);

#endif
