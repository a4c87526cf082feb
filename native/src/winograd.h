// Toom-Cook convolution F(4, 5): 4 outputs of a width-5 convolution by 8 products instead of 20 (points 0, +-1, +-2, +-1/2, infinity).
#pragma once
#include "vector.h"

namespace winograd {

constexpr int WIDTH = 5, OUTPUTS = 4, POINTS = 8;

// Products' weights: transformed[p] = sum_j WEIGHTS[p][j] kernel[j].
constexpr double WEIGHTS[POINTS][WIDTH] = {
    {1.0, 0.0, 0.0, 0.0, 0.0},
    {-2.0 / 9, -2.0 / 9, -2.0 / 9, -2.0 / 9, -2.0 / 9},
    {-2.0 / 9, 2.0 / 9, -2.0 / 9, 2.0 / 9, -2.0 / 9},
    {1.0 / 90, 1.0 / 45, 2.0 / 45, 4.0 / 45, 8.0 / 45},
    {1.0 / 90, -1.0 / 45, 2.0 / 45, -4.0 / 45, 8.0 / 45},
    {32.0 / 45, 16.0 / 45, 8.0 / 45, 4.0 / 45, 2.0 / 45},
    {32.0 / 45, -16.0 / 45, 8.0 / 45, -4.0 / 45, 2.0 / 45},
    {0.0, 0.0, 0.0, 0.0, 1.0},
};

// Eight inputs in a row -> the eight factors.
static inline void inputs(const vec d[POINTS], vec out[POINTS]) {
    out[0] = d[0] - d[6] + (d[4] - d[2]) * 5.25f;
    out[7] = d[7] - d[1] + (d[3] - d[5]) * 5.25f;
    const vec e1 = d[2] + d[6] - d[4] * 4.25f, o1 = d[1] + d[5] - d[3] * 4.25f;
    out[1] = e1 + o1, out[2] = e1 - o1;
    const vec e2 = d[6] + d[2] * 0.25f - d[4] * 1.25f, o2 = d[1] * 0.5f - d[3] * 2.5f + d[5] * 2.0f;
    out[3] = e2 + o2, out[4] = e2 - o2;
    const vec e3 = d[6] + (d[2] - d[4] * 1.25f) * 4.0f, o3 = d[1] * 2.0f - d[3] * 2.5f + d[5] * 0.5f;
    out[5] = e3 + o3, out[6] = e3 - o3;
}

// Eight products -> four outputs.
static inline void outputs(const vec p[POINTS], vec out[OUTPUTS]) {
    const vec s1 = p[1] + p[2], d1 = p[1] - p[2], s2 = p[3] + p[4], d2 = p[3] - p[4], s3 = p[5] + p[6], d3 = p[5] - p[6];
    out[0] = p[0] + s1 + s2 + s3;
    out[1] = d1 + d2 * 2.0f + d3 * 0.5f;
    out[2] = s1 + s2 * 4.0f + s3 * 0.25f;
    out[3] = d1 + d2 * 8.0f + d3 * 0.125f + p[7];
}

}  // namespace winograd
