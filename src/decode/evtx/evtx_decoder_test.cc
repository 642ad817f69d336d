// The EVTX decoder on valid files made by testing/evtx_writer.h: every value type, and every field's name.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/time.h"
#include "decode/evtx/evtx_test_support.h"
#include "testing/evtx_samples.h"

namespace tocsin::decode {
namespace {

using testing::evtx_number;
using testing::evtx_text;
using testing::evtx_with_record;
using testing::EvtxChunkWriter;
using testing::EvtxEvent;
using testing::EvtxValue;
using testing::kEvtxFiletime;
using testing::open_element;
using testing::sample_evtx;
using testing::sample_evtx_event;

// One record whose template is <EventData><Data Name="V">%0</Data></EventData> under Event, with that value.
std::string file_with_value(const EvtxValue& value) {
  EvtxEvent event = sample_evtx_event(1);
  event.data = {{"V", value}, {"After", evtx_text("after")}};
  return testing::write_evtx({event});
}

struct ValueCase {
  const char* name;
  EvtxValue value;
  std::string text;
  model::ValueType type;
};

std::string raw(std::initializer_list<int> bytes) {
  std::string out;
  for (const int byte : bytes) out += static_cast<char>(byte);
  return out;
}

TEST(EvtxDecoder, RendersEveryValueType) {
  using enum model::ValueType;
  const std::vector<ValueCase> cases{
      {"null", {0x00, ""}, "", kText},
      {"null with bytes, which are skipped", {0x00, "abcd"}, "", kText},
      {"string", evtx_text("h\u00E9llo \U0001F600 w\u20ACrld, longer than eight units"),
       "h\u00E9llo \U0001F600 w\u20ACrld, longer than eight units", kText},
      {"string ends at its first NUL",
       {0x01, testing::utf16le("ab") + std::string(2, '\0') + testing::utf16le("cd")},
       "ab",
       kText},
      {"spaces are kept", evtx_text("  a "), "  a ", kText},
      {"odd string length", {0x01, std::string("a\0b\0c", 5)}, "ab", kText},
      {"lone high surrogate", {0x01, raw({0x00, 0xD8, 0x41, 0x00})}, "\uFFFDA", kText},
      {"lone low surrogate at the end", {0x01, raw({0x41, 0x00, 0x00, 0xDC})}, "A\uFFFD", kText},
      {"ansi", {0x02, raw({0x41, 0x80, 0xE9, 0x00, 0x42})}, "A\u20AC\u00E9B", kText},
      {"int8", evtx_number(0x03, 0xFF, 1), "-1", kNumber},
      {"uint8", evtx_number(0x04, 0xFF, 1), "255", kNumber},
      {"int16", evtx_number(0x05, 0x8000, 2), "-32768", kNumber},
      {"uint16", evtx_number(0x06, 0xFFFF, 2), "65535", kNumber},
      {"int32", evtx_number(0x07, 0xFFFF'FFFE, 4), "-2", kNumber},
      {"uint32", evtx_number(0x08, 0xFFFF'FFFF, 4), "4294967295", kNumber},
      {"int64", evtx_number(0x09, 0x8000'0000'0000'0000, 8), "-9223372036854775808", kNumber},
      {"uint64", evtx_number(0x0A, 0xFFFF'FFFF'FFFF'FFFF, 8), "18446744073709551615", kNumber},
      {"float", evtx_number(0x0B, 0x3FC0'0000, 4), "1.5", kNumber},
      {"double", evtx_number(0x0C, 0x4000'0000'0000'0000, 8), "2.0", kNumber},
      {"not a number", evtx_number(0x0C, 0x7FF8'0000'0000'0000, 8), "nan", kText},
      {"bool", evtx_number(0x0D, 1, 4), "true", kBool},
      {"irregular bool", evtx_number(0x0D, 0x0100'0000, 4), "true", kBool},
      {"false", evtx_number(0x0D, 0, 4), "false", kBool},
      {"binary", {0x0E, raw({0x0A, 0xFF})}, "0AFF", kText},
      {"guid",
       {0x0F, raw({0x5F, 0x38, 0x70, 0x57, 0x2A, 0xC2, 0xE0, 0x43, 0xBF, 0x4C, 0x06, 0xF5, 0x69, 0x8F, 0xFB, 0xD9})},
       "5770385F-C22A-43E0-BF4C-06F5698FFBD9",
       kText},
      {"size_t of 8", evtx_number(0x10, 0x1A2B, 8), "0x1a2b", kText},
      {"size_t of 4", evtx_number(0x10, 0, 4), "0x0", kText},
      {"filetime", testing::evtx_filetime(kEvtxFiletime), "2026-01-02T03:04:05.1234567Z", kText},
      {"filetime 0", testing::evtx_filetime(0), "1601-01-01T00:00:00.0000000Z", kText},
      {"systemtime",
       {0x12, raw({0xEA, 0x07, 1, 0, 5, 0, 2, 0, 3, 0, 4, 0, 5, 0, 0x7B, 0})},
       "2026-01-02T03:04:05.123Z",
       kText},
      {"sid", {0x13, raw({1, 2, 0, 0, 0, 0, 0, 5, 0x20, 0, 0, 0, 0x20, 2, 0, 0})}, "S-1-5-32-544", kText},
      {"sid cut short", {0x13, raw({1, 5, 0, 0, 0, 0, 0, 5, 0x12, 0, 0, 0})}, "S-1-5-18", kText},
      {"hex32", evtx_number(0x14, 0xC000'006D, 4), "0xc000006d", kText},
      {"hex64", evtx_number(0x15, 0x8020'0000'0000'0000, 8), "0x8020000000000000", kText},
      {"too short for its type", evtx_number(0x08, 1, 3), "", kText},
      {"unknown type", {0x7F, "abc"}, "", kText},
      {"zero-sized fixed type", {0x0F, ""}, "", kText},
  };
  for (const ValueCase& one : cases) {
    Decoded out;
    out.add(file_with_value(one.value));
    ASSERT_EQ(out.batch.size(), 1U) << one.name;
    EXPECT_EQ(out.batch.bad_count(), 0U) << one.name;
    const model::Field* field = out.batch.event(0).find("V");
    ASSERT_NE(field, nullptr) << one.name;
    EXPECT_EQ(field->text, one.text) << one.name;
    EXPECT_EQ(field->type, one.type) << one.name;
    EXPECT_EQ(out.text(0, "After"), "after") << one.name;
  }
}

TEST(EvtxDecoder, NamesSystemFieldsAsSigmaDoes) {
  Decoded out;
  out.add(sample_evtx(1));
  ASSERT_EQ(out.batch.size(), 1U);
  EXPECT_EQ(out.text(0, "Provider_Name"), "Microsoft-Windows-Security-Auditing");
  EXPECT_EQ(out.text(0, "EventID"), "4688");
  EXPECT_EQ(out.text(0, "TimeCreated"), "2026-01-02T03:04:05.1234567Z");
  EXPECT_EQ(out.text(0, "EventRecordID"), "1");
  EXPECT_EQ(out.text(0, "ProcessID"), "4");
  EXPECT_EQ(out.text(0, "ThreadID"), "8");
  EXPECT_EQ(out.text(0, "Channel"), "Security");
  EXPECT_EQ(out.text(0, "Computer"), "HOST");
  EXPECT_FALSE(out.has(0, "Event.xmlns"));
}

TEST(EvtxDecoder, TakesSpacesOutOfDataNamesAndKeepsUnnamedDataAsList) {
  Decoded out;
  out.add(sample_evtx(1));
  EXPECT_EQ(out.text(0, "NewProcessName"), "C:\\x.exe ");
  EXPECT_EQ(out.text(0, "ProcessId"), "0x1f4");
  const model::Field* data = out.batch.event(0).find("Data");
  ASSERT_NE(data, nullptr);
  EXPECT_TRUE(data->element);
  EXPECT_EQ(data->text, "one");
}

TEST(EvtxDecoder, FillsTheSlot) {
  Decoded out;
  const std::string file = sample_evtx(3);
  out.add(file);
  ASSERT_EQ(out.batch.size(), 3U);
  const model::EventSlot& slot = out.batch.slots()[2];
  EXPECT_EQ(slot.record, 3U);
  EXPECT_EQ(slot.format, model::Format::kEvtx);
  EXPECT_EQ(slot.time, core::from_filetime(kEvtxFiletime));
  EXPECT_EQ(slot.raw.substr(0, 4), std::string_view("**\0\0", 4));
  EXPECT_EQ(slot.raw.size() % 8, 0U);
  EXPECT_EQ(out.batch.record_count, 3U);
}

TEST(EvtxDecoder, RepeatsTheFieldForEachStringOfAnArray) {
  Decoded out;
  out.add(file_with_value(testing::evtx_text_list({"a", "", "c"})));
  std::vector<std::string> texts;
  for (const model::Field& field : out.batch.event(0).fields()) {
    if (out.batch.event(0).name(field) != "V") continue;
    EXPECT_TRUE(field.element);
    texts.emplace_back(field.text);
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"a", "", "c"}));
}

TEST(EvtxDecoder, RepeatsTheFieldForEachNumberOfAnArray) {
  Decoded out;
  out.add(file_with_value({0x86, raw({1, 0, 2, 0})}));
  std::vector<std::string> texts;
  for (const model::Field& field : out.batch.event(0).fields()) {
    if (out.batch.event(0).name(field) == "V") texts.emplace_back(field.text);
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"1", "2"}));
}

TEST(EvtxDecoder, NamesUserDataByThePathBelowItsRoot) {
  Decoded out;
  out.add(evtx_with_record([](EvtxChunkWriter& w) {
    w.fragment_header();
    open_element(w, "Event");
    open_element(w, "UserData");
    w.open("LogFileCleared", true);
    w.attribute("xmlns");
    w.text("http://manifests.microsoft.com/x");
    w.start_closed();
    open_element(w, "SubjectUserName");
    w.text("bob");
    w.close();
    open_element(w, "Outer");
    w.open("Inner", true);
    w.attribute("kind");
    w.text("k");
    w.start_closed();
    w.text("deep");
    w.close();
    w.close();
    open_element(w, "BackupPath");
    w.close();
    w.close();
    w.close();
    w.close();
    w.end();
  }));
  ASSERT_EQ(out.batch.size(), 1U);
  EXPECT_EQ(out.text(0, "SubjectUserName"), "bob");
  EXPECT_EQ(out.text(0, "Outer.Inner"), "deep");
  EXPECT_EQ(out.text(0, "Outer.Inner.kind"), "k");
  const model::Field* empty = out.batch.event(0).find("BackupPath");
  ASSERT_NE(empty, nullptr);
  EXPECT_EQ(empty->type, model::ValueType::kNull);
  EXPECT_EQ(out.batch.event(0).fields().size(), 4U);
}

TEST(EvtxDecoder, NamesRenderingInfo) {
  Decoded out;
  out.add(evtx_with_record([](EvtxChunkWriter& w) {
    w.fragment_header();
    open_element(w, "Event");
    w.open("RenderingInfo", true);
    w.attribute("Culture");
    w.text("en-US");
    w.start_closed();
    open_element(w, "Message");
    w.text("Said so");
    w.close();
    open_element(w, "Level");
    w.text("Information");
    w.close();
    w.close();
    open_element(w, "ProcessingErrorData");
    open_element(w, "ErrorCode");
    w.text("15005");
    w.close();
    w.close();
    w.close();
    w.end();
  }));
  ASSERT_EQ(out.batch.size(), 1U);
  EXPECT_EQ(out.text(0, "Message"), "Said so");
  EXPECT_EQ(out.text(0, "RenderingInfo.Level"), "Information");
  EXPECT_EQ(out.text(0, "RenderingInfo.Culture"), "en-US");
  EXPECT_EQ(out.text(0, "ProcessingErrorData.ErrorCode"), "15005");
}

TEST(EvtxDecoder, JoinsTextReferencesCDataAndSlotsToOneValue) {
  Decoded out;
  out.add(evtx_with_record([](EvtxChunkWriter& w) {
    w.fragment_header();
    w.processing_instruction("app", "ignored");
    w.instance("mixed",
               [](EvtxChunkWriter& t) {
                 t.fragment_header();
                 open_element(t, "Event");
                 open_element(t, "EventData");
                 t.open("Data", true);
                 t.attribute("Name");
                 t.text("Mixed");
                 t.start_closed();
                 t.text("a");
                 t.entity_ref("amp");
                 t.char_ref('c');
                 t.cdata("<d>");
                 t.substitution(0, 0x06);
                 t.text("!");
                 t.close();
                 t.close();
                 t.close();
                 t.end();
               },
               {evtx_number(0x06, 7, 2)});
    w.end();
  }));
  ASSERT_EQ(out.batch.size(), 1U);
  EXPECT_EQ(out.text(0, "Mixed"), "a&c<d>7!");
}

TEST(EvtxDecoder, TakesADataNameFromASlot) {
  Decoded out;
  out.add(evtx_with_record([](EvtxChunkWriter& w) {
    w.fragment_header();
    w.instance("named",
               [](EvtxChunkWriter& t) {
                 open_element(t, "Event");
                 open_element(t, "EventData");
                 t.open("Data", true);
                 t.attribute("Name");
                 t.substitution(0, 0x01);
                 t.start_closed();
                 t.substitution(1, 0x01);
                 t.close();
                 t.close();
                 t.close();
                 t.end();
               },
               {evtx_text("Given Name"), evtx_text("value")});
    w.end();
  }));
  ASSERT_EQ(out.batch.size(), 1U);
  EXPECT_EQ(out.text(0, "GivenName"), "value");
}

TEST(EvtxDecoder, DropsAttributesWithoutAValue) {
  Decoded out;
  out.add(evtx_with_record([](EvtxChunkWriter& w) {
    w.instance("empty-attribute",
               [](EvtxChunkWriter& t) {
                 open_element(t, "Event");
                 open_element(t, "System");
                 t.open("Security", true);
                 t.attribute("UserID");
                 t.substitution(0, 0x13);
                 t.close_empty();
                 t.leaf("Opcode", 0, 0x04);
                 t.leaf("Task", 9, 0x04);  // A slot the record does not have.
                 t.close();
                 t.close();
                 t.end();
               },
               {testing::evtx_null()});
    w.end();
  }));
  ASSERT_EQ(out.batch.size(), 1U);
  EXPECT_TRUE(out.batch.event(0).fields().empty());
}

TEST(EvtxDecoder, ReadsEveryFragmentOfARecord) {
  Decoded out;
  out.add(evtx_with_record([](EvtxChunkWriter& w) {
    for (const char* text : {"1", "2"}) {
      w.fragment_header();
      w.instance("fragment",
                 [](EvtxChunkWriter& t) {
                   open_element(t, "Event");
                   open_element(t, "EventData");
                   t.leaf("X", 0, 0x01);
                   t.close();
                   t.close();
                   t.end();
                 },
                 {evtx_text(text)});
      w.end();
    }
  }));
  ASSERT_EQ(out.batch.size(), 1U);
  EXPECT_EQ(out.batch.event(0).fields().size(), 2U);
}

}  // namespace
}  // namespace tocsin::decode
