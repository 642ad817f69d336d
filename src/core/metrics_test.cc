#include "core/metrics.h"

#include <gtest/gtest.h>

#include <limits>

namespace tocsin::core {
namespace {

TEST(Metrics, TextHasHelpTypeAndEscapedLabels) {
  Metrics metrics;
  metrics.counter("tocsin_records_total", "Records\nreceived", {{"source", "a\"b\\c\nd"}}).add(3);
  metrics.gauge("tocsin_lag_seconds", "How far behind").set(0.25);
  EXPECT_EQ(metrics.prometheus_text(),
            "# HELP tocsin_lag_seconds How far behind\n# TYPE tocsin_lag_seconds gauge\ntocsin_lag_seconds 0.25\n"
            "# HELP tocsin_records_total Records received\n# TYPE tocsin_records_total counter\n"
            "tocsin_records_total{source=\"a\\\"b\\\\c\\nd\"} 3\n");
}

TEST(Metrics, TheSameNameAndLabelsAreOneCounter) {
  Metrics metrics;
  metrics.counter("a_total", "a", {{"x", "1"}}).add();
  metrics.counter("a_total", "other help", {{"x", "1"}}).add();
  EXPECT_EQ(metrics.counter("a_total", "a", {{"x", "1"}}).value(), 2u);
  EXPECT_EQ(metrics.counter("a_total", "a", {{"x", "2"}}).value(), 0u);
}

TEST(Metrics, AGaugeMayBeReadWhenAsked) {
  Metrics metrics;
  double depth = 1;
  metrics.gauge_from("depth", "Entries waiting", {}, [&] { return depth; });
  depth = std::numeric_limits<double>::infinity();
  EXPECT_NE(metrics.prometheus_text().find("depth +Inf\n"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::core
