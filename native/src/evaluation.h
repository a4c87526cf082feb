// Windows through the network, layer by layer, each tile and row computed once, however many of the windows need it.
//
// A tile's value depends on the bases it reaches, on its place in the grid and, near an end of the window, on where that is; on nothing else.
// So a tile that two windows share, or that a changed base does not touch, has the bytes it would have if computed anew.
#pragma once
#include <unordered_map>

#include "arena.h"
#include "plan.h"

struct Window {
    const uint8_t* codes;  // 0-3 A, C, G, T; 4 unknown
    int64_t start;         // coordinate of the first base
    int32_t base;          // window of the block with the same start that this one differs from in few places; -1: none
    float* out;            // where the prediction goes; null: nowhere
};

class Evaluation {
  public:
    Evaluation(const std::vector<Layer>& layers, int seq_length, int64_t period) : layers_(layers), length_(seq_length), period_(period) {}

    void run(const std::vector<Window>& windows) {
        windows_ = &windows;
        describe();
        first_layer();
        for (size_t l = 1; l < layers_.size(); ++l) {
            convolve(l);
            pool(l);
        }
        write();
    }

  private:
    static constexpr int TOGETHER = 96;  // tiles that share a pass over the weights; a multiple of ROWS
    static constexpr int UNITS = 32;

    struct About {
        const Plan* plan;
        int low, high;  // bases [low, high) hold all differences from the base window
        std::vector<uint64_t> prefix;
    };

    const std::vector<Layer>& layers_;
    const int length_;
    const int64_t period_;
    const std::vector<Window>* windows_ = nullptr;
    std::unordered_map<int64_t, Plan> plans_;
    std::vector<About> about_;
    std::vector<uint64_t> powers_;
    std::vector<const float*> rows_, conv_, next_;  // [window][row]: of the layer's input, of its convolution, of its output
    Arena of_rows_, of_conv_, of_next_;
    Known known_;
    std::vector<const float*> inputs_;  // [tile][taken] of the tiles to compute
    std::vector<float*> targets_;
    std::vector<float> factors_, products_, zeros_;

    static constexpr uint64_t MULTIPLIER = 0x9E3779B97F4A7C15ull;

    static uint64_t mixed(uint64_t x) {
        x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93ull;
        return x ^ (x >> 32);
    }

    void describe() {
        if (powers_.empty()) {
            powers_.assign(length_ + 1, 1);
            for (int i = 0; i < length_; ++i) powers_[i + 1] = powers_[i] * MULTIPLIER;
        }
        about_.resize(windows_->size());
        for (size_t w = 0; w < windows_->size(); ++w) {
            const Window& window = (*windows_)[w];
            const int64_t phase = window.start - below(window.start, period_) * period_;
            auto found = plans_.find(phase);
            if (found == plans_.end()) found = plans_.emplace(phase, Plan(layers_, phase, length_)).first;
            About& about = about_[w];
            about.plan = &found->second;
            if (window.base >= 0) differences(window.codes, (*windows_)[window.base].codes, about);
            else hashes(window.codes, about);
        }
    }

    void differences(const uint8_t* a, const uint8_t* b, About& about) const {
        int low = 0, high = length_;
        while (low < length_ && a[low] == b[low]) ++low;
        while (high > low && a[high - 1] == b[high - 1]) --high;
        about.low = low, about.high = high;
    }

    void hashes(const uint8_t* codes, About& about) const {
        about.prefix.resize(length_ + 1);
        about.prefix[0] = 0;
        for (int i = 0; i < length_; ++i) about.prefix[i + 1] = about.prefix[i] * MULTIPLIER + codes[i] + 1;
    }

    // The value known for a stretch of a window whose place in the grid is given; null where it is to be computed.
    float*& value(size_t w, const Reach& reach, int64_t place) {
        const About& about = about_[w];
        const uint64_t content = about.prefix[reach.high] - about.prefix[reach.low] * powers_[reach.high - reach.low];
        uint64_t key = mixed(content ^ mixed(static_cast<uint64_t>(place)));
        if (reach.at_edge) key = mixed(key + static_cast<uint64_t>((*windows_)[w].start) * MULTIPLIER + 1);
        return known_.of(key, (*windows_)[w].codes + reach.low, reach.high - reach.low);
    }

    bool touched(size_t w, const Reach& reach) const { return reach.low < about_[w].high && reach.high > about_[w].low; }

    // Calls compute(tile) for each tile whose value is unknown (it returns the value) and use(tile, value) for every tile of a window.
    template <class Compute, class Use>
    void each(size_t w, const std::vector<Reach>& reaches, int64_t place, int64_t scale, Compute compute, Use use) {
        const bool derived = (*windows_)[w].base >= 0;
        for (size_t i = 0; i < reaches.size(); ++i) {
            if (derived) {
                if (touched(w, reaches[i])) use(i, compute(i));
                continue;
            }
            float*& found = value(w, reaches[i], place + static_cast<int64_t>(i) * scale);
            if (found == nullptr) found = compute(i);
            use(i, found);
        }
    }

    // Rows of a window are those of its base until they are computed anew.
    void inherit(size_t w, std::vector<const float*>& rows, int count) const {
        const int32_t base = (*windows_)[w].base;
        if (base >= 0) std::copy_n(rows.begin() + size_t(base) * count, count, rows.begin() + w * count);
    }

    // ---- first layer: a table look-up over pairs of taps, pooled at once

    struct Unit {
        const uint8_t* codes;
        int row;
        float* out;
    };

    void first_layer() {
        const Layer& l = layers_[0];
        std::vector<Unit> units;
        of_rows_.clear();
        known_.clear();
        rows_.resize(windows_->size() * l.rows);
        for (size_t w = 0; w < windows_->size(); ++w) {
            const Grid& grid = about_[w].plan->grids[0];
            inherit(w, rows_, l.rows);
            each(
                w, grid.tiles, (*windows_)[w].start + l.offset + grid.first * l.scale, UNIT * l.scale,
                [&](size_t i) {
                    units.push_back({(*windows_)[w].codes, grid.first + static_cast<int>(i) * UNIT, of_rows_.take(UNIT * l.stride)});
                    return units.back().out;
                },
                [&](size_t i, const float* unit) { place(rows_.data() + w * l.rows, l.rows, grid.first + static_cast<int>(i) * UNIT, UNIT, unit, l.stride); });
        }
        std::vector<uint8_t> pairs;
        for (size_t low = 0; low < units.size(); low += UNITS) look_up(l, units.data() + low, std::min<size_t>(UNITS, units.size() - low), pairs);
    }

    static void place(const float** rows, int count, int first, int n, const float* value, long stride) {
        for (int r = std::max(first, 0); r < std::min(first + n, count); ++r) rows[r] = value + (r - first) * stride;
    }

    void look_up(const Layer& l, const Unit* units, size_t n, std::vector<uint8_t>& pairs) const {
        const int span = UNIT * l.pool + 2 * static_cast<int>(l.depth);
        pairs.resize(n * span);
        for (size_t u = 0; u < n; ++u) {
            const int from = units[u].row * l.pool - l.pool_pad - l.pad;
            auto symbol = [&](int at) { return at < 0 || at >= length_ ? 5 : std::min<int>(units[u].codes[at], 4); };
            for (int i = 0; i < span; ++i) pairs[u * span + i] = symbol(from + i) * 6 + symbol(from + i + 1);
        }
        for (long panel = 0; panel < l.panels(); ++panel) {
            const float* table = l.weights.data() + panel * l.depth * 36 * PANEL;
            const vec shift0 = load(&l.bias[panel * PANEL]), shift1 = load(&l.bias[panel * PANEL + LANES]);
            for (size_t u = 0; u < n; ++u)
                for (int r = 0; r < UNIT; ++r) {
                    const int row = units[u].row + r;
                    if (row < 0 || row >= l.rows) continue;
                    vec best0 = all(-INFINITY), best1 = best0;
                    for (int q = 0; q < l.pool; ++q) {
                        const int at = row * l.pool - l.pool_pad + q;
                        if (at < 0 || at >= l.conv_rows) continue;
                        const uint8_t* pair = &pairs[u * span + r * l.pool + q];
                        vec sum0{}, sum1{};
                        const float* slice = table;
                        for (long d = 0; d < l.depth; ++d, slice += 36 * PANEL) {
                            const float* entry = slice + pair[2 * d] * PANEL;
                            sum0 += load(entry), sum1 += load(entry + LANES);
                        }
                        best0 = larger(best0, sum0), best1 = larger(best1, sum1);
                    }
                    store(units[u].out + r * l.stride + panel * PANEL, best0 + shift0);
                    store(units[u].out + r * l.stride + panel * PANEL + LANES, best1 + shift1);
                }
        }
        for (size_t u = 0; u < n; ++u)
            for (int r = 0; r < UNIT; ++r)
                if (units[u].row + r >= 0 && units[u].row + r < l.rows) l.activate(units[u].out + r * l.stride);
    }

    // ---- the other layers

    void convolve(size_t number) {
        const Layer& l = layers_[number];
        zeros_.resize(std::max<size_t>(zeros_.size(), layers_[number - 1].stride), 0.0f);
        inputs_.clear(), targets_.clear();
        of_conv_.clear();
        known_.clear();
        conv_.resize(windows_->size() * l.conv_rows);
        for (size_t w = 0; w < windows_->size(); ++w) {
            const Grid& grid = about_[w].plan->grids[number];
            inherit(w, conv_, l.conv_rows);
            each(
                w, grid.tiles, (*windows_)[w].start + l.in_offset + grid.first * l.in_scale, l.tile * l.in_scale,
                [&](size_t i) { return wanted(l, w, grid.first + static_cast<int>(i) * l.tile); },
                [&](size_t i, const float* tile) {
                    place(conv_.data() + w * l.conv_rows, l.conv_rows, grid.first + static_cast<int>(i) * l.tile, l.tile, tile, l.stride);
                });
        }
        for (size_t low = 0; low < targets_.size(); low += TOGETHER) tiles(l, low, std::min<size_t>(TOGETHER, targets_.size() - low));
    }

    float* wanted(const Layer& l, size_t w, int row) {
        for (int i = 0; i < l.taken; ++i) {
            const int at = row - l.pad + i;
            inputs_.push_back(at < 0 || at >= l.in_rows ? zeros_.data() : rows_[w * l.in_rows + at]);
        }
        targets_.push_back(of_conv_.take(l.tile * l.stride));
        return targets_.back();
    }

    // One point after another: its factors of these tiles stay in the cache while its weights pass by once.
    void tiles(const Layer& l, size_t first, size_t n) {
        const long width = padded(l.is_winograd() ? l.inputs : l.depth, LANES);
        factors_.resize(std::max<size_t>(factors_.size(), size_t(l.points) * TOGETHER * width), 0.0f);
        products_.resize(std::max<size_t>(products_.size(), size_t(l.points) * TOGETHER * l.stride));
        for (size_t t = 0; t < n; ++t) factor(l, &inputs_[(first + t) * l.taken], factors_.data() + t * width, TOGETHER * width);
        const float* weights = l.weights.data();
        for (int p = 0; p < l.points; ++p)
            for (long panel = 0; panel < l.panels(); ++panel, weights += l.depth * PANEL)
                for (long k = 0; k < l.depth; k += TERMS)
                    for (size_t t = 0; t < n; t += ROWS)
                        multiply(&factors_[(p * TOGETHER + t) * width + k], width, weights + k * PANEL, std::min(TERMS, l.depth - k),
                                 &products_[(p * TOGETHER + t) * l.stride + panel * PANEL], l.stride, k > 0);
        for (size_t t = 0; t < n; ++t) output(l, &products_[t * l.stride], targets_[first + t]);
    }

    static void factor(const Layer& l, const float* const* in, float* out, long apart) {
        if (!l.is_winograd()) {
            for (int i = 0; i < l.taken; ++i) std::memcpy(out + long{i} * l.inputs, in[i], l.inputs * sizeof(float));
            return;
        }
        vec d[winograd::POINTS], v[winograd::POINTS];
        for (long c = 0; c < l.inputs; c += LANES) {
            for (int i = 0; i < winograd::POINTS; ++i) d[i] = load(in[i] + c);
            winograd::inputs(d, v);
            for (int p = 0; p < winograd::POINTS; ++p) store(out + p * apart + c, v[p]);
        }
    }

    static void output(const Layer& l, const float* products, float* out) {
        if (!l.is_winograd()) {
            std::memcpy(out, products, l.stride * sizeof(float));
            return;
        }
        vec p[winograd::POINTS], rows[winograd::OUTPUTS];
        for (long c = 0; c < l.stride; c += LANES) {
            for (int i = 0; i < winograd::POINTS; ++i) p[i] = load(products + i * TOGETHER * l.stride + c);
            winograd::outputs(p, rows);
            for (int r = 0; r < winograd::OUTPUTS; ++r) store(out + r * l.stride + c, rows[r]);
        }
    }

    void pool(size_t number) {
        const Layer& l = layers_[number];
        of_next_.clear();
        known_.clear();
        next_.resize(windows_->size() * l.rows);
        for (size_t w = 0; w < windows_->size(); ++w) {
            const std::vector<Reach>& reaches = about_[w].plan->grids[number].rows;
            inherit(w, next_, l.rows);
            each(
                w, reaches, (*windows_)[w].start + l.offset, l.scale, [&](size_t i) { return pooled(l, w, static_cast<int>(i)); },
                [&](size_t i, const float* row) { next_[w * l.rows + i] = row; });
        }
        std::swap(rows_, next_);
        std::swap(of_rows_, of_next_);
    }

    float* pooled(const Layer& l, size_t w, int row) {
        float* out = of_next_.take(l.stride);
        const int from = std::max(row * l.pool - l.pool_pad, 0), to = std::min(row * l.pool - l.pool_pad + l.pool, l.conv_rows);
        const float* const* conv = &conv_[w * l.conv_rows];
        for (long c = 0; c < l.stride; c += LANES) {
            vec best = load(conv[from] + c);
            for (int r = from + 1; r < to; ++r) best = larger(best, load(conv[r] + c));
            store(out + c, best + load(&l.bias[c]));
        }
        l.activate(out);
        return out;
    }

    void write() const {
        const Layer& l = layers_.back();
        for (size_t w = 0; w < windows_->size(); ++w)
            for (int r = 0; (*windows_)[w].out != nullptr && r < l.rows; ++r)
                std::memcpy((*windows_)[w].out + long{r} * l.filters, rows_[w * l.rows + r], l.filters * sizeof(float));
    }
};
