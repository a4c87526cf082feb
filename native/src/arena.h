// Memory that is handed out in pieces and taken back all at once, and a table of what lies in it.
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

class Arena {
  public:
    float* take(size_t count) {
        if (count > left_) open(count);
        float* piece = next_;
        next_ += count;
        left_ -= count;
        return piece;
    }

    void clear() {
        used_ = 0;
        left_ = 0;
    }

  private:
    static constexpr size_t CHUNK = size_t{1} << 20;  // floats

    void open(size_t count) {
        while (used_ < chunks_.size() && sizes_[used_] < count) ++used_;
        if (used_ == chunks_.size()) {
            const size_t size = count > CHUNK ? count : CHUNK;
            chunks_.emplace_back(new float[size]);
            sizes_.push_back(size);
        }
        next_ = chunks_[used_].get();
        left_ = sizes_[used_];
        ++used_;
    }

    std::vector<std::unique_ptr<float[]>> chunks_;
    std::vector<size_t> sizes_;
    size_t used_ = 0, left_ = 0;
    float* next_ = nullptr;
};

// What was computed from a stretch of bases: found by a hash and by the bases themselves, so two stretches are never confused.
class Known {
  public:
    struct Entry {
        uint64_t key;
        const uint8_t* bases;
        uint32_t length;
        uint32_t round;
        float* value;
    };

    void clear() {
        ++round_;
        count_ = 0;
    }

    // The value of a stretch, to be set by the caller where it is null. Valid until the next call.
    float*& of(uint64_t key, const uint8_t* bases, uint32_t length) {
        if (2 * (count_ + 1) > entries_.size()) grow();
        for (size_t at = key & (entries_.size() - 1);; at = (at + 1) & (entries_.size() - 1)) {
            Entry& entry = entries_[at];
            if (entry.round != round_) {
                entry = {key, bases, length, round_, nullptr};
                ++count_;
                return entry.value;
            }
            if (entry.key == key && entry.length == length && std::memcmp(entry.bases, bases, length) == 0) return entry.value;
        }
    }

  private:
    void grow() {
        std::vector<Entry> old(entries_.empty() ? 4096 : 2 * entries_.size(), Entry{0, nullptr, 0, 0, nullptr});
        old.swap(entries_);
        for (const Entry& entry : old) {
            if (entry.round != round_) continue;
            size_t at = entry.key & (entries_.size() - 1);
            while (entries_[at].round == round_) at = (at + 1) & (entries_.size() - 1);
            entries_[at] = entry;
        }
    }

    std::vector<Entry> entries_;
    size_t count_ = 0;
    uint32_t round_ = 1;
};
