#include "mcu/settings/yaml_text.hpp"

#include <yaml-cpp/eventhandler.h>

#include <sstream>

#include "transport/base/log.hpp"

namespace parley::settings {

namespace {

// Notes only where documents begin.
class DocumentStarts : public YAML::EventHandler {
 public:
  int line() const { return line_; }

  void OnDocumentStart(const YAML::Mark& mark) override { line_ = mark.line + 1; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}

 private:
  int line_ = 0;
};

// The line on which a second document begins, 0 when there is one at most. YAML::Load would ignore it, and
// YAML::LoadAll of yaml-cpp 0.7 never returns from a text such as ",".
int second_document(const std::string& text) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  DocumentStarts starts;
  if (!parser.HandleNextDocument(starts) || !parser) return 0;
  parser.HandleNextDocument(starts);
  return starts.line();
}

}  // namespace

Result<YAML::Node> read_yaml(const std::string& text) {
  try {
    if (const int line = second_document(text); line > 0) return Error{"a second YAML document", line};
    return YAML::Load(text);
  } catch (const YAML::Exception& e) {
    return Error{"not valid YAML: " + log::printable(e.msg), e.mark.is_null() ? 0 : e.mark.line + 1};
  }
}

}  // namespace parley::settings
