/* compare_tempo.h - how many rows a step takes, and how long to wait behind it: steps of about a
 * third of a second, and no more rows per second than allowed. Pure. */
#ifndef DW_COMPARE_COMPARE_TEMPO_H
#define DW_COMPARE_COMPARE_TEMPO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dw_compare_tempo {
    int64_t rows, rows_min, rows_max;
    int64_t rate; /* rows of both sides per second; 0: no limit */
};

void dw_compare_tempo_init(struct dw_compare_tempo *tempo, bool by_hash, int64_t rate);
int64_t dw_compare_tempo_rows(const struct dw_compare_tempo *tempo);
/* A step took so long for so much; returns how long to wait, in ms. */
int64_t dw_compare_tempo_took(struct dw_compare_tempo *tempo, int64_t spent_us, int64_t rows,
                              size_t bytes);
/* A statement was ended by its time-out. */
void dw_compare_tempo_too_long(struct dw_compare_tempo *tempo);

#endif
