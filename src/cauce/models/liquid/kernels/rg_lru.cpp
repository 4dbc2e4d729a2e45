// The loop of an RG-LRU over time with its gates, and its gradient, as rg_lru.py has them.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "simd.h"
#include "threads.h"

namespace rg_lru {

constexpr double WORK = 60.0;  // of a number, in multiply-adds
constexpr float LEAST = 1e-12f;

// What rg_lru_cpp.py describes a call by, field for field; `starts` may be null.
struct Call {
    int64_t rows, steps, width, threads;
    const float* values;
    const float* decay_drive;
    const float* input_drive;
    const float* speed;
    const float* state;
    const uint8_t* starts;

    double work() const { return WORK * rows * steps * width; }
    bool starts_at(long token) const { return starts && starts[token]; }
};

INLINE vec root(vec x) {
    for (int lane = 0; lane < LANES; lane++) x[lane] = std::sqrt(x[lane]);
    return x;
}

// The gates of a token for some of its channels, and what follows from them.
struct Gates {
    vec speed, open, a, squared_rest, scale, input, x;  // squared_rest: 1 - a^2

    template <class Count>
    __attribute__((always_inline)) Gates(const Call& call, long place, long j, Count count) {
        speed = load_up_to(call.speed + j, count);
        open = sigmoid(load_up_to(call.decay_drive + place, count));
        Exponential e = exponential(clamp(-speed * open, -87.0f, 0.0f));
        vec grown = e.scale * e.rest, less_one = grown + (e.scale - 1.0f);
        a = grown + e.scale;
        squared_rest = -less_one * (a + 1.0f);
        scale = root(squared_rest > LEAST ? squared_rest : fill(LEAST));
        input = sigmoid(load_up_to(call.input_drive + place, count));
        x = load_up_to(call.values + place, count);
    }
};

// The state before a token of a row, null where there is none.
static const float* before(const Call& call, const float* states, long row, long step) {
    const long token = row * call.steps + step;
    if (call.starts_at(token)) return nullptr;
    return step ? states + (token - 1) * call.width : call.state + row * call.width;
}

static void forward(const Call& call, long row, float* states) {
    for (long step = 0; step < call.steps; step++) {
        const long begin = (row * call.steps + step) * call.width;
        const float* state = before(call, states, row, step);
        over_lanes(call.width, [&](long j, auto count) {
            Gates gates(call, begin + j, j, count);
            vec now = gates.scale * gates.input * gates.x;
            if (state) now += gates.a * load_up_to(state + j, count);
            store_up_to(states + begin + j, now, count);
        });
    }
}

// Where gradients go: of each tensor of a call, the speed's for each row.
struct Gradients {
    float* values;
    float* decay_drive;
    float* input_drive;
    float* speed;
    float* state;
};

static void backward(
    const Call& call, long row, const float* states, const float* grad, const Gradients& to) {
    float* carry = to.state + row * call.width;  // of the state after the step
    float* speed = to.speed + row * call.width;
    std::fill_n(carry, call.width, 0.0f);
    std::fill_n(speed, call.width, 0.0f);
    for (long step = call.steps - 1; step >= 0; step--) {
        const long begin = (row * call.steps + step) * call.width;
        const float* state = before(call, states, row, step);
        over_lanes(call.width, [&](long j, auto count) {
            const long place = begin + j;
            Gates g(call, place, j, count);
            vec whole = load_up_to(grad + place, count) + load_up_to(carry + j, count);
            vec taken = g.scale * g.input;
            vec by_scale = whole * g.input * g.x;
            vec slope = g.squared_rest > LEAST ? g.a * g.a / g.scale : vec{};
            vec by_log = -slope * by_scale;
            vec carried = {};
            if (state) {
                carried = g.a * whole;
                by_log += carried * load_up_to(state + j, count);
            }
            vec by_open = -by_log * g.open;
            store_up_to(carry + j, carried, count);
            store_up_to(speed + j, load_up_to(speed + j, count) + by_open, count);
            store_up_to(to.values + place, whole * taken, count);
            store_up_to(to.decay_drive + place, by_open * g.speed * (1.0f - g.open), count);
            store_up_to(to.input_drive + place, whole * taken * g.x * (1.0f - g.input), count);
        });
    }
}

}  // namespace rg_lru

extern "C" void cauce_rg_lru_forward(const rg_lru::Call* call, float* states) {
    over_rows(call->rows, call->threads, call->work(), [&](long first, long end) {
        for (long row = first; row < end; row++) rg_lru::forward(*call, row, states);
    });
}

extern "C" void cauce_rg_lru_backward(const rg_lru::Call* call, const float* states,
                                      const float* grad, const rg_lru::Gradients* to) {
    over_rows(call->rows, call->threads, 2 * call->work(), [&](long first, long end) {
        for (long row = first; row < end; row++) rg_lru::backward(*call, row, states, grad, *to);
    });
}
