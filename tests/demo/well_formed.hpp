#pragma once

#include <string>

namespace demo {

/// Why a document is not well formed XML, or nothing if it is. Knows what plots are made of:
/// a declaration, elements, attributes in double quotes and character entities.
std::string xml_fault(const std::string& document);

}  // namespace demo
