/* torch_weights.c - the tensors of a file of torch.save as weights.c lists them. */
#include <string.h>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/model/files/weights_inside.h"

static bool fail(const struct weights_shard *shard, const struct torch_tensor *t, const char *what, struct err *err)
{
	struct str shown;

	str_init(&shown);
	utf8_safe(&shown, t->name, strnlen(t->name, 200), false);
	err_set(err, ERR_FILE, "%s: tensor %s %s", shard->path, shown.s, what);
	str_done(&shown);
	return false;
}

/* Its bytes in the order of its shape: where they are, or gathered. */
static const unsigned char *bytes_of(const struct torch_tensor *t, struct arena *arena, struct err *err)
{
	unsigned char *bytes;

	if (torch_tensor_is_contiguous(t))
		return t->data;
	bytes = arena_raw(arena, t->count, torch_tensor_width(t), err);
	if (bytes)
		torch_tensor_gather(t, bytes);
	return bytes;
}

bool torch_weights_read(struct weights *w, const struct weights_shard *shard, struct arena *arena, struct err *err)
{
	for (size_t i = 0; i < torch_zip_tensors(shard->torch); i++) {
		const struct torch_tensor *from = torch_zip_tensor(shard->torch, i);
		struct tensor t = { .name = from->name, .dims = from->dims, .bytes = from->count * torch_tensor_width(from) };

		if (!torch_tensor_dtype(from, &t.type)) /* masks and positions */
			continue;
		if (from->dims > 4)
			return fail(shard, from, "has more than 4 dimensions", err);
		memcpy(t.shape, from->shape, (size_t)from->dims * sizeof *t.shape);
		t.data = bytes_of(from, arena, err);
		if (!t.data || !weights_list(w, shard, &t, err))
			return false;
	}
	return true;
}
