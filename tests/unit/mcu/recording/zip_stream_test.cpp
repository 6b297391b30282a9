#include "mcu/recording/zip_stream.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/unit/mcu/recording/support.hpp"

namespace parley::recording {
namespace {

TEST(ZipStream, IsReadByPython) {
  const Folder folder("zip");
  std::ofstream(folder.path() + "/a") << std::string(300'000, 'x');
  std::ofstream(folder.path() + "/b") << "";
  auto zip = ZipStream::make(
      {{"id/a", ReadFile::open(folder.path(), "a")}, {"id/b", ReadFile::open(folder.path(), "b")}});
  ASSERT_TRUE(zip);
  std::string all;
  for (;;) {
    const auto part = zip->next(1'000);
    ASSERT_TRUE(part);
    if (part->empty()) break;
    all += *part;
  }
  EXPECT_EQ(all.size(), zip->size());
  std::ofstream(folder.path() + "/t.zip", std::ios::binary) << all;
  const auto check = "python3 -c \"import zipfile; z = zipfile.ZipFile('" + folder.path() +
                     "/t.zip'); assert z.testzip() is None; assert z.namelist() == ['id/a', 'id/b']; assert "
                     "len(z.read('id/a')) == 300000\"";
  EXPECT_EQ(std::system(check.c_str()), 0);
}

TEST(ReadFile, FollowsNoLinksAndLeavesNoRoot) {
  const Folder folder("read");
  std::filesystem::create_directories(folder.path() + "/in/sub");
  std::ofstream(folder.path() + "/secret") << "s";
  std::ofstream(folder.path() + "/in/sub/f") << "hello";
  std::filesystem::create_symlink(folder.path() + "/secret", folder.path() + "/in/link");
  std::filesystem::create_directory_symlink(folder.path(), folder.path() + "/in/up");
  const auto root = folder.path() + "/in";
  ASSERT_TRUE(ReadFile::open(root, "sub/f"));
  EXPECT_EQ(*ReadFile::open(root, "sub/f")->read(1, 3), "ell");
  EXPECT_EQ(ReadFile::open(root, "sub/f")->crc32(), "3610a686");
  for (const char* path :
       {"link", "up/secret", "../secret", "sub/../../secret", "/etc/passwd", "", "sub", "sub//f"})
    EXPECT_FALSE(ReadFile::open(root, path)) << path;
}

}  // namespace
}  // namespace parley::recording
