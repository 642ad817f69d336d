// Collects the entities of one finding: canonical keys, each thing once, bounded. Private to triage; one thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "triage/finding.h"

namespace tocsin::triage {

inline constexpr std::size_t kMaxEntities = 128;
inline constexpr std::size_t kMaxRelations = 128;
inline constexpr std::size_t kMaxKeyBytes = 1'024;  // Longer names are no names; such an entity is left out.
inline constexpr std::size_t kMaxLabelBytes = 256;

class EntityList {
 public:
  using Index = std::optional<std::uint32_t>;
  explicit EntityList(Finding& out) : out_(out) {}

  // Each answers the index of the entity, also of one that was there; nothing where the text names none.
  Index host(std::string_view name, model::EntityRole role);
  Index address(std::string_view text, model::EntityRole role);
  Index host_or_address(std::string_view text, model::EntityRole role);
  // A name with a dot that is not below the device's own domain; a bare name is a host.
  Index name(std::string_view name, model::EntityRole role);
  struct User {
    std::string_view name, domain, uid, email;
  };
  Index user(const User& user, model::EntityRole role);
  struct Process {
    std::string_view uid, name, path;
    std::optional<std::int64_t> pid, created_ms;
  };
  Index process(const Process& process, model::EntityRole role);
  Index session(std::string_view uid);
  Index hash(std::string_view algorithm, std::string_view value, model::EntityRole role);
  Index file(std::string_view path, model::EntityRole role);
  Index of_host(model::EntityKind kind, std::string_view name, model::EntityRole role);  // "host|name"
  Index plain(model::EntityKind kind, std::string_view key, std::string_view label, model::EntityRole role);
  void relate(Finding::Relation::Kind kind, Index from, Index to);

  // The host that users, processes, files and sessions belong to.
  void set_device(std::string_view name);
  [[nodiscard]] const std::string& device() const { return device_; }

 private:
  Index add(model::EntityKind kind, model::EntityRole role, std::string key, std::string_view label);
  Finding& out_;
  std::string device_, device_domain_;
};

}  // namespace tocsin::triage
