#include "notify/transport.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tocsin::notify {
namespace {

constexpr std::size_t kMaxProblemBytes = 400;

struct List {
  List() = default;
  ~List() { curl_slist_free_all(first); }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  void add(const std::string& text) { first = curl_slist_append(first, text.c_str()); }
  curl_slist* first = nullptr;
};

struct Transfer {
  explicit Transfer(const std::atomic<bool>& stop) : stopping(stop), handle(curl_easy_init()) {}
  ~Transfer() { curl_easy_cleanup(handle); }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  const std::atomic<bool>& stopping;
  CURL* handle;
  std::array<char, CURL_ERROR_SIZE> error{};
  std::string body;
  std::size_t sent = 0, answered = 0;
  bool allow_loopback = false, refused = false;
};

std::size_t read_body(char* to, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = std::min(size * count, transfer.body.size() - transfer.sent);
  std::memcpy(to, transfer.body.data() + transfer.sent, bytes);
  transfer.sent += bytes;
  return bytes;
}
// The answer says nothing that counts.
std::size_t drop_answer(char*, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.answered += size * count;
  return transfer.answered > kMaxAnswerBytes ? 0 : size * count;
}
int watch(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(user)->stopping.load() ? 1 : 0;
}

bool reachable_v4(std::uint32_t address, bool allow_loopback) {
  const std::uint32_t first = address >> 24;
  if (first == 127) return allow_loopback;
  return first != 0 && first < 224 && (address >> 16) != 0xA9FE;  // This network, multicast and beyond, link-local.
}
bool reachable(const sockaddr* address, bool allow_loopback) {
  if (address->sa_family == AF_INET) {
    return reachable_v4(ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr), allow_loopback);
  }
  if (address->sa_family != AF_INET6) return false;
  const in6_addr& six = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  if (IN6_IS_ADDR_LOOPBACK(&six)) return allow_loopback;
  if (IN6_IS_ADDR_V4MAPPED(&six) || IN6_IS_ADDR_V4COMPAT(&six)) {
    std::uint32_t four = 0;
    std::memcpy(&four, &six.s6_addr[12], sizeof four);
    return reachable_v4(ntohl(four), allow_loopback);
  }
  return !IN6_IS_ADDR_UNSPECIFIED(&six) && !IN6_IS_ADDR_LINKLOCAL(&six) && !IN6_IS_ADDR_MULTICAST(&six);
}
curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!reachable(&address->addr, transfer.allow_loopback)) {
    transfer.refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

template <class Value>
void set(Transfer& transfer, CURLoption option, Value value) {
  curl_easy_setopt(transfer.handle, option, value);
}

void prepare(Transfer& transfer, const TransportOptions& options, const char* protocols) {
  set(transfer, CURLOPT_ERRORBUFFER, transfer.error.data());
  set(transfer, CURLOPT_NOSIGNAL, 1L);
  set(transfer, CURLOPT_PROTOCOLS_STR, protocols);
  set(transfer, CURLOPT_FOLLOWLOCATION, 0L);
  set(transfer, CURLOPT_PROXY, "");
  set(transfer, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(kDeliveryTime.count()));
  set(transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(kConnectTime.count()));
  set(transfer, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(transfer, CURLOPT_SSL_VERIFYPEER, 1L);
  set(transfer, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca.empty()) set(transfer, CURLOPT_CAINFO, options.ca.c_str());
  set(transfer, CURLOPT_WRITEFUNCTION, drop_answer);
  set(transfer, CURLOPT_WRITEDATA, &transfer);
  set(transfer, CURLOPT_NOPROGRESS, 0L);
  set(transfer, CURLOPT_XFERINFOFUNCTION, watch);
  set(transfer, CURLOPT_XFERINFODATA, &transfer);
}

std::string problem_of(const Transfer& transfer, CURLcode code) {
  std::string out = transfer.error[0] != '\0' ? transfer.error.data() : curl_easy_strerror(code);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) c = ' ';
  }
  out.resize(std::min(out.size(), kMaxProblemBytes));
  return out;
}

}  // namespace

Transport::Transport(TransportOptions options, const std::atomic<bool>& stopping)
    : options_(std::move(options)), stopping_(stopping) {
  // Once for the program; counted by the library and safe to repeat.
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(started);
}
Transport::~Transport() = default;

Outcome Transport::mail(const std::vector<std::string>& to, const std::string& text) const {
  const SmtpServer& smtp = options_.smtp;
  if (smtp.server.empty()) return {false, true, "no mail server is set: notify.smtp.server in the configuration"};
  Transfer transfer(stopping_);
  if (transfer.handle == nullptr) return {false, false, "out of memory"};
  prepare(transfer, options_, "smtp,smtps");
  const bool six = smtp.server.find(':') != std::string::npos && !smtp.server.starts_with('[');
  const std::string url = std::string(smtp.tls == SmtpServer::Tls::kTls ? "smtps" : "smtp") + "://" +
                          (six ? "[" + smtp.server + "]" : smtp.server) + ":" + std::to_string(smtp.port) + "/tocsin";
  set(transfer, CURLOPT_URL, url.c_str());
  set(transfer, CURLOPT_USE_SSL, static_cast<long>(smtp.tls == SmtpServer::Tls::kNone ? CURLUSESSL_NONE : CURLUSESSL_ALL));
  if (!smtp.user.empty()) {
    set(transfer, CURLOPT_USERNAME, smtp.user.c_str());
    set(transfer, CURLOPT_PASSWORD, std::string(smtp.password.reveal()).c_str());
  }
  set(transfer, CURLOPT_MAIL_FROM, ("<" + smtp.from + ">").c_str());
  List recipients;
  for (const std::string& address : to) recipients.add("<" + address + ">");
  set(transfer, CURLOPT_MAIL_RCPT, recipients.first);
  // One address that is gone must not keep the others from knowing.
  set(transfer, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
  transfer.body = text;
  set(transfer, CURLOPT_UPLOAD, 1L);
  set(transfer, CURLOPT_READFUNCTION, read_body);
  set(transfer, CURLOPT_READDATA, &transfer);
  const CURLcode code = curl_easy_perform(transfer.handle);
  if (code == CURLE_OK) return {true, false, {}};
  long answer = 0;
  curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &answer);
  std::string problem = "mail server " + smtp.server + ": " + problem_of(transfer, code);
  if (answer >= 400) problem += " (" + std::to_string(answer) + ")";
  // What the server answers with 5xx it will answer again; but one that does not let us in may be set right.
  const bool permanent = answer >= 500 && answer < 600 && code != CURLE_LOGIN_DENIED;
  return {false, permanent, std::move(problem)};
}

Outcome Transport::post(const std::string& url, const std::string& json, const std::vector<std::string>& headers) const {
  Transfer transfer(stopping_);
  if (transfer.handle == nullptr) return {false, false, "out of memory"};
  prepare(transfer, options_, options_.allow_loopback ? "http,https" : "https");
  transfer.allow_loopback = options_.allow_loopback;
  set(transfer, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  set(transfer, CURLOPT_OPENSOCKETDATA, &transfer);
  set(transfer, CURLOPT_URL, url.c_str());
  set(transfer, CURLOPT_USERAGENT, "Tocsin");
  List list;
  list.add("Content-Type: application/json; charset=utf-8");
  list.add("Expect:");
  for (const std::string& header : headers) list.add(header);
  set(transfer, CURLOPT_HTTPHEADER, list.first);
  set(transfer, CURLOPT_POST, 1L);
  set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(json.size()));
  set(transfer, CURLOPT_POSTFIELDS, json.c_str());
  const CURLcode code = curl_easy_perform(transfer.handle);
  long answer = 0;
  curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &answer);
  if (transfer.refused) return {false, false, "the receiver's name stands for an address that webhooks must not go to"};
  // Its answer is too long, but it has answered.
  const bool answered = code == CURLE_OK || (code == CURLE_WRITE_ERROR && transfer.answered > kMaxAnswerBytes);
  if (!answered) return {false, false, "webhook: " + problem_of(transfer, code)};
  if (answer >= 200 && answer < 300) return {true, false, {}};
  const bool again = answer == 408 || answer == 425 || answer == 429;
  const bool permanent = answer >= 300 && answer < 500 && !again;
  std::string problem = "the receiver answered " + std::to_string(answer);
  if (answer >= 300 && answer < 400) problem += ", a redirect, which is not followed";
  return {false, permanent, std::move(problem)};
}

}  // namespace tocsin::notify
