// The widest float vector of the instruction set this file is compiled for, and what is computed on it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__)
constexpr int LANES = 16;
#elif defined(__AVX__)
constexpr int LANES = 8;
#else
constexpr int LANES = 4;  // SSE2, NEON
#endif

typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t ivec __attribute__((vector_size(LANES * 4)));

static inline vec load(const float* from) {
    vec v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

static inline void store(float* to, vec v) { std::memcpy(to, &v, sizeof v); }

static inline vec all(float value) { return value - vec{}; }

static inline vec larger(vec a, vec b) { return a > b ? a : b; }

static inline vec smaller(vec a, vec b) { return a < b ? a : b; }

// e^x to about 1 ulp, for x in [-87, 88]; beyond, that of the nearer end (Cephes' expf).
static inline vec exponential(vec x) {
    x = smaller(larger(x, all(-87.0f)), all(88.0f));
    const vec shifter = all(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
    vec shifted = x * 1.44269504088896341f + shifter;
    vec n = shifted - shifter;
    vec r = x - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;
    vec p = all(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    ivec bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    bits = (bits - 0x4B400000 + 127) << 23;
    vec power;
    std::memcpy(&power, &bits, sizeof power);
    return p * power;
}

// x sigmoid(1.702 x), the GELU of Basenji's fork.
static inline vec gelu(vec x) { return x / (1.0f + exponential(x * -1.702f)); }
