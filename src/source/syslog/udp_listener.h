// Syslog over UDP: one socket. See listener.h for threads.
#pragma once
#include <memory>

#include "core/result.h"
#include "source/syslog/listener.h"

namespace tocsin::source::syslog {

core::Result<std::unique_ptr<Listener>> listen_udp(Setting setting);

}  // namespace tocsin::source::syslog
