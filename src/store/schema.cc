#include "store/schema.h"

#include "store/block.h"

namespace tocsin::store {
namespace {

using enum ColumnKind;
constexpr std::string_view kWordType = "LowCardinality(String)";
constexpr std::string_view kRising = " CODEC(Delta(8), ZSTD(1))";

constexpr ColumnDefinition number(std::string_view name, std::string_view type, unsigned width,
                                  std::string_view extra = {}) {
  return {name, type, kFixed, width, extra};
}
constexpr ColumnDefinition text(std::string_view name) { return {name, "String", kText}; }
constexpr ColumnDefinition word(std::string_view name) { return {name, kWordType, kWord}; }
constexpr ColumnDefinition words(std::string_view name) { return {name, "Array(LowCardinality(String))", kWordArray}; }

TableDefinition make_events() {
  return {"events",
          {number("id", "UInt64", 8, kRising),
           number("time", "DateTime('UTC')", 4),
           number("ts", "Int64", 8, kRising),
           number("time_known", "UInt8", 1),
           number("received_at", "Int64", 8, kRising),
           number("day", "Date", 2),
           word("tenant"),
           word("site"),
           word("source"),
           word("format"),
           word("product"),
           word("service"),
           number("class_uid", "UInt32", 4),
           number("activity_id", "UInt8", 1),
           number("severity_id", "UInt8", 1),
           word("status"),
           word("event_code"),
           word("host"),
           word("user"),
           word("actor_user"),
           word("process_name"),
           text("process_cmd_line"),
           number("process_pid", "UInt32", 4),
           word("parent_name"),
           text("parent_cmd_line"),
           text("file_path"),
           text("hashes"),
           text("registry_key"),
           text("src_ip"),
           text("dst_ip"),
           number("src_port", "UInt16", 2),
           number("dst_port", "UInt16", 2),
           text("domain"),
           text("url"),
           text("http_user_agent"),
           text("message"),
           words("attr.name"),
           {"attr.value", "Array(String)", kTextArray},
           text("raw")}};
}

TableDefinition make_findings() {
  return {"findings",
          {text("id"),
           number("sequence", "UInt64", 8, kRising),
           number("time", "DateTime('UTC')", 4),
           number("event_time", "Int64", 8),
           number("received_at", "Int64", 8),
           number("detected_at", "Int64", 8),
           number("day", "Date", 2),
           word("tenant"),
           word("site"),
           word("source"),
           word("rule_id"),
           word("rule_title"),
           word("level"),
           word("host"),
           word("user"),
           number("severity_id", "UInt8", 1),
           words("tactics"),
           words("techniques"),
           {"event_ids", "Array(UInt64)", kFixedArray, 8},
           text("reason"),
           text("finding")}};
}

TableDefinition make_dead_letters() {
  return {"dead_letters",
          {number("sequence", "UInt64", 8, kRising), number("offset", "UInt64", 8), number("time", "DateTime('UTC')", 4),
           number("received_at", "Int64", 8), number("day", "Date", 2), word("tenant"), word("source"), text("peer"),
           word("cause"), text("detail"), text("bytes")}};
}

// What survives a power cut, and how long the tokens of inserts are kept.
constexpr std::string_view kTableSettings =
    " SETTINGS index_granularity=8192, default_compression_codec='ZSTD(1)', fsync_after_insert=1, fsync_part_directory=1,"
    " min_rows_to_fsync_after_merge=1, old_parts_lifetime=60, non_replicated_deduplication_window=1000";

std::string create(TableId table, std::string_view indexes, std::string_view order) {
  const TableDefinition& definition = table_definition(table);
  std::string sql = "CREATE TABLE IF NOT EXISTS tocsin." + std::string(definition.name) + " (";
  for (const ColumnDefinition& column : definition.columns) {
    sql += "`" + std::string(column.name) + "` " + std::string(column.type) + std::string(column.extra) + ", ";
  }
  sql += indexes;
  sql += ") ENGINE = MergeTree PARTITION BY (tenant, toYYYYMMDD(day)) ORDER BY ";
  sql += order;
  sql += kTableSettings;
  return sql;
}

}  // namespace

const TableDefinition& table_definition(TableId table) {
  static const std::array<TableDefinition, kTableCount> kTables{make_events(), make_findings(), make_dead_letters()};
  return kTables[static_cast<std::size_t>(table)];
}

std::vector<std::string> schema_base() {
  return {"CREATE DATABASE IF NOT EXISTS tocsin",
          "CREATE TABLE IF NOT EXISTS tocsin.schema_version (version UInt32, applied_at DateTime('UTC') DEFAULT now())"
          " ENGINE = MergeTree ORDER BY version SETTINGS fsync_after_insert=1, fsync_part_directory=1"};
}

std::vector<std::string> schema_migration(unsigned version) {
  if (version != 1) return {};
  return {create(TableId::kEvents,
                 "INDEX id_range id TYPE minmax GRANULARITY 1,"
                 "INDEX time_range time TYPE minmax GRANULARITY 1,"
                 "INDEX command_grams lower(process_cmd_line) TYPE ngrambf_v1(4, 65536, 2, 0) GRANULARITY 1,"
                 "INDEX src_ip_bloom src_ip TYPE bloom_filter(0.01) GRANULARITY 1,"
                 "INDEX dst_ip_bloom dst_ip TYPE bloom_filter(0.01) GRANULARITY 1,"
                 "INDEX hash_tokens lower(hashes) TYPE tokenbf_v1(16384, 2, 0) GRANULARITY 1",
                 "(tenant, toStartOfHour(time), host, ts)"),
          create(TableId::kFindings, "INDEX sequence_range sequence TYPE minmax GRANULARITY 1",
                 "(tenant, toStartOfHour(time), rule_id, id)"),
          create(TableId::kDeadLetters, "INDEX sequence_range sequence TYPE minmax GRANULARITY 1",
                 "(tenant, source, sequence, offset)")};
}

}  // namespace tocsin::store
