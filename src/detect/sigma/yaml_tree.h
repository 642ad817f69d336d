// The names of core's YAML reader in this namespace.
#pragma once
#include "core/yaml.h"
namespace tocsin::detect::sigma {
using core::clip, core::describe, core::parse_yaml;
using core::YamlDocument, core::YamlFile, core::YamlIssue, core::YamlNode, core::YamlPool;
}  // namespace tocsin::detect::sigma
