// SPDX-License-Identifier: Apache-2.0
// Many copies in one call. Which end is a device's is told by the addresses.
#include "acl/acl_rt.h"
#include "cann/error.h"
#include "cann/runtime/context.h"
#include "cann/runtime/copy.h"

using namespace isthmus;        // NOLINT: entry points stand outside of namespaces
using namespace isthmus::cann;  // NOLINT

namespace {

// All of them, checked before the first is made; *failed is the one that is wrong.
Result<std::vector<Transfer>> check_batch(void** dsts, const size_t* capacities, void** srcs,
                                          const size_t* sizes, size_t count, size_t* failed) {
  constexpr size_t kMost = 1 << 20;
  if (count > kMost) return invalid_argument("{} copies, at most {} are made at once", count, kMost);
  if (count > 0 && (!dsts || !capacities || !srcs || !sizes))
    return invalid_argument("an array is null: destinations, their sizes, sources or numbers of bytes");
  std::vector<Transfer> transfers;
  for (size_t i = 0; i < count; ++i) {
    Result<Transfer> transfer = check_copy(dsts[i], capacities[i], srcs[i], sizes[i], ACL_MEMCPY_DEFAULT);
    if (!transfer.ok()) {
      if (failed) *failed = i;
      return std::move(transfer).status().with_context(fmt::format("copy {}", i));
    }
    transfers.push_back(std::move(transfer).value());
  }
  return transfers;
}

}  // namespace

aclError aclrtMemcpyBatch(void** dsts, size_t* capacities, void** srcs, size_t* sizes, size_t count,
                          aclrtMemcpyBatchAttr*, size_t*, size_t, size_t* failed) {
  const char* const entry = "aclrtMemcpyBatch";
  if (failed) *failed = SIZE_MAX;
  if (const Result<ContextPtr> context = current_context(); !context.ok())
    return report(entry, context.status());
  const auto transfers = check_batch(dsts, capacities, srcs, sizes, count, failed);
  if (!transfers.ok()) return report(entry, transfers.status());
  for (const Transfer& transfer : *transfers) {
    const Status status = copy_now(transfer);
    if (status.ok()) continue;
    if (failed) *failed = static_cast<size_t>(&transfer - transfers->data());
    return report(entry, status);
  }
  return ACL_SUCCESS;
}

aclError aclrtMemcpyBatchAsync(void** dsts, size_t* capacities, void** srcs, size_t* sizes, size_t count,
                               aclrtMemcpyBatchAttr*, size_t*, size_t, size_t* failed, aclrtStream stream) {
  const char* const entry = "aclrtMemcpyBatchAsync";
  if (failed) *failed = SIZE_MAX;
  const Result<StreamPtr> found = find_stream(stream);
  if (!found.ok()) return report_handle(entry, stream, found.status());
  const auto transfers = check_batch(dsts, capacities, srcs, sizes, count, failed);
  if (!transfers.ok()) return report(entry, transfers.status());
  for (const Transfer& transfer : *transfers) {
    const Status status = copy_on(*found, transfer);
    if (status.ok()) continue;
    if (failed) *failed = static_cast<size_t>(&transfer - transfers->data());
    return report(entry, status);
  }
  return ACL_SUCCESS;
}
