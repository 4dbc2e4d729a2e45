// Rows times a weight, for weights that are used again at every step of a recurrence.
//
// A weight is packed into panels of a few outputs, [panel][input][output of the panel], so that a
// product reads it once from end to end, whatever the number of rows. Each sum runs over the
// inputs in their order, so that a row's result depends on neither its neighbours nor the lanes.

#pragma once

#include <algorithm>
#include <vector>

#include "simd.h"

constexpr int VECTORS = 2;  // of a panel
constexpr int PANEL = VECTORS * LANES;
constexpr int PANELS_AT_ONCE = 4;
constexpr int ROWS_AT_ONCE = 4;

INLINE long padded(long width) { return (width + PANEL - 1) / PANEL * PANEL; }

// Rows of floats of which each begins `stride` after the one before.
template <class T>
struct Rows {
    T* data;
    long stride;
    T* operator[](long row) const { return data + row * stride; }
};

struct Panels {
    long inputs, outputs;
    std::vector<vec> data;  // of vectors, because it begins at a multiple of their size

    // The weight is (outputs, inputs), or (inputs, outputs) where transposed.
    Panels(const float* weight, long outputs, long inputs, bool is_transposed)
        : inputs(inputs), outputs(outputs), data(padded(outputs) / LANES * inputs) {
        for (long first = 0; first < outputs; first += PANEL) {
            float* to = (float*)panel(first / PANEL);
            const long count = std::min<long>(PANEL, outputs - first);
            for (long i = 0; i < inputs; i++, to += PANEL) {
                if (is_transposed)
                    std::copy_n(weight + i * outputs + first, count, to);
                else
                    for (long o = 0; o < count; o++) to[o] = weight[(first + o) * inputs + i];
            }
        }
    }

    const vec* panel(long index) const { return &data[index * inputs * VECTORS]; }
};

template <int ROWS, int COUNT>
INLINE void multiply_panels(
    const Panels& weight, long index, Rows<const float> inputs, Rows<float> outputs) {
    const vec* panel = weight.panel(index);
    const long next_panel = weight.inputs * VECTORS;
    float* to = outputs.data + index * PANEL;
    vec sums[ROWS][COUNT][VECTORS];
    for (int row = 0; row < ROWS; row++)
        for (int k = 0; k < COUNT; k++)
            for (int v = 0; v < VECTORS; v++)
                sums[row][k][v] = load(to + row * outputs.stride + k * PANEL + v * LANES);
    for (long i = 0; i < weight.inputs; i++, panel += VECTORS)
        for (int k = 0; k < COUNT; k++) {
            vec part[VECTORS];
            for (int v = 0; v < VECTORS; v++) part[v] = in_register(panel[k * next_panel + v]);
            for (int row = 0; row < ROWS; row++) {
                vec input = in_register(fill(inputs[row][i]));
                for (int v = 0; v < VECTORS; v++) sums[row][k][v] += input * part[v];
            }
        }
    for (int row = 0; row < ROWS; row++)
        for (int k = 0; k < COUNT; k++)
            for (int v = 0; v < VECTORS; v++)
                store(to + row * outputs.stride + k * PANEL + v * LANES, sums[row][k][v]);
}

// Few rows have few sums to go on with while one waits for the last: more panels at once, then.
template <int ROWS>
void multiply_some(
    const Panels& weight, long first, long end, Rows<const float> inputs, Rows<float> outputs) {
    constexpr int COUNT = std::max(1, PANELS_AT_ONCE / ROWS);
    long index = first;
    for (; index + COUNT <= end; index += COUNT)
        multiply_panels<ROWS, COUNT>(weight, index, inputs, outputs);
    for (; index < end; index++) multiply_panels<ROWS, 1>(weight, index, inputs, outputs);
}

// Adds `inputs` times the weight to `outputs`, whose rows are padded.
inline void multiply(
    const Panels& weight, long rows, Rows<const float> inputs, Rows<float> outputs) {
    const long panels = padded(weight.outputs) / PANEL;
    for (long first = 0; first < panels; first += PANELS_AT_ONCE) {
        const long end = std::min(first + PANELS_AT_ONCE, panels);
        for (long row = 0; row < rows; row += ROWS_AT_ONCE) {
            Rows<const float> from = {inputs[row], inputs.stride};
            Rows<float> to = {outputs[row], outputs.stride};
            switch (std::min<long>(rows - row, ROWS_AT_ONCE)) {
                case 1: multiply_some<1>(weight, first, end, from, to); break;
                case 2: multiply_some<2>(weight, first, end, from, to); break;
                case 3: multiply_some<3>(weight, first, end, from, to); break;
                default: multiply_some<4>(weight, first, end, from, to);
            }
        }
    }
}
