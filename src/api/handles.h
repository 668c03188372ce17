// SPDX-License-Identifier: Apache-2.0
// What is behind the opaque handles. Each holds what keeps it working, so that handles may go in any order.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/builder.h"
#include "graph/executable.h"
#include "isthmus/isthmus.h"
#include "llm/chat_session.h"
#include "ops/prepared_op.h"
#include "runtime/platform.h"

struct isthmus_platform_s {
  std::shared_ptr<isthmus::Platform> platform;
  std::vector<std::string> devices;  // "cpu:0"
};
struct isthmus_device_s {
  isthmus::DevicePtr device;
};
struct isthmus_buffer_s {
  isthmus::Buffer buffer;
};
struct isthmus_stream_s {
  std::unique_ptr<isthmus::Stream> stream;
};
struct isthmus_event_s {
  isthmus::DevicePtr device;
  std::unique_ptr<isthmus::Event> event;
};

struct isthmus_op_s {
  isthmus::DevicePtr device;
  std::vector<isthmus::Tensor> inputs;   // as prepared; an absent one is not present()
  std::vector<isthmus::Tensor> outputs;  // as inferred, dense
  std::vector<isthmus::Buffer> packed;   // constants in the chip's layout
  std::vector<isthmus_address_t> fixed;  // addresses of packed inputs; 0: as given to run
  isthmus::Buffer workspace;
  std::unique_ptr<isthmus::PreparedOp> op;
};

struct isthmus_graph_s {
  isthmus::GraphBuilder builder;
  std::vector<isthmus::SymbolRange> symbols;
  std::vector<std::string> inputs, states, outputs;  // names, in the order declared
  std::vector<isthmus::ValueId> given;               // inputs, states and constants
  std::vector<isthmus::ValueId> state_values, output_values;
  isthmus::ValueId value_count = 0;

  isthmus::Status check_value(isthmus::ValueId value) const;
  // A graph of what is built so far.
  isthmus::Result<isthmus::Graph> finish() const;
};

struct isthmus_executable_s {
  isthmus::DevicePtr device;
  std::shared_ptr<isthmus::WeightStore> weights;
  std::unique_ptr<isthmus::Executable> executable;
  std::vector<std::string> outputs;  // names, by position: passes may merge the values behind them
  std::vector<isthmus::Executable::ReportRow> report;
  std::vector<int64_t> largest;  // the largest number of each symbol
  std::vector<int64_t> symbols;  // of the latest run; the largest before the first
};

struct isthmus_model_s {
  std::shared_ptr<const isthmus::Model> model;
  std::string name;
};

struct isthmus_engine_s {
  std::shared_ptr<isthmus::Engine> engine;
  std::vector<isthmus::Executable::ReportRow> report;
};
struct isthmus_sequence_s {
  std::shared_ptr<isthmus::Engine> engine;
  isthmus::SequenceId id = 0;
  isthmus::Reply reply;  // the latest
};
struct isthmus_chat_s {
  std::shared_ptr<isthmus::Engine> engine;  // outlives the session
  std::unique_ptr<isthmus::ChatSession> session;
  isthmus::Reply reply;  // the latest
};
