// SPDX-License-Identifier: Apache-2.0
// isthmus conform CHIP: whether a chip keeps the rules of plugin.h and gives the bits of every operator.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <memory>

#include "base/read_file.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/model_options.h"
#include "cli/output_file.h"
#include "cli/print.h"
#include "cli/validators.h"
#include "conform/certificate.h"
#include "conform/expectations.h"
#include "conform/page.h"

namespace isthmus::cli {
namespace {

using namespace conform;

constexpr uint64_t kMostCertificateBytes = 64 << 20;

struct ConformOptions {
  std::string chip, certificate, verify, group, expected, page;
  bool quick = false, verbose = false;
  double limit = 300, soak = -1;
  int64_t child = -1;
};

std::vector<Check> chosen_checks(const ConformOptions& options) {
  std::vector<Check> checks = all_checks(options.quick, options.soak);
  if (!options.group.empty())
    std::erase_if(checks,
                  [&](const Check& c) { return c.group != options.group && c.name != options.group; });
  return checks;
}

std::string this_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

void print_result(const CheckResult& result, bool verbose, bool color) {
  const bool bad = result.verdict == Verdict::kFailed || result.verdict == Verdict::kUnexpected;
  if (!verbose && !bad && result.measures.empty()) return;
  const std::string line = fmt::format("  {:<8} {:<10} {:<40} {}", verdict_name(result.verdict), result.group,
                                       result.name, escaped(result.detail));
  fmt::print("{}\n", styled(line, bad ? Style::kRed : Style::kPlain, color));
  for (const Measure& m : result.measures)
    fmt::print("    {:<40} {:>9.1f} {:<8} {:>4.0f} %\n", m.name, m.value, m.unit, m.share * 100);
}

// The names of the checks with a verdict, on one line.
void print_rest(const std::vector<CheckResult>& results, Verdict verdict, const char* title) {
  std::string names;
  for (const CheckResult& r : results)
    if (r.verdict == verdict) names += (names.empty() ? "" : ", ") + r.name;
  if (!names.empty()) fmt::print("{}: {}\n", title, names);
}

Status verify(const ConformOptions& options, const Device& device) {
  ASSIGN_OR_RETURN(const std::string text, read_file(options.verify, kMostCertificateBytes));
  // What is nested deeper than any certificate is left out, and the hash does not fit.
  const auto shallow = [](int depth, auto, auto&) { return depth < 16; };
  const auto json = Json::parse(text, shallow, /*allow_exceptions=*/false);
  if (!json.is_object()) return data_loss("{}: not a certificate of isthmus conform", options.verify);
  RETURN_IF_ERROR(verify_certificate(json, this_program(), device.plugin().path()), "{}", options.verify);
  fmt::print("{}: whole, and of this plug-in and this kit: {} passed, {} failed\n", options.verify,
             json.value("passed", 0), json.value("failed", 0));
  return ok();
}

Status conform_chip(const ConformOptions& options, const Context& context) {
  if (options.child >= 0) prctl(PR_SET_PDEATHSIG, SIGKILL);  // a hang must not outlive who waits for it
  ASSIGN_OR_RETURN(const auto platform, discover_chips(0));
  ASSIGN_OR_RETURN(const DevicePtr device, platform->open(options.chip));
  if (!options.verify.empty()) return verify(options, *device);
  const std::vector<Check> checks = chosen_checks(options);
  if (checks.empty()) return invalid_argument("--only {}: no group or check of that name", options.group);
  if (options.child >= 0) {
    run_checks(device, checks, static_cast<size_t>(options.child), stdout);
    return ok();
  }
  Expectations expected;
  if (!options.expected.empty()) {
    ASSIGN_OR_RETURN(expected, Expectations::read(options.expected, all_checks(options.quick, options.soak)));
  }
  for (const std::string& path : {options.certificate, options.page})
    if (!path.empty()) RETURN_IF_ERROR(check_writable(path));
  std::vector<std::string> command = {this_program(), "conform", options.chip};
  if (options.quick) command.push_back("--quick");
  command.insert(command.end(), {"--soak", std::to_string(options.soak)});
  if (!options.group.empty()) command.insert(command.end(), {"--only", options.group});
  command.push_back("--child");

  const bool progress = isatty(STDERR_FILENO) && !context.json, color = use_color(context.color, stdout);
  if (!context.json)
    fmt::print("{} ({}), {}\n", device->id(), printable(device->properties().name),
               counted(checks.size(), "check"));
  size_t done = 0;
  ASSIGN_OR_RETURN(const auto results,
                   run_in_children(command, checks, options.limit, [&](CheckResult& result) {
                     ++done;
                     expected.apply(result);
                     if (progress) fmt::print(stderr, "\r\033[K");
                     if (!context.json) print_result(result, options.verbose, color);
                     if (progress && done < checks.size())
                       fmt::print(stderr, "\r\033[K{} of {}: {}", done, checks.size(), checks[done].name);
                   }));
  ASSIGN_OR_RETURN(const Json certificate, make_certificate(*device, this_program(), options.quick, results));
  if (!options.certificate.empty())
    RETURN_IF_ERROR(
        write_output(options.certificate,
                     certificate.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
  if (!options.page.empty()) RETURN_IF_ERROR(write_output(options.page, html_page(certificate)));
  const Counts counts = count(results);
  if (context.json) {
    print_json(certificate);
  } else {
    print_rest(results, Verdict::kNever, "never, for features the chip does not have");
    print_rest(results, Verdict::kNotYet, "not yet");
    fmt::print("{} passed, {} failed, {} never, {} not yet", counts.passed, counts.failed, counts.never,
               counts.not_yet);
    if (counts.unexpected) fmt::print(", {} unexpectedly passed", counts.unexpected);
    fmt::print("\n");
  }
  if (counts.failed > 0)
    return error(Code::kFailedPrecondition, "{} does not conform: {} of {} failed", options.chip,
                 counts.failed, counted(checks.size(), "check"));
  return ok();
}

}  // namespace

void add_conform(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "conform",
      "Prove that a chip keeps the rules and gives the right bits\n"
      "isthmus conform cpu\n"
      "isthmus conform ./isthmus_mychip.so --quick --page mychip.html\n"
      "isthmus conform opencl --certificate opencl.json, then --verify opencl.json\n"
      "isthmus conform mychip --only matmul -v, while you work on one operator\n"
      "Groups of checks, for --only:\n"
      "  runtime    memory, streams, events, threads, captures: the rules of isthmus/plugin.h\n"
      "  misuse     what plugin.h calls an error is one, at once and in words\n"
      "  operators  each against its reference, bit by bit: odd shapes, strides, NaN, infinities, "
      "subnormals, quantised\n"
      "             formats; also prepared for larger shapes, replayed, at odd addresses, over stale "
      "contents, many\n"
      "             times, and behind work that is held up\n"
      "  model      a tiny model from prompt to tokens, against the digest that every chip gives\n"
      "  soak       random work on many threads; memory, threads and files come back\n"
      "  speed      shares of what the chip itself reaches; told, never failed\n"
      "The chip runs in a process of its own: a crash or a hang is a failed check. \"never\": it lacks the "
      "feature; "
      "\"not yet\": it\n"
      "has no such operator, which then runs on the host; \"unexpected pass\": better than it says of itself "
      "or than "
      "--expect says.\n"
      "Exit code 1 when a check failed.");
  command->group(kMeasureGroup);
  auto options = std::make_shared<ConformOptions>();
  command->add_option("CHIP", options->chip, "As listed by isthmus devices, or a plug-in's path")->required();
  command->add_flag("--quick", options->quick, "A few samples of each operator, under a minute");
  command->add_flag("-v,--verbose", options->verbose, "Show every check, not only those that fail");
  command->add_option("--only", options->group, "One group or one check")->type_name("NAME");
  command->add_option("--limit", options->limit, "Seconds a check may take before it counts as a hang")
      ->check(number_between(0.1, 86400))
      ->type_name("SECONDS")
      ->capture_default_str();
  command->add_option("--soak", options->soak, "Seconds of random work; 0 for none (10; with --quick 2)")
      ->check(number_between(0, 1e6))
      ->type_name("SECONDS");
  command
      ->add_option("--expect", options->expected,
                   "A list of checks that cannot pass, with reasons: "
                   "{\"never\": {\"CHECK\": \"why\"}, \"not_yet\": {…}}")
      ->check(not_empty())
      ->type_name("FILE");
  command->add_option("--page", options->page, "Write the results as a page of HTML")
      ->check(not_empty())
      ->type_name("FILE");
  command
      ->add_option("--certificate", options->certificate, "Write the results with hashes of plug-in and kit")
      ->check(not_empty())
      ->type_name("FILE");
  command->add_option("--verify", options->verify, "Check a certificate again instead")
      ->check(not_empty())
      ->type_name("FILE");
  command->add_option("--child", options->child, "")->group("");  // for its own child processes
  command->callback([options, &context] {
    if (options->soak < 0) options->soak = options->quick ? 2 : 10;
    context.action = [options, &context] { return conform_chip(*options, context); };
  });
}

}  // namespace isthmus::cli
