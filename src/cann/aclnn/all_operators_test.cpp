// SPDX-License-Identifier: Apache-2.0
// Every operator of the table with arguments that mostly do not suit it: a plan or the documented code with a
// sentence, never a crash, and no adapter asks for a parameter that its row does not have.
#include <random>

#include "cann/aclnn/call.h"
#include "cann/aclnn/test_kit.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

using namespace test;

// Objects of one call, made at random and destroyed with it.
class Arguments {
 public:
  Arguments(std::mt19937& random, void* data) : random_(random), data_(data) {}
  ~Arguments() {
    for (const aclTensor* x : tensors_) aclDestroyTensor(x);
    for (const aclTensorList* x : lists_) aclDestroyTensorList(x);
    for (const aclScalar* x : scalars_) aclDestroyScalar(x);
    for (const aclScalarList* x : scalar_lists_) aclDestroyScalarList(x);
    for (const aclIntArray* x : ints_) aclDestroyIntArray(x);
    for (const aclFloatArray* x : floats_) aclDestroyFloatArray(x);
    for (const aclBoolArray* x : bools_) aclDestroyBoolArray(x);
  }

  Arg make(const Parameter& parameter) {
    const bool absent = parameter.optional && pick(3) == 0;
    switch (parameter.kind) {
      case Kind::kIn:
      case Kind::kOut:
      case Kind::kInOut: return absent ? nullptr : tensors_.emplace_back(tensor());
      case Kind::kInList:
      case Kind::kOutList:
      case Kind::kInOutList: {
        const aclTensor* parts[] = {tensor(), tensor()};
        return static_cast<const aclTensorList*>(
            lists_.emplace_back(aclCreateTensorList(parts, 1 + pick(2))));
      }
      case Kind::kScalar: return absent ? nullptr : scalars_.emplace_back(scalar());
      case Kind::kScalarList: {
        const aclScalar* parts[] = {scalar()};
        return static_cast<const aclScalarList*>(scalar_lists_.emplace_back(aclCreateScalarList(parts, 1)));
      }
      case Kind::kInts: {
        int64_t values[4];
        for (int64_t& value : values) value = number();
        return static_cast<const aclIntArray*>(ints_.emplace_back(aclCreateIntArray(values, pick(5))));
      }
      case Kind::kFloats: {
        const float values[] = {1, -2};
        return static_cast<const aclFloatArray*>(floats_.emplace_back(aclCreateFloatArray(values, pick(3))));
      }
      case Kind::kBools: {
        const bool values[] = {true, false};
        return static_cast<const aclBoolArray*>(bools_.emplace_back(aclCreateBoolArray(values, pick(3))));
      }
      case Kind::kInteger: return number();
      case Kind::kNumber: return pick(2) ? 0.5 : -1.0;
      case Kind::kText: return pick(2) ? "BSND" : "";
    }
    return 0;
  }

 private:
  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  int64_t number() {
    static constexpr int64_t kNumbers[] = {0, 1, 2, 3, -1, -2, 7, INT64_MAX, INT64_MIN};
    return kNumbers[pick(pick(4) ? 5 : 9)];
  }
  aclTensor* tensor() {
    static constexpr aclDataType kTypes[] = {ACL_FLOAT, ACL_FLOAT16, ACL_INT32,
                                             ACL_INT64, ACL_BOOL,    ACL_INT8};
    int64_t dims[5];
    const int rank = pick(5);
    for (int i = 0; i < rank; ++i) dims[i] = pick(8) ? 2 : pick(4);
    return aclCreateTensor(dims, static_cast<uint64_t>(rank), kTypes[pick(pick(2) ? 1 : 6)], nullptr, 0,
                           ACL_FORMAT_ND, dims, static_cast<uint64_t>(rank),
                           static_cast<char*>(data_) + 4096 * pick(8));
  }
  aclScalar* scalar() {
    float value = pick(2) ? 1.0f : -0.5f;
    return aclCreateScalar(&value, ACL_FLOAT);
  }

  std::mt19937& random_;
  void* data_;
  std::vector<const aclTensor*> tensors_;
  std::vector<const aclTensorList*> lists_;
  std::vector<const aclScalar*> scalars_;
  std::vector<const aclScalarList*> scalar_lists_;
  std::vector<const aclIntArray*> ints_;
  std::vector<const aclFloatArray*> floats_;
  std::vector<const aclBoolArray*> bools_;
};

using AllOperators = OnDevice;

TEST_F(AllOperators, AnswerAnything) {
  std::mt19937 random(1);
  Memory memory(1 << 20);
  int planned = 0;
  for (const Operator* op : all_operators()) {
    for (int round = 0; round < 50; ++round) {
      Arguments arguments(random, memory.data());
      std::vector<Arg> args;
      for (const Parameter& parameter : op->parameters) args.push_back(arguments.make(parameter));
      uint64_t bytes = 0;
      aclOpExecutor* executor = nullptr;
      const aclnnStatus code = prepare_call(*op, args, &bytes, &executor);
      if (code == 0) {
        ++planned;
        EXPECT_EQ(aclDestroyAclOpExecutor(executor), 0);
        continue;
      }
      const std::string sentence = message();
      EXPECT_FALSE(sentence.empty()) << op->name;
      EXPECT_TRUE(code == kAclnnInvalidArgument || code == kAclnnInternal)
          << op->name << ": " << code << " " << sentence;
      for (const char* ours : {"the table has no parameter", "is no tensor", "internal"})
        EXPECT_EQ(sentence.find(ours), std::string::npos) << op->name << ": " << sentence;
    }
  }
  EXPECT_GT(planned, 500);
}

}  // namespace
}  // namespace isthmus::cann
