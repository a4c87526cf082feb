// The matrix kernel: 6 rows of A times a panel of B. Every element is summed in the order of k, so its bytes do not depend on its place.
#pragma once
#include "vector.h"

constexpr int ROWS = 6;            // rows of A that one call of the kernel takes
constexpr int PANEL = 2 * LANES;   // columns of B that lie side by side
constexpr long TERMS = 128;        // terms that are summed apart: rounding grows with their number

// C (6 x PANEL, rows `apart`) = A (6 x depth, rows `stride` apart) B (depth x PANEL), or C plus that.
// Twelve named accumulators: an array of them would live in memory.
static inline void multiply(const float* a, size_t stride, const float* b, size_t depth, float* c, size_t apart, bool add) {
    vec c00{}, c01{}, c10{}, c11{}, c20{}, c21{}, c30{}, c31{}, c40{}, c41{}, c50{}, c51{};
    const float* low = a;
    const float* high = a + 3 * stride;
    for (size_t k = 0; k < depth; ++k) {
        const vec b0 = load(b), b1 = load(b + LANES);
        b += PANEL;
        vec x = all(low[k]);
        c00 += x * b0, c01 += x * b1;
        x = all(low[k + stride]);
        c10 += x * b0, c11 += x * b1;
        x = all(low[k + 2 * stride]);
        c20 += x * b0, c21 += x * b1;
        x = all(high[k]);
        c30 += x * b0, c31 += x * b1;
        x = all(high[k + stride]);
        c40 += x * b0, c41 += x * b1;
        x = all(high[k + 2 * stride]);
        c50 += x * b0, c51 += x * b1;
    }
    auto put = [&](float* to, vec sum) { store(to, add ? load(to) + sum : sum); };
    put(c, c00), put(c + LANES, c01), c += apart;
    put(c, c10), put(c + LANES, c11), c += apart;
    put(c, c20), put(c + LANES, c21), c += apart;
    put(c, c30), put(c + LANES, c31), c += apart;
    put(c, c40), put(c + LANES, c41), c += apart;
    put(c, c50), put(c + LANES, c51);
}
