// SPDX-License-Identifier: Apache-2.0
// Profiles: what is summed up, and the file that Perfetto opens.
#include "cli/profile_report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace isthmus::cli {
namespace {

const MachineLimits kLimits = {100e9, 1000e9, 500e9, 200e9};

std::shared_ptr<const Profile::Kind> kind(const char* op, Dtype weight) {
  Profile::Kind kind;
  kind.device = "toy:0";
  kind.op = op;
  kind.implementation = "fast";
  kind.shapes = "[1, 2] F32";
  kind.weight = weight;
  return std::make_shared<const Profile::Kind>(kind);
}

// Two products on two lanes, one add; a span of nothing.
void fill(Profile& profile) {
  profile.record(true);
  const auto product = kind("linear", Dtype::kQ8_0), add = kind("add", Dtype::kInvalid);
  const uint64_t first = profile.begin({product, {1000, 400000}});
  const uint64_t second = profile.begin({product, {1000, 400000}});
  const uint64_t third = profile.begin({add, {50000, 0}});
  profile.add(first, 1000, 1700, 0);
  profile.add(first, 1200, 2000, 1);
  profile.add(second, 2000, 3000, 0);
  profile.add(third, 4000, 5000, 0);
  profile.add(99, 0, 9000, 0);
  profile.add(third, 9000, 8000, 0);
}

TEST(ProfileReport, EqualOperatorsAreOneRow) {
  Profile profile;
  fill(profile);
  const ProfileSummary summary = summarise(profile, kLimits);
  ASSERT_EQ(summary.rows.size(), 2u);
  const ProfileRow& product = summary.rows[0];
  EXPECT_EQ(product.op, "linear");
  EXPECT_EQ(product.count, 2);
  EXPECT_NEAR(product.seconds, 2e-6, 1e-12) << "lanes that overlap count once";
  EXPECT_NEAR(product.share, 0.4, 1e-9) << "800,000 operations in 2 us of 1000 a nanosecond";
  EXPECT_STREQ(product.limit, "int8");
  EXPECT_NEAR(summary.rows[1].share, 0.5, 1e-9) << "50,000 bytes in 1 us of 100 a nanosecond";
  EXPECT_STREQ(summary.rows[1].limit, "memory");
  EXPECT_NEAR(summary.whole_seconds, 4e-6, 1e-12);
  EXPECT_NEAR(summary.busy_seconds, 3e-6, 1e-12);
}

TEST(ProfileReport, NothingRecordedIsNoError) {
  Profile profile;
  EXPECT_EQ(profile.begin({kind("add", Dtype::kInvalid), {}}), 0u);
  EXPECT_TRUE(summarise(profile, kLimits).rows.empty());
  EXPECT_NE(profile_text(summarise(profile, kLimits), 1, false).find("between operators"), std::string::npos);
}

TEST(ProfileReport, TheTimelineIsJson) {
  Profile profile;
  fill(profile);
  const std::string path = testing::TempDir() + "isthmus_timeline_" + std::to_string(getpid());
  ASSERT_TRUE(write_timeline(path, profile, kLimits).ok());
  const Json events = Json::parse(std::ifstream(path))["traceEvents"];
  int spans = 0, lanes = 0;
  for (const Json& event : events) {
    spans += event["ph"] == "X";
    lanes += event["name"] == "thread_name";
  }
  EXPECT_EQ(spans, 4);
  EXPECT_EQ(lanes, 2);
  EXPECT_EQ(events[0]["args"]["name"], "toy:0");
  std::filesystem::remove(path);
  EXPECT_NE(write_timeline("/nowhere/file", profile, kLimits).message().find("/nowhere/file"),
            std::string::npos);
}

}  // namespace
}  // namespace isthmus::cli
