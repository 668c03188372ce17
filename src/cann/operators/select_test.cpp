// SPDX-License-Identifier: Apache-2.0
// Results whose size depends on data: what the tensors are after phase two, and what becomes of repeatable
// executors and of captures.
#include "acl/acl_mdl.h"
#include "aclnnop/aclnn_index.h"
#include "aclnnop/aclnn_index_put_impl.h"
#include "aclnnop/aclnn_masked_select.h"
#include "aclnnop/aclnn_nonzero.h"
#include "aclnnop/aclnn_nonzero_v2.h"
#include "aclnnop/aclnn_unique2.h"
#include "aclnnop/aclnn_unique_consecutive.h"
#include "aclnnop/aclnn_unique_dim.h"
#include "cann/aclnn/test_kit.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

using namespace test;
using Select = OnDevice;
using Longs = std::vector<int64_t>;

Dims dims_of(const aclTensor* tensor) {
  int64_t* numbers = nullptr;
  uint64_t rank = 0;
  EXPECT_EQ(aclGetViewShape(tensor, &numbers, &rank), 0) << message();
  Dims dims(numbers, numbers + rank);
  delete[] numbers;
  return dims;
}

template <typename T>
std::vector<T> front(Storage<T>& storage, const aclTensor* tensor) {
  std::vector<T> values = storage.values();
  values.resize(static_cast<size_t>(count(dims_of(tensor))));
  return values;
}

TEST_F(Select, MaskedSelect) {
  Dense<float> x({2, 3}, counting(6)), out({6});
  Dense<bool> mask({3}, {true, false, true});
  ASSERT_EQ(ACLNN(MaskedSelect, x, mask, out), 0) << message();
  EXPECT_EQ(dims_of(out), Dims({4}));
  EXPECT_EQ(front(out, out), (std::vector<float>{1, 3, 4, 6}));
  Dense<bool> nothing({2, 3});
  Dense<float> none({6});
  ASSERT_EQ(ACLNN(MaskedSelect, x, nothing, none), 0) << message();
  EXPECT_EQ(dims_of(none), Dims({0}));
  Dense<float> small({5});
  EXPECT_EQ(ACLNN(MaskedSelect, x, mask, small), kAclnnInvalidArgument);
}

TEST_F(Select, Nonzero) {
  Dense<float> x({2, 3}, {0, 5, 0, 7, 0, 9});
  Dense<int64_t> rows({6, 2}), columns({2, 6});
  ASSERT_EQ(ACLNN(Nonzero, x, rows), 0) << message();
  EXPECT_EQ(dims_of(rows), Dims({3, 2}));
  EXPECT_EQ(front(rows, rows), (Longs{0, 1, 1, 0, 1, 2}));
  ASSERT_EQ(ACLNN(NonzeroV2, x, columns), 0) << message();
  EXPECT_EQ(dims_of(columns), Dims({2, 3}));
  EXPECT_EQ(front(columns, columns), (Longs{0, 1, 1, 1, 0, 2}));
}

TEST_F(Select, Unique) {
  Dense<int64_t> x({2, 3}, {3, 1, 2, 3, 3, 1}), values({6}), inverse({2, 3}), counts({6});
  ASSERT_EQ(ACLNN(Unique2, x, true, true, true, values, inverse, counts), 0) << message();
  EXPECT_EQ(dims_of(values), Dims({3}));
  EXPECT_EQ(dims_of(inverse), Dims({2, 3}));
  EXPECT_EQ(front(values, values), (Longs{1, 2, 3}));
  EXPECT_EQ(inverse.values(), (Longs{2, 0, 1, 2, 2, 0}));
  EXPECT_EQ(front(counts, counts), (Longs{2, 1, 3}));

  Dense<int64_t> runs({6}), no_inverse({0}), lengths({6});
  ASSERT_EQ(ACLNN(UniqueConsecutive, x, false, true, 1000, runs, no_inverse, lengths), 0) << message();
  EXPECT_EQ(front(runs, runs), (Longs{3, 1, 2, 3, 1}));
  EXPECT_EQ(front(lengths, lengths), (Longs{1, 1, 1, 2, 1}));

  // Columns: the third is the first.
  Dense<int64_t> y({2, 3}, {4, 1, 4, 5, 0, 5}), columns({2, 3}), where({3}), often({3});
  ASSERT_EQ(ACLNN(UniqueDim, y, true, true, 1, columns, where, often), 0) << message();
  EXPECT_EQ(dims_of(columns), Dims({2, 2}));
  EXPECT_EQ(front(columns, columns), (Longs{1, 4, 0, 5}));
  EXPECT_EQ(where.values(), (Longs{1, 0, 1}));
  EXPECT_EQ(front(often, often), (Longs{1, 2}));
}

TEST_F(Select, RepeatableAndOutlived) {
  Dense<float> x({4}, {0, 1, 0, 2});
  auto rows = std::make_unique<Dense<int64_t>>(Dims{4, 1});
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  ASSERT_EQ(aclnnNonzeroGetWorkspaceSize(x, *rows, &bytes, &executor), 0) << message();
  ASSERT_EQ(aclSetAclOpExecutorRepeatable(executor), 0);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(aclnnNonzero(nullptr, 0, executor, nullptr), 0) << message();
    EXPECT_EQ(dims_of(*rows), Dims({2, 1}));
  }
  aclDestroyTensor(*rows);  // the memory stays
  EXPECT_EQ(aclnnNonzero(nullptr, 0, executor, nullptr), 0) << message();
  ASSERT_EQ(aclDestroyAclOpExecutor(executor), 0);
}

TEST_F(Select, CannotBeCaptured) {
  Dense<float> x({4}, {0, 1, 0, 2});
  Dense<int64_t> rows({4, 1});
  aclrtStream stream = nullptr;
  ASSERT_EQ(aclrtCreateStream(&stream), ACL_SUCCESS);
  ASSERT_EQ(aclmdlRICaptureBegin(stream, ACL_MODEL_RI_CAPTURE_MODE_RELAXED), ACL_SUCCESS);
  uint64_t bytes = 0;
  aclOpExecutor* executor = nullptr;
  ASSERT_EQ(aclnnNonzeroGetWorkspaceSize(x, rows, &bytes, &executor), 0) << message();
  EXPECT_EQ(aclnnNonzero(nullptr, 0, executor, stream), kAclnnRuntime);
  EXPECT_NE(message().find("the size of a result depends on data"), std::string::npos);
  aclmdlRI ri = nullptr;
  EXPECT_EQ(aclmdlRICaptureEnd(stream, &ri), kCaptureInvalid);
  EXPECT_EQ(dims_of(rows), Dims({4, 1}));
  ASSERT_EQ(aclrtDestroyStream(stream), ACL_SUCCESS);
}

TEST_F(Select, Index) {
  // x[:, i, j] of 2 by 3 by 4: neighbours stay where they are; x[i, :, j] has the indices first.
  Dense<float> x({2, 3, 4}, counting(24)), middle({2, 2}), first({2, 3});
  Dense<int64_t> i({2}, {2, 0}), j({2}, {3, -4}), k({2}, {0, 1});
  Dense<float> all({0}), every({0});
  ASSERT_EQ(ACLNN(Index, x, List({all, i, j}), middle), 0) << message();
  EXPECT_EQ(middle.values(), (std::vector<float>{12, 1, 24, 13}));
  Dense<int64_t> again({2}, {3, 0});
  ASSERT_EQ(ACLNN(Index, x, List({k, every, again}), first), 0) << message();
  EXPECT_EQ(first.values(), (std::vector<float>{4, 8, 12, 13, 17, 21}));
}

TEST_F(Select, IndexPut) {
  Dense<float> x({3, 4}), y({3, 4});
  Dense<int64_t> i({3}, {1, 1, 2}), j({3}, {1, 1, 2});
  Dense<float> all({0}), values({3, 1}, {1, 2, 5}), row({3, 3}, counting(9));
  ASSERT_EQ(ACLNN(IndexPutImpl, x, List({i}), values, true, false), 0) << message();
  EXPECT_EQ(x.values(), (std::vector<float>{0, 0, 0, 0, 3, 3, 3, 3, 5, 5, 5, 5}));
  // y[:, j] = row: of two that meet the later one stays.
  ASSERT_EQ(ACLNN(IndexPutImpl, y, List({all, j}), row, false, false), 0) << message();
  EXPECT_EQ(y.values(), (std::vector<float>{0, 2, 3, 0, 0, 5, 6, 0, 0, 8, 9, 0}));
}

}  // namespace
}  // namespace isthmus::cann
