// What a syslog message says, whatever envelope it came in (syslog, journald export, JSON).
//
// Pure, no state. All functions add to the OPEN event of `out`; values are views into the given texts or into
// out.arena(), so the texts must live as long as the batch's content.
#pragma once
#include <string_view>

#include "core/time.h"
#include "model/event.h"

namespace tocsin::decode {

// Fields of well-known Linux messages, for correlations: user, target_user, src_ip, src_host, src_port, auth_method,
// outcome ("success", "failure"), tty, pwd, command, and for sudo also its own TTY, PWD, USER, COMMAND (Sigma rules use
// these). `appname` is the tag without process id: "sshd", "sudo", "CRON". Unknown messages add nothing.
//
// `outcome` is set only by the message that gives the verdict of an attempt ("Failed password", "Accepted publickey"),
// not by its companions ("Invalid user"), so that one attempt counts once; PAM's own line has auth_method "pam".
void add_syslog_extras(std::string_view appname, std::string_view message, model::Batch& out);

// Reads a structured message: CEF, LEEF, JSON, an audit record, event XML, a Cisco mnemonic or key=value pairs, and says
// which it was. kNone adds nothing. `time` is set where the message has one and `time` is not known yet.
model::Payload add_message_payload(std::string_view appname, std::string_view message, model::Batch& out,
                                   core::Timestamp& time);

}  // namespace tocsin::decode
