/* chunk.c - see chunk.h. */
#include "engine/base/chunk.h"

static _Thread_local bool inside;

void chunk_enter(void)
{
	inside = true;
}

void chunk_leave(void)
{
	inside = false;
}

bool chunk_inside(void)
{
	return inside;
}
