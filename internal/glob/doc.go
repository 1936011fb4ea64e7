// Package glob matches names against the glob patterns of Redis.
//
// Receives: a pattern and a name, any bytes.
// Hands on: whether they match, and the bytes every match starts with.
// Never does: recurse, backtrack over more than one star, fail, or keep anything.
//
// The rules are those of stringmatchlen in Redis 7.0 as built for x86-64, oddities included:
//
//   - `*` is any bytes, `?` any one byte, `\x` the byte x; a lone `\` at the end is itself.
//   - `[...]` is one byte of a set, `[^...]` one byte outside it. `a-c` is a range and `c-a` the
//     same one; bytes from 0x80 on count as negative, so `[a-\xff]` is 0xff and 0x00 to `a`.
//   - `[]` is the empty set: it never matches; `[^]` is any byte. A range may swallow the `]`:
//     `[a-]` runs from `]` to `a` and is unterminated. A set that isn't terminated ends with
//     the pattern.
//   - Ignoring case, an escaped byte inside a set still counts exactly, and a range is put in
//     order before its ends are lowered.
//   - The empty name is matched by the empty pattern and by `*`, and by nothing else, not even
//     `**`.
//
// One thing differs: Redis gives up on patterns with more than 1000 stars, here they match.
//
// Every part of a pattern but `*` takes exactly one byte. So the part before the first star is
// tried only at the start, the part after the last only at the end, and each part between is
// looked for once, leftmost first: a later place can't help. With n bytes of name and m of
// pattern that costs O(n+m) but for parts between two stars that hold `?`, sets or folded
// letters: up to naiveBytes of these cost a factor, longer ones O(n·m/64) by bit-parallel search.
package glob
