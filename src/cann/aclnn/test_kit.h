// SPDX-License-Identifier: Apache-2.0
// For tests of aclnn operators: tensors with values on the device, and both phases in one line.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "acl/acl.h"
#include "aclnn/aclnn_base.h"
#include "base/half.h"
#include "cann/runtime.h"

namespace isthmus::cann::test {

inline std::string message() {
  const char* text = aclGetRecentErrMsg();
  return text ? text : "";
}

// A device, and no operator on the host.
class OnDevice : public testing::Test {
 protected:
  static void SetUpTestSuite() { setenv("ISTHMUS_NO_FALLBACK", "1", 1); }
  void SetUp() override {
    const aclError code = aclInit(nullptr);
    ASSERT_TRUE(code == ACL_SUCCESS || code == ACL_ERROR_REPEAT_INITIALIZE) << message();
    ASSERT_EQ(aclrtSetDevice(0), ACL_SUCCESS) << message();
  }
  void TearDown() override { EXPECT_EQ(aclrtResetDevice(0), ACL_SUCCESS) << message(); }
};

class Memory {
 public:
  explicit Memory(uint64_t bytes) {
    EXPECT_EQ(aclrtMalloc(&data_, std::max<uint64_t>(bytes, 1), ACL_MEM_MALLOC_HUGE_FIRST), 0) << message();
  }
  ~Memory() { EXPECT_EQ(aclrtFree(data_), 0) << message(); }
  Memory(const Memory&) = delete;
  void write(const void* data, uint64_t bytes) {
    EXPECT_EQ(aclrtMemcpy(data_, bytes, data, bytes, ACL_MEMCPY_HOST_TO_DEVICE), 0) << message();
  }
  void read(void* data, uint64_t bytes) {
    EXPECT_EQ(aclrtMemcpy(data, bytes, data_, bytes, ACL_MEMCPY_DEVICE_TO_HOST), 0) << message();
  }
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
};

template <typename T>
constexpr aclDataType type_of() {
  if constexpr (std::is_same_v<T, float>) return ACL_FLOAT;
  if constexpr (std::is_same_v<T, double>) return ACL_DOUBLE;
  if constexpr (std::is_same_v<T, int8_t>) return ACL_INT8;
  if constexpr (std::is_same_v<T, uint8_t>) return ACL_UINT8;
  if constexpr (std::is_same_v<T, int32_t>) return ACL_INT32;
  if constexpr (std::is_same_v<T, int64_t>) return ACL_INT64;
  if constexpr (std::is_same_v<T, bool>) return ACL_BOOL;
  return ACL_FLOAT16;  // uint16_t
}

using Dims = std::vector<int64_t>;

inline int64_t count(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
}

// Elements on the device, and views of them.
template <typename T>
class Storage {
 public:
  explicit Storage(std::vector<T> values) : size_(values.size()), memory_(values.size() * sizeof(T)) {
    std::unique_ptr<T[]> plain(new T[size_ + 1]);  // vector<bool> has no data()
    std::copy(values.begin(), values.end(), plain.get());
    memory_.write(plain.get(), size_ * sizeof(T));
  }
  ~Storage() {
    for (aclTensor* view : views_) aclDestroyTensor(view);
  }
  aclTensor* view(const Dims& dims, const Dims& strides = {}, int64_t offset = 0,
                  aclDataType type = type_of<T>()) {
    const auto length = static_cast<int64_t>(size_);
    aclTensor* tensor =
        aclCreateTensor(dims.data(), dims.size(), type, strides.empty() ? nullptr : strides.data(), offset,
                        ACL_FORMAT_ND, &length, 1, memory_.data());
    EXPECT_NE(tensor, nullptr) << message();
    views_.push_back(tensor);
    return tensor;
  }
  std::vector<T> values() {
    std::unique_ptr<T[]> plain(new T[size_ + 1]);
    memory_.read(plain.get(), size_ * sizeof(T));
    return std::vector<T>(plain.get(), plain.get() + size_);
  }
  void* data() const { return memory_.data(); }

 private:
  size_t size_;
  Memory memory_;
  std::vector<aclTensor*> views_;
};

// A dense tensor.
template <typename T>
class Dense : public Storage<T> {
 public:
  Dense(Dims dims, std::vector<T> values) : Storage<T>(std::move(values)), tensor_(this->view(dims)) {}
  explicit Dense(Dims dims) : Dense(dims, std::vector<T>(static_cast<size_t>(count(dims)))) {}
  operator aclTensor*() const { return tensor_; }  // NOLINT: implicit, it is passed as one

 private:
  aclTensor* tensor_;
};

class Number {
 public:
  Number(float value) : scalar_(aclCreateScalar(&value, ACL_FLOAT)) {}    // NOLINT: implicit
  Number(int64_t value) : scalar_(aclCreateScalar(&value, ACL_INT64)) {}  // NOLINT: implicit
  ~Number() { aclDestroyScalar(scalar_); }
  operator const aclScalar*() const { return scalar_; }  // NOLINT: implicit

 private:
  aclScalar* scalar_;
};

class Ints {
 public:
  Ints(std::initializer_list<int64_t> values) : array_(aclCreateIntArray(values.begin(), values.size())) {}
  ~Ints() { aclDestroyIntArray(array_); }
  operator const aclIntArray*() const { return array_; }  // NOLINT: implicit

 private:
  aclIntArray* array_;
};

inline std::vector<uint16_t> halves(const std::vector<float>& values) {
  std::vector<uint16_t> result;
  for (float value : values) result.push_back(f32_to_f16(value));
  return result;
}
inline std::vector<float> floats(const std::vector<uint16_t>& values) {
  std::vector<float> result;
  for (uint16_t value : values) result.push_back(f16_to_f32(value));
  return result;
}

// A list of tensors; ends with the process, as a test's few may.
class List {
 public:
  List(std::initializer_list<aclTensor*> tensors)
      : handles_(tensors.begin(), tensors.end()),
        list_(aclCreateTensorList(handles_.data(), handles_.size())) {}
  operator aclTensorList*() const { return list_; }  // NOLINT: implicit

 private:
  std::vector<const aclTensor*> handles_;
  aclTensorList* list_;
};

// 1, 2, 3, …
template <typename T = float>
std::vector<T> counting(int64_t n, T first = 1) {
  std::vector<T> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), first);
  return values;
}

}  // namespace isthmus::cann::test

// Both phases on the default stream, and a wait. The value is the first code that is not 0.
#define ACLNN(NAME, ...)                                                              \
  [&]() -> aclnnStatus {                                                              \
    uint64_t bytes = 0;                                                               \
    aclOpExecutor* executor = nullptr;                                                \
    aclnnStatus code = aclnn##NAME##GetWorkspaceSize(__VA_ARGS__, &bytes, &executor); \
    if (code != 0) return code;                                                       \
    ::isthmus::cann::test::Memory workspace(bytes);                                   \
    code = aclnn##NAME(workspace.data(), bytes, executor, nullptr);                   \
    return code != 0 ? code : aclrtSynchronizeStream(nullptr);                        \
  }()
