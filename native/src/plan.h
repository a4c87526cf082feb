// Which bases each tile and row of a window depends on. All windows whose starts agree modulo the period share one plan.
//
// Tiles lie on a grid that is fixed to the coordinates of the sequence, not to the window: windows that overlap cut their sequence alike.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "layers.h"

constexpr int UNIT = 4;  // rows after the first layer that are computed together

static inline int64_t below(int64_t a, int64_t b) { return a / b - (a % b < 0); }  // floor of a / b

struct Reach {
    int low, high;  // bases of the window [low, high)
    bool at_edge;   // depends on where the window ends, too
};

struct Grid {
    int first = 0;             // row of the window where the first tile starts, <= 0
    std::vector<Reach> tiles;  // of the convolution; of the first layer its units
    std::vector<Reach> rows;   // of the output
};

// Rows [from, to) of those of a window, with the edge where some lie outside.
static inline Reach joined(const std::vector<Reach>& rows, int from, int to) {
    const int n = static_cast<int>(rows.size());
    const int low = std::clamp(from, 0, n - 1), high = std::clamp(to - 1, 0, n - 1);
    return {rows[low].low, rows[high].high, from < 0 || to > n || rows[low].at_edge || rows[high].at_edge};
}

class Plan {
  public:
    Plan(const std::vector<Layer>& layers, int64_t start, int seq_length) {
        grids.resize(layers.size());
        first_layer(layers[0], start, seq_length, grids[0]);
        for (size_t i = 1; i < layers.size(); ++i) layer(layers[i], start, grids[i - 1].rows, grids[i]);
    }

    std::vector<Grid> grids;

  private:
    static int first_row(int64_t place, int64_t scale, int tile) {
        const int64_t row = below(place, scale);
        return -static_cast<int>(row - below(row, tile) * tile);
    }

    static void first_layer(const Layer& l, int64_t start, int seq_length, Grid& grid) {
        std::vector<Reach> positions;
        for (int q = 0; q < l.conv_rows; ++q) {
            const int low = q - l.pad, high = low + l.width;
            positions.push_back({std::max(low, 0), std::min(high, seq_length), low < 0 || high > seq_length});
        }
        pool(l, positions, grid);
        grid.first = first_row(start + l.offset, l.scale, UNIT);
        for (int row = grid.first; row < l.rows; row += UNIT) grid.tiles.push_back(joined(grid.rows, row, row + UNIT));
    }

    static void layer(const Layer& l, int64_t start, const std::vector<Reach>& inputs, Grid& grid) {
        grid.first = first_row(start + l.in_offset, l.in_scale, l.tile);
        std::vector<Reach> conv;
        for (int row = grid.first; row < l.conv_rows; row += l.tile) {
            grid.tiles.push_back(joined(inputs, row - l.pad, row - l.pad + l.taken));
            for (int r = std::max(row, 0); r < std::min(row + l.tile, l.conv_rows); ++r) conv.push_back(grid.tiles.back());
        }
        pool(l, conv, grid);
    }

    static void pool(const Layer& l, const std::vector<Reach>& conv, Grid& grid) {
        for (int row = 0; row < l.rows; ++row) {
            const int from = row * l.pool - l.pool_pad;
            grid.rows.push_back(joined(conv, from, from + l.pool));
        }
    }
};
