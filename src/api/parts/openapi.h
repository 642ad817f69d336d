// The OpenAPI 3.1 text of a table of routes. Pure.
//
// Shapes are written short: "{name:text count?:int tags:[text] mode:on|off hits:{*:int} user:User}". Words: text int number
// bool time any; with a capital: one of named_shapes(). '?': may be absent.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/parts/call.h"

namespace tocsin::api {

// Name and shape of what many answers hold.
const std::vector<std::pair<const char*, const char*>>& named_shapes();
// kInvalid: the shape is malformed or names what is not there.
core::Result<std::string> schema_of_shape(std::string_view shape);
core::Result<std::string> openapi_text(const Routes& routes, const std::vector<http::Route>& others,
                                       std::string_view version);

}  // namespace tocsin::api
