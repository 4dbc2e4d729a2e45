// Attention of each token to a window before it, and its gradient, as window_attention_cpp.py
// describes them. Some queries at a time take a product with the keys that any of them may see.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "simd.h"
#include "threads.h"
#include "tiles.h"

namespace window_attention {

constexpr long STRIP = 4 * TILE_ROWS;  // queries whose gradients go to the keys at once

// What window_attention_cpp.py describes a call by, field for field. Tensors are (row, token, head,
// width); `begins`, which may be null, says where the document of a token does.
struct Call {
    int64_t rows, tokens, heads, groups, width, value_width, window, threads;
    const float* query;
    const float* key;
    const float* value;
    const int64_t* begins;

    long units() const { return rows * groups; }
    long shared() const { return heads / groups; }
    float scale() const { return 1.0f / std::sqrt((float)width); }
    double work() const {
        return 2.0 * rows * heads * tokens * std::min(window, tokens) * (width + value_width);
    }
    long first_key(long row, long query) const {
        long begin = begins ? begins[row * tokens + query] : 0;
        return std::max<long>(begin, query - window + 1);
    }
    long query_place(long row, long token, long head) const {
        return (row * tokens + token) * heads + head;
    }
    long key_place(long row, long token, long group) const {
        return (row * tokens + token) * groups + group;
    }
};

// A few queries that follow each other, and the keys seen by any, from the first of a panel on.
struct Tile {
    long row, head, first, count, from, end;

    Tile(const Call& call, long row, long head, long first)
        : row(row), head(head), first(first),
          count(std::min<long>(TILE_ROWS, call.tokens - first)),
          from(call.first_key(row, first) / PANEL * PANEL), end(first + count) {}

    Factors of(const float* tensor, const Call& call, long width) const {
        const long stride = call.heads * width;
        return {tensor + call.query_place(row, first, head) * width, stride, 1};
    }
};

// The keys and values of a group, as the products of its queries need them.
struct Group {
    long row, group;
    Packed keys_as_columns, values_as_columns, keys, values;

    Group(const Call& call, long unit, bool is_backward)
        : row(unit / call.groups), group(unit % call.groups) {
        const long place = call.key_place(row, 0, group), tokens = call.tokens;
        const long width = call.width, value_width = call.value_width;
        const float *key = call.key + place * width, *value = call.value + place * value_width;
        keys_as_columns.pack_columns(key, call.groups * width, tokens, width);
        if (is_backward) {
            keys.pack(key, call.groups * width, tokens, width);
            values_as_columns.pack_columns(value, call.groups * value_width, tokens, value_width);
        } else {
            values.pack(value, call.groups * value_width, tokens, value_width);
        }
    }
};

// Products of a tile's rows with all its keys: [query][key - from].
static void with_keys(const Tile& tile, Factors factors, const Packed& columns, Rows<float> to) {
    for (long key = tile.from; key < tile.end; key += PANEL)
        multiply_rows(tile.count, factors, columns.at(key / PANEL, 0), columns.rows,
                      {to.data + (key - tile.from), to.stride});
}

// Sums of what the keys hold by their shares, [query][width].
static void over_keys(
    const Tile& tile, Rows<const float> shares, const Packed& held, long width, Rows<float> to) {
    float part[TILE_ROWS * PANEL];
    for (long j = 0; j < width; j += PANEL) {
        multiply_rows(tile.count, {shares.data, shares.stride, 1}, held.at(j / PANEL, tile.from),
                      tile.end - tile.from, {part, PANEL});
        for (long i = 0; i < tile.count; i++)
            std::copy_n(part + i * PANEL, std::min<long>(PANEL, width - j), to[i] + j);
    }
}

// The scores of one query, of which only some are of keys that it sees.
struct Scores {
    float* data;
    long first, end, padded_end;

    Scores(const Call& call, const Tile& tile, long i, float* data)
        : data(data), first(call.first_key(tile.row, tile.first + i) - tile.from),
          end(tile.first + i + 1 - tile.from), padded_end(padded(tile.end - tile.from)) {}

    void hide(float by) const {
        std::fill(data, data + first, by);
        std::fill(data + end, data + padded_end, by);
    }

    template <class Body>
    void change(Body body) const {
        for (long j = 0; j < padded_end; j += LANES) store(data + j, body(load(data + j), j));
    }

    float largest() const {
        hide(-INFINITY);
        vec most = load(data);
        for (long j = LANES; j < padded_end; j += LANES) {
            vec part = load(data + j);
            most = part > most ? part : most;
        }
        return *std::max_element((float*)&most, (float*)&most + LANES);
    }

    // Makes each e^(scale score - base), 0 for keys that are not seen.
    void to_exponentials(float scale, float base) const {
        change([&](vec part, long) { return exp_of(part * scale - base); });
        hide(0.0f);
    }

    // Makes them shares; returns the logarithm of what they were divided by.
    float to_shares(float scale) const {
        const float base = scale * largest();
        to_exponentials(scale, base);
        vec total = {};
        for (long j = 0; j < padded_end; j += LANES) total += load(data + j);
        const float whole = sum(total);
        change([&](vec part, long) { return part * (1.0f / whole); });
        return base + std::log(whole);
    }
};

static long most_keys(const Call& call, long queries) {
    return padded(std::min(call.tokens, call.window + queries) + PANEL);
}

// `totals` are logarithms, one for each query.
static void forward(const Call& call, long unit, float* to, float* totals) {
    const Group group(call, unit, false);
    const long stride = most_keys(call, TILE_ROWS), width = call.value_width;
    std::vector<float> scores(TILE_ROWS * stride);
    for (long head = group.group * call.shared(); head < (group.group + 1) * call.shared(); head++)
        for (long first = 0; first < call.tokens; first += TILE_ROWS) {
            const Tile tile(call, group.row, head, first);
            with_keys(tile, tile.of(call.query, call, call.width), group.keys_as_columns,
                      {scores.data(), stride});
            const long place = call.query_place(group.row, first, head);
            for (long i = 0; i < tile.count; i++)
                totals[place + i * call.heads] =
                    Scores(call, tile, i, &scores[i * stride]).to_shares(call.scale());
            over_keys(tile, {scores.data(), stride}, group.values, width,
                      {to + place * width, call.heads * width});
        }
}

// What the forward pass made, and the gradient of its output.
struct Outcome {
    const float* taken;
    const float* totals;
    const float* grad;
};

struct Gradients {
    float* query;
    float* key;
    float* value;
};

// The backward pass of a group; gradients of its keys and values grow from strip to strip.
class Backward {
   public:
    Backward(const Call& call, long unit, const Outcome& outcome, const Gradients& to)
        : call(call), outcome(outcome), to(to), group(call, unit, true),
          stride(most_keys(call, STRIP)), shares(STRIP * stride), slopes(STRIP * stride),
          key_grad(call.tokens * padded(call.width)),
          value_grad(call.tokens * padded(call.value_width)) {}

    void run() {
        const long head = group.group * call.shared();
        for (long i = 0; i < call.shared(); i++)
            for (long first = 0; first < call.tokens; first += STRIP) strip(head + i, first);
        write(key_grad, call.width, to.key);
        write(value_grad, call.value_width, to.value);
    }

   private:
    void strip(long head, long first) {
        std::fill(shares.begin(), shares.end(), 0.0f);
        std::fill(slopes.begin(), slopes.end(), 0.0f);
        const long from = Tile(call, group.row, head, first).from;
        const long count = std::min(STRIP, call.tokens - first);
        for (long i = 0; i < count; i += TILE_ROWS) {
            const Tile each(call, group.row, head, first + i);
            tile(each, i * stride + each.from - from);
        }
        const long place = call.query_place(group.row, first, head);
        queries.pack(call.query + place * call.width, call.heads * call.width, count, call.width);
        add_to_keys(slopes, queries, first, from, key_grad);
        const long width = call.value_width;
        asked.pack(outcome.grad + place * width, call.heads * width, count, width);
        add_to_keys(shares, asked, first, from, value_grad);
    }

    // Shares and slopes (the scores' gradients) of a tile, at `offset`, and its queries' gradient.
    void tile(const Tile& tile, long offset) {
        const long place = call.query_place(group.row, tile.first, tile.head);
        const Rows<float> share = {&shares[offset], stride}, slope = {&slopes[offset], stride};
        with_keys(tile, tile.of(call.query, call, call.width), group.keys_as_columns, share);
        with_keys(tile, tile.of(outcome.grad, call, call.value_width), group.values_as_columns,
                  slope);
        for (long i = 0; i < tile.count; i++) {
            const long query = place + i * call.heads;
            const Scores scores(call, tile, i, share[i]);
            scores.to_exponentials(call.scale(), outcome.totals[query]);
            const float mean = along(query * call.value_width);
            Scores(call, tile, i, slope[i]).change([&](vec part, long j) {
                return load(share[i] + j) * (part - mean) * call.scale();
            });
        }
        over_keys(tile, {slope.data, stride}, group.keys, call.width,
                  {to.query + place * call.width, call.heads * call.width});
    }

    // Of an output and its gradient.
    float along(long place) const {
        vec total = {};
        over_lanes(call.value_width, [&](long j, auto count) {
            total += load_up_to(outcome.taken + place + j, count) *
                     load_up_to(outcome.grad + place + j, count);
        });
        return sum(total);
    }

    // Adds to each key what its queries hold, by `factors`, [query][key - from].
    void add_to_keys(const std::vector<float>& factors, const Packed& held, long first, long from,
                     std::vector<float>& sums) {
        const long width = held.data.size() / held.rows * LANES, end = first + held.rows;
        for (long key = from; key < end; key += TILE_ROWS) {
            const long count = std::min<long>(TILE_ROWS, end - key);
            const long begin = std::max(0L, key - first);
            const long last = std::min<long>(held.rows, key + count - 1 + call.window - first);
            if (begin >= last) continue;
            const Factors of_keys = {&factors[begin * stride + key - from], 1, stride};
            for (long j = 0; j < width; j += PANEL)
                multiply_rows(count, of_keys, held.at(j / PANEL, begin), last - begin,
                              {&sums[key * width + j], width}, true);
        }
    }

    void write(const std::vector<float>& sums, long width, float* grad) const {
        for (long token = 0; token < call.tokens; token++)
            std::copy_n(&sums[token * padded(width)], width,
                        grad + call.key_place(group.row, token, group.group) * width);
    }

    const Call& call;
    const Outcome& outcome;
    const Gradients& to;
    const Group group;
    const long stride;
    std::vector<float> shares, slopes, key_grad, value_grad;
    Packed queries, asked;
};

}  // namespace window_attention

extern "C" void cauce_window_attention_forward(
    const window_attention::Call* call, float* to, float* totals) {
    over_rows(call->units(), call->threads, call->work(), [&](long first, long end) {
        for (long unit = first; unit < end; unit++)
            window_attention::forward(*call, unit, to, totals);
    });
}

extern "C" void cauce_window_attention_backward(
    const window_attention::Call* call, const window_attention::Outcome* outcome,
    const window_attention::Gradients* to) {
    over_rows(call->units(), call->threads, 2.5 * call->work(), [&](long first, long end) {
        for (long unit = first; unit < end; unit++)
            window_attention::Backward(*call, unit, *outcome, *to).run();
    });
}
