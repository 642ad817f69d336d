#include "detect/sigma/report.h"

#include <algorithm>

#include "core/text.h"
#include "core/unicode.h"

namespace tocsin::detect::sigma {
namespace {

constexpr std::size_t kMaxCandidates = 5'000;

}  // namespace

Place place_in(const YamlNode& node, std::size_t offset) {
  Place place{node.line, node.column};
  if (!node.exact_columns) return place;
  place.column = node.text_column;
  const std::size_t end = std::min(offset, node.text.size());
  for (std::size_t pos = 0; pos < end; ++place.column) core::next_code_point(node.text, pos);
  return place;
}

void Report::add(Diagnostic::Severity severity, Place place, std::string code, std::string message, std::string hint) {
  if (++count_ > kMaxPerDocument) return;
  Diagnostic& out = out_.emplace_back();
  out.severity = severity;
  out.path = path_;
  out.line = place.line;
  out.column = place.column;
  out.code = std::move(code);
  out.message = std::move(message);
  out.hint = std::move(hint);
  out.rule_id = id_;
  out.rule_title = title_;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.empty() || word.size() > core::kMaxComparedBytes) return {};
  const std::string folded = core::fold_utf8(word);
  if (folded.size() > core::kMaxComparedBytes) return {};
  std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::string_view found;
  std::size_t compared = 0;
  for (const std::string_view candidate : candidates) {
    if (++compared > kMaxCandidates) break;
    if (candidate.size() > core::kMaxComparedBytes || candidate.size() + best <= word.size() ||
        word.size() + best <= candidate.size())
      continue;
    const std::string folded_candidate = core::fold_utf8(candidate);
    if (folded_candidate.size() > core::kMaxComparedBytes) continue;
    const std::size_t edits = core::edit_distance(folded, folded_candidate);
    if (edits < best) {
      best = edits;
      found = candidate;
    }
  }
  return found.empty() ? "" : "did you mean '" + std::string(found) + "'?";
}

}  // namespace tocsin::detect::sigma
