// From the rooms' values to messages on the wire.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "mcu/room/calls.hpp"
#include "mcu/room/events.hpp"
#include "mcu/room/types.hpp"
#include "transport/base/result.hpp"
#include "transport/protocol/messages.hpp"

namespace parley::signaling {

protocol::Role to_wire(room::Role role);
protocol::Participant to_wire(const room::ParticipantInfo& info);
protocol::Joined to_wire(const room::Joined& joined);
protocol::Registered to_wire(const room::Registered& registered);
protocol::ServerBody to_wire(const room::Event& event);
protocol::Failure to_failure(const Error& refusal);

// Whole numbers without a fraction or exponent ("0", where a double would be written as "0E0").
boost::json::value json_number(double value);

// For the API: the same members as on the WebSocket.
boost::json::object to_json(const room::ParticipantInfo& info);
boost::json::object to_json(const room::RoomInfo& info);
boost::json::object to_json(const room::CallInfo& info);

}  // namespace parley::signaling
