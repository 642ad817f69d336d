#include "normalise/rows/native_json.h"

#include <algorithm>

#include "core/json_writer.h"
#include "normalise/ocsf/value.h"

namespace tocsin::normalise::rows {
namespace {

void write(const model::Field& field, core::JsonWriter& out) {
  using Type = model::ValueType;
  if (field.type == Type::kNull)
    out.null();
  else if (field.type == Type::kNumber && ocsf::is_safe_number(field.text))
    out.raw(field.text);
  else if (field.type == Type::kBool && (field.text == "true" || field.text == "false"))
    out.raw(field.text);
  else
    out.text(field.text);
}

}  // namespace

std::string_view NativeJson::make(const model::Event& event) {
  const std::span<const model::Field> all = event.fields();
  text_.clear();
  core::JsonWriter out(text_);
  out.begin_object();
  if (std::ranges::any_of(all, &model::Field::element)) {
    write_runs(event, out);
  } else {
    for (const model::Field& field : all) write(field, out.key(event.name(field)));
  }
  out.end_object();
  return text_;
}

void NativeJson::write_runs(const model::Event& event, core::JsonWriter& out) {
  const std::span<const model::Field> all = event.fields();
  order_.clear();
  for (std::uint32_t i = 0; i < all.size(); ++i) order_.emplace_back(all[i].name, i);
  std::ranges::sort(order_);
  runs_.clear();
  for (std::uint32_t i = 0; i < order_.size(); ++i) {
    if (i == 0 || order_[i].first != order_[i - 1].first) runs_.emplace_back(i, i);
    runs_.back().second = i + 1;
  }
  std::ranges::sort(runs_, {}, [&](const auto& run) { return order_[run.first].second; });
  for (const auto& [begin, end] : runs_) {
    const model::Field& first = all[order_[begin].second];
    out.key(event.name(first));
    const bool list = first.element || end - begin > 1;
    if (list) out.begin_array();
    for (std::uint32_t i = begin; i < end; ++i) write(all[order_[i].second], out);
    if (list) out.end_array();
  }
}

}  // namespace tocsin::normalise::rows
