#include "app/certificate.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "testing/paths.h"
#include "testing/temporary_folder.h"

namespace tocsin::app {
namespace {

constexpr std::int64_t kDayNs = 86'400'000'000'000;
const core::Timestamp kNow{1'795'521'600'000'000'000};  // 2026-11-24T12:00:00Z

core::Timestamp after(std::int64_t days) { return {kNow.ns + days * kDayNs}; }
unsigned mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777u;
}
CertificateFiles made(const std::string& folder, core::Timestamp now,
                      const std::vector<std::string>& names = {"localhost"}) {
  const core::Result<CertificateFiles> files = own_certificate(folder, names, now);
  EXPECT_TRUE(files.ok()) << (files.ok() ? "" : files.error().text);
  return files.ok() ? *files : CertificateFiles{};
}

TEST(OwnCertificate, IsForTheNamesAndAddressesAndGoodFor397Days) {
  const testing::TemporaryFolder folder;
  const CertificateFiles files =
      made(folder.path() / "keys", kNow, {"localhost", "web01.example.org", "192.0.2.7", "2001:db8::1", "not a name"});
  const core::Result<api::Certificate> about = describe_certificate("own", files.certificate);
  ASSERT_TRUE(about.ok()) << about.error().text;
  EXPECT_EQ(about->name, "own");
  EXPECT_EQ(about->subject, "CN=web01.example.org,O=Tocsin");
  EXPECT_EQ(about->issuer, about->subject);
  EXPECT_TRUE(about->self_signed);
  EXPECT_EQ(about->names, (std::vector<std::string>{"localhost", "web01.example.org", "192.0.2.7", "2001:db8::1"}));
  EXPECT_EQ(about->not_after.ns - about->not_before.ns, 397 * kDayNs);
  EXPECT_LT(about->not_before, kNow);
  EXPECT_EQ(about->sha256.size(), 95u);
  EXPECT_TRUE(check_certificate_pair(files.certificate, files.key).ok());
}

TEST(OwnCertificate, KeepsTheKeyFromOthers) {
  const testing::TemporaryFolder folder;
  const CertificateFiles files = made(folder.path() / "a/keys", kNow);
  EXPECT_EQ(mode_of(files.key), 0600u);
  EXPECT_EQ(mode_of(folder.path() / "a/keys"), 0700u);
}

TEST(OwnCertificate, IsKeptUntilThirtyDaysBeforeItsEnd) {
  const testing::TemporaryFolder folder;
  const std::string first = testing::read_file(made(folder.path(), kNow).certificate);
  EXPECT_EQ(testing::read_file(made(folder.path(), after(366)).certificate), first);
  const CertificateFiles renewed = made(folder.path(), after(368));
  EXPECT_NE(testing::read_file(renewed.certificate), first);
  EXPECT_TRUE(check_certificate_pair(renewed.certificate, renewed.key).ok());
}

TEST(OwnCertificate, IsMadeAnewWhereItIsNotYetGoodDamagedOrWithoutItsKey) {
  const testing::TemporaryFolder folder;
  const std::string first = testing::read_file(made(folder.path(), kNow).certificate);
  const std::string earlier = testing::read_file(made(folder.path(), after(-10)).certificate);
  EXPECT_NE(earlier, first);
  folder.write("own-certificate.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const CertificateFiles repaired = made(folder.path(), kNow);
  EXPECT_TRUE(check_certificate_pair(repaired.certificate, repaired.key).ok());
  const testing::TemporaryFolder other;
  folder.write("own-key.pem", testing::read_file(made(other.path(), kNow).key));
  const CertificateFiles paired = made(folder.path(), kNow);
  EXPECT_TRUE(check_certificate_pair(paired.certificate, paired.key).ok());
}

TEST(OwnCertificate, SaysWhichFolderItCannotMake) {
  const testing::TemporaryFolder folder;
  const std::string file = folder.write("file", "");
  const core::Result<CertificateFiles> files = own_certificate(file + "/keys", {"localhost"}, kNow);
  ASSERT_FALSE(files.ok());
  EXPECT_NE(files.error().text.find(file + "/keys"), std::string::npos) << files.error().text;
}

TEST(CertificatePair, TellsWhatIsWrongWithWhichFile) {
  const testing::TemporaryFolder folder, other;
  const CertificateFiles files = made(folder.path(), kNow), others = made(other.path(), kNow);
  const auto text = [](const core::Result<void>& result) { return result.ok() ? std::string() : result.error().text; };
  EXPECT_NE(text(check_certificate_pair(files.certificate, others.key)).find("is not that of the certificate"),
            std::string::npos);
  EXPECT_NE(text(check_certificate_pair(files.key, files.key)).find("holds no certificate"), std::string::npos);
  EXPECT_NE(text(check_certificate_pair(files.certificate, files.certificate)).find("holds no private key"),
            std::string::npos);
  EXPECT_NE(text(check_certificate_pair(files.certificate, folder.path() / "absent")).find("cannot read"),
            std::string::npos);
  EXPECT_NE(text(check_certificate_pair(folder.path(), files.key)).find("is not a PEM file"), std::string::npos);
}

TEST(HostNames, BeginWithLocalhostAndHaveTheLoopbackAddress) {
  const std::vector<std::string> names = host_names();
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(names[0], "localhost");
  EXPECT_LE(names.size(), 32u);
  EXPECT_NE(std::find(names.begin(), names.end(), "127.0.0.1"), names.end());
}

}  // namespace
}  // namespace tocsin::app
