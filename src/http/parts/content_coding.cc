#include "http/parts/content_coding.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace tocsin::http {
namespace {

constexpr std::size_t kPieceBytes = 64u << 10;

core::Error too_long(std::size_t max_bytes) {
  return {core::ErrorCode::kLimit, "the decoded body is longer than " + std::to_string(max_bytes) + " bytes"};
}
core::Error broken(const char* coding) {
  return {core::ErrorCode::kInvalid, std::string("the body is not valid ") + coding + ", or is cut"};
}

// `window_bits` as of inflateInit2. Several gzip members one after another are one body, as gzip defines it.
core::Result<std::string> inflate_all(std::string_view in, int window_bits, const char* coding, std::size_t max_bytes) {
  z_stream zip{};
  if (inflateInit2(&zip, window_bits) != Z_OK) return core::Error{core::ErrorCode::kIo, "no memory to decompress"};
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&zip, inflateEnd);
  std::vector<char> piece(kPieceBytes);
  std::string out;
  // zlib does not write to its input; bodies are shorter than 4 GiB, see Limits.
  zip.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  zip.avail_in = static_cast<uInt>(in.size());
  while (true) {
    zip.next_out = reinterpret_cast<Bytef*>(piece.data());
    zip.avail_out = static_cast<uInt>(piece.size());
    const int state = inflate(&zip, Z_NO_FLUSH);
    const std::size_t got = piece.size() - zip.avail_out;
    if (out.size() + got > max_bytes) return too_long(max_bytes);
    out.append(piece.data(), got);
    if (state == Z_STREAM_END) {
      if (zip.avail_in == 0) return out;
      if (window_bits <= MAX_WBITS || inflateReset(&zip) != Z_OK) return broken(coding);
    } else if (state != Z_OK || (zip.avail_in == 0 && got == 0)) {
      return broken(coding);
    }
  }
}

core::Result<std::string> inflate_deflate(std::string_view in, std::size_t max_bytes) {
  // "deflate" means the zlib format (RFC 9110, 8.4.1.2), but some clients send it bare.
  const bool zlib_head = in.size() >= 2 && (static_cast<unsigned char>(in[0]) & 0x0F) == 8 &&
                         (static_cast<unsigned char>(in[0]) * 256u + static_cast<unsigned char>(in[1])) % 31 == 0;
  return inflate_all(in, zlib_head ? MAX_WBITS : -MAX_WBITS, "deflate", max_bytes);
}

core::Result<std::string> decode_zstd(std::string_view in, std::size_t max_bytes) {
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return core::Error{core::ErrorCode::kIo, "no memory to decompress"};
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kMaxZstdWindowLog);
  std::vector<char> piece(kPieceBytes);
  std::string out;
  ZSTD_inBuffer from{in.data(), in.size(), 0};
  std::size_t left = 1;
  while (true) {
    ZSTD_outBuffer to{piece.data(), piece.size(), 0};
    left = ZSTD_decompressStream(context.get(), &to, &from);
    if (ZSTD_isError(left) != 0) return broken("zstd");
    if (out.size() + to.pos > max_bytes) return too_long(max_bytes);
    out.append(piece.data(), to.pos);
    if (from.pos == from.size && to.pos < to.size) break;
  }
  if (left != 0) return broken("zstd");
  return out;
}

}  // namespace

core::Result<std::string> decode_content(std::string_view coding, std::string body, std::size_t max_bytes) {
  std::string name(coding);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (name.empty() || name == "identity") {
    if (body.size() > max_bytes) return too_long(max_bytes);
    return body;
  }
  if (name == "gzip" || name == "x-gzip") return inflate_all(body, MAX_WBITS + 16, "gzip", max_bytes);
  if (name == "deflate") return inflate_deflate(body, max_bytes);
  if (name == "zstd") return decode_zstd(body, max_bytes);
  return core::Error{core::ErrorCode::kUnsupported, "Content-Encoding is none of gzip, deflate, zstd, identity"};
}

}  // namespace tocsin::http
