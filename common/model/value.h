/* value.h - a column's value on its way: text from the source, never a double.
 *
 * `text` of each kind: NUMBER as written, STRING decoded, TRUE/FALSE/NULL/ABSENT nothing, NESTED
 * the raw JSON of an object or array. ABSENT means that the event does not carry the column (an
 * unchanged TOAST value, Debezium's placeholder): it is left alone in the target.
 */
#ifndef DW_MODEL_VALUE_H
#define DW_MODEL_VALUE_H
#include "common/base/str.h"

enum dw_value_kind {
    DW_VALUE_ABSENT = 0,
    DW_VALUE_NULL,
    DW_VALUE_STRING,
    DW_VALUE_NUMBER,
    DW_VALUE_TRUE,
    DW_VALUE_FALSE,
    DW_VALUE_NESTED,
};

struct dw_value {
    enum dw_value_kind kind;
    struct dw_str text;
};

#endif
