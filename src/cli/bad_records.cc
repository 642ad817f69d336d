#include "cli/bad_records.h"

#include "core/json_writer.h"

namespace tocsin::cli {

BadRecordWriter::BadRecordWriter(const std::string& path) : path_(path) {
  if (!path_.empty()) out_.open(path_, std::ios::binary | std::ios::trunc);
}

bool BadRecordWriter::finish() {
  if (!path_.empty()) out_.flush();
  return good();
}

void BadRecordWriter::write(const model::BadRecord& bad, const StreamInfo& stream) {
  if (path_.empty()) return;
  std::string line;
  core::JsonWriter json(line);
  json.begin_object().member("file", stream.name).member("cause", bad.cause).member("detail", bad.detail);
  if (bad.record != 0) json.key("record").number(bad.record);
  json.key("offset").number(bad.offset).member("sample", bad.sample).end_object();
  out_ << line << '\n';
}

}  // namespace tocsin::cli
