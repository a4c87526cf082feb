// A network as a chain of convolutions, each followed by pooling, a bias and an activation; its weights in the order the kernels read them.
#pragma once
#include <cmath>
#include <vector>

#include "gemm.h"
#include "winograd.h"

enum class Activation { LINEAR = 0, GELU = 1, RELU = 2, SOFTPLUS = 3, EXP = 4 };

static inline long padded(long count, long to) { return (count + to - 1) / to * to; }

struct Shape {
    int inputs, filters, width, pad;  // channels in and out, taps, zero rows on the left
    int conv_rows;                    // rows of the convolution
    int pool, pool_pad, rows;         // width of the pooling, rows missing on its left, rows after it
    Activation activation;            // of the output
};

struct Layer : Shape {
    int in_rows = 0;
    long in_scale = 1, in_offset = 0;  // bp from one input row to the next; place of input row 0 in the window
    long scale = 1, offset = 0;        // the same of the output rows
    int tile = 1, taken = 1;           // convolution rows computed together, and the input rows they need
    int points = 1;                    // products a channel of a tile
    long depth = 0;                    // terms of a product
    long stride = 0;                   // floats from one output row to the next
    std::vector<float> weights;        // [point][panel][depth][PANEL]; of the first layer [panel][pair of taps][36][PANEL]
    std::vector<float> bias;

    explicit Layer(const Shape& shape) : Shape(shape), stride(padded(shape.filters, PANEL)) {}

    long panels() const { return stride / PANEL; }
    bool is_winograd() const { return points > 1; }

    // kernel (width, inputs, filters)
    void pack(const float* kernel, const float* shift) {
        if (width == winograd::WIDTH && conv_rows > 1) tile = winograd::OUTPUTS, taken = winograd::POINTS, points = winograd::POINTS;
        else tile = 1, taken = width;
        depth = is_winograd() ? inputs : long{width} * inputs;
        weights.assign(panels() * points * depth * PANEL, 0.0f);
        for (long f = 0; f < filters; ++f)
            for (long p = 0; p < points; ++p)
                for (long k = 0; k < depth; ++k)
                    weights[((p * panels() + f / PANEL) * depth + k) * PANEL + f % PANEL] = weight(kernel, f, p, k);
        set_bias(shift);
    }

    // The first layer's table: responses (width, 5, filters) to each base (A, C, G, T, unknown) at each tap -> sums over pairs of taps.
    void tabulate(const float* responses, const float* shift) {
        const int pairs = (width + 1) / 2;
        depth = pairs;
        weights.assign(panels() * pairs * 36 * PANEL, 0.0f);
        auto response = [&](int tap, int base, long f) {
            return tap < width && base < 5 ? responses[(long{tap} * 5 + base) * filters + f] : 0.0f;
        };
        for (long f = 0; f < filters; ++f)
            for (int pair = 0; pair < pairs; ++pair)
                for (int code = 0; code < 36; ++code)
                    weights[(((f / PANEL) * pairs + pair) * 36 + code) * PANEL + f % PANEL] =
                        response(2 * pair, code / 6, f) + response(2 * pair + 1, code % 6, f);
        set_bias(shift);
    }

    // In place: one row.
    void activate(float* row) const {
        for (long c = 0; c < stride; c += LANES) {
            const vec x = load(row + c);
            switch (activation) {
                case Activation::GELU: store(row + c, gelu(x)); break;
                case Activation::RELU: store(row + c, larger(x, vec{})); break;
                default: break;
            }
        }
        if (activation == Activation::SOFTPLUS)
            for (long c = 0; c < filters; ++c) row[c] = std::fmax(row[c], 0.0f) + std::log1p(std::exp(-std::fabs(row[c])));
        if (activation == Activation::EXP)
            for (long c = 0; c < filters; ++c) row[c] = std::exp(row[c]);
    }

  private:
    float weight(const float* kernel, long f, long point, long k) const {
        if (!is_winograd()) return kernel[k * filters + f];
        double sum = 0;
        for (int j = 0; j < width; ++j) sum += winograd::WEIGHTS[point][j] * kernel[(long{j} * inputs + k) * filters + f];
        return static_cast<float>(sum);
    }

    void set_bias(const float* shift) {
        bias.assign(stride, 0.0f);
        std::memcpy(bias.data(), shift, filters * sizeof(float));
    }
};
