#include "api/parts/finding_document.h"

#include <simdjson.h>

namespace tocsin::api {

void write_explanation(std::string_view document, core::JsonWriter& json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root, why;
  if (parser.parse(document.data(), document.size()).get(root) != simdjson::SUCCESS) {
    json.key("why").null();
    return;
  }
  json.key("why");
  if (root["unmapped"]["tocsin"]["matches"].get(why) == simdjson::SUCCESS ||
      root["unmapped"]["tocsin"]["correlation"].get(why) == simdjson::SUCCESS) {
    json.raw(std::string(simdjson::minify(why)));
  } else {
    json.null();
  }
  json.key("ocsf").raw(document);
}

}  // namespace tocsin::api
