// SPDX-License-Identifier: Apache-2.0
// What plugin.h says is an error is one, at once and in words; what it allows, such as nothing to copy,
// works.
#include <cstring>
#include <thread>

#include "conform/check.h"
#include "conform/hold.h"

namespace isthmus::conform {
namespace {

template <typename... Args>
Status broken(fmt::format_string<Args...> format, Args&&... args) {
  return error(Code::kInternal, format, std::forward<Args>(args)...);
}

// A failure with that code and a sentence that was reported.
Status refused(const Device& device, isthmus_status_t code, isthmus_status_t wanted, const char* what) {
  const Status status = device.plugin().status(code, what);
  if (status.ok()) return broken("{} is no error", what);
  if (status.message().find("the plug-in gave no reason") != std::string::npos)
    return broken("{} fails without a sentence through report_error", what);
  if (wanted != ISTHMUS_OK && code != wanted)
    return broken("{} gives another error than '{}': {}", what, code_name(static_cast<Code>(wanted)),
                  status.to_string());
  return ok();
}

Status no_bytes_are_no_work(const DevicePtr& device) {
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  ASSIGN_OR_RETURN(const Buffer buffer, device->allocate(64));
  char host = 0;
  RETURN_IF_ERROR(stream->fill(buffer.address(), 1, 64));
  RETURN_IF_ERROR(stream->fill(buffer.address() + 64, 2, 0));
  RETURN_IF_ERROR(stream->upload(buffer.address(), &host, 0));
  RETURN_IF_ERROR(stream->copy(buffer.address(), buffer.address() + 1, 0));
  RETURN_IF_ERROR(stream->download(&host, buffer.address() + 63, 1));
  RETURN_IF_ERROR(stream->wait());
  RETURN_IF_ERROR(stream->wait(), "waiting twice");
  return host == 1 ? ok() : broken("a copy or fill of no bytes changed memory");
}

Status devices_that_are_not_there(const DevicePtr& device) {
  const isthmus_plugin_t& api = device->api();
  for (const int32_t index : {-1, api.device_count()}) {
    isthmus_chip_device_t* opened = nullptr;
    const isthmus_status_t code = api.device_open(&device->plugin().host(), index, &opened);
    if (code == ISTHMUS_OK && opened) api.device_close(opened);
    RETURN_IF_ERROR(refused(*device, code, ISTHMUS_OK, "opening a device that is not there"));
  }
  return ok();
}

// `relu` of 16 F32, with one thing wrong about it.
struct Query {
  isthmus_operand_t operands[2] = {};
  isthmus_attribute_t attribute = {};
  isthmus_op_query_t c = {};
  Query() {
    for (isthmus_operand_t& o : operands) {
      o.size = sizeof o;
      o.dtype = ISTHMUS_F32;
      o.rank = 1;
      o.dims[0] = o.dims_min[0] = 16;
      o.strides[0] = 1;
      o.contiguous = 1;
    }
    attribute.size = sizeof attribute;
    attribute.name = "conform_no_such_attribute";
    attribute.i = 1;
    c.size = sizeof c;
    name("relu");
    c.version = 1;
    c.attributes = &attribute;
    c.operands = operands;
    c.input_count = c.output_count = 1;
  }
  void name(const char* text) { c.name = text; }
};

isthmus_status_t prepare(const Device& device, const Query& query) {
  isthmus_prepared_t prepared{};
  prepared.size = sizeof prepared;
  const isthmus_status_t code = device.api().op_prepare(device.handle(), &query.c, &prepared);
  if (code == ISTHMUS_OK) device.api().op_release(prepared.op);
  return code;
}

Status unknown_operators_are_refused(const DevicePtr& device) {
  if (!device->api().op_prepare) return unimplemented("the chip has no operators of its own");
  const auto refuses = [&](const Query& query, const char* what) {
    return refused(*device, prepare(*device, query), ISTHMUS_UNIMPLEMENTED, what);
  };
  Query name;
  name.name("conform_no_such_operator");
  RETURN_IF_ERROR(refuses(name, "preparing an operator that does not exist"));
  Query version;
  version.c.version = 1000000;
  RETURN_IF_ERROR(refuses(version, "preparing an operator of a version to come"));
  Query attribute;
  attribute.c.attribute_count = 1;
  RETURN_IF_ERROR(refuses(attribute, "preparing an operator with an unknown attribute set"));
  Query dtype;
  dtype.operands[0].dtype = static_cast<isthmus_dtype_t>(9999);
  return refuses(dtype, "preparing an operator with a dtype to come");
}

Status an_unknown_default_may_be_ignored(const DevicePtr& device) {
  if (!device->api().op_prepare) return unimplemented("the chip has no operators of its own");
  const Query plain;
  if (prepare(*device, plain) != ISTHMUS_OK) {
    (void)device->plugin().status(ISTHMUS_UNIMPLEMENTED, "preparing");  // takes the message
    return unimplemented("the chip does not take relu of F32");
  }
  Query query;
  query.attribute.is_default = 1;
  query.c.attribute_count = 1;
  return device->plugin().status(prepare(*device, query),
                                 "preparing an operator with an unknown attribute at its default");
}

Status sources_that_do_not_build(const DevicePtr& device) {
  if (!device->api().kernel_build || !device->properties().kernel_languages)
    return unimplemented("the chip builds no kernels");
  const auto build = [&](const char* language, const char* source) {
    isthmus_chip_kernel_t* kernel = nullptr;
    const isthmus_status_t code =
        device->api().kernel_build(device->handle(), language, source, nullptr, "f", &kernel);
    if (code == ISTHMUS_OK && kernel) device->api().kernel_release(kernel);
    return code;
  };
  RETURN_IF_ERROR(refused(*device, build("a language to come", "f"), ISTHMUS_OK,
                          "building source of an unknown language"));
  return refused(*device, build(device->properties().kernel_languages[0], "this is no source"), ISTHMUS_OK,
                 "building source that is none");
}

Status captures_pair(const DevicePtr& device) {
  const isthmus_plugin_t& api = device->api();
  ASSIGN_OR_RETURN(const auto stream, device->create_stream());
  isthmus_chip_capture_t* none = nullptr;
  const isthmus_status_t ended = api.capture_end(stream->handle(), &none);
  if (ended == ISTHMUS_OK && none) api.capture_destroy(none);
  RETURN_IF_ERROR(refused(*device, ended, ISTHMUS_OK, "ending a capture that was not begun"));
  RETURN_IF_ERROR(Capture::begin(*stream));
  const isthmus_status_t twice = api.capture_begin(stream->handle());
  const auto capture = Capture::end(*stream);
  RETURN_IF_ERROR(refused(*device, twice, ISTHMUS_OK, "beginning a capture twice"));
  return capture.ok() ? stream->wait() : capture.status();
}

Status times_not_taken(const DevicePtr& device) {
  ASSIGN_OR_RETURN(const auto a, device->create_event());
  ASSIGN_OR_RETURN(const auto b, device->create_event());
  const Result<double> seconds = a->since(*b);
  if (seconds.ok()) return broken("the time between two events never recorded is no error");
  if (seconds.status().message().find("gave no reason") != std::string::npos)
    return broken("the time between two events never recorded fails without a sentence");
  return ok();
}

Status destroying_a_stream_waits(const DevicePtr& device) {
  ASSIGN_OR_RETURN(auto stream, device->create_stream());
  ASSIGN_OR_RETURN(Hold hold, Hold::put(*stream, 10));
  std::thread releaser([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    hold.release();
  });
  stream.reset();
  const bool ended = hold.ended();
  releaser.join();
  return ended ? ok() : broken("stream_destroy came back while the stream's work still ran");
}

// Work that must fail: bytes of an address that nobody allocated. A device whose addresses are not the
// host's says so, at once or when somebody waits for that stream, and not to others.
Status errors_come_at_their_stream(const DevicePtr& device) {
  ASSIGN_OR_RETURN(const auto wrong, device->create_stream());
  ASSIGN_OR_RETURN(const auto right, device->create_stream());
  ASSIGN_OR_RETURN(const Buffer buffer, device->allocate(64));
  RETURN_IF_ERROR(wrong->fill(buffer.address(), 1, 64));
  RETURN_IF_ERROR(wrong->wait());
  RETURN_IF_ERROR(right->wait());
  const Status at_once = wrong->fill(12345, 1, 64);
  const Status waited = wrong->wait();
  const Status error = at_once.ok() ? waited : at_once;
  if (error.code() == Code::kDeviceLost) return ok();  // then everything after it fails, too
  const Status elsewhere = right->wait(), again = wrong->wait();
  if (error.ok()) {
    if (!again.ok())
      return broken("the error of a stream comes late: not at the first wait after it, but at the next: {}",
                    again.message());
    if (!elsewhere.ok())
      return broken("the error of a stream comes at another stream: {}", elsewhere.message());
    return broken(
        "writing to address 12345, which nobody allocated, is no error, neither at once nor at the "
        "wait");
  }
  if (error.message().find("gave no reason") != std::string::npos)
    return broken("the error of a stream comes without a sentence through report_error");
  if (!elsewhere.ok()) return broken("another stream fails, too: {}", elsewhere.message());
  if (!again.ok() && again.code() != Code::kDeviceLost)
    return broken("an error that was told comes again at the next wait: {}", again.message());
  RETURN_IF_ERROR(right->fill(buffer.address(), 2, 64));
  return right->wait();
}

struct Rule {
  const char* name;
  Status (*run)(const DevicePtr& device);
  uint32_t feature;             // without it: never
  const char* crash = nullptr;  // what it means when the process ends
};

constexpr Rule kRules[] = {
    {"no bytes are no work", no_bytes_are_no_work, 0},
    {"devices that are not there", devices_that_are_not_there, 0},
    {"what is unknown is refused when prepared", unknown_operators_are_refused, 0},
    {"unknown attributes at their default", an_unknown_default_may_be_ignored, 0},
    {"sources that do not build", sources_that_do_not_build, 0},
    {"captures have a begin and an end", captures_pair, ISTHMUS_FEATURE_CAPTURE},
    {"times of events never recorded", times_not_taken, ISTHMUS_FEATURE_EVENT_TIMING},
    {"destroying a stream waits for it", destroying_a_stream_waits, 0},
    {"errors come at their stream", errors_come_at_their_stream, 0,
     "the chip does not check addresses: one that nobody allocated ends the process"},
};

}  // namespace

std::vector<Check> misuse_checks() {
  std::vector<Check> checks;
  for (const Rule& rule : kRules) {
    const auto run = [&rule](const DevicePtr& device) {
      if ((device->properties().features & rule.feature) != rule.feature)
        return never("the chip does not report this feature");
      if (rule.crash && device->has(ISTHMUS_FEATURE_HOST_ACCESS))
        return never("addresses are host pointers: a wrong one is the end of the process");
      const Status status = rule.run(device);
      return status.code() == Code::kUnimplemented ? never(status.message()) : outcome_of(status);
    };
    checks.push_back({"misuse", rule.name, run, rule.crash ? rule.crash : ""});
  }
  return checks;
}

}  // namespace isthmus::conform
