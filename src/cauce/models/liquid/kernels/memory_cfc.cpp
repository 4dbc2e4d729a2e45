// The loop of CfCs with an LSTM before each step, and its adjoint, as memory_cfc.py has them.

#include "cfc_loop.h"
#include "threads.h"

namespace memory {

using cfc::Cell;
using cfc::Scratch;

constexpr long GATES = 4;  // new, take, keep, show

// What memory_cfc_cpp.py describes a link by, field for field.
struct Link {
    const Cell* cell;
    const float* input_weight;
    const float* drive;
    float* partials;
    float* const* layers;  // backwards: the slopes

    Panels input_panels(long inputs, bool is_adjoint) const {
        const long sums = cell->sums(0);
        if (is_adjoint) return Panels(input_weight, inputs, sums, true);
        return Panels(input_weight, sums, inputs, false);
    }
};

// And the whole.
struct Chain {
    int64_t steps, rows, neurons, count, threads;
    const Link* links;
    const float* recurrent;
    const uint8_t* starts;
    const uint8_t* frozen;

    bool starts_at(long place) const { return starts && starts[place]; }
    bool is_frozen_at(long place) const { return frozen && frozen[place]; }

    double work() const {
        double all = (double)steps * rows * neurons * (GATES * neurons + 100);
        for (long index = 0; index < count; index++) all += links[index].cell->work();
        return all;
    }
};

// The weights of all links, packed once for all threads.
struct Weights {
    Panels recurrent;
    std::vector<std::vector<Panels>> cells;
    std::vector<Panels> inputs;  // of all links but the first

    Weights(const Chain& chain, bool is_adjoint)
        : recurrent(is_adjoint ? Panels(chain.recurrent, chain.neurons, width(chain), true)
                               : Panels(chain.recurrent, width(chain), chain.neurons, false)) {
        for (long index = 0; index < chain.count; index++) {
            const Link& link = chain.links[index];
            cells.push_back(link.cell->panels(is_adjoint));
            if (!index) continue;
            const long before = chain.links[index - 1].cell->neurons;
            inputs.push_back(link.input_panels(before, is_adjoint));
        }
    }

    static long width(const Chain& chain) { return GATES * chain.neurons; }
};

struct Forward {
    const Chain& chain;
    const Weights& weights;
    const float* drive;
    long first, rows;  // of the batch
    Scratch hidden, cells, sums, shown;
    std::vector<cfc::Forward> links;

    Forward(const Chain& chain, const Weights& weights, const float* drive, long first, long rows)
        : chain(chain),
          weights(weights),
          drive(drive),
          first(first),
          rows(rows),
          hidden(rows, chain.neurons),
          cells(rows, chain.neurons),
          sums(rows, GATES * chain.neurons),
          shown(rows, chain.neurons) {
        for (long index = 0; index < chain.count; index++) {
            const Link& link = chain.links[index];
            links.emplace_back(
                *link.cell, weights.cells[index], link.drive, nullptr, link.layers, first, rows);
        }
    }

    void run(const float* state, const float* state_cells, float* states, float* all_cells,
             float* gates) {
        const long n = chain.neurons;
        for (long row = 0; row < rows; row++) {
            std::copy_n(state + (first + row) * n, n, hidden[row]);
            std::copy_n(state_cells + (first + row) * n, n, cells[row]);
        }
        for (long step = 0; step < chain.steps; step++) {
            const long place = step * chain.rows + first;
            for (long row = 0; row < rows; row++) {
                if (chain.starts_at(place + row)) {
                    std::fill_n(hidden[row], n, 0.0f);
                    std::fill_n(cells[row], n, 0.0f);
                }
                std::copy_n(drive + (place + row) * GATES * n, GATES * n, sums[row]);
            }
            multiply(weights.recurrent, rows, hidden, sums);
            for (long row = 0; row < rows; row++)
                remember(row, place + row, gates + (place + row) * GATES * n);
            step_links(place);
            for (long row = 0; row < rows; row++) {
                std::copy_n(hidden[row], n, states + (place + row) * n);
                std::copy_n(cells[row], n, all_cells + (place + row) * n);
            }
        }
    }

    // The LSTM: gates, c (unless time stands still) and h' of a row.
    void remember(long row, long place, float* gates) {
        const long n = chain.neurons;
        const bool stands = chain.is_frozen_at(place);
        over_lanes(n, [&](long j, auto count) {
            const float* sum = sums[row] + j;
            vec now = tanh_of(load(sum)), take = sigmoid(load(sum + n));
            vec keep = sigmoid(load(sum + 2 * n)), show = sigmoid(load(sum + 3 * n));
            vec after = keep * load(cells[row] + j) + take * now;
            store_up_to(gates + j, now, count);
            store_up_to(gates + n + j, take, count);
            store_up_to(gates + 2 * n + j, keep, count);
            store_up_to(gates + 3 * n + j, show, count);
            if (!stands) store(cells[row] + j, after);
            store(shown[row] + j, show * tanh_of(after));
        });
    }

    void step_links(long place) {
        long begin = 0;
        for (size_t index = 0; index < links.size(); index++) {
            cfc::Forward& link = links[index];
            const long units = link.cell.neurons;
            for (long row = 0; row < rows; row++)
                std::copy_n(shown[row] + begin, units, link.before[row]);
            link.enter(place);
            if (index)
                multiply(weights.inputs[index - 1], rows, links[index - 1].before, link.sums[0]);
            link.advance(place);
            for (long row = 0; row < rows; row++)
                if (!chain.is_frozen_at(place + row))
                    std::copy_n(link.before[row], units, hidden[row] + begin);
            begin += units;
        }
    }
};

// The partials of the LSTM, and what their gates become.
struct Partials {
    const float* hidden;
    const float* cells;
    float* gates;
};

struct Adjoint {
    const Chain& chain;
    const Weights& weights;
    const Partials& partials;
    float* states_grad;
    long first, rows;  // of the batch
    Scratch grads, hidden, cells;  // of h after and then before, of h', of c
    std::vector<cfc::Adjoint> links;

    Adjoint(const Chain& chain, const Weights& weights, const Partials& partials,
            float* states_grad, long first, long rows)
        : chain(chain),
          weights(weights),
          partials(partials),
          states_grad(states_grad),
          first(first),
          rows(rows),
          grads(rows, chain.neurons),
          hidden(rows, chain.neurons),
          cells(rows, chain.neurons) {
        for (long index = 0; index < chain.count; index++) {
            const Link& link = chain.links[index];
            links.emplace_back(*link.cell, weights.cells[index], nullptr, link.partials,
                               link.layers, first, rows);
        }
    }

    void run(const float* cells_grad, float* state_grad, float* state_cells_grad) {
        const long n = chain.neurons;
        for (long row = 0; row < rows; row++)
            std::copy_n(cells_grad + (first + row) * n, n, cells[row]);
        for (long step = chain.steps - 1; step >= 0; step--) {
            const long place = step * chain.rows + first;
            for (long row = 0; row < rows; row++) {
                const float* own = states_grad + (place + row) * n;
                for (long j = 0; j < n; j++) grads[row][j] += own[j];
            }
            step_links(place);
            for (long row = 0; row < rows; row++) forget(row, place + row);
            const Rows<const float> sums = {partials.gates + place * GATES * n, GATES * n};
            multiply(weights.recurrent, rows, sums, grads);
            for (long row = 0; row < rows; row++)
                if (chain.starts_at(place + row))
                    std::fill_n(grads[row], padded(n), 0.0f);
        }
        for (long row = 0; row < rows; row++) {
            std::copy_n(grads[row], n, state_grad + (first + row) * n);
            std::copy_n(cells[row], n, state_cells_grad + (first + row) * n);
        }
    }

    // From the gradient of h to that of h'; a link adds to what the one before it has.
    void step_links(long place) {
        long begin = chain.neurons;
        Rows<const float> drive_grad = {};
        for (long index = chain.count - 1; index >= 0; index--) {
            cfc::Adjoint& link = links[index];
            const long units = link.cell.neurons;
            begin -= units;
            for (long row = 0; row < rows; row++)
                std::copy_n(grads[row] + begin, units, link.carry[row]);
            if (index + 1 < chain.count)
                multiply(weights.inputs[index], rows, drive_grad, link.carry);
            for (long row = 0; row < rows; row++) {
                float* whole = states_grad + (place + row) * chain.neurons;
                std::copy_n(link.carry[row], units, whole + begin);
            }
            drive_grad = link.retrace(place);
            for (long row = 0; row < rows; row++)
                std::copy_n(link.carry[row], units, hidden[row] + begin);
        }
    }

    // From the gradients of h' and c to those of the sums and c; left in `grads` is h's own.
    void forget(long row, long place) {
        const long n = chain.neurons;
        float* gates = partials.gates + place * GATES * n;
        over_lanes(n, [&](long j, auto count) {
            vec by_hidden = load(hidden[row] + j);
            vec by_cell = load(cells[row] + j);
            by_cell += by_hidden * load_up_to(partials.hidden + place * n + j, count);
            for (long gate = 0; gate < GATES; gate++) {
                float* here = gates + gate * n + j;
                vec by_gate = gate + 1 < GATES ? by_cell : by_hidden;
                store_up_to(here, by_gate * load_up_to(here, count), count);
            }
            store(cells[row] + j, by_cell * load_up_to(partials.cells + place * n + j, count));
        });
        if (!chain.is_frozen_at(place)) std::fill_n(grads[row], padded(n), 0.0f);
    }
};

}  // namespace memory

using namespace memory;

extern "C" void cauce_memory_forward(
    const Chain* chain, const float* drive, const float* state, const float* state_cells,
    float* states, float* cells, float* gates) {
    const Weights weights(*chain, false);
    over_rows(chain->rows, chain->threads, chain->work(), [&](long first, long end) {
        memory::Forward(*chain, weights, drive, first, end - first)
            .run(state, state_cells, states, cells, gates);
    });
}

extern "C" void cauce_memory_adjoint(
    const Chain* chain, const Partials* partials, float* states_grad, const float* cells_grad,
    float* state_grad, float* state_cells_grad) {
    const Weights weights(*chain, true);
    over_rows(chain->rows, chain->threads, chain->work(), [&](long first, long end) {
        memory::Adjoint(*chain, weights, *partials, states_grad, first, end - first)
            .run(cells_grad, state_grad, state_cells_grad);
    });
}
