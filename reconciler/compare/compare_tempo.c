/* compare_tempo.c - see compare_tempo.h. */
#include "reconciler/compare/compare_tempo.h"

#define STEP_US       300000
#define HASH_ROWS     20000
#define HASH_ROWS_MIN 1000
#define HASH_ROWS_MAX 200000
#define READ_ROWS     200
#define READ_ROWS_MIN 10
#define READ_ROWS_MAX 2000
#define READ_BYTES    ((size_t)4 << 20) /* that are held here at once */

void dw_compare_tempo_init(struct dw_compare_tempo *tempo, bool by_hash, int64_t rate)
{
    *tempo = (struct dw_compare_tempo){
        .rows = by_hash ? HASH_ROWS : READ_ROWS,
        .rows_min = by_hash ? HASH_ROWS_MIN : READ_ROWS_MIN,
        .rows_max = by_hash ? HASH_ROWS_MAX : READ_ROWS_MAX,
        .rate = rate,
    };
}

static void bound(struct dw_compare_tempo *tempo)
{
    if (tempo->rows > tempo->rows_max)
        tempo->rows = tempo->rows_max;
    if (tempo->rows < tempo->rows_min)
        tempo->rows = tempo->rows_min;
}

int64_t dw_compare_tempo_rows(const struct dw_compare_tempo *tempo)
{
    bool limited = tempo->rate > 0 && tempo->rate < tempo->rows;
    if (!limited)
        return tempo->rows;
    return tempo->rate < tempo->rows_min ? tempo->rows_min : tempo->rate;
}

int64_t dw_compare_tempo_took(struct dw_compare_tempo *tempo, int64_t spent_us, int64_t rows,
                              size_t bytes)
{
    if (bytes > READ_BYTES || spent_us > STEP_US * 2)
        tempo->rows /= 2;
    else if (spent_us < STEP_US / 2 && bytes < READ_BYTES / 2)
        tempo->rows *= 2;
    bound(tempo);
    if (!tempo->rate)
        return 0;
    int64_t wanted_us = rows * 1000000 / tempo->rate;
    return wanted_us > spent_us ? (wanted_us - spent_us) / 1000 : 0;
}

void dw_compare_tempo_too_long(struct dw_compare_tempo *tempo)
{
    tempo->rows /= 4;
    bound(tempo);
}
