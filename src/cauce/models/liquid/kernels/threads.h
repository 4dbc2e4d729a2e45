// Work over independent rows, spread over threads where there is enough of it.

#pragma once

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

// Multiply-adds that take a core 0.1 ms, several times as long as a thread takes to start.
constexpr double WORTH_A_THREAD = 2e6;

// Calls task(first, end) for consecutive shares of `rows`, each on a thread of its own; `work` is
// all that there is to do, in multiply-adds.
template <class Task>
void over_rows(long rows, int threads, double work, Task task) {
    const double most = std::min<double>(threads, rows);
    const long shares = std::max(1L, (long)std::min(work / WORTH_A_THREAD, most));
    std::vector<std::thread> others;
    others.reserve(shares);
    for (long share = 1; share < shares; share++) {
        const long first = rows * share / shares, end = rows * (share + 1) / shares;
        try {
            others.emplace_back(task, first, end);
        } catch (const std::system_error&) {  // no more threads are to be had
            task(first, end);
        }
    }
    task(0L, rows / shares);
    for (auto& other : others) other.join();
}
