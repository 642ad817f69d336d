#include "detect/sigma/report.h"

#include <algorithm>
#include <array>

#include "core/unicode.h"

namespace tocsin::detect::sigma {
namespace {

constexpr std::size_t kMaxCompared = 40;  // Bytes of a word that are compared; longer ones get no suggestion.
constexpr std::size_t kMaxCandidates = 5'000;

// Edits (insert, remove, replace, swap neighbours) from one word to the other; both at most kMaxCompared bytes.
std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::array<std::size_t, kMaxCompared + 1>, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& up = rows[(i + 2) % 3];
    const auto& up2 = rows[(i + 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({up[j] + 1, row[j - 1] + 1, up[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], up2[j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

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
  if (word.empty() || word.size() > kMaxCompared) return {};
  const std::string folded = core::fold_utf8(word);
  if (folded.size() > kMaxCompared) return {};
  std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::string_view found;
  std::size_t compared = 0;
  for (const std::string_view candidate : candidates) {
    if (++compared > kMaxCandidates) break;
    if (candidate.size() > kMaxCompared || candidate.size() + best <= word.size() || word.size() + best <= candidate.size())
      continue;
    const std::string folded_candidate = core::fold_utf8(candidate);
    if (folded_candidate.size() > kMaxCompared) continue;
    const std::size_t edits = distance(folded, folded_candidate);
    if (edits < best) {
      best = edits;
      found = candidate;
    }
  }
  return found.empty() ? "" : "did you mean '" + std::string(found) + "'?";
}

}  // namespace tocsin::detect::sigma
