// SPDX-License-Identifier: Apache-2.0
#include "acl/acl_op_compiler.h"
#include "cann/runtime/runtime_test.h"

namespace isthmus::cann {
namespace {

TEST(TensorDesc, KeepsWhatItIsTold) {
  const int64_t dims[] = {2, 3};
  aclTensorDesc* const desc = aclCreateTensorDesc(ACL_FLOAT16, 2, dims, ACL_FORMAT_ND);
  ASSERT_NE(desc, nullptr);
  EXPECT_EQ(aclGetTensorDescType(desc), ACL_FLOAT16);
  EXPECT_EQ(aclGetTensorDescFormat(desc), ACL_FORMAT_ND);
  EXPECT_EQ(aclGetTensorDescNumDims(desc), 2u);
  EXPECT_EQ(aclGetTensorDescElementCount(desc), 6u);
  EXPECT_EQ(aclGetTensorDescSize(desc), 12u);
  int64_t dim = 0;
  EXPECT_OK(aclGetTensorDescDimV2(desc, 1, &dim));
  EXPECT_EQ(dim, 3);
  EXPECT_CODE(aclGetTensorDescDimV2(desc, 2, &dim), ACL_ERROR_RT_PARAM_INVALID);
  EXPECT_OK(aclSetTensorFormat(desc, ACL_FORMAT_FRACTAL_NZ));
  EXPECT_EQ(aclGetTensorDescFormat(desc), ACL_FORMAT_ND);
  EXPECT_CODE(aclSetTensorShape(desc, 3, nullptr), ACL_ERROR_RT_PARAM_INVALID);
  aclSetTensorDescName(desc, "x");
  EXPECT_STREQ(aclGetTensorDescName(desc), "x");
  aclDestroyTensorDesc(desc);
  EXPECT_EQ(aclGetTensorDescNumDims(desc), 0u);
  EXPECT_CODE(aclSetTensorFormat(desc, ACL_FORMAT_ND), ACL_ERROR_INVALID_PARAM);
  EXPECT_NE(message().find("destroyed before"), std::string::npos);
  EXPECT_EQ(aclCreateTensorDesc(ACL_FLOAT, -1, dims, ACL_FORMAT_ND), nullptr);
  EXPECT_EQ(aclCreateTensorDesc(ACL_FLOAT, 2, nullptr, ACL_FORMAT_ND), nullptr);
}

TEST(TensorDesc, BuffersPointAtMemory) {
  int value = 0;
  aclDataBuffer* const buffer = aclCreateDataBuffer(&value, 4);
  EXPECT_EQ(aclGetDataBufferAddr(buffer), &value);
  EXPECT_EQ(aclGetDataBufferSizeV2(buffer), 4u);
  EXPECT_OK(aclUpdateDataBuffer(buffer, nullptr, 0));
  EXPECT_EQ(aclGetDataBufferAddr(buffer), nullptr);
  EXPECT_OK(aclDestroyDataBuffer(buffer));
  EXPECT_CODE(aclDestroyDataBuffer(buffer), ACL_ERROR_INVALID_PARAM);
}

using ByName = OnDevice;
TEST_P(ByName, IdentityCopiesPlainly) {
  const int32_t values[] = {1, 2, 3, 4};
  void *x = allocate(16), *y = allocate(64);  // a private layout takes more room
  ASSERT_OK(aclrtMemcpy(x, 16, values, 16, ACL_MEMCPY_HOST_TO_DEVICE));
  aclDataBuffer *from = aclCreateDataBuffer(x, 16), *to = aclCreateDataBuffer(y, 64);
  const auto identity = [](int count, aclDataBuffer* in, aclDataBuffer* out) {
    const aclDataBuffer* inputs[] = {in, in};
    aclDataBuffer* outputs[] = {out};
    return aclopCompileAndExecute("Identity", count, nullptr, inputs, 1, nullptr, outputs, nullptr,
                                  ACL_ENGINE_SYS, ACL_COMPILE_SYS, nullptr, nullptr);
  };
  ASSERT_OK(identity(1, from, to));
  ASSERT_OK(aclrtSynchronizeStream(nullptr));
  EXPECT_EQ(read(y, 4), std::vector<int32_t>(values, values + 4));
  ASSERT_OK(aclrtMemset(x, 16, 0, 16));
  ASSERT_OK(identity(1, to, from));  // and back
  ASSERT_OK(aclrtSynchronizeStream(nullptr));
  EXPECT_EQ(read(x, 4), std::vector<int32_t>(values, values + 4));
  EXPECT_CODE(identity(2, from, to), ACL_ERROR_INVALID_PARAM);
  ASSERT_OK(aclDestroyDataBuffer(from));
  EXPECT_NE(identity(1, from, to), ACL_SUCCESS);  // it is gone
  EXPECT_OK(aclDestroyDataBuffer(to));
  EXPECT_OK(aclrtFree(x));
  EXPECT_OK(aclrtFree(y));
}
ISTHMUS_ON_DEVICES(ByName);

TEST(OpByName, IsNotFound) {
  aclopAttr* const attr = aclopCreateAttr();
  const int64_t values[] = {1, 2};
  const int counts[] = {2, -1};
  const int64_t* const lists[] = {values, values};
  EXPECT_OK(aclopSetAttrListInt(attr, "axes", 2, values));
  EXPECT_CODE(aclopSetAttrListInt(attr, "axes", -2, values), ACL_ERROR_INVALID_PARAM);
  EXPECT_CODE(aclopSetAttrListListInt(attr, "pairs", 2, counts, lists), ACL_ERROR_INVALID_PARAM);
  EXPECT_CODE(aclopSetAttrString(attr, "mode", nullptr), ACL_ERROR_INVALID_PARAM);
  EXPECT_CODE(aclopSetAttrInt(attr, nullptr, 1), ACL_ERROR_INVALID_PARAM);
  EXPECT_CODE(aclopCompileAndExecute("Add", 0, nullptr, nullptr, 0, nullptr, nullptr, attr, ACL_ENGINE_SYS,
                                     ACL_COMPILE_SYS, nullptr, nullptr),
              ACL_ERROR_OP_NOT_FOUND);
  EXPECT_NE(message().find("Add"), std::string::npos);
  aclopDestroyAttr(attr);
  EXPECT_CODE(aclopSetAttrInt(attr, "n", 1), ACL_ERROR_INVALID_PARAM);
  EXPECT_OK(aclSetCompileopt(ACL_OP_JIT_COMPILE, "disable"));
  char text[8];
  EXPECT_EQ(aclGetCompileoptSize(ACL_OP_JIT_COMPILE), 8u);
  EXPECT_CODE(aclGetCompileopt(ACL_OP_JIT_COMPILE, text, 7), ACL_ERROR_INVALID_PARAM);
  EXPECT_OK(aclGetCompileopt(ACL_OP_JIT_COMPILE, text, 8));
  EXPECT_STREQ(text, "disable");
}

}  // namespace
}  // namespace isthmus::cann
