// SPDX-License-Identifier: Apache-2.0
// The functions every template can call: range, dict, namespace, raise_exception, strftime_now, cycler,
// joiner.
#include <algorithm>

#include "llm/jinja/format.h"
#include "llm/jinja/runtime.h"

namespace isthmus::jinja {
namespace {

// Python's sandbox for templates refuses longer ranges too.
constexpr Integer kMaxRange = 100'000;

Result<Value> range(Runtime& runtime, const Value&, Arguments& arguments) {
  if (!arguments.named.empty()) return invalid_argument("'range' takes no named arguments");
  const List& given = arguments.positional;
  if (given.empty() || given.size() > 3)
    return invalid_argument("'range' takes one to three arguments, not {}", given.size());
  for (const Value& value : given) {
    if (value.is_undefined()) return invalid_argument("{}", value.undefined_message());
    if (!value.is_integral()) return invalid_argument("'range' takes integers, not '{}'", type_name(value));
    if (value.as_integer() > Integer{1} << 100 || value.as_integer() < -(Integer{1} << 100))
      return error(Code::kOutOfRange, "an argument of 'range' is too large");
  }
  Sequence sequence;
  sequence.form = Sequence::Form::kRange;
  sequence.start = given.size() > 1 ? given[0].as_integer() : 0;
  sequence.stop = given[given.size() > 1 ? 1 : 0].as_integer();
  sequence.step = given.size() > 2 ? given[2].as_integer() : 1;
  if (sequence.step == 0) return invalid_argument("the step of 'range' cannot be zero");
  const Integer by = sequence.step > 0 ? sequence.step : -sequence.step;
  const Integer span = sequence.step > 0 ? sequence.stop - sequence.start : sequence.start - sequence.stop;
  const Integer count = span <= 0 ? 0 : (span + by - 1) / by;
  if (count > kMaxRange)
    return error(Code::kOutOfRange, "a range of {} numbers is longer than the limit of {}",
                 format_integer(count), format_integer(kMaxRange));
  RETURN_IF_ERROR(runtime.charge(static_cast<uint64_t>(count) * sizeof(Value)));
  sequence.items.reserve(static_cast<size_t>(count));
  for (Integer i = 0; i < count; i++) sequence.items.emplace_back(sequence.start + i * sequence.step);
  sequence.extent = {1, static_cast<uint64_t>(count) + 1};
  return Value(std::shared_ptr<const Sequence>(std::make_shared<Sequence>(std::move(sequence))));
}

// dict(mapping or pairs, name=value, …)
Result<Dict> build_dict(Runtime& runtime, Arguments& arguments) {
  Dict dict;
  if (arguments.positional.size() > 1) return invalid_argument("'dict' takes at most one unnamed argument");
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    if (source.is(Value::Kind::kDict)) {
      RETURN_IF_ERROR(runtime.charge(source.dict().entries.size() * 2 * sizeof(Value)));
      dict = source.dict();
    } else {
      ASSIGN_OR_RETURN(const List pairs, runtime.items_of(source));
      for (const Value& pair : pairs) {
        ASSIGN_OR_RETURN(List parts, runtime.items_of(pair));
        if (parts.size() != 2) return invalid_argument("'dict' needs pairs of a key and a value");
        if (!is_hashable(parts[0])) return invalid_argument("a '{}' cannot be a key", type_name(parts[0]));
        RETURN_IF_ERROR(runtime.step(extent_of(parts[0]).weight));
        dict.set(std::move(parts[0]), std::move(parts[1]));
      }
    }
  }
  for (auto& [name, value] : arguments.named) dict.set(Value(name), std::move(value));
  return dict;
}

Result<Value> dict(Runtime& runtime, const Value&, Arguments& arguments) {
  ASSIGN_OR_RETURN(Dict dict, build_dict(runtime, arguments));
  return make_dict(std::move(dict));
}

Result<Value> make_namespace(Runtime& runtime, const Value&, Arguments& arguments) {
  ASSIGN_OR_RETURN(Dict attributes, build_dict(runtime, arguments));
  for (const auto& entry : attributes.entries)
    if (entry.first.is_string() && entry.first.as_string().starts_with('_'))
      return invalid_argument("a namespace takes no names that start with '_'");
  RETURN_IF_ERROR(runtime.charge(sizeof(Namespace)));
  auto space = std::make_shared<Namespace>();
  space->attributes = std::move(attributes);
  runtime.keep(space);
  return Value(std::shared_ptr<Object>(std::move(space)));
}

Result<Value> raise_exception(Runtime& runtime, const Value&, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters,
                   Parameters::bind("raise_exception", arguments, {"message"}, 1));
  ASSIGN_OR_RETURN(const std::string message, to_text(runtime, parameters[0]));
  return error(Code::kFailedPrecondition, "the template refuses this conversation: {}", message);
}

Result<Value> strftime_now(Runtime& runtime, const Value&, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("strftime_now", arguments, {"format"}, 1));
  ASSIGN_OR_RETURN(const std::string format, parameters.string(0, ""));
  if (format.size() > 1000) return error(Code::kOutOfRange, "a date format of more than 1000 bytes");
  std::tm now{};
  if (runtime.limits().now) {
    now = *runtime.limits().now;
  } else {
    const std::time_t seconds = std::time(nullptr);
    localtime_r(&seconds, &now);
  }
  std::string text(32768, '\0');
  // A marker in front tells an empty date from one too long.
  text.resize(std::strftime(text.data(), text.size(), ("." + format).c_str(), &now));
  if (text.empty()) return error(Code::kOutOfRange, "the date in the format '{}' is too long", format);
  return runtime.text(text.substr(1));
}

struct Cycler : Object {
  List items;
  size_t at = 0;

  std::string_view type_name() const override { return "Cycler"; }
  Result<std::optional<Value>> attribute(Runtime& runtime, const Value& self,
                                         std::string_view name) override {
    if (name == "current") return std::optional<Value>(items[at]);
    Function::Body body = nullptr;
    if (name == "next")
      body = [](Runtime&, const Value& self, Arguments&) -> Result<Value> {
        auto& cycler = static_cast<Cycler&>(*self.object());
        return cycler.items[std::exchange(cycler.at, (cycler.at + 1) % cycler.items.size())];
      };
    if (name == "reset")
      body = [](Runtime&, const Value& self, Arguments&) -> Result<Value> {
        static_cast<Cycler&>(*self.object()).at = 0;
        return Value(None());
      };
    if (!body) return std::optional<Value>();
    ASSIGN_OR_RETURN(Value method, runtime.function(name, body, self));
    return std::optional<Value>(std::move(method));
  }
};

Result<Value> make_cycler(Runtime&, const Value&, Arguments& arguments) {
  if (arguments.positional.empty()) return invalid_argument("'cycler' needs values to go through");
  auto cycler = std::make_shared<Cycler>();
  for (const Value& item : arguments.positional) cycler->extent.add(item);
  RETURN_IF_ERROR(check(cycler->extent));
  cycler->items = std::move(arguments.positional);
  return Value(std::shared_ptr<Object>(std::move(cycler)));
}

// Gives nothing at the first call and the separator at all others.
struct Joiner : Object {
  Value separator = Value(", ");
  bool used = false;

  std::string_view type_name() const override { return "Joiner"; }
  bool callable() const override { return true; }
  Result<Value> call(Runtime&, Arguments) override {
    return std::exchange(used, true) ? separator : Value("");
  }
};

Result<Value> make_joiner(Runtime&, const Value&, Arguments& arguments) {
  ASSIGN_OR_RETURN(const Parameters parameters, Parameters::bind("joiner", arguments, {"sep"}));
  auto joiner = std::make_shared<Joiner>();
  if (parameters.has(0)) joiner->separator = parameters[0];
  joiner->extent.add(joiner->separator);
  RETURN_IF_ERROR(check(joiner->extent));
  return Value(std::shared_ptr<Object>(std::move(joiner)));
}

constexpr std::pair<std::string_view, Function::Body> kFunctions[] = {
    {"range", range},
    {"dict", dict},
    {"namespace", make_namespace},
    {"raise_exception", raise_exception},
    {"strftime_now", strftime_now},
    {"cycler", make_cycler},
    {"joiner", make_joiner},
};

}  // namespace

Value find_global(std::string_view name) {
  const auto* it = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                [&](const auto& entry) { return entry.first == name; });
  if (it == std::end(kFunctions)) return Value();
  return Value(std::shared_ptr<Object>(std::make_shared<Function>(std::string(name), it->second)));
}

}  // namespace isthmus::jinja
