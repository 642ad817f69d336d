// Windows event XML: the same names as EVTX, encodings, wrapping, damage.
#include "decode/windows_xml.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/time.h"
#include "decode/decoder.h"
#include "testing/evtx_writer.h"

namespace tocsin::decode {
namespace {

struct Decoded {
  model::NameTable names;
  model::Batch batch{names};
  std::unique_ptr<Decoder> decoder;
  std::vector<std::unique_ptr<std::string>> inputs;

  explicit Decoded(const DecodeOptions& options = {}) : decoder(make_windows_xml_decoder(options)) {}
  explicit Decoded(const std::string& all) : Decoded() { add(all); }
  void add(const std::string& block) {
    inputs.push_back(std::make_unique<std::string>(block));
    inputs.back()->append(kPaddingBytes, '<');
    decoder->decode(std::string_view(*inputs.back()).substr(0, block.size()), batch);
  }
  std::string text(std::size_t event, std::string_view name) const { return std::string(batch.event(event).text(name)); }
  std::vector<std::string> causes() const {
    std::vector<std::string> out;
    for (const auto& bad : batch.bad()) out.push_back(bad.cause);
    return out;
  }
};

std::string event_xml(const std::string& id, const std::string& data = "<Data Name=\"Image\">C:\\x.exe</Data>") {
  return "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
         "<Provider Name='Microsoft-Windows-Sysmon' Guid='{5770385f-c22a-43e0-bf4c-06f5698ffbd9}'/>"
         "<EventID Qualifiers='0'>" +
         id +
         "</EventID><Version>5</Version><Keywords>0x8000000000000000</Keywords>"
         "<TimeCreated SystemTime='2026-01-02T03:04:05.123456700Z'/><EventRecordID>" +
         id +
         "</EventRecordID>"
         "<Correlation/><Execution ProcessID='4' ThreadID='8'/><Channel>Security</Channel><Computer>HOST</Computer>"
         "<Security UserID='S-1-5-18'/></System><EventData>" +
         data + "</EventData></Event>";
}

TEST(WindowsXml, NamesFieldsAsEvtxDoes) {
  const Decoded out(event_xml("4688"));
  ASSERT_EQ(out.batch.size(), 1U);
  EXPECT_EQ(out.text(0, "Provider_Name"), "Microsoft-Windows-Sysmon");
  EXPECT_EQ(out.text(0, "Provider_Guid"), "5770385F-C22A-43E0-BF4C-06F5698FFBD9");
  EXPECT_EQ(out.text(0, "EventID"), "4688");
  EXPECT_EQ(out.batch.event(0).find("EventID")->type, model::ValueType::kNumber);
  EXPECT_EQ(out.text(0, "Qualifiers"), "0");
  EXPECT_EQ(out.text(0, "TimeCreated"), "2026-01-02T03:04:05.1234567Z");
  EXPECT_EQ(out.text(0, "ProcessID"), "4");
  EXPECT_EQ(out.text(0, "UserID"), "S-1-5-18");
  EXPECT_EQ(out.text(0, "Image"), "C:\\x.exe");
  EXPECT_EQ(out.batch.event(0).find("Correlation"), nullptr);
  EXPECT_EQ(out.batch.event(0).slot->time, *core::parse_iso_time("2026-01-02T03:04:05.1234567Z"));
  EXPECT_EQ(out.batch.event(0).slot->format, model::Format::kWindowsXml);
  EXPECT_EQ(out.batch.event(0).slot->raw, event_xml("4688"));
}

TEST(WindowsXml, GivesTheFieldsOfTheSameEventInEvtx) {
  testing::EvtxEvent event;
  event.channel = "Security";
  event.provider = "P";
  event.event_id = 7;
  event.record_id = 9;
  event.filetime = 134'117'966'451'234'567;
  event.data = {{"A B", testing::evtx_text("x y ")},
                {"", testing::evtx_text("one")},
                {"", testing::evtx_text("")},
                {"Empty", testing::evtx_null()}};
  const std::string evtx = testing::write_evtx({event}) + std::string(kPaddingBytes, '\0');
  model::NameTable names;
  model::Batch batch(names);
  make_evtx_decoder({})->decode(std::string_view(evtx).substr(0, evtx.size() - kPaddingBytes), batch);
  const Decoded xml(
      "<Event xmlns=\"u\"><System><Provider Name=\"P\"/><EventID>7</EventID><Level>4</Level><TimeCreated "
      "SystemTime=\"2026-01-02T03:04:05.1234567Z\"/><EventRecordID>9</EventRecordID><Execution ProcessID=\"4\" "
      "ThreadID=\"8\"/>"
      "<Channel>Security</Channel><Computer>HOST</Computer></System>\r\n  <EventData>\r\n    <Data Name=\"A B\">x y </Data>"
      "<Data>one</Data><Data></Data><Data Name=\"Empty\"/></EventData></Event>");
  ASSERT_EQ(batch.size(), 1U);
  ASSERT_EQ(xml.batch.size(), 1U);
  const auto expected = batch.event(0).fields();
  const auto actual = xml.batch.event(0).fields();
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(xml.batch.event(0).name(actual[i]), batch.event(0).name(expected[i]));
    EXPECT_EQ(actual[i].text, expected[i].text);
    EXPECT_EQ(actual[i].type, expected[i].type);
    EXPECT_EQ(actual[i].element, expected[i].element);
  }
}

TEST(WindowsXml, ReplacesEntitiesAndJoinsCData) {
  const Decoded out(
      event_xml("1", "<Data Name='V'>a&amp;&lt;&gt;&quot;&apos;&#65;&#x20AC;&unknown;&#xD800;<![CDATA[<&amp;>]]>!</Data>"));
  ASSERT_EQ(out.batch.size(), 1U);
  EXPECT_EQ(out.text(0, "V"), "a&<>\"'A\u20AC&unknown;\uFFFD<&amp;>!");
}

TEST(WindowsXml, KeepsSpacesAndUserDataPaths) {
  const Decoded out("<Event><UserData><Root xmlns='u'><A> a </A><B><C k='v'>c</C></B><D/></Root></UserData></Event>");
  ASSERT_EQ(out.batch.size(), 1U);
  EXPECT_EQ(out.text(0, "A"), " a ");
  EXPECT_EQ(out.text(0, "B.C"), "c");
  EXPECT_EQ(out.text(0, "B.C.k"), "v");
  ASSERT_NE(out.batch.event(0).find("D"), nullptr);
  EXPECT_EQ(out.batch.event(0).find("D")->type, model::ValueType::kNull);
}

TEST(WindowsXml, ReadsManyEventsBareOrWrapped) {
  const std::string two = event_xml("1") + "\r\n" + event_xml("2");
  for (const std::string& all :
       {two, "<Events>" + two + "</Events>",
        "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- x --><Events xmlns='u'>\n" + two + "</Events>\n"}) {
    const Decoded out(all);
    EXPECT_EQ(out.batch.size(), 2U);
    EXPECT_EQ(out.batch.bad_count(), 0U);
    EXPECT_EQ(out.text(1, "EventID"), "2");
  }
}

TEST(WindowsXml, ReadsUtf16InBothByteOrders) {
  const std::string text =
      "<Events>" + event_xml("1", "<Data Name='V'>\u20AC\U0001F600</Data>") + event_xml("2") + "</Events>";
  const std::string little = testing::utf16le(text);
  std::string big;
  for (std::size_t i = 0; i < little.size(); i += 2) big += {little[i + 1], little[i]};
  for (const std::string& all : {"\xFF\xFE" + little, "\xFE\xFF" + big, little}) {
    const Decoded out(all);
    ASSERT_EQ(out.batch.size(), 2U);
    EXPECT_EQ(out.batch.bad_count(), 0U);
    EXPECT_EQ(out.text(0, "V"), "\u20AC\U0001F600");
    EXPECT_EQ(out.batch.event(1).slot->raw.size(), 2 * event_xml("2").size());
  }
}

TEST(WindowsXml, StreamsInBlocksCutBehindAnEvent) {
  for (const bool wide : {false, true}) {
    std::string all = "<Events>" + event_xml("1") + event_xml("2") + event_xml("3") + "</Events>";
    if (wide) all = "\xFF\xFE" + testing::utf16le(all);
    Decoded out;
    std::string buffer;
    for (std::size_t at = 0; at < all.size(); at += 100) {
      buffer += all.substr(at, 100);
      const std::size_t cut = out.decoder->cut(buffer, false);
      if (cut == 0) continue;
      out.add(buffer.substr(0, cut));
      buffer.erase(0, cut);
    }
    out.add(buffer.substr(0, out.decoder->cut(buffer, true)));
    ASSERT_EQ(out.batch.size(), 3U);
    EXPECT_EQ(out.batch.bad_count(), 0U);
    EXPECT_EQ(out.batch.event(2).slot->record, 3U);
  }
}

TEST(WindowsXml, CountsTextOutsideEventsAndTornOnes) {
  const Decoded out("garbage" + event_xml("1") + event_xml("2").substr(0, 300) + event_xml("3") + "<Event><System>");
  EXPECT_EQ(out.batch.size(), 2U);
  EXPECT_EQ(out.text(1, "EventID"), "3");
  EXPECT_EQ(out.causes(), (std::vector<std::string>{"xml-outside-event", "xml-syntax", "xml-record-torn"}));
  EXPECT_EQ(out.batch.record_count, 5U);
}

TEST(WindowsXml, RefusesWhatIsNoXml) {
  for (const char* inner : {"<a></b>", "<a b>", "<a b=c/>", "<!DOCTYPE x>", "<!ENTITY y 'z'>", "<>", "</x>", "<![CDATA["}) {
    const Decoded out("<Event>" + std::string(inner) + "</Event>");
    EXPECT_EQ(out.batch.size(), 0U) << inner;
    EXPECT_EQ(out.causes(), std::vector<std::string>{"xml-syntax"}) << inner;
  }
}

TEST(WindowsXml, RefusesElementsDeeperThanTheLimit) {
  for (const std::size_t depth : {model::kMaxDepth - 1, model::kMaxDepth}) {
    std::string all = "<Event>";
    for (std::size_t i = 0; i < depth; ++i) all += "<a>";
    for (std::size_t i = 0; i < depth; ++i) all += "</a>";
    const Decoded out(all + "</Event>");
    EXPECT_EQ(out.batch.size(), depth < model::kMaxDepth ? 1U : 0U);
    if (depth == model::kMaxDepth) {
      EXPECT_EQ(out.causes(), std::vector<std::string>{"xml-nesting-limit"});
    }
  }
}

TEST(WindowsXml, GivesUpARecordLongerThanTheLimit) {
  DecodeOptions options;
  options.max_record_bytes = 1'000;
  Decoded out(options);
  const std::string endless = "<Event>" + std::string(2'000, 'x');
  EXPECT_EQ(out.decoder->cut(endless, false), endless.size());
  out.add(endless);
  out.add("<Event>" + std::string(2'000, 'x') + "</Event>");
  EXPECT_EQ(out.causes(), (std::vector<std::string>{"record-too-long", "record-too-long"}));
}

TEST(WindowsXml, ReplacesInvalidUtf8) {
  const Decoded out(event_xml("1", "<Data Name='V'>a\xFF\xC0\x80z\xED\xA0\x80</Data>"));
  ASSERT_EQ(out.batch.size(), 1U);
  EXPECT_EQ(out.text(0, "V"), "a\uFFFD\uFFFD\uFFFDz\uFFFD\uFFFD\uFFFD");
}

TEST(WindowsXml, AddsToAnOpenEventOrLeavesItAsItWas) {
  model::NameTable names;
  model::Batch batch(names);
  core::Timestamp time{42};
  batch.begin_event();
  batch.add(batch.intern("host"), model::ValueType::kText, "h");
  EXPECT_FALSE(decode_event_xml("no xml", batch, time));
  EXPECT_FALSE(decode_event_xml("<Event><System><EventID>1</EventID>", batch, time));
  EXPECT_EQ(batch.open_fields().size(), 1U);
  EXPECT_EQ(time.ns, 42);
  const std::string message = "Sysmon: " + event_xml("1") + " trailer <Event";
  EXPECT_TRUE(decode_event_xml(message, batch, time));
  EXPECT_GT(time.ns, 42);
  batch.end_event();
  EXPECT_EQ(batch.event(0).text("EventID"), "1");
  EXPECT_EQ(batch.event(0).text("host"), "h");
}

TEST(WindowsXml, KeepsReadingWhenNamesRunOut) {
  EventXmlReader reader;
  model::NameTable names;
  for (int pass = 0; pass < 40; ++pass) {
    model::Batch batch(names);
    std::string data;
    for (int i = 0; i < 1'000; ++i) data += "<Data Name='n" + std::to_string(pass) + "_" + std::to_string(i) + "'>v</Data>";
    const std::string xml = event_xml("1", data);
    core::Timestamp time;
    batch.begin_event();
    ASSERT_EQ(reader.read(xml, batch, time), nullptr);
    batch.end_event();
    EXPECT_EQ(batch.event(0).text("EventID"), "1");
  }
}

}  // namespace
}  // namespace tocsin::decode
