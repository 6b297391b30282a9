// docs/protocol.md names every message and field of the table.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "transport/protocol/table.hpp"

namespace parley::protocol {
namespace {

std::string page() {
  std::ifstream in(std::string(PARLEY_SOURCE_DIR) + "/docs/protocol.md");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Collects the names of a row's fields, those of nested objects included.
struct Names {
  std::set<std::string> names;

  template <typename T, typename Rule>
  void field(std::string_view key, const T& member, const Rule& rule) {
    names.emplace(key);
    inner(member, rule);
  }
  template <typename T, typename Rule>
  void defaulted(std::string_view key, const T& member, const Rule& rule) {
    field(key, member, rule);
  }
  template <typename T>
  void inner(const T& member, const Object&) {
    Row<T>::fields(*this, member);
  }
  template <typename T>
  void inner(const std::vector<T>&, const ListOf<Object>&) {
    const T element{};
    Row<T>::fields(*this, element);
  }
  void inner(const auto&, const auto&) {}
};

template <typename Variant, std::size_t... I>
void expect_documented(const std::string& text, std::index_sequence<I...>) {
  const auto expect = [&text](auto message) {
    using R = Row<decltype(message)>;
    const std::string type(R::type);
    EXPECT_NE(text.find("`" + type + "`"), std::string::npos) << type;
    Names names;
    R::fields(names, message);
    for (const auto& name : names.names) {
      const bool found = text.find("`" + name + "`") != std::string::npos ||
                         text.find("`" + name + "?`") != std::string::npos ||
                         text.find("\"" + name + "\"") != std::string::npos;
      EXPECT_TRUE(found) << type << "." << name;
    }
  };
  (expect(std::variant_alternative_t<I, Variant>{}), ...);
}

TEST(ProtocolPage, NamesEveryMessageAndField) {
  const auto text = page();
  ASSERT_FALSE(text.empty());
  expect_documented<Request>(text, std::make_index_sequence<std::variant_size_v<Request>>{});
  expect_documented<ServerBody>(text, std::make_index_sequence<std::variant_size_v<ServerBody>>{});
}

}  // namespace
}  // namespace parley::protocol
