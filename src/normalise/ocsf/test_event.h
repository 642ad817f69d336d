// Events for tests, from YAML maps: nested maps are dotted, lists are elements. Used by tests only.
#pragma once
#include <deque>
#include <string>

#include "core/yaml.h"
#include "model/event.h"

namespace tocsin::normalise {

class TestEvent {
 public:
  TestEvent() : batch_(names_) { batch_.begin_event(); }
  TestEvent(const TestEvent&) = delete;
  TestEvent& operator=(const TestEvent&) = delete;

  void add(const std::string& name, model::ValueType type, std::string_view text, bool element = false) {
    batch_.add(batch_.intern(name), type, keep(text), element);
  }
  void add(const std::string& name, std::string_view text) { add(name, model::ValueType::kText, text); }
  void add(const core::YamlNode& node, const std::string& name = "", bool element = false) {
    using Kind = core::YamlNode::Kind;
    if (node.kind == Kind::kMap) {
      for (const auto& [key, value] : node.entries) add(*value, name.empty() ? key->text : name + "." + key->text, element);
    } else if (node.kind == Kind::kList) {
      for (const core::YamlNode* item : node.items) add(*item, name, true);
    } else {
      const auto type = node.kind == Kind::kNull     ? model::ValueType::kNull
                        : node.kind == Kind::kBool   ? model::ValueType::kBool
                        : node.kind == Kind::kNumber ? model::ValueType::kNumber
                                                     : model::ValueType::kText;
      add(name, type, node.kind == Kind::kNull ? "" : node.text, element);
    }
  }
  // Ends the event; the slot may be changed.
  model::EventSlot& end() { return batch_.end_event(); }
  [[nodiscard]] model::Event event() const { return batch_.event(0); }
  std::string_view keep(std::string_view text) { return texts_.emplace_back(text); }

 private:
  model::NameTable names_;
  model::Batch batch_;
  std::deque<std::string> texts_;
};

}  // namespace tocsin::normalise
