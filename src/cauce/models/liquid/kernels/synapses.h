// The synapses of an LTC as the kernels compute them: the sums over them and their adjoint.
//
// Only the vectors of receiving neurons that a sender has a synapse to are stored and computed.

#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <mutex>
#include <type_traits>
#include <vector>

#include "simd.h"

namespace ltc {

static const long GROUP = 4;  // rows computed together
static const long PARTS = 4;  // numbers kept for each synapse, and sums of its gradient
static const float LOG2E = 1.44269504f, LN2 = 0.693147181f, TAME = 120.0f;

// What ltc_cpp.py describes synapses by, field for field.
struct Synapses {
    int64_t senders, receivers, threads;
    const float *w, *sigma, *mu, *erev, *mask;

    long blocks() const { return (receivers + LANES - 1) / LANES; }
    bool has(long i, long j) const { return !mask || mask[i * receivers + j] != 0; }
};

static long padded(long width) { return (width + LANES - 1) / LANES * LANES; }

// Vectors of synapses: those into one block of receivers together, or those from one sender.
// Each has -log2(e) sigma, log2(e) sigma mu, w E and w.
struct Packed {
    std::vector<float> data;
    std::vector<int32_t> senders, blocks;
    std::vector<long> first;  // vector of each block or sender
    float most_rate = 0, most_offset = 0;

    Packed(const Synapses& synapses, bool by_sender) {
        long outer = by_sender ? synapses.senders : synapses.blocks();
        long inner = by_sender ? synapses.blocks() : synapses.senders;
        for (long a = 0; a < outer; a++) {
            first.push_back(senders.size());
            for (long b = 0; b < inner; b++) add(synapses, by_sender ? a : b, by_sender ? b : a);
        }
        first.push_back(senders.size());
    }

    long size() const { return senders.size(); }

    // Whether no sigmoid of these values needs to be clamped.
    bool is_tame(const float* values, long count) const {
        vec most = {};
        over_lanes(count, [&](long i, auto some) {
            vec size = magnitude(load_up_to(values + i, some));
            most = size < most ? most : size;
        });
        for (int lane = 0; lane < LANES; lane++)
            if (!(most[lane] * most_rate + most_offset < TAME)) return false;
        return true;
    }

    const float* operator[](long vector) const { return &data[vector * PARTS * LANES]; }

    void add(const Synapses& synapses, long i, long block) {
        float parts[PARTS][LANES] = {};
        bool is_empty = true;
        for (long lane = 0; lane < LANES && block * LANES + lane < synapses.receivers; lane++) {
            long j = block * LANES + lane, at = i * synapses.receivers + j;
            if (!synapses.has(i, j)) continue;
            is_empty = false;
            parts[0][lane] = -LOG2E * synapses.sigma[at];
            parts[1][lane] = LOG2E * synapses.sigma[at] * synapses.mu[at];
            parts[2][lane] = synapses.w[at] * synapses.erev[at];
            parts[3][lane] = synapses.w[at];
            most_rate = std::max(most_rate, std::abs(parts[0][lane]));
            most_offset = std::max(most_offset, std::abs(parts[1][lane]));
        }
        if (is_empty) return;
        senders.push_back(i);
        blocks.push_back(block);
        data.insert(data.end(), &parts[0][0], &parts[0][0] + PARTS * LANES);
    }
};

// 1 / (1 + 2^y) with an error of 1e-7. With y = n + r and |r| <= 1/2, 2^r is a ratio of the
// polynomials `above` and `below`, so that one division is enough. Unless IS_CLAMPED, |y| must be
// below TAME: two comparisons in sixteen operations are worth leaving out.
template <bool IS_CLAMPED>
INLINE vec gate(vec y) {
    const float rounding = 12582912.0f + 127.0f;  // 1.5 * 2^23 and the bias of the exponent
    if (IS_CLAMPED) {
        y = y > -TAME ? y : fill(-TAME);
        y = y < TAME ? y : fill(TAME);
    }
    vec shifted = y + rounding;
    vec r = y - (shifted - rounding);
    vec even = r * r + 25.0391067f, odd = r * 8.67783884f;
    vec above = even + odd, below = even - odd;
    return below / ((vec)(bits(shifted) << 23) * above + below);
}

// The sums over senders of s w E and of s w, for R rows.
template <int R, bool IS_CLAMPED>
void sum_gated(const Packed& packed, const float* values, long stride, float* current,
               float* conductance, long width) {
    for (long block = 0; block + 1 < (long)packed.first.size(); block++) {
        vec above[R] = {}, below[R] = {};
        for (long e = packed.first[block]; e < packed.first[block + 1]; e++) {
            const float* part = packed[e];
            const float* v = values + packed.senders[e];
            vec rate = load(part), offset = load(part + LANES);
            vec pull = load(part + 2 * LANES), w = load(part + 3 * LANES);
            for (int row = 0; row < R; row++) {
                vec s = gate<IS_CLAMPED>(rate * v[row * stride] + offset);
                above[row] += s * pull;
                below[row] += s * w;
            }
        }
        for (int row = 0; row < R; row++) {
            store(current + row * width + block * LANES, above[row]);
            store(conductance + row * width + block * LANES, below[row]);
        }
    }
}

// Sets `values_grad` and adds to `totals` (q v, q, s gd, s gn of each vector), for R rows.
template <int R, bool IS_CLAMPED>
void adjoint_gated(const Packed& packed, const float* values, long stride, const float* gn,
                   const float* gd, long width, float* values_grad, long grad_stride,
                   float* totals) {
    for (long i = 0; i + 1 < (long)packed.first.size(); i++) {
        vec flowing[R] = {};
        for (long e = packed.first[i]; e < packed.first[i + 1]; e++) {
            const float* part = packed[e];
            float* total = totals + e * PARTS * LANES;
            long j = packed.blocks[e] * LANES;
            vec rate = load(part), offset = load(part + LANES);
            vec pull = load(part + 2 * LANES), w = load(part + 3 * LANES);
            vec q_v = load(total), q_alone = load(total + LANES);
            vec s_gd = load(total + 2 * LANES), s_gn = load(total + 3 * LANES);
            for (int row = 0; row < R; row++) {
                float v = values[row * stride + i];
                vec by_current = load(gn + row * width + j);
                vec by_divisor = load(gd + row * width + j);
                vec s = gate<IS_CLAMPED>(rate * v + offset);
                vec q = (by_current * pull + by_divisor * w) * (s - s * s);
                flowing[row] += q * rate;
                q_v += q * v;
                q_alone += q;
                s_gd += s * by_divisor;
                s_gn += s * by_current;
            }
            store(total, q_v);
            store(total + LANES, q_alone);
            store(total + 2 * LANES, s_gd);
            store(total + 3 * LANES, s_gn);
        }
        for (int row = 0; row < R; row++)
            values_grad[row * grad_stride + i] = -LN2 * sum(flowing[row]);
    }
}

// Whether the values of R rows can do without clamping.
template <int R>
bool are_tame(const Packed& packed, const float* values, long stride, long count) {
    bool are = true;
    for (int row = 0; row < R; row++) are = are && packed.is_tame(values + row * stride, count);
    return are;
}

template <int R, class... Rest>
void sum_synapses(const Packed& packed, long senders, const float* values, long stride,
                  Rest... rest) {
    if (are_tame<R>(packed, values, stride, senders))
        sum_gated<R, false>(packed, values, stride, rest...);
    else
        sum_gated<R, true>(packed, values, stride, rest...);
}

template <int R, class... Rest>
void adjoint_synapses(const Packed& packed, long senders, const float* values, long stride,
                      Rest... rest) {
    if (are_tame<R>(packed, values, stride, senders))
        adjoint_gated<R, false>(packed, values, stride, rest...);
    else
        adjoint_gated<R, true>(packed, values, stride, rest...);
}

// Calls body(row, R) for groups of rows, with R a constant.
template <class Body>
void over_groups(long row, long last, Body body) {
    for (; row + GROUP <= last; row += GROUP) body(row, std::integral_constant<int, GROUP>{});
    switch (last - row) {
        case 3: return body(row, std::integral_constant<int, 3>{});
        case 2: return body(row, std::integral_constant<int, 2>{});
        case 1: return body(row, std::integral_constant<int, 1>{});
    }
}

// The sums for the gradients of synapses, of each share of the rows.
struct Totals {
    std::map<long, std::vector<float>> shares;
    std::mutex mutex;

    float* of_share(long first_row, const Packed& packed) {
        std::lock_guard<std::mutex> guard(mutex);
        return shares.emplace(first_row, packed.size() * PARTS * LANES).first->second.data();
    }

    // Adds all shares to `sums`, four tensors of (senders, receivers).
    void add_to(float* sums, const Packed& packed, const Synapses& synapses) const {
        for (auto& share : shares)
            for (long e = 0; e < packed.size(); e++)
                for (long part = 0; part < PARTS; part++) {
                    const float* total = &share.second[(e * PARTS + part) * LANES];
                    long j = packed.blocks[e] * LANES;
                    long row = part * synapses.senders + packed.senders[e];
                    float* to = sums + row * synapses.receivers;
                    for (long lane = 0; lane < LANES && j + lane < synapses.receivers; lane++)
                        to[j + lane] += total[lane];
                }
    }
};

}  // namespace ltc
