// The loop of a CfC over time and its adjoint, for the rows of a batch on several threads.

#include "cfc_loop.h"
#include "threads.h"

using namespace cfc;

extern "C" void cauce_cfc_forward(
    const Cell* cell, const float* drive, const float* state, float* states, float* const* layers) {
    const std::vector<Panels> weights = cell->panels(false);
    over_rows(cell->rows, cell->threads, cell->work(), [&](long first, long end) {
        Forward(*cell, weights, drive, states, layers, first, end - first).run(state);
    });
}

extern "C" void cauce_cfc_adjoint(
    const Cell* cell,
    float* states_grad,
    float* partials,
    float* const* slopes,
    float* state_grad) {
    const std::vector<Panels> weights = cell->panels(true);
    over_rows(cell->rows, cell->threads, cell->work(), [&](long first, long end) {
        Adjoint(*cell, weights, states_grad, partials, slopes, first, end - first).run(state_grad);
    });
}

extern "C" void cauce_cfc_head_partials(const Cell* cell, const float* heads, float* partials) {
    const long rows = cell->steps * cell->rows, width = cell->heads_width();
    over_rows(rows, cell->threads, 8.0 * rows * width, [&](long first, long end) {
        with_mode(*cell, [&](auto mode) {
            for (long row = first; row < end; row++) {
                const float* g = heads + row * width;
                if (cell->is_frozen_at(row))
                    std::fill_n(partials + row * width, width, 0.0f);
                else
                    partials_row<mode.value>(
                        *cell, g, partials + row * width, cell->elapsed(row));
            }
        });
    });
}

extern "C" void cauce_cfc_layer_slopes(
    int64_t rows,
    int64_t outputs,
    int activation,
    int is_gated,
    int threads,
    const float* a,
    float* y,
    float* slopes) {
    const long width = is_gated ? 2 * outputs : outputs;
    over_rows(rows, threads, 16.0 * rows * outputs, [&](long first, long end) {
        with_activation(activation, [&](auto kind) {
            for (long row = first; row < end; row++)
                slopes_row<kind.value>(
                    a + row * width, y + row * outputs, slopes + row * width, outputs, is_gated);
        });
    });
}
