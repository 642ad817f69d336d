// The listener around the sessions: accepting and stopping are http/listener.h's.
#include <exception>

#include "source/lumberjack.h"
#include "source/lumberjack/session.h"

namespace tocsin::source {
namespace lumberjack {

std::shared_ptr<http::ListenerConnection> Shared::connect(Socket socket, const std::string& peer,
                                                          const http::SharedTls& tls) {
  return http::make_session<Session>(shared_from_this(), std::move(socket), peer, tls);
}

}  // namespace lumberjack

namespace {

using namespace lumberjack;

class Listener final : public LumberjackSource {
 public:
  explicit Listener(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~Listener() override { stop(milliseconds(500)); }
  core::Result<void> listen() { return shared_->listen(); }
  [[nodiscard]] std::uint16_t port() const override { return shared_->port(); }
  core::Result<void> reload_certificates() override { return shared_->reload_certificates(); }
  void stop(milliseconds grace) override { shared_->stop(grace); }

 private:
  std::shared_ptr<Shared> shared_;
};

}  // namespace

core::Result<std::unique_ptr<LumberjackSource>> LumberjackSource::start(LumberjackOptions options,
                                                                        const SourceContext& context) {
  if (!options.source && (!options.tls || options.tls->client_ca_path.empty())) {
    return core::Error{core::ErrorCode::kInvalid,
                       "listener '" + options.name + "' needs a source, or TLS with a client CA to tell sources by"};
  }
  try {
    auto listener = std::make_unique<Listener>(std::make_shared<Shared>(std::move(options), context));
    const auto listening = listener->listen();
    if (!listening.ok()) return listening.error();
    return std::unique_ptr<LumberjackSource>(std::move(listener));
  } catch (const std::exception& e) {
    return core::Error{core::ErrorCode::kIo, std::string("the Lumberjack listener cannot start: ") + e.what()};
  }
}

}  // namespace tocsin::source
