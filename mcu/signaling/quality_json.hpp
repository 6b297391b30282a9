// Figures of paths, as the API writes them. What is not known is left out.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "mcu/quality/diagnosis.hpp"
#include "mcu/quality/sample.hpp"

namespace parley::signaling {

// A path of a participant that is known already; without addresses, which are the administrator's business.
boost::json::object path_json(const quality::Sample& sample);
boost::json::object to_json(const quality::Trouble& trouble);

// A page of the log: `{"rows": [...], "before"?}`. `rows`: with their ids, newest first.
std::string quality_page(std::span<const std::pair<std::int64_t, quality::Sample>> rows, bool more);

}  // namespace parley::signaling
