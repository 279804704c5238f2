/* hash.c - see hash.h. */
#include "common/base/hash.h"

#include <openssl/evp.h>
#include <string.h>

static uint32_t load_le32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t load_le64(const unsigned char *at)
{
    return (uint64_t)load_le32(at) | (uint64_t)load_le32(at + 4) << 32;
}

uint32_t dw_hash_murmur2(const void *bytes, size_t len)
{
    const uint32_t m = 0x5bd1e995;
    const unsigned char *at = bytes;
    uint32_t h = 0x9747b28cU ^ (uint32_t)len;
    size_t left = len;
    for (; left >= 4; at += 4, left -= 4) {
        uint32_t k = load_le32(at) * m;
        k = (k ^ (k >> 24)) * m;
        h = h * m ^ k;
    }
    if (left == 3)
        h ^= (uint32_t)at[2] << 16;
    if (left >= 2)
        h ^= (uint32_t)at[1] << 8;
    if (left >= 1)
        h = (h ^ at[0]) * m;
    h = (h ^ (h >> 13)) * m;
    return h ^ (h >> 15);
}

uint64_t dw_hash_bytes(const void *bytes, size_t len, uint64_t seed)
{
    /* MurmurHash64A, read little-endian on every machine. */
    const uint64_t m = 0xc6a4a7935bd1e995ULL;
    const unsigned char *at = bytes;
    uint64_t h = seed ^ ((uint64_t)len * m);
    size_t left = len;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t k = load_le64(at) * m;
        k = (k ^ (k >> 47)) * m;
        h = (h ^ k) * m;
    }
    if (left) {
        uint64_t tail = 0;
        for (size_t i = 0; i < left; i++)
            tail |= (uint64_t)at[i] << (8 * i);
        h = (h ^ tail) * m;
    }
    h = (h ^ (h >> 47)) * m;
    return h ^ (h >> 47);
}

void dw_hash_sha256(const void *bytes, size_t len, unsigned char out_digest[32])
{
    if (EVP_Digest(bytes, len, out_digest, NULL, EVP_sha256(), NULL) != 1)
        memset(out_digest, 0, 32);
}
