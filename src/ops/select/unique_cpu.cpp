// SPDX-License-Identifier: Apache-2.0
// unique on the CPU: a merge sort of the slices' numbers, every pass shared by the threads; then one thread
// numbers the groups, and all copy.
#include "ops/elementwise/blocks-inl.h"

namespace isthmus::cpu::ISTHMUS_ISA {
namespace {

constexpr int64_t kRun = 32;  // sorted by insertion

struct UniquePlan {
  int rank, axis, bytes, merges;
  bool consecutive;
  // Whether slice i comes before slice j; whether they are equal.
  int (*compare)(const UniquePlan& p, const isthmus_tensor_arg_t& x, const unsigned char* data, int64_t i,
                 int64_t j, bool* equal);
};

template <typename T>
struct Stored {
  static T value(const unsigned char* x, int64_t at) { return ((const T*)x)[at]; }
};
struct StoredHalf {
  static float value(const unsigned char* x, int64_t at) { return half_to_float(((const uint16_t*)x)[at]); }
};
struct StoredBfloat {
  static float value(const unsigned char* x, int64_t at) { return bfloat_to_float(((const uint16_t*)x)[at]); }
};
struct StoredBool {
  static bool value(const unsigned char* x, int64_t at) { return x[at] != 0; }
};

// Goes over the elements of a slice, rows of the last dimension but the axis at a time.
struct Slice {
  int64_t index[ISTHMUS_MAX_RANK] = {};
  int64_t at = 0;
  ISTHMUS_SIMD bool next(int rank, int axis, const int64_t* dims, const int64_t* strides) {
    for (int d = rank - 1; d >= 0; --d) {
      if (d == axis) continue;
      at += strides[d];
      if (++index[d] < dims[d]) return true;
      index[d] = 0;
      at -= dims[d] * strides[d];
    }
    return false;
  }
};

ISTHMUS_SIMD int64_t slice_elements(const UniquePlan& p, const int64_t* dims) {
  int64_t n = 1;
  for (int d = 0; d < p.rank; ++d)
    if (d != p.axis) n *= dims[d];
  return n;
}

// -1, 0 or 1 in the order of sort.
template <typename S>
int compare(const UniquePlan& p, const isthmus_tensor_arg_t& x, const unsigned char* data, int64_t i,
            int64_t j, bool* equal) {
  const int64_t left = i * x.strides[p.axis], right = j * x.strides[p.axis];
  *equal = true;
  if (slice_elements(p, x.dims) == 0) return 0;
  Slice slice;
  do {
    const auto a = S::value(data, left + slice.at), b = S::value(data, right + slice.at);
    if (a == b) continue;
    *equal = false;
    const bool a_nan = a != a, b_nan = b != b;
    if (a_nan && b_nan) continue;
    if (a_nan || b_nan) return a_nan ? 1 : -1;
    return a < b ? -1 : 1;
  } while (slice.next(p.rank, p.axis, x.dims, x.strides));
  return 0;
}

const char* prepare(const isthmus_op_query_t& query, Plan& plan) {
  UniquePlan& p = plan_data<UniquePlan>(plan);
  const isthmus_operand_t& x = query.operands[0];
  const int64_t axis = attribute_int(query, "axis");
  p.rank = x.rank;
  p.axis = (int)(axis < 0 ? axis + x.rank : axis);
  p.bytes = element_bytes(x.dtype);
  p.consecutive = attribute_int(query, "consecutive") != 0;
  p.merges = 0;
  for (int64_t run = kRun; run < x.dims[p.axis] && !p.consecutive; run *= 2) ++p.merges;
  plan.workspace_bytes = 2 * 8 * (uint64_t)x.dims[p.axis];
  plan.phases = p.merges + 3;
  plan.heavy = true;
  switch (x.dtype) {
    case ISTHMUS_F32: p.compare = compare<Stored<float>>; break;
    case ISTHMUS_F16: p.compare = compare<StoredHalf>; break;
    case ISTHMUS_BF16: p.compare = compare<StoredBfloat>; break;
    case ISTHMUS_F64: p.compare = compare<Stored<double>>; break;
    case ISTHMUS_I8: p.compare = compare<Stored<int8_t>>; break;
    case ISTHMUS_I16: p.compare = compare<Stored<int16_t>>; break;
    case ISTHMUS_I32: p.compare = compare<Stored<int32_t>>; break;
    case ISTHMUS_I64: p.compare = compare<Stored<int64_t>>; break;
    case ISTHMUS_U8: p.compare = compare<Stored<uint8_t>>; break;
    case ISTHMUS_U16: p.compare = compare<Stored<uint16_t>>; break;
    case ISTHMUS_U32: p.compare = compare<Stored<uint32_t>>; break;
    case ISTHMUS_U64: p.compare = compare<Stored<uint64_t>>; break;
    case ISTHMUS_BOOL: p.compare = compare<StoredBool>; break;
    default: return "no kernel for this dtype";
  }
  return nullptr;
}

struct Sorter {
  const UniquePlan& p;
  const isthmus_tensor_arg_t& x;
  const unsigned char* data;

  ISTHMUS_SIMD bool after(int64_t i, int64_t j) const {
    bool equal;
    return p.compare(p, x, data, i, j, &equal) > 0;
  }
  void insert(int64_t* order, int64_t begin, int64_t end) const {
    for (int64_t i = begin; i < end; ++i) {
      int64_t at = i;
      for (; !p.consecutive && at > begin && after(order[at - 1], i); --at) order[at] = order[at - 1];
      order[at] = i;
    }
  }
  void merge(const int64_t* from, int64_t* to, int64_t begin, int64_t middle, int64_t end) const {
    int64_t left = begin, right = middle;
    for (int64_t at = begin; at < end; ++at) {
      const bool take_right = left == middle || (right < end && after(from[left], from[right]));
      to[at] = from[take_right ? right++ : left++];
    }
  }
};

// The groups' numbers, and of each group where its first slice stands.
void number(const Run& run, const UniquePlan& p, const int64_t* order, int64_t* first, int64_t n) {
  const isthmus_tensor_arg_t &x = run.operands[0], &inverse = run.operands[2], &counts = run.operands[3];
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) {
    bool equal = false;
    if (i > 0) p.compare(p, x, run.data<unsigned char>(0), order[i - 1], order[i], &equal);
    if (!equal) {
      first[count] = order[i];
      run.data<int64_t>(3)[count++ * counts.strides[0]] = 0;
    }
    run.data<int64_t>(2)[order[i] * inverse.strides[0]] = count - 1;
    ++run.data<int64_t>(3)[(count - 1) * counts.strides[0]];
  }
  for (int64_t k = count; k < n; ++k) run.data<int64_t>(3)[k * counts.strides[0]] = 0;
  *run.data<int64_t>(4) = count;
}

void run_unique(const Run& run, const Team& team) {
  const UniquePlan& p = plan_data<UniquePlan>(*run.plan);
  const isthmus_tensor_arg_t &x = run.operands[0], &values = run.operands[1];
  const int64_t n = x.dims[p.axis];
  int64_t *lists[2] = {(int64_t*)run.workspace, (int64_t*)run.workspace + n}, begin, end;
  const Sorter sorter{p, x, run.data<unsigned char>(0)};
  if (run.phase == 0) {
    team.split(n, kRun, &begin, &end);
    for (int64_t i = begin; i < end; i += kRun) sorter.insert(lists[0], i, i + kRun < end ? i + kRun : end);
  } else if (run.phase <= p.merges) {
    const int64_t length = kRun << (run.phase - 1);
    const int64_t* from = lists[(run.phase + 1) % 2];
    team.split(n, 2 * length, &begin, &end);
    for (int64_t i = begin; i < end; i += 2 * length) {
      const int64_t middle = i + length < end ? i + length : end;
      sorter.merge(from, lists[run.phase % 2], i, middle, i + 2 * length < end ? i + 2 * length : end);
    }
  } else if (run.phase == p.merges + 1) {
    if (team.index() == 0) number(run, p, lists[p.merges % 2], lists[(p.merges + 1) % 2], n);
  } else {
    if (slice_elements(p, x.dims) == 0) return;
    const int64_t *first = lists[(p.merges + 1) % 2], count = *run.data<int64_t>(4);
    team.split(n, 1, &begin, &end);
    for (int64_t k = begin; k < end; ++k) {
      const unsigned char* from =
          k < count ? run.data<unsigned char>(0) + first[k] * x.strides[p.axis] * p.bytes : nullptr;
      unsigned char* to = run.data<unsigned char>(1) + k * values.strides[p.axis] * p.bytes;
      Slice in, out;
      do {
        if (from)
          memcpy(to + out.at * p.bytes, from + in.at * p.bytes, (size_t)p.bytes);
        else
          memset(to + out.at * p.bytes, 0, (size_t)p.bytes);
        in.next(p.rank, p.axis, x.dims, x.strides);
      } while (out.next(p.rank, p.axis, x.dims, values.strides));
    }
  }
}

}  // namespace

ISTHMUS_CPU_KERNELS(unique, {"unique", "merges", prepare, run_unique, nullptr})

}  // namespace isthmus::cpu::ISTHMUS_ISA
