/* map_marker.h - where in the stream a revision of a map begins (trap 21).
 *
 * A new revision of a map takes effect at one place of the stream: at a WAL message that carries
 * the revision itself.
 *
 *   state database ─► control thread ── announces: WAL message dualwrite.map ──► source
 *                                    └─ notes the message's place (map_revision.marked_lsn)
 *   stream thread ◄── the message ──┘ events behind it are made by the new revision; a control
 *                                     record with the same content goes to every partition
 *   consumer          applies what is before the record by the old revision, what is behind it by
 *                     the new one; the progress row says which is in force, and the target keeps a
 *                     copy of it, so that no restart needs the state database
 *
 * Since it is in the WAL, the record comes again at the same place, under the same version, however
 * often the stream is sent again. A producer that starts takes the revisions that were in force at
 * its position, by the noted places; those of an older epoch are announced anew. A revision may be
 * announced twice (a crash before its place was noted): what is in force already changes nothing.
 * A map that was mended while in error, or stopped, takes the newest revision wherever its
 * partitions stand (map.forced_revision), since the old one may be what they cannot go on with.
 * Rows that wait for another row when the record comes are applied by the new revision later;
 * where their keys would be others by it the record waits for them.
 * Refused: effect at whatever place a process learns of the revision (partitions differ, and a
 * restart changes what was applied by what).
 */
#ifndef DW_CAPTURE_POSTGRES_MAP_MARKER_H
#define DW_CAPTURE_POSTGRES_MAP_MARKER_H
#include "common/base/arena.h"
#include "producer/capture_postgres/map_set.h"
#include "producer/capture_postgres/wal_message.h"

struct pg_conn;

/* Are there maps to be announced in `epoch`? */
bool dw_map_marker_wanted(const struct dw_map_set *set, uint32_t epoch);

/* What is to be announced of a set; its own copy. The stream gets the set first: it has to have a
 * map that was just started when it comes to the marker, or no partition would get one. */
struct dw_map_announcement {
    struct dw_arena arena;
    struct dw_wal_messages messages;
    struct dw_map_mark *marks;
    size_t count;
};
void dw_map_marker_prepare(struct dw_map_announcement *announcement, const struct dw_map_set *set,
                           uint32_t epoch);
/* Announces it on the source, in one transaction, and notes the place in the state database.
 * Blocks. */
enum dw_rc dw_map_marker_announce(struct dw_map_announcement *announcement, uint32_t epoch,
                                  struct pg_conn *source, struct dw_state *state,
                                  struct dw_err *err) DW_MUST_CHECK;
void dw_map_marker_done(struct dw_map_announcement *announcement);

/* The content of a marker, of a record's name, revision, document and resolved. */
void dw_map_marker_format(const struct dw_map_record *record, struct dw_buf *out);
/* The content of a marker: name, revision, document and resolved are set, in `arena`. False: it is
 * not one of ours. */
bool dw_map_marker_parse(struct dw_str content, struct dw_arena *arena, struct dw_map_record *out);

#endif
