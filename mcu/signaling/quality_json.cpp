#include "mcu/signaling/quality_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>

#include "mcu/signaling/wire.hpp"

namespace parley::signaling {
namespace {

namespace json = boost::json;

void put(json::object& out, const char* key, double value) {
  if (value >= 0) out[key] = json_number(std::round(value * 1'000) / 1'000);
}

json::object direction_json(const DirectionQuality& one) {
  json::object out;
  put(out, "loss", one.loss);
  put(out, "recovered", one.recovered);
  put(out, "jitter_ms", one.jitter_ms);
  put(out, "kbps", one.kbps);
  put(out, "delay_ms", one.delay_ms);
  put(out, "target_ms", one.target_ms);
  put(out, "concealed_ms", one.concealed_ms);
  put(out, "mos", one.mos);
  return out;
}

}  // namespace

json::object path_json(const quality::Sample& sample) {
  json::object out{{"at_ms", sample.at_ms}, {"path", sample.path}};
  if (!sample.peer.empty()) out["peer"] = sample.peer;
  put(out, "round_trip_ms", sample.round_trip_ms);
  out["uplink"] = direction_json(sample.uplink);
  out["downlink"] = direction_json(sample.downlink);
  return out;
}

json::object to_json(const quality::Trouble& trouble) {
  json::object out{{"direction", trouble.direction},
                   {"cause", trouble.cause},
                   {"hurts", trouble.hurts},
                   {"text", trouble.text}};
  if (!trouble.participant.empty()) {
    out["participant"] = trouble.participant;
    out["name"] = trouble.name;
  }
  return out;
}

std::string quality_page(std::span<const std::pair<std::int64_t, quality::Sample>> rows, bool more) {
  json::array list;
  for (const auto& [id, sample] : rows) {
    auto row = path_json(sample);
    row["room"] = sample.room;
    row["participant"] = sample.participant;
    row["name"] = sample.name;
    if (!sample.local.empty()) row["local"] = sample.local;
    if (!sample.remote.empty()) row["remote"] = sample.remote;
    list.push_back(std::move(row));
  }
  json::object page{{"rows", std::move(list)}};
  if (more && !rows.empty()) page["before"] = rows.back().first;
  return json::serialize(page);
}

}  // namespace parley::signaling
