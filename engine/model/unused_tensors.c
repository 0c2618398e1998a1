/* unused_tensors.c - see unused_tensors.h. */
#include "engine/model/unused_tensors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"

/* What else there may be: beginnings and ends of names. */
/* clang-format off */
static const char *const known_beginnings[] = {
	"rope_freqs.", "rope_factors_",
};
/* Of the parts for images and sound, wherever they are; others only beside a text part with settings of its own. */
static const char *const part_beginnings[] = {
	"vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector.", "visual.",
		"model.visual.",
	"audio_tower.", "model.audio_tower.", "v.", "mm.",
};
/* What a text part's names begin with, within the outer "model." or without. */
static const char *const text_beginnings[] = {
	"language_model", "text_model", "lm_head", "embed_tokens", "layers", "norm",
};
/* clang-format on */
static const char *const known_ends[] = {
	".attn.bias",	 ".attn.masked_bias",  ".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq",
	".position_ids", ".rope_freqs.weight", ".attn_rot_embd",  ".attn.causal_mask",
};

static bool is_known(const char *name)
{
	for (size_t i = 0; i < sizeof known_beginnings / sizeof *known_beginnings; i++)
		if (!strncmp(name, known_beginnings[i], strlen(known_beginnings[i])))
			return true;
	for (size_t i = 0; i < sizeof known_ends / sizeof *known_ends; i++)
		if (text_ends(name, known_ends[i]) || !strcmp(name, known_ends[i] + 1))
			return true;
	return false;
}

/* The length of the module's name that a tensor of another part begins with; 0: it is none. */
static size_t other_part(const char *name, bool wrapped)
{
	const char *inner = strncmp(name, "model.", 6) ? name : name + 6, *dot = strchr(inner, '.');

	for (size_t i = 0; i < sizeof part_beginnings / sizeof *part_beginnings; i++)
		if (!strncmp(name, part_beginnings[i], strlen(part_beginnings[i])))
			return strlen(part_beginnings[i]) - 1;
	for (size_t i = 0; wrapped && i < sizeof text_beginnings / sizeof *text_beginnings; i++)
		wrapped = strncmp(inner, text_beginnings[i], strlen(text_beginnings[i])) != 0;
	return wrapped ? dot ? (size_t)(dot - name) : strlen(name) : 0;
}

static void count_part(struct account *a, const char *name, size_t length)
{
	int i = 0;

	while (i < a->parts && i < OTHER_PARTS - 1 && (a->part[i].length != length || strncmp(a->part[i].name, name, length) != 0))
		i++;
	if (i == a->parts)
		a->part[a->parts++] = (struct other_part){ name, length, 0 };
	a->part[i].tensors++;
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t) * (const struct tensor *const *)a, y = (uintptr_t) * (const struct tensor *const *)b;

	return (x > y) - (x < y);
}

void account_open(const struct checkpoint *c, const struct model *m, const struct bind_plan *plan, bool wrapped, struct account *a)
{
	const struct tensor **used = xcalloc((size_t)(plan->matrices + plan->vectors) + 6, sizeof *used);
	size_t n = 0;

	*a = (struct account){ .unused = xcalloc(checkpoint_tensors(c) + 1, sizeof *a->unused) };
	used[n++] = m->W_E;
	used[n++] = m->W_pos;
	for (int i = 0; i < plan->products; i++) {
		used[n++] = plan->product[i].table;
		used[n++] = plan->product[i].projection;
	}
	for (int i = 0; i < plan->matrices; i++)
		used[n++] = plan->matrix[i].whole ? plan->matrix[i].whole : plan->matrix[i].source.tensor;
	for (int i = 0; i < plan->vectors; i++)
		used[n++] = plan->vector[i].tensor;
	qsort(used, n, sizeof *used, by_address);
	for (size_t i = 0; i < checkpoint_tensors(c); i++) {
		const struct tensor *t = checkpoint_tensor(c, i);
		const size_t part = other_part(t->name, wrapped);

		if (bsearch(&t, used, n, sizeof *used, by_address) || is_known(t->name))
			continue;
		if (part)
			count_part(a, t->name, part);
		else
			a->unused[a->n++] = t;
	}
	free(used);
}

void account_close(struct account *a)
{
	free(a->unused);
	*a = (struct account){ 0 };
}

void account_list(const struct account *a, struct str *out)
{
	for (size_t i = 0; i < a->n && i < 8; i++) {
		str_add(out, i ? ", " : "");
		str_add_name(out, a->unused[i]->name);
	}
	str_add(out, a->n > 8 ? " …" : "");
}

void account_list_parts(const struct account *a, struct str *out)
{
	for (int i = 0; i < a->parts; i++) {
		const struct other_part *p = &a->part[i];
		char name[80] = "";

		memcpy(name, p->name, p->length < sizeof name ? p->length : sizeof name - 1);
		str_add(out, i ? ", " : "");
		str_add_name(out, name);
		str_addf(out, "%s (%zu tensor%s)", i == OTHER_PARTS - 1 ? " and others" : "", p->tensors,
			 p->tensors == 1 ? "" : "s");
	}
}

/* How many letters two names share at both ends: enough to find "model.layer.3" for "model.layers.3". */
static size_t likeness(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), head = 0, tail = 0, most = na < nb ? na : nb;

	while (head < most && a[head] == b[head])
		head++;
	while (tail < most - head && a[na - 1 - tail] == b[nb - 1 - tail])
		tail++;
	return 2 * (head + tail) * 1000 / (na + nb + 1);
}

const char *account_nearest(const struct account *a, const struct checkpoint *c, const char *name)
{
	const char *nearest = NULL;
	size_t best = 0;

	for (size_t i = 0; i < (a->n ? a->n : checkpoint_tensors(c)); i++) {
		const struct tensor *t = a->n ? a->unused[i] : checkpoint_tensor(c, i);

		if (!nearest || likeness(name, t->name) > best) {
			best = likeness(name, t->name);
			nearest = t->name;
		}
	}
	return nearest;
}
