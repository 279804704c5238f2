/* position_record.h - a system's position as a record of the compacted topic PREFIX.positions: a
 * second place for what the state database holds, so that a restored state database cannot bring an
 * old epoch back (trap 12), nor a map to fewer partitions (trap 20). */
#ifndef DW_CAPTURE_POSTGRES_POSITION_RECORD_H
#define DW_CAPTURE_POSTGRES_POSITION_RECORD_H
#include "common/base/buf.h"
#include "common/kafka/kafka_admin.h"
#include "common/model/generation.h"
#include "common/state/state.h"

void dw_position_record_format(const struct dw_state_position *position,
                               const struct dw_generations *generations, struct dw_buf *out);
/* False when the text is not what dw_position_record_format writes. Adds to `generations`. */
bool dw_position_record_parse(struct dw_str text, struct dw_arena *arena,
                              struct dw_state_position *out, struct dw_generations *generations);

/* The newest record of the system; out->known false when there is none. Adds to `generations`. */
enum dw_rc dw_position_record_read(struct dw_kafka_admin *admin, const char *topic,
                                   const char *system, struct dw_state_position *out,
                                   struct dw_generations *generations,
                                   struct dw_err *err) DW_MUST_CHECK;

/* The later of two: by epoch, then by what was published and confirmed. */
const struct dw_state_position *dw_position_record_later(const struct dw_state_position *a,
                                                         const struct dw_state_position *b);

#endif
