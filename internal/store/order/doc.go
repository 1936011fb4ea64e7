// Package order keeps refs to keys in the byte order of the keys.
//
// Receives: refs, one by one or in sorted batches, and a way to look up their keys.
// Hands on: iterators over refs, from any key in both directions.
// Never does: copy or keep key bytes, lock, start goroutines, or hold pointers the collector
// would follow.
//
// # Design
//
// A B+-tree of refs. A slot is 8 bytes: the ref and 4 discriminating bytes of its key, those
// after the prefix that all keys of the node share. Keys are looked up only when these tie or
// when the prefix must be verified, about once or twice per operation with random keys. Leaves
// have seven sizes, 31 to 127 slots, and grow through them, so they are over 90 % full; ascending
// keys fill them wholly. A separator in an inner node is the ref of the smallest key below it:
// nothing is stored twice, and deleting or replacing that key renews it. Nodes live in
// pointer-free pools (pool.go) that shrink by moving nodes.
//
// # The rival
//
// An adaptive radix tree (nodes 4/16/48/256 in such pools, refs as leaves), written as a spike
// with insertion, search and iteration. Keys in 32-byte cells in order of arrival; 2 cores of an
// AMD EPYC shared with other work; 1 Mi keys: best of four runs, 5 M keys: one run. Batches of
// 1024, sorting (27-48 ns per key) not counted. All in ns but bytes per key.
//
//	                                   B/key insert  batch   seek   step scan100
//	1 Mi random, 16 bytes          B+    9.2    212    225    437    1.3    2407
//	                               ART  18.8    116    169    284   34.9   11047
//	1 Mi key:%012d, shuffled       B+    9.2    313    280    520    1.3    2694
//	                               ART  13.2    349    354    502   20.6    7958
//	1 Mi key:%012d, ascending      B+    8.3    146     93    433    2.0    1023
//	                               ART  10.7    104    104    477    7.6    1843
//	1 Mi user:%d:profile, shuffled B+    9.2    266    289    518    1.6    2690
//	                               ART  11.9    268    268    466   16.9    6981
//	5 M random, 16 bytes           B+    9.1    477    428    853    3.1    3598
//	                               ART  25.3    271    253    405   42.8   11957
//	5 M key:%012d, shuffled        B+    9.1    619    641    885    3.4    3422
//	                               ART  13.2    557    613    868   29.5   10923
//	5 M key:%012d, ascending       B+    8.2    159    102    852    2.2    1517
//	                               ART  10.7    118    123   1002    8.0    2625
//	5 M user:%d:profile, shuffled  B+    9.1    516    494    776    3.0    3184
//	                               ART  11.8    611    517    879   30.8   10945
//
// With random binary keys, whose tree is shallow, the radix tree inserts 1.3 to 1.8 times and
// seeks 1.5 to 2 times as fast; with keys as people write them batches cost the same within
// 20 %. It takes 1.3 to 2.8 times the memory, depending on the keys, and reads scans 1.7 to 4.6
// times slower. Memory is paid by every key for ever, insertion once and in the background, and
// point look-ups have the hash.
//
// Also discarded, 1 Mi keys: refs and discs in two arrays (insertion 7-28 % slower: more cache
// misses), binary search in nodes (insertion 23-33 % slower), inner nodes of 255 slots (no gain).
package order
