// SPDX-License-Identifier: Apache-2.0
// Runs two operators on a stream: s = softmax(x + y), on the first device or the one named.
#include <cmath>
#include <cstdio>
#include <isthmus/isthmus.hpp>
#include <vector>

namespace {

using isthmus::dense;

constexpr int64_t kRows = 2, kColumns = 4;

isthmus::Status run(const std::string& device_name) {
  auto platform = isthmus::Platform::create();
  if (!platform) return platform.error();
  auto device = platform->open(device_name);
  if (!device) return device.error();
  auto stream = device->create_stream();
  if (!stream) return stream.error();

  // Prepared once for these shapes; run as often as wanted.
  const isthmus_tensor_t shape = dense(ISTHMUS_F32, {kRows, kColumns});
  auto add = isthmus::Op::prepare(*device, "add", {shape, shape});
  if (!add) return add.error();
  auto softmax = isthmus::Op::prepare(*device, "softmax", {shape}, {isthmus_attribute_int("axis", -1)});
  if (!softmax) return softmax.error();
  std::printf("add runs as %s, softmax as %s\n", add->implementation().c_str(),
              softmax->implementation().c_str());

  const std::vector<float> x = {1, 2, 3, 4, 0, 0, 0, 0}, y = {0, 0, 0, 0, 5, 5, 5, 5};
  std::vector<float> result(x.size());
  auto memory = device->allocate(3 * x.size() * sizeof(float));
  if (!memory) return memory.error();
  const isthmus_address_t at_x = memory->address(), at_y = at_x + x.size() * sizeof(float),
                          at_sum = at_y + x.size() * sizeof(float);
  const auto tensor = [](isthmus_address_t at) { return dense(ISTHMUS_F32, {kRows, kColumns}, at); };

  // A stream keeps order, so nothing waits until the end. softmax writes where x was.
  if (auto status = stream->upload(at_x, x); !status) return status;
  if (auto status = stream->upload(at_y, y); !status) return status;
  if (auto status = add->run({tensor(at_x), tensor(at_y)}, {tensor(at_sum)}, *stream); !status) return status;
  if (auto status = softmax->run({tensor(at_sum)}, {tensor(at_x)}, *stream); !status) return status;
  if (auto status = stream->download(result, at_x); !status) return status;
  if (auto status = stream->wait(); !status) return status;

  for (int64_t row = 0; row < kRows; ++row) {
    float sum = 0;
    for (int64_t column = 0; column < kColumns; ++column) {
      std::printf(" %.4f", static_cast<double>(result[row * kColumns + column]));
      sum += result[row * kColumns + column];
    }
    std::printf("\n");
    if (std::fabs(sum - 1) > 1e-5f) return isthmus::Error{ISTHMUS_INTERNAL, "a row does not sum to 1"};
  }
  if (std::fabs(result[4] - 0.25f) > 1e-6f)
    return isthmus::Error{ISTHMUS_INTERNAL, "equal numbers, unequal shares"};
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const isthmus::Status status = run(argc > 1 ? argv[1] : "cpu");
  if (!status) std::fprintf(stderr, "two_operators: %s\n", status.error().to_string().c_str());
  return status ? 0 : 1;
}
