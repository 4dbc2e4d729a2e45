// The gated short convolution and its gradient, as convolution.py of the foundation models has it.

#include <algorithm>
#include <cstdint>

#include "simd.h"
#include "threads.h"

namespace gated_convolution {

// What gated_convolution_cpp.py describes a call by, field for field; `positions` may be null.
struct Call {
    int64_t rows, steps, width, count, threads;
    const float* values;
    const float* input_gate;
    const float* output_gate;
    const float* taps;
    const int64_t* positions;

    double work() const { return 4.0 * rows * steps * width * count; }

    // Whether the token `k` before `step` of `row` is one of its document.
    bool reaches(long row, long step, long k) const {
        return k <= step && (!positions || k <= positions[row * steps + step]);
    }
    long before(long row, long step) const {
        long k = 0;
        while (k + 1 < count && reaches(row, step, k + 1)) k++;
        return k;
    }
    long after(long row, long step) const {
        long k = 0;
        while (k + 1 < count && step + k + 1 < steps && reaches(row, step + k + 1, k + 1)) k++;
        return k;
    }
};

template <class Count>
INLINE vec product(const float* one, const float* other, long place, Count count) {
    return load_up_to(one + place, count) * load_up_to(other + place, count);
}

static void forward(const Call& call, long row, float* to) {
    const long width = call.width;
    for (long step = 0; step < call.steps; step++) {
        const long begin = (row * call.steps + step) * width, before = call.before(row, step);
        over_lanes(width, [&](long j, auto count) {
            vec mixed = {};
            for (long k = 0; k <= before; k++)
                mixed += load_up_to(call.taps + k * width + j, count) *
                         product(call.values, call.input_gate, begin + j - k * width, count);
            store_up_to(
                to + begin + j, mixed * load_up_to(call.output_gate + begin + j, count), count);
        });
    }
}

// Where gradients go: of each tensor of a call, the taps' for each row.
struct Gradients {
    float* values;
    float* input_gate;
    float* output_gate;
    float* taps;
};

static void backward(const Call& call, long row, const float* grad, const Gradients& to) {
    const long width = call.width;
    float* taps = to.taps + row * call.count * width;
    std::fill_n(taps, call.count * width, 0.0f);
    for (long step = 0; step < call.steps; step++) {
        const long begin = (row * call.steps + step) * width;
        const long before = call.before(row, step), after = call.after(row, step);
        over_lanes(width, [&](long j, auto count) {
            const long place = begin + j;
            vec asked = load_up_to(grad + place, count);
            vec of_mixed = asked * load_up_to(call.output_gate + place, count);
            vec mixed = {}, of_product = {};
            for (long k = 0; k <= before; k++) {
                float* tap = taps + k * width + j;
                vec earlier = product(call.values, call.input_gate, place - k * width, count);
                mixed += load_up_to(call.taps + k * width + j, count) * earlier;
                store_up_to(tap, load_up_to(tap, count) + of_mixed * earlier, count);
            }
            for (long k = 0; k <= after; k++)
                of_product += load_up_to(call.taps + k * width + j, count) *
                              product(grad, call.output_gate, place + k * width, count);
            vec value = load_up_to(call.values + place, count);
            store_up_to(
                to.values + place, of_product * load_up_to(call.input_gate + place, count), count);
            store_up_to(to.input_gate + place, of_product * value, count);
            store_up_to(to.output_gate + place, asked * mixed, count);
        });
    }
}

}  // namespace gated_convolution

extern "C" void cauce_gated_convolution_forward(const gated_convolution::Call* call, float* to) {
    over_rows(call->rows, call->threads, call->work(), [&](long first, long end) {
        for (long row = first; row < end; row++) gated_convolution::forward(*call, row, to);
    });
}

extern "C" void cauce_gated_convolution_backward(
    const gated_convolution::Call* call, const float* grad,
    const gated_convolution::Gradients* to) {
    over_rows(call->rows, call->threads, 3 * call->work(), [&](long first, long end) {
        for (long row = first; row < end; row++) gated_convolution::backward(*call, row, grad, *to);
    });
}
