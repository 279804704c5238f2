/* convert.h - one value from a source type to a target type, without loss or not at all.
 *
 * Two steps: undo the wire form (convert_wire.c: event_encode.h's and Debezium's), then the rule of
 * the matrix (convert_rules.c). What comes out is text for the input function of the target's type;
 * what that function would cut, round or reinterpret without a word is refused here, what it
 * refuses by itself (month 13, an enum's label, a domain's check) is left to the server.
 *
 * Rows: family of the source; columns: of the target. = as it is; # number; T text with its length;
 * M date or time; U UUID; ? boolean word; B bits; A array; I interval; S the server's; . never
 *
 *                 bool int num flt mon text byte uuid date time ttz  ts  tstz intv json bits arr
 * oth bool           =    .   .   .   .   T    .    .    .    .    .   .    .    .    .    .    . .
 *   integer        .    #   #   #   #   T    .    .    .    .    .   .    .    .    .    .    .   .
 *   numeric        .    #   #   #   #   T    .    .    .    .    .   .    .    .    .    .    .   .
 *   float          .    #   #   #   #   T    .    .    .    .    .   .    .    .    .    .    .   .
 *   money          .    #   #   #   =   T    .    .    .    .    .   .    .    .    .    .    .   .
 *   text           ?    #   #   #   #   T    .    U    M    M    M   M    M    I    S    B    S   S
 *   bytea          .    .   .   .   .   .    =    .    .    .    .   .    .    .    .    .    .   .
 *   uuid           .    .   .   .   .   T    .    U    .    .    .   .    .    .    .    .    .   .
 *   date           .    .   .   .   .   M    .    .    M    .    .   M    M    .    .    .    .   .
 *   time           .    .   .   .   .   M    .    .    .    M    .   .    .    .    .    .    .   .
 *   timetz         .    .   .   .   .   M    .    .    .    .    M   .    .    .    .    .    .   .
 *   timestamp      .    .   .   .   .   M    .    .    M    .    .   M    M    .    .    .    .   .
 *   timestamptz    .    .   .   .   .   M    .    .    M    .    .   M    M    .    .    .    .   .
 *   interval       .    .   .   .   .   T    .    .    .    .    .   .    .    =    .    .    .   .
 *   json(b)        .    .   .   .   .   T    .    .    .    .    .   .    .    .    =    .    .   .
 *   bit, varbit    .    .   .   .   .   T    .    .    .    .    .   .    .    .    .    B    .   .
 *   array          .    .   .   .   .   T    .    .    .    .    .   .    .    .    .    .    A   .
 *   other          .    .   .   .   .   T    .    .    .    .    .   .    .    .    S    .    S   S
 *
 *   #  integers: no fraction, in range. numeric(p,s): at most s digits behind the point (zeros at
 * the end do not count) and p-s before it; NaN passes (the type holds it), Infinity does not.
 *      float4, float8: refused when the float would print as another number. money: two digits.
 *   T  varchar(n), char(n): n characters, blanks at the end count too; name: 63 bytes; "char": 1.
 *   M  digits of the second within the target's precision. timestamptz to timestamp and back: the
 *      wall time of UTC (the check warns). To date: only midnight. timestamptz to date: midnight
 * UTC. ?  true false t f yes no y n on off 1 0, in any case. A  the same element type, or one that
 * takes every value of it in the same words (int4[] to int8[], varchar(5)[] to text[]); others
 * never, because the server would round or cut; so from text only to elements that it takes whole
 * or refuses. I  six digits of the second; interval(p) and fields only from the same. bool to a
 * number and back, and all else that is never: by a value map.
 *
 * Threads: read-only after dw_convert_init.
 */
#ifndef DW_TRANSFORM_CONVERT_H
#define DW_TRANSFORM_CONVERT_H
#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/model/value.h"
#include "common/transform/convert_type.h"

struct dw_convert;
typedef enum dw_rc (*dw_convert_fn)(const struct dw_convert *convert, struct dw_str text,
                                    struct dw_arena *arena, struct dw_str *out, struct dw_err *err);

struct dw_convert {
    struct dw_convert_type source, target;
    dw_convert_fn rule;
    const struct dw_convert *element; /* arrays of built-in types: for JSON arrays */
};

/* Errors: DW_CONFIG DW-VALUE-020 when the matrix has no rule. */
enum dw_rc dw_convert_init(struct dw_convert *out, const struct dw_convert_type *source,
                           const struct dw_convert_type *target, struct dw_arena *arena,
                           struct dw_err *err) DW_MUST_CHECK;

/* Converts a value that is neither NULL nor ABSENT. Slices of `out` point into the value or into
 * `arena`. Errors: DW_REJECT DW-VALUE-001 to 007 and 010. */
enum dw_rc dw_convert_value(const struct dw_convert *convert, const struct dw_value *value,
                            struct dw_arena *arena, struct dw_str *out,
                            struct dw_err *err) DW_MUST_CHECK;

/* The value as PostgreSQL would print it in the source: what value maps are looked up by. */
enum dw_rc dw_convert_source_text(const struct dw_convert *convert, const struct dw_value *value,
                                  struct dw_arena *arena, struct dw_str *out,
                                  struct dw_err *err) DW_MUST_CHECK;

/* A literal of the map (text, number, true, false) for a target column. */
enum dw_rc dw_convert_literal(const struct dw_value *literal, const struct dw_convert_type *target,
                              struct dw_arena *arena, struct dw_str *out,
                              struct dw_err *err) DW_MUST_CHECK;

/* DW_OK: every value fits. DW_REJECT: some may be refused or change their meaning. DW_CONFIG:
 * never. */
enum dw_rc dw_convert_check(const struct dw_convert_type *source,
                            const struct dw_convert_type *target, struct dw_err *err) DW_MUST_CHECK;

#endif
