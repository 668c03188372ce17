// SPDX-License-Identifier: Apache-2.0
// Scalars, arrays and lists: their values are copied when they are made.
#include "aclnn/acl_meta.h"
#include "cann/aclnn/objects.h"
#include "cann/error.h"

namespace isthmus::cann {
namespace {

// More than any operator takes; a larger number is a mistake that would ask for all memory.
constexpr uint64_t kLongestArray = uint64_t{1} << 28;

template <typename T, typename From>
void* create_array(const char* entry, HandleTable<ArrayObject<T>>& table, const From* values, uint64_t size) {
  if (size > kLongestArray) {
    fail(kAclnnInvalidArgument, "{}: {} values, at most {} are supported", entry, size, kLongestArray);
    return nullptr;
  }
  if (size > 0 && !values) {
    fail(kAclnnNullArgument, "{}: value is null, size is {}", entry, size);
    return nullptr;
  }
  auto array = std::make_shared<ArrayObject<T>>();
  array->values.assign(values, values + size);
  return table.add(std::move(array));
}

template <typename T>
void* create_list(const char* entry, HandleTable<ListObject<T>>& table, const HandleTable<T>& objects,
                  const void* const* values, uint64_t size) {
  if (size > kLongestArray) {
    fail(kAclnnInvalidArgument, "{}: {} objects, at most {} are supported", entry, size, kLongestArray);
    return nullptr;
  }
  if (size > 0 && !values) {
    fail(kAclnnNullArgument, "{}: value is null, size is {}", entry, size);
    return nullptr;
  }
  auto list = std::make_shared<ListObject<T>>();
  for (uint64_t i = 0; i < size; ++i) {
    Result<std::shared_ptr<T>> object = objects.find(values[i]);
    if (!object.ok()) {
      report_aclnn(entry, std::move(object).status().with_context(fmt::format("element {}", i)));
      return nullptr;
    }
    list->objects.push_back(std::move(object).value());
    list->handles.push_back(values[i]);
  }
  return table.add(std::move(list));
}

template <typename T>
aclnnStatus destroy(const char* entry, HandleTable<T>& table, const void* handle) {
  if (!handle) return fail(kAclnnNullArgument, "{}: the object is null", entry);
  return report_aclnn(entry, table.remove(handle).status());
}

template <typename T>
aclnnStatus destroy_list(const char* entry, HandleTable<ListObject<T>>& table, HandleTable<T>& objects,
                         const void* handle) {
  if (!handle) return fail(kAclnnNullArgument, "{}: the list is null", entry);
  const Result<std::shared_ptr<ListObject<T>>> list = table.remove(handle);
  if (!list.ok()) return report_aclnn(entry, list.status());
  // One that was destroyed on its own is no longer the list's.
  for (const void* object : (*list)->handles) (void)objects.remove(object);
  return 0;
}

template <typename T, typename F>
aclnnStatus ask_size(const char* entry, const HandleTable<T>& table, const void* handle, uint64_t* size,
                     F count) {
  if (!handle || !size)
    return fail(kAclnnNullArgument, "{}: the {} is null", entry, handle ? "place for the size" : "object");
  const Result<std::shared_ptr<T>> found = table.find(handle);
  if (!found.ok()) return report_aclnn(entry, found.status());
  *size = count(**found);
  return 0;
}

constexpr auto values_of = [](const auto& array) { return array.values.size(); };
constexpr auto objects_of = [](const auto& list) { return list.objects.size(); };

}  // namespace
}  // namespace isthmus::cann

using namespace isthmus::cann;  // NOLINT: entry points are outside of every namespace

extern "C" {

aclScalar* aclCreateScalar(void* value, aclDataType dataType) {
  const int bits = data_type(dataType).bits;
  if (!value || bits < 8) {
    if (!value) fail(kAclnnNullArgument, "aclCreateScalar: value is null");
    if (value) fail(kAclnnInvalidArgument, "aclCreateScalar: no scalar of {}", data_type_name(dataType));
    return nullptr;
  }
  auto scalar = std::make_shared<ScalarObject>();
  scalar->type = dataType;
  std::memcpy(scalar->bytes, value, static_cast<size_t>(bits / 8));
  return static_cast<aclScalar*>(scalars().add(std::move(scalar)));
}

aclIntArray* aclCreateIntArray(const int64_t* value, uint64_t size) {
  return static_cast<aclIntArray*>(create_array("aclCreateIntArray", int_arrays(), value, size));
}
aclFloatArray* aclCreateFloatArray(const float* value, uint64_t size) {
  return static_cast<aclFloatArray*>(create_array("aclCreateFloatArray", float_arrays(), value, size));
}
aclBoolArray* aclCreateBoolArray(const bool* value, uint64_t size) {
  // A program's bytes may be other than 0 and 1, and are no bool then.
  const auto* const bytes = reinterpret_cast<const uint8_t*>(value);
  return static_cast<aclBoolArray*>(create_array("aclCreateBoolArray", bool_arrays(), bytes, size));
}
aclTensorList* aclCreateTensorList(const aclTensor* const* value, uint64_t size) {
  return static_cast<aclTensorList*>(create_list("aclCreateTensorList", tensor_lists(), tensors(),
                                                 reinterpret_cast<const void* const*>(value), size));
}
aclScalarList* aclCreateScalarList(const aclScalar* const* value, uint64_t size) {
  return static_cast<aclScalarList*>(create_list("aclCreateScalarList", scalar_lists(), scalars(),
                                                 reinterpret_cast<const void* const*>(value), size));
}

aclnnStatus aclDestroyScalar(const aclScalar* scalar) {
  return destroy("aclDestroyScalar", scalars(), scalar);
}
aclnnStatus aclDestroyIntArray(const aclIntArray* array) {
  return destroy("aclDestroyIntArray", int_arrays(), array);
}
aclnnStatus aclDestroyFloatArray(const aclFloatArray* array) {
  return destroy("aclDestroyFloatArray", float_arrays(), array);
}
aclnnStatus aclDestroyBoolArray(const aclBoolArray* array) {
  return destroy("aclDestroyBoolArray", bool_arrays(), array);
}
aclnnStatus aclDestroyTensorList(const aclTensorList* array) {
  return destroy_list("aclDestroyTensorList", tensor_lists(), tensors(), array);
}
aclnnStatus aclDestroyScalarList(const aclScalarList* array) {
  return destroy_list("aclDestroyScalarList", scalar_lists(), scalars(), array);
}

aclnnStatus aclGetIntArraySize(const aclIntArray* array, uint64_t* size) {
  return ask_size("aclGetIntArraySize", int_arrays(), array, size, values_of);
}
aclnnStatus aclGetFloatArraySize(const aclFloatArray* array, uint64_t* size) {
  return ask_size("aclGetFloatArraySize", float_arrays(), array, size, values_of);
}
aclnnStatus aclGetBoolArraySize(const aclBoolArray* array, uint64_t* size) {
  return ask_size("aclGetBoolArraySize", bool_arrays(), array, size, values_of);
}
aclnnStatus aclGetTensorListSize(const aclTensorList* tensorList, uint64_t* size) {
  return ask_size("aclGetTensorListSize", tensor_lists(), tensorList, size, objects_of);
}
aclnnStatus aclGetScalarListSize(const aclScalarList* scalarList, uint64_t* size) {
  return ask_size("aclGetScalarListSize", scalar_lists(), scalarList, size, objects_of);
}

}  // extern "C"
