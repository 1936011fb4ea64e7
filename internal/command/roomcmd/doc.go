// Package roomcmd holds the commands over rooms in both dialects: stream.*, and S* and X* lines.
//
// Receives: decoded fields or command lines, with their rooms locked.
// Hands on: calls of a room.Tx, and replies as wire-contract.md has them, with what goes beyond.
// Never does: keep events, know an encoding, ask the time, wait.
//
// Where the contract leaves room, these are the choices:
//
//   - An event's data is a JSON value. A line brings the text of one; anything else is kept as a
//     JSON string, of itself if it is UTF-8, otherwise of its base64, and lines get it back as it
//     was. Text with line breaks between its values is kept without them: doors that send line by
//     line take it as it is.
//   - Answers have data as the bytes of the JSON text, as the contract wants, and the value itself
//     in value; encoding says base64 where the value is a string of that.
//   - An event's id is its room's generation and its offset, so it is never used twice.
//   - Offsets below what a room keeps are an error for those that go on from somewhere. A history
//     without a beginning, and XRANGE, begin with what there is.
//   - stream.publish_batch adds all of its events, or none if one of them is wrong.
//   - A setting of 0 is the default, -1 is no bound.
//   - At most maxAnswerBytes of events leave in one answer, but one in any case; more says so.
//   - XREADGROUP with > gives a group what none of its consumers got yet, and moves the group's
//     cursor, which is that of a consumer called like the group; there are no pending entries to
//     acknowledge. Offsets of X* lines may be written n-m; m means nothing. Reading begins at the
//     offset, not behind it.
package roomcmd
