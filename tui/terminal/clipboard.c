/* clipboard.c - see clipboard.h. */
#include "tui/terminal/clipboard.h"

static void add_base64(struct str *out, const unsigned char *bytes, size_t n)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		unsigned group =
			(unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0u);

		str_add_char(out, digit[group >> 18 & 63]);
		str_add_char(out, digit[group >> 12 & 63]);
		str_add_char(out, left > 1 ? digit[group >> 6 & 63] : '=');
		str_add_char(out, left > 2 ? digit[group & 63] : '=');
	}
}

bool clipboard_sequence(const char *bytes, size_t n, bool in_tmux, struct str *out)
{
	if (n > CLIPBOARD_LIMIT)
		return false;
	str_add(out, "\033]52;c;");
	add_base64(out, (const unsigned char *)bytes, n);
	str_add(out, "\a");
	if (in_tmux) {
		str_add(out, "\033Ptmux;\033\033]52;c;");
		add_base64(out, (const unsigned char *)bytes, n);
		str_add(out, "\a\033\\");
	}
	return true;
}
