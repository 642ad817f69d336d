#include "decode/json_object.h"

#include <simdjson.h>

#include <string>

#include "decode/text/fields.h"

namespace tocsin::decode {
namespace {

using model::ValueType;
namespace sj = simdjson::ondemand;

// Writes into one batch; `path` is the dotted name so far. Every function says whether the JSON was well-formed.
class Flattener {
 public:
  explicit Flattener(model::Batch& out) : out_(out) {}

  bool object(sj::object object, std::size_t depth, bool element) {
    for (auto member : object) {
      sj::field field;
      std::string_view key;
      if (std::move(member).get(field) || field.unescaped_key().get(key)) return false;
      const std::size_t length = path_.size();
      if (length > 0) path_ += '.';
      path_ += key;
      const bool ok = value(field.value(), depth + 1, element);
      path_.resize(length);
      if (!ok) return false;
    }
    return true;
  }

 private:
  bool value(sj::value value, std::size_t depth, bool element) {
    sj::json_type type;
    if (value.type().get(type)) return false;
    switch (type) {
      case sj::json_type::object: {
        sj::object inner;
        if (depth >= model::kMaxDepth) return raw(value, element);
        return !value.get_object().get(inner) && object(inner, depth, element);
      }
      case sj::json_type::array: return array(value, depth);
      case sj::json_type::string: return string(value, element);
      case sj::json_type::number: {
        double number = 0;
        const std::string_view token = text::trim(value.raw_json_token());
        if (value.get_double().get(number) && !text::is_json_number(token)) return false;
        add(ValueType::kNumber, out_.arena().copy(token), element);
        return true;
      }
      case sj::json_type::boolean: {
        bool truth = false;
        if (value.get_bool().get(truth)) return false;
        add(ValueType::kBool, truth ? "true" : "false", element);
        return true;
      }
      case sj::json_type::null:
        if (bool null = false; value.is_null().get(null) || !null) return false;
        add(ValueType::kNull, {}, element);
        return true;
    }
    return false;
  }

  bool array(sj::value& value, std::size_t depth) {
    if (depth >= model::kMaxDepth) return raw(value, true);
    sj::array array;
    if (value.get_array().get(array)) return false;
    for (auto item : array) {
      sj::value inner;
      if (std::move(item).get(inner) || !this->value(inner, depth + 1, true)) return false;
    }
    return true;
  }

  bool string(sj::value& value, bool element) {
    const std::string_view token = text::trim(value.raw_json_token());
    std::string_view text;
    if (value.get_string().get(text)) {
      // An escape that is no character (a lone surrogate): the text as it is written, without its quotes.
      if (token.size() < 2) return false;
      text = token.substr(1, token.size() - 2);
    }
    add(ValueType::kText, out_.arena().copy(text), element);
    return true;
  }

  bool raw(sj::value& value, bool element) {
    std::string_view json;
    if (sj::json_type type; !value.type().get(type) && type == sj::json_type::object) {
      sj::object inner;
      if (value.get_object().get(inner) || inner.raw_json().get(json)) return false;
    } else {
      sj::array inner;
      if (value.get_array().get(inner) || inner.raw_json().get(json)) return false;
    }
    add(ValueType::kText, out_.arena().copy(json), element);
    return true;
  }

  void add(ValueType type, std::string_view text, bool element) {
    out_.add(out_.intern(std::string_view(path_).substr(0, model::kMaxNameBytes)), type, text, element);
  }

  model::Batch& out_;
  std::string path_;
};

}  // namespace

bool decode_json_object(std::string_view json, model::Batch& out) {
  const std::size_t before = out.open_fields().size();
  const simdjson::padded_string padded(json);
  sj::parser parser;
  sj::document document;
  sj::object object;
  const bool ok =
      !parser.iterate(padded).get(document) && !document.get_object().get(object) && Flattener(out).object(object, 0, false);
  const char* behind = nullptr;  // Nothing may follow: at the end there is no location any more.
  if (!ok || document.current_location().get(behind) == simdjson::SUCCESS) {
    out.truncate_open(before);
    return false;
  }
  text::group_lists(out, before);
  return true;
}

}  // namespace tocsin::decode
