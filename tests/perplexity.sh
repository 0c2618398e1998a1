#!/usr/bin/env bash
# perplexity.sh PROGRAM - perplexities with windows and strides against tests/fixtures/perplexity (tests/reference/make_perplexity.py).
set -u
program=$1 fixtures=$(dirname "$0")/fixtures
text=$fixtures/perplexity/text.txt count=0

while read -r model window stride value tokens; do
	count=$((count + 1))
	said=$("$program" perplexity "$fixtures/$model" "$text" --window "$window" --stride "$stride" -f json 2>&1)
	got=$(sed -n 's/.*"perplexity":\([0-9.e+]*\).*/\1/p' <<<"$said")
	scored=$(sed -n 's/.*"tokens":\([0-9]*\).*/\1/p' <<<"$said")
	if [ "$scored" = "$tokens" ] && awk -v a="$got" -v b="$value" 'BEGIN { d = a - b; exit !(d * d < 1e-12 * b * b) }'; then
		echo "ok $count - $model, window $window, stride $stride: $got"
	else
		echo "not ok $count - $model, window $window, stride $stride: expected $value over $tokens tokens"
		sed 's/^/# /' <<<"$said"
	fi
done <"$fixtures/perplexity/expected.txt"
count=$((count + 1))
if said=$("$program" perplexity "$fixtures/tiny/gpt2-tied" "$text" --window 8 --stride 9 2>&1) || [[ $said != *'stride should not be larger'* ]]; then
	echo "not ok $count - a stride beyond the window leaves tokens out: $said"
else
	echo "ok $count - a stride beyond the window is refused"
fi
echo "1..$count"
