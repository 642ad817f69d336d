#include "decode/windows_names.h"

#include <gtest/gtest.h>

#include <utility>

namespace tocsin::decode {
namespace {

class WindowsNames : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};
TEST_P(WindowsNames, PathHasItsSigmaName) { EXPECT_EQ(canonical_name(GetParam().first), GetParam().second); }

using P = std::pair<const char*, const char*>;
INSTANTIATE_TEST_SUITE_P(
    EvtxDump, WindowsNames,
    ::testing::Values(
        P{"Event.System.Provider.#attributes.Name", "Provider_Name"},
        P{"Event.System.Provider.#attributes.Guid", "Provider_Guid"},
        P{"Event.System.Provider.#attributes.EventSourceName", "EventSourceName"},
        P{"Event.System.Provider_attributes.Name", "Provider_Name"}, P{"Event.System.Provider.@Name", "Provider_Name"},
        P{"Event.System.EventID", "EventID"}, P{"Event.System.EventID.#text", "EventID"},
        P{"Event.System.EventID.#attributes.Qualifiers", "Qualifiers"}, P{"Event.System.Version", "Version"},
        P{"Event.System.Level", "Level"}, P{"Event.System.Task", "Task"}, P{"Event.System.Opcode", "Opcode"},
        P{"Event.System.Keywords", "Keywords"}, P{"Event.System.TimeCreated.#attributes.SystemTime", "TimeCreated"},
        P{"Event.System.TimeCreated_attributes.SystemTime", "TimeCreated"}, P{"Event.System.EventRecordID", "EventRecordID"},
        P{"Event.System.Correlation.#attributes.ActivityID", "ActivityID"},
        P{"Event.System.Correlation.#attributes.RelatedActivityID", "RelatedActivityID"},
        P{"Event.System.Execution.#attributes.ProcessID", "ProcessID"},
        P{"Event.System.Execution.#attributes.ThreadID", "ThreadID"}, P{"Event.System.Channel", "Channel"},
        P{"Event.System.Computer", "Computer"}, P{"Event.System.Security.#attributes.UserID", "UserID"},
        P{"Event.EventData.CommandLine", "CommandLine"}, P{"Event.EventData.Threat Name", "ThreatName"},
        P{"Event.EventData.Data", "Data"}, P{"Event.EventData.Data.#text", "Data"}, P{"Event.EventData.Binary", "Binary"},
        P{"Event.UserData.LogFileCleared.SubjectUserName", "SubjectUserName"},
        P{"Event.UserData.EventXML.Param1.#text", "Param1"}, P{"Event.UserData.EventXML.A.B", "A.B"},
        P{"Event.UserData.X", "X"}, P{"Event.System.Correlation", "Correlation"},
        P{"Event.System.Execution.#attributes.KernelTime", "KernelTime"}, P{"Event.EventData", "EventData"},
        P{"Event.EventData.#attributes.Name", "EventData.Name"}, P{"Event.UserData.X.#attributes.Id", "X.Id"},
        P{"Event.RenderingInfo.Message", "Message"}, P{"Event.RenderingInfo.Level", "RenderingInfo.Level"},
        P{"Event.ProcessingErrorData.ErrorCode", "ProcessingErrorData.ErrorCode"}));
INSTANTIATE_TEST_SUITE_P(Exporters, WindowsNames,
                         ::testing::Values(P{"winlog.channel", "Channel"}, P{"winlog.provider_name", "Provider_Name"},
                                           P{"winlog.provider_guid", "Provider_Guid"}, P{"winlog.event_id", "EventID"},
                                           P{"winlog.computer_name", "Computer"}, P{"winlog.record_id", "EventRecordID"},
                                           P{"winlog.process.pid", "ProcessID"}, P{"winlog.process.thread.id", "ThreadID"},
                                           P{"winlog.user.identifier", "UserID"}, P{"winlog.activity_id", "ActivityID"},
                                           P{"winlog.event_data.TargetImage", "TargetImage"},
                                           P{"winlog.event_data.Threat Name", "ThreatName"},
                                           P{"winlog.user_data.Operation", "Operation"}, P{"event_data.Image", "Image"},
                                           P{"data.win.system.providerName", "Provider_Name"},
                                           P{"data.win.system.eventID", "EventID"},
                                           P{"data.win.eventdata.commandLine", "CommandLine"}));
INSTANTIATE_TEST_SUITE_P(Unknown, WindowsNames,
                         ::testing::Values(P{"", ""}, P{"a.b", "a.b"}, P{"host.name", "host.name"},
                                           P{"event.code", "event.code"}, P{"Threat Name", "Threat Name"},
                                           P{"Hostname", "Hostname"},
                                           P{"Event.#attributes.xmlns", "Event.#attributes.xmlns"},
                                           P{"Event.EventData.#attributes.xmlns", "Event.EventData.#attributes.xmlns"},
                                           P{"Event.UserData.X.#attributes.xmlns", "Event.UserData.X.#attributes.xmlns"},
                                           P{"Event.System.", "Event.System."}, P{"Events", "Events"}, P{"Event", "Event"},
                                           P{"winlog.opcode", "winlog.opcode"},
                                           P{"winlog.event_data.", "winlog.event_data."}));

}  // namespace
}  // namespace tocsin::decode
