#include "transport/dtls/datagram_bio.hpp"

#include <algorithm>
#include <cstring>

#include "transport/dtls/session.hpp"

namespace parley::dtls {
namespace {

constexpr long kIpv4AndUdpHeaders = 28;

DatagramPort& port_of(BIO* bio) {
  return *static_cast<DatagramPort*>(BIO_get_data(bio));
}

int write_datagram(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  port_of(bio).write(Bytes(reinterpret_cast<const std::uint8_t*>(data), size));
  *written = size;  // UDP gives no other answer
  return 1;
}

int read_datagram(BIO* bio, char* out, std::size_t room, std::size_t* read) {
  BIO_clear_retry_flags(bio);
  Bytes& input = port_of(bio).input;
  if (input.empty()) {
    BIO_set_retry_read(bio);
    return 0;
  }
  *read = std::min(room, input.size());  // the rest of a datagram too long to be DTLS is lost, as on a socket
  std::memcpy(out, input.data(), *read);
  input = {};
  return 1;
}

long control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
      return static_cast<long>(port_of(bio).mtu);
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
      return kIpv4AndUdpHeaders;
    default:
      return 0;
  }
}

int create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagram");
  if (method == nullptr) return nullptr;
  BIO_meth_set_write_ex(method, write_datagram);
  BIO_meth_set_read_ex(method, read_datagram);
  BIO_meth_set_ctrl(method, control);
  BIO_meth_set_create(method, create);
  return method;
}

}  // namespace

void DatagramPort::write(Bytes records) {
  if (output.size() + records.size() > mtu) flush();
  output.insert(output.end(), records.begin(), records.end());
}

void DatagramPort::flush() {
  if (!output.empty()) sink.send_datagram(output);
  output = {};
}

BIO* new_datagram_bio(DatagramPort& port) {
  static const BIO_METHOD* method = make_method();  // lives as long as the process
  BIO* bio = method == nullptr ? nullptr : BIO_new(method);
  if (bio != nullptr) BIO_set_data(bio, &port);
  return bio;
}

}  // namespace parley::dtls
