// Syslog over TCP and TLS: one accepting socket and its connections. See listener.h for threads.
#pragma once
#include <memory>

#include "core/result.h"
#include "source/syslog/listener.h"

namespace tocsin::source::syslog {

core::Result<std::unique_ptr<Listener>> listen_tcp(Setting setting);

}  // namespace tocsin::source::syslog
