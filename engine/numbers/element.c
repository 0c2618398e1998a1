/* element.c - see element.h. */
#include "engine/numbers/element.h"

#include <stdint.h>
#include <string.h>

#include "engine/numbers/dtype.h"

static float float_of(uint64_t x, size_t width)
{
	double wide;
	float f;

	if (width == 2)
		return dtype_half((uint16_t)x);
	if (width == 8) {
		memcpy(&wide, &x, sizeof wide);
		return (float)wide;
	}
	memcpy(&f, &(uint32_t){ (uint32_t)x }, sizeof f);
	return f;
}

float element_float(const void *bytes, size_t i, const struct element *e)
{
	const unsigned char *u = (const unsigned char *)bytes + i * e->width;
	uint64_t x = 0;
	int unused = 64 - 8 * (int)e->width;

	for (size_t k = 0; k < e->width; k++)
		x |= (uint64_t)u[k] << 8 * (e->big ? e->width - 1 - k : k);
	switch (e->kind) {
	case 'f':
		return float_of(x, e->width);
	case 'i':
		return (float)((int64_t)(x << unused) >> unused);
	default:
		return (float)x;
	}
}
