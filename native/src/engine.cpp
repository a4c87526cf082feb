// The C interface: a network is built layer by layer, then predicts blocks of windows on several threads.
#include <atomic>
#include <numeric>
#include <string>
#include <system_error>
#include <thread>

#include "evaluation.h"

namespace {

struct Network {
    int seq_length;
    std::vector<Layer> layers;
    int64_t period = 1;

    void append(Layer layer) {
        if (!layers.empty()) {
            const Layer& before = layers.back();
            layer.in_rows = before.rows, layer.in_scale = before.scale, layer.in_offset = before.offset;
        }
        layer.scale = layer.in_scale * layer.pool;
        layer.offset = layer.in_offset - layer.pool_pad * layer.in_scale;
        const int64_t grid = layers.empty() ? layer.scale * UNIT : std::lcm(layer.in_scale * layer.tile, layer.scale);
        period = std::lcm(period, grid);
        layers.push_back(std::move(layer));
    }

    // Bytes that a window takes: the most that two layers and the convolution between them hold.
    int64_t bytes() const {
        int64_t most = 0;
        for (size_t l = 1; l < layers.size(); ++l) {
            const int64_t floats = layers[l - 1].rows * layers[l - 1].stride + (layers[l].conv_rows + layers[l].rows) * layers[l].stride;
            most = std::max<int64_t>(most, floats * 4);
        }
        return most;
    }
};

constexpr int DERIVED = 16;  // a window that differs in one base takes about a 16th of what another takes

// Windows [from, to) of a block, and before them the base windows that lie outside it.
std::vector<Window> block(const std::vector<Window>& windows, size_t from, size_t to) {
    std::vector<Window> chosen;
    std::unordered_map<int32_t, int32_t> places;
    for (size_t w = from; w < to; ++w) {
        const int32_t base = windows[w].base;
        if (base >= 0 && static_cast<size_t>(base) < from && places.emplace(base, static_cast<int32_t>(chosen.size())).second) {
            chosen.push_back(windows[base]);
            chosen.back().out = nullptr;
        }
    }
    for (size_t w = from; w < to; ++w) {
        Window window = windows[w];
        places[static_cast<int32_t>(w)] = static_cast<int32_t>(chosen.size());
        if (window.base >= 0) window.base = places.at(window.base);
        chosen.push_back(window);
    }
    return chosen;
}

}  // namespace

extern "C" {

// Whether this processor has an instruction set.
int accessiflow_supports([[maybe_unused]] const char* name) {
#if defined(__x86_64__)
    const std::string set(name);
    if (set == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (set == "avx512") return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    return 0;
}

void* accessiflow_create(int seq_length) { return new Network{seq_length, {}, 1}; }

void accessiflow_destroy(void* network) { delete static_cast<Network*>(network); }

// The first layer is given by its response (width, 5, filters) to each base, the others by kernels (width, inputs, filters).
void accessiflow_layer(void* network, int inputs, int filters, int width, int pad, int conv_rows, int pool, int pool_pad, int rows, int activation,
                       const float* weights, const float* bias) {
    Network& net = *static_cast<Network*>(network);
    Layer layer({inputs, filters, width, pad, conv_rows, pool, pool_pad, rows, static_cast<Activation>(activation)});
    if (net.layers.empty()) layer.tabulate(weights, bias);
    else layer.pack(weights, bias);
    net.append(std::move(layer));
}

// codes (n, seq_length), starts (n), bases (n; -1, or an earlier window with the same start and no base of its own) -> out (n, rows x tracks); `memory`: bytes a thread.
// Returns 0; 1 where memory ran out.
int accessiflow_predict(const void* network, const uint8_t* codes, const int64_t* starts, const int32_t* bases, int64_t n, int64_t memory, int threads,
                        float* out) try {
    const Network& net = *static_cast<const Network*>(network);
    const int64_t width = int64_t{net.layers.back().rows} * net.layers.back().filters;
    std::vector<Window> windows;
    std::vector<int64_t> cost{0};
    for (int64_t w = 0; w < n; ++w) {
        windows.push_back({codes + w * net.seq_length, starts[w], bases[w], out + w * width});
        cost.push_back(cost.back() + (bases[w] < 0 ? net.bytes() : net.bytes() / DERIVED));
    }
    const int64_t share = std::max<int64_t>(std::min(memory, cost.back() / threads + 1), 1);
    std::vector<size_t> ends{0};
    for (int64_t w = 1; w <= n; ++w)
        if (w == n || cost[w + 1] - cost[ends.back()] > share) ends.push_back(w);
    std::atomic<size_t> next{0};
    std::atomic<int> failed{0};
    auto work = [&] {
        try {
            Evaluation evaluation(net.layers, net.seq_length, net.period);
            for (size_t i = next++; i + 1 < ends.size(); i = next++) evaluation.run(block(windows, ends[i], ends[i + 1]));
        } catch (const std::bad_alloc&) {
            failed = 1;
        }
    };
    std::vector<std::thread> others;
    try {
        for (int t = 1; t < threads; ++t) others.emplace_back(work);
    } catch (const std::system_error&) {
        // no more threads to be had: those there are do the work
    }
    work();
    for (std::thread& other : others) other.join();
    return failed;
} catch (const std::bad_alloc&) {
    return 1;
}
}
