// Rows divided by the root of their mean square, perhaps turned by angles, and the gradient, as
// norm.py of the foundation models has them.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "simd.h"
#include "threads.h"

namespace rms_norm {

constexpr double WORK = 4.0;  // of a number, in multiply-adds

// What rms_norm_cpp.py describes a call by, field for field; cosine and sine may be null. They are
// those of `turns` tokens, again and again, and `heads` rows make a token. The weight's gradient
// is summed for `block` rows at a time, so that it does not depend on the number of threads.
struct Call {
    int64_t rows, width, heads, turns, block, threads;
    double epsilon;
    const float* x;
    const float* weight;
    const float* cosine;
    const float* sine;

    long blocks() const { return (rows + block - 1) / block; }
    long end(long number) const { return std::min<long>(rows, (number + 1) * block); }
    float scale(float squares) const { return 1.0f / std::sqrt(squares / width + (float)epsilon); }
};

// Turns the pairs of `from`, one of either half each, by the angles of its row, or back.
static void turn(const Call& call, long row, float direction, const float* from, float* to) {
    const long half = call.width / 2;
    const long angles = row / call.heads % call.turns * half;
    over_lanes(half, [&](long j, auto count) {
        vec first = load_up_to(from + j, count), second = load_up_to(from + half + j, count);
        vec cosine = load_up_to(call.cosine + angles + j, count);
        vec sine = direction * load_up_to(call.sine + angles + j, count);
        store_up_to(to + j, first * cosine - second * sine, count);
        store_up_to(to + half + j, second * cosine + first * sine, count);
    });
}

static void forward(const Call& call, long row, float* to) {
    const float* x = call.x + row * call.width;
    vec squares = {};
    over_lanes(call.width, [&](long j, auto count) {
        vec part = load_up_to(x + j, count);
        squares += part * part;
    });
    const float scale = call.scale(sum(squares));
    over_lanes(call.width, [&](long j, auto count) {
        vec normed = load_up_to(x + j, count) * scale;
        store_up_to(to + j, normed * load_up_to(call.weight + j, count), count);
    });
    if (call.cosine) turn(call, row, 1.0f, to, to);
}

static void backward(
    const Call& call, long row, const float* grad, float* x_grad, float* weight_grad) {
    const float* x = call.x + row * call.width;
    vec squares = {}, alike = {};
    over_lanes(call.width, [&](long j, auto count) {
        vec part = load_up_to(x + j, count);
        squares += part * part;
        alike += part * load_up_to(grad + j, count) * load_up_to(call.weight + j, count);
    });
    const float scale = call.scale(sum(squares));
    const float along = sum(alike) * scale * scale / call.width;
    over_lanes(call.width, [&](long j, auto count) {
        vec part = load_up_to(x + j, count), asked = load_up_to(grad + j, count);
        vec across = asked * load_up_to(call.weight + j, count) - part * along;
        store_up_to(x_grad + j, across * scale, count);
        vec sofar = load_up_to(weight_grad + j, count);
        store_up_to(weight_grad + j, sofar + asked * (part * scale), count);
    });
}

static void backward_block(
    const Call& call, long number, const float* grad, float* x_grad, float* weight_grad) {
    std::fill_n(weight_grad, call.width, 0.0f);
    std::vector<float> turned(call.width);
    for (long row = number * call.block; row < call.end(number); row++) {
        const long begin = row * call.width;
        const float* asked = grad + begin;
        if (call.cosine) {
            turn(call, row, -1.0f, asked, turned.data());
            asked = turned.data();
        }
        backward(call, row, asked, x_grad + begin, weight_grad);
    }
}

}  // namespace rms_norm

extern "C" void cauce_rms_norm_forward(const rms_norm::Call* call, float* to) {
    const double work = rms_norm::WORK * call->rows * call->width;
    over_rows(call->rows, call->threads, work, [&](long first, long end) {
        for (long row = first; row < end; row++)
            rms_norm::forward(*call, row, to + row * call->width);
    });
}

// `weight_grad` has a row for each block.
extern "C" void cauce_rms_norm_backward(
    const rms_norm::Call* call, const float* grad, float* x_grad, float* weight_grad) {
    const double work = 2 * rms_norm::WORK * call->rows * call->width;
    over_rows(call->blocks(), call->threads, work, [&](long first, long end) {
        for (long number = first; number < end; number++)
            rms_norm::backward_block(
                *call, number, grad, x_grad, weight_grad + number * call->width);
    });
}
