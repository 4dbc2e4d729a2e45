// The activations of a CfC's backbone with their derivatives, as activations.py has them.

#pragma once

#include <type_traits>

#include "simd.h"

// In the order in which activations.py names them.
enum Activation { LECUN_TANH, TANH, RELU, SILU, GELU, GELU_TANH };

struct Activated {
    vec value, slope;
};

template <int KIND>
INLINE Activated activated(vec x) {
    if constexpr (KIND == LECUN_TANH) {
        vec y = tanh_of(0.666f * x);
        return {1.7159f * y, (1.7159f * 0.666f) * (1.0f - y * y)};
    } else if constexpr (KIND == TANH) {
        vec y = tanh_of(x);
        return {y, 1.0f - y * y};
    } else if constexpr (KIND == RELU) {
        return {x < 0.0f ? fill(0.0f) : x, x > 0.0f ? fill(1.0f) : fill(0.0f)};
    } else if constexpr (KIND == SILU) {
        vec share = sigmoid(x);
        return {x * share, share * (1.0f + x * (1.0f - share))};
    } else if constexpr (KIND == GELU) {
        vec share = normal_share(x);
        return {x * share, share + x * normal_density(x)};
    } else {
        const float root = 1.59576912f, cube = 0.044715f;  // root is 2 sqrt(2 / pi)
        vec share = sigmoid(root * (x + cube * x * x * x));
        vec inner = root * (1.0f + 3.0f * cube * x * x);
        return {x * share, share + x * share * (1.0f - share) * inner};
    }
}

// Calls body(KIND{}) for an activation that is known at run time only.
template <class Body>
void with_activation(int kind, Body body) {
    switch (kind) {
        case LECUN_TANH: return body(std::integral_constant<int, LECUN_TANH>{});
        case TANH: return body(std::integral_constant<int, TANH>{});
        case RELU: return body(std::integral_constant<int, RELU>{});
        case SILU: return body(std::integral_constant<int, SILU>{});
        case GELU: return body(std::integral_constant<int, GELU>{});
        default: return body(std::integral_constant<int, GELU_TANH>{});
    }
}
