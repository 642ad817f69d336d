#include "app/notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "testing/temporary_folder.h"

namespace tocsin::app {
namespace {

// What systemd's side would be.
class NotifyTest : public ::testing::Test {
 protected:
  ~NotifyTest() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
    if (fd_ >= 0) ::close(fd_);
  }
  void listen(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(name.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), bytes), 0) << std::strerror(errno);
    const timeval wait{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  std::string received() {
    char bytes[2'048];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    return got < 0 ? "nothing" : std::string(bytes, static_cast<std::size_t>(got));
  }

  testing::TemporaryFolder folder_;
  int fd_ = -1;
};

TEST_F(NotifyTest, TellsTheManagerOverASocketInTheFileSystem) {
  listen((folder_.path() / "notify").string());
  const Notifier notifier = Notifier::from_environment();
  ASSERT_TRUE(notifier.active());
  notifier.ready("listening on 127.0.0.1:8443");
  EXPECT_EQ(received(), "READY=1\nSTATUS=listening on 127.0.0.1:8443");
  notifier.ready();
  EXPECT_EQ(received(), "READY=1");
  notifier.watchdog();
  EXPECT_EQ(received(), "WATCHDOG=1");
  notifier.stopping();
  EXPECT_EQ(received(), "STOPPING=1");
  notifier.reloading();
  EXPECT_TRUE(received().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  notifier.extend_timeout(std::chrono::seconds(10));
  EXPECT_EQ(received(), "EXTEND_TIMEOUT_USEC=10000000");
}

TEST_F(NotifyTest, TellsTheManagerOverAnAbstractSocket) {
  listen("@tocsin-test-" + std::to_string(::getpid()));
  Notifier::from_environment().status("1,000 events/s");
  EXPECT_EQ(received(), "STATUS=1,000 events/s");
}

TEST_F(NotifyTest, AStatusIsOneLineOfBoundedLength) {
  listen((folder_.path() / "notify").string());
  const Notifier notifier = Notifier::from_environment();
  notifier.status("one\nREADY=1\ttwo");
  EXPECT_EQ(received(), "STATUS=one READY=1 two");
  notifier.status("");  // Nothing to say.
  notifier.status(std::string(10'000, 'x'));
  EXPECT_EQ(received(), "STATUS=" + std::string(512, 'x'));
}

TEST_F(NotifyTest, TellsNobodyWithoutASocketOrWithANameThatIsNone) {
  for (const char* name : {"", "relative", "@", "vsock:1:2"}) {
    ::setenv("NOTIFY_SOCKET", name, 1);
    EXPECT_FALSE(Notifier::from_environment().active()) << name;
  }
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  EXPECT_FALSE(Notifier::from_environment().active());
  ::unsetenv("NOTIFY_SOCKET");
  Notifier::from_environment().ready();
  ::setenv("NOTIFY_SOCKET", (folder_.path() / "absent").c_str(), 1);
  Notifier::from_environment().ready();  // Nobody there: no harm.
}

TEST_F(NotifyTest, TheWatchdogIsFedTwiceWithinItsTime) {
  listen((folder_.path() / "notify").string());
  EXPECT_FALSE(Notifier::from_environment().watchdog_interval());
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(Notifier::from_environment().watchdog_interval(), std::chrono::seconds(15));
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(Notifier::from_environment().watchdog_interval(), std::chrono::seconds(15));
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(Notifier::from_environment().watchdog_interval());
  ::unsetenv("WATCHDOG_PID");
  ::setenv("WATCHDOG_USEC", "soon", 1);
  EXPECT_FALSE(Notifier::from_environment().watchdog_interval());
}

TEST_F(NotifyTest, AManagerThatDoesNotReadCannotHoldTheProgram) {
  listen((folder_.path() / "notify").string());
  const Notifier notifier = Notifier::from_environment();
  const auto start = std::chrono::steady_clock::now();
  int sent = 0;
  while (std::chrono::steady_clock::now() - start < kNotifyWait && sent < 100'000) {
    notifier.watchdog();
    ++sent;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace tocsin::app
