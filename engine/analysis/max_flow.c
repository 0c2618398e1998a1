/* max_flow.c - see max_flow.h. */
#include "engine/analysis/max_flow.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "engine/base/arena.h"

static const double none = 1e-9; /* less room than this is none */

struct net {
	int layers, n; /* positions: source … query are 0 … n-1 */
	double *room;  /* [layers, n, n] left from (l+1, i) to (l, k) */
	double *back;  /* [layers, n, n] what is sent there, and may be sent back */
	int *far;      /* [layers+1, n] steps from the top's node; -1: it cannot be reached */
	int *next;     /* [layers+1, n] the first neighbour that is not known to lead nowhere */
	int *queue;    /* [layers+1, n] */
};

static size_t edge(const struct net *g, int level, int i, int k)
{
	return ((size_t)level * (size_t)g->n + (size_t)i) * (size_t)g->n + (size_t)k;
}

/* Neighbours of a node: 0 … n-1 the positions one level below, n … 2n-1 those above. -1: there is no room. */
static int neighbour(const struct net *g, int node, int at, double **room)
{
	int level = node / g->n, i = node % g->n, k = at % g->n;

	if (at < g->n) {
		if (!level || k > i)
			return -1;
		*room = &g->room[edge(g, level - 1, i, k)];
		return **room > none ? (level - 1) * g->n + k : -1;
	}
	if (level == g->layers || k < i)
		return -1;
	*room = &g->back[edge(g, level, k, i)];
	return **room > none ? (level + 1) * g->n + k : -1;
}

/* The same edge in the other direction. */
static double *reverse(const struct net *g, const double *room)
{
	size_t edges = (size_t)g->layers * (size_t)g->n * (size_t)g->n;

	return room < g->room + edges && room >= g->room ? g->back + (room - g->room) : g->room + (room - g->back);
}

/* Steps from the top; whether the bottom (position 0 of level 0) can be reached. */
static bool measure(struct net *g)
{
	int nodes = (g->layers + 1) * g->n, first = 0, last = 0, to;
	double *room;

	for (int i = 0; i < nodes; i++) {
		g->far[i] = -1;
		g->next[i] = 0;
	}
	g->queue[last++] = nodes - 1;
	g->far[nodes - 1] = 0;
	while (first < last) {
		int node = g->queue[first++];

		for (int k = 0; k < 2 * g->n; k++)
			if ((to = neighbour(g, node, k, &room)) >= 0 && g->far[to] < 0) {
				g->far[to] = g->far[node] + 1;
				g->queue[last++] = to;
			}
	}
	return g->far[0] >= 0;
}

/* Sends up to `most` from a node to the bottom, by shortest ways. */
static double send(struct net *g, int node, double most)
{
	double sent = 0, *room;

	if (!node)
		return most;
	for (; g->next[node] < 2 * g->n && most - sent > none; g->next[node]++) {
		int to = neighbour(g, node, g->next[node], &room);
		double part;

		if (to < 0 || g->far[to] != g->far[node] + 1)
			continue;
		part = send(g, to, fmin(most - sent, *room));
		*room -= part;
		*reverse(g, room) += part;
		sent += part;
		if (most - sent <= none) /* there may be room left here */
			break;
	}
	return sent;
}

/* What can leave the top's node, and what can enter the bottom's. */
static double bound(const struct net *g)
{
	double out = 0, in = 0;

	for (int k = 0; k < g->n; k++) {
		out += g->room[edge(g, g->layers - 1, g->n - 1, k)];
		in += g->room[edge(g, 0, k, 0)];
	}
	return fmin(out, in);
}

double max_flow(const float *share, int layers, int T, int query, int source)
{
	struct net g = { .layers = layers, .n = query - source + 1 };
	size_t n = (size_t)g.n, edges = (size_t)layers * n * n, nodes = ((size_t)layers + 1) * n;
	double flow = 0, most;

	g.room = xcalloc(2 * edges, sizeof *g.room);
	g.back = g.room + edges;
	g.far = xmalloc(3 * nodes * sizeof *g.far);
	g.next = g.far + nodes;
	g.queue = g.next + nodes;
	for (int l = 0; l < layers; l++)
		for (int i = 0; i < g.n; i++)
			for (int k = 0; k <= i; k++)
				g.room[edge(&g, l, i, k)] = (double)
					share[((size_t)l * (size_t)T + (size_t)(source + i)) * (size_t)T + (size_t)(source + k)];
	most = bound(&g);
	while (most - flow > none && measure(&g))
		flow += send(&g, (int)nodes - 1, most - flow);
	free(g.far);
	free(g.room);
	return flow;
}
