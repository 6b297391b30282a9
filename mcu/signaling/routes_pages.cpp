// The page that browsers join with: fixed files, handed in by whoever starts the server (Ports::files).
#include <array>
#include <cstdint>
#include <cstdio>

#include "mcu/signaling/routes.hpp"

namespace parley::signaling {
namespace {

// Script and style come from files of this server only, and nothing a stranger wrote becomes markup: a name
// or a chat line with a script in it stays text (and would not run).
constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src "
    "'self'; "
    "media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
    "'none'";

std::string_view type_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kTypes = {
      {{".html", "text/html; charset=utf-8"},
       {".js", "text/javascript; charset=utf-8"},
       {".css", "text/css; charset=utf-8"},
       {".svg", "image/svg+xml"},
       {".webmanifest", "application/manifest+json"}}};
  for (const auto& [suffix, type] : kTypes)
    if (name.ends_with(suffix)) return type;
  return "application/octet-stream";
}

std::string entity_tag(std::string_view body) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: tells versions apart, keeps no secret
  for (const char c : body) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "\"%016llx\"", static_cast<unsigned long long>(hash));
  return text.data();
}

void serve(Context& context, std::string_view path, const StaticFile& file) {
  const Policy anybody{Access::open, Body::none};
  const auto tag = entity_tag(file.body);
  const bool is_page = file.name.ends_with(".html");
  context.router.add(http::verb::get, path, anybody, [file, tag, is_page](const Request& request) {
    Response response;
    // The browser asks each time whether its copy is still good: a server that was updated has no stale
    // pages.
    response.with("ETag", tag).with("Cache-Control", "no-cache");
    if (is_page) {
      response.with("Content-Security-Policy", kContentSecurityPolicy)
          .with("Permissions-Policy", "microphone=(self), camera=(), geolocation=(), display-capture=()")
          .with("Cross-Origin-Opener-Policy", "same-origin");
    }
    if (request.header(http::field::if_none_match) == tag) {
      response.status = 304;
      return response;
    }
    response.content_type = std::string(type_of(file.name));
    response.body = std::string(file.body);
    return response;
  });
}

}  // namespace

void add_page_routes(Context& context) {
  for (const auto& file : context.ports.files) {
    const std::string name(file.name);
    if (name == "index.html") {
      serve(context, "/", file);
      serve(context, "/r/{room}", file);
    } else if (name.ends_with(".html")) {
      serve(context, "/" + name.substr(0, name.size() - 5), file);
    } else {
      serve(context, "/assets/" + name, file);
    }
  }
}

}  // namespace parley::signaling
