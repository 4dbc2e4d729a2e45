// The sums over synapses of an LTC, its loop over time, and the adjoints of both.
//
// The equations and names are those of ltc.py; tensors are contiguous, time first, fp32. Rows are
// spread over threads; the sums for the synapses' gradients are each thread's own and added in the
// order of the rows, so that they alone differ between numbers of threads, by rounding.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "simd.h"
#include "synapses.h"
#include "threads.h"

namespace ltc {

// What ltc_cpp.py describes a recurrence by, field for field.
struct Run {
    int64_t steps, rows, unfolds;
    const float *capacitance, *rates;
    const uint8_t *starts, *frozen;
};

template <int R>
void forward_rows(const Packed& packed, const Run& run, long n, long row, const float* current,
                  const float* conductance, const float* state, float* states, float* before,
                  float* divisors) {
    long width = padded(n);
    std::vector<float> v(R * width), begin, above(R * width), below(R * width);
    for (long r = 0; r < R; r++) std::copy_n(state + (row + r) * n, n, &v[r * width]);
    for (long t = 0; t < run.steps; t++) {
        for (long r = 0; r < R; r++)
            if (run.starts && run.starts[t * run.rows + row + r])
                std::fill_n(&v[r * width], n, 0.0f);
        if (run.frozen) begin = v;
        for (long k = 0; k < run.unfolds; k++) {
            long kept = ((t * run.unfolds + k) * run.rows + row) * n;
            for (long r = 0; before && r < R; r++)
                std::copy_n(&v[r * width], n, before + kept + r * n);
            sum_synapses<R>(packed, n, v.data(), width, above.data(), below.data(), width);
            for (long r = 0; r < R; r++) {
                long at = t * run.rows + row + r;
                over_lanes(n, [&](long j, auto count) {
                    vec inertia = run.rates[at] * load_up_to(run.capacitance + j, count);
                    vec own = load_up_to(conductance + at * n + j, count) + inertia;
                    vec divisor = load(&below[r * width + j]) + own;
                    vec pulled = load_up_to(current + at * n + j, count);
                    pulled += load(&above[r * width + j]);
                    float* here = &v[r * width + j];
                    store(here, (inertia * load(here) + pulled) / divisor);
                    if (divisors) store_up_to(divisors + kept + r * n + j, divisor, count);
                });
            }
        }
        for (long r = 0; r < R; r++) {
            long at = t * run.rows + row + r;
            if (run.frozen && run.frozen[at]) std::copy_n(&begin[r * width], n, &v[r * width]);
            std::copy_n(&v[r * width], n, states + at * n);
        }
    }
}

struct Gradients {
    float *state, *current, *conductance, *inertia;
};

template <int R>
void adjoint_rows(const Packed& packed, const Run& run, long n, long row, const float* states_grad,
                  const float* states, const float* before, const float* divisors,
                  const Gradients& grads, float* totals) {
    long width = padded(n);
    std::vector<float> grad(R * width), gn(R * width), gd(R * width), passing;
    for (long t = run.steps - 1; t >= 0; t--) {
        long at = t * run.rows + row;
        for (long r = 0; r < R; r++)
            over_lanes(n, [&](long j, auto count) {
                float* here = &grad[r * width + j];
                store(here, load(here) + load_up_to(states_grad + (at + r) * n + j, count));
            });
        if (run.frozen) passing = grad;
        for (long r = 0; r < R; r++) {
            bool stays = run.frozen && run.frozen[at + r];
            if (run.frozen) std::fill_n(stays ? &grad[r * width] : &passing[r * width], n, 0.0f);
            for (float* sums : {grads.current, grads.conductance, grads.inertia})
                std::fill_n(sums + (at + r) * n, n, 0.0f);
        }
        for (long k = run.unfolds - 1; k >= 0; k--) {
            long kept = ((t * run.unfolds + k) * run.rows + row) * n;
            bool is_last = k + 1 == run.unfolds;
            const float* after = is_last ? states + at * n : before + kept + run.rows * n;
            for (long r = 0; r < R; r++)
                over_lanes(n, [&](long j, auto count) {
                    long here = (at + r) * n + j, there = r * width + j;
                    vec divisor = load_up_to(divisors + kept + r * n + j, count);
                    vec v = load_up_to(before + kept + r * n + j, count);
                    vec result = load_up_to(after + r * n + j, count);
                    vec by_current = load(&grad[there]) / divisor;
                    vec by_divisor = -by_current * result;
                    store_up_to(&gn[there], by_current, count);
                    store_up_to(&gd[there], by_divisor, count);
                    auto add = [&](float* to, vec x) {
                        store_up_to(to + here, load_up_to(to + here, count) + x, count);
                    };
                    add(grads.current, by_current);
                    add(grads.conductance, by_divisor);
                    add(grads.inertia, by_current * (v - result));
                });
            adjoint_synapses<R>(packed, n, before + kept, n, gn.data(), gd.data(), width,
                                grad.data(), width, totals);
            for (long r = 0; r < R; r++)
                over_lanes(n, [&](long j, auto count) {
                    vec inertia = run.rates[at + r] * load_up_to(run.capacitance + j, count);
                    float* here = &grad[r * width + j];
                    store_up_to(here, load(&gn[r * width + j]) * inertia + load(here), count);
                });
        }
        for (long r = 0; r < R; r++) {
            if (run.frozen)
                for (long j = 0; j < n; j++) grad[r * width + j] += passing[r * width + j];
            if (run.starts && run.starts[at + r]) std::fill_n(&grad[r * width], n, 0.0f);
        }
    }
    for (long r = 0; r < R; r++) std::copy_n(&grad[r * width], n, grads.state + (row + r) * n);
}

static double work(const Packed& packed, double rows) { return packed.size() * LANES * rows * 8; }

extern "C" {

void cauce_ltc_sums(const Synapses* synapses, int64_t rows, const float* values, float* current,
                    float* conductance) {
    Packed packed(*synapses, false);
    long senders = synapses->senders, receivers = synapses->receivers, width = padded(receivers);
    over_rows(rows, synapses->threads, work(packed, rows), [&](long first, long last) {
        std::vector<float> above(GROUP * width), below(GROUP * width);
        over_groups(first, last, [&](long row, auto size) {
            const float* v = values + row * senders;
            sum_synapses<size>(packed, senders, v, senders, above.data(), below.data(), width);
            for (long r = 0; r < size; r++) {
                std::copy_n(&above[r * width], receivers, current + (row + r) * receivers);
                std::copy_n(&below[r * width], receivers, conductance + (row + r) * receivers);
            }
        });
    });
}

void cauce_ltc_sums_adjoint(const Synapses* synapses, int64_t rows, const float* values,
                            const float* current_grad, const float* conductance_grad,
                            float* values_grad, float* sums) {
    Packed packed(*synapses, true);
    Totals totals;
    long senders = synapses->senders, receivers = synapses->receivers, width = padded(receivers);
    over_rows(rows, synapses->threads, work(packed, rows), [&](long first, long last) {
        float* own = totals.of_share(first, packed);
        std::vector<float> gn(GROUP * width), gd(GROUP * width);
        over_groups(first, last, [&](long row, auto size) {
            for (long r = 0; r < size; r++) {
                std::copy_n(current_grad + (row + r) * receivers, receivers, &gn[r * width]);
                std::copy_n(conductance_grad + (row + r) * receivers, receivers, &gd[r * width]);
            }
            adjoint_synapses<size>(packed, senders, values + row * senders, senders, gn.data(),
                                   gd.data(), width, values_grad + row * senders, senders, own);
        });
    });
    totals.add_to(sums, packed, *synapses);
}

void cauce_ltc_forward(const Synapses* synapses, const Run* run, const float* current,
                       const float* conductance, const float* state, float* states, float* before,
                       float* divisors) {
    Packed packed(*synapses, false);
    double all = work(packed, run->rows * run->steps * run->unfolds);
    over_rows(run->rows, synapses->threads, all, [&](long first, long last) {
        over_groups(first, last, [&](long row, auto size) {
            forward_rows<size>(packed, *run, synapses->receivers, row, current, conductance, state,
                               states, before, divisors);
        });
    });
}

void cauce_ltc_adjoint(const Synapses* synapses, const Run* run, const float* states_grad,
                       const float* states, const float* before, const float* divisors,
                       const Gradients* grads, float* sums) {
    Packed packed(*synapses, true);
    Totals totals;
    double all = work(packed, run->rows * run->steps * run->unfolds);
    over_rows(run->rows, synapses->threads, all, [&](long first, long last) {
        float* own = totals.of_share(first, packed);
        over_groups(first, last, [&](long row, auto size) {
            adjoint_rows<size>(packed, *run, synapses->receivers, row, states_grad, states, before,
                               divisors, *grads, own);
        });
    });
    totals.add_to(sums, packed, *synapses);
}
}

}  // namespace ltc
