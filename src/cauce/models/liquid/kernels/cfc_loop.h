// The loop of a CfC over time and its adjoint, for some rows of a batch, and single steps of both.

#pragma once

#include <cstdint>
#include <vector>

#include "cfc_step.h"
#include "product.h"

namespace cfc {

// Rows of floats with room for whole vectors at the end of each.
struct Scratch {
    long stride;
    std::vector<float> data;

    Scratch(long rows, long width) : stride(padded(width) + PANEL), data(rows * stride) {}
    float* operator[](long row) { return &data[row * stride]; }
    operator Rows<float>() { return {data.data(), stride}; }
    operator Rows<const float>() { return {data.data(), stride}; }
};

struct Forward {
    const Cell& cell;
    const std::vector<Panels>& weights;
    const float* drive;
    float* states;
    float* const* layers;  // a of each, and the heads
    long first, rows;  // of the batch
    Scratch before;
    std::vector<Scratch> sums, outputs;  // of each stage

    Forward(
        const Cell& cell,
        const std::vector<Panels>& weights,
        const float* drive,
        float* states,
        float* const* layers,
        long first,
        long rows)
        : cell(cell),
          weights(weights),
          drive(drive),
          states(states),
          layers(layers),
          first(first),
          rows(rows),
          before(rows, cell.neurons) {
        for (long stage = 0; stage <= cell.depth; stage++) {
            sums.emplace_back(rows, cell.sums(stage));
            if (stage < cell.depth) outputs.emplace_back(rows, cell.outputs(stage));
        }
    }

    void run(const float* state) {
        for (long row = 0; row < rows; row++)
            std::copy_n(state + (first + row) * cell.neurons, cell.neurons, before[row]);
        for (long step = 0; step < cell.steps; step++) {
            const long place = step * cell.rows + first;
            for (long row = 0; row < rows; row++)
                if (cell.starts_at(place + row)) std::fill_n(before[row], cell.neurons, 0.0f);
            enter(place);
            advance(place);
            for (long row = 0; row < rows; row++)
                std::copy_n(before[row], cell.neurons, states + (place + row) * cell.neurons);
        }
    }

    void enter(long place) {
        for (long row = 0; row < rows; row++)
            std::copy_n(drive + (place + row) * cell.sums(0), cell.sums(0), sums[0][row]);
    }

    // Turns `before` into the state after; the first sums hold what does not depend on it.
    void advance(long place) {
        for (long stage = 0; stage <= cell.depth; stage++) {
            for (long row = 0; stage && row < rows; row++)
                std::copy_n(cell.biases[stage - 1], cell.sums(stage), sums[stage][row]);
            multiply(weights[stage], rows, stage ? outputs[stage - 1] : before, sums[stage]);
            for (long row = 0; row < rows; row++) {
                float* kept = layers[stage] + (place + row) * cell.sums(stage);
                std::copy_n(sums[stage][row], cell.sums(stage), kept);
            }
            if (stage < cell.depth) activate(stage);
        }
        settle(place);
    }

    void activate(long layer) {
        const long count = cell.outputs(layer);
        with_activation(cell.activation, [&](auto kind) {
            for (long row = 0; row < rows; row++)
                activate_row<kind.value>(
                    sums[layer][row], outputs[layer][row], count, cell.is_gated);
        });
    }

    void settle(long place) {
        with_mode(cell, [&](auto mode) {
            for (long row = 0; row < rows; row++) {
                const float* heads = sums[cell.depth][row];
                if (!cell.is_frozen_at(place + row))
                    settle_row<mode.value>(cell, heads, before[row], cell.elapsed(place + row));
            }
        });
    }
};

INLINE void scale(float* numbers, const float* by, long width) {
    over_lanes(width, [&](long j, auto count) {
        vec scaled = load_up_to(numbers + j, count) * load_up_to(by + j, count);
        store_up_to(numbers + j, scaled, count);
    });
}

struct Adjoint {
    const Cell& cell;
    const std::vector<Panels>& weights;
    float* states_grad;
    float* partials;
    float* const* slopes;
    long first, rows;  // of the batch
    Scratch carry;  // the gradient that a step gives to the state before it
    std::vector<Scratch> flowing;  // the gradient of each layer's outputs

    Adjoint(
        const Cell& cell,
        const std::vector<Panels>& weights,
        float* states_grad,
        float* partials,
        float* const* slopes,
        long first,
        long rows)
        : cell(cell),
          weights(weights),
          states_grad(states_grad),
          partials(partials),
          slopes(slopes),
          first(first),
          rows(rows),
          carry(rows, cell.neurons) {
        for (long layer = 0; layer < cell.depth; layer++)
            flowing.emplace_back(rows, cell.outputs(layer));
    }

    void run(float* state_grad) {
        for (long step = cell.steps - 1; step >= 0; step--) {
            const long place = step * cell.rows + first;
            for (long row = 0; row < rows; row++) add_own(row, place + row);
            retrace(place);
            for (long row = 0; row < rows; row++)
                if (cell.starts_at(place + row))
                    std::fill_n(carry[row], padded(cell.neurons), 0.0f);
        }
        for (long row = 0; row < rows; row++)
            std::copy_n(carry[row], cell.neurons, state_grad + (first + row) * cell.neurons);
    }

    void add_own(long row, long place) {
        const long n = cell.neurons;
        float* grad = states_grad + place * n;
        over_lanes(n, [&](long j, auto count) {
            vec whole = load_up_to(grad + j, count) + load(carry[row] + j);
            store_up_to(grad + j, whole, count);
            store(carry[row] + j, whole);
        });
    }

    // Turns `carry` from the gradient of the state after into that before; gives the drive's.
    Rows<const float> retrace(long place) {
        const long heads_width = cell.heads_width();
        for (long row = 0; row < rows; row++) enter(row, place + row);
        Rows<const float> grads = {partials + place * heads_width, heads_width};
        for (long layer = cell.depth - 1; layer >= 0; layer--)
            grads = descend(layer, place, grads);
        multiply(weights[0], rows, grads, carry);
        return grads;
    }

    // The gradients of the heads; left in `carry` is what no product has to give.
    void enter(long row, long place) {
        const long n = cell.neurons;
        for (long head = 0; head < cell.heads; head++)
            scale(partials + place * cell.heads_width() + head * n, carry[row], n);
        if (!cell.is_frozen_at(place)) std::fill_n(carry[row], padded(n), 0.0f);
    }

    // The gradients of a layer's a, from those of what its outputs are multiplied to.
    Rows<const float> descend(long layer, long place, Rows<const float> grads) {
        Scratch& flow = flowing[layer];
        std::fill(flow.data.begin(), flow.data.end(), 0.0f);
        multiply(weights[layer + 1], rows, grads, flow);
        const long width = cell.widths[layer], outputs = cell.outputs(layer);
        float* by = slopes[layer] + place * width;
        for (long row = 0; row < rows; row++)
            for (long part = 0; part < width; part += outputs)
                scale(by + row * width + part, flow[row], outputs);
        return {by, width};
    }
};

}  // namespace cfc
