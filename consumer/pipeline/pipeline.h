/* pipeline.h - the consumer at work: one fetch thread, lanes, and the control thread that runs
 * here.
 *
 *   Kafka ─► fetch thread ─► feeds (bounded, one per partition) ─► lanes ─► targets
 *              ▲  orders, offsets to commit ◄──────────────────────┘ │
 *              └── topics ◄── registry ◄── control thread ◄── state database
 *                                               ▲ failures, beat ────┘
 *
 * The control thread alone talks to the state database; when that is away everything else goes on
 * with the maps it knows.
 * Reading order: retry, breaker, waiting, latency_window, accounting, partition_state (pure), feed,
 * registry, partition, batch, claim, dependency, apply, lane, fetch, status, pipeline.
 */
#ifndef DW_PIPELINE_PIPELINE_H
#define DW_PIPELINE_PIPELINE_H
#include "common/config/settings.h"

/* Runs until dw_lifecycle_stopping(); then drains within consumer.drain_ms, commits and leaves.
 * Returns the exit code of the process. */
int dw_pipeline_run(const struct dw_settings *settings, const char *instance);

#endif
