// Stands in for the parts of the decode library whose code is not in this library yet; weak, so theirs wins.
#include "decode/windows_names.h"
#include "decode/windows_xml.h"

namespace tocsin::decode {

__attribute__((weak)) std::string canonical_name(std::string_view path) { return std::string(path); }
__attribute__((weak)) bool decode_event_xml(std::string_view, model::Batch&, core::Timestamp&) { return false; }

}  // namespace tocsin::decode
