/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs: operators over named inputs, constants and states, compiled for a device and run many times. */
#ifndef ISTHMUS_GRAPH_H
#define ISTHMUS_GRAPH_H

#include "isthmus/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct isthmus_graph_s isthmus_graph_t;
typedef struct isthmus_executable_s isthmus_executable_t;

/* A value of one graph. -1: an absent optional operand. */
typedef int32_t isthmus_value_t;
#define ISTHMUS_NO_VALUE (-1)

/* ---- Building */

ISTHMUS_API isthmus_status_t isthmus_graph_create(isthmus_graph_t** graph);
ISTHMUS_API void isthmus_graph_destroy(isthmus_graph_t* graph);

/* A dimension that gets its number at every run, from min to max. Symbols are numbered from 0 in the order
 * made. */
ISTHMUS_API isthmus_status_t isthmus_graph_symbol(isthmus_graph_t* graph, const char* name, int64_t min,
                                                  int64_t max, isthmus_dim_t* dim);
/* Given at every run. Names of inputs, states and outputs are unique within their kind. */
ISTHMUS_API isthmus_status_t isthmus_graph_input(isthmus_graph_t* graph, const char* name,
                                                 const isthmus_type_t* type, isthmus_value_t* value);
/* Lives between runs and may be written in place, in the order of the operators. Its dims are numbers. */
ISTHMUS_API isthmus_status_t isthmus_graph_state(isthmus_graph_t* graph, const char* name,
                                                 const isthmus_type_t* type, isthmus_value_t* value);
/* Host bytes, dense row-major, dims all numbers. With release NULL they are copied. Otherwise they stay valid
 * and unchanged until release(context), called once, from any thread, when the graph and all executables made
 * of it are gone, or at once when this call fails. */
ISTHMUS_API isthmus_status_t isthmus_graph_constant(isthmus_graph_t* graph, const char* name,
                                                    const isthmus_type_t* type, const void* data,
                                                    void (*release)(void* context), void* context,
                                                    isthmus_value_t* value);
/* Appends an operator. Fills outputs, output_count of them: as many as the operator declares, or fewer. An
 * absent optional output is ISTHMUS_NO_VALUE. A failure leaves the graph as it was. */
ISTHMUS_API isthmus_status_t isthmus_graph_op(isthmus_graph_t* graph, const char* name,
                                              const isthmus_attribute_t* attributes, int32_t attribute_count,
                                              const isthmus_value_t* inputs, int32_t input_count,
                                              isthmus_value_t* outputs, int32_t output_count);
/* Control flow. A region is a graph of its own, read as it is now, with the symbols of this graph or the
 * first of them. It sees nothing else of it: the operands that are no states become its inputs, the states
 * its states, each in the order declared. At a run the host waits for the stream to read conditions and trip
 * counts. Values are filled as by isthmus_graph_op.
 *
 * The outputs of then_region or else_region, by a condition of one BOOL; both give the same types. */
ISTHMUS_API isthmus_status_t isthmus_graph_if(isthmus_graph_t* graph, isthmus_value_t condition,
                                              const isthmus_value_t* operands, int32_t operand_count,
                                              const isthmus_graph_t* then_region,
                                              const isthmus_graph_t* else_region, isthmus_value_t* outputs,
                                              int32_t output_count);
/* Runs body while its number (from 0) is below the trip count (one I64) and the condition (one BOOL) holds;
 * either may be ISTHMUS_NO_VALUE. The inputs of body: its number (I64, a scalar), then the operands. Its
 * outputs: the next condition, then new values for the first operands, which are no states. The outputs are
 * these values after the last iteration. */
ISTHMUS_API isthmus_status_t isthmus_graph_loop(isthmus_graph_t* graph, isthmus_value_t trip_count,
                                                isthmus_value_t condition, const isthmus_value_t* operands,
                                                int32_t operand_count, const isthmus_graph_t* body,
                                                isthmus_value_t* outputs, int32_t output_count);
/* Dtype and dims of a value. Fills *type (its size set). */
ISTHMUS_API isthmus_status_t isthmus_graph_type(const isthmus_graph_t* graph, isthmus_value_t value,
                                                isthmus_type_t* type);
ISTHMUS_API isthmus_status_t isthmus_graph_output(isthmus_graph_t* graph, const char* name,
                                                  isthmus_value_t value);

/* ---- Running */

/* Checks the graph, runs the passes, prepares every operator on the device, packs constants and plans the
 * memory. The graph is only read and may be compiled again. options may be NULL. */
ISTHMUS_API isthmus_status_t isthmus_graph_compile(const isthmus_graph_t* graph, isthmus_device_t* device,
                                                   const isthmus_op_options_t* options,
                                                   isthmus_executable_t** executable);
/* The caller has made sure that no stream still runs it. */
ISTHMUS_API void isthmus_executable_destroy(isthmus_executable_t* executable);
/* Where an input lies, dense, with its largest dims: upload to it before run, on the same stream, dense for
 * the dims of that run. Fills *tensor (its size set). */
ISTHMUS_API isthmus_status_t isthmus_executable_input(const isthmus_executable_t* executable,
                                                      const char* name, isthmus_tensor_t* tensor);
/* Where an output lies after a run, until the next; with the dims of the latest run, the largest before the
 * first. */
ISTHMUS_API isthmus_status_t isthmus_executable_output(const isthmus_executable_t* executable,
                                                       const char* name, isthmus_tensor_t* tensor);
/* Device memory of a state, the caller's own, dense; bound before the first run and valid as long as runs go
 * on. */
ISTHMUS_API isthmus_status_t isthmus_executable_bind_state(isthmus_executable_t* executable, const char* name,
                                                           isthmus_address_t address);
/* Puts one run on the stream, which is of the same device; waits for it where there is control flow. symbols:
 * a number for each symbol, in the order made. */
ISTHMUS_API isthmus_status_t isthmus_executable_run(isthmus_executable_t* executable, const int64_t* symbols,
                                                    int32_t symbol_count, isthmus_stream_t* stream);

/* What runs where: one row per operator and implementation. Strings live as long as what was asked. */
typedef struct isthmus_report_row_t {
  size_t size;
  const char* op;
  const char* implementation;
  const char* refusal; /* why the chip did not take it; NULL when it did */
  int32_t nodes;       /* of the graph that are run so */
  int32_t fallback;    /* 1: the reference, on the host */
} isthmus_report_row_t;

/* The row at `index`, from 0; ISTHMUS_OUT_OF_RANGE past the last one. Fills *row (its size set). */
ISTHMUS_API isthmus_status_t isthmus_executable_report(const isthmus_executable_t* executable, int32_t index,
                                                       isthmus_report_row_t* row);

#ifdef __cplusplus
}
#endif
#endif
