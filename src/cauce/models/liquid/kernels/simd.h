// Vectors of floats by the compiler's own extensions, and the functions that liquid cells need.
//
// All functions work on each lane alone, so that results do not depend on the width of a vector.
// Errors are relative: about 2 units in the last place, also where a sigmoid or a tanh is tiny.

#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#if defined(__AVX512F__)
#define NATIVE_LANES 16
#elif defined(__AVX2__)
#define NATIVE_LANES 8
#else
#define NATIVE_LANES 4
#endif
#ifndef LANES
#define LANES NATIVE_LANES
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));

INLINE vec load(const float* from) {
    vec x;
    std::memcpy(&x, from, sizeof x);
    return x;
}

INLINE void store(float* to, vec x) { std::memcpy(to, &x, sizeof x); }

// The first `count` lanes alone, fewer than all; in pieces of constant size, which are moves.
template <int SIZE = LANES / 2>
INLINE void copy_some(float* to, const float* from, long count) {
    if constexpr (SIZE > 0) {
        bool has_piece = count & SIZE;
        if (has_piece) std::memcpy(to, from, SIZE * sizeof(float));
        copy_some<SIZE / 2>(to + has_piece * SIZE, from + has_piece * SIZE, count);
    }
}

INLINE vec load_some(const float* from, long count) {  // the other lanes are 0
    float lanes[LANES] = {};
    copy_some(lanes, from, count);
    return load(lanes);
}

INLINE void store_some(float* to, vec x, long count) {
    float lanes[LANES];
    store(lanes, x);
    copy_some(to, lanes, count);
}

INLINE vec load_up_to(const float* from, long count) {
    return count == LANES ? load(from) : load_some(from, count);
}

INLINE void store_up_to(float* to, vec x, long count) {
    count == LANES ? store(to, x) : store_some(to, x, count);
}

// Calls body(j, count) for every vector of `width` floats; the last may hold fewer lanes.
template <class Body>
INLINE void over_lanes(long width, Body body) {
    long j = 0;
    for (; j + LANES <= width; j += LANES) body(j, std::integral_constant<long, LANES>{});
    if (j < width) body(j, width - j);
}

INLINE vec fill(float x) { return x - vec{}; }  // unlike x + 0, free: it is x for a -0, too

// Keeps x in a register: GCC would load a number again for each of its uses.
INLINE vec in_register(vec x) {
#if defined(__SSE2__) && LANES <= NATIVE_LANES
    __asm__("" : "+v"(x));
#endif
    return x;
}

INLINE float sum(vec x) {
    float total = x[0];
    for (int lane = 1; lane < LANES; lane++) total += x[lane];
    return total;
}

INLINE ints bits(vec x) { return (ints)x; }

INLINE vec magnitude(vec x) { return (vec)(bits(x) & 0x7fffffff); }

INLINE vec clamp(vec x, float low, float high) {  // keeps NaN
    x = x < low ? fill(low) : x;
    return x > high ? fill(high) : x;
}

// exp x = scale (1 + rest), with scale a power of two and rest in [-0.3, 0.42]; |x| up to 87.
struct Exponential {
    vec scale, rest;
};

INLINE Exponential exponential(vec x) {
    const float rounding = 12582912.0f;  // 1.5 * 2^23: what is added to it is rounded
    vec shifted = x * 1.44269504f + rounding;
    vec n = shifted - rounding;
    vec r = x - n * 0.693145751953125f;  // the first bits of ln 2: exact
    r = r - n * 1.42860677e-6f;
    vec p = r * 0.00139464508f + 0.00836658385f;
    p = p * r + 0.0416662805f;
    p = p * r + 0.166665435f;
    p = p * r + 0.5f;
    return {(vec)((bits(shifted) << 23) + (127 << 23)), p * (r * r) + r};
}

INLINE vec exp_of(vec x) {
    Exponential e = exponential(clamp(x, -87.0f, 87.0f));
    return e.scale * e.rest + e.scale;
}

INLINE vec sigmoid(vec x) {
    Exponential e = exponential(clamp(-x, -87.0f, 87.0f));
    return 1.0f / (e.scale * e.rest + (e.scale + 1.0f));
}

INLINE vec tanh_of(vec x) {  // by exp(2x) - 1, so that a small x keeps its digits
    Exponential e = exponential(clamp(x + x, -20.0f, 20.0f));
    vec less_one = e.scale * e.rest + (e.scale - 1.0f);
    return less_one / (less_one + 2.0f);
}

// The normal distribution up to x; by a polynomial in t = 2 / (2 + z) for exp(z^2) erfc(z) / t.
INLINE vec normal_share(vec x) {
    vec size = magnitude(clamp(x, -13.0f, 13.0f));
    vec t = 1.0f / (size * 0.353553391f + 1.0f);
    vec p = t * 0.0423521660f - 0.230855748f;
    p = p * t + 0.486175329f;
    p = p * t - 0.446973890f;
    p = p * t + 0.127087340f;
    p = p * t - 0.0572317205f;
    p = p * t + 0.0930004269f;
    p = p * t + 0.175376847f;
    p = p * t + 0.246880591f;
    p = p * t + 0.282093853f;
    p = p * t + 0.282094806f;
    vec tail = 0.5f * (p * t) * exp_of(-0.5f * (size * size));
    return x > 0.0f ? 1.0f - tail : tail;
}

INLINE vec normal_density(vec x) { return 0.398942280f * exp_of(-0.5f * (x * x)); }
