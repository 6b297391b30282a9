#include "mcu/metrics/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <sstream>
#include <string>

#include "mcu/metrics/process.hpp"

namespace parley::metrics {
namespace {

using ::testing::HasSubstr;

// The value of the one line that begins with `series`.
double value_of(const std::string& text, const std::string& series) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(series + " ", 0) == 0) return std::stod(line.substr(series.size() + 1));
  }
  ADD_FAILURE() << "no line for " << series;
  return -1;
}

std::set<std::string> series_of(const std::string& text) {
  std::set<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && line[0] != '#') names.insert(line.substr(0, line.rfind(' ')));
  return names;
}

TEST(CounterFeed, AddsWhatATotalHasGrownByAndSurvivesItsRestart) {
  Metrics metrics;
  CounterFeed feed(metrics.decodes);
  struct Step {
    double total, expected;
  };
  for (const auto& step : {Step{10, 10}, Step{10, 10}, Step{25, 25}, Step{5, 30}, Step{0, 30}, Step{1, 31}}) {
    feed.set_total(step.total);
    EXPECT_DOUBLE_EQ(metrics.decodes.Value(), step.expected);
  }
}

TEST(CounterFeed, ManyFeedOneCounter) {
  Metrics metrics;
  CounterFeed one(metrics.encodes), other(metrics.encodes);
  one.set_total(3);
  other.set_total(4);
  one.set_total(5);
  EXPECT_DOUBLE_EQ(metrics.encodes.Value(), 9);
}

TEST(DelayFeed, MapsMillisecondsToBuckets) {
  Metrics metrics;
  DelayFeed feed(metrics.jitter_wait);
  std::array<std::uint64_t, 128> totals{};
  totals[0] = 2;    // 0.5 ms: the first bucket
  totals[19] = 3;   // 19.5 ms: up to 20 ms
  totals[127] = 1;  // 127.5 ms: up to 150 ms
  feed.set_totals(totals);
  totals[19] = 4;
  feed.set_totals(totals);

  const auto text = metrics.text();
  EXPECT_EQ(value_of(text, R"(parley_jitter_wait_seconds_bucket{le="0.0005"})"), 2);
  EXPECT_EQ(value_of(text, R"(parley_jitter_wait_seconds_bucket{le="0.015"})"), 2);
  EXPECT_EQ(value_of(text, R"(parley_jitter_wait_seconds_bucket{le="0.02"})"), 6);
  EXPECT_EQ(value_of(text, R"(parley_jitter_wait_seconds_bucket{le="+Inf"})"), 7);
  EXPECT_EQ(value_of(text, "parley_jitter_wait_seconds_count"), 7);
  EXPECT_NEAR(value_of(text, "parley_jitter_wait_seconds_sum"), 2 * 0.0005 + 4 * 0.0195 + 0.1275, 1e-9);
}

TEST(Metrics, LegsAreShownForEveryKnownLabelAndNoOther) {
  Metrics metrics;
  metrics.set_legs({{"dtls-srtp", 3}}, {{"opus", 2}, {"PCMU", 1}, {"an unknown one", 7}},
                   {{"udp", 2}, {"websocket", 1}});
  auto text = metrics.text();
  EXPECT_EQ(value_of(text, R"(parley_legs{transport="dtls-srtp"})"), 3);
  EXPECT_EQ(value_of(text, R"(parley_legs{transport="rtp"})"), 0);
  EXPECT_EQ(value_of(text, R"(parley_legs_codec{codec="opus"})"), 2);
  EXPECT_EQ(value_of(text, R"(parley_legs_codec{codec="PCMA"})"), 0);
  EXPECT_EQ(value_of(text, R"(parley_legs_carrier{carrier="websocket"})"), 1);
  EXPECT_EQ(text.find("unknown one"), std::string::npos);
  metrics.set_legs({}, {}, {});
  EXPECT_EQ(value_of(metrics.text(), R"(parley_legs{transport="dtls-srtp"})"), 0);
}

TEST(Metrics, RefusalsAndQueuesAreCountedByReason) {
  Metrics metrics;
  metrics.set_refused_joins({{"wrong-pin", 2}});
  metrics.set_refused_joins({{"wrong-pin", 5}, {"locked", 1}});
  metrics.queue_drops("frames").Increment(4);
  metrics.queue_drops("a queue that is not listed").Increment();
  const auto text = metrics.text();
  EXPECT_EQ(value_of(text, R"(parley_joins_refused_total{reason="wrong-pin"})"), 5);
  EXPECT_EQ(value_of(text, R"(parley_joins_refused_total{reason="locked"})"), 1);
  EXPECT_EQ(value_of(text, R"(parley_queue_drops_total{queue="frames"})"), 4);
  EXPECT_EQ(value_of(text, R"(parley_queue_drops_total{queue="other"})"), 1);
}

TEST(Metrics, AnswersAreCountedByClassOfStatus) {
  Metrics metrics;
  for (const int status : {200, 201, 204, 404, 429, 503, 0, 999}) metrics.answers(status).Increment();
  const auto text = metrics.text();
  EXPECT_EQ(value_of(text, R"(parley_http_answers_total{status="2xx"})"), 3);
  EXPECT_EQ(value_of(text, R"(parley_http_answers_total{status="4xx"})"), 2);
  EXPECT_EQ(value_of(text, R"(parley_http_answers_total{status="5xx"})"), 2);
}

TEST(Metrics, UseNeverAddsSeriesBeyondTheKnownOnes) {
  Metrics metrics;
  const auto before = series_of(metrics.text());
  for (int i = 0; i < 1000; ++i) {
    metrics.set_legs({{std::to_string(i), 1}}, {{std::to_string(i), 1}}, {{std::to_string(i), 1}});
    metrics.queue_drops(std::to_string(i)).Increment();
    metrics.set_streams({{{std::to_string(i), "live"}, 1}});
    metrics.answers(i).Increment();
  }
  EXPECT_EQ(series_of(metrics.text()), before);
  EXPECT_LT(before.size(), 300U);
}

TEST(Metrics, EverySeriesIsDocumentedAndTyped) {
  Metrics metrics;
  const auto text = metrics.text();
  EXPECT_THAT(text, HasSubstr("# HELP parley_ticks_skipped_total"));
  EXPECT_THAT(text, HasSubstr("# TYPE parley_ticks_skipped_total counter"));
  EXPECT_THAT(text, HasSubstr("# TYPE parley_tick_lateness_seconds histogram"));
}

TEST(Process, CostsSomething) {
  const auto first = sample_process();
  EXPECT_GT(first.resident_bytes, 1'000'000U);
  EXPECT_GE(first.threads, 1U);
  EXPECT_GE(first.open_files, 3U);
  double sink = 0;
  while (sample_process().cpu_seconds - first.cpu_seconds < 0.01)
    for (int i = 0; i < 100'000; ++i) sink = sink + static_cast<double>(i);
  EXPECT_GT(sink, 0);
}

}  // namespace
}  // namespace parley::metrics
