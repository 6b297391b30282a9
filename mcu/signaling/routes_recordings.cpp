// Recording a room; the recordings there are: listing, fetching (whole or by range, also while they grow),
// links.
#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <ctime>

#include "mcu/signaling/json_body.hpp"
#include "mcu/signaling/problem.hpp"
#include "mcu/signaling/query.hpp"
#include "mcu/signaling/routes.hpp"
#include "mcu/signaling/token.hpp"
#include "transport/base/ids.hpp"

namespace parley::signaling {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMaxLinkSeconds = 30 * 86'400;
constexpr std::size_t kMaxPage = 500;

const char* code_of(int status) {
  switch (status) {
    case 404:
      return "not-found";
    case 409:
      return "conflict";
    case 413:
      return "too-large";
    case 507:
      return "no-space";
    case 500:
      return "internal";
    default:
      return "unavailable";
  }
}
Response refusal(const Error& error) {
  const int status = error.code >= 400 && error.code < 600 ? error.code : 503;
  return problem(status, code_of(status), error.what);
}

// --- Lists

std::optional<Response> read_query(const Request& request, RecordingQuery& query) {
  for (const auto& [name, value] : request.query) {
    if (name == "room") {
      query.room = value;
    } else if (name == "state") {
      query.state = value;
    } else if (name == "from" || name == "to") {
      const auto at = query_moment(value);
      if (!at)
        return problem(400, "bad-value", name + " is a date, a time in UTC or milliseconds since 1970");
      (name == "from" ? query.from_ms : query.to_ms) = at;
    } else if (name == "limit" || name == "offset") {
      const auto count = query_number(value);
      if (!count || (name == "limit" && *count > static_cast<std::int64_t>(kMaxPage)))
        return problem(400, "bad-value", name + " is a whole number; limit is at most 500");
      (name == "limit" ? query.limit : query.offset) = static_cast<std::size_t>(*count);
    } else {
      return problem(400, "bad-value", "there is no filter of this name: " + name);
    }
  }
  return std::nullopt;
}

void answer_text(const Reply& reply, const Result<std::string>& text) {
  if (!text) return reply(refusal(text.error()));
  if (text->empty()) return reply(done_or_problem(Done{}));
  reply(json_response(200, *text));
}

// --- Files

struct Range {
  std::uint64_t at = 0, size = 0;
};
// RFC 9110 section 14: one range; several, or another unit, count as none. Nothing: outside the file.
std::optional<Range> range_of(const Request& request, const RecordingBody& body, bool& partial) {
  const Range all{0, body.source->size};
  const auto text = request.header(http::field::range);
  const auto condition = request.header(http::field::if_range);
  constexpr std::string_view kUnit = "bytes=";
  const auto dash = text.find('-');
  if (!body.seekable || !text.starts_with(kUnit) || dash == std::string::npos ||
      text.find(',') != std::string::npos)
    return all;
  if (!condition.empty() && condition != '"' + body.checksum + '"') return all;
  const auto first = std::string_view(text).substr(kUnit.size(), dash - kUnit.size());
  const auto last = std::string_view(text).substr(dash + 1);
  const auto from = query_number(first), to = query_number(last);
  if ((!first.empty() && !from) || (!last.empty() && !to) || (!from && !to)) return all;
  if (from && to && *to < *from) return all;  // invalid, which is to be ignored
  partial = true;
  const auto size = body.source->size;
  if (!from) {
    const auto tail = std::min(size, static_cast<std::uint64_t>(*to));
    return tail == 0 ? std::nullopt : std::optional(Range{size - tail, tail});
  }
  const auto begin = static_cast<std::uint64_t>(*from);
  const auto end = to ? std::min(size, static_cast<std::uint64_t>(*to) + 1) : size;
  if (begin >= size || end <= begin) return std::nullopt;
  return Range{begin, end - begin};
}

Response file_response(const Request& request, const RecordingBody& body) {
  bool partial = false;
  const auto range = range_of(request, body, partial);
  const auto size = std::to_string(body.source->size);
  if (!range)
    return problem(416, "bad-value", "the range is outside the file")
        .with("Content-Range", "bytes */" + size);
  Response response;
  response.status = partial ? 206 : 200;
  response.content_type = body.content_type;
  response.source = body.source;
  response.source_at = range->at;
  response.source_size = range->size;
  response.with("Accept-Ranges", body.seekable ? "bytes" : "none")
      .with("Content-Disposition", "attachment; filename=\"" + body.file_name + "\"");
  if (!body.checksum.empty()) response.with("ETag", '"' + body.checksum + '"');
  if (partial) {
    response.with("Content-Range", "bytes " + std::to_string(range->at) + "-" +
                                       std::to_string(range->at + range->size - 1) + "/" + size);
  }
  return response;
}

// Text from strangers is in it, escaped; opened by itself it may do nothing but be seen.
Response picture_response(const std::string& svg) {
  Response response;
  response.status = 200;
  response.content_type = "image/svg+xml";
  response.body = svg;
  return response.with("Content-Security-Policy", "default-src 'none'; sandbox");
}

// --- Links: a path, good until a moment, signed

std::int64_t seconds_now() {
  return static_cast<std::int64_t>(std::time(nullptr));
}

class Links {
 public:
  // Without keys in the configuration links last as long as this process.
  explicit Links(const Context& context) : context_(context), own_key_(random_token(32)) {}

  std::string make(const std::string& path, std::int64_t expires) const {
    return path + "?expires=" + std::to_string(expires) + "&signature=" + signature(path, expires);
  }
  bool admits(const Request& request) const {
    const auto expires = query_number(request.query_value("expires"));
    const auto given = request.query_value("signature");
    if (!expires || *expires < seconds_now() || given.empty()) return false;
    // A link to a recording is one to all that is in it.
    constexpr std::size_t kRecording = 4;  // api, v1, recordings, the id
    std::string path;
    for (std::size_t i = 0; i < request.path.size(); ++i) {
      path += "/" + request.path[i];
      if (i + 1 != kRecording && i + 1 != request.path.size()) continue;
      if (equal_constant_time(given, signature(path, *expires))) return true;
    }
    return false;
  }

 private:
  std::string signature(const std::string& path, std::int64_t expires) const {
    const auto& settings = context_.settings;
    const auto& key = !settings.admin_key.empty()   ? settings.admin_key
                      : !settings.token_key.empty() ? settings.token_key
                                                    : own_key_;
    return hmac_hex("recording-link\n" + path + "\n" + std::to_string(expires), key);
  }
  const Context& context_;
  const std::string own_key_;
};

Response link(const Links& links, const Request& request) {
  JsonBody body(request);
  const auto file = body.optional_text("file").value_or("mixdown");
  const auto seconds = body.optional_integer("expires_s").value_or(86'400);
  if (auto refused = body.finish()) return *refused;
  if (seconds < 1 || seconds > kMaxLinkSeconds)
    return problem(400, "bad-value", "expires_s is at most 30 days");
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.';
  };
  const auto& id = request.variable("id");
  if (!std::all_of(file.begin(), file.end(), plain) || file.empty() ||
      !std::all_of(id.begin(), id.end(), plain))
    return problem(404, "not-found", "there is no such file");
  const bool whole = file == "mixdown" || file == "zip" || file == "waveform";
  const auto rest = file == "all" ? std::string() : whole ? "/" + file : "/tracks/" + file;
  const auto path = "/api/v1/recordings/" + id + rest;
  const auto expires = seconds_now() + seconds;
  return json_response(
      200, json::serialize(json::object{{"path", links.make(path, expires)}, {"expires", expires}}));
}

}  // namespace

void add_recording_routes(Context& context) {
  auto* recordings = context.ports.recordings;
  if (recordings == nullptr) return;
  const Policy admin{Access::admin, Body::none}, moderator{Access::moderator, Body::none};
  const std::string room = "/api/v1/rooms/{room}/recording", all = "/api/v1/recordings", one = all + "/{id}";
  const auto links = std::make_shared<Links>(context);

  context.router.add(http::verb::post, room + "/start", moderator, [recordings](const Request& request) {
    const auto id = recordings->start(request.variable("room"));
    if (!id) return refusal(id.error());
    return json_response(201, json::serialize(json::object{{"id", *id}}))
        .with("Location", "/api/v1/recordings/" + *id);
  });
  context.router.add(http::verb::post, room + "/stop", moderator, [recordings](const Request& request) {
    const auto stopped = recordings->stop(request.variable("room"));
    return stopped ? done_or_problem(Done{}) : refusal(stopped.error());
  });
  context.router.add(http::verb::get, all, admin, [recordings](const Request& request, const Reply& reply) {
    RecordingQuery query;
    if (auto refused = read_query(request, query)) return reply(*refused);
    recordings->list(query, [reply](const Result<std::string>& text) { answer_text(reply, text); });
  });
  const auto refused = [&context, links](const Request& request) {
    return links->admits(request) ? std::nullopt
                                  : context.gate.refuse_access(Access::admin, request, Moment::now());
  };
  context.router.add(http::verb::get, one, Policy{Access::open, Body::none},
                     [recordings, refused](const Request& request, const Reply& reply) {
                       if (const auto why = refused(request)) return reply(*why);
                       recordings->show(request.variable("id"), [reply](const Result<std::string>& text) {
                         answer_text(reply, text);
                       });
                     });
  context.router.add(http::verb::get, one + "/waveform", Policy{Access::open, Body::none},
                     [recordings, refused](const Request& request, const Reply& reply) {
                       if (const auto why = refused(request)) return reply(*why);
                       recordings->picture(request.variable("id"), [reply](const Result<std::string>& svg) {
                         reply(svg ? picture_response(*svg) : refusal(svg.error()));
                       });
                     });
  context.router.add(
      http::verb::delete_, one, admin, [recordings](const Request& request, const Reply& reply) {
        recordings->remove(request.variable("id"),
                           [reply](const Result<std::string>& text) { answer_text(reply, text); });
      });
  context.router.add(http::verb::post, one + "/link", Policy{Access::admin, Body::json},
                     [links](const Request& request) { return link(*links, request); });

  const auto file_route = [&](const std::string& path, auto name) {
    context.router.add(http::verb::get, path, Policy{Access::open, Body::none},
                       [recordings, refused, name](const Request& request, const Reply& reply) {
                         if (const auto why = refused(request)) return reply(*why);
                         recordings->open(
                             request.variable("id"), name(request),
                             [reply, request](const Result<RecordingBody>& body) {
                               reply(body ? file_response(request, *body) : refusal(body.error()));
                             });
                       });
  };
  file_route(one + "/mixdown", [](const Request&) { return std::string("mixdown.opus"); });
  file_route(one + "/zip", [](const Request&) { return std::string("zip"); });
  file_route(one + "/tracks/{track}", [](const Request& r) { return "tracks/" + r.variable("track"); });
}

}  // namespace parley::signaling
