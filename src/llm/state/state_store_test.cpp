// SPDX-License-Identifier: Apache-2.0
// Both kinds of state groups on the CPU chip.
#include "llm/state/state_store.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <numeric>

#include "runtime/platform.h"

namespace isthmus {
namespace {

class StateStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("ISTHMUS_PLUGIN_PATH", ISTHMUS_PLUGIN_DIR, 1);
    platform_ = Platform::discover().value();
    device_ = platform_->open("cpu").value();
    stream_ = device_->create_stream().value();
  }
  std::unique_ptr<StateStore> make(bool slots, int64_t blocks = 4, int64_t sequences = 2) {
    std::vector<StateStore::PlacedGroup> groups = {
        {{StateDeclaration::kPaged, "keys", Dtype::kF32, {2, 3, kCacheBlock}}, stream_.get()}};
    if (slots) groups.push_back({{StateDeclaration::kSlot, "recurrent", Dtype::kF32, {5}}, stream_.get()});
    return StateStore::create(std::move(groups), blocks, sequences, true).value();
  }
  float* unit(const StateStore& store, size_t group, int32_t unit) {
    const StateStore::Group& g = store.groups()[group];
    return reinterpret_cast<float*>(g.buffer.address() + static_cast<uint64_t>(unit) * g.unit_bytes);
  }
  std::shared_ptr<Platform> platform_;
  DevicePtr device_;
  std::unique_ptr<Stream> stream_;
};

TEST_F(StateStoreTest, ForkSharesBlocksAndCopiesOnWriteAndCopiesSlots) {
  const auto store = make(true);
  SequenceState a;
  ASSERT_TRUE(store->append(a, 70).ok());
  ASSERT_TRUE(stream_->wait().ok());
  a.computed = 70;
  EXPECT_EQ(unit(*store, 1, a.slot)[4], 0.0f) << "a new slot starts at zero";
  unit(*store, 0, a.blocks[1])[7] = 3.0f;
  unit(*store, 1, a.slot)[2] = 5.0f;
  SequenceState b = store->fork(a).value();
  EXPECT_EQ(a.blocks, b.blocks);
  EXPECT_NE(a.slot, b.slot);
  ASSERT_TRUE(store->append(b, 71).ok());
  ASSERT_TRUE(stream_->wait().ok());
  EXPECT_EQ(a.blocks[0], b.blocks[0]);
  EXPECT_NE(a.blocks[1], b.blocks[1]);
  EXPECT_EQ(unit(*store, 0, b.blocks[1])[7], 3.0f);
  EXPECT_EQ(unit(*store, 1, b.slot)[2], 5.0f);
  EXPECT_EQ(store->fork(a).status().code(), Code::kOutOfMemory) << "two slots are all there are";
  store->release(a);
  store->release(b);
  EXPECT_EQ(store->pool().available(), 4);
}

TEST_F(StateStoreTest, TruncateKeepsPositionsOfPagedGroupsOnly) {
  const auto paged = make(false);
  SequenceState a;
  ASSERT_TRUE(paged->append(a, 130).ok());
  a.computed = 130;
  paged->truncate(a, 64);
  EXPECT_EQ(a.computed, 64);
  EXPECT_EQ(a.blocks.size(), 1u);

  const auto both = make(true);
  SequenceState b;
  ASSERT_TRUE(both->append(b, 70).ok());
  b.computed = 70;
  both->truncate(b, 70);
  EXPECT_EQ(b.computed, 70) << "nothing to cut";
  both->truncate(b, 69);
  EXPECT_EQ(b.computed, 0) << "a folded state cannot go back";
  EXPECT_EQ(b.slot, -1);
  EXPECT_EQ(both->pool().available(), 4);
}

TEST_F(StateStoreTest, SavedStatesComeBack) {
  const auto store = make(true);
  SequenceState a;
  ASSERT_TRUE(store->append(a, 100).ok());
  ASSERT_TRUE(stream_->wait().ok());
  a.computed = 100;
  unit(*store, 0, a.blocks[1])[11] = 2.5f;
  unit(*store, 1, a.slot)[0] = -1.0f;
  std::vector<std::byte> bytes(store->saved_bytes(100));
  ASSERT_TRUE(store->copy_out(a, bytes).ok());
  store->release(a);
  SequenceState b = store->copy_in(100, bytes).value();
  EXPECT_EQ(b.computed, 100);
  EXPECT_EQ(unit(*store, 0, b.blocks[1])[11], 2.5f);
  EXPECT_EQ(unit(*store, 1, b.slot)[0], -1.0f);
  bytes.pop_back();
  EXPECT_FALSE(store->copy_in(100, bytes).ok());
  EXPECT_NE(store->fingerprint(), make(false)->fingerprint());
}

TEST_F(StateStoreTest, PublishedBlocksAreFoundUntilTheirPlaceIsNeeded) {
  const auto store = make(false);
  std::vector<int32_t> tokens(150);
  std::iota(tokens.begin(), tokens.end(), 0);
  SequenceState a;
  ASSERT_TRUE(store->append(a, 150).ok());
  a.computed = 150;
  store->publish(a, tokens);
  const std::vector<int32_t> blocks = a.blocks;
  store->release(a);

  SequenceState b;
  store->reuse_prefix(b, tokens);
  EXPECT_EQ(b.computed, 128);
  EXPECT_EQ(b.blocks, (std::vector<int32_t>{blocks[0], blocks[1]}));
  store->release(b);

  SequenceState other;
  tokens[70] = 7;
  store->reuse_prefix(other, tokens);
  EXPECT_EQ(other.computed, 64) << "the second block differs";
  store->release(other);

  SequenceState big;
  ASSERT_TRUE(store->append(big, 4 * kCacheBlock).ok()) << "kept blocks give way";
  SequenceState none;
  store->reuse_prefix(none, tokens);
  EXPECT_EQ(none.computed, 0);
  SequenceState full;
  EXPECT_EQ(store->append(full, 1).code(), Code::kOutOfMemory);
}

}  // namespace
}  // namespace isthmus
