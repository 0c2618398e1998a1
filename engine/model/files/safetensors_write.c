/* safetensors_write.c - see safetensors_write.h; the format is in safetensors.c. */
#include "engine/model/files/safetensors_write.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/str.h"

static const char *type_name(enum dtype type)
{
	switch (type) {
	case DTYPE_F64:
		return "F64";
	case DTYPE_F16:
		return "F16";
	case DTYPE_BF16:
		return "BF16";
	case DTYPE_F8_E4M3:
		return "F8_E4M3";
	case DTYPE_F8_E5M2:
		return "F8_E5M2";
	default:
		return "F32";
	}
}

static void add_notes(struct str *head, const struct safetensors_note *note, int notes)
{
	for (int i = 0; i < notes; i++) {
		str_add(head, i ? "," : "\"__metadata__\":{");
		json_write_string(head, note[i].key, strlen(note[i].key));
		str_add_char(head, ':');
		json_write_string(head, note[i].value, strlen(note[i].value));
	}
	str_add(head, notes ? "}" : "");
}

/* Spaces at its end bring the data to a multiple of 8 bytes. */
static void make_header(struct str *head, const struct safetensors_note *note, int notes, const struct tensor *tensor, int tensors)
{
	size_t at = 0;

	str_add_char(head, '{');
	add_notes(head, note, notes);
	for (int i = 0; i < tensors; i++) {
		const struct tensor *t = &tensor[i];

		str_add(head, i || notes ? "," : "");
		json_write_string(head, t->name, strlen(t->name));
		str_addf(head, ":{\"dtype\":\"%s\",\"shape\":[", type_name(t->type));
		for (int d = 0; d < t->dims; d++)
			str_addf(head, "%s%lld", d ? "," : "", (long long)t->shape[d]);
		str_addf(head, "],\"data_offsets\":[%zu,%zu]}", at, at + t->bytes);
		at += t->bytes;
	}
	str_add_char(head, '}');
	while (head->n % 8)
		str_add_char(head, ' ');
}

bool safetensors_write(const char *path, const struct safetensors_note *note, int notes, const struct tensor *tensor, int tensors,
		       struct err *err)
{
	struct file_part *part = xcalloc((size_t)tensors + 2, sizeof *part);
	unsigned char length[8];
	struct str head;
	bool ok;

	str_init(&head);
	make_header(&head, note, notes, tensor, tensors);
	for (int i = 0; i < 8; i++)
		length[i] = (unsigned char)(head.n >> 8 * i & 255);
	part[0] = (struct file_part){ length, sizeof length };
	part[1] = (struct file_part){ head.s, head.n };
	for (int i = 0; i < tensors; i++)
		part[i + 2] = (struct file_part){ tensor[i].data, tensor[i].bytes };
	ok = file_write_parts(path, part, tensors + 2, err);
	str_done(&head);
	free(part);
	return ok;
}
