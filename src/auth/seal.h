// Small secrets sealed for the ledger by libsodium's secretbox: hex of nonce and box. Private to auth; pure but for nonces.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/secret.h"

namespace tocsin::auth {

std::string seal(std::string_view plain, const core::Secret& key);
std::optional<core::Secret> unseal(std::string_view sealed, const core::Secret& key);

}  // namespace tocsin::auth
