#include "core/metrics.h"

#include <charconv>
#include <cmath>
#include <map>

#include "core/assert.h"
#include "core/mutex.h"

namespace tocsin::core {
namespace {

std::string label_text(const Labels& labels) {
  if (labels.empty()) return {};
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    if (out.size() > 1) out += ',';
    out += name + "=\"";
    for (const char c : value) {
      if (c == '\\' || c == '"') {
        out += '\\';
        out += c;
      } else if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
    out += '"';
  }
  return out + "}";
}

void append_number(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    char text[40];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    out.append(text, end);
  }
}

struct Series {
  std::unique_ptr<Counter> counter;
  std::unique_ptr<Gauge> gauge;
  std::function<double()> read;
};

struct Family {
  std::string help;
  bool is_counter = false;
  std::map<std::string, Series> series;  // By label text.
};

}  // namespace

struct Metrics::Impl {
  mutable Mutex mutex;
  std::map<std::string, Family, std::less<>> families GUARDED_BY(mutex);

  Series& series(std::string_view name, std::string_view help, const Labels& labels, bool is_counter) REQUIRES_LOCK(mutex) {
    auto found = families.find(name);
    if (found == families.end()) {
      found = families.emplace(std::string(name), Family{}).first;
      found->second.help = help;
      found->second.is_counter = is_counter;
    }
    TOCSIN_ASSERT(found->second.is_counter == is_counter);
    return found->second.series[label_text(labels)];
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  const Lock lock(impl_->mutex);
  Series& series = impl_->series(name, help, labels, true);
  if (series.counter == nullptr) series.counter = std::make_unique<Counter>();
  return *series.counter;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  const Lock lock(impl_->mutex);
  Series& series = impl_->series(name, help, labels, false);
  if (series.gauge == nullptr) series.gauge = std::make_unique<Gauge>();
  return *series.gauge;
}

void Metrics::gauge_from(std::string_view name, std::string_view help, Labels labels, std::function<double()> read) {
  const Lock lock(impl_->mutex);
  impl_->series(name, help, labels, false).read = std::move(read);
}

std::string Metrics::prometheus_text() const {
  const Lock lock(impl_->mutex);
  std::string out;
  for (const auto& [name, family] : impl_->families) {
    out += "# HELP " + name + " ";
    for (const char c : family.help) out += c == '\n' ? ' ' : c;
    out += "\n# TYPE " + name + (family.is_counter ? " counter\n" : " gauge\n");
    for (const auto& [labels, series] : family.series) {
      out += name + labels + " ";
      if (series.counter != nullptr) {
        out += std::to_string(series.counter->value());
      } else {
        append_number(series.read ? series.read() : series.gauge->value(), out);
      }
      out += '\n';
    }
  }
  return out;
}

}  // namespace tocsin::core
