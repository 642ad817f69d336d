#include <cstdlib>

#include "auth/token.h"

// What is found lies inside the header.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view header(reinterpret_cast<const char*>(data), size);
  for (const auto& found : {tocsin::auth::find_cookie(header, "tocsin_session"), tocsin::auth::bearer_token(header)}) {
    if (found && !found->empty() &&
        (found->data() < header.data() || found->data() + found->size() > header.data() + size)) {
      std::abort();
    }
    if (found && tocsin::auth::is_token(*found, "tcs_") && found->size() != 47) std::abort();
  }
  return 0;
}
