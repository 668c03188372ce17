/* SPDX-License-Identifier: Apache-2.0 */
/* The C interface from C: errors, platform, device, memory, streams, events, operators. */
#include <isthmus/isthmus.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static int pieces_run, warnings;

static void hear(void* context, isthmus_log_level_t level, const char* message) {
  if (level == ISTHMUS_LOG_WARNING && strstr(message, "isthmus_broken.so")) *(int*)context += 1;
}

static void run_here(void* context, int64_t count, isthmus_range_body_t body, void* body_context) {
  *(int*)context += 1;
  if (count > 0) body(body_context, 0, count);
}

/* The program's allocator: counts what is out, and where it begins. */
static struct {
  int calls, live;
  unsigned char *lowest, *highest;
} memory;

static void* give(void* context, uint64_t bytes, uint64_t alignment) {
  CHECK(context == &memory && bytes > 0 && alignment >= 64 && (alignment & (alignment - 1)) == 0);
  if (bytes > (uint64_t)1 << 40) return NULL;
  unsigned char* p = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  CHECK(p);
  if (!memory.lowest || p < memory.lowest) memory.lowest = p;
  if (p + bytes > memory.highest) memory.highest = p + bytes;
  ++memory.calls;
  ++memory.live;
  return p;
}

static void take_back(void* context, void* p) {
  CHECK(context == &memory && p);
  --memory.live;
  free(p);
}

static void test_errors(void) {
  isthmus_platform_t* platform = NULL;
  isthmus_platform_options_t options = {0};
  isthmus_op_info_t info = {0};
  int64_t dims[2] = {3, -1};
  isthmus_tensor_t tensor = {0};
  CHECK(strcmp(isthmus_status_name(ISTHMUS_NOT_FOUND), "not found") == 0);
  CHECK(strcmp(isthmus_status_name((isthmus_status_t)99), "unknown status") == 0);
  CHECK(strlen(isthmus_version()) >= 5);
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "'platform' is NULL", isthmus_platform_create(NULL, NULL));
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "size field is 0", isthmus_platform_create(&options, &platform));
  options.size = sizeof options;
  options.allocate = give;
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "allocate and free come together",
              isthmus_platform_create(&options, &platform));
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "size field is 0", isthmus_op_info("add", &info));
  info.size = sizeof info;
  CHECK_FAILS(ISTHMUS_NOT_FOUND, "'add'", isthmus_op_info("ad", &info));
  tensor.size = sizeof tensor;
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "dimension 1 is -1",
              isthmus_tensor_init(ISTHMUS_F32, 2, dims, 0, &tensor, NULL));
  dims[1] = INT64_MAX;
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "more than 2^58",
              isthmus_tensor_init(ISTHMUS_F32, 2, dims, 0, &tensor, NULL));
  dims[1] = 33;
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "blocks of 32",
              isthmus_tensor_init(ISTHMUS_Q8_0, 2, dims, 0, &tensor, NULL));
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "rank 9",
              isthmus_tensor_init(ISTHMUS_F32, 9, dims, 0, &tensor, NULL));
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "no dtype 77",
              isthmus_tensor_init((isthmus_dtype_t)77, 1, dims, 0, &tensor, NULL));
  CHECK(strcmp(isthmus_dtype_name(ISTHMUS_Q4_K), "Q4_K") == 0);
  CHECK(strcmp(isthmus_dtype_name((isthmus_dtype_t)77), "invalid") == 0);
  isthmus_platform_destroy(NULL);
  isthmus_op_destroy(NULL);
}

static void test_operator_list(void) {
  isthmus_op_info_t info = {0};
  /* A program built with an older header has a smaller struct: nothing is written past it. */
  struct {
    isthmus_op_info_t info;
  } old = {{0}};
  int32_t count = 0;
  while (isthmus_op_name(count)) ++count;
  CHECK(count > 50);
  CHECK(!isthmus_op_name(-1));
  info.size = sizeof info;
  CHECK_OK(isthmus_op_info("linear", &info));
  CHECK(info.input_count == 3 && info.output_count == 1);
  CHECK(strcmp(info.inputs[2].name, "bias") == 0 && info.inputs[2].optional);
  CHECK(info.inputs[1].dtype_count > 10);
  old.info.size = offsetof(isthmus_op_info_t, version);
  old.info.version = 12345;
  CHECK_OK(isthmus_op_info("linear", &old.info));
  CHECK(old.info.version == 12345 && strcmp(old.info.name, "linear") == 0);
  CHECK(old.info.size == offsetof(isthmus_op_info_t, version));
}

static void test_memory(isthmus_device_t* device) {
  unsigned char bytes[1000], back[1000];
  isthmus_buffer_t* buffer = NULL;
  isthmus_stream_t *stream = NULL, *other = NULL;
  isthmus_event_t *start = NULL, *end = NULL;
  isthmus_address_t at;
  size_t i;
  for (i = 0; i < sizeof bytes; ++i) bytes[i] = (unsigned char)(i * 7);
  CHECK_OK(isthmus_buffer_create(device, ISTHMUS_MEMORY_DEVICE, 3000, &buffer));
  CHECK_OK(isthmus_stream_create(device, &stream));
  CHECK_OK(isthmus_stream_create(device, &other));
  CHECK_OK(isthmus_event_create(device, &start));
  CHECK_OK(isthmus_event_create(device, &end));
  at = isthmus_buffer_address(buffer);
  CHECK(at != 0 && at % 64 == 0);
  CHECK(at >= (uintptr_t)memory.lowest && at + 3000 <= (uintptr_t)memory.highest);
  CHECK_OK(isthmus_event_record(start, stream));
  CHECK_OK(isthmus_stream_upload(stream, at, bytes, sizeof bytes));
  CHECK_OK(isthmus_stream_copy(stream, at + 1000, at, 1000));
  CHECK_OK(isthmus_stream_fill(stream, at + 1500, 9, 500));
  CHECK_OK(isthmus_event_record(end, stream));
  CHECK_OK(isthmus_stream_wait_event(other, end));
  CHECK_OK(isthmus_stream_download(other, back, at + 1000, 1000));
  CHECK_OK(isthmus_stream_wait(other));
  CHECK_OK(isthmus_event_wait(end));
  CHECK(memcmp(back, bytes, 500) == 0 && back[500] == 9 && back[999] == 9);
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "'dst' is 0", isthmus_stream_upload(stream, 0, bytes, 1));
  CHECK_FAILS(ISTHMUS_OUT_OF_MEMORY, "bytes",
              isthmus_buffer_create(device, ISTHMUS_MEMORY_DEVICE, UINT64_MAX, &buffer));
  isthmus_event_destroy(start);
  isthmus_event_destroy(end);
  isthmus_stream_destroy(other);
  isthmus_stream_destroy(stream);
  isthmus_buffer_destroy(buffer);
}

/* y = x w^T with a constant weight, which the chip packs into a layout of its own. */
static void test_linear(isthmus_device_t* device) {
  enum { ROWS = 64, K = 256, N = 200 };
  static float x[ROWS * K], w[N * K], y[ROWS * N];
  const int64_t x_dims[2] = {ROWS, K}, w_dims[2] = {N, K};
  isthmus_tensor_t in[2] = {{0}, {0}}, out = {0}, wrong;
  isthmus_attribute_t attribute = isthmus_attribute_int("axes", 1);
  isthmus_op_t* none = NULL;
  isthmus_buffer_t* buffer = NULL;
  isthmus_stream_t* stream = NULL;
  isthmus_op_t* op = NULL;
  uint64_t bytes = 0;
  int r, n, k;
  const char* refusal = "";
  for (k = 0; k < ROWS * K; ++k) x[k] = (float)(k % 7) - 3;
  for (k = 0; k < N * K; ++k) w[k] = (float)(k % 5) - 2;
  CHECK_OK(isthmus_buffer_create(device, ISTHMUS_MEMORY_DEVICE, sizeof x + sizeof w + sizeof y, &buffer));
  CHECK_OK(isthmus_stream_create(device, &stream));
  in[0].size = in[1].size = out.size = sizeof out;
  CHECK_OK(isthmus_tensor_init(ISTHMUS_F32, 2, x_dims, isthmus_buffer_address(buffer), &in[0], &bytes));
  CHECK(bytes == sizeof x);
  CHECK_OK(isthmus_tensor_init(ISTHMUS_F32, 2, w_dims, in[0].address + sizeof x, &in[1], NULL));
  in[1].role = ISTHMUS_ROLE_CONSTANT;
  CHECK_OK(isthmus_stream_upload(stream, in[0].address, x, sizeof x));
  CHECK_OK(isthmus_stream_upload(stream, in[1].address, w, sizeof w));
  CHECK_OK(isthmus_stream_wait(stream));
  CHECK_OK(isthmus_op_prepare(device, "linear", NULL, 0, in, 2, NULL, &op));
  printf("linear: %s\n", isthmus_op_implementation(op, &refusal));
  CHECK(!refusal);
  CHECK_OK(isthmus_op_output(op, 0, &out, &bytes));
  CHECK(out.rank == 2 && out.dims[0] == ROWS && out.dims[1] == N && bytes == sizeof y);
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "address is 0", isthmus_op_run(op, in, 2, &out, 1, stream));
  out.address = in[1].address + sizeof w;
  CHECK_OK(isthmus_op_run(op, in, 2, &out, 1, stream));
  CHECK_OK(isthmus_stream_download(stream, y, out.address, sizeof y));
  CHECK_OK(isthmus_stream_wait(stream));
  for (r = 0; r < ROWS; ++r)
    for (n = 0; n < N; ++n) {
      float sum = 0;
      for (k = 0; k < K; ++k) sum += x[r * K + k] * w[n * K + k];
      CHECK(y[r * N + n] == sum); /* small integers: exact in any order */
    }
  wrong = out;
  wrong.dims[0] = ROWS - 1;
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "output 0", isthmus_op_run(op, in, 2, &wrong, 1, stream));
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "2 inputs and 0 outputs are given",
              isthmus_op_run(op, in, 2, &out, 0, stream));
  CHECK_FAILS(ISTHMUS_INVALID_ARGUMENT, "no attribute 'axes'",
              isthmus_op_prepare(device, "linear", &attribute, 1, in, 2, NULL, &none));
  CHECK(!none);
  isthmus_op_destroy(op);
  isthmus_stream_destroy(stream);
  isthmus_buffer_destroy(buffer);
}

/* An operator is shared out when one of its activations is big: what a reduction reads, not a weight of which
 * little is read. */
static void test_sharing(isthmus_device_t* device) {
  enum { ROWS = 4, COLUMNS = 8192 };
  static float x[ROWS * COLUMNS];
  static const int64_t columns[1] = {1}, x_dims[2] = {ROWS, COLUMNS}, one[1] = {1};
  isthmus_attribute_t axes = isthmus_attribute_ints("axes", columns, 1);
  isthmus_tensor_t in[2] = {{0}, {0}}, out = {0};
  isthmus_buffer_t* buffer = NULL;
  isthmus_stream_t* stream = NULL;
  isthmus_op_t* op = NULL;
  float sums[ROWS];
  int32_t row = 2;
  int i, pieces = pieces_run;
  for (i = 0; i < ROWS * COLUMNS; ++i) x[i] = (float)(i / COLUMNS);
  CHECK_OK(isthmus_buffer_create(device, ISTHMUS_MEMORY_DEVICE, 2 * sizeof x + 64, &buffer));
  CHECK_OK(isthmus_stream_create(device, &stream));
  in[0].size = in[1].size = out.size = sizeof out;
  CHECK_OK(isthmus_tensor_init(ISTHMUS_F32, 2, x_dims, isthmus_buffer_address(buffer), &in[0], NULL));
  CHECK_OK(isthmus_stream_upload(stream, in[0].address, x, sizeof x));
  CHECK_OK(isthmus_stream_wait(stream));
  CHECK_OK(isthmus_op_prepare(device, "reduce_sum", &axes, 1, in, 1, NULL, &op));
  CHECK_OK(isthmus_op_output(op, 0, &out, NULL));
  out.address = in[0].address + sizeof x;
  CHECK_OK(isthmus_op_run(op, in, 1, &out, 1, stream));
  CHECK_OK(isthmus_stream_download(stream, sums, out.address, sizeof sums));
  CHECK_OK(isthmus_stream_wait(stream));
  for (i = 0; i < ROWS; ++i) CHECK(sums[i] == (float)(i * COLUMNS));
  CHECK(pieces_run > pieces);
  isthmus_op_destroy(op);

  pieces = pieces_run;
  in[1] = in[0];
  in[1].role = ISTHMUS_ROLE_CONSTANT;
  in[0].size = sizeof out;
  CHECK_OK(isthmus_tensor_init(ISTHMUS_I32, 1, one, out.address + sizeof x, &in[0], NULL));
  in[0].role = ISTHMUS_ROLE_ACTIVATION;
  CHECK_OK(isthmus_stream_upload(stream, in[0].address, &row, sizeof row));
  CHECK_OK(isthmus_op_prepare(device, "embedding", NULL, 0, in, 2, NULL, &op));
  CHECK_OK(isthmus_op_output(op, 0, &out, NULL));
  out.address = in[1].address + sizeof x;
  CHECK_OK(isthmus_op_run(op, in, 2, &out, 1, stream));
  CHECK_OK(isthmus_stream_download(stream, sums, out.address, sizeof(float)));
  CHECK_OK(isthmus_stream_wait(stream));
  CHECK(sums[0] == 2 && pieces_run == pieces);
  isthmus_op_destroy(op);
  isthmus_stream_destroy(stream);
  isthmus_buffer_destroy(buffer);
}

int main(void) {
  isthmus_platform_options_t options = {0};
  isthmus_device_properties_t properties = {0};
  isthmus_platform_t* platform = NULL;
  isthmus_device_t *device = NULL, *none = NULL;
  test_errors();
  test_operator_list();
  options.size = sizeof options;
  options.thread_count = 2;
  options.log = hear;
  options.log_context = &warnings;
  options.parallel_for = run_here;
  options.parallel_for_context = &pieces_run;
  options.allocate = give;
  options.free = take_back;
  options.allocate_context = &memory;
  CHECK_OK(isthmus_platform_create(&options, &platform));
  /* The project's own test puts a file there that is no chip. */
  if (getenv("ISTHMUS_PLUGIN_PATH")) CHECK(warnings == 1);
  CHECK(isthmus_platform_device(platform, 0));
  CHECK(!isthmus_platform_device(platform, 1000));
  CHECK_FAILS(ISTHMUS_NOT_FOUND, "no chip named 'abacus'", isthmus_device_open(platform, "abacus", &none));
  CHECK_OK(isthmus_device_open(platform, "cpu", &device));
  isthmus_platform_destroy(platform); /* the device keeps what it needs */
  CHECK(strcmp(isthmus_device_name(device), "cpu:0") == 0);
  properties.size = sizeof properties;
  CHECK_OK(isthmus_device_properties(device, &properties));
  printf("%s\n", properties.name);
  test_memory(device);
  test_linear(device);
  test_sharing(device);
  CHECK(pieces_run > 0); /* work went through the program's own parallel_for */
  CHECK(memory.calls > 1 && memory.live > 0);
  isthmus_device_close(device);
  CHECK(memory.live == 0); /* all of it came back */
  return 0;
}
