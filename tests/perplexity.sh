#!/usr/bin/env bash
# perplexity.sh PROGRAM - perplexities with windows and strides against tests/fixtures/perplexity (tests/reference/make_perplexity.py).
set -u
. "$(dirname "$0")/tap.sh"
program=$1 fixtures=$(dirname "$0")/fixtures
text=$fixtures/perplexity/text.txt

while read -r model window stride value tokens; do
	said=$("$program" perplexity "$fixtures/$model" "$text" --window "$window" --stride "$stride" -f json 2>&1)
	got=$(sed -n 's/.*"perplexity":\([0-9.e+]*\).*/\1/p' <<<"$said")
	scored=$(sed -n 's/.*"tokens":\([0-9]*\).*/\1/p' <<<"$said")
	[ "$scored" = "$tokens" ] && awk -v a="$got" -v b="$value" 'BEGIN { d = a - b; exit !(d * d < 1e-12 * b * b) }'
	result $? "$model, window $window, stride $stride: $got, expected $value over $tokens tokens" "$said"
done <"$fixtures/perplexity/expected.txt"
! said=$("$program" perplexity "$fixtures/tiny/gpt2-tied" "$text" --window 8 --stride 9 2>&1) && [[ $said == *'stride should not be larger'* ]]
result $? 'a stride beyond the window, which would leave tokens out, is refused' "$said"
tap_done
