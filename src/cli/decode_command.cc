#include "cli/decode_command.h"

#include <algorithm>
#include <fstream>
#include <ostream>
#include <unordered_map>

#include "cli/bad_records.h"
#include "core/json_writer.h"

namespace tocsin::cli {
namespace {

struct DecodeResult : BlockResult {
  std::string lines;
  // With --source: where in `lines` a record number is to be put, as it is known only in order.
  std::vector<std::pair<std::size_t, std::uint64_t>> record_places;
};

class DecodeWorker : public BlockWorker {
 public:
  explicit DecodeWorker(const DecodeCommandOptions& options) : options_(options) {}
  model::NameTable& names() override { return names_; }

  std::unique_ptr<BlockResult> work(const model::Batch& batch, const StreamInfo& stream, std::size_t& next) override {
    auto result = std::make_unique<DecodeResult>();
    for (; next < batch.size() && result->lines.size() < kPartBytes; ++next) {
      const model::Event event = batch.event(next);
      const core::Timestamp time = event.slot->time;
      if (time.known() && ((options_.from.known() && time < options_.from) || (options_.to.known() && options_.to < time)))
        continue;
      write(event, stream, *result);
    }
    result->kept_bytes = result->lines.capacity() + result->record_places.size() * sizeof result->record_places[0];
    return result;
  }

 private:
  void write(const model::Event& event, const StreamInfo& stream, DecodeResult& result) {
    core::JsonWriter json(result.lines);
    json.begin_object();
    if (options_.add_time) {
      json.key("_time");
      if (event.slot->time.known())
        json.text(core::format_iso_time(event.slot->time));
      else
        json.null();
    }
    if (options_.add_source) {
      json.member("_file", stream.name).key("_record").raw("");
      result.record_places.emplace_back(json.size(), event.slot->record);
      json.member("_format", model::to_string(event.slot->format));
    }
    group(event);
    if (options_.fields.empty()) {
      for (const Named& named : named_) write_member(named, json);
    } else {
      for (const std::string& wanted : options_.fields) {
        for (Named& named : named_) {
          const bool taken =
              !named.fields.empty() &&
              (wanted.ends_with('*') ? named.name.starts_with(std::string_view(wanted).substr(0, wanted.size() - 1))
                                     : named.name == wanted);
          if (!taken) continue;
          write_member(named, json);
          named.fields.clear();  // A name that two of the wanted ones take is written once.
        }
      }
    }
    json.end_object();
    result.lines += '\n';
  }

  struct Named {
    std::string_view name;
    std::vector<const model::Field*> fields;
  };

  // Names that --time and --source take for themselves.
  [[nodiscard]] bool is_added(std::string_view name) const {
    if (!name.starts_with('_')) return false;
    return (options_.add_time && name == "_time") ||
           (options_.add_source && (name == "_file" || name == "_record" || name == "_format"));
  }

  // Values of one name together, in the order in which names first appear: JSON has no repeated members.
  void group(const model::Event& event) {
    named_.clear();
    places_.clear();
    for (const model::Field& field : event.fields()) {
      if (is_added(event.name(field))) continue;
      const auto [place, fresh] = places_.try_emplace(static_cast<std::uint32_t>(field.name), named_.size());
      if (fresh) named_.push_back({event.name(field), {}});
      named_[place->second].fields.push_back(&field);
    }
  }

  static void write_value(const model::Field& field, core::JsonWriter& json) {
    switch (field.type) {
      case model::ValueType::kNull: json.null(); break;
      case model::ValueType::kText: json.text(field.text); break;
      case model::ValueType::kNumber:
      case model::ValueType::kBool: json.raw(field.text); break;
    }
  }

  static void write_member(const Named& named, core::JsonWriter& json) {
    json.key(named.name);
    const bool list = named.fields.size() > 1 || named.fields[0]->element;
    if (list) json.begin_array();
    for (const model::Field* field : named.fields) write_value(*field, json);
    if (list) json.end_array();
  }

  const DecodeCommandOptions& options_;
  model::NameTable names_;
  std::vector<Named> named_;
  std::unordered_map<std::uint32_t, std::size_t> places_;
};

void write_lines(const DecodeResult& result, std::ostream& out) {
  std::size_t at = 0;
  for (const auto& [place, record] : result.record_places) {
    out.write(result.lines.data() + at, static_cast<std::streamsize>(place - at));
    out << result.first_record + record;
    at = place;
  }
  out.write(result.lines.data() + at, static_cast<std::streamsize>(result.lines.size() - at));
}

}  // namespace

core::Result<PipelineStats> run_decode(const DecodeCommandOptions& options, std::ostream& out,
                                       const Pipeline::Report& report) {
  PipelineOptions pipeline_options = options.pipeline;
  pipeline_options.paths = options.paths;
  BadRecordWriter errors(options.errors_path);
  if (!errors.good()) return core::Error{core::ErrorCode::kIo, "cannot write " + options.errors_path};
  Pipeline pipeline(pipeline_options);
  PipelineStats stats = pipeline.run([&] { return std::make_unique<DecodeWorker>(options); },
                                     [&](BlockResult& base) {
                                       write_lines(static_cast<DecodeResult&>(base), out);
                                       for (const model::BadRecord& bad : base.bad) errors.write(bad, *base.stream);
                                     },
                                     report);
  if (!errors.finish()) {
    return core::Error{core::ErrorCode::kIo, options.errors_path + " could not be written to its end (disk full?)"};
  }
  return stats;
}

}  // namespace tocsin::cli
