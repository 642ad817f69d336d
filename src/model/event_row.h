// One event as the store keeps it: the columns that questions need, what is left over, and the raw record. Views.
//
// Made by normalise from a decoded event, copied by store; views live as long as the event's batch and the row's arena.
// The columns are those of table `events` (docs/store.md), named after OCSF 1.8 attributes.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "model/delivery.h"

namespace tocsin::model {

struct NamedValue {
  std::string_view name, value;
};

struct EventRow {
  EventId id = 0;
  core::Timestamp time;  // When it happened; received_at where the record does not say (time_known false).
  bool time_known = true;
  core::Timestamp received_at;            // When we got it.
  std::string_view tenant, site, source;  // source: its name.
  std::string_view format;                // "evtx", "json", "syslog" ...
  std::string_view product, service;      // metadata.product.name; channel, facility, program or log name.
  std::uint32_t class_uid = 0;
  std::uint8_t activity_id = 0, severity_id = 0;
  std::string_view status;                          // "Success", "Failure" or empty.
  std::string_view event_code;                      // EventID, message type, action name: the native kind of event.
  std::string_view host;                            // device.hostname
  std::string_view user, actor_user;                // user.name, actor.user.name
  std::string_view process_name, process_cmd_line;  // process.file.path (else name), process.cmd_line
  std::uint32_t process_pid = 0;
  std::string_view parent_name, parent_cmd_line;
  std::string_view file_path, hashes, registry_key;
  std::string_view src_ip, dst_ip;
  std::uint16_t src_port = 0, dst_port = 0;
  std::string_view domain;  // query.hostname, dst_endpoint.hostname
  std::string_view url, http_user_agent;
  std::string_view message;
  std::vector<NamedValue> attributes;  // Native fields that went to no column.
  std::string_view raw;
};

}  // namespace tocsin::model
