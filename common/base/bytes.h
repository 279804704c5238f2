/* bytes.h - finds the bytes that want a closer look, eight at a time.
 *
 * What each function gives has the top bit set of each byte that it looks for. Only the first one
 * is certain: the subtraction may borrow from the bytes behind it. Several are joined by |.
 * The usual tricks on a word: (x - 0x01…) & ~x & 0x80… is not zero if and only if a byte of x is.
 */
#ifndef DW_BASE_BYTES_H
#define DW_BASE_BYTES_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { DW_BYTES_STEP = 8 };

#define DW_BYTES_ONES UINT64_C(0x0101010101010101)
#define DW_BYTES_TOPS UINT64_C(0x8080808080808080)

/* Eight bytes, the first one in the lowest place. */
static inline uint64_t dw_bytes_load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* `limit`: at most 0x80. */
static inline uint64_t dw_bytes_below(uint64_t word, unsigned char limit)
{
    return (word - DW_BYTES_ONES * limit) & ~word & DW_BYTES_TOPS;
}

static inline uint64_t dw_bytes_equal(uint64_t word, char c)
{
    return dw_bytes_below(word ^ (DW_BYTES_ONES * (unsigned char)c), 1);
}

/* Not ASCII. */
static inline uint64_t dw_bytes_high(uint64_t word)
{
    return word & DW_BYTES_TOPS;
}

/* How many bytes stand before the first one found; `found` is not 0. */
static inline size_t dw_bytes_before(uint64_t found)
{
    return (size_t)__builtin_ctzll(found) / 8;
}

#endif
