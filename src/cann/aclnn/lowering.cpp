// SPDX-License-Identifier: Apache-2.0
// Builder::finish: from what an adapter wrote down to a plan. Results go straight into the outputs where
// nothing else needs the old bytes; views go to the chip as they are when it takes them.
#include <algorithm>
#include <cstring>

#include "cann/aclnn/builder.h"
#include "cann/aclnn/scratch.h"
#include "cann/aclnn/self_overlap.h"
#include "ops/registry.h"

namespace isthmus::cann {

class Lowering {
 public:
  Lowering(Builder& b, bool no_fallback) : b_(b), no_fallback_(no_fallback) {}

  Result<std::shared_ptr<Plan>> run() {
    RETURN_IF_ERROR(check_places());
    RETURN_IF_ERROR(settle_stores());
    redirect_or_copy();
    RETURN_IF_ERROR(b_.status_);
    for (const Builder::Step& step : b_.steps_) RETURN_IF_ERROR(lower(step));
    place_intermediates();
    return assemble();
  }

 private:
  // An intermediate result that lies in an output from the start.
  struct Redirect {
    int base = -1;  // the output's; -1: none
    int64_t offset = 0;
    bool dense = true;
    int64_t strides[kMaxRank] = {};
  };
  struct Prepared {
    std::unique_ptr<PreparedOp> op;
    std::vector<Value> operands;  // inputs, then outputs; bases resolved
  };

  bool is_argument(const Value& v) const { return v.present() && base(v).place == Place::kArgument; }
  const Builder::Base& base(const Value& v) const { return b_.bases_[static_cast<size_t>(v.base)]; }

  // Whether two arguments may share bytes.
  bool slots_meet(int a, int b) const {
    if (a == b) return true;
    for (const auto& [x, y] : b_.key_.overlaps)
      if ((static_cast<int>(x) == a && static_cast<int>(y) == b) ||
          (static_cast<int>(x) == b && static_cast<int>(y) == a))
        return true;
    return false;
  }

  Status check_places() const {
    for (const Builder::Store& store : b_.stores_) {
      if (!is_argument(store.place))  // its reshaping is a copy
        return unimplemented("an output cannot be written as {} through its strides: pass a dense one",
                             dims_to_string(store.place.shape()));
      if (overlaps_itself(store.place))
        return invalid_argument("an output, {}, overlaps itself", to_string(store.place));
      for (const Builder::Store& other : b_.stores_)
        if (!b_.overlapping_outputs_ && store.place.base != other.place.base &&
            slots_meet(store.place.base, other.place.base))
          return invalid_argument("two outputs, {} and {}, overlap", to_string(store.place),
                                  to_string(other.place));
    }
    return ok();
  }

  // Makes every stored value of its place's dtype and dims, and one that no store can destroy.
  Status settle_stores() {
    const size_t count = b_.stores_.size();
    for (size_t i = 0; i < count; ++i) {
      Value value = b_.stores_[i].value;
      const Value place = b_.stores_[i].place;
      if (!fits(value, place))
        return invalid_argument("the result is {}, but the output {}", dims_to_string(value.shape()),
                                dims_to_string(place.shape()));
      if (is_float(value.dtype) && !is_float(place.dtype))
        return invalid_argument(
            "the result is {}, but the output {}; aclnnCast makes whole numbers of floats", to_string(value),
            to_string(place));
      value = b_.cast(value, place.dtype);
      if (value.shape() != place.shape()) value = b_.reshape(value, place.shape());
      bool threatened = false;
      if (is_argument(value))
        for (const Builder::Store& other : b_.stores_) threatened |= slots_meet(value.base, other.place.base);
      if (threatened) value = b_.copy(value);
      RETURN_IF_ERROR(b_.status_);
      b_.stores_[i].value = value;
    }
    return ok();
  }

  // Equal dims, dimensions of 1 left out.
  static bool fits(const Value& value, const Value& place) {
    int i = 0, j = 0;
    while (true) {
      while (i < value.rank && value.dims[i] == 1) ++i;
      while (j < place.rank && place.dims[j] == 1) ++j;
      if (i == value.rank || j == place.rank) return i == value.rank && j == place.rank;
      if (value.dims[i++] != place.dims[j++]) return false;
    }
  }

  void redirect_or_copy() {
    redirects_.resize(b_.bases_.size());
    std::vector<Builder::Step> copies;
    for (const Builder::Store& store : b_.stores_) {
      if (store.place.elements() == 0 || try_redirect(store)) continue;
      Builder::Step step;
      step.op = find_op("copy");
      step.inputs = {store.value};
      step.outputs = {store.place};
      copies.push_back(std::move(step));
    }
    for (Builder::Step& step : copies) b_.steps_.push_back(std::move(step));
  }

  bool try_redirect(const Builder::Store& store) {
    const Value& value = store.value;
    if (base(value).place != Place::kWorkspace || value.offset != 0) return false;
    size_t producer = 0;
    const Value* made = find_output(value.base, &producer);
    if (!made) return false;
    Redirect redirect;
    redirect.base = store.place.base;
    redirect.offset = store.place.offset;
    if (!find_layout(*made, value, store.place, redirect.strides)) return false;
    Value laid = *made;
    std::copy_n(redirect.strides, kMaxRank, laid.strides);
    redirect.dense = laid.dense();
    for (const Builder::Store& other : b_.stores_)
      if (store.place.base != other.place.base && slots_meet(store.place.base, other.place.base))
        return false;
    int uses = 0;
    for (const Builder::Store& other : b_.stores_) uses += other.value.base == value.base;
    if (uses > 1) return false;
    for (size_t s = 0; s < b_.steps_.size(); ++s) {
      for (const Value& input : b_.steps_[s].inputs) {
        if (!input.present()) continue;
        if (input.base == value.base && !redirect.dense) return false;
        // What is read at or after the producer would be overwritten too early.
        if (s < producer || !is_argument(input) || !slots_meet(input.base, store.place.base)) continue;
        if (s != producer || !same_elements(b_.steps_[s], input, laid, redirect)) return false;
      }
    }
    redirects_[static_cast<size_t>(value.base)] = redirect;
    if (redirect.dense) redirect_operands(producer, laid, redirect);
    return true;
  }

  // An operand of an elementwise operator whose result lies in an output may lie there before: one of each
  // operator, back to the first that reads what the output shares bytes with.
  void redirect_operands(size_t consumer, const Value& laid, const Redirect& redirect) {
    if (!b_.steps_[consumer].op->family.starts_with("Elementwise")) return;
    for (const Value& input : b_.steps_[consumer].inputs) {
      size_t producer = 0;
      if (!input.present() || base(input).place != Place::kWorkspace || input.offset != 0 || !input.dense() ||
          redirects_[static_cast<size_t>(input.base)].base >= 0 || input.shape() != laid.shape() ||
          dtype_bytes(input.dtype, 1) != dtype_bytes(laid.dtype, 1) || count_uses(input.base) != 1)
        continue;
      const Value* made = find_output(input.base, &producer);
      if (!made || made->shape() != laid.shape()) continue;
      bool clear = true;
      for (size_t s = producer; s < b_.steps_.size() && clear; ++s)
        for (const Value& read : b_.steps_[s].inputs)
          clear &= !is_argument(read) || !slots_meet(read.base, redirect.base) ||
                   (s == producer && same_elements(b_.steps_[s], read, laid, redirect));
      if (!clear) continue;
      redirects_[static_cast<size_t>(input.base)] = redirect;
      return redirect_operands(producer, laid, redirect);
    }
  }

  int count_uses(int base) const {
    int uses = 0;
    for (const Builder::Step& step : b_.steps_)
      for (const Value& input : step.inputs) uses += input.present() && input.base == base;
    for (const Builder::Store& store : b_.stores_) uses += store.value.base == base;
    return uses;
  }

  // Whether an operator may write its result over this input: each element is computed from the one in its
  // place.
  static bool same_elements(const Builder::Step& step, const Value& input, const Value& laid,
                            const Redirect& redirect) {
    if (!step.op->family.starts_with("Elementwise") || input.base != redirect.base ||
        input.offset != redirect.offset || input.rank != laid.rank ||
        dtype_bytes(input.dtype, 1) != dtype_bytes(laid.dtype, 1))
      return false;
    for (int i = 0; i < laid.rank; ++i)
      if (input.dims[i] != laid.dims[i] || (laid.dims[i] != 1 && input.strides[i] != laid.strides[i]))
        return false;
    return true;
  }

  const Value* find_output(int base, size_t* step) const {
    for (size_t s = 0; s < b_.steps_.size(); ++s)
      for (const Value& output : b_.steps_[s].outputs)
        if (output.base == base) {
          *step = s;
          return &output;
        }
    return nullptr;
  }

  // The strides `made` gets so that `value`, a view of all of it, lies where `place` is.
  static bool find_layout(const Value& made, const Value& value, const Value& place, int64_t* strides) {
    if (made.elements() != value.elements()) return false;
    if (value.dense()) return find_strides(place, {made.dims, static_cast<size_t>(made.rank)}, strides);
    bool taken[kMaxRank] = {};
    int matched = 0, wanted = 0;
    for (int j = 0; j < value.rank; ++j) wanted += value.dims[j] != 1;
    for (int i = 0; i < made.rank; ++i) {
      strides[i] = made.dims[i] == 1 ? 1 : 0;
      if (made.dims[i] == 1) continue;
      for (int j = 0; j < value.rank && strides[i] == 0; ++j) {
        if (taken[j] || value.dims[j] != made.dims[i] || value.strides[j] != made.strides[i]) continue;
        taken[j] = true;
        strides[i] = place.strides[j];
        ++matched;
      }
      if (strides[i] == 0) return false;
    }
    return matched == wanted;
  }

  Value resolve(Value v, bool output) const {
    if (!v.present() || v.base >= static_cast<int>(redirects_.size())) return v;
    const Redirect& redirect = redirects_[static_cast<size_t>(v.base)];
    if (redirect.base < 0) return v;
    v.base = redirect.base;
    v.offset += redirect.offset;
    if (output) std::copy_n(redirect.strides, kMaxRank, v.strides);
    return v;
  }

  Status lower(const Builder::Step& step) {
    bool nothing = !step.outputs.empty();
    for (const Value& output : step.outputs)
      nothing = nothing && (!output.present() || output.elements() == 0);
    bool state = false;
    for (const Port& port : step.op->inputs) state |= port.state;
    if (nothing && !state) return ok();
    std::vector<Value> operands;
    for (const Value& input : step.inputs) operands.push_back(resolve(input, false));
    for (const Value& output : step.outputs) operands.push_back(resolve(output, true));
    const int inputs = static_cast<int>(step.inputs.size());
    Result<std::unique_ptr<PreparedOp>> made = prepare(step, operands, inputs, true);
    if (made.ok()) return add(std::move(made).value(), std::move(operands));
    if (made.status().code() != Code::kUnimplemented) return std::move(made).status();
    if (!state && step.op->name != "copy") {
      const Status dense = lower_dense(step, operands, inputs);
      if (dense.ok() || dense.code() != Code::kUnimplemented) return dense;
    }
    if (no_fallback_) return std::move(made).status();
    ASSIGN_OR_RETURN(auto fallback, prepare(step, operands, inputs, false));
    return add(std::move(fallback), std::move(operands));
  }

  // The step with everything dense: strided operands pass through the workspace.
  Status lower_dense(const Builder::Step& step, const std::vector<Value>& operands, int inputs) {
    std::vector<Value> dense = operands;
    bool changed = false;
    for (Value& v : dense) {
      if (!v.present() || v.dense()) continue;
      v = b_.make(Place::kWorkspace, v.dtype, v.shape());
      changed = true;
    }
    if (!changed) return unimplemented("nothing to make dense");
    RETURN_IF_ERROR(b_.status_);
    // Asked first: copies would stay behind if the chip refuses this, too.
    ASSIGN_OR_RETURN(auto made, prepare(step, dense, inputs, true));
    for (int i = 0; i < inputs; ++i)
      if (dense[size_t(i)].base != operands[size_t(i)].base)
        RETURN_IF_ERROR(add_copy(operands[size_t(i)], dense[size_t(i)]));
    RETURN_IF_ERROR(add(std::move(made), dense));
    for (size_t i = static_cast<size_t>(inputs); i < dense.size(); ++i)
      if (dense[i].base != operands[i].base) RETURN_IF_ERROR(add_copy(dense[i], operands[i]));
    return ok();
  }

  Status add_copy(const Value& from, const Value& to) {
    Builder::Step step;
    step.op = find_op("copy");
    const std::vector<Value> operands = {from, to};
    ASSIGN_OR_RETURN(auto made, prepare(step, operands, 1, no_fallback_));
    return add(std::move(made), operands);
  }

  Result<std::unique_ptr<PreparedOp>> prepare(const Builder::Step& step, const std::vector<Value>& operands,
                                              int inputs, bool no_fallback) const {
    std::vector<OperandSpec> specs;
    for (size_t i = 0; i < operands.size(); ++i) {
      const Value& v = operands[i];
      OperandSpec spec;
      spec.type.dtype = v.dtype;
      for (int d = 0; d < v.rank; ++d) spec.type.shape.push_back(v.dims[d]);
      if (!v.dense()) spec.strides.assign(v.strides, v.strides + v.rank);
      const auto& ports = step.op->inputs;
      if (static_cast<int>(i) < inputs && ports[std::min(i, ports.size() - 1)].state)
        spec.role = ISTHMUS_ROLE_STATE;
      specs.push_back(std::move(spec));
    }
    PreparePolicy policy;
    policy.no_fallback = no_fallback;
    return PreparedOp::prepare(b_.device_, *step.op, step.attributes, specs, inputs, {}, policy);
  }

  Status add(std::unique_ptr<PreparedOp> op, std::vector<Value> operands) {
    prepared_.push_back({std::move(op), std::move(operands)});
    return ok();
  }

  // Gives each intermediate result, and each operator's own workspace, a place that no other living at the
  // same time has.
  void place_intermediates() {
    struct Life {
      size_t first = SIZE_MAX, last = 0;
      uint64_t bytes = 0, offset = 0;
      int base = -1;  // -1: an operator's own workspace
    };
    std::vector<Life> lives(b_.bases_.size());
    for (size_t s = 0; s < prepared_.size(); ++s) {
      for (const Value& v : prepared_[s].operands) {
        if (!v.present() || base(v).place != Place::kWorkspace) continue;
        Life& life = lives[static_cast<size_t>(v.base)];
        life = {std::min(life.first, s), s, base(v).bytes, 0, v.base};
      }
      if (const uint64_t bytes = prepared_[s].op->workspace_bytes()) lives.push_back({s, s, bytes, 0, -1});
    }
    for (const Builder::Sized& sized : b_.sized_)  // read at the end
      lives[static_cast<size_t>(sized.count.base)].last = prepared_.size();
    const uint64_t alignment = b_.device_->properties().alignment_bytes;
    std::vector<const Life*> placed;
    own_.resize(prepared_.size());
    for (Life& life : lives) {
      if (life.first == SIZE_MAX) continue;
      bool moved = true;
      while (moved) {  // first fit
        moved = false;
        for (const Life* other : placed) {
          const bool together = life.first <= other->last && other->first <= life.last;
          if (!together || life.offset >= other->offset + other->bytes ||
              other->offset >= life.offset + life.bytes)
            continue;
          life.offset = (other->offset + other->bytes + alignment - 1) / alignment * alignment;
          moved = true;
        }
      }
      placed.push_back(&life);
      workspace_ = std::max(workspace_, life.offset + life.bytes);
      if (life.base >= 0)
        b_.bases_[static_cast<size_t>(life.base)].offset = static_cast<int64_t>(life.offset);
      else
        own_[life.first] = life.offset;
    }
    if (workspace_) workspace_ += alignment;
  }

  Result<std::shared_ptr<Plan>> assemble() {
    auto plan = std::make_shared<Plan>();
    plan->device = b_.device_;
    plan->slots = b_.key_.extents;
    for (const BoundArg& arg : b_.arguments_)
      plan->slot_names.insert(plan->slot_names.end(), arg.slot_count, arg.parameter.name);
    plan->overlaps = b_.key_.overlaps;
    plan->scratch_bytes = workspace_;
    plan->workspace_bytes = workspace_ > kMostScratch ? workspace_ : 0;
    for (size_t s = 0; s < prepared_.size(); ++s) {
      PlanStep step;
      step.workspace = own_[s];
      for (size_t i = 0; i < prepared_[s].operands.size(); ++i) bind(*plan, step, prepared_[s].operands[i]);
      step.op = std::move(prepared_[s].op);
      plan->steps.push_back(std::move(step));
    }
    for (const Builder::Sized& sized : b_.sized_)
      plan->sized.push_back({base(sized.place).slot, sized.axis,
                             static_cast<uint64_t>(base(sized.count).offset + sized.count.offset),
                             sized.place.shape()});
    RETURN_IF_ERROR(upload(*plan));
    return plan;
  }

  void bind(Plan& plan, PlanStep& step, const Value& v) {
    isthmus_tensor_arg_t arg{};
    Binding binding;
    if (v.present()) {
      std::copy_n(v.dims, kMaxRank, arg.dims);
      std::copy_n(v.strides, kMaxRank, arg.strides);
      binding = {base(v).place, base(v).slot, base(v).offset + v.offset};
      if (v.elements() == 0) {  // Its data may be null, which would read as an absent operand.
        binding = {Place::kConstant, 0, 0};
        if (b_.constants_.empty()) b_.constants_.resize(16);
      } else if (binding.place == Place::kArgument) {
        plan.slots[binding.slot].used = true;
      }
    }
    step.args.push_back(arg);
    step.bindings.push_back(binding);
  }

  Status upload(Plan& plan) {
    if (b_.constants_.empty()) return ok();
    ASSIGN_OR_RETURN(plan.constants, b_.device_->allocate(b_.constants_.size()));
    if (void* host = plan.constants.host()) {
      std::memcpy(host, b_.constants_.data(), b_.constants_.size());
      return ok();
    }
    ASSIGN_OR_RETURN(const auto stream, b_.device_->create_stream());
    RETURN_IF_ERROR(stream->upload(plan.constants.address(), b_.constants_.data(), b_.constants_.size()));
    return stream->wait();
  }

  Builder& b_;
  const bool no_fallback_;
  std::vector<Redirect> redirects_;
  std::vector<Prepared> prepared_;
  std::vector<uint64_t> own_;
  uint64_t workspace_ = 0;
};

Result<std::shared_ptr<Plan>> Builder::finish(bool no_fallback) {
  if (failed()) return status_;
  return Lowering(*this, no_fallback).run();
}

}  // namespace isthmus::cann
