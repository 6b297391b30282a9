#include "mcu/signaling/greeter.hpp"

#include <boost/beast/core/detect_ssl.hpp>

#include "mcu/signaling/http_session.hpp"

namespace parley::signaling {

Greeter::Greeter(beast::tcp_stream tcp, std::shared_ptr<Context> context,
                 std::shared_ptr<ConnectionSlot> slot)
    : tcp_(std::move(tcp)), context_(std::move(context)), slot_(std::move(slot)) {
  context_->open.insert(this);
}
Greeter::~Greeter() {
  context_->open.erase(this);
}

void Greeter::start() {
  // Browsers open spare connections and say nothing on them: the first byte may take its time.
  tcp_->expires_after(context_->settings.idle_timeout);
  beast::async_detect_ssl(*tcp_, buffer_, [self = shared_from_this()](beast::error_code error, bool is_tls) {
    if (error) return;
    if (is_tls) return self->shake_hands();
    std::make_shared<HttpSession>(Stream(std::move(*self->tcp_)), self->context_, self->slot_,
                                  std::move(self->buffer_))
        ->start();
  });
}

void Greeter::shake_hands() {
  tls_.emplace(std::move(*tcp_), *context_->tls);
  beast::get_lowest_layer(*tls_).expires_after(context_->settings.header_timeout);
  tls_->async_handshake(boost::asio::ssl::stream_base::server, buffer_.data(),
                        [self = shared_from_this()](beast::error_code error, std::size_t used) {
                          if (error) return;
                          self->buffer_.consume(used);
                          std::make_shared<HttpSession>(Stream(std::move(*self->tls_)), self->context_,
                                                        self->slot_, std::move(self->buffer_))
                              ->start();
                        });
}

void Greeter::stop() {
  beast::error_code ignored;
  auto& tcp = tls_ ? beast::get_lowest_layer(*tls_) : *tcp_;
  tcp.socket().close(ignored);
}

}  // namespace parley::signaling
