// The EVTX decoder on blocks, lying headers, damaged records, hostile sizes and nesting, templates, and slack.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "decode/evtx/evtx_test_support.h"
#include "testing/evtx_samples.h"

namespace tocsin::decode {
namespace {

using testing::evtx_text;
using testing::evtx_with_record;
using testing::EvtxChunkWriter;
using testing::EvtxEvent;
using testing::kEvtxChunkBytes;
using testing::kEvtxFiletime;
using testing::kEvtxHeaderBytes;
using testing::open_element;
using testing::sample_evtx;
using testing::sample_evtx_event;

// --- Blocks, headers, checksums.

TEST(EvtxDecoder, CutsAfterTheHeaderAndWholeChunks) {
  const auto decoder = make_evtx_decoder({});
  const std::string file = sample_evtx(400);
  ASSERT_GE(file.size(), kEvtxHeaderBytes + 2 * kEvtxChunkBytes);
  EXPECT_TRUE(decoder->splittable());
  EXPECT_EQ(decoder->cut(std::string_view(file).substr(0, 100), false), 0U);
  EXPECT_EQ(decoder->cut(std::string_view(file).substr(0, kEvtxHeaderBytes + kEvtxChunkBytes - 1), false), 0U);
  EXPECT_EQ(decoder->cut(std::string_view(file).substr(0, kEvtxHeaderBytes + kEvtxChunkBytes), false),
            kEvtxHeaderBytes + kEvtxChunkBytes);
  EXPECT_EQ(decoder->cut(std::string_view(file).substr(kEvtxHeaderBytes, kEvtxChunkBytes + 5), false), kEvtxChunkBytes);
  EXPECT_EQ(decoder->cut(std::string_view(file).substr(0, 100), true), 100U);
}

TEST(EvtxDecoder, GivesTheSameEventsWhicheverWayTheFileIsSplit) {
  const std::string file = sample_evtx(400);
  Decoded whole;
  whole.add(file);
  Decoded split;
  split.add(file.substr(0, kEvtxHeaderBytes + kEvtxChunkBytes));
  for (std::size_t at = kEvtxHeaderBytes + kEvtxChunkBytes; at < file.size(); at += kEvtxChunkBytes)
    split.add(file.substr(at, kEvtxChunkBytes));
  ASSERT_EQ(whole.batch.size(), 400U);
  ASSERT_EQ(split.batch.size(), 400U);
  EXPECT_EQ(split.text(399, "EventRecordID"), "400");
  EXPECT_EQ(split.text(399, "NewProcessName"), whole.text(399, "NewProcessName"));
}

TEST(EvtxDecoder, NeverTrustsTheFileHeader) {
  std::string file = sample_evtx(400);
  for (std::size_t i = 8; i < 128; ++i) file[i] = '\xFF';
  Decoded out;
  out.add(file);
  EXPECT_EQ(out.batch.size(), 400U);
  EXPECT_EQ(out.batch.bad_count(), 0U);
}

TEST(EvtxDecoder, SkipsEmptyChunksSilentlyAndCountsGarbageOnes) {
  std::string file = sample_evtx(1);
  file.append(kEvtxChunkBytes, '\0');
  file.append(kEvtxChunkBytes, 'x');
  file += sample_evtx(1).substr(kEvtxHeaderBytes);
  Decoded out;
  out.add(file);
  EXPECT_EQ(out.batch.size(), 2U);
  EXPECT_EQ(out.causes(), std::vector<std::string>{"evtx-chunk-magic"});
  EXPECT_EQ(out.batch.bad()[0].offset, kEvtxHeaderBytes + 2 * kEvtxChunkBytes);
  EXPECT_EQ(out.batch.bad()[0].sample.size(), model::kMaxSampleBytes);
}

TEST(EvtxDecoder, CountsBadChecksumsButReadsTheData) {
  for (const std::size_t broken : {std::size_t{124}, std::size_t{52}}) {
    std::string file = sample_evtx(2);
    file[kEvtxHeaderBytes + broken] = static_cast<char>(file[kEvtxHeaderBytes + broken] ^ 1);
    if (broken == 52) {  // The records' checksum is part of the header, whose own must hold.
      std::string header = file.substr(kEvtxHeaderBytes, 120) + file.substr(kEvtxHeaderBytes + 128, 384);
      const std::uint32_t crc = testing::evtx_crc32(header);
      for (std::size_t i = 0; i < 4; ++i) file[kEvtxHeaderBytes + 124 + i] = static_cast<char>(crc >> (8 * i));
    }
    Decoded out;
    out.add(file);
    EXPECT_EQ(out.batch.size(), 2U);
    EXPECT_EQ(out.causes(), std::vector<std::string>{"evtx-chunk-checksum"});
  }
}

TEST(EvtxDecoder, ChecksNoSumsWhereTheChunkSaysItHasNone) {
  std::string file = sample_evtx(2);
  file[kEvtxHeaderBytes + 120] = 4;
  for (const std::size_t at : {52, 124}) file.replace(kEvtxHeaderBytes + at, 4, 4, '\0');
  Decoded out;
  out.add(file);
  EXPECT_EQ(out.batch.size(), 2U);
  EXPECT_EQ(out.batch.bad_count(), 0U);
}

TEST(EvtxDecoder, ReadsATornLastChunkAsFarAsItGoes) {
  const std::string file = sample_evtx(3);
  Decoded whole;
  whole.add(file);
  const auto third = static_cast<std::size_t>(whole.batch.slots()[2].raw.data() - whole.inputs[0]->data());
  Decoded out;
  out.add(file.substr(0, third + 40));
  EXPECT_EQ(out.batch.size(), 2U);
  EXPECT_EQ(out.causes(), (std::vector<std::string>{"evtx-chunk-torn", "evtx-record-size"}));
}

TEST(EvtxDecoder, CountsAFileThatEndsInsideAChunkHeader) {
  Decoded out;
  out.add(sample_evtx(1).substr(0, kEvtxHeaderBytes + 100));
  EXPECT_EQ(out.batch.size(), 0U);
  EXPECT_EQ(out.causes(), std::vector<std::string>{"evtx-chunk-torn"});
}

TEST(EvtxDecoder, ReadsAFileThatIsOnlyAHeader) {
  Decoded out;
  out.add(sample_evtx(1).substr(0, 128));
  out.add("");
  EXPECT_EQ(out.batch.size(), 0U);
  EXPECT_EQ(out.batch.bad_count(), 0U);
}

// --- Damaged records. `offset_of` is in the file.

std::size_t offset_of(const Decoded& decoded, std::size_t event) {
  return static_cast<std::size_t>(decoded.batch.event(event).slot->raw.data() - decoded.inputs[0]->data());
}

std::string without_checksums(std::string file) {
  file[kEvtxHeaderBytes + 120] = 4;
  return file;
}

TEST(EvtxDecoder, GoesOnBehindARecordWhoseSizeCannotBe) {
  for (const std::uint32_t size : {0U, 8U, 27U, 0x10000U, 0xFFFF'FFFFU}) {
    std::string file = without_checksums(sample_evtx(3));
    Decoded whole;
    whole.add(file);
    for (std::size_t i = 0; i < 4; ++i) file[offset_of(whole, 1) + 4 + i] = static_cast<char>(size >> (8 * i));
    Decoded out;
    out.add(file);
    EXPECT_EQ(out.batch.size(), 2U) << size;
    EXPECT_EQ(out.causes(), std::vector<std::string>{"evtx-record-size"}) << size;
    EXPECT_EQ(out.batch.slots()[1].record, 3U);
    EXPECT_EQ(out.batch.bad()[0].record, 2U);
    EXPECT_EQ(out.batch.record_count, 3U);
  }
}

TEST(EvtxDecoder, GoesOnBehindOverwrittenBytes) {
  std::string file = without_checksums(sample_evtx(3));
  Decoded whole;
  whole.add(file);
  for (std::size_t i = 0; i < 64; ++i) file[offset_of(whole, 1) + i] = '\x77';
  Decoded out;
  out.add(file);
  EXPECT_EQ(out.batch.size(), 2U);
  EXPECT_EQ(out.causes(), std::vector<std::string>{"evtx-record-magic"});
}

TEST(EvtxDecoder, CountsARecordWhoseValuesRunPastItsEnd) {
  Decoded out;
  out.add(evtx_with_record([](EvtxChunkWriter& w) {
    w.instance("t",
               [](EvtxChunkWriter& t) {
                 t.leaf("Event", 0, 0x01);
                 t.end();
               },
               {evtx_text("abc")});
    w.bytes()[w.size() - 10] = '\x7F';  // The value's size: 6 -> 0x7F.
    w.end();
  }));
  EXPECT_EQ(out.batch.size(), 0U);
  EXPECT_EQ(out.causes(), std::vector<std::string>{"evtx-record-torn"});
}

TEST(EvtxDecoder, CountsAValueCountThatCannotBe) {
  Decoded out;
  out.add(evtx_with_record([](EvtxChunkWriter& w) {
    w.instance("t",
               [](EvtxChunkWriter& t) {
                 t.leaf("Event", 0, 0x01);
                 t.end();
               },
               {});
    for (std::size_t i = 1; i <= 4; ++i) w.bytes()[w.size() - i] = '\xFF';
    w.end();
  }));
  EXPECT_EQ(out.causes(), std::vector<std::string>{"evtx-record-torn"});
}

TEST(EvtxDecoder, CountsNamesAndTemplatesThatLeadNowhere) {
  Decoded name;
  name.add(evtx_with_record([](EvtxChunkWriter& w) {
    w.u8(0x01);
    w.u32(0);
    w.u32(0xFFFF'FFF0);
  }));
  EXPECT_EQ(name.causes(), std::vector<std::string>{"evtx-name-missing"});
  Decoded missing;
  missing.add(evtx_with_record([](EvtxChunkWriter& w) {
    w.u8(0x0C);
    w.u8(1);
    w.u32(5);
    w.u32(60'000);
    w.u32(0);
  }));
  EXPECT_EQ(missing.causes(), std::vector<std::string>{"evtx-template-missing"});
}

TEST(EvtxDecoder, CountsTokensThatCannotStandThere) {
  Decoded out;
  out.add(evtx_with_record([](EvtxChunkWriter& w) { w.u8(0x3F); }));
  EXPECT_EQ(out.causes(), std::vector<std::string>{"evtx-binxml-token"});
}

TEST(EvtxDecoder, RefusesElementsDeeperThanTheLimit) {
  for (const std::size_t depth : {model::kMaxDepth, model::kMaxDepth + 1}) {
    Decoded out;
    out.add(evtx_with_record([&](EvtxChunkWriter& w) {
      for (std::size_t i = 0; i < depth; ++i) open_element(w, "E");
      for (std::size_t i = 0; i < depth; ++i) w.close();
      w.end();
    }));
    EXPECT_EQ(out.batch.size(), depth == model::kMaxDepth ? 1U : 0U);
    EXPECT_EQ(out.causes(),
              depth == model::kMaxDepth ? std::vector<std::string>{} : std::vector<std::string>{"evtx-nesting-limit"});
  }
}

// <E>%0</E> whose value is again an instance of it, `depth` times.
void nest(EvtxChunkWriter& w, std::size_t depth) {
  const auto body = [](EvtxChunkWriter& t) {
    t.leaf("E", 0, 0x21);
    t.end();
  };
  if (depth == 0) return w.end();
  w.instance_with_nested("nest", body, {}, [&](EvtxChunkWriter& inner) { nest(inner, depth - 1); });
  w.end();
}

TEST(EvtxDecoder, RefusesEmbeddedBinXmlDeeperThanTheLimit) {
  Decoded shallow;
  shallow.add(evtx_with_record([](EvtxChunkWriter& w) { nest(w, 30); }));
  EXPECT_EQ(shallow.batch.size(), 1U);
  Decoded deep;
  deep.add(evtx_with_record([](EvtxChunkWriter& w) { nest(w, model::kMaxDepth + 1); }));
  EXPECT_EQ(deep.causes(), std::vector<std::string>{"evtx-nesting-limit"});
}

// A template that shows its slot 100 times, whose value is an instance of one that does so too, and so on.
void bomb(EvtxChunkWriter& w, std::size_t depth) {
  const std::string key = "bomb" + std::to_string(depth);
  const auto body = [](EvtxChunkWriter& t) {
    open_element(t, "E");
    for (int i = 0; i < 100; ++i) {
      t.leaf("X", 0, 0x21);
    }
    t.close();
    t.end();
  };
  if (depth == 0) {
    w.instance(key, body, {evtx_text(std::string(1'000, 'A'))});
  } else {
    w.instance_with_nested(key, body, {}, [&](EvtxChunkWriter& inner) { bomb(inner, depth - 1); });
  }
  w.end();
}

TEST(EvtxDecoder, BoundsWhatTemplatesMultiply) {
  Decoded out;
  out.add(evtx_with_record([](EvtxChunkWriter& w) { bomb(w, 4); }));
  EXPECT_EQ(out.batch.size(), 0U);
  EXPECT_EQ(out.causes(), std::vector<std::string>{"evtx-output-limit"});
  EXPECT_LT(out.batch.arena().reserved_bytes(), 4U << 20);
}

// --- Templates.

TEST(EvtxDecoder, TellsTemplatesWithOneGuidAndTwoStructuresApart) {
  const auto chunk_with = [](const char* data_name) {
    EvtxChunkWriter writer;
    writer.begin_record(1, kEvtxFiletime);
    writer.instance("same-guid",
                    [&](EvtxChunkWriter& t) {
                      open_element(t, "Event");
                      open_element(t, "EventData");
                      t.leaf(data_name, 0, 0x01);
                      t.close();
                      t.close();
                      t.end();
                    },
                    {evtx_text("v")});
    writer.end();
    writer.end_record();
    return writer.finish();
  };
  Decoded out;
  out.add(testing::evtx_file({chunk_with("First"), chunk_with("Other")}));
  ASSERT_EQ(out.batch.size(), 2U);
  EXPECT_EQ(out.text(0, "First"), "v");
  EXPECT_EQ(out.text(1, "Other"), "v");
}

TEST(EvtxDecoder, ResolvesNamesAgainWhenTheTableChanges) {
  const std::string file = sample_evtx(2) + std::string(kPaddingBytes, '\0');
  const std::string_view block = std::string_view(file).substr(0, file.size() - kPaddingBytes);
  const auto decoder = make_evtx_decoder({});
  model::NameTable first;
  model::Batch one(first);
  decoder->decode(block, one);
  model::NameTable second;
  for (int i = 0; i < 100; ++i) second.intern("other" + std::to_string(i));
  model::Batch two(second);
  decoder->decode(block, two);
  EXPECT_EQ(two.event(1).text("NewProcessName"), "C:\\x.exe ");
  EXPECT_EQ(two.event(1).fields().size(), one.event(1).fields().size());
}

TEST(EvtxDecoder, KeepsNamesInTheBatchWhereTheTableIsFull) {
  const std::string file = sample_evtx(2) + std::string(kPaddingBytes, '\0');
  const std::string_view block = std::string_view(file).substr(0, file.size() - kPaddingBytes);
  const auto decoder = make_evtx_decoder({});
  model::NameTable names;
  for (std::size_t i = 0; i < model::kMaxNames; ++i) names.intern("n" + std::to_string(i));
  for (int pass = 0; pass < 2; ++pass) {
    model::Batch batch(names);
    decoder->decode(block, batch);
    EXPECT_EQ(batch.event(1).text("NewProcessName"), "C:\\x.exe ");
  }
}

// --- Behind the free-space offset.

// Three records, of which the header lists `listed`; the ids are 1, 2 and `third_id`.
std::string with_slack(std::size_t listed, std::uint64_t third_id) {
  EvtxEvent third = sample_evtx_event(third_id);
  std::string file = without_checksums(testing::write_evtx({sample_evtx_event(1), sample_evtx_event(2), third}));
  Decoded whole;
  whole.add(file);
  const auto free_at = static_cast<std::uint32_t>(offset_of(whole, listed) - kEvtxHeaderBytes);
  for (std::size_t i = 0; i < 4; ++i) file[kEvtxHeaderBytes + 48 + i] = static_cast<char>(free_at >> (8 * i));
  return file;
}

TEST(EvtxDecoder, StopsAtTheFreeSpaceOffset) {
  Decoded out;
  out.add(with_slack(2, 77));
  EXPECT_EQ(out.batch.size(), 2U);
  EXPECT_EQ(out.batch.bad_count(), 0U);
}

TEST(EvtxDecoder, RecoversDeletedRecordsWhenAsked) {
  Decoded out(recovering());
  out.add(with_slack(2, 77));
  ASSERT_EQ(out.batch.size(), 3U);
  EXPECT_FALSE(out.has(1, "Recovered"));
  EXPECT_EQ(out.text(2, "Recovered"), "true");
  EXPECT_EQ(out.text(2, "EventRecordID"), "77");
  EXPECT_EQ(out.batch.slots()[2].record, 3U);
}

TEST(EvtxDecoder, RecoversRecordsOfAChunkWithoutItsMagic) {
  std::string file = sample_evtx(2);
  file[kEvtxHeaderBytes] = 'x';
  Decoded plain;
  plain.add(file);
  EXPECT_EQ(plain.batch.size(), 0U);
  Decoded out(recovering());
  out.add(file);
  EXPECT_EQ(out.batch.size(), 2U);
  EXPECT_EQ(out.text(1, "Recovered"), "true");
  EXPECT_EQ(out.causes(), std::vector<std::string>{"evtx-chunk-magic"});
}

TEST(EvtxDecoder, EmptiesItsTemplateCacheAtTheLimit) {
  Decoded out;
  for (int pass = 0; pass < 30; ++pass) {
    EvtxChunkWriter writer;
    for (int i = 0; i < 200; ++i) {
      const std::string name = "N" + std::to_string(pass) + "_" + std::to_string(i);
      writer.begin_record(static_cast<std::uint64_t>(i) + 1, kEvtxFiletime);
      writer.instance(name,
                      [&](EvtxChunkWriter& t) {
                        open_element(t, "Event");
                        open_element(t, "UserData");
                        open_element(t, "R");
                        t.leaf(name, 0, 0x01);
                        t.close();
                        t.close();
                        t.close();
                        t.end();
                      },
                      {evtx_text("v")});
      writer.end();
      writer.end_record();
    }
    out.batch.clear();
    out.inputs.clear();
    out.add(testing::evtx_file({writer.finish()}));
    ASSERT_EQ(out.batch.size(), 200U);
    EXPECT_EQ(out.text(199, "N" + std::to_string(pass) + "_199"), "v");
  }
}

TEST(EvtxDecoder, GoesOnPastAStaleFreeSpaceOffsetWhileTheCountGoesOn) {
  Decoded out;
  out.add(with_slack(1, 3));
  EXPECT_EQ(out.batch.size(), 3U);
}

TEST(EvtxDecoder, ReplacesAFreeSpaceOffsetThatCannotBe) {
  for (const std::uint32_t free_at : {0U, 511U, 65'537U, 0xFFFF'FFFFU}) {
    std::string file = without_checksums(sample_evtx(3));
    for (std::size_t i = 0; i < 4; ++i) file[kEvtxHeaderBytes + 48 + i] = static_cast<char>(free_at >> (8 * i));
    Decoded out;
    out.add(file);
    EXPECT_EQ(out.batch.size(), 3U) << free_at;
  }
}

TEST(EvtxDecoder, SurvivesEverySingleByteFlippedAndEveryCut) {
  const std::string file = sample_evtx(2);
  const std::string chunk = file.substr(kEvtxHeaderBytes, 4'000);
  Decoded out(recovering());
  for (std::size_t at = 0; at < chunk.size(); ++at) {
    std::string broken = chunk;
    broken[at] = static_cast<char>(broken[at] ^ 0xFF);
    out.batch.clear();
    out.inputs.clear();
    out.add(broken);
    out.batch.clear();
    out.inputs.clear();
    out.add(chunk.substr(0, at));
  }
}

}  // namespace
}  // namespace tocsin::decode
