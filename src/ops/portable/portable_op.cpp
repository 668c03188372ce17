// SPDX-License-Identifier: Apache-2.0
#include "ops/portable/portable_op.h"

#include <algorithm>

#include "ops/portable/source.h"

namespace isthmus {

Result<PortablePlan> PortableOp::plan(const Device& device, const PortableQuery& query,
                                      isthmus_numerics_t numerics) {
  if (!device.api().kernel_build || !portable_language(device.properties().kernel_languages))
    return unimplemented("this chip builds no kernels");
  const PortableKernel* kernel = find_portable(query.op.name);
  if (!kernel) return unimplemented("there is no portable kernel yet");
  ASSIGN_OR_RETURN(PortablePlan plan, kernel->prepare(query));
  if (plan.f64 && !device.has(ISTHMUS_FEATURE_KERNEL_F64))
    return unimplemented("the portable kernel computes in F64, which this chip lacks");
  if (numerics == ISTHMUS_NUMERICS_EXACT) {
    if (!device.has(ISTHMUS_FEATURE_KERNEL_EXACT))
      return unimplemented(
          "this chip's F32 is not exact in kernels (no fma, or subnormals are lost), and exact numerics were "
          "asked for");
    if (plan.divides && !device.has(ISTHMUS_FEATURE_KERNEL_DIVISION))
      return unimplemented(
          "this chip's F32 / and sqrt are not rounded correctly in kernels, and exact numerics were asked "
          "for");
  }
  if (device.has(ISTHMUS_FEATURE_KERNEL_F64)) {
    plan.define("ISTHMUS_F64", "1");
    for (PortablePlan& part : plan.parts) part.define("ISTHMUS_F64", "1");
  }
  return plan;
}

Result<std::unique_ptr<PortableOp>> PortableOp::build(DevicePtr device, PortablePlan plan) {
  std::unique_ptr<PortableOp> op(new PortableOp);
  op->device_ = std::move(device);
  op->plan_ = std::move(plan);
  Device& on = *op->device_;
  for (PortablePlan& part : op->plan_.parts) {
    for (int i = 0; i < ISTHMUS_MAX_OPERANDS; ++i)
      if (!part.packed[i].layout.empty()) op->plan_.packed[i] = part.packed[i];
    op->plan_.workspace_bytes = std::max(op->plan_.workspace_bytes, part.workspace_bytes);
    ASSIGN_OR_RETURN(std::unique_ptr<PortableOp> built, PortableOp::build(op->device_, std::move(part)));
    op->implementation_ = built->implementation();
    op->parts_.push_back(std::move(built));
  }
  if (!op->parts_.empty()) return op;
  const std::string language = portable_language(on.properties().kernel_languages);
  ASSIGN_OR_RETURN(const std::string source, portable_source(language, op->plan_.source, op->plan_.defines));
  for (const std::string& entry : op->plan_.entries) {
    isthmus_chip_kernel_t* kernel = nullptr;
    RETURN_IF_ERROR(on.status(
        on.api().kernel_build(on.handle(), language.c_str(), source.c_str(), nullptr, entry.c_str(), &kernel),
        op->plan_.source.c_str()));
    if (!kernel)
      return error(Code::kInternal, "{}: the plug-in built {}, but gave no kernel", on.id(),
                   op->plan_.source);
    op->kernels_.push_back(kernel);
  }
  const size_t slash = op->plan_.source.rfind('/');
  op->implementation_ =
      "portable " + op->plan_.source.substr(slash + 1, op->plan_.source.rfind('.') - slash - 1);
  return op;
}

PortableOp::~PortableOp() {
  for (isthmus_chip_kernel_t* kernel : kernels_) device_->api().kernel_release(kernel);
}

Status PortableOp::run(const isthmus_tensor_arg_t* operands, isthmus_address_t workspace,
                       Stream& stream) const {
  for (const std::unique_ptr<PortableOp>& part : parts_)
    RETURN_IF_ERROR(part->run(operands, workspace, stream));
  if (!parts_.empty()) return ok();
  Status status = plan_.run(PortableRun{operands, workspace, device_->api(), kernels_, stream.handle()});
  if (status.ok() || !status.message().empty()) return status;
  // A launch failed: the plug-in has reported why.
  return device_->status(static_cast<isthmus_status_t>(status.code()), plan_.source.c_str());
}

}  // namespace isthmus
