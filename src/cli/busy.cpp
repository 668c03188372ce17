// SPDX-License-Identifier: Apache-2.0
#include "cli/busy.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "cli/terminal.h"

namespace isthmus::cli {
namespace {

constexpr double kNoticed = 0.1;

std::optional<ProcessorTime> now() {
  std::ifstream file("/proc/stat");
  std::string line;
  std::getline(file, line);
  return processor_time(line);
}

double own_ticks() {
  double seconds = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage use = {};
    getrusage(who, &use);
    for (const timeval& t : {use.ru_utime, use.ru_stime})
      seconds += static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  }
  return seconds * static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

// "cpu  user nice system idle iowait irq softirq steal guest guest_nice"; guests are counted in user and
// nice.
std::optional<ProcessorTime> processor_time(std::string_view stat) {
  std::istringstream words{std::string(stat.substr(0, stat.find('\n')))};
  std::string name;
  words >> name;
  if (name != "cpu") return std::nullopt;
  ProcessorTime time;
  double ticks = 0;
  int column = 0;
  for (; column < 8 && words >> ticks; ++column) {
    time.all += ticks;
    if (column != 3 && column != 4) time.busy += ticks;
  }
  if (column < 4) return std::nullopt;
  return time;
}

BusyWatch::BusyWatch() : start_(now()), own_(own_ticks()) {}

double BusyWatch::others() const {
  const std::optional<ProcessorTime> end = now();
  if (!start_ || !end || end->all <= start_->all) return 0;
  const double busy = end->busy - start_->busy - (own_ticks() - own_);
  return std::clamp(busy / (end->all - start_->all), 0.0, 1.0);
}

void BusyWatch::warn() const {
  const double share = others();
  if (share > kNoticed)
    print_note(fmt::format(
        "Others used {:.0f} % of the processors meanwhile: measure again on an idle machine\n", 100 * share));
}

}  // namespace isthmus::cli
