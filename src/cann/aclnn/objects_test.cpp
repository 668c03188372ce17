// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>

#include "acl/acl.h"
#include "aclnn/aclnn_base.h"
#include "cann/aclnn/objects.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

TEST(Tensors, SayWhatTheyAre) {
  const int64_t dims[] = {2, 3}, strides[] = {1, 2}, storage[] = {7};
  char data[64];
  aclTensor* x = aclCreateTensor(dims, 2, ACL_FLOAT16, strides, 1, ACL_FORMAT_FRACTAL_NZ, storage, 1, data);
  ASSERT_NE(x, nullptr);
  int64_t* answer = nullptr;
  uint64_t count = 0;
  ASSERT_EQ(aclGetViewShape(x, &answer, &count), 0);
  EXPECT_EQ((std::vector<int64_t>(answer, answer + count)), (std::vector<int64_t>{2, 3}));
  delete[] answer;
  ASSERT_EQ(aclGetViewStrides(x, &answer, &count), 0);
  EXPECT_EQ((std::vector<int64_t>(answer, answer + count)), (std::vector<int64_t>{1, 2}));
  delete[] answer;
  ASSERT_EQ(aclGetStorageShape(x, &answer, &count), 0);
  EXPECT_EQ((std::vector<int64_t>(answer, answer + count)), (std::vector<int64_t>{7}));
  delete[] answer;
  int64_t offset = 0;
  aclFormat format = ACL_FORMAT_ND;
  aclDataType type = ACL_FLOAT;
  void* address = nullptr;
  EXPECT_EQ(aclGetViewOffset(x, &offset), 0);
  EXPECT_EQ(aclGetFormat(x, &format), 0);
  EXPECT_EQ(aclGetDataType(x, &type), 0);
  EXPECT_EQ(aclGetRawTensorAddr(x, &address), 0);
  EXPECT_EQ(offset, 1);
  EXPECT_EQ(format, ACL_FORMAT_FRACTAL_NZ);
  EXPECT_EQ(type, ACL_FLOAT16);
  EXPECT_EQ(address, data);
  EXPECT_EQ((*tensors().find(x))->address(), reinterpret_cast<uint64_t>(data) + 2);
  EXPECT_EQ(aclSetRawTensorAddr(x, data + 8), 0);
  EXPECT_EQ((*tensors().find(x))->address(), reinterpret_cast<uint64_t>(data) + 10);
  EXPECT_EQ(aclInitTensor(x, dims, 1, ACL_INT8, nullptr, 0, ACL_FORMAT_ND, storage, 1, data), 0);
  EXPECT_EQ(aclGetDataType(x, &type), 0);
  EXPECT_EQ(type, ACL_INT8);
  EXPECT_EQ(aclGetViewShape(x, nullptr, &count), kAclnnNullArgument);
  EXPECT_EQ(aclDestroyTensor(x), 0);
  EXPECT_EQ(aclGetViewOffset(x, &offset), kAclnnInvalidArgument);
  EXPECT_EQ(aclDestroyTensor(x), kAclnnInvalidArgument);
  EXPECT_EQ(aclDestroyTensor(nullptr), kAclnnNullArgument);
}

TEST(Tensors, WrongOnesAreNotMade) {
  const int64_t dims[] = {2, 3}, negative[] = {2, -3}, huge[] = {1ll << 40, 1ll << 40};
  const int64_t far[] = {std::numeric_limits<int64_t>::max(), 1};
  const auto make = [](const int64_t* d, uint64_t rank, int type, const int64_t* strides, int64_t offset) {
    aclTensor* x = aclCreateTensor(d, rank, static_cast<aclDataType>(type), strides, offset, ACL_FORMAT_ND,
                                   nullptr, 0, nullptr);
    if (x) aclDestroyTensor(x);
    return x != nullptr;
  };
  EXPECT_TRUE(make(dims, 2, ACL_FLOAT, nullptr, 0));
  EXPECT_TRUE(make(nullptr, 0, ACL_FLOAT, nullptr, 0));
  EXPECT_FALSE(make(nullptr, 1, ACL_FLOAT, nullptr, 0));
  EXPECT_FALSE(make(dims, 9, ACL_FLOAT, nullptr, 0));
  EXPECT_FALSE(make(dims, std::numeric_limits<uint64_t>::max(), ACL_FLOAT, nullptr, 0));
  EXPECT_FALSE(make(dims, 2, 99, nullptr, 0));
  EXPECT_FALSE(make(negative, 2, ACL_FLOAT, nullptr, 0));
  EXPECT_FALSE(make(huge, 2, ACL_FLOAT, nullptr, 0));
  EXPECT_FALSE(make(dims, 2, ACL_FLOAT, far, 0));
  EXPECT_FALSE(make(dims, 2, ACL_FLOAT, nullptr, std::numeric_limits<int64_t>::min()));
  EXPECT_FALSE(make(dims, 2, 29 /* INT4 */, nullptr, 1));
  EXPECT_NE(take_recent_message(), nullptr);
}

TEST(Lists, OwnWhatIsInThem) {
  const int64_t n = 1;
  const aclTensor* elements[2];
  for (const aclTensor*& x : elements)
    x = aclCreateTensor(&n, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &n, 1, nullptr);
  aclTensorList* list = aclCreateTensorList(elements, 2);
  ASSERT_NE(list, nullptr);
  uint64_t size = 0;
  EXPECT_EQ(aclGetTensorListSize(list, &size), 0);
  EXPECT_EQ(size, 2u);
  EXPECT_EQ(aclDestroyTensorList(list), 0);
  EXPECT_EQ(aclDestroyTensor(elements[0]), kAclnnInvalidArgument);
  EXPECT_EQ(aclDestroyTensorList(list), kAclnnInvalidArgument);
  EXPECT_EQ(aclCreateTensorList(elements, 2), nullptr);  // of destroyed ones
  EXPECT_EQ(aclCreateTensorList(nullptr, 2), nullptr);
  EXPECT_EQ(aclCreateIntArray(nullptr, 1), nullptr);
  EXPECT_EQ(aclCreateIntArray(&n, std::numeric_limits<uint64_t>::max()), nullptr);
  EXPECT_EQ(aclCreateScalar(nullptr, ACL_FLOAT), nullptr);
  aclIntArray* empty = aclCreateIntArray(nullptr, 0);
  EXPECT_EQ(aclDestroyIntArray(empty), 0);
  EXPECT_EQ(aclDestroyFloatArray(reinterpret_cast<aclFloatArray*>(empty)), kAclnnInvalidArgument);
}

}  // namespace
}  // namespace isthmus::cann
