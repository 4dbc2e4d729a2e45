// What a CfC does in a step to a row: its activations, its state, and the derivatives of both.
//
// The equations and names are those of cfc.py; tensors are contiguous, time first, fp32.

#pragma once

#include <cstdint>
#include <vector>

#include "activations.h"
#include "product.h"
#include "simd.h"

namespace cfc {

enum Mode { DEFAULT, NO_GATE, PURE };

// What cfc_cpp.py describes a recurrence by, field for field.
struct Cell {
    int64_t steps, rows, neurons, heads, depth, mode, activation, is_gated, threads;
    const int64_t* widths;  // of each backbone layer before its activation
    const float* const* weights;  // recurrent, hidden ones, heads
    const float* const* biases;  // hidden ones, heads
    const float* amplitude;
    const float* rate;
    const float* timespans;
    const uint8_t* starts;
    const uint8_t* frozen;

    long heads_width() const { return heads * neurons; }
    long sums(long stage) const { return stage < depth ? widths[stage] : heads_width(); }
    long inputs(long stage) const { return stage ? outputs(stage - 1) : neurons; }
    long outputs(long layer) const { return is_gated ? widths[layer] / 2 : widths[layer]; }

    std::vector<Panels> panels(bool is_adjoint) const {
        std::vector<Panels> all;
        for (long stage = 0; stage <= depth; stage++) {
            if (is_adjoint)
                all.emplace_back(weights[stage], inputs(stage), sums(stage), true);
            else
                all.emplace_back(weights[stage], sums(stage), inputs(stage), false);
        }
        return all;
    }

    float elapsed(long place) const { return timespans ? timespans[place] : 1.0f; }
    bool starts_at(long place) const { return starts && starts[place]; }
    bool is_frozen_at(long place) const { return frozen && frozen[place]; }

    double work() const {  // about the multiply-adds
        double each = 0;
        for (long stage = 0; stage <= depth; stage++) each += inputs(stage) * (sums(stage) + 16);
        return each * steps * rows;
    }
};

// Calls body(MODE{}) for the mode of a cell.
template <class Body>
void with_mode(const Cell& cell, Body body) {
    switch (cell.mode) {
        case DEFAULT: return body(std::integral_constant<int, DEFAULT>{});
        case NO_GATE: return body(std::integral_constant<int, NO_GATE>{});
        default: return body(std::integral_constant<int, PURE>{});
    }
}

// y = act(a), or act(a1) a2 where gated; rows have room for whole vectors.
template <int KIND>
INLINE void activate_row(const float* a, float* y, long outputs, bool is_gated) {
    for (long j = 0; j < outputs; j += LANES) {
        vec value = activated<KIND>(load(a + j)).value;
        store(y + j, is_gated ? value * load(a + outputs + j) : value);
    }
}

// The state that the heads g of a step give; rows have room for whole vectors.
template <int MODE>
INLINE void settle_row(const Cell& cell, const float* g, float* state, float elapsed) {
    const long n = cell.neurons;
    over_lanes(n, [&](long j, auto count) {
        vec first = load(g + j), result;
        if constexpr (MODE == PURE) {
            vec amplitude = load_up_to(cell.amplitude + j, count);
            vec rate = load_up_to(cell.rate + j, count);
            vec decay = exp_of(-elapsed * (rate + magnitude(first)));
            result = amplitude - amplitude * decay * first;
        } else {
            vec f1 = tanh_of(first), f2 = tanh_of(load(g + n + j)), time = load(g + 2 * n + j);
            vec s = sigmoid(cell.timespans ? time * elapsed + load(g + 3 * n + j) : time);
            result = f1 + s * (MODE == DEFAULT ? f2 - f1 : f2);
        }
        store(state + j, result);
    });
}

// dh/dg of a step, from its heads g.
template <int MODE>
INLINE void partials_row(const Cell& cell, const float* g, float* partials, float elapsed) {
    const long n = cell.neurons;
    over_lanes(n, [&](long j, auto count) {
        vec first = load_up_to(g + j, count);
        if constexpr (MODE == PURE) {
            vec amplitude = load_up_to(cell.amplitude + j, count);
            vec rate = load_up_to(cell.rate + j, count), size = magnitude(first);
            vec decay = exp_of(-elapsed * (rate + size));
            store_up_to(partials + j, amplitude * decay * (elapsed * size - 1.0f), count);
        } else {
            vec f1 = tanh_of(first), f2 = tanh_of(load_up_to(g + n + j, count));
            vec time = load_up_to(g + 2 * n + j, count);
            if (cell.timespans) time = time * elapsed + load_up_to(g + 3 * n + j, count);
            vec s = sigmoid(time);
            vec by_gate = (MODE == DEFAULT ? f2 - f1 : f2) * (s * (1.0f - s));
            vec by_first = 1.0f - f1 * f1;
            store_up_to(partials + j, MODE == DEFAULT ? (1.0f - s) * by_first : by_first, count);
            store_up_to(partials + n + j, s * (1.0f - f2 * f2), count);
            store_up_to(partials + 2 * n + j, by_gate * elapsed, count);
            if (cell.timespans) store_up_to(partials + 3 * n + j, by_gate, count);
        }
    });
}

// y = act(a), or act(a1) a2 where gated, and the derivatives of y by all of a.
template <int KIND>
INLINE void slopes_row(const float* a, float* y, float* slopes, long outputs, bool is_gated) {
    over_lanes(outputs, [&](long j, auto count) {
        Activated act = activated<KIND>(load_up_to(a + j, count));
        if (is_gated) {
            vec value = load_up_to(a + outputs + j, count);
            store_up_to(slopes + outputs + j, act.value, count);
            act = {act.value * value, act.slope * value};
        }
        store_up_to(y + j, act.value, count);
        store_up_to(slopes + j, act.slope, count);
    });
}

}  // namespace cfc
