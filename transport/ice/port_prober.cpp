#include "transport/ice/port_prober.hpp"

#include <algorithm>

namespace parley::ice {

ProbePlan plan_probes(PortMapping ours, PortMapping peers, bool by_chance) {
  ProbePlan plan;
  plan.predictions = PortProber::kPredictions;
  if (!by_chance || (ours == peers && ours != PortMapping::unknown)) return plan;
  const unsigned rest = PortProber::kMost - plan.predictions;
  const bool we_vary = ours == PortMapping::varying || peers == PortMapping::constant;
  const bool they_vary = peers == PortMapping::varying || ours == PortMapping::constant;
  plan.openings = we_vary ? rest : they_vary ? 0 : rest / 2;
  plan.random_ports = rest - plan.openings;
  return plan;
}

double chance_to_meet(unsigned mappings, unsigned ports) {
  double none = 1;
  for (unsigned i = 0; i < ports && none > 0; ++i) {
    const double left = PortProber::kPorts - i;
    none *= std::max(0.0, left - mappings) / left;
  }
  return 1 - none;
}

PortProber::PortProber(TimePoint at, const Address& known, const ProbePlan& plan, std::uint64_t seed)
    : known_(known),
      predictions_(std::min(plan.predictions, kMost)),
      openings_(std::min(plan.openings, kMost - predictions_)),
      random_ports_(std::min(plan.random_ports, kMost - predictions_ - openings_)),
      random_(static_cast<std::mt19937::result_type>(seed)),
      next_(at) {
  if (predictions_ + openings_ + random_ports_ == 0) next_ = TimePoint::max();
  tried_.set(known_.port);
}

std::optional<PortProber::Probe> PortProber::take(TimePoint at) {
  if (at < next_) return std::nullopt;
  next_ = at + kSpacing;
  std::optional<Probe> probe;
  if (predictions_ > 0) {
    if (--predictions_ == 0) next_ = at + kPause;
    if (const auto port = predicted()) probe = Probe{{known_.ip, *port}, false};
  } else {
    // By turns: whichever of the two comes first, the other one finds its way open.
    const bool opens = random_ports_ == 0 || (openings_ > 0 && opens_next_);
    opens_next_ = !opens;
    --(opens ? openings_ : random_ports_);
    probe = opens ? Probe{known_, true} : Probe{{known_.ip, drawn()}, false};
  }
  if (predictions_ + openings_ + random_ports_ == 0) next_ = TimePoint::max();
  return probe;
}

// Nothing where the ports end.
std::optional<std::uint16_t> PortProber::predicted() {
  step_ = step_ > 0 ? -step_ : 1 - step_;
  const int port = known_.port + step_;
  if (port <= 0 || port > 0xffff) return std::nullopt;
  tried_.set(static_cast<std::uint16_t>(port));
  return static_cast<std::uint16_t>(port);
}

// There are a hundred times as many as are tried.
std::uint16_t PortProber::drawn() {
  std::uniform_int_distribution<unsigned> any(kFirstPort, 0xffff);
  unsigned port = any(random_);
  while (tried_.test(port)) port = any(random_);
  tried_.set(port);
  return static_cast<std::uint16_t>(port);
}

}  // namespace parley::ice
