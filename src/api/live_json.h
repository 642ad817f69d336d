// What the program tells consoles as it happens, in the shapes of docs/api.md: for Platform::subscribe. Pure.
#pragma once
#include <string>
#include <vector>

#include "api/platform.h"

namespace tocsin::api {

std::string finding_json(const store::FindingRow& finding);  // As in a list of findings.
std::string source_json(const SourceStatus& source);
std::string health_json(const std::vector<PartHealth>& parts, const std::vector<Loss>& losses);

}  // namespace tocsin::api
