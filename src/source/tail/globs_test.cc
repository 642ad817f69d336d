#include "source/tail/globs.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "testing/temporary_folder.h"

namespace tocsin::source::tail {
namespace {

using Names = std::vector<std::string>;

Globs globs(const Names& patterns, const Names& exclude = {}, bool follow_links = false) {
  auto made = Globs::make(patterns, exclude, follow_links);
  EXPECT_TRUE(made.ok());
  return std::move(made).value();
}

struct Tree {
  tocsin::testing::TemporaryFolder folder;
  Tree() {
    for (const char* name : {"a.log", "b.log", "b.txt", ".hidden.log", "x/a.log", "x/y/c.log", "x/y/z/c.log"}) {
      folder.write(name, "");
    }
  }
  [[nodiscard]] Names expand(const Names& patterns, const Names& exclude = {}, bool follow_links = false) const {
    Names full, out;
    const std::string root = folder.path().string();
    for (const std::string& pattern : patterns) full.push_back(root + "/" + pattern);
    for (const GlobMatch& match : globs(full, exclude, follow_links).expand(100).matches) {
      out.push_back(match.path.substr(root.size() + 1));
    }
    std::ranges::sort(out);
    return out;
  }
};

TEST(Globs, ExpandsPatternsInEachPartOfAPath) {
  const Tree tree;
  EXPECT_EQ(tree.expand({"*.log"}), (Names{"a.log", "b.log"}));
  EXPECT_EQ(tree.expand({"?.txt", "[ac].log"}), (Names{"a.log", "b.txt"}));
  EXPECT_EQ(tree.expand({"*/*/c.log"}), (Names{"x/y/c.log"}));
  EXPECT_EQ(tree.expand({".*.log"}), (Names{".hidden.log"}));
  EXPECT_EQ(tree.expand({"none/*.log", "a.log", "nothing.log"}), (Names{"a.log"}));
}

TEST(Globs, TwoStarsAreAnyNumberOfFolders) {
  const Tree tree;
  EXPECT_EQ(tree.expand({"**/c.log"}), (Names{"x/y/c.log", "x/y/z/c.log"}));
  EXPECT_EQ(tree.expand({"x/**/?.log"}), (Names{"x/a.log", "x/y/c.log", "x/y/z/c.log"}));
}

TEST(Globs, ExcludesByNameOrByPath) {
  const Tree tree;
  EXPECT_EQ(tree.expand({"**/*.log"}, {"c.log"}), (Names{"a.log", "b.log", "x/a.log"}));
  EXPECT_EQ(tree.expand({"**/*.log"}, {"/**/x/**/*.log"}), (Names{"a.log", "b.log"}));
}

TEST(Globs, EntersLinkedFoldersOnlyWhereAllowed) {
  const Tree tree;
  std::filesystem::create_directory_symlink(tree.folder.path() / "x", tree.folder.path() / "w");
  EXPECT_EQ(tree.expand({"?/a.log"}), (Names{"x/a.log"}));
  EXPECT_EQ(tree.expand({"?/a.log"}, {}, true), (Names{"w/a.log", "x/a.log"}));
}

TEST(Globs, StopsAtTheLimitAndSaysSo) {
  const Tree tree;
  const Globs all = globs({tree.folder.path().string() + "/*.log"});
  EXPECT_EQ(all.expand(1).matches.size(), 1u);
  EXPECT_FALSE(all.expand(1).complete);
  EXPECT_TRUE(all.expand(2).complete);
}

TEST(Globs, TellsWhichPathsMatchWithoutADisk) {
  const Globs some = globs({"/var/log/*.log", "/srv/**/access.log"}, {"*.1.log"});
  EXPECT_TRUE(some.matches("/var/log/a.log"));
  EXPECT_FALSE(some.matches("/var/log/a.1.log"));
  EXPECT_FALSE(some.matches("/var/log/x/a.log"));
  EXPECT_TRUE(some.matches("/srv/access.log"));
  EXPECT_TRUE(some.matches("/srv/a/b/access.log"));
  EXPECT_FALSE(some.matches("/srv/.a/access.log"));
  EXPECT_TRUE(some.on_the_way("/var"));
  EXPECT_FALSE(some.on_the_way("/var/log/x"));
  EXPECT_TRUE(some.on_the_way("/srv/x/y/z"));
}

TEST(Globs, RefusesWhatIsNoPatternOfFiles) {
  for (const char* wrong : {"", "log/*.log", "/", "/var/log/", "/var/**"})
    EXPECT_FALSE(Globs::make({wrong}, {}, false).ok());
  EXPECT_FALSE(Globs::make({}, {}, false).ok());
  std::string deep;
  for (std::size_t i = 0; i < kMaxGlobParts; ++i) deep += "/a";
  EXPECT_TRUE(Globs::make({deep}, {}, false).ok());
  EXPECT_FALSE(Globs::make({deep + "/a"}, {}, false).ok());
}

}  // namespace
}  // namespace tocsin::source::tail
