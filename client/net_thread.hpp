// The network thread that sessions share: one Asio loop, one thread named "net". A command line has one
// session on it, a scenario test or a benchmark dozens.
//
// Threads: construct and destroy on any thread but "net"; destroy it after the sessions that use it.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <thread>

namespace parley::dtls {
class Identity;
}

namespace parley::client {

class NetThread {
 public:
  explicit NetThread(const std::string& name = "net");
  ~NetThread();
  NetThread(const NetThread&) = delete;
  NetThread& operator=(const NetThread&) = delete;

  boost::asio::io_context& context() { return context_; }
  // The certificate of its sessions, made when it is first asked for; none if OpenSSL could not. "net" only.
  const dtls::Identity* identity();
  bool is_current() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  std::unique_ptr<dtls::Identity> identity_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_alive_;
  std::thread thread_;
};

}  // namespace parley::client
