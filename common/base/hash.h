/* hash.h - hashes: Kafka's partition hash, a 64-bit hash for tables and record tails, SHA-256. */
#ifndef DW_BASE_HASH_H
#define DW_BASE_HASH_H
#include <stddef.h>
#include <stdint.h>

/* Kafka's murmur2 with Java's seed; partition = (hash & 0x7fffffff) % count, as Java's default
 * partitioner does (org.apache.kafka.common.utils.Utils.murmur2). */
uint32_t dw_hash_murmur2(const void *bytes, size_t len);

/* 64-bit hash, stable across machines and versions: it is stored (progress rows). `seed` chains. */
uint64_t dw_hash_bytes(const void *bytes, size_t len, uint64_t seed);

/* SHA-256; writes 32 bytes. */
void dw_hash_sha256(const void *bytes, size_t len, unsigned char out_digest[32]);

#endif
