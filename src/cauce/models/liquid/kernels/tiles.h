// Products of a few rows with a packed matrix, for sums that run over a part of its rows alone.
//
// A matrix is packed into panels of a few columns, [panel][row][column of the panel]. Each sum runs
// over the rows in their order, so that it depends on neither its neighbours nor the lanes.

#pragma once

#include <algorithm>
#include <vector>

#include "product.h"

constexpr int TILE_ROWS = 6;  // their sums, a part of a panel and a factor fill 15 registers

struct Packed {
    long rows;
    std::vector<vec> data;

    const vec* at(long panel, long row) const { return &data[(panel * rows + row) * VECTORS]; }

    // Packs `count` rows of `width` numbers, which begin `stride` apart.
    void pack(const float* from, long stride, long count, long width) {
        rows = count;
        data.assign(padded(width) / LANES * rows, vec{});
        for (long row = 0; row < rows; row++)
            for (long j = 0; j < width; j += PANEL)
                std::copy_n(
                    from + row * stride + j, std::min<long>(PANEL, width - j), line(j, row));
    }

    // Packs them as the columns of a matrix of `width` rows.
    void pack_columns(const float* from, long stride, long count, long width) {
        rows = width;
        data.assign(padded(count) / LANES * rows, vec{});
        for (long column = 0; column < count; column++)
            for (long row = 0; row < rows; row++)
                line(column, row)[column % PANEL] = from[column * stride + row];
    }

   private:
    float* line(long column, long row) {
        return (float*)&data[(column / PANEL * rows + row) * VECTORS];
    }
};

// Factors of a product: `row` and `step` are how far apart those of the next row and of the next
// row of the packed matrix are.
struct Factors {
    const float* data;
    long row, step;
};

template <int ROWS>
INLINE void multiply_tile(
    Factors factors, const vec* panel, long steps, Rows<float> to, bool adds) {
    vec sums[ROWS][VECTORS] = {};
    for (long step = 0; step < steps; step++, panel += VECTORS) {
        vec part[VECTORS];
        for (int v = 0; v < VECTORS; v++) part[v] = in_register(panel[v]);
        for (int row = 0; row < ROWS; row++) {
            vec factor = in_register(fill(factors.data[row * factors.row + step * factors.step]));
            for (int v = 0; v < VECTORS; v++) sums[row][v] += factor * part[v];
        }
    }
    for (int row = 0; row < ROWS; row++)
        for (int v = 0; v < VECTORS; v++) {
            float* place = to[row] + v * LANES;
            store(place, adds ? load(place) + sums[row][v] : sums[row][v]);
        }
}

// Of up to TILE_ROWS rows: sums over `steps` rows of a panel from `panel` on, or adds them.
static void multiply_rows(
    long rows, Factors factors, const vec* panel, long steps, Rows<float> to, bool adds = false) {
    switch (rows) {
        case 1: return multiply_tile<1>(factors, panel, steps, to, adds);
        case 2: return multiply_tile<2>(factors, panel, steps, to, adds);
        case 3: return multiply_tile<3>(factors, panel, steps, to, adds);
        case 4: return multiply_tile<4>(factors, panel, steps, to, adds);
        case 5: return multiply_tile<5>(factors, panel, steps, to, adds);
        default: return multiply_tile<6>(factors, panel, steps, to, adds);
    }
}
