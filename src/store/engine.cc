#include "store/engine.h"

#include <dlfcn.h>

#include <utility>

namespace tocsin::store {
namespace {

template <class Function>
bool find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(::dlsym(library, name));
  return *function != nullptr;
}

std::string xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

}  // namespace

core::Result<Engine> Engine::load(const std::string& library, std::vector<std::string> arguments) {
  void* const handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    return core::Error{core::ErrorCode::kNotFound,
                       std::string("the engine's library cannot be loaded: ") + (why ? why : library)};
  }
  Engine engine;
  engine.arguments_ = std::move(arguments);
  void (*set_handlers)(int) = nullptr;
  const bool found =
      find(handle, "chdb_set_signal_handlers_enabled", &set_handlers) && find(handle, "chdb_connect", &engine.connect_) &&
      find(handle, "chdb_close_conn", &engine.close_) && find(handle, "chdb_query_n", &engine.query_) &&
      find(handle, "chdb_destroy_query_result", &engine.destroy_) && find(handle, "chdb_result_buffer", &engine.buffer_) &&
      find(handle, "chdb_result_length", &engine.length_) && find(handle, "chdb_result_error", &engine.error_) &&
      find(handle, "chdb_result_elapsed", &engine.elapsed_) && find(handle, "chdb_result_rows_read", &engine.rows_) &&
      find(handle, "chdb_result_storage_rows_read", &engine.rows_read_) &&
      find(handle, "chdb_result_storage_bytes_read", &engine.bytes_read_);
  if (!found)
    return core::Error{core::ErrorCode::kUnsupported, library + " is not the engine this version knows (libchdb 26.5)"};
  set_handlers(0);
  return engine;
}

core::Result<Connection> Engine::connect() const {
  std::vector<std::string> copies = arguments_;
  std::vector<char*> pointers;
  for (std::string& argument : copies) pointers.push_back(argument.data());
  const auto count = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  void** const handle = connect_(count, pointers.data());
  if (handle == nullptr || *handle == nullptr) {
    return core::Error{core::ErrorCode::kIo,
                       "the engine cannot open its folder; another process may hold it (see store.log)"};
  }
  return Connection(*this, handle);
}

Connection::Connection(Connection&& other) noexcept
    : engine_(other.engine_), handle_(std::exchange(other.handle_, nullptr)) {}
Connection::~Connection() {
  if (handle_ != nullptr) engine_->close_(handle_);
}

core::Result<EngineAnswer> Connection::run(std::string_view sql, std::string_view format) {
  void* const result = engine_->query_(*handle_, sql.data(), sql.size(), format.data(), format.size());
  if (result == nullptr) return core::Error{core::ErrorCode::kIo, "the engine gave no answer"};
  const char* const error = engine_->error_(result);
  if (error != nullptr && *error != '\0') {
    core::Error out{core::ErrorCode::kInvalid, error};
    engine_->destroy_(result);
    return out;
  }
  EngineAnswer answer;
  if (const std::size_t size = engine_->length_(result); size > 0) answer.body.assign(engine_->buffer_(result), size);
  answer.rows = engine_->rows_(result);
  answer.rows_read = engine_->rows_read_(result);
  answer.bytes_read = engine_->bytes_read_(result);
  answer.elapsed_us = static_cast<std::uint64_t>(engine_->elapsed_(result) * 1e6);
  engine_->destroy_(result);
  return answer;
}

std::string engine_configuration(const std::string& folder, std::uint64_t memory_bytes) {
  const std::string at = xml(folder);
  return "<clickhouse>\n"
         "  <users_config>" +
         at +
         "/engine.xml</users_config>\n"
         "  <user_files_path>" +
         at +
         "/none/</user_files_path>\n"
         "  <backups><allowed_path>/</allowed_path></backups>\n"
         "  <timezone>UTC</timezone>\n"
         "  <max_server_memory_usage>" +
         std::to_string(memory_bytes) +
         "</max_server_memory_usage>\n"
         "  <mark_cache_size>33554432</mark_cache_size>\n"
         "  <background_pool_size>1</background_pool_size>\n"
         "  <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>\n"
         "  <background_schedule_pool_size>4</background_schedule_pool_size>\n"
         "  <background_common_pool_size>1</background_common_pool_size>\n"
         "  <background_move_pool_size>1</background_move_pool_size>\n"
         "  <background_fetches_pool_size>1</background_fetches_pool_size>\n"
         "  <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>\n"
         "  <max_thread_pool_size>64</max_thread_pool_size>\n"
         "  <max_thread_pool_free_size>4</max_thread_pool_free_size>\n"
         "  <max_io_thread_pool_size>4</max_io_thread_pool_size>\n"
         "  <max_active_parts_loading_thread_pool_size>2</max_active_parts_loading_thread_pool_size>\n"
         "  <max_outdated_parts_loading_thread_pool_size>2</max_outdated_parts_loading_thread_pool_size>\n"
         "  <max_parts_cleaning_thread_pool_size>2</max_parts_cleaning_thread_pool_size>\n"
         "  <merge_tree>\n"
         // New parts in one file of data: two files for each of 40 columns, each synced, cost more than the rows.
         "    <min_bytes_for_wide_part>268435456</min_bytes_for_wide_part>\n"
         "    <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>\n"
         "    "
         "<number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</"
         "number_of_free_entries_in_pool_to_lower_max_size_of_merge>\n"
         "    "
         "<number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</"
         "number_of_free_entries_in_pool_to_execute_optimize_entire_partition>\n"
         "  </merge_tree>\n"
         "  <profiles><default>\n"
         // No machine code made at run time: the packaged service may not execute memory that it has written
         // (MemoryDenyWriteExecute), and the queries would fail.
         "    <compile_expressions>0</compile_expressions>\n"
         "    <compile_aggregate_expressions>0</compile_aggregate_expressions>\n"
         "    <compile_sort_description>0</compile_sort_description>\n"
         "    <async_insert>0</async_insert>\n"
         "    <use_top_k_dynamic_filtering>0</use_top_k_dynamic_filtering>\n"
         "    <input_format_skip_unknown_fields>1</input_format_skip_unknown_fields>\n"
         "    <output_format_json_quote_64bit_integers>0</output_format_json_quote_64bit_integers>\n"
         "    <max_partitions_per_insert_block>0</max_partitions_per_insert_block>\n"
         "  </default></profiles>\n"
         "  <users><default><password></password><networks><ip>::1</ip><ip>127.0.0.1</ip></networks>"
         "<profile>default</profile><quota>default</quota></default></users>\n"
         "  <quotas><default></default></quotas>\n"
         "</clickhouse>\n";
}

}  // namespace tocsin::store
