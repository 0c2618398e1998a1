/* align.c - see align.h. */
#include "tui/app/align.h"

static int shared_start(const struct snapshot_token *a, int n, const struct snapshot_token *b, int m)
{
	int same = 0;

	while (same < n && same < m && a[same].id == b[same].id)
		same++;
	return same;
}

static int shared_end(const struct snapshot_token *a, int n, const struct snapshot_token *b, int m)
{
	int same = 0;

	while (same < n && same < m && a[n - 1 - same].id == b[m - 1 - same].id)
		same++;
	return same;
}

int align_tokens(const struct snapshot_token *prompt, int n, const struct snapshot_token *foil, int m, struct aligned *out)
{
	int start = shared_start(prompt, n, foil, m),
	    end = n == m ? 0 : shared_end(prompt + start, n - start, foil + start, m - start);
	int pairs = 0, i = 0, k = 0;

	while (i < n || k < m) {
		bool in_prompt = i < n - end || (k >= m - end && i < n), in_foil = k < m - end || (i >= n - end && k < m);
		struct aligned *pair = &out[pairs++];

		*pair = (struct aligned){ in_prompt ? i++ : -1, in_foil ? k++ : -1, true };
		if (in_prompt && in_foil)
			pair->differ = prompt[pair->prompt].id != foil[pair->foil].id;
	}
	return pairs;
}
