// The recurrence x_t = a_t x_(t-1) + b_t and its gradient, as scan.py has them: (rows, time, width).

#include <algorithm>
#include <cstdint>

#include "simd.h"
#include "threads.h"

constexpr double WORK = 10.0;  // of a number, in multiply-adds: it is memory that is waited for

extern "C" void cauce_scan_forward(int64_t rows, int64_t steps, int64_t width, int threads,
                                   const float* factors, const float* terms, float* solved) {
    over_rows(rows, threads, WORK * rows * steps * width, [&](long first, long end) {
        for (long row = first; row < end; row++) {
            const long begin = row * steps * width;
            std::copy_n(terms + begin, width, solved + begin);
            for (long place = begin + width; place < begin + steps * width; place += width)
                over_lanes(width, [&](long j, auto count) {
                    vec factor = load_up_to(factors + place + j, count);
                    vec before = load_up_to(solved + place - width + j, count);
                    vec term = load_up_to(terms + place + j, count);
                    store_up_to(solved + place + j, factor * before + term, count);
                });
        }
    });
}

extern "C" void cauce_scan_backward(int64_t rows, int64_t steps, int64_t width, int threads,
                                    const float* factors, const float* solved, const float* grad,
                                    float* factors_grad, float* terms_grad) {
    over_rows(rows, threads, WORK * rows * steps * width, [&](long first, long end) {
        for (long row = first; row < end; row++) {
            const long begin = row * steps * width, last = begin + (steps - 1) * width;
            std::copy_n(grad + last, width, terms_grad + last);
            for (long place = last; place > begin; place -= width)
                over_lanes(width, [&](long j, auto count) {
                    const long here = place + j, before = here - width;
                    vec whole = load_up_to(terms_grad + here, count);
                    vec by_factor = whole * load_up_to(solved + before, count);
                    vec own = load_up_to(grad + before, count);
                    vec carried = whole * load_up_to(factors + here, count);
                    store_up_to(factors_grad + here, by_factor, count);
                    store_up_to(terms_grad + before, own + carried, count);
                });
            std::fill_n(factors_grad + begin, width, 0.0f);
        }
    });
}
