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
// with insertion, search and iteration. Keys in 32-byte cells in order of arrival, 2 cores of
// an AMD EPYC shared with other work, best of several runs; batches of 1024, sorting (27-48
// ns per key) not counted; ns, except bytes per key. Deletion: only the B+-tree has it.
//
//	                         B/key   insert  batch   seek  step  scan 100
//	1 Mi random, 16 B   B+     9.2     220     222    438   1.4      2745
//	                    ART   18.8     143     186    312  34.1     11804
//	1 Mi key:%012d      B+     9.2     297     290    526   1.5      2700
//	  shuffled          ART   13.2     355     387    522  22.9      8435
//	1 Mi key:%012d      B+     8.3      96      79    418   2.0      1082
//	  ascending         ART   10.7     105     103    547   7.5      1926
//	1 Mi user:%d:       B+     9.2     304     303    631   1.5      2820
//	  profile, shuffled ART   11.9     287     272    480  20.5      7576
//	5 M random, 16 B    B+     9.1     574     482    818   2.9      4044
//	                    ART   25.3     675     465   1454  60.4     26660
//	5 M key:%012d       B+     9.1     647     619    869   2.9      3493
//	  shuffled          ART   13.2     611     565    833  28.8     10286
//	5 M key:%012d       B+     8.2     170     104    922   2.1      1589
//	  ascending         ART   10.7     281     123    923   9.3      2589
//	5 M user:%d:        B+     9.1     567     586    900   2.8      3574
//	  profile, shuffled ART   11.8     516     479    726  24.3      9035
//
// The radix tree inserts and seeks somewhat faster while it fits the caches, but takes 1.3 to 2.8
// times the memory, which depends on the keys, and walks refs 4 to 20 times slower. Scans are what
// the order is for, and point look-ups have the hash.
//
// Also discarded: refs and discs in two arrays (insertion 5-25 % slower: twice the cache misses),
// binary search in nodes (15-30 % slower), inner nodes of 255 slots (no gain).
package order
