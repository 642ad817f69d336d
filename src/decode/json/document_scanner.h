// Finds the elements (events) of a stream of JSON documents without parsing them: arrays, wrapping objects, documents one
// after another, whatever the line breaks, in memory that does not grow with the documents.
//
// A state machine, one thread. It knows strings, escapes and nesting only; whether an element is valid JSON is the reader's
// business. Used twice on the same bytes: to cut the stream into blocks, and to decode the blocks.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tocsin::decode::json {

class DocumentScanner {
 public:
  enum class Kind : std::uint8_t {
    kElement,  // [begin, end) is one value, or what is left of a torn one.
    kTooLong,  // The same, longer than max_element_bytes; what follows of it is skipped.
    kGarbage,  // No value at all.
    kMore,     // Nothing more is complete.
  };
  struct Item {
    Kind kind = Kind::kMore;
    std::size_t begin = 0, end = 0;
  };

  explicit DocumentScanner(std::size_t max_element_bytes) : max_element_bytes_(max_element_bytes) {}

  // The next item of buffer from `position` on, which is moved behind it. After kMore the caller offers the bytes from
  // `position` on again, with more behind them: how far they were looked at is remembered, so growing a buffer step by
  // step stays linear. `last`: nothing comes behind this buffer that its values need (the end of the stream, or a block
  // as cut): what is open is then an item, and kMore means that all is taken.
  Item next(std::string_view buffer, std::size_t& position, bool last);

  // Inside a wrapping object's list.
  [[nodiscard]] bool in_wrapper() const { return where_ == Where::kArray && wrapper_depth_ > 0; }
  // Whether all bytes were taken that told objects from wrapping ones so far.
  [[nodiscard]] bool settled() const { return consumed_ >= plain_until_; }
  // How many wrapping objects were entered.
  [[nodiscard]] std::size_t wrapper_count() const { return wrapper_count_; }

 private:
  enum class Where : std::uint8_t { kTop, kArray, kTail };

  Item find(std::string_view buffer, std::size_t& position, bool last);
  Item top(std::string_view buffer, std::size_t& position, bool last, bool& done);
  Item in_array(std::string_view buffer, std::size_t& position, bool last, bool& done);
  Item element(std::string_view buffer, std::size_t& position, bool last);
  Item garbage(std::string_view buffer, std::size_t& position, bool last, bool& done);
  // Goes on from scanned_ to the end of the value: its length, or npos where the buffer ends first.
  std::size_t scan(std::string_view text);
  std::size_t scan_scalar(std::string_view text);
  bool scan_string(std::string_view text);
  bool open(std::string_view text, char c);
  void close(char c);
  void begin_value();
  bool skip_rest(std::string_view buffer, std::size_t& position);

  std::size_t max_element_bytes_;
  Where where_ = Where::kTop;
  std::size_t consumed_ = 0;     // Bytes of the stream before the position of the last call.
  std::size_t plain_until_ = 0;  // Up to here in the stream no wrapper is looked for (again).
  std::size_t array_depth_ = 0;
  std::size_t wrapper_depth_ = 0;
  std::size_t wrapper_count_ = 0;

  // The value being looked at.
  std::size_t scanned_ = 0;  // From its begin.
  std::size_t depth_ = 0;
  std::uint64_t arrays_ = 0;  // Bit d: the container at depth d is an array, for the innermost 64.
  char previous_ = '\0';      // The last byte outside strings that is no space; '"' for a string.
  bool in_string_ = false;
  bool broken_ = false;    // Certainly no valid JSON.
  bool deep_ = false;      // arrays_ has lost outer containers.
  bool skipping_ = false;  // Its begin was reported and is gone.
};

}  // namespace tocsin::decode::json
