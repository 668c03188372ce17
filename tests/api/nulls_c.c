/* SPDX-License-Identifier: Apache-2.0 */
/* Every function of the C interface survives NULL everywhere: an error with a message, or nothing at all. */
#include <isthmus/isthmus.h>
#include <string.h>

#include "check.h"

#define REFUSED(call)                          \
  do {                                         \
    isthmus_fail(ISTHMUS_OK, "");              \
    CHECK((call) == ISTHMUS_INVALID_ARGUMENT); \
    CHECK(strlen(isthmus_last_error()) > 10);  \
  } while (0)

static void test_runtime(void) {
  REFUSED(isthmus_platform_create(NULL, NULL));
  CHECK(!isthmus_platform_device(NULL, 0));
  REFUSED(isthmus_device_open(NULL, NULL, NULL));
  CHECK(!isthmus_device_name(NULL)[0]);
  REFUSED(isthmus_device_properties(NULL, NULL));
  REFUSED(isthmus_buffer_create(NULL, ISTHMUS_MEMORY_DEVICE, 1, NULL));
  CHECK(isthmus_buffer_address(NULL) == 0 && !isthmus_buffer_host(NULL));
  REFUSED(isthmus_stream_create(NULL, NULL));
  REFUSED(isthmus_stream_wait(NULL));
  REFUSED(isthmus_stream_upload(NULL, 0, NULL, 1));
  REFUSED(isthmus_stream_download(NULL, NULL, 0, 1));
  REFUSED(isthmus_stream_copy(NULL, 0, 0, 1));
  REFUSED(isthmus_stream_fill(NULL, 0, 0, 1));
  REFUSED(isthmus_event_create(NULL, NULL));
  REFUSED(isthmus_event_record(NULL, NULL));
  REFUSED(isthmus_event_wait(NULL));
  REFUSED(isthmus_stream_wait_event(NULL, NULL));
  REFUSED(isthmus_event_elapsed(NULL, NULL, NULL));
  isthmus_platform_destroy(NULL);
  isthmus_device_close(NULL);
  isthmus_buffer_destroy(NULL);
  isthmus_stream_destroy(NULL);
  isthmus_event_destroy(NULL);
}

static void test_operators(void) {
  REFUSED(isthmus_tensor_init(ISTHMUS_F32, 1, NULL, 0, NULL, NULL));
  REFUSED(isthmus_op_info(NULL, NULL));
  REFUSED(isthmus_op_info("add", NULL));
  REFUSED(isthmus_op_prepare(NULL, NULL, NULL, 0, NULL, 0, NULL, NULL));
  REFUSED(isthmus_op_output(NULL, 0, NULL, NULL));
  CHECK(!isthmus_op_implementation(NULL, NULL)[0]);
  REFUSED(isthmus_op_run(NULL, NULL, 0, NULL, 0, NULL));
  REFUSED(isthmus_op_declare(NULL));
  isthmus_op_destroy(NULL);
}

static void test_graphs(void) {
  isthmus_graph_t* graph = NULL;
  isthmus_value_t value = 0;
  REFUSED(isthmus_graph_create(NULL));
  REFUSED(isthmus_graph_symbol(NULL, NULL, 0, 1, NULL));
  REFUSED(isthmus_graph_input(NULL, NULL, NULL, NULL));
  REFUSED(isthmus_graph_state(NULL, NULL, NULL, NULL));
  REFUSED(isthmus_graph_constant(NULL, NULL, NULL, NULL, NULL, NULL, NULL));
  REFUSED(isthmus_graph_op(NULL, NULL, NULL, 0, NULL, 0, NULL, 0));
  REFUSED(isthmus_graph_if(NULL, 0, NULL, 0, NULL, NULL, NULL, 0));
  REFUSED(isthmus_graph_loop(NULL, 0, 0, NULL, 0, NULL, NULL, 0));
  REFUSED(isthmus_graph_type(NULL, 0, NULL));
  REFUSED(isthmus_graph_output(NULL, NULL, 0));
  REFUSED(isthmus_graph_compile(NULL, NULL, NULL, NULL));
  CHECK_OK(isthmus_graph_create(&graph));
  REFUSED(isthmus_graph_input(graph, "x", NULL, &value));
  REFUSED(isthmus_graph_op(graph, "add", NULL, 0, NULL, 2, &value, 1));
  REFUSED(isthmus_graph_op(graph, "add", NULL, 1, NULL, 0, &value, 1));
  REFUSED(isthmus_graph_op(graph, "add", NULL, 0, NULL, 0, &value, 5));
  REFUSED(isthmus_graph_if(graph, 0, NULL, 0, graph, graph, NULL, 0));
  REFUSED(isthmus_graph_loop(graph, ISTHMUS_NO_VALUE, ISTHMUS_NO_VALUE, NULL, 2, graph, NULL, 0));
  REFUSED(isthmus_graph_loop(graph, ISTHMUS_NO_VALUE, ISTHMUS_NO_VALUE, NULL, 0, graph, NULL, 0));
  isthmus_graph_destroy(graph);
  isthmus_graph_destroy(NULL);
  isthmus_executable_destroy(NULL);
  REFUSED(isthmus_executable_input(NULL, NULL, NULL));
  REFUSED(isthmus_executable_output(NULL, NULL, NULL));
  REFUSED(isthmus_executable_bind_state(NULL, NULL, 0));
  REFUSED(isthmus_executable_run(NULL, NULL, 0, NULL));
  REFUSED(isthmus_executable_report(NULL, 0, NULL));
}

static void test_models(void) {
  REFUSED(isthmus_model_open(NULL, NULL));
  REFUSED(isthmus_model_info(NULL, NULL));
  REFUSED(isthmus_model_tokenize(NULL, NULL, 0, 0, NULL, 0, NULL));
  REFUSED(isthmus_model_detokenize(NULL, NULL, 0, 0, NULL, 0, NULL));
  REFUSED(isthmus_engine_create(NULL, NULL, NULL, NULL));
  REFUSED(isthmus_engine_report(NULL, 0, NULL));
  REFUSED(isthmus_sequence_create(NULL, NULL, 0, NULL));
  REFUSED(isthmus_sequence_append(NULL, NULL, 0));
  REFUSED(isthmus_sequence_truncate(NULL, 0));
  REFUSED(isthmus_sequence_fork(NULL, NULL));
  CHECK(isthmus_sequence_tokens(NULL, NULL) == 0);
  REFUSED(isthmus_sequence_logits(NULL, NULL, NULL));
  REFUSED(isthmus_sequence_generate(NULL, NULL, NULL));
  REFUSED(isthmus_chat_create(NULL, NULL, NULL, NULL));
  REFUSED(isthmus_chat_reply(NULL, NULL, NULL, NULL));
  isthmus_model_close(NULL);
  isthmus_engine_destroy(NULL);
  isthmus_sequence_destroy(NULL);
  isthmus_chat_destroy(NULL);
}

int main(void) {
  CHECK(isthmus_fail(ISTHMUS_CANCELLED, NULL) == ISTHMUS_CANCELLED);
  test_runtime();
  test_operators();
  test_graphs();
  test_models();
  return 0;
}
