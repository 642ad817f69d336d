// Makes a MappedFile of an open file.
#pragma once
#include <memory>

#include "core/result.h"
#include "source/file_input.h"

namespace tocsin::source {

// Reads the file at most as long as it is now. The descriptor may be closed afterwards; its position is not touched.
core::Result<std::shared_ptr<const MappedFile>> map_file(int descriptor);

}  // namespace tocsin::source
